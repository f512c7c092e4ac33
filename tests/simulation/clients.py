"""Clients of the simulated registry: what they do, and what they hold it to.

A client sends a request to any replica that answers. It may hear nothing of it: the replica was killed, or the client lost
patience, and then the request was called off or goes on without it. So it asks again, as real clients do.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import TypeVar

from tests.api.images import CONFIG, LAYER, Image, descriptor, digest_of
from tests.simulation.ledger import Ledger, Marks, Promise, Thing
from tests.simulation.world import Broken, World, step

from entrepot.core.clock import HOUR
from entrepot.core.errors import EntrepotError
from entrepot.core.media_types import OCI_INDEX, OCI_MANIFEST
from entrepot.core.partitions import RegistryId
from entrepot.features.identity.principal import root_of
from entrepot.features.images.errors import (
    ImageAlreadyExists,
    ImageNotFound,
    ReferencedImagesNotFound,
)
from entrepot.features.images.image import ImageId
from entrepot.features.layers.errors import (
    InvalidLayerPart,
    LayerAlreadyExists,
    LayerInUse,
    LayersNotFound,
    RequiredLayersNotFound,
    UploadNotFound,
)
from entrepot.features.layers.layer import Layer, Upload
from entrepot.features.layers.rules import CLOCK_SKEW, LEASE, UPLOAD_LIFE
from entrepot.features.lifecycle.rules import parse_policy
from entrepot.features.repositories.errors import RepositoryAlreadyExists, RepositoryNotFound
from entrepot.features.repositories.repository import RepositorySettings
from entrepot.operations import images, layers, repositories
from entrepot.operations.caller import Caller
from entrepot.operations.layers import BodyBrokeOff
from entrepot.operations.services import Services
from entrepot.storage.port import BlobDamaged, Fenced, StorageFull
from entrepot.testing.faults import INJECTED, Crashed
from entrepot.testing.services import ACCESS_KEY_ID, ACCOUNT_ID, REGION

T = TypeVar("T")

CALLER = Caller(root_of(ACCOUNT_ID, REGION, ACCESS_KEY_ID), RegistryId(ACCOUNT_ID, REGION), "simulated")
REPOSITORIES = ("one", "two")
TAGS = ("x", "y")
LAYERS = [f"layer {number} ".encode() * (40 * number + 1) for number in range(5)]
ALGORITHMS = ("sha256",)
#: Seconds that a client does nothing for.
_BREAKS = (0, 0, 1, 60, 3_600, 3 * 3_600, 13 * 3_600, 25 * 3_600)
#: Seconds after which an impatient client gives a request up.
_PATIENCE = (0, 0.01, 1, 30)
#: Seconds between two pieces of a body.
_SLOWNESS = (0, 0, 0, 1, 3_600, 26 * 3_600)
_ATTEMPTS = 8
#: How many images a repository may have: as its lifecycle policy says.
_POLICY = parse_policy(
    json.dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 2},
                    "action": {"type": "expire"},
                }
            ]
        }
    )
)


def _image_of(config: bytes, *others: bytes) -> Image:
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(CONFIG, config),
        "layers": [descriptor(LAYER, layer) for layer in others],
    }
    return Image(OCI_MANIFEST, json.dumps(document).encode(), (config, *others))


def _index_of(*children: Image) -> Image:
    manifests = [descriptor(OCI_MANIFEST, child.content) for child in children]
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    return Image(OCI_INDEX, json.dumps(document).encode())


IMAGES = [
    _image_of(*LAYERS[:2]),
    _image_of(*LAYERS[1:4]),
    _image_of(LAYERS[0], LAYERS[3]),
    _image_of(*LAYERS[3:]),
]
INDEX = _index_of(*IMAGES[:2])
BY_DIGEST = {image.digest: image for image in (*IMAGES, INDEX)}


class NoAnswer(Exception):
    """The connection broke, or the client has waited long enough: nobody knows what became of the request."""


#: What any request may end with while things go wrong, and what a client does something else after.
Mishap = (NoAnswer, StorageFull)


def _is_injected(error: BaseException) -> bool:
    return isinstance(error, Mishap) or getattr(error, "reason", None) == INJECTED


@dataclass(frozen=True)
class Completed:
    """A completion that was answered."""

    repository: str
    upload_id: str
    digest: str
    marks: Marks
    at: int


class Client:
    """One client; ``ledger`` is shared by all."""

    def __init__(self, world: World, ledger: Ledger, name: str) -> None:
        self.world = world
        self.random = world.random
        self.ledger = ledger
        self.name = name
        self.completed: list[Completed] = []

    async def work(self, steps: int) -> None:
        """Do so many things, one after the other."""
        actions: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self.push, 10),
            (self.push_index, 1),
            (self.pull, 4),
            (self.retag, 2),
            (self.mount_something, 1),
            (self.delete_image, 4),
            (self.delete_tag, 1),
            (self.delete_repository, 1),
            (self.unlink, 1),
            (self.expire, 1),
            (self.abandon, 1),
            (self.cancel, 1),
            (self.race_for_an_upload, 2),
            (self.complete_again, 2),
        ]
        for _ in range(steps):
            (action,) = self.random.choices([each for each, _ in actions], [weight for _, weight in actions])
            self.world.tell(self.name, f"begins to {action.__name__.replace('_', ' ')}")
            try:
                await action()
            except (RepositoryNotFound, ImageNotFound):
                self.world.counts["steps in vain"] += 1
            except Exception as error:
                if not _is_injected(error):
                    raise
                self.world.counts["steps given up"] += 1
            await asyncio.sleep(self.random.choice(_BREAKS))

    # Requests

    async def request(
        self, name: str, operation: Callable[[Services], Awaitable[T]], *contexts: AbstractContextManager[object]
    ) -> T:
        """Send a request to some replica; ``contexts`` last as long as it is carried out.

        Raises what the operation raises, and NoAnswer.
        """
        while not (replicas := self.world.replicas):  # noqa: ASYNC110 (a client knows nothing of servers)
            await asyncio.sleep(1)
        replica = self.random.choice(replicas)
        self.world.counts["requests"] += 1
        self.world.tell(self.name, f"{name} -> {replica.name}")
        step.set(f"{self.name} {name}")

        async def run() -> T:
            with ExitStack() as entered:
                for context in contexts:
                    entered.enter_context(context)
                return await operation(replica.services)

        task = replica.run(run())
        is_impatient = self.random.random() < self.world.weather.impatience
        await asyncio.wait({task}, timeout=self.random.choice(_PATIENCE) if is_impatient else None)
        step.set("")
        if not task.done():
            if self.random.random() < 0.5:
                task.cancel()  # as the server does when the connection is closed
                self.world.counts["requests called off"] += 1
            else:
                self.world.counts["requests left alone"] += 1
            raise NoAnswer
        if task.cancelled() or isinstance(task.exception(), Crashed):
            raise NoAnswer
        error = task.exception()
        self.world.tell(self.name, f"{name}: {'ok' if error is None else repr(error)[:100]}")
        if isinstance(error, BlobDamaged) and error.reason != INJECTED:
            self.world.counts["damaged"] += 1
        return task.result()

    async def insist(self, send: Callable[[], Awaitable[T]], *also: type[EntrepotError]) -> T:
        """Send a request again while it ends by mishap, or with one of ``also``."""
        for _ in range(_ATTEMPTS):
            try:
                return await send()
            except Exception as error:
                if not (_is_injected(error) or isinstance(error, also)):
                    raise
            await asyncio.sleep(self.random.choice((0, 1, 60)))
        raise NoAnswer

    def require(self, condition: bool, promise: str) -> None:
        """Hold the registry to a promise."""
        self.world.counts["promises checked"] += 1
        if not condition:
            raise Broken(promise)

    # Promises

    @property
    def now(self) -> int:
        """The right time."""
        return self.world.now

    def promises_of_layer(self, repository: str, digest: str) -> list[Promise]:
        """Why the repository has to have a layer now: it was answered as present, or images name it."""
        names = [image for image in IMAGES if digest in map(digest_of, image.blobs)]
        images_that_are_there = [
            promise for image in names for promise in self.promises_of_image(repository, image.digest)
        ]
        promise = self.ledger.layers.get((repository, digest))
        return [*self._holding(promise), *images_that_are_there]

    def promises_of_image(self, repository: str, digest: str) -> list[Promise]:
        """Why the repository has to have an image now: it was pushed."""
        return self._holding(self.ledger.images.get((repository, digest)))

    def _holding(self, promise: Promise | None) -> list[Promise]:
        return [promise] if promise is not None and self.ledger.holds(promise, self.now) else []

    def require_none_of(self, promises: Sequence[Promise], broken: str) -> None:
        """Something is not there: so of the promises that held when it was asked for none may hold any more."""
        self.require(not any(self.ledger.holds(promise, self.now) for promise in promises), broken)

    def promise_layer(self, repository: str, digest: str, marks: Marks | None, until: int) -> None:
        """A layer was answered as present."""
        things = _things_of_layer(repository, digest)
        old = self.ledger.layers.get((repository, digest))
        if marks is None or (old is not None and self.ledger.holds(old, self.now) and (old.until or 0) > until):
            return
        self.ledger.layers[repository, digest] = Promise(things, marks, until)

    # Layers

    async def upload(self, repository: str, content: bytes) -> None:
        """Upload a layer in some parts, whatever happens on the way."""
        marks, touched = self.ledger.marks(("repository", repository)), self.now
        upload = await self.begin_upload(repository)
        offset = acknowledged = 0
        for _ in range(_ATTEMPTS * 2):
            if offset == len(content):
                break
            sent = self.now
            try:
                end = self.random.choice((len(content), self.random.randint(offset + 1, len(content))))
                offset = acknowledged = (await self.send_part(repository, upload, content, offset, end)).size
                touched = sent
            except (Fenced, InvalidLayerPart, BodyBrokeOff, NoAnswer, EntrepotError) as error:
                self._judge_upload(error, repository, marks, touched)
                try:
                    offset = (await self.insist(lambda: self.ask(repository, upload))).size
                except UploadNotFound as gone:
                    self._judge_upload(gone, repository, marks, touched)
            self.require(acknowledged <= offset <= len(content), "a committed offset never goes back")
        if offset < len(content):
            raise NoAnswer
        await self.complete(repository, upload, content, marks, touched)

    def _judge_upload(self, error: BaseException, repository: str, marks: Marks | None, touched: int) -> None:
        """Whether an upload that was last touched then, or later, may be refused like this."""
        if isinstance(error, RepositoryNotFound):
            raise error
        if isinstance(error, UploadNotFound):
            is_old = self.now - touched >= UPLOAD_LIFE - CLOCK_SKEW
            undisturbed = self.ledger.is_undisturbed(marks, ("repository", repository))
            self.require(is_old or not undisturbed, f"an upload of {repository} is lost")
            raise NoAnswer from error
        expected = Fenced | InvalidLayerPart | BodyBrokeOff | NoAnswer
        self.require(isinstance(error, expected) or _is_injected(error), f"an upload fails: {error!r}")

    async def begin_upload(self, repository: str) -> Upload:
        """Begin an upload."""
        return await self.insist(
            lambda: self.request(
                "InitiateLayerUpload",
                lambda services: layers.initiate_layer_upload(services, CALLER, repository=repository),
            )
        )

    async def ask(self, repository: str, upload: Upload) -> Upload:
        """How far an upload has come."""
        return await self.request(
            "upload status",
            lambda services: layers.get_upload(services, CALLER, repository=repository, upload_id=upload.id),
        )

    async def send_part(
        self,
        repository: str,
        upload: Upload,
        content: bytes,
        offset: int,
        end: int,
        slownesses: Sequence[int] = _SLOWNESS,
    ) -> Upload:
        """Send a part, perhaps slowly, perhaps not to its end."""
        breaks_off = self.random.random() < self.world.weather.impatience
        slowness = self.random.choice(slownesses)
        stop = self.random.randint(offset, end) if breaks_off else end

        async def body() -> AsyncIterator[bytes]:
            half = (offset + stop) // 2
            yield content[offset:half]
            await asyncio.sleep(slowness)
            yield content[half:stop]
            if breaks_off:
                raise BodyBrokeOff

        return await self.request(
            "UploadLayerPart",
            lambda services: layers.upload_layer_part(
                services,
                CALLER,
                repository=repository,
                upload_id=upload.id,
                source=body(),
                first_byte=offset,
                last_byte=end - 1,
            ),
        )

    async def complete(
        self, repository: str, upload: Upload, content: bytes, marks: Marks | None, begun: int
    ) -> None:
        """Complete an upload, again and again until there is an answer; its last part was sent when it had ``begun``."""
        for _ in range(_ATTEMPTS):
            try:
                await self.complete_once(repository, upload.id, digest_of(content))
            except (EntrepotError, NoAnswer) as error:
                self._judge_upload(error, repository, marks, begun)
                await asyncio.sleep(self.random.choice((0, 1, 60)))
            else:
                self.world.counts["layers pushed"] += 1
                return

    async def complete_once(self, repository: str, upload_id: str, digest: str) -> None:
        """Complete an upload; the answer is a promise."""
        marks = self.ledger.marks(*_things_of_layer(repository, digest))
        sent, repeatable = self.now, self.random.random() < 0.7
        try:
            await self.request(
                "CompleteLayerUpload",
                lambda services: layers.complete_layer_upload(
                    services,
                    CALLER,
                    repository=repository,
                    upload_id=upload_id,
                    digests=[digest],
                    algorithms=ALGORITHMS,
                    any_size=True,
                    repeatable=repeatable,
                ),
            )
        except LayerAlreadyExists:
            self.world.counts["layers that were there"] += 1
        self.promise_layer(repository, digest, marks, sent + LEASE)
        is_first = all(past.upload_id != upload_id for past in self.completed)
        if marks is not None and is_first:  # a day counts from the first time
            self.completed.append(Completed(repository, upload_id, digest, marks, sent))

    async def complete_again(self) -> None:
        """A completion can be repeated for a day."""
        if not self.completed:
            return
        past = self.random.choice(self.completed)
        try:
            await self.complete_once(past.repository, past.upload_id, past.digest)
        except UploadNotFound:
            is_old = self.now - past.at >= UPLOAD_LIFE - CLOCK_SKEW
            things = _things_of_layer(past.repository, past.digest)
            self.require(
                is_old or not self.ledger.is_undisturbed(past.marks, *things), "a completion is forgotten"
            )

    async def look(self, repository: str, digest: str) -> bool:
        """Whether the repository has a layer; that it has is a promise."""
        marks, sent = self.ledger.marks(*_things_of_layer(repository, digest)), self.now
        promises = self.promises_of_layer(repository, digest)
        if self.random.random() < 0.5:
            found = await self._check_one(repository, digest)
        else:
            available, _ = await self.request(
                "BatchCheckLayerAvailability",
                lambda services: layers.batch_check_layer_availability(
                    services, CALLER, repository=repository, digests=[digest]
                ),
            )
            found = available[0].layer
        if found is None:
            self.require_none_of(promises, f"{repository} has {digest[:14]} no more")
            return False
        self.promise_layer(repository, digest, marks, sent + LEASE // 2)
        return True

    async def _check_one(self, repository: str, digest: str) -> Layer | None:
        try:
            return await self.request(
                "HEAD blob",
                lambda services: layers.check_layer(services, CALLER, repository=repository, digest=digest),
            )
        except LayersNotFound:
            return None

    async def mount(self, repository: str, source: str, digest: str) -> bool:
        """Have a layer from another repository."""
        marks, sent = self.ledger.marks(*_things_of_layer(repository, digest)), self.now
        promises = self.promises_of_layer(source, digest)
        found = await self.request(
            "mount",
            lambda services: layers.mount_layer(
                services, CALLER, repository=repository, source=source, digest=digest, as_ecr=False
            ),
        )
        if found is None:
            self.require_none_of(promises, f"a layer that {source} has is not mounted")
            return False
        self.promise_layer(repository, digest, marks, sent + LEASE)
        self.world.counts["mounts"] += 1
        return True

    async def mount_something(self) -> None:
        """Have any layer from any other repository."""
        repository, source = self.random.sample(REPOSITORIES, 2)
        await self.mount(repository, source, digest_of(self.random.choice(LAYERS)))

    async def provide(self, repository: str, content: bytes) -> None:
        """See that the repository has a layer: as docker does."""
        digest = digest_of(content)
        if await self.insist(lambda: self.look(repository, digest)):
            return
        source = self.random.choice([name for name in REPOSITORIES if name != repository])
        if self.random.random() < 0.5 and await self.insist(lambda: self.mount(repository, source, digest)):
            return
        await self.upload(repository, content)

    # Images

    async def put(self, repository: str, image: Image, tag: str) -> None:
        """Store an image under a tag; it is not refused for what was promised."""
        things: tuple[Thing, ...] = (("repository", repository), ("image", repository, image.digest))
        marks = self.ledger.marks(*things)
        needed = {digest_of(blob): self.promises_of_layer(repository, digest_of(blob)) for blob in image.blobs}
        children = {child.digest: self.promises_of_image(repository, child.digest) for child in IMAGES[:2]}
        repeat = self.random.choice(("refused", "accepted"))
        try:
            await self.request(
                "PutImage",
                lambda services: _put(services, repository, image, tag, refuse=repeat == "refused"),
                self.ledger.writing([(repository, tag)], image.digest),
            )
        except RequiredLayersNotFound as error:
            for digest in error.digest.split(", "):
                self.require_none_of(needed[digest], f"PutImage misses {digest[:14]}, which {repository} has")
            raise NoAnswer from error
        except ReferencedImagesNotFound as error:
            for digest in error.digests.split(", "):
                self.require_none_of(children[digest], f"PutImage misses the image {digest[:14]}")
            raise NoAnswer from error
        if marks is not None:
            self.ledger.images[repository, image.digest] = Promise(things, marks, None)
        self.world.counts["images pushed"] += 1

    async def push(self) -> None:
        """Push an image, as docker does."""
        await self.push_to(self.random.choice(REPOSITORIES), self.random.choice(IMAGES))

    async def push_to(self, repository: str, image: Image) -> None:
        """Push the layers and then the manifest."""
        for blob in image.blobs:
            await self.provide(repository, blob)
        tag = self.random.choice(TAGS)
        await self.insist(lambda: self.put(repository, image, tag))

    async def push_index(self) -> None:
        """Push an index with its images."""
        repository = self.random.choice(REPOSITORIES)
        for child in IMAGES[:2]:
            await self.push_to(repository, child)
        await self.insist(lambda: self.put(repository, INDEX, self.random.choice(TAGS)))

    async def retag(self) -> None:
        """Point a tag at what another one points at."""
        repository = self.random.choice(REPOSITORIES)
        old, new = self.random.sample(TAGS, 2)
        digest = await self.read_tag(repository, old)
        if digest is not None:
            await self.put(repository, BY_DIGEST[digest], new)
            self.world.counts["retags"] += 1

    async def read_tag(self, repository: str, tag: str) -> str | None:
        """Where a tag points: where somebody has pointed it."""
        begin = self.ledger.tick()
        try:
            image = await self.request(
                "HEAD manifest",
                lambda services: images.head_image(
                    services, CALLER, repository=repository, image_id=ImageId(tag=tag)
                ),
            )
            digest = image.digest
        except ImageNotFound:
            digest = None
        readable = self.ledger.may_be_read((repository, tag), digest, begin, self.ledger.tick())
        self.require(readable, f"{repository}:{tag} is {digest and digest[:14]}, which is neither new nor old")
        return digest

    async def pull(self) -> None:
        """Pull an image by tag or digest."""
        repository = self.random.choice(REPOSITORIES)
        if self.random.random() < 0.5:
            digest = await self.read_tag(repository, self.random.choice(TAGS))
        else:
            digest = self.random.choice(list(BY_DIGEST))
        if digest is not None:
            await self.pull_from(repository, BY_DIGEST[digest])

    async def pull_from(self, repository: str, image: Image) -> None:
        """What was pushed is there, with the bytes that were pushed."""
        promises = self.promises_of_image(repository, image.digest)
        try:
            found = await self.request(
                "GET manifest",
                lambda services: images.get_image(
                    services, CALLER, repository=repository, image_id=ImageId(digest=image.digest)
                ),
            )
        except (ImageNotFound, RepositoryNotFound):
            self.require_none_of(promises, f"{repository} has lost an image")
            return
        self.require(found.content == image.content, "the manifest is another one")
        pulled = self.now
        for blob in image.blobs:
            await self.pull_layer(repository, blob, pulled)
        self.world.counts["images pulled"] += 1

    async def pull_layer(self, repository: str, content: bytes, pulled: int) -> None:
        """A layer of an image that was got just now is there for an hour, whatever is deleted then."""
        digest = digest_of(content)
        things = _things_of_layer(repository, digest)
        marks, promises = self.ledger.marks(*things), self.promises_of_layer(repository, digest)
        try:
            layer = await self.request(
                "GET blob",
                lambda services: layers.get_layer(services, CALLER, repository=repository, digest=digest),
            )
        except LayersNotFound:
            is_late = self.now - pulled >= HOUR or not self.ledger.is_undisturbed(marks, *things)
            self.require(is_late, f"{repository} has lost a layer of an image that is being pulled")
            self.require_none_of(promises, f"{repository} has lost a layer")
            raise NoAnswer from None
        found_at = self.now
        try:
            read = await self.request("read", lambda services: _read(services, layer))
        except BlobDamaged as error:
            if error.reason != INJECTED:
                self.require(self.now - found_at >= HOUR, f"the bytes of {digest[:14]} are gone within the hour")
                self.require_none_of(promises, f"the bytes of {digest[:14]} are gone")
            raise
        self.require(read == content, f"the bytes of {digest[:14]} are wrong")
        self.world.counts["layers pulled"] += 1

    # Deletions

    async def delete_image(self) -> None:
        """Delete an image with all its tags: one that was pushed, if any was."""
        pushed = list(self.ledger.images) or [(REPOSITORIES[0], IMAGES[0].digest)]
        await self.delete_from(*self.random.choice(pushed))

    async def delete_from(self, repository: str, digest: str) -> None:
        """Delete an image by its digest."""
        await self.request(
            "BatchDeleteImage",
            lambda services: _delete(services, repository, ImageId(digest=digest)),
            self.ledger.taking_away(("image", repository, digest)),
            self.ledger.writing([(repository, tag) for tag in TAGS], None, only=digest),
        )
        self.world.counts["images deleted"] += 1

    async def delete_tag(self) -> None:
        """Delete a tag, and the image with its last one: whichever that is."""
        repository, tag = self.random.choice(REPOSITORIES), self.random.choice(TAGS)
        await self.request(
            "BatchDeleteImage",
            lambda services: _delete(services, repository, ImageId(tag=tag)),
            self.ledger.taking_away(*(("image", repository, digest) for digest in BY_DIGEST)),
            self.ledger.writing([(repository, tag)], None),
        )
        self.world.counts["tags deleted"] += 1

    async def expire(self) -> None:
        """Delete what the lifecycle policy does not keep: the images beyond a number, oldest first."""
        repository = self.random.choice(REPOSITORIES)
        found = await self.request(
            "DescribeImages",
            lambda services: images.describe_images(
                services, CALLER, repository=repository, image_ids=[], tag_status="ANY", after=0, limit=100
            ),
        )
        (rule,) = _POLICY.rules
        for detail in found[: -rule.selection.count_number]:
            await self.delete_from(repository, detail.image.digest)
            self.world.counts["images expired"] += 1

    async def unlink(self) -> None:
        """Take a layer out of a repository."""
        repository, digest = self.random.choice(REPOSITORIES), digest_of(self.random.choice(LAYERS))
        try:
            await self.request(
                "DELETE blob",
                lambda services: layers.unlink_layer(services, CALLER, repository=repository, digest=digest),
                self.ledger.taking_away(("layer", repository, digest)),
            )
        except (LayersNotFound, LayerInUse):
            return
        self.world.counts["layers unlinked"] += 1

    async def delete_repository(self) -> None:
        """Delete a repository with all that is in it, and make one of the same name."""
        repository = self.random.choice(REPOSITORIES)
        await self.drop(repository)
        await self.insist(lambda: self.create(repository))

    async def drop(self, repository: str) -> None:
        """Delete a repository."""
        await self.request(
            "DeleteRepository",
            lambda services: repositories.delete_repository(services, CALLER, repository=repository, force=True),
            self.ledger.taking_away(("repository", repository)),
            self.ledger.writing([(repository, tag) for tag in TAGS], None),
        )
        self.world.counts["repositories deleted"] += 1

    async def create(self, repository: str) -> None:
        """See that there is a repository."""
        try:
            await self.request(
                "CreateRepository",
                lambda services: repositories.create_repository(
                    services, CALLER, repository=repository, settings=RepositorySettings()
                ),
            )
        except RepositoryAlreadyExists:
            return

    # What comes to nothing

    async def abandon(self) -> None:
        """Begin an upload and leave it."""
        repository, content = self.random.choice(REPOSITORIES), self.random.choice(LAYERS)
        upload = await self.begin_upload(repository)
        await self._send_somehow(repository, upload, content)

    async def cancel(self) -> None:
        """Begin an upload and call it off."""
        repository, content = self.random.choice(REPOSITORIES), self.random.choice(LAYERS)
        upload = await self.begin_upload(repository)
        sending = asyncio.ensure_future(self._send_somehow(repository, upload, content))
        try:
            await asyncio.sleep(self.random.choice((0, 0, 1)))
            await self.request(
                "DELETE upload",
                lambda services: layers.cancel_upload(
                    services, CALLER, repository=repository, upload_id=upload.id
                ),
            )
        except UploadNotFound:
            return
        finally:
            await sending

    async def _send_somehow(self, repository: str, upload: Upload, content: bytes) -> bool:
        """Send a part of an upload that others may take over or end; True when it was acknowledged."""
        try:
            await self.send_part(repository, upload, content, 0, len(content), slownesses=(0, 0, 1))
        except (UploadNotFound, RepositoryNotFound, InvalidLayerPart, Fenced, BodyBrokeOff, NoAnswer):
            return False
        except EntrepotError as error:
            self.require(_is_injected(error), f"a part is refused: {error!r}")
            return False
        return True

    async def race_for_an_upload(self) -> None:
        """Two requests send different bytes to the same upload: one of them is fenced, and changes nothing."""
        repository = self.random.choice(REPOSITORIES)
        first, second = self.random.sample(LAYERS, 2)
        size = min(len(first), len(second))
        first, second = first[:size], second[:size]
        marks, begun = self.ledger.marks(("repository", repository)), self.now
        upload = await self.begin_upload(repository)
        done = await asyncio.gather(
            self._send_somehow(repository, upload, first), self._send_somehow(repository, upload, second)
        )
        self.require(not all(done), "two writers of one upload both believe to have written it")
        if any(done):
            self.world.counts["uploads won in a race"] += 1
            await self.complete(repository, upload, first if done[0] else second, marks, begun)


def _things_of_layer(repository: str, digest: str) -> tuple[Thing, ...]:
    return ("repository", repository), ("layer", repository, digest)


async def _put(services: Services, repository: str, image: Image, tag: str, *, refuse: bool) -> None:
    """Store an image; that it is there already is fine."""
    try:
        await images.put_image(
            services,
            CALLER,
            repository=repository,
            content=image.content,
            media_type=image.media_type,
            tags=[tag],
            digest=image.digest,
            algorithms=ALGORITHMS,
            repeat="refused" if refuse else "accepted",
        )
    except ImageAlreadyExists:
        return


async def _read(services: Services, layer: Layer) -> bytes:
    chunks = layers.read_layer(services, layer, start=0, length=layer.size)
    return b"".join([chunk async for chunk in chunks])


async def _delete(services: Services, repository: str, image_id: ImageId) -> None:
    """Delete an image or a tag; raises ImageNotFound if it was not there or could not go."""
    removed, _ = await images.batch_delete_image(services, CALLER, repository=repository, image_ids=[image_id])
    if not removed:
        raise ImageNotFound(repository, ACCOUNT_ID, image_id.digest, image_id.tag)
