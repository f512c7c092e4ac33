"""The SQL of images, their manifests, references and tags, and of the tags' history.

An image whose ``repository_id`` is NULL is detached: it and its tags are gone to every reader, and its rows are
drained later. So whatever reads a tag or a reference joins the image and asks for its repository. Until it is
drained it can be had back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import accumulate
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    select,
    tuple_,
    update,
)

from entrepot.core.digest import Digest
from entrepot.core.garbage import Detached
from entrepot.core.manifest import Manifest, Reference
from entrepot.core.partitions import RegistryId
from entrepot.features.images.image import Image, ImageId, ManifestBytes, TaggedImage
from entrepot.metadata.hot import Change, LookUp
from entrepot.metadata.insert import insert_if_absent, insert_rows
from entrepot.metadata.tables import image_references, image_tags, images, manifests, repositories, tag_history

_columns = (
    images.c.id,
    images.c.digest,
    images.c.media_type,
    images.c.artifact_type,
    images.c.config_media_type,
    images.c.subject_digest,
    images.c.size,
    images.c.manifest_size,
    images.c.pushed_at,
    images.c.pulled_at,
)
_in_repository = images.c.repository_id == bindparam("repository_id")
_select_by_digest = select(*_columns).where(_in_repository, images.c.digest == bindparam("digest"))
_by_digest = LookUp(_select_by_digest)
_by_digest_locked = LookUp(_select_by_digest.with_for_update())
_by_tag = LookUp(
    select(*_columns)
    .join(image_tags, image_tags.c.image_id == images.c.id)
    .where(
        _in_repository,
        image_tags.c.repository_id == bindparam("repository_id"),
        image_tags.c.tag == bindparam("tag"),
    )
)
#: Zero is written out, not bound: a partial index serves only a condition that is word for word its own.
_zero = literal_column("0", Integer)
_tagged = images.c.tag_count > _zero
_untagged = images.c.tag_count == _zero
_manifest = (manifests.c.digest == bindparam("digest"), manifests.c.encryption_key == bindparam("encryption_key"))
_stored = (manifests.c.content, manifests.c.wrapped)
_manifest_held = LookUp(select(manifests.c.digest).where(*_manifest).with_for_update(read=True))


_in_named_repository = (
    repositories.c.account == bindparam("account"),
    repositories.c.region == bindparam("region"),
    repositories.c.name == bindparam("name"),
    images.c.repository_id == repositories.c.id,
)
_with_digest = and_(*_in_named_repository, images.c.digest == bindparam("digest"))
_with_tag = and_(
    *_in_named_repository,
    image_tags.c.repository_id == repositories.c.id,
    image_tags.c.tag == bindparam("tag"),
    images.c.id == image_tags.c.image_id,
)
_with_manifest = and_(manifests.c.digest == images.c.digest, manifests.c.encryption_key == images.c.encryption_key)
_named_by_digest = LookUp(select(*_columns).where(_with_digest))
_named_by_tag = LookUp(select(*_columns).where(_with_tag))
_read_by_digest = LookUp(select(*_columns, *_stored).where(_with_digest, _with_manifest))
_read_by_tag = LookUp(select(*_columns, *_stored).where(_with_tag, _with_manifest))
_manifest_of = LookUp(select(*_stored).where(images.c.id == bindparam("image_id"), _with_manifest))


def find_named(connection: Connection, registry: RegistryId, repository: str, image: ImageId) -> Image | None:
    """As ``find``, in a repository by its name, in one statement; None also where there is no repository."""
    look_up = _named_by_tag if image.digest is None else _named_by_digest
    row = look_up.first(connection, _names(registry, repository, image))
    return None if row is None else Image(*row)


def read_named(
    connection: Connection, registry: RegistryId, repository: str, image: ImageId
) -> tuple[Image, ManifestBytes] | None:
    """As ``find_named``, with the manifest."""
    look_up = _read_by_tag if image.digest is None else _read_by_digest
    row = look_up.first(connection, _names(registry, repository, image))
    return None if row is None else (Image(*row[:-2]), ManifestBytes(*row[-2:]))


def _names(registry: RegistryId, repository: str, image: ImageId) -> dict[str, str | None]:
    names = {"account": registry.account, "region": registry.region, "name": repository}
    return {**names, "tag": image.tag} if image.digest is None else {**names, "digest": image.digest}


def find_by_digest(connection: Connection, repository_id: int, digest: str) -> Image | None:
    """The image of this digest."""
    row = _by_digest.first(connection, {"repository_id": repository_id, "digest": digest})
    return None if row is None else Image(*row)


def find_by_tag(connection: Connection, repository_id: int, tag: str) -> Image | None:
    """The image that the tag points at."""
    row = _by_tag.first(connection, {"repository_id": repository_id, "tag": tag})
    return None if row is None else Image(*row)


def find(connection: Connection, repository_id: int, image: ImageId) -> Image | None:
    """The image by digest if one is given, else by its tag."""
    if image.digest is not None:
        return find_by_digest(connection, repository_id, image.digest)
    return find_by_tag(connection, repository_id, image.tag or "")


def read_manifest(connection: Connection, image_id: int) -> ManifestBytes | None:
    """The manifest of an image; None when that has gone since it was found, which in one snapshot cannot be."""
    row = _manifest_of.first(connection, {"image_id": image_id})
    return None if row is None else ManifestBytes(*row)


def hold_children(connection: Connection, repository_id: int, digests: Sequence[Digest]) -> dict[str, int]:
    """Those of the images that the repository has, with their sizes; none goes before the transaction ends."""
    if not digests:
        return {}
    rows = connection.execute(
        select(images.c.digest, images.c.size)
        .where(
            images.c.repository_id == repository_id,
            images.c.digest.in_([str(digest) for digest in digests]),
        )
        .order_by(images.c.id)
        .with_for_update(read=True)
    )
    return {row.digest: row.size for row in rows}


def insert_image(
    connection: Connection,
    repository_id: int,
    manifest: Manifest,
    stored: ManifestBytes,
    *,
    encryption_key: str,
    manifest_size: int,
    size: int,
    now: int,
) -> tuple[Image, bool]:
    """Store an image unless the repository has it; gives its row, and True when it is new.

    ``encryption_key`` is the repository's. On PostgreSQL the row is locked, so a deletion that runs at the same
    time comes before or after.
    """
    digest = str(manifest.digest)
    _store_manifest(connection, {"digest": digest, "encryption_key": encryption_key}, stored)
    values = {
        "repository_id": repository_id,
        "digest": digest,
        "encryption_key": encryption_key,
        "media_type": manifest.media_type,
        "artifact_type": manifest.artifact_type,
        "config_media_type": manifest.config_media_type,
        "subject_digest": str(manifest.subject) if manifest.subject else None,
        "size": size,
        "manifest_size": manifest_size,
        "pushed_at": now,
    }
    inserted, row = 0, None
    while row is None:  # goes round again only when the image was there and is deleted at this very moment
        inserted = insert_if_absent(connection, images, [values])
        row = _by_digest_locked.first(connection, {"repository_id": repository_id, "digest": digest})
    image = Image(*row)
    is_new = inserted == 1
    if is_new and manifest.references:
        references = [
            {
                "image_id": image.id,
                "position": position,
                "repository_id": repository_id,
                "kind": reference.kind,
                "digest": str(reference.digest),
                "size": reference.size,
            }
            for position, reference in enumerate(manifest.references)
        ]
        insert_rows(connection, image_references, references)
    return image, is_new


def _store_manifest(connection: Connection, key: Mapping[str, str], stored: ManifestBytes) -> None:
    """Have the manifest's bytes there, and keep them until the transaction ends, when an image has them."""
    held = None
    while held is None:  # goes round again only when they are collected at this very moment
        row = {**key, "content": stored.content, "wrapped": stored.wrapped}
        insert_if_absent(connection, manifests, [row])
        held = _manifest_held.first(connection, key)


