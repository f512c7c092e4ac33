"""ExplainDecision, ours: what would be decided, by what, and what was nearest to another decision.

It asks the function that enforces, with the policies that enforce; only the request is made up.
"""

import re

from entrepot.core.clock import HOUR
from entrepot.core.partitions import RegistryId, partition_of
from entrepot.core.policy.evaluation import Decision
from entrepot.features.identity import store as identities
from entrepot.features.identity.assuming import parse_role_arn
from entrepot.features.identity.errors import AccessDenied, InvalidInput, PrincipalNotFound
from entrepot.features.identity.principal import ANONYMOUS, Principal, PrincipalKind, role_of, root_of, user_of
from entrepot.features.identity.sessions import Session
from entrepot.operations.caller import Caller
from entrepot.operations.iam.authorisation import Context, ask, context_of_resource
from entrepot.operations.iam.callers import ACTIONS_OF_ROOT, ONLY_ROOT, is_root_of_registry
from entrepot.operations.operation import operation
from entrepot.operations.role_trust import ACTIONS_ON_ROLES, decide_on_role, find_role
from entrepot.operations.services import Services

_PRINCIPAL = re.compile(
    r"arn:aws[a-z-]*:(iam|sts)::(?P<account>[0-9]{12}):"
    r"(?P<kind>root|user|role|assumed-role)(/(?P<rest>[!-~]+))?"
)
_RESOURCE = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:(?P<region>[a-z0-9-]*):(?P<account>[0-9]{12}):[!-~]+")
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")
_ON_ROLES = frozenset(action.lower() for action in ACTIONS_ON_ROLES)
_OF_ROOT = frozenset(action.lower() for action in ACTIONS_OF_ROOT)
#: What these make is not there yet when they ask, whatever has its name.
_OF_MAKING = frozenset({"iam:createuser", "iam:createrole", "iam:createpolicy", "iam:createopenidconnectprovider"})


@operation("ExplainDecision", service="iam", resource=None)
async def explain_decision(
    services: Services,
    caller: Caller,
    *,
    principal_arn: str,
    action: str,
    resource: str,
    context: Context,
) -> Decision:
    """What is decided when a principal asks for an action on a resource, an ARN or ``*``.

    The principal is a root, a user, a role, a session of a role, or ``anonymous``; ``context`` goes before the
    condition keys that the registry would find itself. Both have to be of the caller's account, unless the caller
    is the root of the registry's own: the answer shows their policies.

    Raises AccessDenied, InvalidInput, PrincipalNotFound; InvalidRequest where what is to be assumed is no role.
    """
    await ask(services, caller, "ExplainDecision", principal_arn)
    if _ACTION.fullmatch(action) is None:
        raise InvalidInput(f"{action} is not an action such as ecr:BatchGetImage")
    principal = await _principal(services, caller, principal_arn)
    registry = _registry_of(resource, principal, caller)
    if not is_root_of_registry(services, caller):
        for account in {principal.account or registry.account, registry.account} - {caller.principal.account}:
            reason = f"because the account {account} is not yours"
            raise AccessDenied(caller.principal.arn, "iam:ExplainDecision", principal_arn, reason)
    return await _decide(services, Caller(principal, registry, caller.request_id), action, resource, context)


async def _decide(services: Services, caller: Caller, action: str, resource: str, context: Context) -> Decision:
    """The decision that this caller would meet, with what the operation of the action adds to the question."""
    name = action.lower()
    kind = caller.principal.kind
    if name in _ON_ROLES and kind is not PrincipalKind.ANONYMOUS:
        return await _decide_on_role(services, caller, action, resource, context)
    if action.startswith("iam:") and name not in _OF_MAKING:
        context = {**await context_of_resource(services, caller, resource), **context}
    decision = await services.authorities.decide(caller, action, resource, context)
    if name in _OF_ROOT and not is_root_of_registry(services, caller):
        return decision.denied_by(ONLY_ROOT)
    if kind is PrincipalKind.ANONYMOUS and not services.anonymous_pull:
        return decision.denied_by("because nobody pulls from this registry without credentials")
    return decision


async def _decide_on_role(services: Services, caller: Caller, action: str, arn: str, context: Context) -> Decision:
    role = await find_role(services, caller, parse_role_arn(arn))
    if role is None:
        decision = await services.authorities.decide(caller, action, arn, context)
        return decision.denied_by("because there is no such role")
    decision = await decide_on_role(services, caller, action, role, arn, context)
    if caller.principal.kind is PrincipalKind.ROOT:
        return decision.denied_by("because roles may not be assumed by root accounts")
    return decision


async def _principal(services: Services, caller: Caller, arn: str) -> Principal:
    region = caller.registry.region
    found = _PRINCIPAL.fullmatch(arn)
    if arn == ANONYMOUS.arn:
        return ANONYMOUS
    if found is None:
        raise InvalidInput(f"{arn} is not the ARN of a root, a user, a role or a session, nor anonymous")
    account, rest = found["account"], found["rest"] or ""
    if found["kind"] == "root":
        if rest:
            raise PrincipalNotFound("root", rest)
        return root_of(account, region, "")
    is_session = found["kind"] == "assumed-role"
    kind = PrincipalKind.USER if found["kind"] == "user" else PrincipalKind.ROLE
    name = rest.split("/")[0] if is_session else rest.rsplit("/", 1)[-1]
    row = await services.metadata.look_up(lambda c: identities.find_by_name(c, account, kind, name))
    partition = partition_of(region).name
    is_meant = (
        arn.startswith(f"arn:{partition}:sts:") if is_session else row is not None and row.arn(partition) == arn
    )
    if row is None or not is_meant:
        raise PrincipalNotFound(kind, name)
    if kind is PrincipalKind.USER:
        return user_of(account, region, user_id=row.id, path=row.path, name=name, access_key_id="", session=None)
    session = Session(
        access_key_id="",
        kind="role",
        principal_id=row.id,
        account=account,
        issued_at=services.clock(),
        expires_at=services.clock() + HOUR,
        path=row.path,
        name=name,
        session_name=rest.partition("/")[2] if is_session else "explained",
    )
    return role_of(region, path=row.path, name=name, session=session)


def _registry_of(resource: str, principal: Principal, caller: Caller) -> RegistryId:
    found = _RESOURCE.fullmatch(resource)
    if resource == "*":
        return RegistryId(principal.account or caller.registry.account, caller.registry.region)
    if found is None:
        raise InvalidInput(f"{resource} is not the ARN of a resource, nor *")
    return RegistryId(found["account"], found["region"] or caller.registry.region)
