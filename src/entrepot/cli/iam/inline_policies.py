"""Inline policies of users and roles."""

from typing import Annotated

import typer

from entrepot.cli.iam.command import Shown, iam_command, read_file
from entrepot.cli.iam.principals import FileArgument, Principal, RoleOption, UserOption
from entrepot.client.iam import IAM

NameOption = Annotated[str, typer.Option("--name", metavar="NAME", help="The policy's name.")]


@iam_command
def put_policy(
    iam: IAM, file: FileArgument, name: NameOption, user: UserOption = None, role: RoleOption = None
) -> Shown:
    """Give a user or a role an inline policy; one of the same name is replaced."""
    principal = Principal.of(user, role)
    iam.do(f"Put{principal.kind}Policy", **principal.member, PolicyName=name, PolicyDocument=read_file(file))
    return Shown(f"Put the policy {name} on {principal}.", {})


@iam_command
def delete_policy(iam: IAM, name: NameOption, user: UserOption = None, role: RoleOption = None) -> Shown:
    """Remove an inline policy of a user or a role."""
    principal = Principal.of(user, role)
    iam.do(f"Delete{principal.kind}Policy", **principal.member, PolicyName=name)
    return Shown(f"Deleted the policy {name} of {principal}.", {})
