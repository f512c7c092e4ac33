"""Every statement of every store, on both databases: it walks an index and stops, however much the store holds."""

import inspect
import json
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event
from tests.contract.store_of_thousands import (
    BASE_LAYER,
    DETACHED,
    GONE,
    INDEX,
    LAST,
    NOW,
    OTHER_REGISTRY,
    POLICY,
    QUEUED_AT,
    RARE_POLICY,
    REFERRED,
    REGISTRY,
    SBOM,
    SIGNATURE,
    SUBJECT,
    TAGGED,
    UNTAGGED,
    WAITING,
    digest,
    fill,
)

from entrepot.core.digest import Digest
from entrepot.core.garbage import Cause, Garbage
from entrepot.core.manifest import Manifest, Reference
from entrepot.features.audit import store as audit
from entrepot.features.auditor import store as auditor
from entrepot.features.auditor.evidence import BlobEvidence
from entrepot.features.auditor.findings import Finding, Kind, Progress, Run, Stage
from entrepot.features.backup import store as backup
from entrepot.features.collection import store as collection
from entrepot.features.encryption import store as encryption
from entrepot.features.identity import store as identities
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import (
    AccessKeyRow,
    ManagedPolicyRow,
    OIDCProviderRow,
    PolicyVersionRow,
    PrincipalRow,
)
from entrepot.features.images import store as images
from entrepot.features.images.image import Image, ImageId, ManifestBytes
from entrepot.features.images.store import DeletedImage
from entrepot.features.layers import store as layers
from entrepot.features.layers.layer import Upload
from entrepot.features.multiparts import store as multiparts
from entrepot.features.pull_through import store as pull_through
from entrepot.features.pull_through.rule import Rule, Upstream
from entrepot.features.registry import store as registries
from entrepot.features.repositories import store as repositories
from entrepot.features.repositories.repository import RepositorySettings
from entrepot.features.repositories.store import DeletedRepository
from entrepot.features.templates import store as templates
from entrepot.features.templates.template import Template, TemplateSettings
from entrepot.metadata import generation, tables
from entrepot.metadata.port import Metadata
from entrepot.metadata.schema import migrate
from entrepot.storage.frames import Segment
from entrepot.storage.s3_ledger import Multipart, Part

STORES: tuple[ModuleType, ...] = (
    audit,
    auditor,
    backup,
    collection,
    encryption,
    generation,
    identities,
    images,
    layers,
    multiparts,
    pull_through,
    registries,
    repositories,
    templates,
)

#: Every page and batch of the calls below.
LIMIT = 10
#: Rows that a statement may look at: a page of images with their tags or manifests, and what is gone beside it.
MOST_ROWS = 200
#: Instructions of SQLite's machine for all statements of a call; a walk over 2,000 rows takes over 10,000.
MOST_STEPS = 6_000

Call = Callable[[Connection], object]

DELETED_IMAGE = DeletedImage(1, digest(1), "", "x/y", 0, 1)
DELETED_REPOSITORY = DeletedRepository(DETACHED, "gone", 1)
IMAGE = Image(LAST[TAGGED], digest(LAST[TAGGED]), "x/y", None, None, None, 0, 2, 0, None)
TAGGED_IMAGE = Image(LAST[TAGGED] - 3, digest(LAST[TAGGED] - 3), "x/y", None, None, None, 0, 2, 0, None)
DIGESTS = [Digest.parse(digest(number)) for number in range(1, LIMIT)]
MANIFEST = Manifest(
    Digest.parse(digest(0)), "x/y", (Reference("layer", Digest.parse(BASE_LAYER), 1),), None, None, None
)
UPLOAD = Upload("u00040", 1, "k40", 0, 0, 0, has_short_part=False, completed_digest=None, is_encrypted=False)
SETTINGS = RepositorySettings()
TEMPLATE = Template("p00000", TemplateSettings(applied_for=()), 0, 0)
USER = PrincipalRow(
    id="AIDA00002",
    account=REGISTRY.account,
    kind=PrincipalKind.USER,
    path="/",
    name="u00002",
    created_at=0,
)
NEW_USER = replace(USER, id="AIDANEW", name="new")
KEY = AccessKeyRow(
    id="AKIANEW",
    principal_id=USER.id,
    account=USER.account,
    sealed_secret=b"",
    status="Active",
    created_at=0,
)
NEW_POLICY = ManagedPolicyRow(
    arn="arn:aws:iam::000000000000:policy/new",
    id="ANPANEW",
    account=REGISTRY.account,
    path="/",
    name="new",
    description=None,
    created_at=0,
    updated_at=0,
    default_version=1,
    latest_version=1,
)
PROVIDER = OIDCProviderRow(
    arn="arn:aws:iam::000000000000:oidc-provider/issuer0.example",
    account=REGISTRY.account,
    url="issuer0.example",
    client_ids=(),
    thumbprints=(),
    created_at=0,
)
MULTIPART = Multipart(0)
AUDITED = BlobEvidence(3, digest(3), "", 1, "k3", is_encrypted=False)
RUN = Run(1, "me", 0, reads_bytes=True, begun_at=0, ended_at=None)
RULE = Rule("p00000", Upstream(registry="quay", url="quay.io", repository_prefix="ROOT"), 0, 0)


