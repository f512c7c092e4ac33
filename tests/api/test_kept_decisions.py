"""A decision is kept for no longer, and for nobody else, than what it was made of allows."""

import json

import httpx
import pytest
from tests.api.clients import ECR, HOST, errors_of, oci_client, password
from tests.api.query_clients import Query

from entrepot.core.clock import SECOND, iso_time
from entrepot.testing.registry import RunningRegistry

Condition = dict[str, dict[str, str]]


def listing(condition: Condition) -> str:
    """A policy that lets tags be listed on a condition."""
    anyway = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
    once = {"Effect": "Allow", "Action": "ecr:ListImages", "Resource": "*", "Condition": condition}
    return json.dumps({"Version": "2012-10-17", "Statement": [anyway, once]})


@pytest.fixture
async def iam(registry: RunningRegistry) -> Query:
    """IAM, by the root key."""
    return Query(registry, "iam")


async def alice(registry: RunningRegistry, iam: Query, condition: Condition) -> ECR:
    """The API, by a user who may list tags on a condition."""
    await iam("CreateUser", UserName="alice")
    await iam("PutUserPolicy", UserName="alice", PolicyName="list", PolicyDocument=listing(condition))
    key = (await iam("CreateAccessKey", UserName="alice"))["AccessKey"]
    return ECR(registry, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])


async def test_a_leave_that_ends_is_not_kept_beyond_its_second(
    registry: RunningRegistry, iam: Query, repository: str
) -> None:
    """However often it was used before."""
    end = registry.clock() // SECOND * SECOND + 2 * SECOND
    user = await alice(registry, iam, {"DateLessThan": {"aws:CurrentTime": iso_time(end)}})
    before = [await user("ListImages", repositoryName=repository) for _ in range(3)]

    registry.clock.now = end - 1
    last = await user("ListImages", repositoryName=repository)
    registry.clock.now = end
    refused = await user.error("ListImages", repositoryName=repository)

    assert [*before, last] == [{"imageIds": []}] * 4
    assert refused["__type"] == "AccessDeniedException"


async def test_a_leave_for_one_place_is_not_kept_for_another(
    registry: RunningRegistry, iam: Query, repository: str
) -> None:
    """In the same second, with the same token."""
    user = await alice(registry, iam, {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    async with oci_client(registry, await password(user)) as logged_in:
        auth = logged_in.auth

    async def list_from(address: str) -> httpx.Response:
        transport = httpx.ASGITransport(registry.application, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}", auth=auth) as client:
            return await client.get(f"/v2/{repository}/tags/list")

    answers = [await list_from(address) for address in ("10.0.0.1", "192.0.2.1", "10.0.0.1", "10.1.1.1")]

    assert [answer.status_code for answer in answers] == [200, 403, 200, 200]
    assert errors_of(answers[1])[1] == "DENIED"
