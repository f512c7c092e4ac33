"""Bodies in memory are bounded over all requests, and a request that finds no room waits for some."""

import asyncio

import pytest

from entrepot.features.quotas.errors import Throttled
from entrepot.fronts.ecr.body_budget import BodyBudget

A_MOMENT = 0.01
LONG = 30


async def test_a_body_waits_until_others_have_given_back_enough() -> None:
    """What is given back wakes all who wait, and those whom it does not suffice wait on."""
    budget = BodyBudget(10, LONG)
    order: list[str] = []

    async def use(name: str, size: int) -> None:
        with budget.share() as take:
            await take(size)
            order.append(name)

    with budget.share() as outer:
        await outer(4)
        with budget.share() as inner:
            await inner(6)
            large = asyncio.create_task(use("large", 8))
            small = asyncio.create_task(use("small", 5))
            await asyncio.sleep(0)
            assert order == []
        await small
        assert order == ["small"]
    await large

    assert order == ["small", "large"]


async def test_a_body_that_finds_no_room_in_time_is_throttled_and_takes_nothing() -> None:
    """Who waited in vain leaves the budget as it was."""
    budget = BodyBudget(10, A_MOMENT)

    with budget.share() as held:
        await held(6)
        with pytest.raises(Throttled), budget.share() as refused:
            await refused(5)
        with budget.share() as fitting:
            await fitting(4)

    with budget.share() as whole:
        await whole(10)


async def test_a_request_that_fails_gives_back_what_it_took() -> None:
    """However a request ends, its room is free again."""
    budget = BodyBudget(10, A_MOMENT)

    async def break_off() -> None:
        with budget.share() as take:
            await take(10)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await break_off()

    with budget.share() as whole:
        await whole(10)