_tags_of = LookUp(
    select(image_tags.c.tag).where(image_tags.c.image_id == bindparam("image_id")).order_by(image_tags.c.tag)
)


def tags_of(connection: Connection, image_id: int) -> list[str]:
    """The image's tags, in byte order."""
    return [tag for (tag,) in _tags_of.all(connection, {"image_id": image_id})]


@dataclass(frozen=True, slots=True)
class TagMove:
    """A tag has come to an image: ``before`` is what it pointed at, ``tag_count`` how many the image has now."""

    before: str | None
    tag_count: int


_count_tag = Change(
    update(images)
    .where(images.c.id == bindparam("counted_id"))
    .values(tag_count=images.c.tag_count + bindparam("by"))
    .returning(images.c.tag_count, images.c.digest, images.c.repository_id, images.c.detached_at)
)
_lock_tag = LookUp(
    select(image_tags.c.image_id)
    .where(image_tags.c.repository_id == bindparam("repository_id"), image_tags.c.tag == bindparam("tag"))
    .with_for_update()
)
_move_tag = (
    update(image_tags)
    .where(image_tags.c.repository_id == bindparam("in_repository"), image_tags.c.tag == bindparam("of_tag"))
    .values(image_id=bindparam("image_id"), moved_at=bindparam("moved_at"))
)


def _counted(connection: Connection, image_id: int, by: int) -> tuple[int, str, int | None, int | None]:
    """Count the tags of an image up or down: how many it has, its digest, its repository, when it was detached."""
    row = _count_tag.first(connection, {"counted_id": image_id, "by": by})
    assert row is not None  # a tag's image is there for as long as the tag is
    count, digest, repository_id, detached_at = row
    return count, digest, repository_id, detached_at


