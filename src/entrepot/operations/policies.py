"""Repository and registry policies: put, read, deleted. What they decide is asked in authorities.py."""

from sqlalchemy import Connection

from entrepot.core.errors import InvalidParameter
from entrepot.core.policy.document import PolicyKind
from entrepot.core.policy.evaluation import PolicyType
from entrepot.features.policies.errors import RegistryPolicyNotFound, RepositoryPolicyNotFound
from entrepot.features.policies.rules import as_shown, check_registry_policy, check_repository_policy
from entrepot.features.registry import store as registries
from entrepot.features.repositories import store as repositories
from entrepot.metadata import generation
from entrepot.operations.caller import Caller
from entrepot.operations.operation import operation
from entrepot.operations.principal_ids import resource_policy_with_ids, with_arns
from entrepot.operations.repositories import record
from entrepot.operations.services import Services


@operation("SetRepositoryPolicy", changes_access=True)
async def set_repository_policy(
    services: Services, caller: Caller, *, repository: str, text: str, force: bool
) -> str:
    """Set the repository's policy; gives it as it is shown.

    A policy that would keep the caller from setting another is refused unless forced (service model: ``force``).
    Raises RepositoryNotFound, InvalidParameter.
    """
    await services.metadata.look_up(lambda c: repositories.find(c, caller.registry, repository))
    checked = check_repository_policy(text)
    kept = await services.metadata.look_up(
        lambda c: resource_policy_with_ids(c, caller, PolicyKind.REPOSITORY, checked)
    )
    if not force:
        await _refuse_lock_out(services, caller, repository, kept)
    now = services.clock()

    def change(connection: Connection) -> str:
        target = repositories.find_and_hold(connection, caller.registry, repository)
        repositories.put_document(connection, target.id, "policy", kept, now)
        record(connection, caller, "SetRepositoryPolicy", repository, now)
        generation.advance(connection)
        return _shown(connection, caller, kept)

    return await services.metadata.write(change)


async def _refuse_lock_out(services: Services, caller: Caller, repository: str, text: str) -> None:
    arn = caller.registry.repository_arn(repository)
    proposed = services.authorities.parse(arn, PolicyType.RESOURCE, PolicyKind.REPOSITORY, text)
    decision = await services.authorities.decide(caller, "ecr:SetRepositoryPolicy", arn, {}, proposed=proposed)
    if not decision.allowed:
        raise InvalidParameter("PolicyText", "The policy would keep you from setting another one: use force")


@operation("GetRepositoryPolicy")
async def get_repository_policy(services: Services, caller: Caller, *, repository: str) -> str:
    """The repository's policy. Raises RepositoryNotFound, RepositoryPolicyNotFound."""

    def query(connection: Connection) -> str | None:
        target = repositories.find(connection, caller.registry, repository)
        kept = repositories.read_document(connection, target.id, "policy")
        return None if kept is None else _shown(connection, caller, kept)

    found = await services.metadata.look_up(query)
    if found is None:
        raise RepositoryPolicyNotFound(repository, caller.registry.account)
    return found


@operation("DeleteRepositoryPolicy", changes_access=True)
async def delete_repository_policy(services: Services, caller: Caller, *, repository: str) -> str:
    """Remove the repository's policy; gives what it was. Raises as GetRepositoryPolicy."""
    now = services.clock()

    def change(connection: Connection) -> str:
        target = repositories.find_and_hold(connection, caller.registry, repository)
        removed = repositories.delete_document(connection, target.id, "policy")
        if removed is None:
            raise RepositoryPolicyNotFound(repository, caller.registry.account)
        record(connection, caller, "DeleteRepositoryPolicy", repository, now)
        generation.advance(connection)
        return _shown(connection, caller, removed)

    return await services.metadata.write(change)


@operation("PutRegistryPolicy", changes_access=True)
async def put_registry_policy(services: Services, caller: Caller, *, text: str) -> str:
    """Set the registry's policy; gives it as it is shown. Raises InvalidParameter."""
    checked = check_registry_policy(text)
    now = services.clock()

    def change(connection: Connection) -> str:
        kept = resource_policy_with_ids(connection, caller, PolicyKind.REGISTRY, checked)
        registries.put_document(connection, caller.registry, "policy", kept, now)
        record(connection, caller, "PutRegistryPolicy", "", now)
        generation.advance(connection)
        return _shown(connection, caller, kept)

    return await services.metadata.write(change)


@operation("GetRegistryPolicy")
async def get_registry_policy(services: Services, caller: Caller) -> str:
    """The registry's policy. Raises RegistryPolicyNotFound."""

    def query(connection: Connection) -> str | None:
        kept = registries.read_document(connection, caller.registry, "policy")
        return None if kept is None else _shown(connection, caller, kept)

    found = await services.metadata.look_up(query)
    if found is None:
        raise RegistryPolicyNotFound(caller.registry.account)
    return found


@operation("DeleteRegistryPolicy", changes_access=True)
async def delete_registry_policy(services: Services, caller: Caller) -> str:
    """Remove the registry's policy; gives what it was. Raises RegistryPolicyNotFound."""
    now = services.clock()

    def change(connection: Connection) -> str:
        removed = registries.delete_document(connection, caller.registry, "policy")
        if removed is None:
            raise RegistryPolicyNotFound(caller.registry.account)
        record(connection, caller, "DeleteRegistryPolicy", "", now)
        generation.advance(connection)
        return _shown(connection, caller, removed)

    return await services.metadata.write(change)


def _shown(connection: Connection, caller: Caller, kept: str) -> str:
    return as_shown(with_arns(connection, caller, kept))
