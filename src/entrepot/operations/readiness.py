"""Whether the registry can serve: its database and its storage have to answer.

The database has to be fit for this code, too: on PostgreSQL a later release may upgrade it while this one serves.
"""

from entrepot.core.errors import EntrepotError
from entrepot.metadata.port import Metadata
from entrepot.metadata.schema import check_schema
from entrepot.operations.services import Services


async def check_parts(services: Services) -> list[EntrepotError]:
    """What keeps the registry from serving; empty when it is ready."""
    failures: list[EntrepotError] = []
    for check in (lambda: _check_metadata(services.metadata), services.storage.check):
        try:
            await check()
        except EntrepotError as error:
            failures.append(error)
    return failures


async def _check_metadata(metadata: Metadata) -> None:
    await metadata.check()
    await metadata.look_up(check_schema)
