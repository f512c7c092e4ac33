"""Users and roles that stored policies name: kept by their unique ids, shown by their ARNs.

So a grant is to somebody, and not to whoever has the name next (IAM user guide, "AWS JSON policy elements:
Principal"). Accounts, sessions, services and everybody are kept as they are written.
"""

import re

from sqlalchemy import Connection

from entrepot.core.partitions import partition_of
from entrepot.core.policy.document import PolicyKind
from entrepot.core.policy.renaming import rename_principals
from entrepot.features.identity import store as identities
from entrepot.features.identity.errors import InvalidPrincipal
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import PrincipalRow
from entrepot.features.policies.rules import refusal
from entrepot.operations.caller import Caller

_ARN = re.compile(r"arn:[a-z0-9-]+:iam::(?P<account>[0-9]{12}):(?P<kind>user|role)/(.*/)?(?P<name>[^/]+)")
_ID = re.compile(r"A[A-Z0-9]{15,}")


def with_ids(connection: Connection, caller: Caller, document: str) -> str:
    """The document as it is kept; raises InvalidPrincipal for a user or a role that is not there."""

    def rename(name: str) -> str:
        is_id = _ID.fullmatch(name) is not None
        if not is_id and (":iam::" not in name or name.endswith(":root")):
            return name
        found = identities.find_principal(connection, name) if is_id else find_by_arn(connection, caller, name)
        if found is None:
            raise InvalidPrincipal(name)
        return found.id

    return rename_principals(document, rename)


def resource_policy_with_ids(connection: Connection, caller: Caller, kind: PolicyKind, document: str) -> str:
    """As ``with_ids``, for the policy of a repository or a registry; raises InvalidParameter."""
    try:
        return with_ids(connection, caller, document)
    except InvalidPrincipal:
        raise refusal(kind) from None


def with_arns(connection: Connection, caller: Caller, document: str) -> str:
    """The document as it is shown, where whoever is gone has nothing but the id."""

    def rename(name: str) -> str:
        found = identities.find_principal(connection, name) if _ID.fullmatch(name) else None
        return name if found is None else found.arn(partition_of(caller.registry.region).name)

    return rename_principals(document, rename)


def find_by_arn(connection: Connection, caller: Caller, arn: str) -> PrincipalRow | None:
    """The user or the role that an ARN means to the letter, path and partition included."""
    named = _ARN.fullmatch(arn)
    if named is None:
        return None
    kind = PrincipalKind(named["kind"])
    found = identities.find_by_name(connection, named["account"], kind, named["name"])
    partition = partition_of(caller.registry.region).name
    return found if found is not None and found.arn(partition) == arn else None
