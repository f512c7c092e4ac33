"""Where a request comes from: the socket's peer, or what a proxy that is trusted says of it."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from entrepot.fronts.asgi import Request
from entrepot.operations.caller import Origin

Networks = Sequence[IPv4Network | IPv6Network]


def origin_of(request: Request, trusted: Networks) -> Origin:
    """The origin of a request.

    X-Forwarded-For and X-Forwarded-Proto count only when the peer is trusted. The client is then the last address
    in the list that is not a trusted proxy's: what stands before it is the client's own word.
    """
    client = request.scope.get("client")
    peer = client[0] if client else ""
    user_agent = request.header(b"user-agent") or ""
    if not trusted or not _is_trusted(peer, trusted):
        return Origin(peer, request.scope.get("scheme") == "https", user_agent)
    forwarded = b",".join(value for name, value in request.headers if name == b"x-forwarded-for")
    hops = [hop.strip() for hop in forwarded.decode("latin-1").split(",") if hop.strip()]
    source = next((hop for hop in reversed(hops) if not _is_trusted(hop, trusted)), peer)
    schemes = [value for name, value in request.headers if name == b"x-forwarded-proto"]
    return Origin(source, schemes[-1:] == [b"https"], user_agent)


def _is_trusted(text: str, trusted: Networks) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in trusted)
