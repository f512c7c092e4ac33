"""Runs the simulation: one seed, one world, one trace.

python -m tests.simulation.simulate --seeds 5000
"""

import argparse
import asyncio
import gc
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from random import Random

from sqlalchemy import Connection, select
from tests.api.collection_invariants import check_no_rows_are_left, check_state
from tests.simulation.clients import BY_DIGEST, REPOSITORIES, Client
from tests.simulation.ledger import Ledger
from tests.simulation.world import CALM, REPLICAS, Broken, Weather, World

from entrepot.core.clock import DAY, SECOND
from entrepot.features.layers.rules import CLOCK_SKEW
from entrepot.features.repositories.errors import RepositoryNotFound
from entrepot.metadata import tables
from entrepot.metadata.schema import migrate
from entrepot.operations.sweeps import collecting_sweeps, sweep_once
from entrepot.protocol.tokens import MasterKey
from entrepot.testing.memory_metadata import MemoryMetadata
from entrepot.testing.simulated_loop import SimulatedLoop

CLIENTS, STEPS = 3, 8

_links, _repositories, _uploads = tables.repository_layers.c, tables.repositories.c, tables.uploads.c
_leases = (
    select(_repositories.name, tables.blobs.c.digest, _links.lease_until)
    .join(tables.repository_layers, _links.repository_id == _repositories.id)
    .join(tables.blobs, tables.blobs.c.id == _links.blob_id)
)
_offsets = select(_uploads.storage_key, _uploads.size, _uploads.epoch).where(
    _uploads.completed_digest.is_(None), ~_uploads.is_encrypted
)


class Failed(Exception):
    """A run has shown a broken promise; its trace says how."""

    def __init__(self, seed: int, trace: list[str]) -> None:
        super().__init__(f"seed {seed}")
        self.seed = seed
        self.trace = trace


@dataclass
class Report:
    """What was met in one run, or in many."""

    runs: int = 0
    counts: Counter[str] = field(default_factory=Counter[str])
    crash_points: set[str] = field(default_factory=set[str])
    trace: list[str] = field(default_factory=list[str])

    def add(self, world: World) -> None:
        """Count what has happened there."""
        self.runs += 1
        most = max(self.counts["most rows"], world.counts["most rows"])
        self.counts.update(world.counts)
        self.counts["most rows"] = most
        self.counts["blobs collected"] += sum(world.collected.collected_count.values())
        self.crash_points |= world.crash_points
        self.trace = world.trace

    def __str__(self) -> str:
        lines = [f"{name:<28} {count:>12,}" for name, count in sorted(self.counts.items())]
        return "\n".join([f"{'runs':<28} {self.runs:>12,}", *lines, _points(self.crash_points)])


def _points(crash_points: set[str]) -> str:
    return f"{'different crash points':<28} {len(crash_points):>12,}"


@cache
def _empty_database() -> bytes:
    """A database with every table and no row."""

    async def make() -> bytes:
        metadata = MemoryMetadata()
        await metadata.write(migrate)
        return metadata.content

    return asyncio.run(make())


def simulate(seed: int, report: Report) -> None:
    """Run one seed; raises Failed."""
    random = Random(seed)
    loop = SimulatedLoop(random)
    world = World(
        random,
        loop,
        Weather.of(random),
        MemoryMetadata(_empty_database()),
        encrypt_at_rest=random.random() < 0.2,
        master=MasterKey(random.randbytes(32)),
    )
    gc.disable()  # what it finalises, and when, depends on what ran before
    try:
        try:
            loop.run_until_complete(_run(world))
        finally:
            loop.run_until_complete(world.end())
    except Exception as error:
        world.trace.append(f"seed {seed}, {world.weather}: {error!r}")
        raise Failed(seed, world.trace) from error
    finally:
        gc.enable()
        report.add(world)


