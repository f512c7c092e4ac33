"""An operator's commands on the database, beside a registry that may be running or not."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar

from entrepot.features.quotas.quotas import QUOTAS
from entrepot.operations.collection import Collected
from entrepot.operations.operator import Operator
from entrepot.operations.services import Upkeep
from entrepot.server.settings import Settings
from entrepot.server.wiring import opened_for_sweeping

T = TypeVar("T")


def operate(settings: Settings, work: Callable[[Upkeep, Operator], Awaitable[T]]) -> T:
    """Do one thing in the registry that the settings name, by its account and region.

    Raises CannotStart, MetadataUnavailable, SchemaTooOld, SchemaTooNew, and what ``work`` raises.
    """
    operator = Operator(
        registry=settings.registry,
        request_id=secrets.token_hex(16),
        quotas=QUOTAS[settings.quotas],
        sparse_manifests=settings.sparse_manifests,
    )

    async def run() -> T:
        async with opened_for_sweeping(settings, Collected()) as services:
            return await work(services, operator)

    return asyncio.run(run())
