"""Images by the API, and their tags and referrers as ``/v2/`` lists them.

PutImage, BatchGetImage, BatchDeleteImage, DescribeImages, ListImages, ListImageReferrers.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

import msgspec
import structlog
from sqlalchemy import Connection

from entrepot.core.digest import Digest
from entrepot.core.manifest import MAX_MANIFEST_BYTES, Manifest, annotations_of, parse_manifest
from entrepot.core.names import check_image_tag, check_repository_name
from entrepot.features.images import store as images
from entrepot.features.images.conversion import convert_manifest
from entrepot.features.images.errors import (
    AnswerTooLarge,
    ImageAlreadyExists,
    ImageDigestDoesNotMatch,
    ImageNotFound,
    ImageReferencedByManifestList,
    ImageTagAlreadyExists,
    ReferencedImagesNotFound,
    TooManyReferences,
    TooManyTagsOfImage,
)
from entrepot.features.images.image import Image, ImageFailure, ImageId, ManifestBytes, TaggedImage
from entrepot.features.images.rules import (
    MAX_ANSWER,
    MAX_REFERENCES,
    MAX_TAGS,
    TAGS_AT_ONCE,
    check_image_id,
    is_pull_due,
    not_found,
)
from entrepot.features.layers import store as layers
from entrepot.features.layers.errors import RequiredLayersNotFound
from entrepot.features.quotas.errors import TooManyImages
from entrepot.features.registry import store as registries
from entrepot.features.repositories import store as repositories
from entrepot.features.repositories.errors import RepositoryNotFound
from entrepot.features.repositories.repository import Repository
from entrepot.features.repositories.rules import is_tag_immutable
from entrepot.keys.port import KeyServiceUnavailable, KeyUnusable
from entrepot.metadata.port import MetadataUnavailable
from entrepot.operations import quotas
from entrepot.operations.caller import Caller
from entrepot.operations.encryption import open_manifest, seal_manifest
from entrepot.operations.operation import operation
from entrepot.operations.repositories import ensure_repository, is_made_by_push, record
from entrepot.operations.services import Services

#: So many images are looked up at once, where a trip to a thread would take longer than they do.
FEW = 4


log = structlog.get_logger()


class StoredImage(msgspec.Struct, frozen=True):
    """An image with its manifest's bytes, and the tag it was asked for or given; ``by_tag`` if by nothing else."""

    image: Image
    tag: str | None
    content: bytes
    by_tag: bool = False


class FoundImage(msgspec.Struct, frozen=True):
    """An image with its manifest as it is stored, and what it was asked for by."""

    image: Image
    asked_for: ImageId
    stored: ManifestBytes


#: What comes of the same image under the same tag again.
Repeat = Literal["refused", "refused if immutable", "accepted"]


