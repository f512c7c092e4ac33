"""What is simulated around the registry: processes that are killed and started anew, time, and how bad things are.

Everything is decided by one seed. A process is asked before and after each of its calls to the database or the storage
whether it goes on: there it lets others run, waits, fails or is killed.
"""

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, TypeVar

from sqlalchemy import Connection

import entrepot
from entrepot.core.clock import MINUTE, SECOND
from entrepot.core.errors import EntrepotError, Unavailable
from entrepot.keys.keyring import Keyring
from entrepot.operations.layers import BodyBrokeOff
from entrepot.operations.services import Services
from entrepot.operations.sweeps import all_sweeps, sweep_once
from entrepot.protocol.tokens import MasterKey
from entrepot.storage.memory import MemoryStorage
from entrepot.testing.faults import Crashed, Fault, FaultyMetadata, FaultyStorage
from entrepot.testing.memory_metadata import MemoryMetadata
from entrepot.testing.registry import START, MemoryCounters
from entrepot.testing.services import make_services
from entrepot.testing.simulated_loop import InlineExecutor, SimulatedLoop

T = TypeVar("T")

REPLICAS, WORKERS = 3, 2
#: How far the clocks of processes are from the right time, at most: together as far apart as the design allows.
_SKEW = 5 * MINUTE // 2
#: Seconds that a call may hang for: longer than any driver lets it.
_HANGS = (0.001, 0.1, 1, 20, 300)
#: Seconds between two rounds of a worker. Longer than in reality, for days pass here.
_PAUSES = (60, 3_600, 12 * 3_600)
_SOURCE = Path(entrepot.__file__).parent

#: What the task that runs is doing, for the trace.
step: ContextVar[str] = ContextVar("step", default="")


class Broken(AssertionError):
    """The registry has broken a promise."""


@dataclass(frozen=True)
class Weather:
    """How likely it is that a call fails, hangs, or is the last one of its process; and that clients lose patience."""

    fault: float
    hang: float
    crash: float
    impatience: float

    @classmethod
    def of(cls, random: Random) -> "Weather":
        """Each run has another weather, so that each danger is met alone and with others."""
        return cls(
            fault=random.choice((0, 0, 0.003, 0.01)),
            hang=random.choice((0, 0, 0.01, 0.05)),
            crash=random.choice((0, 0.001, 0.003, 0.01)),
            impatience=random.choice((0, 0, 0.02, 0.1)),
        )


CALM = Weather(0, 0, 0, 0)


@dataclass
class World:
    """One run: a database and a storage that stay, and processes that come and go."""

    random: Random
    loop: SimulatedLoop
    weather: Weather
    metadata: MemoryMetadata
    encrypt_at_rest: bool
    master: MasterKey
    storage: MemoryStorage = field(default_factory=MemoryStorage)
    collected: MemoryCounters = field(default_factory=MemoryCounters)
    trace: list[str] = field(default_factory=list[str])
    counts: Counter[str] = field(default_factory=Counter[str])
    #: Where something was running when its process was killed: lines of the product, with the call that was made.
    crash_points: set[str] = field(default_factory=set[str])
    processes: "dict[str, Process]" = field(default_factory=dict[str, "Process"])
    started: "list[Process]" = field(default_factory=list["Process"])
    failed: "asyncio.Future[None]" = field(init=False)
    database: "CheckedMetadata" = field(init=False)
    #: Keys of KMS are not used here, so there is no file.
    keyring: Keyring = field(init=False)

    def __post_init__(self) -> None:
        self.failed = self.loop.create_future()
        self.database = CheckedMetadata(self)
        self.keyring = Keyring(Path("absent"), lambda: self.now)

    @property
    def now(self) -> int:
        """The right time, in microseconds."""
        return START + int(self.loop.time() * SECOND)

    def tell(self, who: str, what: str) -> None:
        """Write a line of the trace."""
        self.trace.append(f"{self.loop.time():>14.3f}  {who:<12} {step.get():<34} {what}")

    def fail(self, error: BaseException) -> None:
        """End the run: a promise was broken."""
        if not self.failed.done():
            self.tell("", f"BROKEN: {error!r}")
            self.failed.set_exception(error)

    def hex(self, size: int) -> str:
        """Random names."""
        return self.random.randbytes(size).hex()

    def start_all(self) -> None:
        """Start the replicas and the workers."""
        for number in range(REPLICAS):
            self.start(f"replica-{number}")
        for number in range(WORKERS):
            self.start(f"worker-{number}")

    def start(self, name: str) -> "Process":
        """Start a process, with nothing in its memory."""
        process = self.processes[name] = Process(self, name)
        self.started.append(process)
        if name.startswith("worker"):
            process.run(process.sweep_for_ever())
        return process

    def start_worker_alone(self) -> "Process":
        """End all workers, and start one that does what it is told."""
        for name, process in self.processes.items():
            if name.startswith("worker"):
                process.end()
        process = Process(self, "last worker")
        self.started.append(process)
        return process

    @property
    def replicas(self) -> "list[Process]":
        """The replicas that answer."""
        return [
            process for name, process in self.processes.items() if name.startswith("replica") and not process.dead
        ]

    async def end(self) -> None:
        """End every process for good, and wait until nothing of them runs."""
        tasks = [task for process in self.started for task in process.tasks]
        for process in self.started:
            process.end()
        if tasks:
            await asyncio.wait(tasks)

    async def kill(self, process: "Process") -> None:
        """End a process as a power cut does, where each of its tasks is now; it is started again later."""
        process.end()
        self.counts["crashes"] += 1
        await process.storage.lose_unsynced()
        self.loop.call_later(self.random.choice((0, 1, 60, 3_600)), self.start, process.name)


