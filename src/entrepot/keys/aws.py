"""AWS KMS, or anything that speaks its API, by boto3 in threads."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from entrepot.core.partitions import RegistryId
from entrepot.keys.port import Context, DataKey, KeyServiceUnavailable, KeyUnusable

T = TypeVar("T")

#: What may pass by itself (KMS API reference: the errors with a status of 5xx, and throttling).
_PASSING = {
    "DependencyTimeoutException",
    "KMSInternalException",
    "KeyUnavailableException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "InternalFailure",
}
#: What KMS says of a key in each state but Enabled.
_STATES = {
    "Disabled": ("DisabledException", "{arn} is disabled."),
    "PendingDeletion": ("KMSInvalidStateException", "{arn} is pending deletion."),
}
_CONNECTIONS = 16


def connect_kms(*, endpoint: str | None, region: str) -> Any:
    """A client by boto3's own credentials: the environment, its files, the machine's role.

    Typed as Any, for the stubs of KMS are no part of the project; what is called is in this module alone.
    """
    session: Any = boto3.Session()
    return session.client(
        "kms",
        endpoint_url=endpoint,
        region_name=region,
        config=Config(
            connect_timeout=3,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 3},
            max_pool_connections=_CONNECTIONS,
        ),
    )


class AWSKeyProvider:
    """See KeyProvider. What is not an ARN is in the account and region of the client's credentials."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def describe(self, key_id: str, registry: RegistryId) -> str:  # noqa: ARG002 (the credentials have one)
        """See KeyProvider."""
        found = (await _run(self._client.describe_key, KeyId=key_id))["KeyMetadata"]
        arn, state = found["Arn"], found.get("KeyState", "Enabled")
        if state != "Enabled":
            code, reason = _STATES.get(state, ("KMSInvalidStateException", "{arn} is not usable."))
            raise KeyUnusable(code, reason.format(arn=arn))
        return arn

    async def generate_data_key(self, key_arn: str, context: Context) -> DataKey:
        """See KeyProvider."""
        made = await _run(
            self._client.generate_data_key, KeyId=key_arn, KeySpec="AES_256", EncryptionContext=dict(context)
        )
        return DataKey(made["Plaintext"], made["CiphertextBlob"])

    async def decrypt(self, key_arn: str, wrapped: bytes, context: Context) -> bytes:
        """See KeyProvider."""
        opened = await _run(
            self._client.decrypt, KeyId=key_arn, CiphertextBlob=wrapped, EncryptionContext=dict(context)
        )
        return opened["Plaintext"]


async def _run(call: Callable[..., T], **members: object) -> T:
    try:
        return await asyncio.to_thread(call, **members)
    except ClientError as error:
        said = error.response.get("Error", {})
        code, reason = said.get("Code", "KMSInternalException"), said.get("Message", "") or "no reason is given"
        if code in _PASSING:
            raise KeyServiceUnavailable(code, reason) from error
        raise KeyUnusable(code, reason) from error
    except BotoCoreError as error:
        raise KeyServiceUnavailable("DependencyTimeoutException", type(error).__name__) from error
