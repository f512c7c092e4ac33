"""A store with a few thousand rows in every table, placed where a statement with the wrong plan has far to go."""

from collections.abc import Iterator, Mapping

import msgspec
from sqlalchemy import Connection, Table, insert, text

from entrepot.core.partitions import RegistryId
from entrepot.features.pull_through.rule import Upstream
from entrepot.features.templates.template import TemplateSettings
from entrepot.metadata import tables

REGISTRY = RegistryId("000000000000", "us-east-1")
OTHER_REGISTRY = RegistryId("111111111111", "us-east-1")
NOW = 2_000_000_000_000_000
DAY = 86_400_000_000

#: Repositories by id. The images of the first three have their ids in turn, so that a range of ids holds all three.
TAGGED, UNTAGGED, REFERRED, DETACHED = 1, 2, 3, 4
REPOSITORIES = 3_000
IMAGES = 2_000
#: In TAGGED only the last image has no tag, in UNTAGGED only the last has one, in REFERRED only the last is an SBOM.
LAST = {TAGGED: 3 * IMAGES - 2, UNTAGGED: 3 * IMAGES - 1, REFERRED: 3 * IMAGES}
#: As many images of each repository are gone already, but not drained.
GONE = 20
#: From this one so many images are deleted, and kept in their window.
WAITING, KEPT = 5, 2_000
#: When every link is to be looked at: for half of them the lease is over then.
QUEUED_AT = NOW - DAY
BASE_LAYER, INDEX, SUBJECT = f"sha256:{7:064x}", f"sha256:{8:064x}", f"sha256:{9:064x}"
#: Who has the policy POLICY: the last principals, of which there are few.
HOLDERS = 5
POLICY, RARE_POLICY = "arn:aws:iam::000000000000:policy/p00000", "arn:aws:iam::000000000000:policy/p00002"
SIGNATURE, SBOM = "application/vnd.example.signature", "application/vnd.example.sbom"

Row = Mapping[str, object]


def digest(number: int) -> str:
    """A digest that differs by its number alone."""
    return f"sha256:{number + 100:064x}"


def fill(connection: Connection) -> None:
    """Insert everything, then let the database count it."""
    for table, rows in _everything():
        connection.execute(insert(table), list(rows))
    for sequence in ("repositories", "blobs", "images"):
        if connection.dialect.name == "postgresql":  # its own numbers go on behind ours
            connection.execute(text(f"SELECT setval('{sequence}_id_seq', 1000000)"))
    connection.execute(text("ANALYZE"))


def _everything() -> Iterator[tuple[Table, Iterator[Row]]]:
    yield tables.repositories, _repositories()
    yield tables.resource_tags, _keyed("repository_id", {"key": "team", "value": "a"})
    yield tables.repository_documents, _keyed("repository_id", {"kind": "policy", "document": "{}", "set_at": 0})
    yield tables.registry_documents, _of_registries({"kind": "policy", "document": "{}", "set_at": 0})
    yield tables.creation_templates, _prefixes(settings=TemplateSettings(applied_for=()))
    yield (
        tables.pull_through_rules,
        _prefixes(upstream=Upstream(registry="quay", url="quay.io", repository_prefix="ROOT")),
    )
    yield tables.pull_time_exclusions, _of_registries({"principal_arn": "arn:aws:iam::1:role/x", "created_at": 0})
    yield tables.blobs, _blobs()
    yield tables.repository_layers, _layers()
    yield tables.uploads, _uploads()
    yield tables.data_keys, _data_keys()
    yield tables.encrypted_segments, _segments()
    yield tables.multiparts, _multiparts()
    yield tables.multipart_parts, _multipart_parts()
    yield tables.tombstones, _tombstones()
    yield tables.manifests, _manifests()
    yield tables.images, _images()
    yield tables.images, _kept_images()
    yield tables.image_references, _references()
    yield tables.image_tags, _tags()
    yield tables.tag_history, _history()
    yield tables.audit_records, _records()
    yield tables.iam_principals, _principals()
    yield tables.access_keys, _access_keys()
    yield tables.iam_policies, _policies()
    yield tables.iam_policy_versions, _policy_versions()
    yield (
        tables.iam_inline_policies,
        _of_principals({"name": "push", "document": "{}"}, {"name": "pull", "document": "{}"}),
    )
    yield tables.iam_attachments, _attachments()
    yield tables.oidc_providers, _providers()


def _repositories() -> Iterator[Row]:
    for number in range(1, REPOSITORIES + 1):
        yield {
            "id": number,
            "account": REGISTRY.account if number % 2 or number <= DETACHED else OTHER_REGISTRY.account,
            "region": REGISTRY.region,
            "name": None if number == DETACHED else f"r{number:05}",
            "created_at": 0,
            "tag_mutability": "MUTABLE",
            "tag_mutability_exclusions": "[]",
            "scan_on_push": False,
            "encryption_type": "AES256",
            "detached_at": 1 if number == DETACHED else None,
            "deleted_name": "gone" if number == DETACHED else None,
        }


