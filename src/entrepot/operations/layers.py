"""The layer protocol of the API, and what ``/v2/`` has beyond it: status, cancel, mount, unlink.

BatchCheckLayerAvailability, InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload, GetDownloadUrlForLayer.

A part goes in three steps. A transaction takes the upload's epoch, which makes this request the upload's only
writer. The bytes are written beyond the committed offset and made durable. A second transaction moves the offset,
if the epoch is still this request's. Whatever breaks off in between leaves the upload as it was.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection

from entrepot.core.digest import ALGORITHMS, Digest, Hasher, InvalidDigest
from entrepot.core.garbage import Cause, Garbage
from entrepot.core.names import check_repository_name
from entrepot.core.partitions import RegistryId
from entrepot.features.collection import store as collection
from entrepot.features.encryption import store as encryption
from entrepot.features.encryption.ledger import MetadataSegmentLedger
from entrepot.features.identity.errors import AccessDenied
from entrepot.features.images import store as images
from entrepot.features.layers import store as layers
from entrepot.features.layers.errors import (
    EmptyUpload,
    InvalidLayer,
    InvalidLayerPart,
    InvalidLayerPartSize,
    LayerAlreadyExists,
    LayerInaccessible,
    LayerInUse,
    LayerPartTooSmall,
    LayersNotFound,
    LayerTooLarge,
    UploadNotFound,
)
from entrepot.features.layers.hashes import state_of
from entrepot.features.layers.layer import Layer, Upload
from entrepot.features.layers.rules import (
    MAX_LAYER_SIZE,
    MAX_PARTS,
    acceptable_digests,
)
from entrepot.features.registry import store as registries
from entrepot.features.repositories import store as repositories
from entrepot.features.repositories.errors import RepositoryNotFound
from entrepot.operations.batches import Batches
from entrepot.operations.caller import Caller
from entrepot.operations.encryption import new_data_keys, storage_of
from entrepot.operations.operation import authorise_on, operation
from entrepot.operations.repositories import ensure_repository, record
from entrepot.operations.services import Services
from entrepot.protocol.tokens import DownloadTicket
from entrepot.storage.port import BlobWriter, Fenced


class BodyBrokeOff(Exception):
    """The client went away in the middle of a body. Bytes that arrived before it count."""


@dataclass(frozen=True, slots=True)
class LayerAvailability:
    """One answer of BatchCheckLayerAvailability; ``layer`` is None for one that is not there."""

    digest: str
    layer: Layer | None


@dataclass(frozen=True, slots=True)
class LayerFailure:
    """A digest that cannot be one. ``code`` is the model's LayerFailureCode."""

    digest: str
    code: Literal["InvalidLayerDigest", "MissingLayerDigest"]
    reason: str


@operation("BatchCheckLayerAvailability")
async def batch_check_layer_availability(
    services: Services, caller: Caller, *, repository: str, digests: Sequence[str]
) -> tuple[list[LayerAvailability], list[LayerFailure]]:
    """Which of the layers the repository has.

    A positive answer holds for the length of a lease: the layer is not collected before it ends.
    """
    asked: list[Digest] = []
    failures: list[LayerFailure] = []
    for text in dict.fromkeys(digests):
        try:
            asked.append(Digest.parse(text))
        except InvalidDigest as error:
            code = "InvalidLayerDigest" if text else "MissingLayerDigest"
            failures.append(LayerFailure(text, code, error.message))

    def query(connection: Connection) -> tuple[int, dict[str, Layer]]:
        repository_id = repositories.find(connection, caller.registry, repository).id
        return repository_id, layers.find_layers(connection, repository_id, asked)

    repository_id, found = await services.metadata.look_up(query)
    if not await _renew_leases(services, repository_id, list(found.values())):
        _, found = await services.metadata.look_up(query)
    return [LayerAvailability(str(digest), found.get(str(digest))) for digest in asked], failures


