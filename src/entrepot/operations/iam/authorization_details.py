"""GetAccountAuthorizationDetails: an account's users, roles and managed policies with all that belongs to them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from entrepot.features.identity import store as identities
from entrepot.features.identity.managed_policies import AWS_MANAGED_POLICIES
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import ManagedPolicyRow, PolicyText, PrincipalRow
from entrepot.operations.caller import Caller
from entrepot.operations.iam.authorisation import ask, partition
from entrepot.operations.iam.pages import After, Page, page_of
from entrepot.operations.iam.policies import Policy, PolicyVersion, count_uses, versions_of
from entrepot.operations.iam.roles import shown
from entrepot.operations.operation import operation
from entrepot.operations.services import Services

EntityType = Literal["User", "Role", "LocalManagedPolicy", "AWSManagedPolicy"]
ENTITY_TYPES: tuple[EntityType, ...] = ("User", "Role", "LocalManagedPolicy", "AWSManagedPolicy")


@dataclass(frozen=True, slots=True)
class PrincipalDetail:
    """A user or a role with its inline policies and the ARNs of its managed ones."""

    row: PrincipalRow
    inline_policies: Sequence[PolicyText]
    attached_policies: Sequence[str]

    @property
    def sort_key(self) -> After:
        """Where it stands among those of its sort."""
        return self.row.sort_key


@dataclass(frozen=True, slots=True)
class PolicyDetail:
    """A managed policy with all its versions."""

    policy: Policy
    versions: Sequence[PolicyVersion]

    @property
    def sort_key(self) -> After:
        """Where it stands among those of its sort."""
        return self.policy.row.sort_key


Detail = PrincipalDetail | PolicyDetail
#: Gives at most so many of one sort after a sort key.
_Find = Callable[[Connection, After, int], Sequence[Detail]]


@operation("GetAccountAuthorizationDetails", service="iam", resource=None)
async def get_account_authorization_details(
    services: Services,
    caller: Caller,
    *,
    entity_types: Collection[EntityType] = ENTITY_TYPES,
    after: After = (),
    limit: int,
) -> Page[tuple[EntityType, Detail]]:
    """At most ``limit`` users, roles, policies of the account and those of AWS that somebody has, in this order.

    Raises AccessDenied.
    """
    await ask(services, caller, "GetAccountAuthorizationDetails", "*")
    account = caller.principal.account

    def users(connection: Connection, behind: After, most: int) -> Sequence[Detail]:
        return _principals(connection, caller, PrincipalKind.USER, behind, most)

    def roles(connection: Connection, behind: After, most: int) -> Sequence[Detail]:
        return _principals(connection, caller, PrincipalKind.ROLE, behind, most)

    def own_policies(connection: Connection, behind: After, most: int) -> Sequence[Detail]:
        rows = identities.page_of_policies(
            connection, account, path_prefix="/", usage=None, after=behind, limit=most
        )
        return _policies(connection, account, rows)

    def aws_policies(connection: Connection, behind: After, _most: int) -> Sequence[Detail]:
        rows = [policy.row(partition(caller)) for policy in AWS_MANAGED_POLICIES.values()]
        found = _policies(connection, account, [row for row in rows if row.sort_key > behind])
        return [one for one in found if one.policy.attachment_count or one.policy.boundary_count]

    sorts: Sequence[_Find] = (users, roles, own_policies, aws_policies)

    def query(connection: Connection) -> list[tuple[EntityType, Detail]]:
        found: list[tuple[EntityType, Detail]] = []
        for entity_type, find in zip(ENTITY_TYPES, sorts, strict=True):
            if entity_type not in entity_types or _place(entity_type) < after[:1]:
                continue
            behind = after[1:] if _place(entity_type) == after[:1] else ()
            details = find(connection, behind, limit + 1 - len(found))
            found.extend((entity_type, detail) for detail in details)
            if len(found) > limit:
                break
        return found[: limit + 1]

    return page_of(await services.metadata.read(query), limit, lambda one: (*_place(one[0]), *one[1].sort_key))


def _place(entity_type: EntityType) -> After:
    return (str(ENTITY_TYPES.index(entity_type)),)


def _principals(
    connection: Connection, caller: Caller, kind: PrincipalKind, after: After, limit: int
) -> list[PrincipalDetail]:
    rows = identities.page_of_principals(
        connection, caller.principal.account, kind, path_prefix="/", after=after, limit=limit
    )
    return [
        PrincipalDetail(
            shown(connection, caller, row),
            identities.inline_policies_of(connection, row.id),
            identities.attachments_of(connection, row.id),
        )
        for row in rows
    ]


def _policies(connection: Connection, account: str, rows: Sequence[ManagedPolicyRow]) -> list[PolicyDetail]:
    counted = count_uses(connection, account, rows)
    return [PolicyDetail(policy, versions_of(connection, policy.row)) for policy in counted]
