"""GetAccountAuthorizationDetails on the wire."""

from collections.abc import Sequence

from entrepot.features.identity.principal import PrincipalKind
from entrepot.fronts.iam.inline_policies import inline_policy
from entrepot.fronts.iam.listing import Listing
from entrepot.fronts.iam.members import (
    Members,
    attached_policies,
    boundary_and_tags,
    document,
    policy,
    policy_version,
    role,
    user,
)
from entrepot.fronts.query import Call, Handler
from entrepot.operations.iam.authorization_details import (
    ENTITY_TYPES,
    EntityType,
    PolicyDetail,
    PrincipalDetail,
    get_account_authorization_details,
)
from entrepot.protocol.iam import shapes
from entrepot.protocol.query.xml import Result


async def _get(call: Call, request: shapes.GetAccountAuthorizationDetailsRequest) -> Result:
    listing = Listing.read(call, "GetAccountAuthorizationDetails", request)
    page = await get_account_authorization_details(
        call.services,
        call.caller,
        entity_types=_entity_types(request.filter),
        after=listing.after,
        limit=listing.limit,
    )
    details = [detail for _, detail in page.entries]
    principals = [detail for detail in details if isinstance(detail, PrincipalDetail)]
    return {
        "UserDetailList": [_user(call, one) for one in principals if one.row.kind is PrincipalKind.USER],
        "GroupDetailList": [],
        "RoleDetailList": [_role(call, one) for one in principals if one.row.kind is PrincipalKind.ROLE],
        "Policies": [_policy(detail) for detail in details if isinstance(detail, PolicyDetail)],
        **listing.members(page),
    }


def _entity_types(asked: Sequence[str] | None) -> Sequence[EntityType]:
    """What is asked for of what there is; groups there are none."""
    return ENTITY_TYPES if not asked else [entity_type for entity_type in ENTITY_TYPES if entity_type in asked]


def _user(call: Call, detail: PrincipalDetail) -> Members:
    return {
        **user(call, detail.row),
        "UserPolicyList": [inline_policy(text) for text in detail.inline_policies],
        "GroupList": [],
        "AttachedManagedPolicies": attached_policies(detail.attached_policies),
        **boundary_and_tags(detail.row),
    }


def _role(call: Call, detail: PrincipalDetail) -> Members:
    described = role(call, detail.row)
    del described["Description"], described["MaxSessionDuration"]  # AWS leaves them out here
    return {
        **described,
        "InstanceProfileList": [],
        "RolePolicyList": [inline_policy(text) for text in detail.inline_policies],
        "AttachedManagedPolicies": attached_policies(detail.attached_policies),
        **boundary_and_tags(detail.row),
    }


def _policy(detail: PolicyDetail) -> Members:
    versions: list[Members] = [
        {**policy_version(version), "Document": document(version.row.document)} for version in detail.versions
    ]
    return {
        **policy(detail.policy),
        "Description": detail.policy.row.description,
        "PolicyVersionList": versions,
    }


HANDLERS: dict[str, Handler] = {"GetAccountAuthorizationDetails": _get}
