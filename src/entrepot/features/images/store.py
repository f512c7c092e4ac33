"""The SQL of images, their manifests, references and tags, and of the tags' history.

An image whose ``repository_id`` is NULL is detached: it and its tags are gone to every reader, and its rows are
drained later. So whatever reads a tag or a reference joins the image and asks for its repository.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, delete, exists, func, insert, select, update

from entrepot.core.digest import Digest
from entrepot.core.manifest import Manifest
from entrepot.features.images.image import Image, ImageId, TaggedImage
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
_by_digest = select(*_columns).where(_in_repository, images.c.digest == bindparam("digest"))
_by_tag = (
    select(*_columns)
    .join(image_tags, image_tags.c.image_id == images.c.id)
    .where(
        _in_repository,
        image_tags.c.repository_id == bindparam("repository_id"),
        image_tags.c.tag == bindparam("tag"),
    )
)
_content = select(manifests.c.content).where(
    manifests.c.digest == bindparam("digest"), manifests.c.encryption_key == ""
)


def find_by_digest(connection: Connection, repository_id: int, digest: str) -> Image | None:
    """The image of this digest."""
    row = connection.execute(_by_digest, {"repository_id": repository_id, "digest": digest}).first()
    return None if row is None else Image(*row)


def find_by_tag(connection: Connection, repository_id: int, tag: str) -> Image | None:
    """The image that the tag points at."""
    row = connection.execute(_by_tag, {"repository_id": repository_id, "tag": tag}).first()
    return None if row is None else Image(*row)


def find(connection: Connection, repository_id: int, image: ImageId) -> Image | None:
    """The image by digest if one is given, else by its tag."""
    if image.digest is not None:
        return find_by_digest(connection, repository_id, image.digest)
    return find_by_tag(connection, repository_id, image.tag or "")


def read_manifest(connection: Connection, digest: str) -> bytes:
    """The manifest's bytes, exactly as they were sent."""
    return connection.execute(_content, {"digest": digest}).scalar_one()


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
        row = connection.execute(
            _by_digest.with_for_update(), {"repository_id": repository_id, "digest": digest}
        ).first()
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


def tags_of(connection: Connection, image_id: int) -> list[str]:
    """The image's tags, in byte order."""
    return list(
        connection.scalars(
            select(image_tags.c.tag).where(image_tags.c.image_id == image_id).order_by(image_tags.c.tag)
        )
    )


def count_tags(connection: Connection, image_id: int) -> int:
    """How many tags the image has; at most the quota, so this reads a bounded range of one index."""
    return (
        connection.scalar(select(func.count()).select_from(image_tags).where(image_tags.c.image_id == image_id))
        or 0
    )


def set_tag(
    connection: Connection, repository_id: int, tag: str, image: Image, *, moved_by: str, now: int
) -> str | None:
    """Point the tag at the image and write the move down in the tag's history.

    Gives the digest that the tag pointed at before. The row is claimed before it is read, so of two pushes of
    one tag the second sees the first; whoever may not move the tag raises, and the transaction is undone.
    """
    claimed = insert_if_absent(
        connection,
        image_tags,
        [{"repository_id": repository_id, "tag": tag, "image_id": image.id, "moved_at": now}],
    )
    before = None if claimed else _lock_tag(connection, repository_id, tag)
    if before == image.digest:
        return before
    if not claimed:
        connection.execute(
            update(image_tags)
            .where(image_tags.c.repository_id == repository_id, image_tags.c.tag == tag)
            .values(image_id=image.id, moved_at=now)
        )
    _record_move(connection, repository_id, tag, moved_by, now, before, image.digest)
    return before


def _lock_tag(connection: Connection, repository_id: int, tag: str) -> str | None:
    """Lock the tag's row; gives the digest it points at, None when that image is detached."""
    row = connection.execute(
        select(images.c.digest, images.c.repository_id)
        .join(image_tags, image_tags.c.image_id == images.c.id)
        .where(image_tags.c.repository_id == repository_id, image_tags.c.tag == tag)
        .with_for_update(of=image_tags)
    ).one()
    return row.digest if row.repository_id == repository_id else None


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
    row = connection.execute(
        _by_digest.with_for_update(), {"repository_id": repository_id, "digest": digest}
    ).first()
    return None if row is None else Image(*row)


def detach(connection: Connection, repository_id: int, image: Image, now: int) -> None:
    """Take the image and its tags out of the repository in one row."""
    connection.execute(
        update(images)
        .where(images.c.id == image.id)
        .values(repository_id=None, detached_from=repository_id, detached_at=now)
    )


def has_images(connection: Connection, repository_id: int) -> bool:
    """True when the repository has an image."""
    return (
        connection.execute(select(images.c.id).where(images.c.repository_id == repository_id).limit(1)).first()
        is not None
    )


def record_pull(connection: Connection, image_id: int, now: int) -> None:
    """Set the image's last pull."""
    connection.execute(update(images).where(images.c.id == image_id).values(pulled_at=now))