@operation("PutImage")
async def put_image(
    services: Services,
    caller: Caller,
    *,
    repository: str,
    content: bytes,
    media_type: str | None,
    tags: Sequence[str],
    digest: str | None,
    algorithms: Collection[str],
    repeat: Repeat,
    create: bool = False,
) -> StoredImage:
    """Store a manifest and point the tags at it.

    ``digest`` is what the client says it is; the image is known by its algorithm if that is one of ``algorithms``,
    else by sha256. Everything the manifest names has to be in the repository, but for its subject and foreign
    layers; nothing has to where manifests may be sparse.

    Raises InvalidParameter, ManifestInvalid, ImageDigestDoesNotMatch, RequiredLayersNotFound,
    ReferencedImagesNotFound, ImageAlreadyExists (where a repetition is refused), ImageTagAlreadyExists,
    TooManyReferences, TooManyTagsOfImage, TooManyImages, KeyUnusable, StorageFull.
    """
    for tag in tags:
        check_image_tag(tag)
    services.require_room_for_rows()
    is_missing = False
    if create:
        check_repository_name(repository)
        is_missing = await is_made_by_push(services, caller, repository)
    else:
        await services.metadata.look_up(lambda c: repositories.find(c, caller.registry, repository))
    manifest = _read_manifest(caller, repository, content, media_type, digest, algorithms)
    if is_missing:  # a manifest that cannot be stored makes no repository
        _check_references(services, caller, repository, manifest, layers_held=(), children_held=())
        await ensure_repository(services, caller, repository)
    reached_quota = await _reached_quota(services, caller, repository)
    found = await services.metadata.look_up(lambda c: repositories.find(c, caller.registry, repository))
    stored = await seal_manifest(services, found, str(manifest.digest), content)
    now = services.clock()

    def change(connection: Connection) -> tuple[Image, bool]:
        target = repositories.find_and_hold(connection, caller.registry, repository)
        if target.id != found.id:  # deleted since, and another one made
            raise RepositoryNotFound(repository, caller.registry.account)
        size = _hold_references(connection, services, caller, target, manifest)
        image, is_new = images.insert_image(
            connection,
            target.id,
            manifest,
            stored,
            encryption_key=target.settings.encryption_key,
            manifest_size=len(content),
            size=size,
            now=now,
        )
        if is_new and reached_quota is not None:
            raise TooManyImages(repository, caller.registry.account, reached_quota)
        moved = [tag for tag in tags if _tag(connection, caller, target, tag, image, now, repeat)]
        if repeat == "refused" and not is_new and not moved:
            raise ImageAlreadyExists(image.digest, tags[0] if tags else None, repository, caller.registry.account)
        if is_new or moved:
            record(connection, caller, "PutImage", repository, now, digest=image.digest, tags=moved)
        return image, is_new

    image, is_new = await services.metadata.write(change)
    if is_new:
        services.tallies.add((caller.registry, repository))
    return StoredImage(image, tags[0] if tags else None, content)


def _read_manifest(
    caller: Caller,
    repository: str,
    content: bytes,
    media_type: str | None,
    digest: str | None,
    algorithms: Collection[str],
) -> Manifest:
    """The manifest; raises ManifestInvalid, ImageDigestDoesNotMatch, TooManyReferences."""
    named = (digest or "").partition(":")[0]
    manifest = parse_manifest(content, media_type, named if named in algorithms else "sha256")
    if digest is not None and digest != str(manifest.digest):
        raise ImageDigestDoesNotMatch(digest, repository, caller.registry.account)
    if len(manifest.references) > MAX_REFERENCES:
        raise TooManyReferences(len(manifest.references), MAX_REFERENCES)
    return manifest


async def _reached_quota(services: Services, caller: Caller, repository: str) -> int | None:
    """The quota of images, if the repository is full."""

    def count(connection: Connection, limit: int) -> int:
        return images.count(connection, repositories.find(connection, caller.registry, repository).id, limit)

    quota = services.quotas.images_per_repository
    return await quotas.reached(services, (caller.registry, repository), quota, count)


def _hold_references(
    connection: Connection, services: Services, caller: Caller, repository: Repository, manifest: Manifest
) -> int:
    """Hold all that the manifest names until the transaction ends; gives imageSizeInBytes.

    That is the size of config and layers, as stored, and of an index the size of its largest child.
    """
    held = layers.hold_layers(connection, repository.id, manifest.digests("config", "layer"))
    sizes = images.hold_children(connection, repository.id, manifest.digests("child"))
    _check_references(services, caller, repository.name, manifest, layers_held=held, children_held=sizes)
    return max(sizes.values()) if sizes else sum(layer.size for layer in held.values())


def _check_references(
    services: Services,
    caller: Caller,
    repository: str,
    manifest: Manifest,
    *,
    layers_held: Collection[str],
    children_held: Collection[str],
) -> None:
    """Refuse a manifest of what is not held, unless manifests may be sparse.

    Raises RequiredLayersNotFound, ReferencedImagesNotFound.
    """
    if services.sparse_manifests:
        return
    missing = [text for text in map(str, manifest.digests("config", "layer")) if text not in layers_held]
    if missing:
        raise RequiredLayersNotFound(", ".join(missing), repository, caller.registry.account)
    absent = [text for text in map(str, manifest.digests("child")) if text not in children_held]
    if absent:
        raise ReferencedImagesNotFound(", ".join(absent), repository, caller.registry.account)


