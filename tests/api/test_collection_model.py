"""Collection against a model: pushes, pulls and deletions in any order, with time passing and crashes between.

The model knows what has been promised: until when each layer was answered as present, which images are there, and
which are deleted and kept to be had back. The
registry is a real one on either database; every step compares its answers with the model, and the invariants of
designs/collection.md are asked of the database after each.
"""

import asyncio
import json
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from random import Random
from typing import Any, ClassVar

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select
from tests.api.clients import ECR, oci_client, password
from tests.api.collection_invariants import check_invariants, check_nothing_is_left
from tests.api.conftest import empty
from tests.api.crashes import Crashed, crashing
from tests.api.images import CONFIG, LAYER, Image, descriptor, digest_of, upload
from tests.api.rows import rows
from tests.postgresql import Server

from entrepot.core.clock import DAY, HOUR, MINUTE
from entrepot.core.media_types import OCI_MANIFEST
from entrepot.features.images.errors import ImageNotDeleted, LayersGone
from entrepot.features.layers.rules import LEASE, Lifetimes
from entrepot.metadata import tables
from entrepot.metadata.postgresql import PostgreSQLMetadata
from entrepot.operations.operator import Operator
from entrepot.operations.services import Services
from entrepot.operations.sweeps import collecting_sweeps, sweep_once
from entrepot.operations.undelete import undelete_image, undelete_repository
from entrepot.testing.registry import RunningRegistry, registry

REPOSITORIES = ("one", "two")
#: Shorter than a lease, and than some of the waits.
WINDOW = 12 * HOUR
LAYERS = [f"layer {number}".encode() for number in range(4)]

some_repository = st.sampled_from(REPOSITORIES)
some_layer = st.sampled_from(LAYERS)


def image_of(*layers: bytes) -> Image:
    """An image whose first layer is its configuration."""
    config, *others = layers
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(CONFIG, config),
        "layers": [descriptor(LAYER, layer) for layer in others],
    }
    return Image(OCI_MANIFEST, json.dumps(document).encode(), layers)


IMAGES = [image_of(*LAYERS[:2]), image_of(*LAYERS[1:3]), image_of(*LAYERS[2:]), image_of(LAYERS[0], LAYERS[3])]
some_image = st.sampled_from(IMAGES)


