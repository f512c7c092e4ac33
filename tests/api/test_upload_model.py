"""Uploads against a model: whatever happens in whatever order, both hold the same bytes.

The model is a list of uploads, each a few bytes and a state. The registry is a real one, on SQLite, called through
both faces; every step compares what it answers with what the model says.
"""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.api.clients import ECR, authorized, break_off, oci_client, password
from tests.api.images import ABSENT, digest_of, part

from entrepot.core.clock import HOUR, MINUTE
from entrepot.features.layers.rules import CLOCK_SKEW, LEASE, UPLOAD_LIFE
from entrepot.operations.sweeps import all_sweeps, sweep_once
from entrepot.testing.registry import RunningRegistry, registry

REPOSITORY = "app"

pieces = st.binary(min_size=1, max_size=6)
#: Which upload a step is about: a position in the list of all that ever were.
choices = st.integers(0, 3)


@dataclass
class Upload:
    """What the model knows of an upload. ``parts`` counts its parts: in the API only the last may be so short."""

    id: str
    content: bytes
    touched_at: int
    parts: int = 0
    completed: bool = False
    cancelled: bool = False

    def is_known(self, now: int) -> bool:
        """True while it can be asked for."""
        return not self.cancelled and now - self.touched_at < UPLOAD_LIFE

    def is_open(self, now: int) -> bool:
        """True while it takes bytes."""
        return self.is_known(now) and not self.completed


