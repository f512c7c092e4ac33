"""What a role's trust policy and the caller's own policies say together; STS asks, ExplainDecision shows."""

from entrepot.core.policy.document import PolicyKind
from entrepot.core.policy.evaluation import Decision, NamedPolicy, PolicyType
from entrepot.features.identity.assuming import RoleReference
from entrepot.features.identity.context import Context
from entrepot.features.identity.rows import PrincipalRow
from entrepot.operations.caller import Caller
from entrepot.operations.principal_ids import find_by_arn
from entrepot.operations.services import Services

#: What the trust policy of a role decides about whoever has proved who he is.
ACTIONS_ON_ROLES = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")


async def find_role(services: Services, caller: Caller, wanted: RoleReference) -> PrincipalRow | None:
    """The role that an ARN means to the letter, path and partition included."""
    return await services.metadata.look_up(lambda c: find_by_arn(c, caller, wanted.arn))


async def decide_on_role(
    services: Services, caller: Caller, action: str, role: PrincipalRow, arn: str, context: Context
) -> Decision:
    """Whether the caller may do this with the role; ``context`` goes before what is known of the role."""
    return await services.authorities.decide_with(
        caller,
        action,
        arn,
        resource_account=role.account,
        resource_policies=[trust_policy_of(services, role)],
        context={**context_of_role(role), **context},
    )


def trust_policy_of(services: Services, role: PrincipalRow) -> NamedPolicy:
    """The trust policy, parsed."""
    return services.authorities.parse("trust policy", PolicyType.TRUST, PolicyKind.TRUST, role.trust_policy or "")


def context_of_role(role: PrincipalRow) -> Context:
    """What is known of the role that is asked for."""
    tags = {
        f"{service}:ResourceTag/{key}": value for key, value in role.tags.items() for service in ("aws", "iam")
    }
    return {"aws:ResourceAccount": role.account, **tags}
