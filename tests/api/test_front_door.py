"""What ``POST /`` refuses before an operation is reached, and what else the port answers."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.api.clients import CONTENT_TYPE, ECR, TARGET

from entrepot.core.clock import MINUTE, SECOND
from entrepot.fronts.ecr.front import HANDLERS
from entrepot.protocol.ecr.shapes import OPERATIONS
from entrepot.testing.registry import RunningRegistry

#: What is decided before the database is asked does not depend on it.
pytestmark = pytest.mark.parametrize("metadata", ["sqlite"], indirect=True)


@pytest.fixture
async def client(registry: RunningRegistry) -> AsyncIterator[httpx.AsyncClient]:
    """Anybody."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(registry.application), base_url="http://localhost:5000"
    ) as client:
        yield client


async def test_every_answer_has_a_request_id(ecr: ECR) -> None:
    """Botocore reads it from this header, also beside an error."""
    good = await ecr.send("DescribeRepositories", b"{}")
    bad = await ecr.send("DescribeRepositories", b"[]")

    assert len({answer.headers["x-amzn-requestid"] for answer in (good, bad)}) == 2


@pytest.mark.parametrize("operation", sorted({*OPERATIONS} - {*HANDLERS} | {"Nonsense", ""}))
async def test_an_operation_that_is_not_built_is_answered_as_aws_answers_an_unknown_one(
    ecr: ECR, operation: str
) -> None:
    """With a type and no message."""
    assert await ecr.error(operation) == {"__type": "UnknownOperationException"}


async def test_an_operation_of_another_service_is_unknown(ecr: ECR, client: httpx.AsyncClient) -> None:
    """The target has to be ECR's."""
    request = ecr.signed("", b"{}", {"x-amz-target": "SpencerFrontendService.DescribeRepositories"})

    answer = await client.send(request)

    assert answer.json() == {"__type": "UnknownOperationException"}


async def test_a_request_without_a_signature_is_refused(client: httpx.AsyncClient) -> None:
    """Whatever it asks for."""
    answer = await client.post("/", content=b"{}", headers={"x-amz-target": f"{TARGET}DescribeRepositories"})

    assert answer.status_code == 400
    assert answer.headers["content-type"] == CONTENT_TYPE
    assert answer.json() == {
        "__type": "MissingAuthenticationTokenException",
        "message": "Missing Authentication Token",
    }


async def test_an_unknown_access_key_is_refused(registry: RunningRegistry) -> None:
    """Before the body is read."""
    assert await ECR(registry, access_key_id="AKIAUNKNOWN000000000").error("DescribeRepositories") == {
        "__type": "UnrecognizedClientException",
        "message": "The security token included in the request is invalid.",
    }


async def test_another_secret_is_refused(registry: RunningRegistry) -> None:
    """The signature is really verified."""
    refused = await ECR(registry, secret_access_key="guessed").error("DescribeRepositories")

    assert refused["__type"] == "InvalidSignatureException"
    assert refused["message"].startswith("The request signature we calculated does not match")


async def test_another_body_than_was_signed_is_refused(ecr: ECR, client: httpx.AsyncClient) -> None:
    """A signature is for one body."""
    request = ecr.signed("CreateRepository", b'{"repositoryName": "mine"}')
    changed = client.build_request(
        "POST", request.url, headers=request.headers, content=b'{"repositoryName": "evil"}'
    )

    answer = await client.send(changed)

    assert answer.json()["__type"] == "InvalidSignatureException"
    assert await ecr("DescribeRepositories") == {"repositories": []}