def _tag(
    connection: Connection,
    caller: Caller,
    repository: Repository,
    tag: str,
    image: Image,
    now: int,
    repeat: Repeat,
) -> bool:
    """Point a tag at the image; False when it pointed there before."""
    move = images.set_tag(connection, repository.id, tag, image, moved_by=caller.principal.arn, now=now)
    if move is None:
        if repeat == "refused if immutable" and is_tag_immutable(repository.settings, tag):
            raise ImageTagAlreadyExists(tag, repository.name)
        return False
    if move.before is not None and is_tag_immutable(repository.settings, tag):
        raise ImageTagAlreadyExists(tag, repository.name)
    if move.tag_count > MAX_TAGS:
        raise TooManyTagsOfImage(tag, repository.name, repository.registry.account, MAX_TAGS)
    return True


@operation("BatchGetImage")
async def batch_get_image(
    services: Services,
    caller: Caller,
    *,
    repository: str,
    image_ids: Sequence[ImageId],
    accepted: Collection[str] = (),
) -> tuple[list[StoredImage], list[ImageFailure]]:
    """Manifests by tag or digest, each id once; what cannot be served is a failure.

    Raises RepositoryNotFound, and AnswerTooLarge for more than 32 MiB of manifests.

    Where media types are ``accepted``, an image that is asked for by its tag alone is converted to one of them if
    it can be; it then has the digest of what it was converted to.
    """

    def query(connection: Connection) -> tuple[list[FoundImage], list[ImageFailure]]:
        found: list[FoundImage] = []
        failures: list[ImageFailure] = []
        size = 0
        for image_id in dict.fromkeys(image_ids):
            one = _read(connection, caller, repository, image_id)
            if isinstance(one, ImageFailure):
                failures.append(one)
                continue
            size += one.image.manifest_size
            if size > MAX_ANSWER:
                raise AnswerTooLarge(MAX_ANSWER)
            found.append(one)
        if not found:  # there may not even be a repository
            repositories.find(connection, caller.registry, repository)
        return found, failures

    look = services.metadata.look_up if len(image_ids) <= FEW else services.metadata.read
    found, failures = await look(query)
    opened = [await _open_or_fail(services, one) for one in found]
    stored = [one for one in opened if isinstance(one, StoredImage)]
    failures += [one for one in opened if isinstance(one, ImageFailure)]
    await _record_pulls(services, caller, [entry.image for entry in stored])
    if accepted:
        stored = await asyncio.to_thread(_in_accepted_types, stored, accepted)
    return stored, failures


def _in_accepted_types(found: Sequence[StoredImage], accepted: Collection[str]) -> list[StoredImage]:
    """The images as a client understands them, those that were asked for by tag."""
    return [_converted(stored, accepted) if stored.by_tag else stored for stored in found]


def _converted(stored: StoredImage, accepted: Collection[str]) -> StoredImage:
    converted = convert_manifest(stored.content, stored.image.media_type, accepted)
    if converted is None:
        return stored
    content, media_type = converted
    digest = str(Digest.of(content))
    image = msgspec.structs.replace(stored.image, digest=digest, media_type=media_type, manifest_size=len(content))
    return msgspec.structs.replace(stored, image=image, content=content)


@operation("BatchGetImage")
async def get_image(services: Services, caller: Caller, *, repository: str, image_id: ImageId) -> StoredImage:
    """One manifest, as GET on ``/v2/`` asks; raises RepositoryNotFound, ImageNotFound, KeyUnusable."""

    def query(connection: Connection) -> FoundImage:
        found = _read(connection, caller, repository, image_id)
        if isinstance(found, ImageFailure):
            raise _not_found_in(repositories.find(connection, caller.registry, repository), image_id)
        return found

    found = await _open(services, await services.metadata.look_up(query))
    await _record_pulls(services, caller, [found.image])
    return found