async def _run(world: World) -> None:
    ledger = Ledger()
    checks = Checks(world, ledger)
    world.database.check_all = checks.check
    clients = [Client(world, ledger, f"client-{number}") for number in range(CLIENTS)]
    weather, world.weather = world.weather, CALM
    world.start_all()
    for name in REPOSITORIES:
        await clients[0].create(name)
    world.weather = weather
    working = asyncio.gather(*(client.work(STEPS) for client in clients))
    await asyncio.wait([working, world.failed], return_when=asyncio.FIRST_COMPLETED)
    if world.failed.done():
        world.failed.result()
    working.result()
    await _end(world, clients[0])
    if world.failed.done():
        world.failed.result()


async def _end(world: World, client: Client) -> None:
    """When all is calm, all that was promised is there; when all is deleted and time has passed, nothing is."""
    world.weather = CALM
    while any(process.tasks for process in world.replicas) or len(world.replicas) < REPLICAS:  # noqa: ASYNC110
        await asyncio.sleep(3_600)  # for requests that were left alone, and replicas that are started again
    for repository in REPOSITORIES:
        for image in BY_DIGEST.values():
            await client.pull_from(repository, image)
    for repository in REPOSITORIES:
        with suppress(RepositoryNotFound):
            await client.drop(repository)
    worker = world.start_worker_alone()
    for _ in range(3):
        await sweep_once(worker.services, collecting_sweeps())
        await asyncio.sleep(2 * DAY / SECOND)
    try:
        world.metadata.read_now(check_no_rows_are_left)
        assert world.storage.keys() == set(), "bytes are left"
    except AssertionError as error:
        raise Broken(f"nothing left: {error}") from error


class Checks:
    """The invariants that are asked of database and storage after each transaction."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self._world = world
        self._ledger = ledger
        self._buried: set[str] = set()

    def check(self) -> None:
        """Raise Broken unless all of them hold."""
        self._world.counts["invariants checked"] += 11
        try:
            self._world.metadata.read_now(self._check)
        except AssertionError as error:
            raise Broken(*error.args) from error

    def _check(self, connection: Connection) -> None:
        check_state(connection, self._world.storage.keys(), self._buried)
        self._check_offsets(connection)
        self._check_leases(connection)

    def _check_offsets(self, connection: Connection) -> None:
        """A committed offset never exceeds durable bytes."""
        unsynced = [process.storage.unsynced for process in self._world.processes.values() if not process.dead]
        if not any(unsynced):
            return
        for key, size, epoch in connection.execute(_offsets):
            for keys in unsynced:
                lost = keys.get(key)
                assert lost is None or lost.epoch != epoch or size <= lost.durable, (
                    "an offset beyond durable bytes"
                )

    def _check_leases(self, connection: Connection) -> None:
        """A layer that was answered as present is there, with a lease to the end of the promise."""
        promises = [
            (key, promise)
            for key, promise in self._ledger.layers.items()
            if self._ledger.holds(promise, self._world.now)
        ]
        if promises:
            leases = {(name, digest): until for name, digest, until in connection.execute(_leases)}
            for key, promise in promises:
                assert leases.get(key, 0) >= (promise.until or 0) - CLOCK_SKEW, f"the lease of {key} is too short"


def main() -> int:
    """Run many seeds and print what was met; 1 if one has failed, after its trace."""
    parser = argparse.ArgumentParser(prog="scripts/simulate", description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=500, help="how many (500)")
    parser.add_argument("--first", type=int, default=0, help="the first one (0); the others follow it")
    parser.add_argument("--trace", action="store_true", help="print the trace of each run")
    options = parser.parse_args()
    report, begun = Report(), time.process_time()
    for seed in range(options.first, options.first + options.seeds):
        try:
            simulate(seed, report)
        except Failed as failed:
            _print(*failed.trace, f"FAILED: scripts/simulate --seeds 1 --first {failed.seed}")
            return 1
        if options.trace:
            _print(*report.trace)
    _print(str(report), f"{'seconds of CPU':<28} {time.process_time() - begun:>12,.1f}")
    return 0


def _print(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
