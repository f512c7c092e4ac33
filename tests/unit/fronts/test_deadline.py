"""The time that a whole body is given."""

import asyncio

import pytest

from entrepot.fronts.asgi import Deadline
from entrepot.operations.layers import BodyBrokeOff

MOMENT = 0.01
LONG = 3600.0


async def test_what_takes_too_long_is_broken_off() -> None:
    """As a client that has gone away is."""
    with pytest.raises(BodyBrokeOff), Deadline(MOMENT):
        await asyncio.Event().wait()


async def test_what_is_done_in_time_is_left_alone_afterwards() -> None:
    """The time does not run on."""
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(2 * MOMENT, later.set)

    with Deadline(MOMENT):
        pass

    await later.wait()


async def test_a_task_can_go_on_after_its_deadline() -> None:
    """It is not left half cancelled, and may have another."""
    for _ in range(2):
        with pytest.raises(BodyBrokeOff), Deadline(MOMENT):
            await asyncio.Event().wait()

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_whoever_cancels_the_task_is_obeyed() -> None:
    """The server that ends is not told of a body that broke off."""
    waiting = asyncio.Event()

    async def wait() -> None:
        with Deadline(LONG):
            waiting.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await waiting.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_goes_wrong_inside_is_raised_as_it_is() -> None:
    """A deadline changes nothing but the end of the wait."""
    with pytest.raises(ZeroDivisionError), Deadline(LONG):
        raise ZeroDivisionError
