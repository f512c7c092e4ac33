"""The token endpoint (distribution project, "Token Authentication Specification" and its OAuth 2 form).

A client that was challenged with Bearer comes here with its Basic credentials, or with none where pulls need none,
and gets a token for the scopes that it names. Scopes narrow what the token is good for; they are granted as asked,
since every request is authorised for itself.
"""

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl

import msgspec

from entrepot.core.clock import SECOND, iso_time
from entrepot.features.identity.tokens import Scope
from entrepot.fronts.asgi import BadRequest, Request, Response
from entrepot.fronts.oci.authentication import (
    CATALOG,
    USER,
    Credentials,
    NotAuthenticated,
    TokensBelieved,
    read_credentials,
)
from entrepot.fronts.origin import origin_of
from entrepot.operations.identity import issue_bearer
from entrepot.operations.services import Services

METHODS = ("GET", "POST")
#: The largest form in bytes, and the most scopes of one token.
FORM_LIMIT = 16 * 1024
MAX_SCOPES = 50
_SCOPE = re.compile(r"repository:(?P<name>[a-z0-9._/-]{2,256}):(?P<actions>[a-z*]{1,10}(,[a-z*]{1,10}){0,9})")


async def answer(services: Services, request: Request) -> Response:
    """The answer to a GET with Basic credentials, or a POST of a form; raises NotAuthenticated, BadRequest."""
    if request.method == "POST":
        parameters = await _read_form(request)
        grant = dict(parameters).get("grant_type")
        if grant != "password":
            return _json(400, {"error": "unsupported_grant_type"})
        fields = dict(parameters)
        credentials = Credentials(fields.get("username", ""), fields.get("password", ""))
    else:
        parameters = request.query
        header = request.header(b"authorization")
        credentials = None if header is None else read_credentials(header)
        if credentials is None and header is not None:
            raise NotAuthenticated  # what cannot be read is not nobody's
    if credentials is not None and credentials.user != USER:
        raise NotAuthenticated
    scopes = _scopes([value for name, value in parameters if name == "scope"])
    with TokensBelieved(services, origin_of(request, services.trusted_proxies)):
        issued = await issue_bearer(services, credentials.password if credentials else None, scopes)
    return _json(
        200,
        {
            "token": issued.token,
            "access_token": issued.token,
            "token_type": "Bearer",
            "scope": " ".join(map(_text, scopes)),
            "expires_in": (issued.expires_at - issued.issued_at) // SECOND,
            "issued_at": iso_time(issued.issued_at),
        },
    )


async def _read_form(request: Request) -> list[tuple[str, str]]:
    body = await request.body(FORM_LIMIT)
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=200)
    except ValueError:
        raise BadRequest("The body is not a form") from None


def _scopes(texts: Sequence[str]) -> tuple[Scope, ...]:
    """The scopes of repositories, and the catalog's; others give nothing here and are left out."""
    named = [scope for text in texts for scope in text.split(" ")]
    found = map(_SCOPE.fullmatch, named)
    wanted = tuple(Scope(one["name"], tuple(one["actions"].split(","))) for one in found if one)
    if CATALOG in named:
        wanted += (Scope(CATALOG, ("*",)),)
    if len(wanted) > MAX_SCOPES:
        raise BadRequest(f"A token has at most {MAX_SCOPES} scopes")
    return wanted


def _text(scope: Scope) -> str:
    return CATALOG if scope.repository == CATALOG else f"repository:{scope.repository}:{','.join(scope.actions)}"


def _json(status: int, body: dict[str, object]) -> Response:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return Response(status, headers, msgspec.json.encode(body))
