"""Other accounts of the registry, for the root of its own alone; and who is calling."""

from typing import Annotated

import typer

from entrepot.cli.iam.access_keys import told
from entrepot.cli.iam.command import Shown, iam_command, table
from entrepot.client.iam import IAM, CreateAccount, ListAccounts

AccountArgument = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Twelve digits.")]


@iam_command
def create_account(iam: IAM, account: AccountArgument) -> Shown:
    """Create another account: its root, with an access key whose secret is printed this once."""
    created = iam.get(CreateAccount, Account=account)
    return Shown(f"Created the account {account}. {told(created.access_key)}", created)


@iam_command
def list_accounts(iam: IAM) -> Shown:
    """List the other accounts of the registry."""
    accounts = [account for page in iam.pages(ListAccounts) for account in page.accounts]
    rows = ((account.id, account.create_date, account.arn) for account in accounts)
    return Shown(table(("ACCOUNT", "CREATED", "ROOT"), rows), {"Accounts": accounts})


@iam_command
def delete_account(iam: IAM, account: AccountArgument) -> Shown:
    """Delete an account that has no repositories, users, roles, policies and identity providers."""
    iam.do("DeleteAccount", Account=account)
    return Shown(f"Deleted the account {account}.", {})


@iam_command
def whoami(iam: IAM) -> Shown:
    """Tell whom the registry takes you for, and by which access key."""
    identity, held = iam.caller_identity(), iam.client.credentials
    text = f"{identity.arn}\nby the access key {held.access_key_id}, from {held.source}, at {iam.client.endpoint}"
    return Shown(text, identity)
