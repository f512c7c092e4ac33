"""Access keys of users, and of the caller."""

from typing import Annotated

import typer

from entrepot.cli.iam.command import Shown, iam_command, table
from entrepot.client.iam import IAM, CreateAccessKey, ListAccessKeys, NewAccessKey

NameArgument = Annotated[str | None, typer.Argument(metavar="NAME", help="The user. Default: who calls.")]
OwnerOption = Annotated[
    str | None, typer.Option("--user", metavar="NAME", help="Whose access key it is. Default: the caller's.")
]
KeyArgument = Annotated[str, typer.Argument(metavar="ACCESS_KEY_ID", help="The access key.")]


@iam_command
def create_access_key(iam: IAM, name: NameArgument = None) -> Shown:
    """Create an access key, of which one can have two. Its secret is printed this once."""
    created = iam.get(CreateAccessKey, UserName=name)
    return Shown(told(created.access_key), created)


@iam_command
def list_access_keys(iam: IAM, name: NameArgument = None) -> Shown:
    """List the access keys of a user."""
    pages = iam.pages(ListAccessKeys, UserName=name)
    keys = [key for page in pages for key in page.access_key_metadata]
    rows = ((key.access_key_id, key.status, key.create_date, key.user_name or "root") for key in keys)
    return Shown(table(("ACCESS KEY", "STATUS", "CREATED", "USER"), rows), {"AccessKeys": keys})


@iam_command
def update_access_key(
    iam: IAM,
    access_key_id: KeyArgument,
    active: Annotated[bool, typer.Option("--active/--inactive", help="Switch it on, or off.")],
    user: OwnerOption = None,
) -> Shown:
    """Switch an access key on or off; one that is off is refused within a second."""
    status = "Active" if active else "Inactive"
    iam.do("UpdateAccessKey", AccessKeyId=access_key_id, Status=status, UserName=user)
    return Shown(f"The access key {access_key_id} is {status.lower()}.", {})


@iam_command
def delete_access_key(iam: IAM, access_key_id: KeyArgument, user: OwnerOption = None) -> Shown:
    """Delete an access key; it is refused within a second."""
    iam.do("DeleteAccessKey", AccessKeyId=access_key_id, UserName=user)
    return Shown(f"Deleted the access key {access_key_id}.", {})


def told(key: NewAccessKey) -> str:
    """A new access key, ready to be pasted into a shell."""
    return (
        f"The access key of {key.user_name or 'the root'}; its secret is shown this once:\n"
        f"  export AWS_ACCESS_KEY_ID={key.access_key_id}\n"
        f"  export AWS_SECRET_ACCESS_KEY={key.secret_access_key}"
    )
