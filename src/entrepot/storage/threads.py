"""Calls that may wait for a disk or a network, kept off the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(threads: Executor, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``call`` in one of ``threads`` and return when it has ended, also when the caller is cancelled.

    What the call uses, a descriptor above all, may be let go of as soon as this has returned or raised. A
    call that is still queued when its caller is cancelled is never begun.
    """
    submitted = threads.submit(call, *args, **kwargs)
    running = asyncio.wrap_future(submitted)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        if not submitted.cancel():
            await _end_of(running)
        raise


async def _end_of(running: asyncio.Future[T]) -> None:
    while not running.done():
        with suppress(asyncio.CancelledError):  # the caller is told once, when nothing runs any more
            await asyncio.wait([running])
    running.exception()  # seen: whoever would have wanted to know has gone