@operation("BatchGetImage")
async def head_image(services: Services, caller: Caller, *, repository: str, image_id: ImageId) -> Image:
    """What HEAD on ``/v2/`` asks: the image without its manifest, and not counted as a pull."""
    return await services.metadata.look_up(lambda c: _find(c, caller, repository, image_id))


def _find(connection: Connection, caller: Caller, repository: str, image_id: ImageId) -> Image:
    """An image to be looked at; raises RepositoryNotFound, ImageNotFound."""
    found = _resolve(image_id, lambda named: images.find_named(connection, caller.registry, repository, named))
    if isinstance(found, ImageFailure):
        raise _not_found_in(repositories.find(connection, caller.registry, repository), image_id)
    return found


def _not_found_in(repository: Repository, image_id: ImageId) -> ImageNotFound:
    return ImageNotFound(repository.name, repository.registry.account, image_id.digest, image_id.tag)


def _read(connection: Connection, caller: Caller, repository: str, image_id: ImageId) -> FoundImage | ImageFailure:
    """An image with its manifest, or why there is none; a repository that is not there has no images."""
    failure = check_image_id(image_id)
    if failure is not None:
        return failure
    found = images.read_named(connection, caller.registry, repository, image_id)
    if found is None:
        return not_found(image_id)
    image, stored = found
    failure = _check_tag(
        image_id, image, lambda tag: images.find_named(connection, caller.registry, repository, tag)
    )
    return failure or FoundImage(image, image_id, stored)


async def _open(services: Services, found: FoundImage) -> StoredImage:
    """The image with its manifest as it was sent; raises KeyUnusable, KeyServiceUnavailable."""
    content = await open_manifest(services, found.image.digest, found.stored)
    return StoredImage(found.image, found.asked_for.tag, content, by_tag=found.asked_for.digest is None)


async def _open_or_fail(services: Services, found: FoundImage) -> StoredImage | ImageFailure:
    try:
        return await _open(services, found)
    except (KeyUnusable, KeyServiceUnavailable) as error:
        return ImageFailure(found.asked_for, "KmsError", error.message)


def _resolve(image_id: ImageId, find: Callable[[ImageId], Image | None]) -> Image | ImageFailure:
    """The image that an id names, or why it names none; ``find`` finds one by its digest, or else by its tag."""
    failure = check_image_id(image_id)
    if failure is not None:
        return failure
    image = find(image_id)
    if image is None:
        return not_found(image_id)
    return _check_tag(image_id, image, find) or image


def _check_tag(image_id: ImageId, image: Image, find: Callable[[ImageId], Image | None]) -> ImageFailure | None:
    """What is wrong where an image was found by its digest, and a tag is named too: it has to be the image's."""
    if image_id.digest is None or image_id.tag is None:
        return None
    tagged = find(ImageId(tag=image_id.tag))
    if tagged is not None and tagged.id == image.id:
        return None
    return ImageFailure(
        image_id, "ImageTagDoesNotMatchDigest", "The tag does not point at the image with this digest"
    )


async def _record_pulls(services: Services, caller: Caller, pulled: Sequence[Image]) -> None:
    """Set the images' last pull where that is due, unless pulls by the caller are not to be recorded."""
    now = services.clock()
    due = sorted({image.id for image in pulled if is_pull_due(image.pulled_at, now)})
    if not due or await services.metadata.look_up(
        lambda c: registries.is_excluded(c, caller.registry, caller.principal.arn)
    ):
        return

    def change(connection: Connection) -> None:
        for image_id in due:
            images.record_pull(connection, image_id, now)

    try:
        await services.metadata.write(change)
    except MetadataUnavailable as error:  # a registry that cannot write, on a full disk, still serves
        log.warning("a pull was not recorded", reason=error.reason)


