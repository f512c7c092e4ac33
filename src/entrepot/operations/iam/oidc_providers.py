"""OpenID Connect identity providers: Create, Get, List and Delete, their thumbprints and client ids.

``jwks`` is an extension: a provider's JSON Web Key Set, given once and for all where nothing can be fetched.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from entrepot.features.identity import store as identities
from entrepot.features.identity.errors import OIDCProviderAlreadyExists, OIDCProviderNotFound, QuotaExceeded
from entrepot.features.identity.identity_providers import (
    MAX_OIDC_PROVIDERS,
    check_client_ids,
    check_jwks,
    check_thumbprints,
    issuer_of,
)
from entrepot.features.identity.rows import OIDCProviderRow
from entrepot.features.identity.rules import check_tags
from entrepot.operations.caller import Caller
from entrepot.operations.iam.authorisation import Context, arn_in, ask, ask_on_oidc_provider, tags_of_request
from entrepot.operations.iam.changes import change
from entrepot.operations.operation import operation
from entrepot.operations.services import Services


@operation("CreateOpenIDConnectProvider", service="iam", resource=None)
async def create_openid_connect_provider(
    services: Services,
    caller: Caller,
    *,
    url: str,
    client_ids: Sequence[str] = (),
    thumbprints: Sequence[str] = (),
    jwks: str | None = None,
    tags: Sequence[tuple[str, str]] = (),
) -> OIDCProviderRow:
    """Trust an issuer, ``https://…``, whose tokens name one of the client ids as their audience.

    Raises AccessDenied, ValidationError, InvalidInput, OIDCProviderAlreadyExists, QuotaExceeded.
    """
    issuer = issuer_of(url)
    check_client_ids(client_ids)
    check_thumbprints(thumbprints)
    if jwks is not None:
        check_jwks(jwks)
    checked = check_tags(tags, "TagsPerOpenIdConnectProvider")
    arn, context = arn_in(caller, f"oidc-provider/{issuer}"), tags_of_request(checked)
    await ask(services, caller, "CreateOpenIDConnectProvider", arn, context)
    if checked:
        await ask(services, caller, "TagOpenIDConnectProvider", arn, context)

    def edit(connection: Connection, now: int) -> OIDCProviderRow:
        created = OIDCProviderRow(
            arn=arn,
            account=caller.principal.account,
            url=issuer,
            client_ids=tuple(dict.fromkeys(client_ids)),
            thumbprints=tuple(dict.fromkeys(thumbprints)),
            created_at=now,
            jwks=jwks,
            tags=checked,
        )
        if not identities.create_oidc_provider(connection, created):
            raise OIDCProviderAlreadyExists(url)
        if len(identities.oidc_providers_of(connection, created.account)) > MAX_OIDC_PROVIDERS:
            raise QuotaExceeded("OpenIdConnectProvidersPerAccount", MAX_OIDC_PROVIDERS)
        return created

    return await change(services, caller, "CreateOpenIDConnectProvider", edit, provider=arn)


@operation("GetOpenIDConnectProvider", service="iam", resource=None)
async def get_openid_connect_provider(services: Services, caller: Caller, *, arn: str) -> OIDCProviderRow:
    """An identity provider. Raises AccessDenied, OIDCProviderNotFound."""
    return await ask_on_oidc_provider(services, caller, "GetOpenIDConnectProvider", arn)


@operation("ListOpenIDConnectProviders", service="iam", resource=None)
async def list_openid_connect_providers(services: Services, caller: Caller) -> list[OIDCProviderRow]:
    """All identity providers of the account, at most 100, by URL. Raises AccessDenied."""
    await ask(services, caller, "ListOpenIDConnectProviders", arn_in(caller, "oidc-provider/*"))
    return await services.metadata.read(lambda c: identities.oidc_providers_of(c, caller.principal.account))


@operation("UpdateOpenIDConnectProviderThumbprint", service="iam", resource=None)
async def update_openid_connect_provider_thumbprint(
    services: Services, caller: Caller, *, arn: str, thumbprints: Sequence[str]
) -> None:
    """Replace the thumbprints of a provider. Raises AccessDenied, InvalidInput, OIDCProviderNotFound."""
    check_thumbprints(thumbprints)

    def edit(row: OIDCProviderRow) -> OIDCProviderRow:
        return replace(row, thumbprints=tuple(dict.fromkeys(thumbprints)))

    await change_oidc_provider(services, caller, "UpdateOpenIDConnectProviderThumbprint", arn, edit)


@operation("AddClientIDToOpenIDConnectProvider", service="iam", resource=None)
async def add_client_id_to_openid_connect_provider(
    services: Services, caller: Caller, *, arn: str, client_id: str
) -> None:
    """Believe tokens for another audience; once more changes nothing.

    Raises AccessDenied, ValidationError, OIDCProviderNotFound, QuotaExceeded.
    """

    def edit(row: OIDCProviderRow) -> OIDCProviderRow:
        client_ids = tuple(dict.fromkeys((*row.client_ids, client_id)))
        check_client_ids(client_ids)
        return replace(row, client_ids=client_ids)

    await change_oidc_provider(services, caller, "AddClientIDToOpenIDConnectProvider", arn, edit)


@operation("RemoveClientIDFromOpenIDConnectProvider", service="iam", resource=None)
async def remove_client_id_from_openid_connect_provider(
    services: Services, caller: Caller, *, arn: str, client_id: str
) -> None:
    """Believe tokens for an audience no longer; one that is not there is fine.

    Raises AccessDenied, OIDCProviderNotFound.
    """

    def edit(row: OIDCProviderRow) -> OIDCProviderRow:
        return replace(row, client_ids=tuple(one for one in row.client_ids if one != client_id))

    await change_oidc_provider(services, caller, "RemoveClientIDFromOpenIDConnectProvider", arn, edit)


async def change_oidc_provider(
    services: Services,
    caller: Caller,
    name: str,
    arn: str,
    edit: Callable[[OIDCProviderRow], OIDCProviderRow],
    context: Context | None = None,
) -> None:
    """Replace a provider by what ``edit`` makes of it as it is now, if the caller may call ``iam:NAME`` on it.

    Raises AccessDenied, OIDCProviderNotFound.
    """
    asked = await ask_on_oidc_provider(services, caller, name, arn, context)

    def run(connection: Connection, _now: int) -> None:
        row = identities.find_oidc_provider(connection, asked.account, asked.url)
        if row is None:
            raise OIDCProviderNotFound(arn)
        identities.replace_oidc_provider(connection, edit(row))

    await change(services, caller, name, run, provider=arn)


@operation("DeleteOpenIDConnectProvider", service="iam", resource=None)
async def delete_openid_connect_provider(services: Services, caller: Caller, *, arn: str) -> None:
    """Trust an issuer no longer. Raises AccessDenied, OIDCProviderNotFound."""
    await ask_on_oidc_provider(services, caller, "DeleteOpenIDConnectProvider", arn)

    def run(connection: Connection, _now: int) -> None:
        if not identities.delete_oidc_provider(connection, arn):
            raise OIDCProviderNotFound(arn)

    await change(services, caller, "DeleteOpenIDConnectProvider", run, provider=arn)
