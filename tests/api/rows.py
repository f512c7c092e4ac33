"""What the database holds, for promises that no face shows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Executable, Row, Table, func, select

from entrepot.testing.registry import RunningRegistry


async def rows(registry: RunningRegistry, query: Executable) -> Sequence[Row[Any]]:
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
