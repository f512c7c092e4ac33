"""Basic credentials (RFC 7617)."""

import binascii
from base64 import b64decode
from functools import lru_cache


# Kept, for a client sends the same in every request. Few are, for they may be long.
@lru_cache(maxsize=32)
def parse_basic(header: str) -> tuple[str, str] | None:
    """User and password of an Authorization header; None for anything else."""
    scheme, _, parameter = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = b64decode(parameter.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None
