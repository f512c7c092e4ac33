"""Roles, and who may assume them."""

import json
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from entrepot.cli.iam.command import Misused, Shown, iam_command, read_file, table, tags
from entrepot.cli.iam.managed_policies import find_arn
from entrepot.cli.iam.principals import BoundaryOption, FileArgument, PathOption, TagOption
from entrepot.client.iam import IAM, CreateRole, ListRoles, Role, document

#: Where the tokens of GitHub Actions come from, and the audience that AWS's own action asks them for.
_GITHUB, _GITHUB_AUDIENCE = "token.actions.githubusercontent.com", "sts.amazonaws.com"

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The role.")]


@iam_command
def create_role(
    iam: IAM,
    name: NameArgument,
    trust: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The trust policy; - is standard input.")
    ] = None,
    trust_account: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="Trust an account, which decides who of it may.")
    ] = None,
    trust_github: Annotated[
        str | None, typer.Option(metavar="ORG/REPO", help="Trust the workflows of a repository at GitHub.")
    ] = None,
    path: PathOption = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What the role is for.")] = None,
    max_session: Annotated[
        int | None, typer.Option(metavar="SECONDS", help="The longest session, 3600 to 43200. Default: 3600.")
    ] = None,
    boundary: BoundaryOption = None,
    tag: TagOption = None,
) -> Shown:
    """Create a role, which may do nothing until a policy allows it."""
    policy = _trust_policy(iam, trust, trust_account, trust_github)
    arn = None if boundary is None else find_arn(iam, boundary)
    created = iam.get(
        CreateRole,
        RoleName=name,
        AssumeRolePolicyDocument=policy,
        Path=path,
        Description=description,
        MaxSessionDuration=max_session,
        PermissionsBoundary=arn,
        Tags=tags(tag),
    )
    return Shown(f"Created the role {created.role.arn}.", created)


@iam_command
def update_trust(iam: IAM, name: NameArgument, file: FileArgument) -> Shown:
    """Replace the trust policy of a role."""
    iam.do("UpdateAssumeRolePolicy", RoleName=name, PolicyDocument=read_file(file))
    return Shown(f"Replaced the trust policy of the role {name}.", {})


@iam_command
def delete_role(iam: IAM, name: NameArgument) -> Shown:
    """Delete a role without policies; its sessions end."""
    iam.do("DeleteRole", RoleName=name)
    return Shown(f"Deleted the role {name}.", {})


@iam_command
def list_roles(iam: IAM) -> Shown:
    """List the roles."""
    roles = [role for page in iam.pages(ListRoles) for role in page.roles]
    rows = ((role.role_name, role.path, role.create_date, role.arn) for role in roles)
    return Shown(table(("ROLE", "PATH", "CREATED", "ARN"), rows), {"Roles": [_readable(role) for role in roles]})


def _readable(role: Role) -> dict[str, object]:
    """A role with its trust policy as JSON."""
    trust_policy = json.loads(document(role.assume_role_policy_document))
    return {**msgspec.to_builtins(role), "AssumeRolePolicyDocument": trust_policy}


def _trust_policy(iam: IAM, file: Path | None, account: str | None, github: str | None) -> str:
    """The trust policy that one of three options gives; raises Misused."""
    match file, account, github:
        case Path(), None, None:
            return read_file(file)
        case None, str(), None:
            partition = iam.caller_identity().partition
            return _allow("sts:AssumeRole", {"AWS": f"arn:{partition}:iam::{account}:root"})
        case None, None, str():
            own = iam.caller_identity()
            provider = f"arn:{own.partition}:iam::{own.account}:oidc-provider/{_GITHUB}"
            condition = {
                "StringEquals": {f"{_GITHUB}:aud": _GITHUB_AUDIENCE},
                "StringLike": {f"{_GITHUB}:sub": f"repo:{_repository(github)}:*"},
            }
            return _allow("sts:AssumeRoleWithWebIdentity", {"Federated": provider}, condition)
        case _:
            raise Misused("one of --trust, --trust-account and --trust-github has to be given")


def _repository(github: str) -> str:
    organisation, separator, repository = github.partition("/")
    if not separator or not organisation or not repository or set("*?/$") & set(organisation + repository):
        raise Misused(f"--trust-github takes ORG/REPO, and not '{github}'")
    return github


def _allow(action: str, principal: dict[str, str], condition: dict[str, dict[str, str]] | None = None) -> str:
    statement: dict[str, object] = {"Effect": "Allow", "Principal": principal, "Action": action}
    if condition is not None:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