def set_tag(
    connection: Connection,
    repository_id: int,
    tag: str,
    image: "Image | DeletedImage",
    *,
    moved_by: str,
    now: int,
) -> TagMove | None:
    """Point the tag at the image and write the move down in the tag's history; None when it pointed there before.

    The row is claimed before it is read, so of two pushes of one tag the second sees the first; whoever may not
    move the tag raises, and the transaction is undone. Both images are locked on the way, in no order: of two
    transactions that swap tags one may have to be tried again.
    """
    row = {"repository_id": repository_id, "tag": tag, "image_id": image.id, "moved_at": now}
    claimed, held = 0, None
    while not claimed and held is None:  # goes round again only when the tag is removed at this very moment
        claimed = insert_if_absent(connection, image_tags, [row])
        held = None if claimed else _lock_tag.first(connection, {"repository_id": repository_id, "tag": tag})
    before = None
    if held is not None:
        (image_id,) = held
        if image_id == image.id:
            return None
        connection.execute(
            _move_tag, {"in_repository": repository_id, "of_tag": tag, "image_id": image.id, "moved_at": now}
        )
        _, digest, in_repository, detached_at = _counted(connection, image_id, -1)
        if in_repository == repository_id:
            before = digest
        else:  # a detached image has lost it already
            _record_move(connection, repository_id, tag, DRAINED_BY, detached_at or now, digest, None)
    tag_count, *_ = _counted(connection, image.id, 1)
    _record_move(connection, repository_id, tag, moved_by, now, before, image.digest)
    return TagMove(before, tag_count)


def remove_tags(
    connection: Connection,
    repository_id: int,
    tags: Sequence[str],
    image: "Image | LeavingImage",
    *,
    moved_by: str,
    now: int,
) -> int:
    """Take those of the tags off the image that still point at it; gives how many, of two rows each."""
    removed = _take_off(connection, repository_id, tags, image.id)
    if removed:
        lines = [_move(repository_id, tag, moved_by, now, image.digest, None) for tag in removed]
        insert_rows(connection, tag_history, lines)
    return len(removed)


def _take_off(connection: Connection, repository_id: int, tags: Sequence[str], image_id: int) -> list[str]:
    """Remove tags without a word in the history; gives those that still pointed at the image."""
    removed = connection.scalars(
        delete(image_tags)
        .where(
            image_tags.c.repository_id == repository_id,
            image_tags.c.tag.in_(tags),
            image_tags.c.image_id == image_id,
        )
        .returning(image_tags.c.tag)
    ).all()
    if removed:
        _counted(connection, image_id, -len(removed))
    return sorted(removed)


def _record_move(
    connection: Connection,
    repository_id: int,
    tag: str,
    moved_by: str,
    now: int,
    from_digest: str | None,
    to_digest: str | None,
) -> None:
    line = _move(repository_id, tag, moved_by, now, from_digest, to_digest)
    insert_rows(connection, tag_history, [line])


def _move(
    repository_id: int, tag: str, moved_by: str, now: int, from_digest: str | None, to_digest: str | None
) -> dict[str, object]:
    """A line of the tag's history."""
    return {
        "repository_id": repository_id,
        "tag": tag,
        "moved_at": now,
        "moved_by": moved_by,
        "from_digest": from_digest,
        "to_digest": to_digest,
    }


def find_parents(connection: Connection, repository_id: int, digest: str) -> list[str]:
    """The digests of indexes here that name the image, at most ten of them."""
    return list(
        connection.scalars(
            select(images.c.digest)
            .join(image_references, image_references.c.image_id == images.c.id)
            .where(
                images.c.repository_id == repository_id,
                image_references.c.repository_id == repository_id,
                image_references.c.digest == digest,
                image_references.c.kind == "child",
            )
            .limit(10)
        )
    )


def is_layer_in_use(connection: Connection, repository_id: int, digest: str) -> bool:
    """True when an image of the repository has the digest as its config or as a layer."""
    return (
        connection.execute(
            select(images.c.id)
            .join(image_references, image_references.c.image_id == images.c.id)
            .where(
                images.c.repository_id == repository_id,
                image_references.c.repository_id == repository_id,
                image_references.c.digest == digest,
                image_references.c.kind.in_(("config", "layer")),
            )
            .limit(1)
        ).first()
        is not None
    )


def lock_image(connection: Connection, repository_id: int, digest: str) -> Image | None:
    """The image, which nobody can tag, name in an index or delete before this transaction has ended."""
    row = _by_digest_locked.first(connection, {"repository_id": repository_id, "digest": digest})
    return None if row is None else Image(*row)