@operation("BatchDeleteImage")
async def batch_delete_image(
    services: Services, caller: Caller, *, repository: str, image_ids: Sequence[ImageId]
) -> tuple[list[ImageId], list[ImageFailure]]:
    """Delete images, one transaction each; gives what was removed as (digest, tag) pairs.

    By tag the tag goes, and the image with its last tag; by digest the image goes with all its tags. An image
    that an index of the repository names stays.
    """
    await services.metadata.look_up(lambda c: repositories.find(c, caller.registry, repository))
    removed: list[ImageId] = []
    failures: list[ImageFailure] = []
    for image_id in dict.fromkeys(image_ids):
        try:
            removed += await _delete(services, caller, repository, image_id, strict=True)
        except _Refused as refused:
            failures.append(refused.failure)
        except ImageReferencedByManifestList as error:
            failures.append(ImageFailure(image_id, "ImageReferencedByManifestList", error.message))
    return removed, failures


@operation("BatchDeleteImage")
async def delete_image(
    services: Services, caller: Caller, *, repository: str, image_id: ImageId, strict: bool
) -> None:
    """Delete a tag, or an image with all its tags, for ``/v2/``.

    ``strict`` is the API's manner: an index keeps its children, and the last tag takes the image along. Raises
    RepositoryNotFound, ImageNotFound, ImageReferencedByManifestList.
    """
    try:
        await _delete(services, caller, repository, image_id, strict=strict)
    except _Refused:
        raise ImageNotFound(repository, caller.registry.account, image_id.digest, image_id.tag) from None


class _Refused(Exception):
    """Carries a failure out of a transaction, which is undone."""

    def __init__(self, failure: ImageFailure) -> None:
        super().__init__(failure.code)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class _Removal:
    """What went of an image. ``later`` are tags that went with it and are not in the history yet."""

    image: Image
    repository_id: int
    removed: list[ImageId]
    later: list[str]


async def _delete(
    services: Services, caller: Caller, repository: str, image_id: ImageId, *, strict: bool
) -> list[ImageId]:
    now = services.clock()

    def change(connection: Connection) -> _Removal:
        target = repositories.find_and_hold(connection, caller.registry, repository)
        found = _resolve(image_id, lambda named: images.find(connection, target.id, named))
        if isinstance(found, ImageFailure):
            raise _Refused(found)
        image = images.lock_image(connection, target.id, found.digest)
        if image is None:
            raise _Refused(not_found(image_id))
        removal = _remove(connection, caller, target, image, image_id, strict=strict, now=now)
        record(
            connection,
            caller,
            "BatchDeleteImage",
            repository,
            now,
            digest=image.digest,
            tags=[entry.tag for entry in removal.removed if entry.tag is not None],
        )
        return removal

    removal = await services.metadata.write(change)
    for start in range(0, len(removal.later), TAGS_AT_ONCE):
        await _write_down(services, caller, removal, removal.later[start : start + TAGS_AT_ONCE], now)
    return removal.removed


async def _write_down(services: Services, caller: Caller, removal: _Removal, tags: list[str], now: int) -> None:
    """Tell the history who took tags away; the sweep, which tells only when, finishes what is broken off."""

    def change(connection: Connection) -> None:
        images.remove_tags(
            connection, removal.repository_id, tags, removal.image, moved_by=caller.principal.arn, now=now
        )

    await services.metadata.write(change)


def _remove(
    connection: Connection,
    caller: Caller,
    repository: Repository,
    image: Image,
    image_id: ImageId,
    *,
    strict: bool,
    now: int,
) -> _Removal:
    tags = images.tags_of(connection, image.id)
    only_tag = image_id.tag if image_id.digest is None or image_id.tag is not None else None
    goes_whole = only_tag is None or (strict and tags == [only_tag])
    going = tags if only_tag is None else [only_tag]
    if goes_whole:
        parents = images.find_parents(connection, repository.id, image.digest) if strict else []
        if parents:
            raise ImageReferencedByManifestList(", ".join(parents))
        images.detach(connection, repository.id, image, now)
    taken = images.remove_tags(
        connection, repository.id, going[:TAGS_AT_ONCE], image, moved_by=caller.principal.arn, now=now
    )
    if not (goes_whole or taken):  # the tag has meanwhile moved
        raise _Refused(not_found(image_id))
    removed = [ImageId(image.digest, tag) for tag in going] or [ImageId(image.digest)]
    return _Removal(image, repository.id, removed, later=going[TAGS_AT_ONCE:])


