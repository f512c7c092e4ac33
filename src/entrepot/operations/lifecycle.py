"""Lifecycle policies: put, read, deleted. Nothing evaluates them yet."""

from sqlalchemy import Connection

from entrepot.features.lifecycle.errors import LifecyclePolicyNotFound
from entrepot.features.lifecycle.rules import parse_policy
from entrepot.features.repositories import store as repositories
from entrepot.operations.caller import Caller
from entrepot.operations.operation import operation
from entrepot.operations.repositories import record
from entrepot.operations.services import Services


@operation("PutLifecyclePolicy")
async def put_lifecycle_policy(services: Services, caller: Caller, *, repository: str, text: str) -> None:
    """Set the repository's lifecycle policy, kept as it was sent. Raises RepositoryNotFound, InvalidParameter."""
    now = services.clock()

    def change(connection: Connection) -> None:
        target = repositories.find_and_hold(connection, caller.registry, repository)
        parse_policy(text)
        repositories.put_document(connection, target.id, "lifecycle", text, now)
        record(connection, caller, "PutLifecyclePolicy", repository, now)

    await services.metadata.write(change)


@operation("GetLifecyclePolicy")
async def get_lifecycle_policy(services: Services, caller: Caller, *, repository: str) -> str:
    """The repository's lifecycle policy. Raises RepositoryNotFound, LifecyclePolicyNotFound."""

    def query(connection: Connection) -> str | None:
        target = repositories.find(connection, caller.registry, repository)
        return repositories.read_document(connection, target.id, "lifecycle")

    found = await services.metadata.look_up(query)
    if found is None:
        raise LifecyclePolicyNotFound(repository, caller.registry.account)
    return found


@operation("DeleteLifecyclePolicy")
async def delete_lifecycle_policy(services: Services, caller: Caller, *, repository: str) -> str:
    """Remove the repository's lifecycle policy; gives what it was. Raises as GetLifecyclePolicy."""
    now = services.clock()

    def change(connection: Connection) -> str:
        target = repositories.find_and_hold(connection, caller.registry, repository)
        removed = repositories.delete_document(connection, target.id, "lifecycle")
        if removed is None:
            raise LifecyclePolicyNotFound(repository, caller.registry.account)
        record(connection, caller, "DeleteLifecyclePolicy", repository, now)
        return removed

    return await services.metadata.write(change)