@operation("InitiateLayerUpload")
async def initiate_layer_upload(
    services: Services, caller: Caller, *, repository: str, create: bool = False
) -> Upload:
    """Begin an upload; ``create`` lets it make the repository where the registry creates on push.

    Raises RepositoryNotFound, KeyUnusable, StorageFull.
    """
    services.require_room_for_rows()
    if create:
        check_repository_name(repository)
        await ensure_repository(services, caller, repository)
    found = await services.metadata.look_up(lambda c: repositories.find(c, caller.registry, repository))
    data_keys = await new_data_keys(services, found)
    now = services.clock()
    upload_id, storage_key = _uuid(services.random_hex(16)), services.random_hex(16)

    def change(connection: Connection) -> Upload:
        target = repositories.find_and_hold(connection, caller.registry, repository)
        if target.id != found.id:  # deleted since, and another one made
            raise RepositoryNotFound(repository, caller.registry.account)
        if data_keys is not None:
            encryption.add_key(connection, storage_key, data_keys.wrapped)
        is_encrypted = data_keys is not None
        return layers.create_upload(connection, target.id, upload_id, storage_key, now, is_encrypted=is_encrypted)

    return await services.metadata.write(change)


@operation("UploadLayerPart")
async def upload_layer_part(
    services: Services,
    caller: Caller,
    *,
    repository: str,
    upload_id: str,
    source: AsyncIterator[bytes],
    first_byte: int | None = None,
    last_byte: int | None = None,
    completing: str | None = None,
    strict: bool = False,
) -> Upload:
    """Append the bytes of ``source``; gives the upload as it is then.

    Where ``first_byte`` is given it has to be the committed offset, and ``last_byte`` the last one of the part.
    When ``source`` raises BodyBrokeOff, what arrived before is kept, and it is raised again; anything else
    leaves the upload exactly as it was. ``completing`` is the digest that the same request completes the upload
    with: one that is completed with it already takes the bytes without a use for them. ``strict`` is the API's
    manner, which bounds the number of parts.

    Raises UploadNotFound, InvalidLayerPart, LayerTooLarge, StorageFull, Fenced (a newer request took over),
    KeyUnusable.
    """

    def begin(connection: Connection) -> Upload:
        target = repositories.find(connection, caller.registry, repository)
        upload = layers.lock_upload(connection, target.id, upload_id, services.clock())
        if upload is None or upload.completed_digest not in {None, completing}:
            raise UploadNotFound(upload_id, repository, caller.registry.account)
        if upload.completed_digest is not None:
            return upload
        if strict and upload.parts >= MAX_PARTS:
            raise LayerTooLarge(f"{MAX_PARTS} parts")
        _check_part(upload, caller, repository, first_byte, last_byte)
        return replace(upload, epoch=layers.take_epoch(connection, upload, services.clock()))

    upload = await services.metadata.write(begin)
    if upload.completed_digest is not None:
        async for _ in source:
            continue
        return upload
    services.upload_hashes.recall(upload)
    asked = (completing or "").partition(":")[0]
    algorithm = asked if asked in ALGORITHMS else "sha256"
    context = _context_for(services, upload, algorithm)
    broken: BodyBrokeOff | None = None
    async with storage_of(services, is_encrypted=upload.is_encrypted).writer(
        upload.storage_key, offset=upload.size, epoch=upload.epoch, hasher=context
    ) as writer:
        with services.batches.of_upload():
            received, broken = await _receive(writer, source, MAX_LAYER_SIZE - upload.size, services.batches)
        if first_byte is not None and last_byte is not None and broken is None:
            _check_length(upload, caller, repository, first_byte, last_byte, received)
        await writer.sync()
    return await _commit_part(services, caller, repository, upload, received, algorithm, context, broken)


async def _commit_part(
    services: Services,
    caller: Caller,
    repository: str,
    upload: Upload,
    received: int,
    algorithm: str,
    context: Hasher,
    broken: BodyBrokeOff | None,
) -> Upload:
    size = upload.size + received
    part_size = received if received and broken is None else None
    hash_state = None if upload.is_encrypted else state_of(context)  # some bytes of the layer are in it

    def commit(connection: Connection) -> Upload:
        if not layers.commit_part(
            connection,
            upload.id,
            upload.epoch,
            size,
            part_size=part_size,
            hash_state=hash_state,
            now=services.clock(),
        ):
            raise Fenced
        found = layers.find_upload(connection, upload.repository_id, upload.id, services.clock())
        if found is None:
            raise UploadNotFound(upload.id, repository, caller.registry.account)
        return found

    committed = await services.metadata.write(commit)
    if not isinstance(context, _Unhashed):
        services.upload_hashes.keep(upload.id, algorithm, size, context)
    services.counters.layer_bytes_received(received)
    if broken is not None:
        raise broken
    return committed