class Uploads(RuleBasedStateMachine):
    """The steps; each is one request, or time that passes."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.opened = AsyncExitStack()
        self.uploads: list[Upload] = []
        self.layers: dict[str, bytes] = {}
        self.leases: dict[str, int] = {}
        self.running, self.ecr, self.oci = self.loop.run_until_complete(self.open())

    async def open(self) -> tuple[RunningRegistry, ECR, httpx.AsyncClient]:
        """A registry with one repository, and clients of both faces."""
        running = await self.opened.enter_async_context(registry())
        ecr = ECR(running)
        await ecr("CreateRepository", repositoryName=REPOSITORY)
        oci = await self.opened.enter_async_context(oci_client(running, await password(ecr)))
        return running, ecr, oci

    def teardown(self) -> None:
        """The registry ends with the example."""
        self.loop.run_until_complete(self.opened.aclose())
        self.loop.close()

    @property
    def now(self) -> int:
        """The registry's time."""
        return self.running.clock()

    def chosen(self, choice: int) -> Upload:
        """One of the uploads, the newest ones first."""
        return self.uploads[-1 - choice % len(self.uploads)]

    def call(self, operation: str, **members: object) -> dict[str, Any]:
        """The body of an answer of the API, whatever it says."""
        return self.loop.run_until_complete(self._call(operation, members))

    async def _call(self, operation: str, members: dict[str, Any]) -> dict[str, Any]:
        if operation == "InitiateLayerUpload":
            return await self.ecr(operation, **members)
        return (await self.ecr.send(operation, json.dumps(members).encode())).json()

    def request(self, method: str, upload: Upload, **options: Any) -> httpx.Response:
        """A request about an upload on ``/v2/``."""

        async def send() -> httpx.Response:
            self.oci.auth = ("AWS", await password(self.ecr))
            return await self.oci.request(method, self.path(upload), **options)

        return self.loop.run_until_complete(send())

    def path(self, upload: Upload) -> str:
        """Where an upload is."""
        return f"/v2/{REPOSITORY}/blobs/uploads/{upload.id}"

    @initialize()
    def begin_one(self) -> None:
        """There is always an upload to speak of."""
        self.begin()

    @rule()
    def begin(self) -> None:
        """A new upload is empty."""
        begun = self.call("InitiateLayerUpload", repositoryName=REPOSITORY)
        self.uploads.append(Upload(begun["uploadId"], b"", self.now))

    @rule(choice=choices, piece=pieces, shift=st.sampled_from([0, 0, 0, -1, 1]))
    def send_part(self, choice: int, piece: bytes, shift: int) -> None:
        """A part is taken where it follows the last one."""
        upload = self.chosen(choice)
        start = max(len(upload.content) + shift, 0)

        answer = self.call("UploadLayerPart", **part(REPOSITORY, upload.id, start, piece))

        if not upload.is_open(self.now):
            assert answer["__type"] == "UploadNotFoundException"
        elif start != len(upload.content):
            assert answer["lastValidByteReceived"] == len(upload.content) - 1
        else:
            assert answer["lastByteReceived"] == start + len(piece) - 1
            self.append(upload, piece)

    @rule(choice=choices, piece=pieces)
    def break_off_part(self, choice: int, piece: bytes) -> None:
        """A part that does not arrive whole changes nothing, not even the upload's life."""
        upload = self.chosen(choice)
        body = json.dumps(part(REPOSITORY, upload.id, len(upload.content), piece)).encode()
        request = self.ecr.signed("UploadLayerPart", body)

        self.loop.run_until_complete(break_off(self.running, "POST", "/", [body[:-5]], request.headers))

    @rule(choice=choices, piece=pieces)
    def patch(self, choice: int, piece: bytes) -> None:
        """Bytes are appended."""
        upload = self.chosen(choice)

        answer = self.request("PATCH", upload, content=piece)

        assert answer.status_code == (202 if upload.is_open(self.now) else 404)
        if answer.status_code == 202:
            self.append(upload, piece)
            assert answer.headers["range"] == f"0-{len(upload.content) - 1}"

    @rule(choice=choices, piece=pieces)
    def break_off_patch(self, choice: int, piece: bytes) -> None:
        """Bytes that arrived are kept, and are no part whose size would be judged."""
        upload = self.chosen(choice)

        async def send() -> None:
            self.oci.auth = ("AWS", await password(self.ecr))
            await break_off(self.running, "PATCH", self.path(upload), [piece], authorized(self.oci))

        self.loop.run_until_complete(send())
        if upload.is_open(self.now):
            self.append(upload, piece, whole=False)

    @rule(choice=choices, right=st.booleans())
    def complete_by_api(self, choice: int, right: bool) -> None:
        """The right digest makes a layer of an upload whose parts are long enough."""
        upload = self.chosen(choice)
        digest = digest_of(upload.content) if right else ABSENT

        answer = self.call(
            "CompleteLayerUpload", repositoryName=REPOSITORY, uploadId=upload.id, layerDigests=[digest]
        )

        expected = self.expected_of_api(upload, digest, right=right)
        assert answer.get("__type", digest) == expected
        if not expected.endswith("Exception") or (expected.startswith("LayerAlready") and not upload.completed):
            self.complete(upload, digest)
        elif expected.startswith("LayerAlready"):
            self.leases[digest] = self.now + LEASE
        elif upload.is_open(self.now) and expected.startswith("InvalidLayer"):
            upload.touched_at = self.now

    def expected_of_api(self, upload: Upload, digest: str, *, right: bool) -> str:
        """The error, or the digest."""
        if not upload.is_known(self.now) or (upload.completed and not right):
            return "UploadNotFoundException"
        if upload.completed:
            return "LayerAlreadyExistsException"
        if not upload.content:
            return "EmptyUploadException"
        if upload.parts > 1:
            return "LayerPartTooSmallException"
        if not right:
            return "InvalidLayerException"
        return "LayerAlreadyExistsException" if digest in self.layers else digest

    @rule(choice=choices, piece=st.just(b"") | pieces)
    def complete_by_v2(self, choice: int, piece: bytes) -> None:
        """With a last piece, if there is one; a completion that is repeated is answered as the first time."""
        upload = self.chosen(choice)
        digest = digest_of(upload.content + piece)

        answer = self.request("PUT", upload, params={"digest": digest}, content=piece)

        takes = upload.is_open(self.now) or (upload.is_known(self.now) and not piece)
        assert answer.status_code == (201 if takes else 404)
        if upload.is_open(self.now):
            upload.content += piece
            self.complete(upload, digest)
        elif takes:
            self.leases[digest] = self.now + LEASE

    @rule(choice=choices)
    def cancel(self, choice: int) -> None:
        """It is over at once."""
        upload = self.chosen(choice)

        answer = self.request("DELETE", upload)

        assert answer.status_code == (204 if upload.is_open(self.now) else 404)
        upload.cancelled = upload.cancelled or answer.status_code == 204

    @rule(time=st.sampled_from([MINUTE, 11 * HOUR, 23 * HOUR]))
    def wait(self, time: int) -> None:
        """Time passes."""
        self.running.clock.advance(time)

    @rule()
    def sweep(self) -> None:
        """What is over may be swept at any time; a layer that no image names is over with its lease."""
        self.loop.run_until_complete(sweep_once(self.running.services, all_sweeps(history_days=90)))
        for digest, lease_until in list(self.leases.items()):
            if lease_until <= self.now - CLOCK_SKEW:
                del self.layers[digest], self.leases[digest]

    @rule()
    def forget_hashes(self) -> None:
        """As after a restart, or on another worker."""
        for upload in self.uploads:
            self.running.services.upload_hashes.forget(upload.id)

    @invariant()
    def every_open_upload_has_the_bytes_of_the_model(self) -> None:
        """As its status tells."""
        for upload in self.uploads[-2:]:
            status = self.request("GET", upload)
            if upload.is_open(self.now):
                assert status.headers["range"] == f"0-{max(len(upload.content) - 1, 0)}"
            else:
                assert status.status_code == 404

    @invariant()
    def every_layer_has_its_bytes(self) -> None:
        """To the last one; nothing that was completed goes away before its lease is over."""

        async def read(digest: str) -> bytes:
            self.oci.auth = ("AWS", await password(self.ecr))
            return (await self.oci.get(f"/v2/{REPOSITORY}/blobs/{digest}")).content

        for digest, content in self.layers.items():
            assert self.loop.run_until_complete(read(digest)) == content

    def append(self, upload: Upload, piece: bytes, *, whole: bool = True) -> None:
        """What a piece that was taken changes in the model."""
        upload.content += piece
        upload.parts += whole
        upload.touched_at = self.now

    def complete(self, upload: Upload, digest: str) -> None:
        """What a completion changes in the model."""
        upload.completed = True
        upload.touched_at = self.now
        self.layers[digest] = upload.content
        self.leases[digest] = self.now + LEASE


TestUploads = Uploads.TestCase
TestUploads.settings = settings(max_examples=40, stateful_step_count=30)