@pytest.mark.parametrize(("minutes", "word"), [(6, "expired"), (-6, "not yet current")])
async def test_a_signature_is_good_for_five_minutes(
    ecr: ECR, client: httpx.AsyncClient, registry: RunningRegistry, minutes: int, word: str
) -> None:
    """By the registry's clock, before and after."""
    near, far = (ecr.signed("DescribeRepositories", b"{}") for _ in range(2))

    registry.clock.advance(minutes // 6 * 5 * MINUTE)
    accepted = await client.send(near)
    registry.clock.advance(minutes // 6 * SECOND)
    refused = await client.send(far)

    assert accepted.status_code == 200
    assert refused.json()["message"].startswith(f"Signature {word}: ")


async def test_a_signature_for_another_service_is_refused(registry: RunningRegistry) -> None:
    """Credentials of other services are no use here."""
    refused = await ECR(registry, service="s3").error("DescribeRepositories")

    assert refused == {
        "__type": "InvalidSignatureException",
        "message": "Credential should be scoped to correct service: 'ecr'.",
    }


BAD_BODIES = {
    "no JSON": (b"{", "The request body cannot be read as JSON"),
    "a list": (b"[]", "Start of list found where not expected"),
    "a number for a string": (b'{"repositoryName": 1}', "NUMBER_VALUE can not be converted to a String"),
    "no UTF-8": (b'{"repositoryName": "\xff"}', "The request body cannot be read as JSON"),
    "too deep": (b"[" * 100_000, "The request body cannot be read as JSON"),
}


@pytest.mark.parametrize(("body", "message"), BAD_BODIES.values(), ids=BAD_BODIES)
async def test_a_body_of_another_shape_is_refused(ecr: ECR, body: bytes, message: str) -> None:
    """As a SerializationException."""
    answer = await ecr.send("CreateRepository", body)

    assert (answer.status_code, answer.json()) == (400, {"__type": "SerializationException", "message": message})


async def test_a_body_over_its_limit_is_refused(ecr: ECR, client: httpx.AsyncClient) -> None:
    """By its announced length, and by what arrives."""
    body = json.dumps({"repositoryName": "app", "x": "x" * 256 * 1024}).encode()
    request = ecr.signed("CreateRepository", body)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    headers = {key: value for key, value in request.headers.items() if key != "content-length"}
    announced = await client.send(request)
    arrived = await client.post("/", headers=headers, content=chunks())

    for answer in (announced, arrived):
        assert answer.status_code == 413
        assert answer.json() == {
            "__type": "RequestEntityTooLargeException",
            "message": "The request body exceeds the maximum of 262144 bytes",
        }


async def test_members_that_the_model_does_not_have_are_ignored(ecr: ECR) -> None:
    """Newer SDKs may send more."""
    answer = await ecr("CreateRepository", repositoryName="app", somethingNew={"a": [1]})

    assert answer["repository"]["repositoryName"] == "app"


async def test_null_is_as_good_as_absent(ecr: ECR) -> None:
    """Some SDKs send it."""
    await ecr("CreateRepository", repositoryName="app", registryId=None, tags=None)


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/other"), ("GET", "/index.html")])
async def test_other_paths_say_what_this_is(client: httpx.AsyncClient, method: str, path: str) -> None:
    """In plain text, for whoever opens it in a browser."""
    answer = await client.request(method, path)

    assert answer.status_code == 404
    assert answer.text.startswith("This is a container registry")


async def test_health_and_readiness_need_no_credentials(
    client: httpx.AsyncClient, registry: RunningRegistry
) -> None:
    """A full storage is no reason to be restarted, nor to get no traffic: pulls go on. Readiness tells of it."""
    healthy, ready = await client.get("/-/health"), await client.get("/-/ready")
    registry.storage.capacity = 0
    still_healthy, full = await client.get("/-/health"), await client.get("/-/ready")

    assert {answer.status_code for answer in (healthy, ready, still_healthy, full)} == {200}
    assert ready.json() == {"status": "ready"}
    assert full.json() == {
        "status": "full",
        "failures": ["The registry has no room for new layers and images"],
    }


async def test_a_full_storage_refuses_uploads_and_stays_readable(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """The refusal says why."""
    begun = await ecr("InitiateLayerUpload", repositoryName=repository)
    registry.storage.capacity = 0

    refused = await ecr.error(
        "UploadLayerPart",
        repositoryName=repository,
        uploadId=begun["uploadId"],
        partFirstByte=0,
        partLastByte=0,
        layerPartBlob="MQ==",
    )

    assert refused == {
        "__type": "LimitExceededException",
        "message": "The registry has no room for new layers and images",
    }
    assert len((await ecr("DescribeRepositories"))["repositories"]) == 1
