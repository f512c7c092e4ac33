"""Lifecycle policies on the wire."""

from entrepot.fronts.ecr.call import Call, Handler
from entrepot.operations.lifecycle import delete_lifecycle_policy, get_lifecycle_policy, put_lifecycle_policy
from entrepot.protocol.ecr import shapes

#: What ECR answers as lastEvaluatedAt of a policy that was never run.
NEVER = 0.0


async def _put(call: Call, request: shapes.PutLifecyclePolicyRequest) -> shapes.PutLifecyclePolicyResponse:
    await put_lifecycle_policy(
        call.services, call.caller, repository=request.repository_name, text=request.lifecycle_policy_text
    )
    return shapes.PutLifecyclePolicyResponse(
        registry_id=call.caller.registry.account,
        repository_name=request.repository_name,
        lifecycle_policy_text=request.lifecycle_policy_text,
    )


async def _get(call: Call, request: shapes.GetLifecyclePolicyRequest) -> shapes.GetLifecyclePolicyResponse:
    found = await get_lifecycle_policy(call.services, call.caller, repository=request.repository_name)
    return shapes.GetLifecyclePolicyResponse(
        registry_id=call.caller.registry.account,
        repository_name=request.repository_name,
        lifecycle_policy_text=found,
        last_evaluated_at=NEVER,
    )


async def _delete(
    call: Call, request: shapes.DeleteLifecyclePolicyRequest
) -> shapes.DeleteLifecyclePolicyResponse:
    removed = await delete_lifecycle_policy(call.services, call.caller, repository=request.repository_name)
    return shapes.DeleteLifecyclePolicyResponse(
        registry_id=call.caller.registry.account,
        repository_name=request.repository_name,
        lifecycle_policy_text=removed,
        last_evaluated_at=NEVER,
    )


HANDLERS: dict[str, Handler] = {
    "PutLifecyclePolicy": _put,
    "GetLifecyclePolicy": _get,
    "DeleteLifecyclePolicy": _delete,
}
