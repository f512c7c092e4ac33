"""Bringing deleted images, tags and repositories back, for as long as they are kept (designs/history.md).

An operator's work, on the database itself: no face offers it. What is brought back has not been drained, so its
rows are all there; each call locks them, asks again whether everything is there that PutImage asks for, and turns
them back into an image.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from sqlalchemy import Connection

from entrepot.core.digest import Digest
from entrepot.core.names import check_repository_name
from entrepot.core.partitions import RegistryId
from entrepot.features.images import store as images
from entrepot.features.images.errors import (
    ChildrenGone,
    ImageNotDeleted,
    ImageTagAlreadyExists,
    LayersGone,
    TagWasNothingElse,
    TooManyDeletedImages,
    TooManyTagsOfImage,
)
from entrepot.features.images.image import Image
from entrepot.features.images.rules import MAX_TAGS
from entrepot.features.images.store import DeletedImage
from entrepot.features.layers import store as layers
from entrepot.features.quotas.errors import TooManyImages, TooManyRepositories
from entrepot.features.repositories import store as repositories
from entrepot.features.repositories.errors import RepositoryNotDeleted, RepositoryNotFound
from entrepot.features.repositories.repository import Repository
from entrepot.features.repositories.rules import is_tag_immutable
from entrepot.metadata import generation
from entrepot.operations.operator import OPERATOR, Operator
from entrepot.operations.services import Upkeep

#: Images that one transaction brings back, and tags: a tag is three rows, or five where a sweep has not been yet.
IMAGES_AT_ONCE = 100
TAGS_AT_ONCE = 75


@dataclass(frozen=True, slots=True)
class Undeleted:
    """What has come back: an image with tags, and ``children``, the digests of deleted images that it names.

    ``was_there`` if the image had been pushed again meanwhile. ``elsewhere`` are tags that had been its own and
    point at another image now.
    """

    digest: str
    tags: list[str]
    children: list[str] = field(default_factory=list[str])
    elsewhere: list[str] = field(default_factory=list[str])
    was_there: bool = False


async def undelete_image(services: Upkeep, operator: Operator, *, repository: str, digest: str) -> Undeleted:
    """Bring a deleted image back, with the tags that it was deleted with unless they point elsewhere now.

    An index brings its deleted images along, without theirs. Of one that has been pushed again only the tags come.

    Raises RepositoryNotFound, ImageNotDeleted, LayersGone, ChildrenGone, TooManyDeletedImages, TooManyTagsOfImage,
    TooManyImages.

    With many tags it is several transactions, of which only the last makes image and tags visible; if it breaks
    off before, it can be repeated.
    """
    now = services.clock()

    def find(connection: Connection) -> tuple[DeletedImage, list[str]]:
        target = repositories.find(connection, operator.registry, repository)
        found = _find_deleted(connection, target, digest)
        return found, images.tags_taken_off(connection, target.id, found)

    deleted, tags = await services.metadata.read(find)
    batches = [tags[start : start + TAGS_AT_ONCE] for start in range(0, len(tags), TAGS_AT_ONCE)] or [[]]

    def change(connection: Connection, *, batch: Sequence[str], is_last: bool) -> Undeleted:
        target = repositories.find_and_hold_alone(connection, operator.registry, repository)
        present = images.lock_image(connection, target.id, digest)
        if present is None and not images.lock_deleted(connection, deleted):
            raise ImageNotDeleted(digest, repository)
        image = present or deleted
        elsewhere = [tag for tag in batch if not _give_tag(connection, target, tag, image, now)]
        own = [tag for tag in batch if tag not in elsewhere]
        children: list[str] = []
        if is_last and present is None:
            children = _bring_back(connection, operator, target, deleted)
        if is_last:
            operator.record(
                connection, "UndeleteImage", repository, now, digest=digest, tags=tags, children=children
            )
        return Undeleted(digest, own, children, elsewhere, was_there=present is not None)

    steps: list[Undeleted] = []
    for number, batch in enumerate(batches, 1):
        step = partial(change, batch=batch, is_last=number == len(batches))
        steps.append(await services.metadata.write(step))
    return Undeleted(
        digest,
        list(chain.from_iterable(step.tags for step in steps)),
        steps[-1].children,
        list(chain.from_iterable(step.elsewhere for step in steps)),
        steps[-1].was_there,
    )


async def undelete_tag(services: Upkeep, operator: Operator, *, repository: str, tag: str) -> Undeleted:
    """Point a tag at what it pointed at before it was moved or removed; a deleted image is brought back for it.

    The image's other tags stay away. Twice in a row, of a tag that was moved, changes nothing in the end.

    Raises RepositoryNotFound, TagWasNothingElse, ImageTagAlreadyExists, and as ``undelete_image``.
    """
    now = services.clock()

    def change(connection: Connection) -> Undeleted:
        target = repositories.find_and_hold_alone(connection, operator.registry, repository)
        current = images.find_by_tag(connection, target.id, tag)
        if current is not None and is_tag_immutable(target.settings, tag):
            raise ImageTagAlreadyExists(tag, repository)
        digest = _digest_before(connection, target, tag, current)
        present = images.lock_image(connection, target.id, digest)
        children: list[str] = []
        image = present or _find_deleted(connection, target, digest)
        if isinstance(image, DeletedImage):
            children = _bring_back(connection, operator, target, image)
        _set_tag(connection, target, tag, image, now)
        operator.record(connection, "UndeleteTag", repository, now, digest=digest, tags=[tag], children=children)
        return Undeleted(digest, [tag], children, was_there=present is not None)

    return await services.metadata.write(change)


def _digest_before(connection: Connection, repository: Repository, tag: str, current: Image | None) -> str:
    left = None if current is not None else images.find_digest_left(connection, repository.id, tag)
    before = left or images.find_digest_before(
        connection, repository.id, tag, None if current is None else current.digest
    )
    if before is None:
        raise TagWasNothingElse(tag, repository.name)
    return before


def _find_deleted(connection: Connection, repository: Repository, digest: str) -> DeletedImage:
    found = images.find_deleted(connection, repository.id, digest)
    if found is None:
        raise ImageNotDeleted(digest, repository.name)
    return found


def _give_tag(
    connection: Connection, repository: Repository, tag: str, image: Image | DeletedImage, now: int
) -> bool:
    """Let an image have a tag again; False when the tag points at another one."""
    current = images.find_by_tag(connection, repository.id, tag)
    if current is not None and current.id != image.id:
        return False
    _set_tag(connection, repository, tag, image, now)
    return True


def _set_tag(
    connection: Connection, repository: Repository, tag: str, image: Image | DeletedImage, now: int
) -> None:
    move = images.set_tag(connection, repository.id, tag, image, moved_by=OPERATOR, now=now)
    if move is not None and move.tag_count > MAX_TAGS:
        raise TooManyTagsOfImage(tag, repository.name, repository.registry.account, MAX_TAGS)


def _bring_back(
    connection: Connection, operator: Operator, repository: Repository, deleted: DeletedImage
) -> list[str]:
    """Make a deleted image one of its repository again, which the caller holds alone; gives the images it brings.

    All images are locked before the first layer, and all layers before the first manifest: whoever drains has them
    in this order too.
    """
    found, layers_needed = _lock_with_children(connection, operator, repository, deleted)
    held = layers.hold_layers(connection, repository.id, layers_needed)
    missing = [str(digest) for digest in layers_needed if str(digest) not in held]
    if missing and not operator.sparse_manifests:
        raise LayersGone(deleted.digest, ", ".join(missing))
    if not all(images.hold_manifest(connection, one) for one in found):
        raise ImageNotDeleted(deleted.digest, repository.name)
    _check_quota(connection, operator, repository, len(found))
    for one in found:
        images.attach(connection, repository.id, one.id)
    return [one.digest for one in found if one.id != deleted.id]


def _lock_with_children(
    connection: Connection, operator: Operator, repository: Repository, deleted: DeletedImage
) -> tuple[list[DeletedImage], list[Digest]]:
    """Lock an image and the deleted ones that it names, and they name; gives them, and the layers of all."""
    found: dict[str, DeletedImage] = {}
    needed: dict[Digest, None] = {}
    waiting = [deleted]
    while waiting:
        one = waiting.pop()
        if one.digest in found:
            continue
        if len(found) == IMAGES_AT_ONCE:
            raise TooManyDeletedImages(deleted.digest, IMAGES_AT_ONCE)
        if not images.lock_deleted(connection, one):
            raise ImageNotDeleted(one.digest, repository.name)
        found[one.digest] = one
        references = images.references_of(connection, one.id)
        needed |= dict.fromkeys(each.digest for each in references if each.kind in {"config", "layer"})
        children = [each.digest for each in references if each.kind == "child"]
        present = images.hold_children(connection, repository.id, children)
        absent = [str(digest) for digest in children if str(digest) not in present]
        kept = [images.find_deleted(connection, repository.id, digest) for digest in absent]
        gone = [digest for digest, child in zip(absent, kept, strict=True) if child is None]
        if gone and not operator.sparse_manifests:
            raise ChildrenGone(one.digest, ", ".join(gone))
        waiting += [child for child in kept if child is not None]
    return list(found.values()), list(needed)


def _check_quota(connection: Connection, operator: Operator, repository: Repository, more: int) -> None:
    quota = operator.quotas.images_per_repository
    if quota is not None and images.count(connection, repository.id, quota) + more > quota:
        raise TooManyImages(repository.name, repository.registry.account, quota)


async def undelete_repository(
    services: Upkeep, operator: Operator, *, repository: str, name: str | None = None
) -> str:
    """Bring back the repository that was deleted last under its name, as it was; gives the name that it has now.

    It gets another ``name`` if one is given. Raises RepositoryNotDeleted, RepositoryAlreadyExists where the name
    is taken, InvalidParameter, TooManyRepositories.
    """
    new_name = repository if name is None else name
    check_repository_name(new_name)
    now = services.clock()

    def change(connection: Connection) -> None:
        deleted = repositories.find_deleted(connection, operator.registry, repository)
        quota = operator.quotas.repositories
        if quota is not None and repositories.count(connection, operator.registry, quota) >= quota:
            raise TooManyRepositories(operator.registry.account, quota)
        if deleted is None or not repositories.attach(connection, operator.registry, deleted, new_name, now):
            raise RepositoryNotDeleted(repository, operator.registry.account)
        operator.record(connection, "UndeleteRepository", new_name, now, deletedName=repository)
        generation.advance(connection)

    await services.metadata.write(change)
    return new_name


@dataclass(frozen=True, slots=True)
class Kept:
    """A deleted image, or a whole repository, where ``digest`` is None; times in microseconds.

    ``tags`` are those that the image was deleted with, ``size`` is its imageSizeInBytes.
    """

    repository: str
    digest: str | None
    tags: list[str]
    size: int | None
    deleted_at: int
    kept_until: int


async def list_deleted(services: Upkeep, operator: Operator, *, repository: str | None, limit: int) -> list[Kept]:
    """What can be had back, of one name or of all: at most ``limit`` repositories, and as many images.

    Repositories come first, by name, then images, the newest first.
    """
    since = services.lifetimes.drained_before(services.clock())
    window = services.lifetimes.undelete

    def query(connection: Connection) -> list[Kept]:
        registry = operator.registry
        whole = repositories.page_of_deleted(connection, registry, name=repository, since=since, limit=limit)
        single = _page_of_images(connection, registry, repository, since=since, limit=limit)
        return [Kept(each.name, None, [], None, each.detached_at, each.detached_at + window) for each in whole] + [
            Kept(
                name,
                image.digest,
                images.tags_taken_off(connection, repository_id, image),
                image.size,
                image.detached_at,
                image.detached_at + window,
            )
            for repository_id, name, image in single
        ]

    return await services.metadata.read(query)


def _page_of_images(
    connection: Connection, registry: RegistryId, name: str | None, *, since: int, limit: int
) -> list[tuple[int, str, DeletedImage]]:
    if name is None:
        return images.page_of_deleted(connection, registry, since=since, limit=limit)
    try:
        found = repositories.find(connection, registry, name)
    except RepositoryNotFound:  # the name may be that of deleted ones alone
        return []
    page = images.page_of_deleted_from(connection, found.id, since=since, limit=limit)
    return [(found.id, name, image) for image in page]
