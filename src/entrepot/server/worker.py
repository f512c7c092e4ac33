"""The background worker: goes round the sweeps, in a process of its own."""

import asyncio

import structlog

from entrepot.core.errors import Unavailable
from entrepot.features.layers.rules import Lifetimes
from entrepot.operations.sweeps import all_sweeps, sweep_once
from entrepot.server.keys import RootKey
from entrepot.server.logs import configure_logs
from entrepot.server.settings import Settings
from entrepot.server.wiring import wire

#: Seconds between two rounds; a round goes on until nothing is left to do.
PAUSE = 5.0

log = structlog.get_logger()


def run_worker(settings: Settings, root_key: RootKey, lifetimes: Lifetimes) -> None:
    """Sweep until the process is told to end. It may be ended anywhere: each step is one transaction."""
    configure_logs()
    asyncio.run(_sweep_for_ever(settings, root_key, lifetimes))


async def _sweep_for_ever(settings: Settings, root_key: RootKey, lifetimes: Lifetimes) -> None:
    from entrepot.server.metrics import make_metrics  # noqa: PLC0415 (where it counts is decided at its import)

    counters, _ = make_metrics()
    wired = wire(settings, root_key, counters, lifetimes)
    sweeps = all_sweeps(settings.history_days)
    try:
        while True:
            try:
                await sweep_once(wired.services, sweeps)
            except Unavailable as error:
                log.warning("a sweep has to wait", reason=error.message)
            except Exception:
                log.exception("a sweep failed; it is tried again")
            await asyncio.sleep(PAUSE)
    finally:
        await wired.close()
