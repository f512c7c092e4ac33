"""What `/-/ready` says, on both databases."""

import httpx
from sqlalchemy import Connection

from entrepot.metadata.schema import CODE_VERSION
from entrepot.metadata.tables import schema
from entrepot.testing.registry import RunningRegistry


async def set_oldest_code(registry: RunningRegistry, version: int) -> None:
    """Say how old the code may be that uses the database, as a migration of a later release does."""

    def change(connection: Connection) -> int:
        return connection.execute(schema.update().values(oldest_code=version)).rowcount

    await registry.services.metadata.write(change)


async def test_a_registry_whose_database_and_storage_answer_is_ready(anonymous: httpx.AsyncClient) -> None:
    """Nobody has to log in to ask."""
    answer = await anonymous.get("/-/ready")

    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


async def test_a_registry_that_a_later_release_has_shut_out_is_not_ready(
    registry: RunningRegistry, anonymous: httpx.AsyncClient
) -> None:
    """Its tables were changed under it in a way that it cannot live with: whoever sends it requests has to stop."""
    before = await registry.services.metadata.look_up(lambda connection: connection.execute(schema.select()).one())
    await set_oldest_code(registry, CODE_VERSION + 1)

    try:
        answer = await anonymous.get("/-/ready")
    finally:
        await set_oldest_code(registry, before.oldest_code)

    assert answer.status_code == 503
    assert f"needs code version {CODE_VERSION + 1}" in answer.json()["failures"][0]
    assert (await anonymous.get("/-/ready")).status_code == 200
