"""The clients of boto3 and the CLI: the registry is in process, all between the call and its answer is Amazon's."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

import httpx
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from botocore.session import get_session
from tests.api.clients import HOST, REGION

from entrepot.core.clock import SECOND, system_clock
from entrepot.testing.registry import ACCOUNT_ID, RunningRegistry

ROOT = f"arn:aws:iam::{ACCOUNT_ID}:root"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "sts:AssumeRole"}],
}
MAY_ASSUME = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}],
}
POWER_USER = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPowerUser"


class Raw(BytesIO):
    """A body as botocore reads it."""

    def stream(self) -> Iterator[bytes]:
        """All of it."""
        yield self.read()


class Clients:
    """Makes clients whose requests the registry answers, by the clock of the machine: botocore reads that."""

    def __init__(self, registry: RunningRegistry) -> None:
        registry.clock.now = system_clock()
        self._registry = registry
        self._loop = asyncio.get_running_loop()
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(registry.application))

    def __call__(self, service: str, credentials: Mapping[str, str] | None = None) -> Any:
        """A client by these credentials, or by the root's."""
        held = credentials or {
            "AccessKeyId": self._registry.access_key_id,
            "SecretAccessKey": self._registry.secret_access_key,
        }
        client: Any = get_session().create_client(  # pyright: ignore[reportUnknownMemberType] (its arguments are untyped)
            service,
            region_name=REGION,
            endpoint_url=f"http://{HOST}",
            aws_access_key_id=held["AccessKeyId"],
            aws_secret_access_key=held["SecretAccessKey"],
            aws_session_token=held.get("SessionToken"),
        )
        client.meta.events.register("before-send", self._send)
        return client

    def _send(self, request: Any, **_: object) -> AWSResponse:
        """Called in the thread of the client."""
        headers = {name: _text(value) for name, value in request.headers.items()}
        sending = self._http.request("POST", request.url, content=request.body, headers=headers)
        answer = asyncio.run_coroutine_threadsafe(sending, self._loop).result(30)
        received: Any = dict(answer.headers)
        return AWSResponse(request.url, answer.status_code, received, Raw(answer.content))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@pytest.fixture
async def clients(registry: RunningRegistry) -> Clients:
    """Clients of the registry."""
    return Clients(registry)


async def test_a_session_of_a_role_uses_the_registry(registry: RunningRegistry, clients: Clients) -> None:
    """From nothing: a user, a role, a session, a repository."""

    def set_up() -> Mapping[str, str]:
        iam = clients("iam")
        iam.create_user(UserName="ann")
        iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=json.dumps(MAY_ASSUME))
        role = iam.create_role(RoleName="pusher", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
        iam.attach_role_policy(RoleName="pusher", PolicyArn=POWER_USER)
        assert iam.get_role(RoleName="pusher")["Role"]["AssumeRolePolicyDocument"] == TRUST
        key = iam.create_access_key(UserName="ann")["AccessKey"]
        assumed = clients("sts", key).assume_role(RoleArn=role["Arn"], RoleSessionName="ci")
        return assumed["Credentials"]

    def use(credentials: Mapping[str, str]) -> None:
        identity = clients("sts", credentials).get_caller_identity()
        assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/pusher/ci"
        ecr = clients("ecr", credentials)
        assert ecr.describe_repositories()["repositories"] == []
        with pytest.raises(ClientError, match="AccessDeniedException"):
            ecr.create_repository(repositoryName="app")

    credentials = await asyncio.to_thread(set_up)
    registry.clock.advance(SECOND)
    await asyncio.to_thread(use, credentials)


async def test_errors_are_exceptions_of_the_service(clients: Clients) -> None:
    """By their codes, and pages are joined by paginators."""

    def use() -> list[str]:
        iam = clients("iam")
        with pytest.raises(iam.exceptions.NoSuchEntityException):
            iam.get_user(UserName="nobody")
        for name in ("c", "a", "b"):
            iam.create_user(UserName=name)
        with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
            iam.create_user(UserName="a")
        sts = clients("sts")
        with pytest.raises(sts.exceptions.InvalidIdentityTokenException):
            sts.assume_role_with_web_identity(
                RoleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/ci", RoleSessionName="ci", WebIdentityToken="none"
            )
        pages = iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2})
        return [user["UserName"] for page in pages for user in page["Users"]]

    assert await asyncio.to_thread(use) == ["a", "b", "c"]