def detach(connection: Connection, repository_id: int, image: Image, now: int) -> None:
    """Take the image and its tags out of the repository in one row."""
    connection.execute(
        update(images)
        .where(images.c.id == image.id)
        .values(repository_id=None, detached_from=repository_id, detached_at=now)
    )


def count(connection: Connection, repository_id: int, limit: int) -> int:
    """How many images the repository has, at most ``limit``."""
    all_of_them = select(images.c.id).where(images.c.repository_id == repository_id)
    some = all_of_them.order_by(images.c.digest).limit(limit).subquery()  # in the order of the index
    return connection.scalar(select(func.count()).select_from(some)) or 0


def has_images(connection: Connection, repository_id: int) -> bool:
    """True when the repository has an image."""
    return connection.execute(_first_image, {"repository_id": repository_id}).first() is not None


#: Sorted, so that PostgreSQL takes the index: a table with many images of the repository it would rather walk.
_first_image = select(images.c.id).where(_in_repository).order_by(images.c.digest).limit(1)


def record_pull(connection: Connection, image_id: int, now: int) -> None:
    """Set the image's last pull."""
    connection.execute(update(images).where(images.c.id == image_id).values(pulled_at=now))


# The pages below are walks over an index that begins with the repository. They compare and sort by all of its
# columns, so that no other index will do: PostgreSQL would take the primary key where it reckons that the next few
# images are of this repository, and find out too late that they are not. So a page may run over into what comes
# after the repository, and that is cut off. SQLite needs no such care, and cannot seek by a pair with a rowid.
_next_tags = (
    select(image_tags.c.repository_id, images.c.id, images.c.digest, image_tags.c.tag)
    .join(
        images,
        and_(images.c.id == image_tags.c.image_id, images.c.repository_id == image_tags.c.repository_id),
    )
    .where(
        tuple_(image_tags.c.repository_id, image_tags.c.image_id, image_tags.c.tag)
        > tuple_(bindparam("repository_id"), bindparam("after"), bindparam("after_tag"))
    )
    .order_by(image_tags.c.repository_id, image_tags.c.image_id, image_tags.c.tag)
    .limit(bindparam("limit"))
)


_after = {
    "sqlite": and_(_in_repository, images.c.id > bindparam("after")),
    "postgresql": tuple_(images.c.repository_id, images.c.id)
    > tuple_(bindparam("repository_id"), bindparam("after")),
}


def _next_images(condition: ColumnElement[bool]) -> dict[str, Select[*tuple[Any, ...]]]:
    """Images that fulfil a condition, by dialect."""
    return {
        dialect: select(images.c.repository_id, *_columns)
        .where(condition, after)
        .order_by(images.c.repository_id, images.c.id)
        .limit(bindparam("limit"))
        for dialect, after in _after.items()
    }


_next_tagged = _next_images(_tagged)
_next_untagged = _next_images(_untagged)


def _page(
    connection: Connection, statement: Select[*tuple[Any, ...]], wanted: Mapping[str, object]
) -> list[list[Any]]:
    """The rows of a walk that are of the repository, without its id."""
    rows = connection.execute(statement, wanted)
    return [values for repository_id, *values in rows if repository_id == wanted["repository_id"]]


def list_images(
    connection: Connection, repository_id: int, *, tag_status: str, after: tuple[int, str], limit: int
) -> list[TaggedImage]:
    """One entry a (digest, tag) pair, and one an untagged image, by image and tag, after the given pair.

    ``tag_status`` is TAGGED, UNTAGGED or ANY. The order is that of pushing, so it stays the same while images
    come and go.
    """
    wanted = {"repository_id": repository_id, "after": after[0], "after_tag": after[1], "limit": limit}
    found: list[TaggedImage] = []
    if tag_status != "UNTAGGED":
        found += [TaggedImage(*values) for values in _page(connection, _next_tags, wanted)]
    if tag_status != "TAGGED":
        untagged = _page(connection, _next_untagged[connection.dialect.name], wanted)
        found += [TaggedImage(image_id, digest, None) for image_id, digest, *_ in untagged]
    return sorted(found, key=lambda entry: (entry.image_id, entry.tag or ""))[:limit]


def page_of_images(
    connection: Connection, repository_id: int, *, tag_status: str, after: int, limit: int
) -> list[Image]:
    """At most ``limit`` images pushed after the image with id ``after``, in the order of pushing."""
    wanted = {"repository_id": repository_id, "after": after, "limit": limit}
    found: list[Image] = []
    if tag_status != "UNTAGGED":
        found += [Image(*values) for values in _page(connection, _next_tagged[connection.dialect.name], wanted)]
    if tag_status != "TAGGED":
        found += [Image(*values) for values in _page(connection, _next_untagged[connection.dialect.name], wanted)]
    return sorted(found, key=lambda image: image.id)[:limit]