@operation("CompleteLayerUpload")
async def complete_layer_upload(
    services: Services,
    caller: Caller,
    *,
    repository: str,
    upload_id: str,
    digests: Sequence[str],
    algorithms: Collection[str],
    any_size: bool,
    repeatable: bool,
) -> Digest:
    """Make the upload a layer of the repository, if its bytes have one of the digests; gives that digest.

    Digests of other ``algorithms`` do not count. Unless the upload may have ``any_size``, it is refused when it is
    empty or has a part under 5 MiB that is not the last; unless it is ``repeatable``, when the repository has the
    layer already. A completion can be repeated for a day, in case its answer was lost. Raises InvalidLayer,
    UploadNotFound, EmptyUpload, LayerPartTooSmall, LayerAlreadyExists, KeyUnusable.
    """
    wanted = acceptable_digests(digests, algorithms)

    def begin(connection: Connection) -> Upload:
        target = repositories.find(connection, caller.registry, repository)
        upload = layers.lock_upload(connection, target.id, upload_id, services.clock())
        if upload is None or upload.completed_digest not in {None, *map(str, wanted)}:
            raise UploadNotFound(upload_id, repository, caller.registry.account)
        if upload.completed_digest is not None:
            layer = layers.find_layer(connection, target.id, Digest.parse(upload.completed_digest))
            lease_until = services.clock() + services.lifetimes.lease
            if layer is None or not layers.renew_leases(connection, target.id, [layer.blob_id], lease_until):
                raise UploadNotFound(upload_id, repository, caller.registry.account)
            return upload
        if not any_size and upload.size == 0:
            raise EmptyUpload(upload_id, repository, caller.registry.account)
        if not any_size and upload.has_short_part:
            raise LayerPartTooSmall
        return replace(upload, epoch=layers.take_epoch(connection, upload, services.clock()))

    upload = await services.metadata.write(begin)
    if upload.completed_digest is not None:
        if not repeatable:
            raise LayerAlreadyExists(upload.completed_digest, repository, caller.registry.account)
        return Digest.parse(upload.completed_digest)
    digest = await _verify(services, upload, wanted)
    storage = storage_of(services, is_encrypted=upload.is_encrypted)
    await storage.seal(upload.storage_key, size=upload.size, epoch=upload.epoch)
    is_new = await _commit_layer(services, caller, repository, upload, digest)
    services.upload_hashes.forget(upload.id)
    if not (repeatable or is_new):
        raise LayerAlreadyExists(str(digest), repository, caller.registry.account)
    return digest


async def _commit_layer(
    services: Services, caller: Caller, repository: str, upload: Upload, digest: Digest
) -> bool:
    """Record the blob and that the repository has it; False when the repository had it before."""
    now = services.clock()

    def commit(connection: Connection) -> tuple[bool, bool]:
        target = repositories.find_and_hold(connection, caller.registry, repository)
        if target.id != upload.repository_id:
            raise UploadNotFound(upload.id, repository, caller.registry.account)
        if not layers.complete_upload(connection, upload.id, upload.epoch, digest, now):
            raise Fenced
        is_new, is_stored = layers.store_layer(
            connection,
            target.id,
            digest,
            size=upload.size,
            storage_key=upload.storage_key,
            encryption_key=target.settings.encryption_key,
            is_encrypted=upload.is_encrypted,
            now=now,
            lease_until=now + services.lifetimes.lease,
        )
        if not is_stored:
            collection.bury(connection, [Garbage(upload.storage_key, upload.size, Cause.UPLOAD)], now)
        return is_new, is_stored

    is_new, is_stored = await services.metadata.write(commit)
    if not is_stored:
        # The same bytes are there under another key. These go at once; the collector does what is left to do.
        await services.storage.delete(upload.storage_key)
    return is_new


