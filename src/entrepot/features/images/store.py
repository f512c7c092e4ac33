"""The SQL of images, their manifests, references and tags, and of the tags' history.

An image whose ``repository_id`` is NULL is detached: it and its tags are gone to every reader, and its rows are
drained later. So whatever reads a tag or a reference joins the image and asks for its repository.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    tuple_,
    update,
)

from entrepot.core.digest import Digest
from entrepot.core.manifest import Manifest
from entrepot.features.images.image import Image, ImageId, TaggedImage
from entrepot.metadata.hot import LookUp
from entrepot.metadata.insert import insert_if_absent
from entrepot.metadata.tables import image_references, image_tags, images, manifests, tag_history

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
_content = LookUp(
    select(manifests.c.content).where(
        manifests.c.digest == bindparam("digest"), manifests.c.encryption_key == bindparam("encryption_key")
    )
)


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


def read_manifest(connection: Connection, digest: str) -> bytes:
    """The manifest's bytes, exactly as they were sent."""
    row = _content.first(connection, {"digest": digest, "encryption_key": ""})
    assert row is not None  # an image's manifest is there for as long as the image is
    return row[0]


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
    connection: Connection, repository_id: int, manifest: Manifest, content: bytes, *, size: int, now: int
) -> tuple[Image, bool]:
    """Store an image unless the repository has it; gives its row, and True when it is new.

    On PostgreSQL the row is locked, so a deletion that runs at the same time comes before or after.
    """
    digest = str(manifest.digest)
    insert_if_absent(connection, manifests, [{"digest": digest, "encryption_key": "", "content": content}])
    values = {
        "repository_id": repository_id,
        "digest": digest,
        "encryption_key": "",
        "media_type": manifest.media_type,
        "artifact_type": manifest.artifact_type,
        "config_media_type": manifest.config_media_type,
        "subject_digest": str(manifest.subject) if manifest.subject else None,
        "size": size,
        "manifest_size": len(content),
        "pushed_at": now,
    }
    inserted, row = 0, None
    while row is None:  # goes round again only when the image was there and is deleted at this very moment
        inserted = insert_if_absent(connection, images, [values])
        row = _by_digest_locked.first(connection, {"repository_id": repository_id, "digest": digest})
    image = Image(*row)
    is_new = inserted == 1
    if is_new and manifest.references:
        connection.execute(
            insert(image_references),
            [
                {
                    "image_id": image.id,
                    "position": position,
                    "repository_id": repository_id,
                    "kind": reference.kind,
                    "digest": str(reference.digest),
                    "size": reference.size,
                }
                for position, reference in enumerate(manifest.references)
            ],
        )
    return image, is_new


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


_count_tag = (
    update(images)
    .where(images.c.id == bindparam("counted_id"))
    .values(tag_count=images.c.tag_count + bindparam("by"))
    .returning(images.c.tag_count, images.c.digest, images.c.repository_id)
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


def set_tag(
    connection: Connection, repository_id: int, tag: str, image: Image, *, moved_by: str, now: int
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
        left = connection.execute(_count_tag, {"counted_id": image_id, "by": -1}).one()
        before = (
            left.digest if left.repository_id == repository_id else None
        )  # a detached image has lost it already
    tag_count = connection.execute(_count_tag, {"counted_id": image.id, "by": 1}).one().tag_count
    _record_move(connection, repository_id, tag, moved_by, now, before, image.digest)
    return TagMove(before, tag_count)


def remove_tag(
    connection: Connection, repository_id: int, tag: str, image: Image, *, moved_by: str, now: int
) -> bool:
    """Take the tag off the image; False when it has meanwhile moved."""
    result = connection.execute(
        delete(image_tags).where(
            image_tags.c.repository_id == repository_id,
            image_tags.c.tag == tag,
            image_tags.c.image_id == image.id,
        )
    )
    if result.rowcount:
        connection.execute(_count_tag, {"counted_id": image.id, "by": -1})
        _record_move(connection, repository_id, tag, moved_by, now, image.digest, None)
    return result.rowcount == 1


def _record_move(
    connection: Connection,
    repository_id: int,
    tag: str,
    moved_by: str,
    now: int,
    from_digest: str | None,
    to_digest: str | None,
) -> None:
    connection.execute(
        insert(tag_history).values(
            repository_id=repository_id,
            tag=tag,
            moved_at=now,
            moved_by=moved_by,
            from_digest=from_digest,
            to_digest=to_digest,
        )
    )


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


def detach_images_of(connection: Connection, repository_id: int, now: int, limit: int) -> int:
    """Detach images of a repository that is itself detached; gives how many, at most ``limit``."""
    all_of_them = select(images.c.id).where(images.c.repository_id == repository_id)
    some = all_of_them.order_by(images.c.digest).limit(limit)
    result = connection.execute(
        update(images)
        .where(images.c.id.in_(some.scalar_subquery()))
        .values(repository_id=None, detached_from=repository_id, detached_at=now)
    )
    return result.rowcount


@dataclass(frozen=True, slots=True)
class DetachedImage:
    """An image on its way out."""

    id: int
    digest: str
    repository_id: int
    detached_at: int


def find_detached(connection: Connection) -> DetachedImage | None:
    """A detached image that still has its row, the oldest first."""
    row = connection.execute(_oldest_detached).first()
    return None if row is None else DetachedImage(*row)


_oldest_detached = (
    select(images.c.id, images.c.digest, images.c.detached_from, images.c.detached_at)
    .where(images.c.detached_at.is_not(None))
    .order_by(images.c.detached_at)
    .limit(1)
)


def drain_image(connection: Connection, image: DetachedImage, *, moved_by: str, limit: int) -> int:
    """Remove tags of a detached image, each with its line of history, or at last the image itself.

    Gives the number of rows written: of tags at most twice ``limit``, of an image one more than its references.
    """
    tags = list(connection.scalars(_some_tags, {"image_id": image.id, "limit": limit}))
    if tags:
        connection.execute(
            insert(tag_history),
            [
                {
                    "repository_id": image.repository_id,
                    "tag": tag,
                    "moved_at": image.detached_at,
                    "moved_by": moved_by,
                    "from_digest": image.digest,
                    "to_digest": None,
                }
                for tag in tags
            ],
        )
        connection.execute(delete(image_tags).where(image_tags.c.image_id == image.id, image_tags.c.tag.in_(tags)))
        return 2 * len(tags)
    references = connection.execute(_drop_references, {"of_image": image.id}).rowcount
    return references + connection.execute(_drop_image, {"of_image": image.id}).rowcount


_some_tags = (
    select(image_tags.c.tag).where(image_tags.c.image_id == bindparam("image_id")).limit(bindparam("limit"))
)
_drop_references = delete(image_references).where(image_references.c.image_id == bindparam("of_image"))
_drop_image = delete(images).where(images.c.id == bindparam("of_image"))


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
