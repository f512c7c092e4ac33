"""Basic credentials (RFC 7617)."""

import binascii
from base64 import b64decode


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
