"""TagResource, UntagResource, ListTagsForResource: the AWS tags of a repository."""

from collections.abc import Sequence

from sqlalchemy import Connection

from entrepot.features.repositories import store as repositories
from entrepot.features.repositories.rules import check_resource_tags
from entrepot.metadata import generation
from entrepot.operations.caller import Caller
from entrepot.operations.operation import operation, tags_of_request
from entrepot.operations.repositories import record
from entrepot.operations.services import Services


@operation("TagResource", context=tags_of_request, changes_access=True)
async def tag_resource(
    services: Services, caller: Caller, *, repository: str, tags: Sequence[tuple[str, str]]
) -> None:
    """Add tags, or give those that are there other values.

    Raises RepositoryNotFound, InvalidTag, and TooManyTags when there would be more than 50 in all.
    """
    added = check_resource_tags(tags)
    now = services.clock()

    def change(connection: Connection) -> None:
        target = repositories.find(connection, caller.registry, repository)
        repositories.lock(connection, target.id)
        merged = {**repositories.read_tags(connection, target.id), **added}
        repositories.replace_tags(connection, target.id, check_resource_tags(list(merged.items())))
        record(connection, caller, "TagResource", repository, now, keys=sorted(added))
        generation.advance(connection)

    await services.metadata.write(change)


@operation("UntagResource", context=tags_of_request, changes_access=True)
async def untag_resource(services: Services, caller: Caller, *, repository: str, keys: Sequence[str]) -> None:
    """Remove tags; keys that are not there are fine. Raises RepositoryNotFound."""
    now = services.clock()

    def change(connection: Connection) -> None:
        target = repositories.find(connection, caller.registry, repository)
        repositories.lock(connection, target.id)
        kept = {
            key: value for key, value in repositories.read_tags(connection, target.id).items() if key not in keys
        }
        repositories.replace_tags(connection, target.id, kept)
        record(connection, caller, "UntagResource", repository, now, keys=sorted(keys))
        generation.advance(connection)

    await services.metadata.write(change)


@operation("ListTagsForResource")
async def list_tags_for_resource(services: Services, caller: Caller, *, repository: str) -> dict[str, str]:
    """The tags, by key in byte order. Raises RepositoryNotFound."""

    def query(connection: Connection) -> dict[str, str]:
        target = repositories.find(connection, caller.registry, repository)
        return repositories.read_tags(connection, target.id)

    return await services.metadata.read(query)
