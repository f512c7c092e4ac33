"""Data keys: made for one blob or manifest, stored wrapped, and kept unwrapped for a minute."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Self

import msgspec

from entrepot.core.clock import MINUTE, Clock
from entrepot.keys.port import Context, DataKey, KeyWrapping

#: How long an unwrapped data key is kept, and how many of them.
KEPT_FOR = MINUTE
KEPT_AT_MOST = 1024


@dataclass(frozen=True, slots=True)
class Encryption:
    """What the data keys of a repository are wrapped by.

    ``key_arn`` is that of a KMS key, or empty for the registry's own. ``layers`` are independent data keys, each
    frame being encrypted under one after the other.
    """

    key_arn: str
    layers: int


@dataclass(frozen=True, slots=True)
class NewDataKeys:
    """The data keys of something new, one a layer, and what is stored of them."""

    secrets: tuple[bytes, ...] = field(repr=False)
    wrapped: bytes = field(repr=False)


class _Wrapped(msgspec.Struct, frozen=True, array_like=True):
    """What is stored, as MessagePack."""

    key_arn: str
    context: dict[str, str]
    data_keys: tuple[bytes, ...]

    @classmethod
    def parse(cls, stored: bytes) -> Self:
        return msgspec.msgpack.decode(stored, type=cls)


def layers_of(wrapped: bytes) -> int:
    """How many data keys these are, without unwrapping them."""
    return len(_Wrapped.parse(wrapped).data_keys)


class DataKeys:
    """Makes and unwraps data keys by a KMS, and by the ``own`` key of the registry."""

    def __init__(self, kms: KeyWrapping, own: KeyWrapping, clock: Clock) -> None:
        self._kms = kms
        self._own = own
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[int, tuple[bytes, ...]]] = OrderedDict()

    def __repr__(self) -> str:
        return f"DataKeys({len(self._kept)} kept)"

    async def generate(self, encryption: Encryption, context: Context) -> NewDataKeys:
        """New data keys; raises KeyUnusable, KeyServiceUnavailable."""
        made: list[DataKey] = [
            await self._wrapping(encryption.key_arn).generate_data_key(encryption.key_arn, context)
            for _ in range(encryption.layers)
        ]
        stored = _Wrapped(encryption.key_arn, dict(context), tuple(key.wrapped for key in made))
        new = NewDataKeys(tuple(key.secret for key in made), msgspec.msgpack.encode(stored))
        self._keep(new.wrapped, new.secrets)
        return new

    async def unwrap(self, wrapped: bytes) -> tuple[bytes, ...]:
        """Data keys that ``generate`` has made; raises KeyUnusable, KeyServiceUnavailable."""
        kept = self._kept.get(wrapped)
        if kept is not None and self._clock() < kept[0]:
            return kept[1]
        stored = _Wrapped.parse(wrapped)
        wrapping = self._wrapping(stored.key_arn)
        secrets = [await wrapping.decrypt(stored.key_arn, each, stored.context) for each in stored.data_keys]
        self._keep(wrapped, tuple(secrets))
        return tuple(secrets)

    def _wrapping(self, key_arn: str) -> KeyWrapping:
        return self._kms if key_arn else self._own

    def _keep(self, wrapped: bytes, secrets: tuple[bytes, ...]) -> None:
        now = self._clock()
        self._kept[wrapped] = (now + KEPT_FOR, secrets)
        self._kept.move_to_end(wrapped)
        while len(self._kept) > KEPT_AT_MOST or next(iter(self._kept.values()))[0] <= now:
            self._kept.popitem(last=False)
