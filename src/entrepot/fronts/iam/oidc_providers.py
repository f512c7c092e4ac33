"""OpenID Connect identity providers on the wire."""

from entrepot.core.clock import iso_time
from entrepot.fronts.iam.members import pairs, tags_of
from entrepot.fronts.query import Call, Handler
from entrepot.operations.iam import oidc_providers
from entrepot.protocol.iam import extensions, shapes
from entrepot.protocol.query.xml import Result


async def _create(call: Call, request: extensions.CreateOpenIDConnectProviderRequest) -> Result:
    created = await oidc_providers.create_openid_connect_provider(
        call.services,
        call.caller,
        url=request.url,
        client_ids=request.client_idlist or (),
        thumbprints=request.thumbprint_list or (),
        jwks=request.json_web_key_set,
        tags=pairs(request.tags),
    )
    return {"OpenIDConnectProviderArn": created.arn, "Tags": tags_of(created.tags)}


async def _get(call: Call, request: shapes.GetOpenIDConnectProviderRequest) -> Result:
    found = await oidc_providers.get_openid_connect_provider(
        call.services, call.caller, arn=request.open_idconnect_provider_arn
    )
    return {
        "Url": found.url,
        "ClientIDList": found.client_ids,
        "ThumbprintList": found.thumbprints,
        "CreateDate": iso_time(found.created_at),
        "Tags": tags_of(found.tags),
        "JsonWebKeySet": found.jwks,
    }


async def _list(call: Call, _request: shapes.ListOpenIDConnectProvidersRequest) -> Result:
    found = await oidc_providers.list_openid_connect_providers(call.services, call.caller)
    return {"OpenIDConnectProviderList": [{"Arn": provider.arn} for provider in found]}


async def _update_thumbprints(call: Call, request: shapes.UpdateOpenIDConnectProviderThumbprintRequest) -> None:
    await oidc_providers.update_openid_connect_provider_thumbprint(
        call.services,
        call.caller,
        arn=request.open_idconnect_provider_arn,
        thumbprints=request.thumbprint_list,
    )


async def _add_client_id(call: Call, request: shapes.AddClientIDToOpenIDConnectProviderRequest) -> None:
    await oidc_providers.add_client_id_to_openid_connect_provider(
        call.services, call.caller, arn=request.open_idconnect_provider_arn, client_id=request.client_id
    )


async def _remove_client_id(call: Call, request: shapes.RemoveClientIDFromOpenIDConnectProviderRequest) -> None:
    await oidc_providers.remove_client_id_from_openid_connect_provider(
        call.services, call.caller, arn=request.open_idconnect_provider_arn, client_id=request.client_id
    )


async def _delete(call: Call, request: shapes.DeleteOpenIDConnectProviderRequest) -> None:
    await oidc_providers.delete_openid_connect_provider(
        call.services, call.caller, arn=request.open_idconnect_provider_arn
    )


HANDLERS: dict[str, Handler] = {
    "AddClientIDToOpenIDConnectProvider": _add_client_id,
    "CreateOpenIDConnectProvider": _create,
    "DeleteOpenIDConnectProvider": _delete,
    "GetOpenIDConnectProvider": _get,
    "ListOpenIDConnectProviders": _list,
    "RemoveClientIDFromOpenIDConnectProvider": _remove_client_id,
    "UpdateOpenIDConnectProviderThumbprint": _update_thumbprints,
}
