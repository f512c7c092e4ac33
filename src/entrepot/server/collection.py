"""Garbage collection as a command, beside a registry that may be running or not."""

import asyncio

from entrepot.operations.blob_store import check_storage
from entrepot.operations.collection import Collected, GarbageReport, report_garbage
from entrepot.operations.sweeps import collecting_sweeps, sweep_once
from entrepot.server.settings import Settings
from entrepot.server.wiring import opened_for_sweeping


def report(settings: Settings) -> GarbageReport:
    """What waits to be collected. Raises CannotStart, MetadataUnavailable, SchemaTooOld, SchemaTooNew."""

    async def run() -> GarbageReport:
        async with opened_for_sweeping(settings, Collected()) as services:
            return await report_garbage(services)

    return asyncio.run(run())


def collect(settings: Settings) -> Collected:
    """Collect until nothing is left that may go now; what that was.

    Raises as ``report``, and StorageUnavailable, WrongStorage.

    As the background process does it, with as long a pause after each step as the step took.
    """
    collected = Collected()

    async def run() -> None:
        async with opened_for_sweeping(settings, collected) as services:
            await check_storage(services.metadata, services.storage)
            await sweep_once(services, collecting_sweeps())

    asyncio.run(run())
    return collected
