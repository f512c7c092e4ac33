"""An event loop in which nothing happens by chance: a seed decides what runs next, and time is a number.

    loop = SimulatedLoop(Random(seed))
    loop.run_until_complete(main())

Of the callbacks that could run now one is picked at random, so tasks interleave at their await points in an order
that only the seed decides. When nothing can run, time jumps to the next timer: a task that sleeps a day sleeps no
moment. Calls for threads are run at once, in the loop's own. There are no sockets, processes or signals.
"""

import asyncio
import sys
from asyncio import events
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import Executor, Future
from contextvars import Context
from heapq import heappop, heappush
from random import Random
from typing import Any, TypeVar, TypeVarTuple, cast

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Deadlock(Exception):
    """Everybody waits, and for nothing that time would bring."""


class SimulatedLoop(asyncio.AbstractEventLoop):
    """The loop; ``random`` decides. What callbacks raise outside of any task is in ``failures``."""

    def __init__(self, random: Random) -> None:
        self.failures: list[dict[str, Any]] = []
        self._random = random
        self._now = 0.0
        self._ready: list[asyncio.Handle] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timer_count = 0

    def run_until_complete(self, future: Generator[Any, None, T] | Awaitable[T]) -> T:
        """Run until ``future`` is done and give its result; raises Deadlock.

        Tasks that are left stay as they are.
        """
        hooks = sys.get_asyncgen_hooks()
        events._set_running_loop(self)  # noqa: SLF001 (asyncio offers it for loops)
        sys.set_asyncgen_hooks(finalizer=self._close_generator)
        try:
            task: asyncio.Future[T] = asyncio.ensure_future(cast("Awaitable[T]", future), loop=self)
            while not task.done():
                self._run_one()
            return task.result()
        finally:
            sys.set_asyncgen_hooks(*hooks)
            events._set_running_loop(None)  # noqa: SLF001

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._now

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Run a callback in some order with the others that wait."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run a callback so many seconds from now."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run a callback at a time of this loop; those of one time in some order."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._timer_count += 1
        heappush(self._timers, (when, self._timer_count, handle))
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Any, *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[Any]:
        """A task of this loop."""
        return asyncio.Task(coro, loop=self, name=name, context=context)

    def run_in_executor(
        self,
        executor: Executor | None,  # noqa: ARG002 (there are no threads)
        func: Callable[[*Ts], T],
        *args: *Ts,
    ) -> asyncio.Future[T]:
        """Call it here and now."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 (it is the caller's)
            future.set_exception(error)
        return future

    def is_running(self) -> bool:
        """True: nobody else has it."""
        return True

    def is_closed(self) -> bool:
        """False: there is nothing to close."""
        return False

    def get_debug(self) -> bool:
        """False."""
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep it for whoever asks."""
        self.failures.append(context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Asyncio tells of cancelled timers; they are passed over when their time comes."""

    def _close_generator(self, generator: AsyncGenerator[Any]) -> None:
        """An async generator was let go of in its middle: asyncio's loops close it in a task, too."""
        self.create_task(generator.aclose())

    def _run_one(self) -> None:
        while not self._ready:
            self._pass_time()
        position = self._random.randrange(len(self._ready))
        handle = self._ready.pop(position)
        if not handle.cancelled():
            handle._run()  # noqa: SLF001 (a loop is who runs handles)

    def _pass_time(self) -> None:
        if not self._timers:
            raise Deadlock
        self._now = max(self._now, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._now:
            self._ready.append(heappop(self._timers)[2])


class InlineExecutor(Executor):
    """Runs what it is given at once: the threads of code under a SimulatedLoop."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """See Executor."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 (it is the caller's)
            future.set_exception(error)
        return future
