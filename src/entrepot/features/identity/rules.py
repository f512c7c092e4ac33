"""Who may do what. Today there is one principal, the account's root, and it may do everything in its account."""

from dataclasses import dataclass

from entrepot.core.partitions import partition_of
from entrepot.features.identity.errors import AccessDenied


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller that has proved who it is."""

    arn: str
    account: str
    access_key_id: str


def root_of(account: str, region: str, access_key_id: str) -> Principal:
    """The root principal of an account."""
    return Principal(f"arn:{partition_of(region).name}:iam::{account}:root", account, access_key_id)


def authorise(principal: Principal, action: str, resource: str, resource_account: str) -> None:
    """Decide; raises AccessDenied.

    ``action`` is an IAM action such as ``ecr:PutImage``, ``resource`` an ARN or ``*``.
    """
    if resource_account != principal.account:
        raise AccessDenied(principal.arn, action, resource, policy_type="resource")
    if not principal.arn.endswith(":root"):
        raise AccessDenied(principal.arn, action, resource)