def _keyed(column: str, row: Row) -> Iterator[Row]:
    for number in range(1, REPOSITORIES + 1):
        yield {column: number, **row}


def _of_registries(row: Row) -> Iterator[Row]:
    for number in range(REPOSITORIES):
        yield {"account": f"{number:012}", "region": REGISTRY.region, **row}


def _prefixes(**content: object) -> Iterator[Row]:
    for number in range(REPOSITORIES):
        account, prefix = (REGISTRY, OTHER_REGISTRY)[number % 2].account, f"p{number:05}"
        document = msgspec.json.encode({"prefix": prefix, **content}).decode()
        key: Row = {"account": account, "region": REGISTRY.region, "prefix": prefix}
        yield {**key, "document": document, "created_at": 0, "updated_at": 0}


def _blobs() -> Iterator[Row]:
    for number in range(1, 3 * IMAGES + 1):
        key: Row = {"id": number, "digest": BASE_LAYER if number == 1 else digest(number), "encryption_key": ""}
        yield {**key, "size": 1, "storage_key": f"k{number}", "stored_at": 0}
    for number in range(IMAGES):  # as many KMS keys have the base layer too
        key = {"id": 3 * IMAGES + 1 + number, "digest": BASE_LAYER, "encryption_key": f"KMS {number}"}
        yield {**key, "size": 1, "storage_key": f"e{number}", "stored_at": 0}


def _data_keys() -> Iterator[Row]:
    for number in range(REPOSITORIES):
        yield {"storage_key": f"k{number:05}", "wrapped": b"wrapped", "epoch": 0}


def _segments() -> Iterator[Row]:
    for number in range(REPOSITORIES):
        place: Row = {"ends_at": 1, "stored_at": 0, "salt": b"salt"}
        yield {"storage_key": f"k{number:05}", "starts_at": 0, **place}


def _layers() -> Iterator[Row]:
    queued: Row = {"due_at": QUEUED_AT, "due_cause": "push"}
    for number in range(1, 3 * IMAGES + 1):
        times: Row = {"linked_at": 0, "lease_until": NOW if number % 2 else 0}
        yield {"repository_id": number % 3 + 1, "blob_id": number, **times, **queued}
    for number in range(DETACHED, REPOSITORIES + 1):
        yield {"repository_id": number, "blob_id": 1, "linked_at": 0, "lease_until": 0, **queued}


def _uploads() -> Iterator[Row]:
    for number in range(REPOSITORIES):
        yield {
            "id": f"u{number:05}",
            "repository_id": number % 4 + 1,
            "storage_key": f"k{number}",
            "size": 0,
            "epoch": 0,
            "parts": 0,
            "last_part_size": 0,
            "has_short_part": False,
            "created_at": 0,
            "touched_at": NOW if number > GONE else 0,
            "completed_digest": digest(number),
        }


def _multiparts() -> Iterator[Row]:
    for number in range(2_000):
        yield {
            "storage_key": f"k{number:05}",
            "epoch": 0,
            "revision": 0,
            "part_size": 8,
            "next_part": 1,
            "next_tail": 1,
            "tails": "[]",
        }


def _multipart_parts() -> Iterator[Row]:
    for key in ("k00039", "k00040", "k00041"):
        for number in range(1, 2_001):
            yield {"storage_key": key, "ends_at": 8 * number, "number": number, "etag": "etag"}


def _tombstones() -> Iterator[Row]:
    for number in range(REPOSITORIES):
        yield {"storage_key": f"t{number}", "size": 1, "cause": "image", "made_at": number}


def _manifests() -> Iterator[Row]:
    for number in range(1, 3 * IMAGES + 1):
        yield {"digest": digest(number), "encryption_key": "", "content": b"{}"}


def _images() -> Iterator[Row]:
    for number in range(1, 3 * IMAGES + 1):
        repository = (number - 1) % 3 + 1
        is_last, is_gone = number == LAST[repository], number <= 3 * GONE
        yield {
            "id": number,
            "repository_id": None if is_gone else repository,
            "detached_from": repository if is_gone else None,
            "detached_at": number if is_gone else None,
            "digest": digest(number),
            "encryption_key": "",
            "media_type": "application/vnd.oci.image.manifest.v1+json",
            "artifact_type": (SBOM if is_last else SIGNATURE) if repository == REFERRED else None,
            "subject_digest": SUBJECT if repository == REFERRED else None,
            "size": 0,
            "manifest_size": 2,
            "pushed_at": 0,
            "tag_count": _tag_count(number),
        }


def _kept_images() -> Iterator[Row]:
    """Each is deleted after all times that calls ask for, under a digest of one image that is there."""
    for number in range(KEPT):
        yield {
            "id": 3 * IMAGES + 1 + number,
            "detached_from": WAITING,
            "detached_at": NOW + 1 + number,
            "digest": digest(number + 1),
            "encryption_key": "",
            "media_type": "application/vnd.oci.image.manifest.v1+json",
            "size": 0,
            "manifest_size": 2,
            "pushed_at": 0,
            "tag_count": 0,
        }


