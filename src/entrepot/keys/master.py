"""The registry's own key, for repositories of type AES256: derived from the master key."""

from entrepot.keys.port import Context, DataKey, KeyUnusable
from entrepot.keys.wrapping import unwrap, wrap_new
from entrepot.protocol.tokens import MasterKey


class MasterKeyWrapping:
    """See KeyWrapping; there is one key, which has no ARN. A data key says which master key it goes with."""

    def __init__(self, master: MasterKey) -> None:
        self._id = master.id
        self._secret = master.derive("encryption at rest")

    def __repr__(self) -> str:
        return f"MasterKeyWrapping({self._id.hex()})"

    async def generate_data_key(self, key_arn: str, context: Context) -> DataKey:
        """See KeyWrapping."""
        made = wrap_new(self._secret, key_arn, context)
        return DataKey(made.secret, self._id + made.wrapped)

    async def decrypt(self, key_arn: str, wrapped: bytes, context: Context) -> bytes:
        """See KeyWrapping."""
        key_id, rest = wrapped[: len(self._id)], wrapped[len(self._id) :]
        if key_id != self._id:
            raise KeyUnusable("IncorrectKeyException", f"It was encrypted with the master key {key_id.hex()}")
        return unwrap(self._secret, key_arn, rest, context)