@operation("GetDownloadUrlForLayer")
async def get_download_url_for_layer(
    services: Services, caller: Caller, *, repository: str, digest: str, in_image: bool
) -> tuple[Digest, str]:
    """A signed ticket with which anybody can read the layer for an hour; the front makes a URL of it.

    Raises LayersNotFound, and LayerInaccessible for a layer that has to be ``in_image`` and that no image of the
    repository uses.
    """
    found = await _find_layer(services, caller, repository, digest, in_image=in_image)
    ticket = DownloadTicket(
        account=caller.registry.account,
        region=caller.registry.region,
        repository=repository,
        digest=found.digest,
        expires_at=services.clock() + services.lifetimes.download,
    )
    return Digest.parse(found.digest), ticket.issue(services.signer)


@operation("GetDownloadUrlForLayer")
async def get_layer(services: Services, caller: Caller, *, repository: str, digest: str) -> Layer:
    """The layer itself, for ``/v2/``, which streams it rather than to hand out a URL. Raises LayersNotFound."""
    return await _find_layer(services, caller, repository, digest, in_image=False)


async def redeem_download(services: Services, ticket: DownloadTicket) -> Layer:
    """The layer that a ticket is for; raises LayersNotFound, RepositoryNotFound."""
    digest = Digest.parse(ticket.digest)
    registry = RegistryId(ticket.account, ticket.region)

    def query(connection: Connection) -> Layer | None:
        target = repositories.find(connection, registry, ticket.repository)
        return layers.find_layer(connection, target.id, digest)

    found = await services.metadata.look_up(query)
    if found is None:
        raise LayersNotFound(ticket.digest, ticket.repository, ticket.account)
    return found


def read_layer(services: Services, layer: Layer, *, start: int, length: int) -> AsyncGenerator[bytes]:
    """The layer's bytes; raises BlobDamaged rather than to give fewer or other ones, and KeyUnusable."""
    storage = storage_of(services, is_encrypted=layer.is_encrypted)
    return storage.read(layer.storage_key, start=start, length=length)


async def check_readable(services: Services, layer: Layer) -> None:
    """Raise KeyUnusable or KeyServiceUnavailable now, while the front can still say so."""
    if layer.is_encrypted:
        known = await MetadataSegmentLedger(services.metadata).before(layer.storage_key, 0)
        if known is not None:
            await services.data_keys.unwrap(known.wrapped)


async def direct_url(services: Services, layer: Layer) -> str | None:
    """Where the storage itself gives the layer's bytes to anybody; None where they only come through here."""
    return await storage_of(services, is_encrypted=layer.is_encrypted).direct_url(layer.storage_key)


@operation("BatchCheckLayerAvailability")
async def check_layer(services: Services, caller: Caller, *, repository: str, digest: str) -> Layer:
    """One layer and a lease on it, as HEAD on ``/v2/`` asks; raises LayersNotFound."""
    found = await _find_layer(services, caller, repository, digest, in_image=False)

    def query(connection: Connection) -> int:
        return repositories.find(connection, caller.registry, repository).id

    if services.lifetimes.is_half_spent(found.lease_until, services.clock()):
        repository_id = await services.metadata.look_up(query)
        if not await _renew_leases(services, repository_id, [found]):
            raise LayersNotFound(digest, repository, caller.registry.account)
    return found


@operation("InitiateLayerUpload")
async def mount_layer(
    services: Services, caller: Caller, *, repository: str, source: str, digest: str, as_ecr: bool
) -> Digest | None:
    """Let the repository have a layer of another one; None when it cannot, whatever the reason.

    A source that is missing, denied, without the layer, or of another encryption or key gives the same answer, so
    it reveals nothing. ``as_ecr`` mounts only where the account setting BLOB_MOUNTING is ENABLED, and only what an
    image of the source uses.
    """
    if as_ecr and not await _is_mounting_enabled(services, caller):
        return None
    try:
        await authorise_on(services, caller, "GetDownloadUrlForLayer", source)
        wanted = Digest.parse(digest)
        await _find_layer(services, caller, source, digest, in_image=as_ecr)
    except (AccessDenied, RepositoryNotFound, LayersNotFound, LayerInaccessible, InvalidDigest):
        return None
    await ensure_repository(services, caller, repository)
    now = services.clock()

    def change(connection: Connection) -> bool:
        target = repositories.find_and_hold(connection, caller.registry, repository)
        origin = repositories.find_and_hold(connection, caller.registry, source)
        if target.settings.encryption_key != origin.settings.encryption_key:
            return False
        held = layers.hold_layers(connection, origin.id, [wanted])
        if not held:
            return False
        blob_id = held[str(wanted)].blob_id
        layers.link(connection, target.id, blob_id, now, now + services.lifetimes.lease)
        return True

    return wanted if await services.metadata.write(change) else None


