"""Repository and registry policies: put, read, deleted. Nothing is decided by them yet."""

from sqlalchemy import Connection

from entrepot.features.policies.errors import RegistryPolicyNotFound, RepositoryPolicyNotFound
from entrepot.features.policies.rules import check_registry_policy, check_repository_policy
from entrepot.features.registry import store as registries
from entrepot.features.repositories import store as repositories
from entrepot.operations.operation import operation
from entrepot.operations.repositories import record
from entrepot.operations.services import Caller, Services


@operation("SetRepositoryPolicy")
async def set_repository_policy(services: Services, caller: Caller, *, repository: str, text: str) -> str:
    """Set the repository's policy; gives it as it is shown. Raises RepositoryNotFound, InvalidParameter."""
    now = services.clock()

    def change(connection: Connection) -> str:
        target = repositories.find_and_hold(connection, caller.registry, repository)
        shown = check_repository_policy(text)
        repositories.put_document(connection, target.id, "policy", shown, now)
        record(connection, caller, "SetRepositoryPolicy", repository, now)
        return shown

    return await services.metadata.write(change)


@operation("GetRepositoryPolicy")
async def get_repository_policy(services: Services, caller: Caller, *, repository: str) -> str:
    """The repository's policy. Raises RepositoryNotFound, RepositoryPolicyNotFound."""

    def query(connection: Connection) -> str | None:
        target = repositories.find(connection, caller.registry, repository)
        return repositories.read_document(connection, target.id, "policy")

    found = await services.metadata.look_up(query)
    if found is None:
        raise RepositoryPolicyNotFound(repository, caller.registry.account)
    return found


@operation("DeleteRepositoryPolicy")
async def delete_repository_policy(services: Services, caller: Caller, *, repository: str) -> str:
    """Remove the repository's policy; gives what it was. Raises as GetRepositoryPolicy."""
    now = services.clock()

    def change(connection: Connection) -> str:
        target = repositories.find_and_hold(connection, caller.registry, repository)
        removed = repositories.delete_document(connection, target.id, "policy")
        if removed is None:
            raise RepositoryPolicyNotFound(repository, caller.registry.account)
        record(connection, caller, "DeleteRepositoryPolicy", repository, now)
        return removed

    return await services.metadata.write(change)


@operation("PutRegistryPolicy")
async def put_registry_policy(services: Services, caller: Caller, *, text: str) -> str:
    """Set the registry's policy; gives it as it is shown. Raises InvalidParameter."""
    shown = check_registry_policy(text)
    now = services.clock()

    def change(connection: Connection) -> None:
        registries.put_document(connection, caller.registry, "policy", shown, now)
        record(connection, caller, "PutRegistryPolicy", "", now)

    await services.metadata.write(change)
    return shown


@operation("GetRegistryPolicy")
async def get_registry_policy(services: Services, caller: Caller) -> str:
    """The registry's policy. Raises RegistryPolicyNotFound."""
    found = await services.metadata.look_up(lambda c: registries.read_document(c, caller.registry, "policy"))
    if found is None:
        raise RegistryPolicyNotFound(caller.registry.account)
    return found


@operation("DeleteRegistryPolicy")
async def delete_registry_policy(services: Services, caller: Caller) -> str:
    """Remove the registry's policy; gives what it was. Raises RegistryPolicyNotFound."""
    now = services.clock()

    def change(connection: Connection) -> str:
        removed = registries.delete_document(connection, caller.registry, "policy")
        if removed is None:
            raise RegistryPolicyNotFound(caller.registry.account)
        record(connection, caller, "DeleteRegistryPolicy", "", now)
        return removed

    return await services.metadata.write(change)
