"""What database and storage hold, for promises that no face shows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Executable, Row, Table, func, select

from entrepot.storage.port import BlobDamaged
from entrepot.testing.registry import RunningRegistry


async def rows(registry: RunningRegistry, query: Executable) -> Sequence[Row[*tuple[Any, ...]]]:
    """The rows of a query."""
    return await registry.services.metadata.read(lambda connection: connection.execute(query).all())


async def count(registry: RunningRegistry, table: Table) -> int:
    """How many rows a table has."""
    ((number,),) = await rows(registry, select(func.count()).select_from(table))
    return number


async def execute(registry: RunningRegistry, *changes: Executable) -> None:
    """Change the database behind the registry's back."""

    def change(connection: Any) -> None:
        for one in changes:
            connection.execute(one)

    await registry.services.metadata.write(change)


async def is_stored(registry: RunningRegistry, storage_key: str) -> bool:
    """True when there are bytes under a key."""
    try:
        [_ async for _ in registry.storage.read(storage_key, start=0, length=1)]
    except BlobDamaged:
        return False
    return True
