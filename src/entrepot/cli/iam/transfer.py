"""Everything of an account at once: shown, written to a document, made to be as a document says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
import typer

from entrepot.cli.iam.account import Account, Principal, find_account, read_document
from entrepot.cli.iam.changes import Change, changes
from entrepot.cli.iam.command import Shown, iam_command, read_file
from entrepot.client.iam import IAM, AccessKey, ListAccessKeys
from entrepot.core.errors import EntrepotError


@dataclass(eq=False)
class ImportStopped(EntrepotError):
    """A change that the registry refused; those before it are made, and importing again goes on from there."""

    done: int
    of: int
    change: str
    reason: str

    template: ClassVar[str] = "{done} of {of} changes are made, the next is refused: {change}: {reason}"


@iam_command
def list_everything(iam: IAM) -> Shown:
    """Show the account: users with their access keys, roles, policies, identity providers."""
    account = find_account(iam).account
    keys = {user.name: _access_keys(iam, user.name) for user in account.users}
    data = msgspec.json.decode(msgspec.json.encode(account))
    for user in data.get("Users", []):
        user["AccessKeys"] = msgspec.to_builtins(keys[user["Name"]])
    return Shown("\n".join(_tree(account, keys)), data)


@iam_command
def export(iam: IAM) -> Shown:
    """Print the account as one JSON document, without access keys, for `entrepot iam import`."""
    account = find_account(iam).account
    return Shown(msgspec.json.format(msgspec.json.encode(account), indent=2).decode(), account)


@iam_command
def import_document(
    iam: IAM,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What export printed; - is standard input.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes, and make none.")] = False,
) -> Shown:
    """Make the account as a document says: what is missing is created, what differs is changed.

    Whatever the document does not name stays. Access keys are not part of it.
    """
    wanted = read_document(read_file(file))
    to_do = changes(find_account(iam), wanted)
    if not dry_run:
        _make(iam, to_do)
    lines = [change.sentence for change in to_do] or ["The account is as the document says."]
    data = [{"Change": change.sentence, "Action": change.action} for change in to_do]
    return Shown("\n".join(lines), {"DryRun": dry_run, "Changes": data})


def _make(iam: IAM, to_do: list[Change]) -> None:
    for done, change in enumerate(to_do):
        try:
            iam.do(change.action, **change.members)
        except EntrepotError as error:
            raise ImportStopped(done, len(to_do), change.sentence, error.message) from error


def _access_keys(iam: IAM, name: str) -> list[AccessKey]:
    return [key for page in iam.pages(ListAccessKeys, UserName=name) for key in page.access_key_metadata]


def _tree(account: Account, keys: dict[str, list[AccessKey]]) -> list[str]:
    lines = [f"account {account.account}"]
    for user in account.users:
        of_user = (f"access key {key.access_key_id} ({key.status.lower()})" for key in keys[user.name])
        lines += [f"  user {_place(user)}", *(f"    {line}" for line in (*of_user, *_lines(user)))]
    for role in account.roles:
        lines += [f"  role {_place(role)}", *(f"    {line}" for line in _lines(role))]
    lines += [f"  policy {policy.path[1:]}{policy.name}" for policy in account.policies]
    for provider in account.identity_providers:
        lines += [f"  identity provider {provider.url}"]
        lines += [f"    audience {client_id}" for client_id in provider.client_ids]
    return lines


def _place(principal: Principal) -> str:
    """A name with its path, as ARNs end."""
    return f"{principal.path[1:]}{principal.name}"


def _lines(principal: Principal) -> list[str]:
    """What belongs to a user or a role, a line each."""
    boundary = principal.permissions_boundary
    return [
        *([] if boundary is None else [f"boundary {boundary}"]),
        *(f"inline policy {name}" for name in principal.inline_policies),
        *(f"attached policy {arn}" for arn in principal.attached_policies),
        *(f"tag {key}={value}" for key, value in principal.tags.items()),
    ]