@dataclass(frozen=True, slots=True)
class ImageDetail:
    """An image as DescribeImages tells of it; the tags in byte order."""

    image: Image
    tags: list[str]


@operation("DescribeImages")
async def describe_images(
    services: Services,
    caller: Caller,
    *,
    repository: str,
    image_ids: Sequence[ImageId],
    tag_status: str,
    after: int,
    limit: int,
) -> list[ImageDetail]:
    """The named images, each once; or at most ``limit`` pushed after the image ``after``.

    Raises RepositoryNotFound, and ImageNotFound for the first id that names no image.
    """

    def query(connection: Connection) -> list[ImageDetail]:
        if image_ids:
            named = [_find(connection, caller, repository, image_id) for image_id in image_ids]
            page = list({image.id: image for image in named}.values())
        else:
            target = repositories.find(connection, caller.registry, repository)
            page = images.page_of_images(connection, target.id, tag_status=tag_status, after=after, limit=limit)
        tags = images.tags_of_many(connection, [image.id for image in page])
        return [ImageDetail(image, tags.get(image.id, [])) for image in page]

    look = services.metadata.look_up if 0 < len(image_ids) <= FEW else services.metadata.read
    return await look(query)


@operation("ListImages")
async def list_images(
    services: Services,
    caller: Caller,
    *,
    repository: str,
    tag_status: str,
    after: tuple[int, str],
    limit: int,
) -> list[TaggedImage]:
    """At most ``limit`` (digest, tag) pairs after the pair (image, tag) given; raises RepositoryNotFound."""

    def query(connection: Connection) -> list[TaggedImage]:
        target = repositories.find(connection, caller.registry, repository)
        return images.list_images(connection, target.id, tag_status=tag_status, after=after, limit=limit)

    return await services.metadata.read(query)


@operation("ListImages")
async def list_tags(services: Services, caller: Caller, *, repository: str, after: str, limit: int) -> list[str]:
    """At most ``limit`` tags after the given one, in byte order, as ``/v2/`` lists them."""

    def query(connection: Connection) -> list[str]:
        target = repositories.find(connection, caller.registry, repository)
        return images.list_tags(connection, target.id, after=after, limit=limit)

    return await services.metadata.read(query)


@dataclass(frozen=True, slots=True)
class ReferrerDescriptor:
    """A descriptor of an image that names another as its subject."""

    image: Image
    annotations: dict[str, str]


@operation("BatchGetImage")
async def list_image_referrers(
    services: Services,
    caller: Caller,
    *,
    repository: str,
    subject: str,
    artifact_types: Sequence[str],
    after: int,
    limit: int,
) -> tuple[list[ReferrerDescriptor], bool]:
    """At most ``limit`` referrers pushed after the image ``after``, and whether there are more.

    There may be fewer: all the manifests of a page are read for their annotations, so their sizes bound it too.
    The subject itself may be absent.
    """

    def query(connection: Connection) -> tuple[list[tuple[Image, ManifestBytes]], bool]:
        target = repositories.find(connection, caller.registry, repository)
        found = images.list_referrers(
            connection, target.id, subject, artifact_types=artifact_types, after=after, limit=limit + 1
        )
        sizes = list(accumulate(image.manifest_size for image in found))
        page = [image for image, size in zip(found[:limit], sizes, strict=False) if size <= MAX_MANIFEST_BYTES]
        manifests = [
            (image, stored) for image in page if (stored := images.read_manifest(connection, image.id)) is not None
        ]
        return manifests, len(found) > len(page)

    manifests, more = await services.metadata.read(query)
    described = [
        ReferrerDescriptor(image, annotations_of(await open_manifest(services, image.digest, stored)))
        for image, stored in manifests
    ]
    return described, more
