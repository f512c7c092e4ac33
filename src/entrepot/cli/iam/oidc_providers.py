"""Issuers whose tokens are exchanged for sessions of roles."""

from pathlib import Path
from typing import Annotated

import typer

from entrepot.cli.iam.command import Shown, iam_command, read_file, table, tags
from entrepot.cli.iam.principals import TagOption
from entrepot.client.iam import (
    IAM,
    CreateOpenIDConnectProvider,
    GetOpenIDConnectProvider,
    ListOpenIDConnectProviders,
)

ArnArgument = Annotated[str, typer.Argument(metavar="ARN", help="The identity provider.")]


@iam_command
def create_oidc_provider(
    iam: IAM,
    url: Annotated[str, typer.Option(metavar="URL", help="The issuer, as its tokens name it: https://…")],
    client_id: Annotated[
        list[str], typer.Option(metavar="AUDIENCE", help="What tokens have to be made for; may be repeated.")
    ],
    jwks: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The issuer's JSON Web Key Set, where it cannot be fetched from it."),
    ] = None,
    tag: TagOption = None,
) -> Shown:
    """Believe an OpenID Connect issuer: a role can then trust whom its tokens are about."""
    created = iam.get(
        CreateOpenIDConnectProvider,
        Url=url,
        ClientIDList=client_id,
        JsonWebKeySet=None if jwks is None else read_file(jwks),
        Tags=tags(tag),
    )
    return Shown(f"Created the identity provider {created.arn}.", created)


@iam_command
def list_oidc_providers(iam: IAM) -> Shown:
    """List the identity providers."""
    arns = [provider.arn for provider in iam.get(ListOpenIDConnectProviders).providers]
    found = {arn: iam.get(GetOpenIDConnectProvider, OpenIDConnectProviderArn=arn) for arn in arns}
    rows = ((one.url, ", ".join(one.client_ids), arn) for arn, one in found.items())
    shown = [{"Arn": arn, "Url": one.url, "ClientIDList": one.client_ids} for arn, one in found.items()]
    return Shown(table(("ISSUER", "AUDIENCES", "ARN"), rows), {"OpenIDConnectProviders": shown})


@iam_command
def delete_oidc_provider(iam: IAM, arn: ArnArgument) -> Shown:
    """Believe an issuer no longer."""
    iam.do("DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
    return Shown(f"Deleted the identity provider {arn}.", {})
