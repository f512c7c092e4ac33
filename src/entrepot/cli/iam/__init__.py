"""``entrepot iam``: users, roles and policies of a running registry, through its IAM API."""

import typer

from entrepot.cli.iam import (
    access_keys,
    accounts,
    inline_policies,
    managed_policies,
    oidc_providers,
    roles,
    simulate,
    transfer,
    users,
)

app = typer.Typer(help="Users, roles and policies of a running registry.", no_args_is_help=True)

app.command("whoami")(accounts.whoami)
app.command("list")(transfer.list_everything)
app.command("simulate")(simulate.simulate)
app.command("export")(transfer.export)
app.command("import")(transfer.import_document)

app.command("create-user")(users.create_user)
app.command("delete-user")(users.delete_user)
app.command("list-users")(users.list_users)

app.command("create-access-key")(access_keys.create_access_key)
app.command("list-access-keys")(access_keys.list_access_keys)
app.command("update-access-key")(access_keys.update_access_key)
app.command("delete-access-key")(access_keys.delete_access_key)

app.command("create-role")(roles.create_role)
app.command("update-trust")(roles.update_trust)
app.command("delete-role")(roles.delete_role)
app.command("list-roles")(roles.list_roles)

app.command("put-policy")(inline_policies.put_policy)
app.command("delete-policy")(inline_policies.delete_policy)

app.command("attach")(managed_policies.attach)
app.command("detach")(managed_policies.detach)
app.command("put-boundary")(managed_policies.put_boundary)
app.command("delete-boundary")(managed_policies.delete_boundary)
app.command("create-managed-policy")(managed_policies.create_managed_policy)
app.command("update-managed-policy")(managed_policies.update_managed_policy)
app.command("delete-managed-policy")(managed_policies.delete_managed_policy)
app.command("list-managed-policies")(managed_policies.list_managed_policies)

app.command("create-oidc-provider")(oidc_providers.create_oidc_provider)
app.command("list-oidc-providers")(oidc_providers.list_oidc_providers)
app.command("delete-oidc-provider")(oidc_providers.delete_oidc_provider)

app.command("create-account")(accounts.create_account)
app.command("list-accounts")(accounts.list_accounts)
app.command("delete-account")(accounts.delete_account)