def call(
    function: Callable[..., object], *arguments: object, **named: object
) -> tuple[Callable[..., object], Call]:
    """A call of a store's function that lacks only the connection."""
    return function, lambda connection: function(connection, *arguments, **named)


CALLS = [
    *(call(auditor.next_images, after, LIMIT, 1_000) for after in (0, LAST[TAGGED])),
    call(auditor.read_images, [*range(LAST[TAGGED] - 5, LAST[TAGGED]), 3_001]),
    *(call(auditor.next_manifests, after, LIMIT) for after in (("", ""), (digest(0), ""))),
    call(auditor.read_manifests, [(digest(LAST[TAGGED]), ""), (digest(1), "")]),
    *(call(auditor.next_links, after, LIMIT) for after in ((0, 0), (TAGGED, 0), (TAGGED, 1_000))),
    call(auditor.read_links, [(TAGGED, 3), (TAGGED, 6)]),
    *(call(auditor.next_blobs, after, LIMIT) for after in (0, 1_000)),
    call(auditor.read_blobs, [1, 3, 6]),
    *(call(auditor.find_naming, blob, LIMIT) for blob in (AUDITED, replace(AUDITED, id=1, digest=BASE_LAYER))),
    *(call(auditor.next_data_keys, after, LIMIT) for after in ("", "k00040")),
    *(call(auditor.next_multiparts, after, LIMIT) for after in ("", "k00040")),
    call(auditor.find_owners, ["k00039", "k00040", "t1", "k3"]),
    call(auditor.claim_run, "me", NOW, reads_bytes=True, restart=False),
    call(auditor.find_run),
    call(auditor.release_run, RUN),
    call(auditor.end_run, NOW),
    call(auditor.save_progress, Progress(Stage.BLOBS), NOW),
    call(auditor.find_progress),
    call(
        auditor.record_findings, RUN, [Finding(Kind.TAG_COUNT, "s", "d"), Finding(Kind.UNCHECKED, "s", "d")], NOW
    ),
    call(auditor.drop_findings_before, RUN, LIMIT),
    call(auditor.page_of_findings, 0, LIMIT),
    call(audit.has_before, 100),
    call(audit.trim, 100, LIMIT),
    call(audit.has_more_denials, LIMIT),
    call(audit.trim_denials, LIMIT, LIMIT),
    call(generation.read),
    call(generation.advance),
    call(identities.find_access_key, "AKIA00002A"),
    call(identities.find_principal, USER.id),
    call(identities.find_oidc_provider, REGISTRY.account, PROVIDER.url),
    call(identities.find_policies, USER.id),
    call(identities.find_managed_policy, POLICY),
    call(identities.touch_access_key, "AKIA00002A", NOW, "ecr", "us-east-1"),
    call(identities.find_by_name, REGISTRY.account, PrincipalKind.USER, USER.name),
    call(identities.find_by_any_case, REGISTRY.account, PrincipalKind.USER, USER.name),
    call(identities.create_principal, NEW_USER),
    call(identities.replace_principal, USER),
    *(
        call(
            identities.page_of_principals,
            REGISTRY.account,
            PrincipalKind.USER,
            path_prefix=path_prefix,
            after=after,
            limit=LIMIT,
        )
        for path_prefix in ("/", "/rare/")
        for after in ((), ("/", "u02000"))
    ),
    call(identities.has_principals, REGISTRY.account),
    call(identities.page_of_roots, after="000000000100", limit=LIMIT),
    call(identities.create_access_key, KEY),
    call(identities.access_keys_of, USER.id),
    call(identities.set_key_status, "AKIA00002A", "Inactive"),
    call(identities.delete_access_key, "AKIA00002A"),
    call(identities.inline_policies_of, USER.id),
    call(identities.put_inline_policy, USER.id, "new", "{}"),
    call(identities.put_inline_policy, USER.id, "push", "{}"),
    call(identities.delete_inline_policy, USER.id, "push"),
    call(identities.attach, USER, RARE_POLICY),
    call(identities.detach, USER.id, POLICY),
    call(identities.attachments_of, USER.id),
    *(
        call(page, REGISTRY.account, policy, path_prefix=path_prefix, after=after, limit=LIMIT)
        for page in (identities.page_of_attached, identities.page_of_bounded)
        for policy, path_prefix in ((POLICY, "/"), (RARE_POLICY, "/"), (RARE_POLICY, "/rare/"))
        for after in ("", "AIDA02000")
    ),
    call(identities.count_attached, REGISTRY.account, [RARE_POLICY]),
    call(identities.count_bounded, REGISTRY.account, [RARE_POLICY]),
    call(identities.create_policy, NEW_POLICY, "{}"),
    call(identities.find_policy, POLICY),
    *(
        call(identities.page_of_policies, REGISTRY.account, path_prefix="/", usage=usage, after=after, limit=LIMIT)
        for usage in (None, "attached")
        for after in ((), ("/", "p02000"))
    ),
    call(identities.replace_policy_tags, POLICY, {}),
    call(identities.delete_policy, POLICY),
    call(identities.versions_of, POLICY),
    call(identities.add_version, POLICY, PolicyVersionRow(3, "{}", NOW)),
    call(identities.set_default_version, POLICY, 1, NOW),
    call(identities.delete_version, POLICY, 1),
    call(identities.create_oidc_provider, replace(PROVIDER, arn="new", url="new")),
    call(identities.oidc_providers_of, REGISTRY.account),
    call(identities.replace_oidc_provider, PROVIDER),
    call(identities.delete_oidc_provider, PROVIDER.arn),
    call(encryption.add_key, "new", b"wrapped"),
    call(encryption.find, "k00040"),
    call(encryption.find_before, "k00040", 1_000),
    call(encryption.record, "k00040", Segment(1_999, 2_000, 3_000, b"salt"), 1),
    call(encryption.seal, "k00041", 1, b"seal", 1),
    call(encryption.known_among, [f"k{number:05}" for number in range(LIMIT)], LIMIT),
    call(encryption.forget, ["k00040", "k00041"], LIMIT),
    call(images.find_by_digest, TAGGED, IMAGE.digest),
    call(images.find_by_tag, TAGGED, "t00301-1"),
    call(images.find, TAGGED, ImageId(tag="t00301-1")),
    *(
        call(find, REGISTRY, f"r{TAGGED:05}", image_id)
        for find in (images.find_named, images.read_named)
        for image_id in (ImageId(tag="t00301-1"), ImageId(digest=IMAGE.digest))
    ),
    call(images.read_manifest, IMAGE.id),
    call(images.hold_children, TAGGED, DIGESTS),
    call(
        images.insert_image,
        TAGGED,
        MANIFEST,
        ManifestBytes(b"{}"),
        encryption_key="",
        manifest_size=2,
        size=1,
        now=NOW,
    ),
    call(images.tags_of, TAGGED_IMAGE.id),
    call(images.set_tag, TAGGED, "new", IMAGE, moved_by="me", now=NOW),
    call(images.set_tag, TAGGED, "t00301-1", IMAGE, moved_by="me", now=NOW),
    call(images.remove_tags, TAGGED, [f"t{TAGGED_IMAGE.id:05}-0"], TAGGED_IMAGE, moved_by="me", now=NOW),
    call(images.find_parents, TAGGED, INDEX),
    call(images.is_layer_in_use, TAGGED, BASE_LAYER),
    call(images.is_layer_in_use, TAGGED, digest(LAST[TAGGED])),
    call(images.is_layer_in_use, TAGGED, digest(0)),
    call(images.lock_image, TAGGED, IMAGE.digest),
    call(images.detach, TAGGED, IMAGE, NOW),
    call(images.count, TAGGED, LIMIT),
    call(images.has_images, TAGGED),
    call(images.has_images, DETACHED),
    call(images.record_pull, IMAGE.id, NOW),
    *(
        call(images.list_images, repository, tag_status=tag_status, after=(after, ""), limit=LIMIT)
        for repository in (TAGGED, UNTAGGED)
        for tag_status in ("TAGGED", "UNTAGGED", "ANY")
        for after in (0, 3_001)
    ),
    call(images.list_images, TAGGED, tag_status="ANY", after=(3_001, "t03001-0"), limit=LIMIT),
    *(
        call(images.page_of_images, repository, tag_status=tag_status, after=after, limit=LIMIT)
        for repository in (TAGGED, UNTAGGED)
        for tag_status in ("TAGGED", "UNTAGGED", "ANY")
        for after in (0, 3_001)
    ),
    call(images.tags_of_many, [TAGGED_IMAGE.id - 3 * number for number in range(LIMIT)]),
    call(images.list_tags, TAGGED, after="", limit=LIMIT),
    call(images.list_tags, TAGGED, after="t03001-0", limit=LIMIT),
    *(
        call(images.list_referrers, REFERRED, SUBJECT, artifact_types=types, after=after, limit=LIMIT)
        for types in ([], [SBOM], [SIGNATURE], [SBOM, SIGNATURE], ["x/y"])
        for after in (0, 3_003)
    ),
    *(call(images.has_detached, before) for before in (0, GONE, NOW)),
    *(call(images.drain_detached, before, LIMIT) for before in (0, GONE, NOW)),
    *(call(images.drain_detached_from, WAITING, before, LIMIT) for before in (0, NOW)),
    call(images.drain_deleted, TAGGED, digest(1), LIMIT),
    call(images.find_deleted, TAGGED, digest(1)),
    call(images.find_deleted, TAGGED, IMAGE.digest),
    call(images.lock_deleted, DELETED_IMAGE),
    call(images.references_of, DELETED_IMAGE.id),
    call(images.hold_manifest, DELETED_IMAGE),
    call(images.attach, TAGGED, DELETED_IMAGE.id),
    call(images.tags_taken_off, TAGGED, DELETED_IMAGE),
    call(images.find_digest_left, TAGGED, "t00001-0"),
    call(images.find_digest_before, TAGGED, "t4", None),
    call(images.find_digest_before, TAGGED, "latest", digest(0)),
    *(call(images.page_of_deleted, REGISTRY, since=since, limit=LIMIT) for since in (0, NOW)),
    *(
        call(images.page_of_deleted_from, repository, since=since, limit=LIMIT)
        for repository in (TAGGED, WAITING)
        for since in (0, NOW)
    ),
    *(call(images.drain_images_of, repository, LIMIT) for repository in (TAGGED, UNTAGGED, REFERRED, DETACHED)),
    call(images.count_tags_anew, TAGGED_IMAGE.id),
    call(images.drop_unused_manifest, digest(LAST[TAGGED])),
    call(images.has_moves_before, 100),
    call(images.trim_history, 100, LIMIT),
    call(images.drop_history_of, DETACHED, LIMIT),
    call(images.has_rows, TAGGED),
    call(images.has_rows, DETACHED),
    call(layers.find_layer, TAGGED, DIGESTS[2]),
    call(layers.find_layer, DETACHED, Digest.parse(BASE_LAYER)),
    call(layers.find_named, REGISTRY, f"r{TAGGED:05}", DIGESTS[2]),
    call(layers.find_layers, TAGGED, DIGESTS),
    call(layers.hold_layers, TAGGED, [*DIGESTS, Digest.parse(BASE_LAYER)]),
    call(layers.renew_leases, TAGGED, [3, 6, 9], NOW),
    *(
        call(
            layers.store_layer,
            TAGGED,
            Digest.parse(text),
            size=1,
            storage_key="k",
            encryption_key="",
            is_encrypted=False,
            now=NOW,
            lease_until=NOW,
        )
        for text in (BASE_LAYER, digest(3), digest(0))
    ),
    call(layers.link, TAGGED, 1, NOW, NOW),
    call(layers.link, TAGGED, 3, NOW, NOW),
    call(layers.hold_link, TAGGED, 3),
    call(layers.unlink, TAGGED, 3),
    call(layers.queue_links, TAGGED, [*map(str, DIGESTS), BASE_LAYER], earliest=NOW, due_at=NOW),
    call(layers.has_due_links, 0),
    call(layers.has_due_links, NOW),
    call(layers.drop_due_links, NOW, LIMIT),
    call(layers.drop_due_links, QUEUED_AT, LIMIT),
    call(layers.create_upload, TAGGED, "new", "k", NOW, is_encrypted=False),
    call(layers.find_upload, TAGGED, "u00040", NOW),
    call(layers.lock_upload, TAGGED, "u00040", NOW),
    call(layers.take_epoch, UPLOAD, NOW),
    call(layers.commit_part, "u00040", 0, 1, part_size=1, hash_state=b"state", now=NOW),
    call(layers.complete_upload, "u00040", 0, DIGESTS[0], NOW),
    call(layers.end_upload, UPLOAD),
    call(layers.end_uploads_of, DETACHED, LIMIT),
    call(layers.has_expired_uploads, NOW),
    call(layers.end_expired_uploads, NOW, LIMIT),
    call(layers.drain_links, TAGGED, LIMIT),
    call(layers.bury_unlinked, 3, Cause.AUDIT),
    call(layers.queue_unnamed, TAGGED, 3, NOW),
    *(call(layers.drop_blob, blob_id, key, LIMIT, Cause.AUDIT) for blob_id, key in ((1, "k1"), (3, "k3"))),
    call(layers.has_links, TAGGED),
    call(layers.has_links, 5_000),
    call(collection.bury, [Garbage("new", 1, Cause.IMAGE)], NOW),
    call(collection.find_made_before, NOW, LIMIT),
    call(collection.find_made_before, 0, LIMIT),
    call(collection.unbury, "k3"),
    call(collection.forget, [f"t{number}" for number in range(LIMIT)]),
    call(collection.postpone, [f"t{number}" for number in range(LIMIT)], NOW),
    call(collection.pin, collection.Pin("new", NOW, NOW)),
    call(collection.renew_pin, "new", NOW),
    call(collection.unpin, "new"),
    call(backup.page_of_blobs, "k00100", LIMIT),
    call(backup.page_of_keys, "k00100", LIMIT),
    call(backup.page_of_manifests, (digest(100), ""), LIMIT),
    call(multiparts.find, "k00040"),
    call(multiparts.end, "k00040", 1_000 * 8),
    call(multiparts.replace, "new", None, MULTIPART, []),
    call(multiparts.replace, "k00040", MULTIPART, MULTIPART.changed(epoch=1), [Part(1, 7, "etag")]),
    call(multiparts.has_parts_after, "k00040", 1_000 * 8),
    call(multiparts.drop_parts_after, "k00040", 0, 1_000 * 8, LIMIT),
    call(multiparts.forget, "k00040", MULTIPART, LIMIT),
    call(pull_through.create, REGISTRY, Rule("new", RULE.upstream, 0, 0)),
    call(pull_through.find_and_lock, REGISTRY, "p00000"),
    call(pull_through.check_exist, REGISTRY, ["p00000", "p00002"]),
    call(pull_through.find_page, REGISTRY, prefixes=[], after="p01000", limit=LIMIT),
    call(pull_through.find_page, REGISTRY, prefixes=["p00000", "p02000"], after="", limit=LIMIT),
    call(pull_through.replace_upstream, REGISTRY, RULE),
    call(pull_through.remove, REGISTRY, "p00000"),
    call(registries.read_document, REGISTRY, "policy"),
    call(registries.put_document, REGISTRY, "policy", "{}", NOW),
    call(registries.delete_document, REGISTRY, "policy"),
    call(registries.add_exclusion, REGISTRY, "arn", NOW),
    call(registries.remove_exclusion, REGISTRY, "arn:aws:iam::1:role/x"),
    call(registries.list_exclusions, REGISTRY, after="", limit=LIMIT),
    call(registries.count_exclusions, REGISTRY),
    call(registries.is_excluded, REGISTRY, "arn"),
    call(repositories.find, REGISTRY, "r00001"),
    call(repositories.find_and_hold, REGISTRY, "r00001"),
    call(repositories.create, REGISTRY, "new", SETTINGS, {"team": "a"}, NOW),
    call(repositories.find_page, REGISTRY, after=None, limit=LIMIT),
    call(repositories.find_page, OTHER_REGISTRY, after="r01000", limit=LIMIT),
    call(repositories.count, REGISTRY, LIMIT),
    call(repositories.has_repositories, REGISTRY.account),
    call(repositories.has_repositories, "222222222222"),
    call(repositories.update_settings, TAGGED, SETTINGS),
    call(repositories.read_tags, TAGGED),
    call(repositories.replace_tags, TAGGED, {"team": "b"}),
    call(repositories.read_document, TAGGED, "policy"),
    call(repositories.put_document, TAGGED, "policy", "{}", NOW),
    call(repositories.delete_document, TAGGED, "policy"),
    call(repositories.detach, TAGGED, NOW),
    call(repositories.lock, TAGGED),
    *(call(repositories.find_detached, before) for before in (0, NOW)),
    call(repositories.begin_draining, DETACHED, NOW),
    call(repositories.find_and_hold_alone, REGISTRY, "r00001"),
    call(repositories.find_deleted, REGISTRY, "gone"),
    call(repositories.attach, REGISTRY, DELETED_REPOSITORY, "new", NOW),
    *(
        call(repositories.page_of_deleted, REGISTRY, name=name, since=0, limit=LIMIT)
        for name in (None, "gone", "never")
    ),
    call(templates.create, REGISTRY, Template("new", TEMPLATE.settings, 0, 0)),
    call(templates.find_and_lock, REGISTRY, "p00000"),
    call(templates.find_page, REGISTRY, prefixes=[], after="p01000", limit=LIMIT),
    call(templates.find_page, REGISTRY, prefixes=["p00000", "p02000"], after="", limit=LIMIT),
    call(templates.find_covering, REGISTRY, "p00000/app/web"),
    call(templates.replace_settings, REGISTRY, TEMPLATE),
    call(templates.remove, REGISTRY, "p00000"),
]

