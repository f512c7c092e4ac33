"""Many clients at three replicas that collect garbage with leases of seconds, while processes are killed by SIGKILL."""

import random
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from tests.live.cluster import STOP_SECONDS, Cluster, Collector, Worker, cluster
from tests.live.oci import authorization_of
from tests.live.soak_client import SoakClient
from tests.live.soak_ledger import Findings, Ledger
from tests.live.waiting import eventually
from tests.postgresql import Server as PostgreSQL
from tests.s3 import S3Server

#: Seconds within which everything has to be collected in the end.
COLLECTED_WITHIN = 90
#: Tables that are empty when everything is deleted and collected.
TABLES = (
    *("repositories", "repository_layers", "blobs", "tombstones", "uploads", "multiparts", "multipart_parts"),
    *("manifests", "images", "image_references", "image_tags", "tag_history"),
)
#: Objects that a bucket has without any layer.
OWN_OBJECTS = {"layers/check", "layers/identity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long, with how many, and by which seed."""

    seconds: float
    clients: int
    repositories: int
    seed: int


class Killable(Protocol):
    """A process that can be killed and started again."""

    def kill9(self) -> None:
        """SIGKILL."""
        ...

    def start(self) -> object:
        """Start it, and wait until it is at work."""
        ...


def soak(plan: Plan, postgresql: PostgreSQL, s3: S3Server, report: Callable[[Findings], None]) -> Findings:
    """Let the clients work for so long; look through all that has to be there; delete it, and see what is left.

    ``report`` is called once a second with what has been found so far.
    """
    with cluster(postgresql, s3, short_lived=True) as running, _collector(running) as collector:
        ledger = Ledger([f"soak/{number}" for number in range(plan.repositories)])
        for shelf in ledger.shelves:
            running.front.ecr().create_repository(repositoryName=shelf.name)
        authorization = authorization_of(running.front)
        clients = [
            SoakClient(running.front, authorization, ledger, f"client{number}", f"{plan.seed}/{number}")
            for number in range(plan.clients)
        ]

        victims: dict[str, list[Killable]] = {
            "replica": list(running.replicas),
            "worker": [running.worker, collector],
        }
        with ExitStack() as connected:
            for client in clients:
                connected.callback(client.close)
            _work(plan, clients, victims, ledger, report)

            eventually(running.all_are_up, within=STOP_SECONDS)
            for shelf, content in ledger.everything():
                clients[0].look_again(shelf, content)
        report(ledger.findings)
        for shelf in ledger.shelves:
            running.front.ecr().delete_repository(repositoryName=shelf.name, force=True)
        ledger.findings.left = _left_after_collecting(running, s3)
        ledger.findings.empty_uploads = len(s3.parts(running.bucket))
        report(ledger.findings)
        return ledger.findings


@contextmanager
def _collector(running: Cluster) -> Generator[Worker]:
    """A second worker, which makes no pause."""
    with TemporaryDirectory(prefix="entrepot-collector-") as folder:
        collector = Collector(Path(folder), *running.options)
        try:
            yield collector.start()
        finally:
            collector.close()


def _work(
    plan: Plan,
    clients: list[SoakClient],
    victims: dict[str, list[Killable]],
    ledger: Ledger,
    report: Callable[[Findings], None],
) -> None:
    """Clients work and processes are killed until the time is up; an error of a client's own is raised."""
    stopped = threading.Event()
    with ThreadPoolExecutor(len(clients) + 1) as pool:
        running: list[Future[None]] = [pool.submit(client.work_until, stopped) for client in clients]
        killing = pool.submit(_kill_until, stopped, victims, ledger, random.Random(plan.seed))
        try:
            end = time.monotonic() + plan.seconds
            while time.monotonic() < end and not any(each.done() for each in (*running, killing)):
                stopped.wait(1)
                report(ledger.findings)
        finally:
            stopped.set()
        for each in (*running, killing):
            each.result()


def _kill_until(
    stopped: threading.Event, victims: dict[str, list[Killable]], ledger: Ledger, chance: random.Random
) -> None:
    """Kill one process after the other, and start each again, a moment later."""
    while not stopped.wait(chance.uniform(1, 4)):
        kind = chance.choices(list(victims), (3, 2))[0]
        victim = chance.choice(victims[kind])
        victim.kill9()
        ledger.killed(kind)
        stopped.wait(chance.uniform(0, 1.5))
        victim.start()


def _left_after_collecting(running: Cluster, s3: S3Server) -> dict[str, int]:
    """What is not zero when there is nothing left, or the time for it is up."""
    end = time.monotonic() + COLLECTED_WITHIN
    while (left := _left(running, s3)) and time.monotonic() < end:
        time.sleep(1)
    return left


def _left(running: Cluster, s3: S3Server) -> dict[str, int]:
    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in TABLES)
    rows = running.postgresql.query(running.database, f"SELECT {counts}").split("|")
    left = dict(zip(TABLES, map(int, rows), strict=True))
    sizes = {key: size for key, size in s3.sizes(running.bucket).items() if key not in OWN_OBJECTS}
    parts = sum(s3.parts(running.bucket).values())
    left |= {"objects": len(sizes), "bytes": sum(sizes.values()), "parts": parts}
    return {name: number for name, number in left.items() if number}
