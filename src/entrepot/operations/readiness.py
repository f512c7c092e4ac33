"""Whether the registry can serve: its database and its storage have to answer."""

from entrepot.core.errors import EntrepotError
from entrepot.operations.services import Services


async def check_parts(services: Services) -> list[EntrepotError]:
    """What keeps the registry from serving; empty when it is ready."""
    failures: list[EntrepotError] = []
    for part in (services.metadata, services.storage):
        try:
            await part.check()
        except EntrepotError as error:
            failures.append(error)
    return failures
