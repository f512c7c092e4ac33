"""GetAuthorizationToken on the wire."""

from base64 import b64encode

from entrepot.core.partitions import RegistryId
from entrepot.fronts.ecr.call import Call, Handler, seconds
from entrepot.operations.identity import get_authorization_token
from entrepot.protocol.ecr import shapes


async def _get_token(
    call: Call, request: shapes.GetAuthorizationTokenRequest
) -> shapes.GetAuthorizationTokenResponse:
    issued = await get_authorization_token(call.services, call.caller)
    token = b64encode(f"AWS:{issued.password}".encode()).decode()
    own = call.caller.registry
    registries = [RegistryId(account, own.region) for account in request.registry_ids or (own.account,)]
    return shapes.GetAuthorizationTokenResponse(
        authorization_data=[
            shapes.AuthorizationData(
                authorization_token=token,
                expires_at=seconds(issued.expires_at),
                proxy_endpoint=call.services.public_url.endpoint(registry),
            )
            for registry in registries
        ]
    )


HANDLERS: dict[str, Handler] = {"GetAuthorizationToken": _get_token}
