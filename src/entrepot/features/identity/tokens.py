"""The tokens of ``/v2/``: what GetAuthorizationToken hands out, and what the token endpoint makes of one."""

import msgspec

from entrepot.features.identity.sessions import Session
from entrepot.protocol.tokens import Expiring


class AuthorizationToken(Expiring, frozen=True, kw_only=True, array_like=True):
    """The password of ``docker login``: who asked for it, with which access key, for which region.

    ``session`` is set for temporary credentials; the token outlives it, as ECR's does.
    """

    purpose = "authorization token"

    principal_id: str
    account: str
    region: str
    access_key_id: str
    session: Session | None = None


class Scope(msgspec.Struct, frozen=True, array_like=True):
    """What a bearer token is for: actions (``pull``, ``push``, ``delete``) on one repository."""

    repository: str
    actions: tuple[str, ...]


class BearerToken(Expiring, frozen=True, kw_only=True, array_like=True):
    """What the token endpoint hands out: somebody's token, or nobody's, for these scopes and no others.

    Scopes narrow and never grant: whether the holder may is asked at each request, as without them.
    """

    purpose = "bearer token"

    holder: AuthorizationToken | None
    scopes: tuple[Scope, ...]
