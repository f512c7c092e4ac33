"""What IAM stores, as its answers show it; and tags as its requests have them."""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from entrepot.core.clock import iso_time
from entrepot.features.identity.rows import PrincipalRow
from entrepot.fronts.query import Call
from entrepot.operations.iam.authorisation import partition
from entrepot.operations.iam.policies import Policy, PolicyVersion
from entrepot.protocol.iam import shapes
from entrepot.protocol.query.xml import Value

Members = dict[str, Value]


def user(call: Call, row: PrincipalRow) -> Members:
    """A user; a root has no name."""
    return {
        "Path": row.path,
        "UserName": row.name or None,
        "UserId": row.id,
        "Arn": row.arn(partition(call.caller)),
        "CreateDate": iso_time(row.created_at),
    }


def role(call: Call, row: PrincipalRow) -> Members:
    """A role."""
    return {
        "Path": row.path,
        "RoleName": row.name,
        "RoleId": row.id,
        "Arn": row.arn(partition(call.caller)),
        "CreateDate": iso_time(row.created_at),
        "AssumeRolePolicyDocument": document(row.trust_policy or ""),
        "Description": row.description,
        "MaxSessionDuration": row.max_session_seconds,
    }


def boundary_and_tags(row: PrincipalRow) -> Members:
    """What a user or a role shows of itself, and not in lists."""
    boundary: Members | None = None
    if row.boundary is not None:
        boundary = {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": row.boundary}
    return {"PermissionsBoundary": boundary, "Tags": tags_of(row.tags)}


def policy(found: Policy) -> Members:
    """A managed policy."""
    row = found.row
    return {
        "PolicyName": row.name,
        "PolicyId": row.id,
        "Arn": row.arn,
        "Path": row.path,
        "DefaultVersionId": f"v{row.default_version}",
        "AttachmentCount": found.attachment_count,
        "PermissionsBoundaryUsageCount": found.boundary_count,
        "IsAttachable": True,
        "CreateDate": iso_time(row.created_at),
        "UpdateDate": iso_time(row.updated_at),
    }


def policy_version(version: PolicyVersion) -> Members:
    """A version of a managed policy, without its document."""
    return {
        "VersionId": f"v{version.row.version}",
        "IsDefaultVersion": version.is_default,
        "CreateDate": iso_time(version.row.created_at),
    }


def attached_policies(arns: Iterable[str]) -> list[Members]:
    """Managed policies by name and ARN."""
    return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]


def tags(pairs: Iterable[tuple[str, str]]) -> list[Members]:
    """Tags."""
    return [{"Key": key, "Value": value} for key, value in pairs]


def tags_of(found: Mapping[str, str]) -> list[Members] | None:
    """Tags where there are some."""
    return tags(found.items()) if found else None


def pairs(given: Sequence[shapes.Tag] | None) -> list[tuple[str, str]]:
    """The tags of a request as operations take them."""
    return [(tag.key, tag.value) for tag in given or ()]


def document(text: str) -> str:
    """A policy document as IAM answers with it: percent-encoded (RFC 3986)."""
    return quote(text, safe="")