def _tag_count(number: int) -> int:
    repository = (number - 1) % 3 + 1
    is_last = number == LAST[repository]
    return {TAGGED: 0 if is_last else 2, UNTAGGED: 1 if is_last else 0, REFERRED: 0}[repository]


def _references() -> Iterator[Row]:
    for number in range(1, 3 * IMAGES + 1):
        row: Row = {"image_id": number, "repository_id": (number - 1) % 3 + 1, "size": 1}
        yield {**row, "position": 0, "kind": "layer", "digest": BASE_LAYER}
        yield {**row, "position": 1, "kind": "layer", "digest": digest(number)}
    yield {
        "image_id": LAST[TAGGED],
        "position": 2,
        "repository_id": TAGGED,
        "kind": "child",
        "digest": INDEX,
        "size": 1,
    }


def _tags() -> Iterator[Row]:
    for number in range(1, 3 * IMAGES + 1):
        for which in range(_tag_count(number)):
            row: Row = {"image_id": number, "repository_id": (number - 1) % 3 + 1}
            yield {**row, "tag": f"t{number:05}-{which}", "moved_at": 0}


def _history() -> Iterator[Row]:
    for number in range(REPOSITORIES):
        row: Row = {"repository_id": number % 4 + 1, "tag": f"t{number}", "moved_by": "me"}
        yield {**row, "moved_at": number, "from_digest": None, "to_digest": digest(number)}
    for number in range(REPOSITORIES):
        row = {"repository_id": TAGGED, "tag": "latest", "moved_by": "me", "moved_at": REPOSITORIES + number}
        yield {**row, "from_digest": digest(number), "to_digest": digest(number + 1)}


def _records() -> Iterator[Row]:
    for number in range(REPOSITORIES):
        yield {
            "recorded_at": number,
            "request_id": "" if number % 10 == 0 else f"{number:016x}",
            "account": REGISTRY.account,
            "region": REGISTRY.region,
            "principal": "",
            "operation": "PutImage",
            "repository": "",
            "detail": "{}",
        }


def _account(number: int) -> str:
    return (REGISTRY, OTHER_REGISTRY)[number % 2].account


def _principals() -> Iterator[Row]:
    for number in range(REPOSITORIES):
        row: Row = {"folded_name": f"u{number:05}", "created_at": 0, "tags": "{}"}
        is_holder = number >= REPOSITORIES - HOLDERS
        yield {
            **row,
            "id": f"AIDA{number:05}",
            "account": _account(number),
            "kind": "role" if number % 4 == 0 else "user",
            "path": "/rare/" if is_holder else "/",
            "name": f"u{number:05}",
            "boundary": RARE_POLICY if is_holder else POLICY,
        }
        root: Row = {"path": "/", "name": "", "boundary": None}
        yield {
            **row,
            **root,
            "id": f"{number + 1:012}",
            "account": f"{number + 1:012}",
            "kind": "root",
            "folded_name": "",
        }


def _of_principals(*rows: Row) -> Iterator[Row]:
    for number in range(REPOSITORIES):
        for row in rows:
            yield {"principal_id": f"AIDA{number:05}", **row}


def _access_keys() -> Iterator[Row]:
    for number in range(REPOSITORIES):
        for which in "AB":
            yield {
                "id": f"AKIA{number:05}{which}",
                "principal_id": f"AIDA{number:05}",
                "account": _account(number),
                "sealed_secret": b"",
                "status": "Active",
                "created_at": 0,
            }


def _policies() -> Iterator[Row]:
    for number in range(REPOSITORIES):
        account, name = _account(number), f"p{number:05}"
        times: Row = {"created_at": 0, "updated_at": 0}
        versions: Row = {"default_version": 2, "latest_version": 2}
        arn = f"arn:aws:iam::{account}:policy/{name}"
        key: Row = {"arn": arn, "id": f"ANPA{number:05}", "account": account}
        yield {**key, **times, **versions, "path": "/", "name": name, "folded_name": name, "tags": "{}"}


def _policy_versions() -> Iterator[Row]:
    for number in range(REPOSITORIES):
        arn = f"arn:aws:iam::{_account(number)}:policy/p{number:05}"
        for version in (1, 2):
            yield {"policy_arn": arn, "version": version, "document": "{}", "created_at": 0}


def _attachments() -> Iterator[Row]:
    for number in range(REPOSITORIES):
        arn = RARE_POLICY if number >= REPOSITORIES - HOLDERS else POLICY
        own = f"arn:aws:iam::{_account(number)}:policy/p{number:05}"
        for policy in {arn, own}:
            yield {"principal_id": f"AIDA{number:05}", "policy_arn": policy, "account": _account(number)}


def _providers() -> Iterator[Row]:
    for number in range(REPOSITORIES):
        row: Row = {"client_ids": "[]", "thumbprints": "[]", "jwks": None, "created_at": 0, "tags": "{}"}
        account = f"{number // 2:012}"
        url = f"issuer{number}.example"
        yield {**row, "arn": f"arn:aws:iam::{account}:oidc-provider/{url}", "account": account, "url": url}
