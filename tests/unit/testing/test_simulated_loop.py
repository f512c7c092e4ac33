"""The event loop whose order and time are decided by a seed."""

import asyncio
from random import Random

import pytest

from entrepot.testing.simulated_loop import Deadlock, InlineExecutor, SimulatedLoop


def order_of(seed: int) -> str:
    """In which order three tasks of three steps each come to pass."""
    steps: list[str] = []

    async def walk(name: str) -> None:
        for _ in range(3):
            steps.append(name)
            await asyncio.sleep(0)

    async def all_of_them() -> None:
        await asyncio.gather(*(walk(name) for name in "abc"))

    SimulatedLoop(Random(seed)).run_until_complete(all_of_them())
    return "".join(steps)


def test_the_seed_decides_the_order() -> None:
    """The same one gives the same order, and others give others."""
    assert order_of(1) == order_of(1)
    assert len({order_of(seed) for seed in range(30)}) > 20


def test_time_passes_when_nothing_else_can() -> None:
    """A day of sleep takes a day of the loop's time and none of ours; whoever sleeps shorter is first."""
    loop, woken = SimulatedLoop(Random(0)), list[tuple[str, float]]()

    async def sleep(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append((name, loop.time()))

    async def both() -> None:
        await asyncio.gather(sleep("day", 86_400), sleep("hour", 3_600))

    loop.run_until_complete(both())

    assert woken == [("hour", 3_600), ("day", 86_400)]


def test_what_is_meant_for_threads_is_done_at_once() -> None:
    """To a thread or to an executor, with its result or its error."""

    async def ask() -> tuple[int, int]:
        ours = asyncio.get_running_loop().run_in_executor(InlineExecutor(), int, "2")
        with pytest.raises(ValueError, match="three"):
            await asyncio.to_thread(int, "three")
        with pytest.raises(ValueError, match="four"):
            await asyncio.wrap_future(InlineExecutor().submit(int, "four"))
        return await asyncio.to_thread(int, "1"), await ours

    assert SimulatedLoop(Random(0)).run_until_complete(ask()) == (1, 2)


def test_a_time_out_ends_what_waits_too_long() -> None:
    """The tools of asyncio work."""

    async def wait() -> None:
        async with asyncio.timeout(10):
            await asyncio.sleep(20)

    loop = SimulatedLoop(Random(0))

    with pytest.raises(TimeoutError):
        loop.run_until_complete(wait())
    assert loop.time() == 10


def test_waiting_for_nothing_is_an_error() -> None:
    """A deadlock ends the run rather than to hang."""
    with pytest.raises(Deadlock):
        SimulatedLoop(Random(0)).run_until_complete(asyncio.Event().wait())