#: Functions that have no plan to speak of, or one that costs what it must, and why.
LEFT_OUT = {
    auditor.hold_run: "updates the only row, which the test's store does not have",
    auditor.total_findings: "counts what was found, for a report",
    collection.count_tombstones: "counts what waits to be removed, for a report",
    collection.drop_expired_pins: "looks at the pins, of which there is one for each backup that runs",
    collection.list_pins: "looks at the pins, of which there is one for each backup that runs",
    collection.held_from: "looks at the pins, of which there is one for each backup that runs",
    images.count_detached: "counts what waits to be drained, for a report",
    images.page_of_history: "of all tags of a repository it reads the whole history, for a report",
    layers.count_queued_links: "counts what waits to be looked at, for a report",
    layers.count_unneeded: "counts what waits to be removed, for a report",
    repositories.count_detached: "counts what waits to be drained, for a report",
    audit.record: "inserts one row",
    audit.record_denials: "inserts rows",
    identities.count_principals: "counts users or roles for their quota, which bounds them",
    identities.count_policies: "counts policies for their quota, which bounds them",
    identities.delete_principal: "removes a row that foreign keys name: test_deleting_a_principal_walks_no_table",
    multiparts.list_parts: "gives all parts of an upload: S3 takes 10,000 at most",
    pull_through.count: "counts rules for their quota, which bounds them",
    templates.count: "counts templates for their quota, which bounds them",
    repositories.drop: "removes a row that many foreign keys name: test_dropping_walks_no_table",
}