def list_images(
    connection: Connection, repository_id: int, *, tag_status: str, after: tuple[int, str], limit: int
) -> list[TaggedImage]:
    """One entry a (digest, tag) pair, and one an untagged image, by image and tag, after the given pair.

    ``tag_status`` is TAGGED, UNTAGGED or ANY. The order is that of pushing, so it stays the same while images
    come and go.
    """
    tag = func.coalesce(image_tags.c.tag, "")
    query = (
        select(images.c.id, images.c.digest, image_tags.c.tag)
        .join(image_tags, image_tags.c.image_id == images.c.id, isouter=tag_status != "TAGGED")
        .where(
            images.c.repository_id == repository_id,
            images.c.id >= after[0],
            (images.c.id > after[0]) | (tag > after[1]),
        )
        .order_by(images.c.id, tag)
        .limit(limit)
    )
    if tag_status == "UNTAGGED":
        query = query.where(image_tags.c.tag.is_(None))
    return [TaggedImage(*row) for row in connection.execute(query)]


def page_of_images(
    connection: Connection, repository_id: int, *, tag_status: str, after: int, limit: int
) -> list[Image]:
    """At most ``limit`` images pushed after the image with id ``after``, in the order of pushing."""
    query = (
        select(*_columns)
        .where(images.c.repository_id == repository_id, images.c.id > after)
        .order_by(images.c.id)
        .limit(limit)
    )
    tagged = exists().where(image_tags.c.image_id == images.c.id)
    if tag_status == "TAGGED":
        query = query.where(tagged)
    if tag_status == "UNTAGGED":
        query = query.where(~tagged)
    return [Image(*row) for row in connection.execute(query)]


def tags_of_many(connection: Connection, image_ids: Sequence[int]) -> dict[int, list[str]]:
    """The tags of each image, in byte order."""
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


@dataclass(frozen=True, slots=True)
class Referrer:
    """An image whose subject was asked for, with its manifest's bytes."""

    image: Image
    content: bytes


def list_referrers(
    connection: Connection,
    repository_id: int,
    subject: str,
    *,
    artifact_types: Sequence[str],
    after: int,
    limit: int,
) -> list[Referrer]:
    """At most ``limit`` images with this subject, pushed after the image ``after``, in the order of pushing."""
    query: Select[*tuple[Any, ...]] = (
        select(*_columns, manifests.c.content)
        .join(
            manifests,
            and_(manifests.c.digest == images.c.digest, manifests.c.encryption_key == images.c.encryption_key),
        )
        .where(
            images.c.repository_id == repository_id,
            images.c.subject_digest == subject,
            images.c.id > after,
        )
        .order_by(images.c.id)
        .limit(limit)
    )
    if artifact_types:
        query = query.where(images.c.artifact_type.in_(artifact_types))
    return [_referrer(row) for row in connection.execute(query)]


def _referrer(row: Row[*tuple[Any, ...]]) -> Referrer:
    *image, content = row
    return Referrer(Image(*image), content)


def detach_images_of(connection: Connection, repository_id: int, now: int, limit: int) -> int:
    """Detach images of a repository that is itself detached; gives how many, at most ``limit``."""
    some = select(images.c.id).where(images.c.repository_id == repository_id).order_by(images.c.id).limit(limit)
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
    row = connection.execute(
        select(images.c.id, images.c.digest, images.c.detached_from, images.c.detached_at)
        .where(images.c.detached_at.is_not(None))
        .order_by(images.c.detached_at)
        .limit(1)
    ).first()
    return None if row is None else DetachedImage(*row)


def drain_image(connection: Connection, image: DetachedImage, *, moved_by: str, limit: int) -> bool:
    """Remove at most ``limit`` tags of a detached image, each with its line of history; True once all is gone.

    What is left of an image without tags goes in a transaction of its own: its references are many enough.
    """
    tags = list(connection.scalars(select(image_tags.c.tag).where(image_tags.c.image_id == image.id).limit(limit)))
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
        return False
    connection.execute(delete(image_references).where(image_references.c.image_id == image.id))
    connection.execute(delete(images).where(images.c.id == image.id))
    return True


def trim_history(connection: Connection, before: int, limit: int) -> int:
    """Forget tag moves older than ``before``; gives how many, at most ``limit``."""
    some = select(tag_history.c.id).where(tag_history.c.moved_at < before).limit(limit)
    return connection.execute(delete(tag_history).where(tag_history.c.id.in_(some.scalar_subquery()))).rowcount


def drop_history_of(connection: Connection, repository_id: int, limit: int) -> int:
    """Forget tag moves of a detached repository; gives how many, at most ``limit``."""
    some = select(tag_history.c.id).where(tag_history.c.repository_id == repository_id).limit(limit)
    return connection.execute(delete(tag_history).where(tag_history.c.id.in_(some.scalar_subquery()))).rowcount


def has_rows(connection: Connection, repository_id: int) -> bool:
    """True while an image that was in the repository still has a row."""
    row = connection.execute(select(images.c.id).where(images.c.detached_from == repository_id).limit(1)).first()
    return row is not None