def tags_of_many(connection: Connection, image_ids: Sequence[int]) -> dict[int, list[str]]:
    """The tags of each image, in byte order."""
    if len(image_ids) == 1:
        return {image_ids[0]: tags_of(connection, image_ids[0])}
    found: dict[int, list[str]] = {}
    rows = connection.execute(
        select(image_tags.c.image_id, image_tags.c.tag)
        .where(image_tags.c.image_id.in_(image_ids))
        .order_by(image_tags.c.image_id, image_tags.c.tag)
    )
    for row in rows:
        found.setdefault(row.image_id, []).append(row.tag)
    return found


def list_tags(connection: Connection, repository_id: int, *, after: str, limit: int) -> list[str]:
    """At most ``limit`` tags of the repository that come after ``after``, in byte order."""
    return list(
        connection.scalars(
            select(image_tags.c.tag)
            .join(images, images.c.id == image_tags.c.image_id)
            .where(
                image_tags.c.repository_id == repository_id,
                image_tags.c.tag > after,
                images.c.repository_id == repository_id,
            )
            .order_by(image_tags.c.tag)
            .limit(limit)
        )
    )


_referrers = (
    select(*_columns)
    .where(_in_repository, images.c.subject_digest == bindparam("subject"), images.c.id > bindparam("after"))
    .order_by(images.c.id)
    .limit(bindparam("limit"))
)
_referrers_of_type = _referrers.where(images.c.artifact_type == bindparam("artifact_type"))


def list_referrers(
    connection: Connection,
    repository_id: int,
    subject: str,
    *,
    artifact_types: Sequence[str],
    after: int,
    limit: int,
) -> list[Image]:
    """At most ``limit`` images with this subject, pushed after the image ``after``, in the order of pushing.

    Where artifact types are named, each is a walk of its own over one index, however many referrers are of others.
    """
    wanted = {"repository_id": repository_id, "subject": subject, "after": after, "limit": limit}
    if not artifact_types:
        return [Image(*row) for row in connection.execute(_referrers, wanted)]
    by_type = [
        connection.execute(_referrers_of_type, wanted | {"artifact_type": artifact_type})
        for artifact_type in dict.fromkeys(artifact_types)
    ]
    found = merge(*by_type, key=lambda row: row.id)
    return [Image(*row) for row, _ in zip(found, range(limit), strict=False)]


@dataclass(frozen=True, slots=True)
class LeavingImage:
    """An image on its way out, and how many tags and references it takes along."""

    id: int
    digest: str
    detached_at: int | None  # None: its repository is detached
    tag_count: int
    reference_count: int


def has_detached(connection: Connection, before: int) -> bool:
    """True while an image that was detached ``before`` has a row."""
    return connection.execute(_oldest_detached, {"before": before}).first() is not None


@dataclass(frozen=True, slots=True)
class Drained:
    """What a step of draining has removed for good, beside rows: manifests that no image has any more.

    ``named`` are the digests of layers that were named by images which are gone now.
    """

    repository_id: int
    named: list[str]
    manifests: int
    manifest_bytes: int


def drain_detached(connection: Connection, before: int, limit: int) -> Drained | None:
    """As ``drain_detached_from``, of the repository whose image has waited longest."""
    repository_id = connection.scalar(_oldest_detached, {"before": before})
    return None if repository_id is None else drain_detached_from(connection, repository_id, before, limit)