#: Functions that may sort, for what they sort is named one by one by the caller.
MAY_SORT: set[Callable[..., object]] = {images.hold_children, images.tags_of_many}


class Undone(Exception):
    """Ends a transaction of which nothing is to stay."""


@dataclass
class Statements:
    """What a block has executed: each statement with its parameters, as the driver had them."""

    executed: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])

    def execute(
        self, _connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        """One more; of many parameters for one statement the first."""
        self.executed.append((" ".join(statement.split()), parameters[0] if many else parameters))

    def trace(self, statement: str) -> None:
        """One more, as SQLite itself had it: those of hot.py do not pass SQLAlchemy."""
        self.executed.append((statement, ()))


@contextmanager
def recorded() -> Generator[Statements]:
    """Write down every statement of the block."""
    statements = Statements()
    event.listen(Engine, "before_cursor_execute", statements.execute)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", statements.execute)


@pytest.fixture
async def store(metadata: Metadata) -> Metadata:
    """A database with thousands of rows in every table."""
    await metadata.write(migrate)
    await metadata.write(fill)
    return metadata


def test_every_function_of_every_store_is_called() -> None:
    """What is not called below is named with its reason."""
    public = {
        function
        for store in STORES
        for name, function in inspect.getmembers(store, inspect.isfunction)
        if function.__module__ == store.__name__ and not name.startswith("_")
    }

    assert public - LEFT_OUT.keys() == {function for function, _ in CALLS}


@pytest.mark.timeout(300)
async def test_no_statement_walks_a_table_or_sorts_one(store: Metadata) -> None:
    """Each is answered from an index, in its order, and looks at little more than it answers with."""
    faults: list[str] = []

    for function, run in CALLS:
        found = [fault for fault in await faults_of(store, run) if function not in MAY_SORT or not is_sort(fault)]
        faults += [f"{function.__module__}.{function.__name__}: {fault}" for fault in found]

    assert not faults, "\n".join(faults)


async def test_dropping_walks_no_table(store: Metadata) -> None:
    """Nor do the foreign keys that are checked when a repository's row and an image's row go."""
    empty = await store.write(lambda c: repositories.create(c, REGISTRY, "empty", SETTINGS, {}, NOW).id)

    assert await faults_of(store, lambda connection: repositories.drop(connection, empty)) == []


async def test_deleting_a_principal_walks_no_table(store: Metadata) -> None:
    """Nor do the foreign keys that are checked when its row goes."""
    await store.write(lambda c: identities.create_principal(c, NEW_USER))

    assert await faults_of(store, lambda c: identities.delete_principal(c, NEW_USER.id)) == []


async def faults_of(store: Metadata, run: Call) -> list[str]:
    """What is wrong with the statements of a call, of which nothing stays."""
    found: list[str] = []

    def change(connection: Connection) -> None:
        judge = {"sqlite": _on_sqlite, "postgresql": _on_postgresql}[connection.dialect.name]
        found[:] = judge(connection, run)
        raise Undone

    with pytest.raises(Undone):
        await store.write(change)
    return found


def is_sort(fault: str) -> bool:
    """Whether a statement only sorts what it has found."""
    return fault.startswith(("USE TEMP B-TREE FOR ORDER BY", "Sort"))


def _on_sqlite(connection: Connection, run: Call) -> list[str]:
    """Scans and sorts in the plans, and how many instructions the call took."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 100

    driver: Any = connection.connection.driver_connection
    with recorded() as statements:
        driver.set_progress_handler(count, 100)
        driver.set_trace_callback(statements.trace)
        run(connection)
        driver.set_trace_callback(None)
        driver.set_progress_handler(None, 0)
    faults = [f"{steps} steps"] if steps > MOST_STEPS else []
    for statement, parameters in statements.executed:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        faults += [f"{step}: {statement}" for step in plan if _is_fault(step)]
    return faults


def _is_fault(step: str) -> bool:
    """A step of SQLite's plan that walks a table or an index from end to end, or sorts."""
    what, _, name = step.partition(" ")
    return what == "USE" or (what == "SCAN" and name.split(" ")[0] in tables.metadata.tables)


def _on_postgresql(connection: Connection, run: Call) -> list[str]:
    """Scans and sorts in the plans, and how many rows each statement looked at."""
    with recorded() as statements:
        run(connection)
    connection.rollback()
    faults: list[str] = []
    for statement, parameters in statements.executed:
        if statement.startswith("INSERT"):  # of values, which has no plan
            continue
        explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
        plan = connection.exec_driver_sql(explain, parameters).scalar_one()
        nodes = list(_nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))
        faults += [
            f"{node['Node Type']}: {statement}"
            for node in nodes
            if node["Node Type"] in {"Seq Scan", "Sort"} and _looked_at(node) > LIMIT
        ]
        most = max(map(_looked_at, nodes))
        if most > MOST_ROWS:
            faults.append(f"{most} rows: {statement}")
    return faults


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def _looked_at(node: dict[str, Any]) -> int:
    """Rows that a node of a plan gave on or threw away."""
    removed = (count for name, count in node.items() if name.startswith("Rows Removed by"))
    return (node["Actual Rows"] + sum(removed)) * node["Actual Loops"]