async def _is_mounting_enabled(services: Services, caller: Caller) -> bool:
    found = await services.metadata.look_up(
        lambda c: registries.read_document(c, caller.registry, "account-setting/BLOB_MOUNTING")
    )
    return found == "ENABLED"


@operation("InitiateLayerUpload")
async def get_upload(services: Services, caller: Caller, *, repository: str, upload_id: str) -> Upload:
    """How far an upload has come; raises UploadNotFound."""

    def query(connection: Connection) -> Upload | None:
        target = repositories.find(connection, caller.registry, repository)
        return layers.find_upload(connection, target.id, upload_id, services.clock())

    found = await services.metadata.look_up(query)
    if found is None or found.completed_digest is not None:
        raise UploadNotFound(upload_id, repository, caller.registry.account)
    return found


@operation("InitiateLayerUpload")
async def cancel_upload(services: Services, caller: Caller, *, repository: str, upload_id: str) -> None:
    """End an upload and drop its bytes; raises UploadNotFound."""
    now = services.clock()

    def change(connection: Connection) -> Upload:
        target = repositories.find(connection, caller.registry, repository)
        upload = layers.lock_upload(connection, target.id, upload_id, now)
        if upload is None or upload.completed_digest is not None:
            raise UploadNotFound(upload_id, repository, caller.registry.account)
        collection.bury(connection, layers.end_upload(connection, upload), now)
        return upload

    cancelled = await services.metadata.write(change)
    services.upload_hashes.forget(upload_id)
    await services.storage.delete(cancelled.storage_key)


@operation("BatchDeleteImage")
async def unlink_layer(services: Services, caller: Caller, *, repository: str, digest: str) -> None:
    """Take a layer out of the repository; raises LayersNotFound, LayerInUse."""
    found = await _find_layer(services, caller, repository, digest, in_image=False)
    now = services.clock()

    def change(connection: Connection) -> None:
        target = repositories.find_and_hold(connection, caller.registry, repository)
        if not layers.hold_link(connection, target.id, found.blob_id):
            raise LayersNotFound(digest, repository, caller.registry.account)
        if images.is_layer_in_use(connection, target.id, found.digest):
            raise LayerInUse(found.digest)
        collection.bury(connection, layers.unlink(connection, target.id, found.blob_id), now)
        record(connection, caller, "UnlinkLayer", repository, now, digest=found.digest)

    await services.metadata.write(change)


async def _find_layer(
    services: Services, caller: Caller, repository: str, digest: str, *, in_image: bool
) -> Layer:
    try:
        wanted = Digest.parse(digest)
    except InvalidDigest:
        wanted = None

    def query(connection: Connection) -> Layer | None:
        layer = layers.find_named(connection, caller.registry, repository, wanted) if wanted else None
        if layer is None or in_image:  # there may not even be a repository
            target = repositories.find(connection, caller.registry, repository)
            if layer and not images.is_layer_in_use(connection, target.id, layer.digest):
                raise LayerInaccessible(layer.digest, repository, caller.registry.account)
        return layer

    found = await services.metadata.look_up(query)
    if found is None:
        raise LayersNotFound(digest, repository, caller.registry.account)
    return found


async def _renew_leases(services: Services, repository_id: int, found: Sequence[Layer]) -> bool:
    """Renew the leases that are half spent, before the layers are answered as present.

    False when one of the links went away meanwhile: then the answer has to be looked up again.
    """
    now = services.clock()
    due = [layer.blob_id for layer in found if services.lifetimes.is_half_spent(layer.lease_until, now)]
    if not due:
        return True
    lease_until = now + services.lifetimes.lease
    renewed = await services.metadata.write(
        lambda connection: layers.renew_leases(connection, repository_id, due, lease_until)
    )
    return renewed == len(due)


