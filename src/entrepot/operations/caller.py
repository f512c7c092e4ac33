"""Who asks, of which registry, and from where."""

import msgspec

from entrepot.core.partitions import RegistryId
from entrepot.features.identity.principal import Principal


class Origin(msgspec.Struct, frozen=True):
    """Where a request comes from: ``source_ip`` as text, "" when the server does not know it."""

    source_ip: str = ""
    is_secure: bool = False
    user_agent: str = ""


class Caller(msgspec.Struct, frozen=True):
    """Who asks, of which registry; ``request_id`` is what the client is told and the audit record holds."""

    principal: Principal
    registry: RegistryId
    request_id: str
    origin: Origin = Origin()