class CheckedMetadata:
    """The database of all processes: looks at itself after each transaction."""

    #: Raises Broken.
    check_all: Callable[[], None]

    def __init__(self, world: World) -> None:
        self._world = world

    async def look_up(self, query: Callable[[Connection], T]) -> T:
        """See the port."""
        return self._world.metadata.read_now(query)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """See the port."""
        return self._world.metadata.read_now(query)

    async def write(self, change: Callable[[Connection], T]) -> T:
        """See the port."""
        before = self._world.metadata.rows_changed
        result = await self._world.metadata.write(change)
        rows = self._world.metadata.rows_changed - before
        self._world.counts["transactions"] += 1
        self._world.counts["most rows"] = max(rows, self._world.counts["most rows"])
        try:
            self.check_all()
        except Broken as broken:
            self._world.fail(broken)
        return result

    async def check(self) -> None:
        """See the port."""

    async def close(self) -> None:
        """It stays."""


class Process:
    """A replica or a worker: its own clock, caches and tasks; also the plan of what its calls come to."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.dead = False
        self.tasks: list[asyncio.Task[Any]] = []
        self._skew = world.random.randint(-_SKEW, _SKEW)
        self.storage = FaultyStorage(world.storage, self)
        self.services: Services = make_services(
            FaultyMetadata(world.database, self),
            self.storage,
            master=world.master,
            keyring=world.keyring,
            counters=world.collected,
            clock=lambda: world.now + self._skew,
            random=world.random,
            threads=InlineExecutor(),
            encrypt_at_rest=world.encrypt_at_rest,
        )

    def run(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something that ends with the process at the latest."""
        task = self.world.loop.create_task(work)
        self.tasks.append(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.remove(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, EntrepotError | BodyBrokeOff | Crashed):
            self.world.fail(error)

    async def before(self, call: str, possible: Sequence[Fault]) -> Fault | None:
        """See Faults."""
        await self._pause(call, "before")
        if not possible or self.world.random.random() >= self.world.weather.fault:
            return None
        fault = self.world.random.choice(possible)
        self.world.counts[f"faults: {fault.name.lower().replace('_', ' ')}"] += 1
        self.world.tell(self.name, f"{call}: {fault.name}")
        return fault

    async def after(self, call: str) -> None:
        """See Faults."""
        await self._pause(call, "after")

    def part(self, whole: int) -> int:
        """See Faults."""
        return self.world.random.randrange(whole)

    async def _pause(self, call: str, when: str) -> None:
        """Let the others go on; or hang; or die."""
        self._require_life()
        random, weather = self.world.random, self.world.weather
        self.world.tell(self.name, f"{when} {call}")
        if random.random() < weather.crash:
            self.world.tell(self.name, f"CRASH {when} {call}")
            self.world.crash_points.add(f"{_line(inspect.currentframe())} {when} {call}")
            await self.world.kill(self)
            raise Crashed
        await asyncio.sleep(random.choice(_HANGS) if random.random() < weather.hang else 0)
        self._require_life()

    def _require_life(self) -> None:
        if self.dead:
            raise Crashed

    def end(self) -> None:
        """Nothing of this process reaches anything from now on."""
        self.dead = True
        current = asyncio.current_task()
        for task in self.tasks:
            if task is not current:
                self.world.crash_points.add(f"{_line_of(task)}")
                task.cancel()

    async def sweep_for_ever(self) -> None:
        """As a worker does."""
        step.set("sweep")
        sweeps = all_sweeps(history_days=1)
        while True:
            try:
                await sweep_once(self.services, sweeps)
            except Unavailable:
                self.world.counts["sweeps that waited"] += 1
            await asyncio.sleep(self.world.random.choice(_PAUSES))


def _line(frame: FrameType | None) -> str:
    """The innermost line of the registry's own code that the frame came from."""
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(_SOURCE) and "testing" not in path.parts:
            return f"{path.relative_to(_SOURCE)}:{frame.f_lineno}"
        frame = frame.f_back
    return "client"


def _line_of(task: asyncio.Task[Any]) -> str:
    """The innermost line of the registry's own code that a task waits at."""
    found, waiting = "client", task.get_coro()
    while waiting is not None:
        frame: FrameType | None = getattr(waiting, "cr_frame", None) or getattr(waiting, "ag_frame", None)
        line = None if frame is None else _line(frame)
        found = found if line in {None, "client"} else str(line)
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "ag_await", None)
    return found
