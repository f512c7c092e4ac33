"""Managed policies, those of AWS among them, and what they are attached to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

from entrepot.cli.iam.command import Shown, iam_command, read_file, table, tags
from entrepot.cli.iam.principals import (
    FileArgument,
    PathOption,
    PolicyArgument,
    Principal,
    RoleOption,
    TagOption,
    UserOption,
)
from entrepot.client.iam import (
    IAM,
    CreatePolicy,
    CreatePolicyVersion,
    ListPolicies,
    ListPolicyVersions,
    PolicyVersion,
)
from entrepot.core.errors import NotFound
from entrepot.features.identity.rules import MAX_POLICY_VERSIONS


@dataclass(eq=False)
class PolicyNotNamed(NotFound):
    """No managed policy has the name, or several have."""

    reason: str

    template: ClassVar[str] = "{reason}"


NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The policy's name.")]
OwnPolicyArgument = Annotated[
    str, typer.Argument(metavar="POLICY", help="Name or ARN of a managed policy of the account.")
]


@iam_command
def create_managed_policy(
    iam: IAM,
    name: NameArgument,
    file: FileArgument,
    path: PathOption = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What the policy is for.")] = None,
    tag: TagOption = None,
) -> Shown:
    """Create a managed policy, which decides nothing until it is attached."""
    created = iam.get(
        CreatePolicy,
        PolicyName=name,
        PolicyDocument=read_file(file),
        Path=path,
        Description=description,
        Tags=tags(tag),
    )
    return Shown(f"Created the policy {created.policy.arn}.", created)


@iam_command
def update_managed_policy(iam: IAM, policy: OwnPolicyArgument, file: FileArgument) -> Shown:
    """Give a managed policy a new version, which decides from now on; of five versions the oldest goes."""
    document, arn = read_file(file), find_arn(iam, policy)
    spare = version_to_drop(_versions(iam, arn))
    if spare is not None:
        iam.do("DeletePolicyVersion", PolicyArn=arn, VersionId=spare)
    made = iam.get(CreatePolicyVersion, PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    return Shown(f"{arn} has the version {made.policy_version.version_id}.", made)


@iam_command
def delete_managed_policy(iam: IAM, policy: OwnPolicyArgument) -> Shown:
    """Delete a managed policy that is attached nowhere, with all its versions."""
    arn = find_arn(iam, policy)
    for version in _versions(iam, arn):
        if not version.is_default_version:
            iam.do("DeletePolicyVersion", PolicyArn=arn, VersionId=version.version_id)
    iam.do("DeletePolicy", PolicyArn=arn)
    return Shown(f"Deleted the policy {arn}.", {})


@iam_command
def list_managed_policies(iam: IAM) -> Shown:
    """List the managed policies of the account, and those of AWS that are known here."""
    policies = [policy for page in iam.pages(ListPolicies) for policy in page.policies]
    rows = ((one.policy_name, one.default_version_id, str(one.attachment_count), one.arn) for one in policies)
    return Shown(table(("POLICY", "VERSION", "ATTACHED", "ARN"), rows), {"Policies": policies})


@iam_command
def attach(iam: IAM, policy: PolicyArgument, user: UserOption = None, role: RoleOption = None) -> Shown:
    """Attach a managed policy to a user or a role."""
    principal, arn = Principal.of(user, role), find_arn(iam, policy)
    iam.do(f"Attach{principal.kind}Policy", **principal.member, PolicyArn=arn)
    return Shown(f"Attached {arn} to {principal}.", {})


@iam_command
def detach(iam: IAM, policy: PolicyArgument, user: UserOption = None, role: RoleOption = None) -> Shown:
    """Take a managed policy from a user or a role."""
    principal, arn = Principal.of(user, role), find_arn(iam, policy)
    iam.do(f"Detach{principal.kind}Policy", **principal.member, PolicyArn=arn)
    return Shown(f"Detached {arn} from {principal}.", {})


@iam_command
def put_boundary(iam: IAM, policy: PolicyArgument, user: UserOption = None, role: RoleOption = None) -> Shown:
    """Make a managed policy the permissions boundary of a user or a role: nobody may more than it allows."""
    principal, arn = Principal.of(user, role), find_arn(iam, policy)
    iam.do(f"Put{principal.kind}PermissionsBoundary", **principal.member, PermissionsBoundary=arn)
    return Shown(f"{arn} bounds {principal}.", {})


@iam_command
def delete_boundary(iam: IAM, user: UserOption = None, role: RoleOption = None) -> Shown:
    """Remove the permissions boundary of a user or a role."""
    principal = Principal.of(user, role)
    iam.do(f"Delete{principal.kind}PermissionsBoundary", **principal.member)
    return Shown(f"Nothing bounds {principal}.", {})


def find_arn(iam: IAM, policy: str) -> str:
    """The ARN of a managed policy that is given by name or ARN; raises PolicyNotNamed."""
    if policy.startswith("arn:"):
        return policy
    arns = [one.arn for page in iam.pages(ListPolicies) for one in page.policies if one.policy_name == policy]
    match arns:
        case [arn]:
            return arn
        case []:
            raise PolicyNotNamed(f"there is no managed policy of the name {policy}")
        case _:
            raise PolicyNotNamed(f"{policy} is the name of several policies, give the ARN: {', '.join(arns)}")


def version_to_drop(versions: Sequence[PolicyVersion]) -> str | None:
    """The version of a policy that has to go before there can be another one."""
    if len(versions) < MAX_POLICY_VERSIONS:
        return None
    spare = [version.version_id for version in versions if not version.is_default_version]
    return min(spare, key=lambda version_id: int(version_id.removeprefix("v")))


def _versions(iam: IAM, arn: str) -> list[PolicyVersion]:
    return [version for page in iam.pages(ListPolicyVersions, PolicyArn=arn) for version in page.versions]
