"""Repository and registry policies on the wire."""

from entrepot.fronts.ecr.call import Call, Handler
from entrepot.operations.policies import (
    delete_registry_policy,
    delete_repository_policy,
    get_registry_policy,
    get_repository_policy,
    put_registry_policy,
    set_repository_policy,
)
from entrepot.protocol.ecr import shapes


async def _set(call: Call, request: shapes.SetRepositoryPolicyRequest) -> shapes.SetRepositoryPolicyResponse:
    shown = await set_repository_policy(
        call.services,
        call.caller,
        repository=request.repository_name,
        text=request.policy_text,
        force=bool(request.force),
    )
    return shapes.SetRepositoryPolicyResponse(
        registry_id=call.caller.registry.account, repository_name=request.repository_name, policy_text=shown
    )


async def _get(call: Call, request: shapes.GetRepositoryPolicyRequest) -> shapes.GetRepositoryPolicyResponse:
    found = await get_repository_policy(call.services, call.caller, repository=request.repository_name)
    return shapes.GetRepositoryPolicyResponse(
        registry_id=call.caller.registry.account, repository_name=request.repository_name, policy_text=found
    )


async def _delete(
    call: Call, request: shapes.DeleteRepositoryPolicyRequest
) -> shapes.DeleteRepositoryPolicyResponse:
    removed = await delete_repository_policy(call.services, call.caller, repository=request.repository_name)
    return shapes.DeleteRepositoryPolicyResponse(
        registry_id=call.caller.registry.account, repository_name=request.repository_name, policy_text=removed
    )


async def _put_registry(call: Call, request: shapes.PutRegistryPolicyRequest) -> shapes.PutRegistryPolicyResponse:
    shown = await put_registry_policy(call.services, call.caller, text=request.policy_text)
    return shapes.PutRegistryPolicyResponse(registry_id=call.caller.registry.account, policy_text=shown)


async def _get_registry(call: Call, _request: shapes.GetRegistryPolicyRequest) -> shapes.GetRegistryPolicyResponse:
    found = await get_registry_policy(call.services, call.caller)
    return shapes.GetRegistryPolicyResponse(registry_id=call.caller.registry.account, policy_text=found)


async def _delete_registry(
    call: Call, _request: shapes.DeleteRegistryPolicyRequest
) -> shapes.DeleteRegistryPolicyResponse:
    removed = await delete_registry_policy(call.services, call.caller)
    return shapes.DeleteRegistryPolicyResponse(registry_id=call.caller.registry.account, policy_text=removed)


HANDLERS: dict[str, Handler] = {
    "SetRepositoryPolicy": _set,
    "GetRepositoryPolicy": _get,
    "DeleteRepositoryPolicy": _delete,
    "PutRegistryPolicy": _put_registry,
    "GetRegistryPolicy": _get_registry,
    "DeleteRegistryPolicy": _delete_registry,
}
