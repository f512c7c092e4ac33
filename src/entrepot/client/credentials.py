"""The access key that requests are signed with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from entrepot.client.errors import BadCredentials

_ID, _SECRET, _TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An access key; ``source`` says where it is from, for people."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    source: str

    def __post_init__(self) -> None:
        sent = self.access_key_id + (self.session_token or "")
        if not (sent.isascii() and sent.isprintable()):
            raise BadCredentials(f"the access key from {self.source} has characters that no access key has")

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> Self | None:
        """Those of AWS's variables, None where they are not set; raises BadCredentials for a half."""
        access_key_id, secret = environment.get(_ID), environment.get(_SECRET)
        if bool(access_key_id) != bool(secret):
            raise BadCredentials(f"{_ID} and {_SECRET} are given together or not at all")
        if not access_key_id or not secret:
            return None
        return cls(
            access_key_id=access_key_id,
            secret_access_key=secret,
            session_token=environment.get(_TOKEN) or None,
            source=_ID,
        )
