"""The history of tags: where each has pointed, who moved it, and when (designs/history.md)."""

from sqlalchemy import Connection

from entrepot.features.images import store as images
from entrepot.features.images.store import HistoryLine
from entrepot.features.repositories import store as repositories
from entrepot.operations.operator import Operator
from entrepot.operations.services import Upkeep


async def list_history(
    services: Upkeep, operator: Operator, *, repository: str, tag: str | None, before: int | None, limit: int
) -> list[HistoryLine]:
    """At most ``limit`` moves of a tag, or of all tags, the newest first; of those before the line with this id.

    Raises RepositoryNotFound.
    """

    def query(connection: Connection) -> list[HistoryLine]:
        found = repositories.find(connection, operator.registry, repository)
        return images.page_of_history(connection, found.id, tag=tag, before=before, limit=limit)

    return await services.metadata.read(query)