def _check_part(
    upload: Upload, caller: Caller, repository: str, first_byte: int | None, last_byte: int | None
) -> None:
    if first_byte is not None and first_byte != upload.size:
        raise InvalidLayerPart(
            upload.id, repository, caller.registry.account, upload.size - 1, first_byte, upload.size
        )
    if last_byte is not None and last_byte >= MAX_LAYER_SIZE:
        raise LayerTooLarge(f"{MAX_LAYER_SIZE} bytes")


def _check_length(
    upload: Upload, caller: Caller, repository: str, first_byte: int, last_byte: int, received: int
) -> None:
    if received != last_byte - first_byte + 1:
        raise InvalidLayerPartSize(
            upload.id,
            repository,
            caller.registry.account,
            upload.size - 1,
            first_byte,
            upload.size,
            received=received,
        )


class _Unhashed:
    """Stands in for a context where the bytes before are not known; completion reads the upload then."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Take no notice."""

    def hexdigest(self) -> str:
        """Never asked for."""
        raise AssertionError

    def copy(self) -> "_Unhashed":
        """There is nothing to copy."""
        return self


def _context_for(services: Services, upload: Upload, algorithm: str) -> Hasher:
    """A context that has seen the upload so far, or one that sees nothing."""
    return services.upload_hashes.at(upload.id, algorithm, upload.size) or _Unhashed()


async def _receive(
    writer: BlobWriter, source: AsyncIterator[bytes], room: int, batches: Batches
) -> tuple[int, BodyBrokeOff | None]:
    """Write ``source`` in batches, collecting the next one while the last is being written.

    Gives the number of bytes written, and how the source broke off if it did. Raises LayerTooLarge past
    ``room`` bytes.
    """
    received, batch, size = 0, list[bytes](), 0
    writing: asyncio.Task[None] | None = None
    broken: BodyBrokeOff | None = None
    try:
        try:
            async for chunk in source:
                batch.append(chunk)
                size += len(chunk)
                received += len(chunk)
                if received > room:
                    raise LayerTooLarge(f"{MAX_LAYER_SIZE} bytes")
                if size >= batches.size:
                    if writing is not None:
                        await writing
                    writing = asyncio.create_task(writer.write(batch))
                    batch, size = [], 0
        except BodyBrokeOff as error:
            broken = error
        if writing is not None:
            await writing
            writing = None
        if batch:
            await writer.write(batch)
    finally:
        if writing is not None:
            await asyncio.wait([writing])  # the writer may not be left while a thread still uses it
    return received, broken


async def _verify(services: Services, upload: Upload, digests: Sequence[Digest]) -> Digest:
    """The one of the digests that the upload's bytes have; raises InvalidLayer."""
    services.upload_hashes.recall(upload)
    storage = storage_of(services, is_encrypted=upload.is_encrypted)
    for algorithm in sorted({digest.algorithm for digest in digests}):
        offset, context = services.upload_hashes.nearest(upload.id, algorithm, upload.size)
        if offset < upload.size:
            await storage.make_readable(upload.storage_key, size=upload.size, epoch=upload.epoch)
            pieces = services.read_ahead.pieces(
                storage, upload.storage_key, start=offset, length=upload.size - offset
            )
            async with aclosing(pieces):
                async for piece in pieces:
                    await asyncio.to_thread(_hash, context, piece)
                    offset += sum(map(len, piece))
                    # Who loses patience and asks again does not begin anew.
                    services.upload_hashes.keep(upload.id, algorithm, offset, context.copy())
        calculated = Digest(algorithm, context.hexdigest())
        if calculated in digests:
            return calculated
    raise InvalidLayer


def _hash(context: Hasher, chunks: Sequence[bytes]) -> None:
    for chunk in chunks:
        context.update(chunk)


def _uuid(hexadecimal: str) -> str:
    """A version 4 UUID of 16 random bytes."""
    return str(UUID(hex=hexadecimal, version=4))
