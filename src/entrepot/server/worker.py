"""The background worker: goes round the sweeps, in a process of its own."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress

import structlog

from entrepot.core.errors import Unavailable
from entrepot.features.layers.rules import Lifetimes
from entrepot.metadata.schema import SchemaTooNew, check_schema
from entrepot.operations.blob_store import check_storage
from entrepot.operations.collection import Collected
from entrepot.operations.services import Upkeep
from entrepot.operations.sweeps import all_sweeps, sweep_once
from entrepot.server.logs import configure_logs
from entrepot.server.settings import Settings
from entrepot.server.wiring import opened_for_sweeping

#: Seconds between two rounds; a round goes on until nothing is left to do.
PAUSE = 5.0

log = structlog.get_logger()


def work(settings: Settings, lifetimes: Lifetimes | None = None) -> None:
    """Sweep until SIGTERM or SIGINT, beside any number of registries and other workers; ``entrepot worker``.

    Needs a database that a registry has been started on, and none of the keys. The log tells what was collected.
    Raises what ``opened_for_sweeping`` raises, and WrongStorage, StorageUnavailable.
    """
    configure_logs()
    with suppress(asyncio.CancelledError):
        asyncio.run(_sweep_until_told(settings, lifetimes))


def sweep_for_serve(settings: Settings, lifetimes: Lifetimes | None) -> None:
    """Sweep until the process is told to end. It may be ended anywhere: each step is one transaction."""
    configure_logs()
    asyncio.run(_sweep_for_serve(settings, lifetimes))


async def _sweep_until_told(settings: Settings, lifetimes: Lifetimes | None) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _current_task().cancel)
    collected = Collected()
    async with opened_for_sweeping(settings, collected, lifetimes) as services:
        await check_storage(services.metadata, services.storage)
        log.info("the worker sweeps", pause=PAUSE)
        await _sweep_for_ever(services, settings.history_days, lambda: _tell(collected))


async def _sweep_for_serve(settings: Settings, lifetimes: Lifetimes | None) -> None:
    from entrepot.server.metrics import make_metrics  # noqa: PLC0415 (where it counts is decided at its import)

    counters, _ = make_metrics()
    async with opened_for_sweeping(settings, counters, lifetimes) as services:
        await _sweep_for_ever(services, settings.history_days, lambda: None)


async def _sweep_for_ever(services: Upkeep, history_days: int, after_round: Callable[[], None]) -> None:
    sweeps = all_sweeps(history_days)
    while True:
        try:
            await services.metadata.look_up(check_schema)  # a later release may have upgraded it meanwhile
            await sweep_once(services, sweeps)
        except (Unavailable, SchemaTooNew) as error:
            log.warning("a sweep has to wait", reason=error.message)
        except Exception:
            log.exception("a sweep failed; it is tried again")
        after_round()
        await asyncio.sleep(PAUSE)


def _tell(collected: Collected) -> None:
    for cause, count in collected.count.items():
        if count:
            log.info("collected", cause=cause, count=count, bytes=collected.bytes[cause])
    collected.count.clear()
    collected.bytes.clear()


def _current_task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None  # this runs in one
    return task
