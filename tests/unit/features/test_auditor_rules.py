"""What the auditor decides from what it has read."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.clock import SECOND
from entrepot.core.digest import Digest
from entrepot.core.media_types import OCI_INDEX, OCI_MANIFEST
from entrepot.features.auditor.evidence import BlobEvidence, ImageEvidence, LinkEvidence, ReferenceRow
from entrepot.features.auditor.findings import Kind
from entrepot.features.auditor.rules import Pace, judge_blob, judge_image, judge_link, judge_manifest_bytes
from entrepot.testing.registry import SettableClock

CONFIG, LAYER = (f"sha256:{digit * 64}" for digit in "12")


def descriptor(digest: str, size: int, media_type: str = "x/y") -> dict[str, object]:
    """What a manifest says of something."""
    return {"mediaType": media_type, "digest": digest, "size": size}


CONTENT = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(CONFIG, 1, "a/config"),
        "layers": [descriptor(LAYER, 2), descriptor(LAYER, 2)],
    }
).encode()
IMAGE = ImageEvidence(
    id=1,
    place="000000000000/us-east-1/app",
    digest=str(Digest.of(CONTENT)),
    encryption_key="",
    key_of_repository="",
    media_type=OCI_MANIFEST,
    artifact_type="a/config",
    config_media_type="a/config",
    subject_digest=None,
    size=3,
    manifest_size=len(CONTENT),
    tag_count=1,
    tags=1,
    content=CONTENT,
    wrapped=None,
    references=(
        ReferenceRow("config", CONFIG, 1, 1),
        ReferenceRow("layer", LAYER, 2, 2),
        ReferenceRow("layer", LAYER, 2, 2),
    ),
)
LINK = LinkEvidence(
    1, 1, "app", LAYER, None, is_named=True, key_of_repository="", key_of_blob="", is_deleted=False
)
BLOB = BlobEvidence(1, LAYER, "", 1, "k", is_encrypted=False)


def kinds(image: ImageEvidence, *, sparse: bool = False) -> list[Kind]:
    """What is found of an image."""
    found = judge_image(image, sparse=sparse)
    if image.content is not None:
        found = found + judge_manifest_bytes(image, image.content, sparse=sparse)
    return [each.kind for each in found]


def test_an_image_as_it_has_to_be() -> None:
    """Has no finding; a layer that it names twice counts once."""
    assert kinds(IMAGE) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (replace(IMAGE, content=None), [Kind.MANIFEST_MISSING]),
        (replace(IMAGE, content=CONTENT + b" "), [Kind.MANIFEST_DAMAGED]),
        (replace(IMAGE, tags=2), [Kind.TAG_COUNT]),
        (replace(IMAGE, size=5), [Kind.IMAGE_DIFFERS]),
        (replace(IMAGE, manifest_size=5), [Kind.IMAGE_DIFFERS]),
        (replace(IMAGE, media_type=OCI_INDEX), [Kind.IMAGE_DIFFERS]),
        (replace(IMAGE, artifact_type=None), [Kind.IMAGE_DIFFERS]),
        (replace(IMAGE, subject_digest=LAYER), [Kind.IMAGE_DIFFERS]),
        (replace(IMAGE, key_of_repository="KMS arn"), [Kind.IMAGE_DIFFERS]),
        (replace(IMAGE, references=IMAGE.references[:2]), [Kind.REFERENCES_DIFFER]),
        (
            replace(IMAGE, references=(replace(IMAGE.references[0], found_size=None), *IMAGE.references[1:])),
            [Kind.LAYER_MISSING],
        ),
    ],
)
def test_an_image_that_is_not_as_it_has_to_be(changed: ImageEvidence, expected: list[Kind]) -> None:
    """Each column and each row that is wrong is one finding."""
    assert kinds(changed) == expected


def test_what_is_deleted_keeps_its_manifest_alone() -> None:
    """Its tags and layers go by and by."""
    gone = replace(IMAGE, place=None, key_of_repository=None, tags=0)

    assert kinds(gone) == []
    assert kinds(replace(gone, content=None)) == [Kind.MANIFEST_MISSING]


def test_where_manifests_may_be_sparse_layers_and_size_are_anything() -> None:
    """For they are those of what was there."""
    sparse = replace(IMAGE, size=1, references=tuple(replace(row, found_size=None) for row in IMAGE.references))

    assert kinds(sparse, sparse=True) == []
    assert kinds(sparse) == [Kind.LAYER_MISSING]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (LINK, []),
        (replace(LINK, is_named=False), [Kind.LINK_UNQUEUED]),
        (replace(LINK, is_named=False, due_at=7), []),
        (replace(LINK, is_named=False, is_deleted=True), []),
        (replace(LINK, key_of_blob="KMS arn"), [Kind.LINK_OF_OTHER_KEY]),
    ],
)
def test_a_link_is_named_or_waits(link: LinkEvidence, expected: list[Kind]) -> None:
    """And is to a blob of the repository's own key; that of a deleted repository is anything."""
    assert [each.kind for each in judge_link(link)] == expected


def test_a_blob_is_linked_and_alone_with_its_bytes() -> None:
    """Whatever else names its storage key would take them away."""
    wrong = replace(BLOB, has_link=False, is_buried=True, others=1)

    assert judge_blob(BLOB) == []
    assert [each.kind for each in judge_blob(wrong)] == [Kind.BLOB_UNLINKED, Kind.KEY_BURIED, Kind.KEY_SHARED]


@given(st.lists(st.tuples(st.integers(1, 5_000), st.integers(0, 500_000)), min_size=1), st.integers(1, 10_000))
def test_a_pace_is_kept(spent: list[tuple[int, int]], rate: int) -> None:
    """Whoever waits as told never uses up more than the rate in all the time, and a second's worth."""
    clock = SettableClock(0)
    pace = Pace(rate, clock)
    used = 0
    for units, took in spent:
        clock.advance(took)
        used += units
        clock.advance(round(pace.spend(units) * SECOND) + 1)

        assert used <= rate * (clock.now / SECOND + 1) + 1


def test_without_a_rate_nobody_waits() -> None:
    """However much is used up."""
    assert Pace(None, SettableClock()).spend(10**12) == 0
