"""Error bodies of ``/v2/`` (OCI distribution spec 1.1, "Error Codes")."""

import msgspec


def encode_error(code: str, message: str) -> bytes:
    """``{"errors":[{"code":…,"message":…}]}``."""
    return msgspec.json.encode({"errors": [{"code": code, "message": message}]})
