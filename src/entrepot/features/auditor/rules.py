"""What has to be so, decided from what was read."""

from collections.abc import Sequence

from entrepot.core.clock import SECOND, Clock
from entrepot.core.digest import Digest
from entrepot.core.manifest import Manifest, ManifestInvalid, parse_manifest
from entrepot.features.auditor.evidence import (
    BlobEvidence,
    ImageEvidence,
    LinkEvidence,
    ManifestEvidence,
    ReferenceRow,
)
from entrepot.features.auditor.findings import Finding, Kind

#: For so long nobody else takes over from an auditor that says nothing. It says something three times as often.
LEASE = 30 * SECOND


def judge_image(image: ImageEvidence, *, sparse: bool) -> list[Finding]:
    """What is wrong with an image's rows; where manifests may be ``sparse``, what they name may be absent."""
    found: list[Finding] = []
    if image.content is None:
        found.append(Finding(Kind.MANIFEST_MISSING, image.subject, "its manifest is not there"))
    if image.place is None:
        return found
    if image.tags != image.tag_count:
        detail = f"it has {image.tags} tags, and {image.tag_count} are counted"
        found.append(Finding(Kind.TAG_COUNT, image.subject, detail))
    if not sparse:
        found += _missing(image, ("config", "layer"), Kind.LAYER_MISSING)
        found += _missing(image, ("child",), Kind.CHILD_MISSING)
    return found


def _missing(image: ImageEvidence, kinds: Sequence[str], kind: Kind) -> list[Finding]:
    missing = dict.fromkeys(row.digest for row in image.references if row.kind in kinds and row.found_size is None)
    return [Finding(kind, image.subject, f"it names {', '.join(missing)}")] if missing else []


def judge_manifest_bytes(image: ImageEvidence, content: bytes, *, sparse: bool) -> list[Finding]:
    """What is wrong with a manifest, in plain as it was sent, and with the rows that were made from it."""
    algorithm = Digest.parse(image.digest).algorithm
    actual = Digest.of(content, algorithm)
    if str(actual) != image.digest:
        return [Finding(Kind.MANIFEST_DAMAGED, image.subject, f"its bytes have the digest {actual}")]
    try:
        manifest = parse_manifest(content, image.media_type, algorithm)
    except ManifestInvalid as error:
        return [Finding(Kind.IMAGE_DIFFERS, image.subject, f"its manifest: {error.message}")]
    found: list[Finding] = []
    if different := _differences(image, manifest, len(content), sparse=sparse):
        found.append(Finding(Kind.IMAGE_DIFFERS, image.subject, ", ".join(different)))
    named = [(each.kind, str(each.digest), each.size) for each in manifest.references]
    rows = [(row.kind, row.digest, row.size) for row in image.references]
    if named != rows:
        detail = f"{len(rows)} rows are not the {len(named)} descriptors of its manifest"
        found.append(Finding(Kind.REFERENCES_DIFFER, image.subject, detail))
    return found


def _differences(image: ImageEvidence, manifest: Manifest, manifest_size: int, *, sparse: bool) -> list[str]:
    """Columns that do not say what the manifest says."""
    expected: dict[str, object] = {
        "media_type": manifest.media_type,
        "artifact_type": manifest.artifact_type,
        "config_media_type": manifest.config_media_type,
        "subject_digest": str(manifest.subject) if manifest.subject else None,
        "manifest_size": manifest_size,
    }
    if image.key_of_repository is not None:
        expected["encryption_key"] = image.key_of_repository
    if not sparse and (size := _size_of(image.references)) is not None:
        expected["size"] = size
    return [
        f"{name} is {getattr(image, name)!r} and not {value!r}"
        for name, value in expected.items()
        if getattr(image, name) != value
    ]


def _size_of(references: Sequence[ReferenceRow]) -> int | None:
    """imageSizeInBytes: the sum of config and layers, or the largest child; None if one of them is not there."""
    counted = {row.digest: row for row in references if row.kind != "foreign"}.values()
    sizes = [row.found_size for row in counted if row.found_size is not None]
    if len(sizes) < len(counted):
        return None
    return max(sizes) if any(row.kind == "child" for row in counted) else sum(sizes)


def judge_manifest(manifest: ManifestEvidence) -> list[Finding]:
    """A manifest goes with its last image."""
    if manifest.has_image:
        return []
    key = f" under {manifest.encryption_key}" if manifest.encryption_key else ""
    return [Finding(Kind.MANIFEST_UNUSED, f"{manifest.digest}{key}", "no image has this manifest")]


def judge_link(link: LinkEvidence) -> list[Finding]:
    """A layer that nobody needs is waited for; and a repository has what its own key protects."""
    found: list[Finding] = []
    if link.is_deleted:
        return found
    if link.due_at is None and not link.is_named:
        detail = "no image names this layer, and nobody is to look at it"
        found.append(Finding(Kind.LINK_UNQUEUED, link.subject, detail))
    if link.key_of_blob != link.key_of_repository:
        of_blob, of_repository = link.key_of_blob or "AES256", link.key_of_repository or "AES256"
        detail = f"the blob is under {of_blob}, the repository under {of_repository}"
        found.append(Finding(Kind.LINK_OF_OTHER_KEY, link.subject, detail))
    return found


def judge_blob(blob: BlobEvidence) -> list[Finding]:
    """A blob is in a repository, and its bytes are its own."""
    found: list[Finding] = []
    if not blob.has_link:
        found.append(Finding(Kind.BLOB_UNLINKED, blob.subject, "no repository has this blob"))
    if blob.is_buried:
        found.append(Finding(Kind.KEY_BURIED, blob.subject, "its bytes are to be removed"))
    if blob.others:
        found.append(Finding(Kind.KEY_SHARED, blob.subject, f"its bytes are also those of {blob.others} more"))
    return found


class Pace:
    """Keeps to a rate: so many units (rows, bytes) a second, on average since it began; None is any number."""

    def __init__(self, rate: int | None, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._since = clock()
        self._spent = 0

    def spend(self, units: int) -> float:
        """Units that were used up just now: for how many seconds to wait, then.

        Time in which nothing was used is not saved up beyond a second.
        """
        if self._rate is None:
            return 0.0
        now = self._clock()
        self._spent += units
        ahead = self._since + self._spent * SECOND // self._rate - now
        if ahead < -SECOND:
            self._since, self._spent, ahead = now, 0, 0
        return max(0, ahead) / SECOND