def drain_detached_from(connection: Connection, repository_id: int, before: int, limit: int) -> Drained | None:
    """Remove images of a repository that were detached ``before``, or tags of one that has too many.

    A tag leaves a line of history. Images that another transaction drains, or brings back, are left to it. At most
    ``limit`` rows are written, with one for each layer that was named; None when there is none.
    """
    wanted = {"repository_id": repository_id, "before": before, "limit": limit // 2}
    return _drain(connection, repository_id, connection.execute(_detached_from, wanted), limit)


def drain_deleted(connection: Connection, repository_id: int, digest: str, limit: int) -> Drained | None:
    """As ``drain_detached_from``, all that have the digest."""
    wanted = {"repository_id": repository_id, "digest": digest, "limit": limit // 2}
    return _drain(connection, repository_id, connection.execute(_detached_with_digest, wanted), limit)


def _drain(
    connection: Connection, repository_id: int, rows: Iterable[Row[*tuple[Any, ...]]], limit: int
) -> Drained | None:
    leaving = {row.id: LeavingImage(*row) for row in rows}
    if not leaving:
        return None
    whole = _that_fit(list(leaving.values()), limit, rows_of_tag=2, rows_of_reference=2)
    if not whole:
        image = next(iter(leaving.values()))
        tags, at = tags_of(connection, image.id)[: limit // 2 - 1], image.detached_at or 0
        removed = remove_tags(connection, repository_id, tags, image, moved_by=DRAINED_BY, now=at)
        return Drained(repository_id, [], 0, 0) if removed else None
    tags = connection.execute(_delete_tags, {"of_images": whole}).all()
    lines = [
        _move(repository_id, tag, DRAINED_BY, image.detached_at or 0, image.digest, None)
        for tag, image in ((row.tag, leaving[row.image_id]) for row in tags)
    ]
    if lines:
        insert_rows(connection, tag_history, lines)
    return _delete(connection, repository_id, whole)


def drain_images_of(connection: Connection, repository_id: int, limit: int) -> Drained | None:
    """Remove images of a repository that is itself detached, or tags of one that has too many.

    Its history goes with it, so nothing is added to that. At most ``limit`` rows are written; None when there is
    none to write.
    """
    leaving: list[LeavingImage] = []
    for statement in _next_leaving[connection.dialect.name]:
        wanted = {"repository_id": repository_id, "after": 0, "limit": limit // 2 - len(leaving)}
        leaving += [LeavingImage(*row) for row in _page(connection, statement, wanted)]
    if not leaving:
        return None
    whole = _that_fit(leaving, limit, rows_of_tag=1, rows_of_reference=1)
    if not whole:
        tags = tags_of(connection, leaving[0].id)[: limit - 1]
        removed = _take_off(connection, repository_id, tags, leaving[0].id)
        return Drained(repository_id, [], 0, 0) if removed else None
    connection.execute(_delete_tags, {"of_images": whole})
    return _delete(connection, repository_id, whole)


def _that_fit(
    leaving: Sequence[LeavingImage], limit: int, *, rows_of_tag: int, rows_of_reference: int
) -> list[int]:
    """The ids of the first images that can be removed whole, with their manifests, within ``limit`` rows."""
    costs = accumulate(
        2 + rows_of_reference * image.reference_count + rows_of_tag * image.tag_count for image in leaving
    )
    return [image.id for image, cost in zip(leaving, costs, strict=True) if cost <= limit]


def _delete(connection: Connection, repository_id: int, image_ids: Sequence[int]) -> Drained:
    """Remove images that have no tags any more, with their references, and manifests that no other image has.

    A manifest is locked before it is asked for other images, in a statement of its own: PutImage holds the one
    that it gives an image to.
    """
    named = set(connection.scalars(_delete_references, {"of_images": image_ids}))
    digests = sorted(set(connection.scalars(_delete_images, {"of_images": image_ids})))
    connection.execute(_lock_manifests, {"digests": digests}).all()
    sizes = connection.scalars(_delete_manifests, {"digests": digests}).all()
    return Drained(repository_id, sorted(named), len(sizes), sum(sizes))


#: Whom the history names for tags that were left for the sweep.
DRAINED_BY = "entrepot"
_leaving = (
    images.c.id,
    images.c.digest,
    images.c.detached_at,
    images.c.tag_count,
    select(func.count())
    .select_from(image_references)
    .where(image_references.c.image_id == images.c.id)
    .scalar_subquery()
    .label("reference_count"),
)
_oldest_detached = (
    select(images.c.detached_from)
    .where(images.c.detached_at <= bindparam("before"))
    .order_by(images.c.detached_at)
    .limit(1)
)
_some_detached = (select(*_leaving).limit(bindparam("limit")).with_for_update(of=images, skip_locked=True)).where(
    images.c.detached_from == bindparam("repository_id")
)
_detached_from = _some_detached.where(images.c.detached_at <= bindparam("before")).order_by(images.c.detached_at)
_is_detached_with_digest = and_(images.c.repository_id.is_(None), images.c.digest == bindparam("digest"))
_detached_with_digest = _some_detached.where(_is_detached_with_digest)
_next_leaving = {
    dialect: [
        select(images.c.repository_id, *_leaving)
        .where(condition, after)
        .order_by(images.c.repository_id, images.c.id)
        .limit(bindparam("limit"))
        for condition in (_tagged, _untagged)
    ]
    for dialect, after in _after.items()
}
_of_images: BindParameter[Any] = bindparam("of_images", expanding=True)
_delete_tags = (
    delete(image_tags)
    .where(image_tags.c.image_id.in_(_of_images))
    .returning(image_tags.c.tag, image_tags.c.image_id)
)
_delete_references = (
    delete(image_references)
    .where(image_references.c.image_id.in_(_of_images))
    .returning(image_references.c.digest)
)
_delete_images = delete(images).where(images.c.id.in_(_of_images)).returning(images.c.digest)
_of_digests = manifests.c.digest.in_(bindparam("digests", expanding=True))
_lock_manifests = select(manifests.c.digest).where(_of_digests).order_by(manifests.c.digest).with_for_update()
_delete_manifests = (
    delete(manifests)
    .where(
        _of_digests,
        ~exists(
            select(images.c.id).where(
                images.c.digest == manifests.c.digest, images.c.encryption_key == manifests.c.encryption_key
            )
        ),
    )
    .returning(func.length(manifests.c.content))
)


def count_tags_anew(connection: Connection, image_id: int) -> bool:
    """Set how many tags an image has to what it is; False where it was right.

    Whoever moves a tag counts after it, so whoever has the image's lock sees as many tags as are counted. The tags
    are counted in a statement of their own: it sees what was committed while the first waited.
    """
    counted = connection.scalar(select(images.c.tag_count).where(images.c.id == image_id).with_for_update())
    tags = connection.scalar(select(func.count()).where(image_tags.c.image_id == image_id))
    if counted is None or counted == tags:
        return False
    connection.execute(update(images).where(images.c.id == image_id).values(tag_count=tags))
    return True


def drop_unused_manifest(connection: Connection, digest: str) -> bool:
    """Remove a manifest, under whatever key, that no image has; False where there is none."""
    connection.execute(_lock_manifests, {"digests": [digest]}).all()
    return bool(connection.scalars(_delete_manifests, {"digests": [digest]}).all())


def has_moves_before(connection: Connection, before: int) -> bool:
    """True while there are tag moves older than ``before``."""
    return (
        connection.execute(select(tag_history.c.id).where(tag_history.c.moved_at < before).limit(1)).first()
        is not None
    )


def trim_history(connection: Connection, before: int, limit: int) -> int:
    """Forget tag moves older than ``before``; gives how many, at most ``limit``."""
    some = select(tag_history.c.id).where(tag_history.c.moved_at < before).limit(limit)
    return connection.execute(delete(tag_history).where(tag_history.c.id.in_(some.scalar_subquery()))).rowcount


def drop_history_of(connection: Connection, repository_id: int, limit: int) -> int:
    """Forget tag moves of a detached repository; gives how many, at most ``limit``."""
    all_of_them = select(tag_history.c.id).where(tag_history.c.repository_id == repository_id)
    some = all_of_them.order_by(tag_history.c.tag, tag_history.c.id).limit(limit)
    return connection.execute(delete(tag_history).where(tag_history.c.id.in_(some.scalar_subquery()))).rowcount


def has_rows(connection: Connection, repository_id: int) -> bool:
    """True while an image that was in the repository still has a row."""
    row = connection.execute(select(images.c.id).where(images.c.detached_from == repository_id).limit(1)).first()
    return row is not None


def count_detached(connection: Connection, before: int) -> Detached:
    """How many detached images wait; those from ``before`` are due. Reads every one of them."""
    kept = images.c.detached_at > before
    row = connection.execute(
        select(
            func.count().filter(kept),
            func.min(images.c.detached_at).filter(kept),
            func.count().filter(~kept),
        ).where(images.c.detached_at.is_not(None))
    ).one()
    return Detached(*row)


@dataclass(frozen=True, slots=True)
class DeletedImage:
    """An image that may be had back."""

    id: int
    digest: str
    encryption_key: str
    media_type: str
    size: int
    detached_at: int


_deleted = select(
    images.c.id,
    images.c.digest,
    images.c.encryption_key,
    images.c.media_type,
    images.c.size,
    images.c.detached_at,
)
_deleted_with_digest = _deleted.where(
    _is_detached_with_digest, images.c.detached_from == bindparam("repository_id")
)


def find_deleted(connection: Connection, repository_id: int, digest: str) -> DeletedImage | None:
    """The image with this digest that was deleted last; it may have been deleted more than once."""
    rows = connection.execute(_deleted_with_digest, {"repository_id": repository_id, "digest": digest})
    return max((DeletedImage(*row) for row in rows), key=lambda image: image.detached_at, default=None)


def lock_deleted(connection: Connection, deleted: DeletedImage) -> bool:
    """Keep an image from being drained, and from being brought back; False when it has been."""
    is_it = and_(images.c.id == deleted.id, images.c.repository_id.is_(None))
    return connection.execute(select(images.c.id).where(is_it).with_for_update()).first() is not None


def references_of(connection: Connection, image_id: int) -> list[Reference]:
    """What the image's manifest names, in its order."""
    of_image = image_references.c.image_id == image_id
    rows = connection.execute(
        select(image_references.c.kind, image_references.c.digest, image_references.c.size)
        .where(of_image)
        .order_by(image_references.c.position)
    )
    return [Reference(row.kind, Digest.parse(row.digest), row.size) for row in rows]


def hold_manifest(connection: Connection, deleted: DeletedImage) -> bool:
    """Keep a manifest's bytes until the transaction ends; False when they are gone."""
    key = {"digest": deleted.digest, "encryption_key": deleted.encryption_key}
    return _manifest_held.first(connection, key) is not None


def attach(connection: Connection, repository_id: int, image_id: int) -> None:
    """Put a detached image, which the caller has locked, back into its repository, with the tags it still has."""
    connection.execute(
        update(images)
        .where(images.c.id == image_id)
        .values(repository_id=repository_id, detached_from=None, detached_at=None)
    )


def tags_taken_off(connection: Connection, repository_id: int, deleted: DeletedImage) -> list[str]:
    """The tags that an image lost when it was deleted, in byte order, and those that it still has."""
    lost = connection.scalars(
        select(tag_history.c.tag).where(
            tag_history.c.moved_at == deleted.detached_at,
            tag_history.c.repository_id == repository_id,
            tag_history.c.from_digest == deleted.digest,
            tag_history.c.to_digest.is_(None),
        )
    )
    return sorted({*lost, *tags_of(connection, deleted.id)})


def find_digest_left(connection: Connection, repository_id: int, tag: str) -> str | None:
    """The digest of a detached image that still has the tag: one whose loss is not in the history yet."""
    return connection.scalar(
        select(images.c.digest)
        .join(image_tags, image_tags.c.image_id == images.c.id)
        .where(
            image_tags.c.repository_id == repository_id,
            image_tags.c.tag == tag,
            images.c.repository_id.is_(None),
        )
    )


def find_digest_before(connection: Connection, repository_id: int, tag: str, current: str | None) -> str | None:
    """The last digest that the tag has left and that is not the ``current`` one."""
    return connection.scalar(
        select(tag_history.c.from_digest)
        .where(
            tag_history.c.repository_id == repository_id,
            tag_history.c.tag == tag,
            tag_history.c.from_digest != (current or ""),
        )
        .order_by(tag_history.c.id.desc())
        .limit(1)
    )


def page_of_deleted(
    connection: Connection, registry: RegistryId, *, since: int, limit: int
) -> list[tuple[int, str, DeletedImage]]:
    """Images that were deleted after ``since``, the newest first, with the id and the name of their repository."""
    query = (
        _deleted.add_columns(repositories.c.id, repositories.c.name)
        .join(repositories, repositories.c.id == images.c.detached_from)
        .where(
            images.c.detached_at > since,
            repositories.c.account == registry.account,
            repositories.c.region == registry.region,
            repositories.c.name.is_not(None),
        )
        .order_by(images.c.detached_at.desc())
        .limit(limit)
    )
    return [(row[-2], row[-1], DeletedImage(*row[:-2])) for row in connection.execute(query)]


#: As the walks above: by all columns of an index, and cut off where another repository begins.
_newest_deleted_from = (
    _deleted.add_columns(images.c.detached_from)
    .where(
        images.c.detached_from.is_not(None),
        tuple_(images.c.detached_from, images.c.detached_at)
        < tuple_(bindparam("next_repository_id"), bindparam("earliest")),
    )
    .order_by(images.c.detached_from.desc(), images.c.detached_at.desc())
    .limit(bindparam("limit"))
)


def page_of_deleted_from(
    connection: Connection, repository_id: int, *, since: int, limit: int
) -> list[DeletedImage]:
    """Images of one repository that were deleted after ``since``, the newest first."""
    wanted = {"next_repository_id": repository_id + 1, "earliest": 0, "limit": limit}
    rows = connection.execute(_newest_deleted_from, wanted)
    found = [DeletedImage(*row[:-1]) for row in rows if row[-1] == repository_id]
    return [image for image in found if image.detached_at > since]


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """A tag has moved: ``from_digest`` is None where it was new, ``to_digest`` where it was removed."""

    id: int
    tag: str
    moved_at: int
    moved_by: str
    from_digest: str | None
    to_digest: str | None


def page_of_history(
    connection: Connection, repository_id: int, *, tag: str | None, before: int | None, limit: int
) -> list[HistoryLine]:
    """At most ``limit`` moves of a tag, or of all tags of a repository, the newest first.

    Those of a tag are a walk over an index. For those of all tags the repository's whole history is read.
    """
    query = select(
        tag_history.c.id,
        tag_history.c.tag,
        tag_history.c.moved_at,
        tag_history.c.moved_by,
        tag_history.c.from_digest,
        tag_history.c.to_digest,
    ).where(tag_history.c.repository_id == repository_id)
    if tag is not None:
        query = query.where(tag_history.c.tag == tag)
    if before is not None:
        query = query.where(tag_history.c.id < before)
    return [HistoryLine(*row) for row in connection.execute(query.order_by(tag_history.c.id.desc()).limit(limit))]