class Collection(RuleBasedStateMachine):
    """The steps; each is one request, one sweep, or time that passes."""

    #: A PostgreSQL database to be emptied; else there is an SQLite database for each example.
    url: ClassVar[str | None] = None

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.opened = AsyncExitStack()
        self.buried: set[str] = set()
        #: Until when the layer of a repository was promised, by digest.
        self.promised: dict[tuple[str, str], int] = {}
        self.images: set[tuple[str, Image]] = set()
        #: Until when each deleted image is kept, unless one of its layers is deleted.
        self.kept: dict[tuple[str, Image], int] = {}
        self.running, self.ecr, self.oci = self.loop.run_until_complete(self.open(self.url))

    async def open(self, url: str | None) -> tuple[RunningRegistry, ECR, httpx.AsyncClient]:
        """A registry with two repositories, and clients of both faces."""
        metadata = None
        if url is not None:
            metadata = PostgreSQLMetadata(url, random=Random(0))
            self.opened.push_async_callback(metadata.close)
            await metadata.write(empty)
        running = await self.opened.enter_async_context(registry(metadata))
        ecr = ECR(running)
        for name in REPOSITORIES:
            await ecr("CreateRepository", repositoryName=name)
        oci = await self.opened.enter_async_context(oci_client(running, await password(ecr)))
        return running, ecr, oci

    def teardown(self) -> None:
        """When all is deleted and time has passed, nothing is left."""
        for name in REPOSITORIES:
            self.call("DeleteRepository", repositoryName=name, force=True)
        for _ in range(3):
            self.collect()
            self.running.clock.advance(2 * DAY)
        self.loop.run_until_complete(check_nothing_is_left(self.running))
        self.loop.run_until_complete(self.opened.aclose())
        self.loop.close()

    @property
    def services(self) -> Services:
        """Those of a collector that keeps what is deleted for half a day."""
        return replace(self.running.services, lifetimes=Lifetimes(undelete=WINDOW))

    @property
    def now(self) -> int:
        """The registry's time."""
        return self.running.clock()

    def call(self, operation: str, **members: object) -> dict[str, Any]:
        """The body of an answer of the API, whatever it says."""

        async def send() -> dict[str, Any]:
            return (await self.ecr.send(operation, json.dumps(members).encode())).json()

        return self.loop.run_until_complete(send())

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request on ``/v2/``."""

        async def send() -> httpx.Response:
            self.oci.auth = ("AWS", await password(self.ecr))
            return await self.oci.request(method, f"/v2/{path}", **options)

        return self.loop.run_until_complete(send())

    def promise(self, repository: str, layer: bytes, until: int) -> None:
        """A layer was answered as present."""
        key = repository, digest_of(layer)
        self.promised[key] = max(until, self.promised.get(key, 0))

    def is_promised(self, repository: str, layer: bytes) -> bool:
        """True while a layer has to be there."""
        named = any(layer in image.blobs for name, image in self.images if name == repository)
        return named or self.promised.get((repository, digest_of(layer)), 0) > self.now

    @rule(repository=some_repository, layer=some_layer)
    def push(self, repository: str, layer: bytes) -> None:
        """A layer that is completed is there for a day, whether it is new or not."""
        upload_id = self.loop.run_until_complete(upload(self.ecr, repository, layer))

        answer = self.call(
            "CompleteLayerUpload", repositoryName=repository, uploadId=upload_id, layerDigests=[digest_of(layer)]
        )

        assert answer.get("__type", "LayerAlreadyExistsException") == "LayerAlreadyExistsException"
        self.promise(repository, layer, self.now + LEASE)

    @rule(repository=some_repository, layer=some_layer)
    def begin_an_upload(self, repository: str, layer: bytes) -> None:
        """And leave it."""
        self.loop.run_until_complete(upload(self.ecr, repository, layer))

    @rule(repository=some_repository, layer=some_layer)
    def cancel_an_upload(self, repository: str, layer: bytes) -> None:
        """Its bytes are nobody's then."""
        upload_id = self.loop.run_until_complete(upload(self.ecr, repository, layer))

        assert self.request("DELETE", f"{repository}/blobs/uploads/{upload_id}").status_code == 204

    @rule(repository=some_repository)
    def check(self, repository: str) -> None:
        """A layer that was promised is there; one that is there is promised for half a lease at least."""
        answer = self.call(
            "BatchCheckLayerAvailability", repositoryName=repository, layerDigests=list(map(digest_of, LAYERS))
        )

        present = {entry["layerDigest"]: entry["layerAvailability"] == "AVAILABLE" for entry in answer["layers"]}
        for layer in LAYERS:
            if present[digest_of(layer)]:
                self.promise(repository, layer, self.now + LEASE // 2)
            else:
                assert not self.is_promised(repository, layer)

    @rule(repository=some_repository, layer=some_layer)
    def head(self, repository: str, layer: bytes) -> None:
        """The same for one layer on ``/v2/``."""
        status = self.request("HEAD", f"{repository}/blobs/{digest_of(layer)}").status_code

        if status == 200:
            self.promise(repository, layer, self.now + LEASE // 2)
        else:
            assert status == 404
            assert not self.is_promised(repository, layer)

    @rule(layer=some_layer)
    def mount(self, layer: bytes) -> None:
        """A layer that was promised can be mounted, and is promised there too."""
        answer = self.request("POST", f"two/blobs/uploads/?mount={digest_of(layer)}&from=one")

        if answer.status_code == 201:
            self.promise("two", layer, self.now + LEASE)
        else:
            assert answer.status_code == 202
            assert not self.is_promised("one", layer)

    @rule(repository=some_repository, image=some_image, tag=st.sampled_from(["x", "y"]))
    def put(self, repository: str, image: Image, tag: str) -> None:
        """No image is refused for a layer that was promised."""
        answer = self.request(
            "PUT",
            f"{repository}/manifests/{tag}",
            content=image.content,
            headers={"content-type": image.media_type},
        )

        if answer.status_code == 201:
            self.images.add((repository, image))
        else:
            assert answer.status_code == 400, answer.text
            assert not all(self.is_promised(repository, layer) for layer in image.blobs)

    @rule(repository=some_repository, image=some_image)
    def pull(self, repository: str, image: Image) -> None:
        """An image is there with all its layers, until it is deleted."""
        answer = self.request("GET", f"{repository}/manifests/{image.digest}")

        assert answer.status_code == (200 if (repository, image) in self.images else 404)
        if answer.status_code == 200:
            assert answer.content == image.content
            for layer in image.blobs:
                assert self.request("GET", f"{repository}/blobs/{digest_of(layer)}").content == layer

    @rule(repository=some_repository, image=some_image)
    def delete(self, repository: str, image: Image) -> None:
        """It is gone at once."""
        self.request("DELETE", f"{repository}/manifests/{image.digest}")
        if (repository, image) in self.images:
            self.images.discard((repository, image))
            self.kept[repository, image] = self.now + WINDOW

    @rule(repository=some_repository, image=some_image)
    def undelete(self, repository: str, image: Image) -> None:
        """Every image that is kept comes back."""
        operator = Operator(registry=self.running.services.default_registry, request_id="command")

        try:
            self.loop.run_until_complete(
                undelete_image(self.running.services, operator, repository=repository, digest=image.digest)
            )
            self.images.add((repository, image))
        except (ImageNotDeleted, LayersGone):
            assert self.kept.get((repository, image), 0) <= self.now
        self.kept.pop((repository, image), None)

    @rule(repository=some_repository, layer=some_layer)
    def unlink(self, repository: str, layer: bytes) -> None:
        """Whoever deletes a layer has no promise."""
        answer = self.request("DELETE", f"{repository}/blobs/{digest_of(layer)}")

        if answer.status_code == 202:
            self.promised.pop((repository, digest_of(layer)), None)
            self.kept = {key: until for key, until in self.kept.items() if layer not in key[1].blobs}

    @rule(repository=some_repository)
    def delete_repository(self, repository: str) -> None:
        """With all that was promised of it; a new one has its name."""
        self.call("DeleteRepository", repositoryName=repository, force=True)
        self.call("CreateRepository", repositoryName=repository)
        self.images = {(name, image) for name, image in self.images if name != repository}
        self.kept = {key: until for key, until in self.kept.items() if key[0] != repository}
        self.promised = {key: until for key, until in self.promised.items() if key[0] != repository}

    @rule(repository=some_repository)
    def delete_and_undelete_repository(self, repository: str) -> None:
        """It comes back with all that is promised, though the collector has been by."""
        operator = Operator(registry=self.running.services.default_registry, request_id="command")
        self.call("DeleteRepository", repositoryName=repository, force=True)
        self.collect()

        name = self.loop.run_until_complete(
            undelete_repository(self.running.services, operator, repository=repository)
        )

        assert name == repository

    @rule(time=st.sampled_from([MINUTE, HOUR, 2 * HOUR, 11 * HOUR, 25 * HOUR]))
    def wait(self, time: int) -> None:
        """Time passes."""
        self.running.clock.advance(time)

    @rule()
    def collect(self) -> None:
        """Until nothing is left to do."""
        self.loop.run_until_complete(sweep_once(self.services, collecting_sweeps()))

    @rule(which=st.integers(0, 4))
    def collect_a_little(self, which: int) -> None:
        """One step of one sweep, in any order."""
        self.loop.run_until_complete(collecting_sweeps()[which](self.services))

    @rule(at=st.integers(1, 30))
    def collect_and_crash(self, at: int) -> None:
        """Before or after any call of the database or the storage."""

        async def run() -> None:
            with suppress(Crashed):
                await sweep_once(crashing(self.services, at), collecting_sweeps())

        self.loop.run_until_complete(run())

    @invariant()
    def the_invariants_hold(self) -> None:
        """Those of the design."""
        self.loop.run_until_complete(check_invariants(self.running, self.buried))

    @invariant()
    def every_promise_has_a_lease(self) -> None:
        """The invariant "lease": no link goes before it."""
        query = (
            select(tables.repositories.c.name, tables.blobs.c.digest, tables.repository_layers.c.lease_until)
            .join(tables.repository_layers, tables.repository_layers.c.repository_id == tables.repositories.c.id)
            .join(tables.blobs, tables.blobs.c.id == tables.repository_layers.c.blob_id)
        )
        found = self.loop.run_until_complete(rows(self.running, query))
        leases = {(row.name, row.digest): row.lease_until for row in found}
        for key, until in self.promised.items():
            assert until <= self.now or leases[key] >= until, key


def test_no_sequence_of_steps_breaks_a_promise() -> None:
    """On SQLite."""
    run_state_machine_as_test(Collection, settings=settings(max_examples=60, stateful_step_count=40))


@pytest.mark.timeout(300)
def test_no_sequence_of_steps_breaks_a_promise_on_postgresql(postgresql: Server) -> None:
    """With the same steps."""

    class OnPostgreSQL(Collection):
        url = postgresql.create_database()

    run_state_machine_as_test(OnPostgreSQL, settings=settings(max_examples=20, stateful_step_count=40))
