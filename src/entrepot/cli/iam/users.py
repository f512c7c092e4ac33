"""Users."""

from typing import Annotated

import typer

from entrepot.cli.iam.command import Shown, iam_command, table, tags
from entrepot.cli.iam.managed_policies import find_arn
from entrepot.cli.iam.principals import BoundaryOption, PathOption, TagOption
from entrepot.client.iam import IAM, CreateUser, ListUsers

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The user.")]


@iam_command
def create_user(
    iam: IAM, name: NameArgument, path: PathOption = None, boundary: BoundaryOption = None, tag: TagOption = None
) -> Shown:
    """Create a user, who may do nothing until a policy allows it."""
    arn = None if boundary is None else find_arn(iam, boundary)
    created = iam.get(CreateUser, UserName=name, Path=path, PermissionsBoundary=arn, Tags=tags(tag))
    return Shown(f"Created the user {created.user.arn}.", created)


@iam_command
def delete_user(iam: IAM, name: NameArgument) -> Shown:
    """Delete a user who has no access keys and no policies."""
    iam.do("DeleteUser", UserName=name)
    return Shown(f"Deleted the user {name}.", {})


@iam_command
def list_users(iam: IAM) -> Shown:
    """List the users."""
    users = [user for page in iam.pages(ListUsers) for user in page.users]
    rows = ((user.user_name, user.path, user.create_date, user.arn) for user in users)
    return Shown(table(("USER", "PATH", "CREATED", "ARN"), rows), {"Users": users})
