"""Bad calls of the ECR API: each gets the error that ECR has for it, and changes nothing."""

import json
from uuid import uuid4

import pytest
from tests.live.images import digest_of
from tests.live.stage import Stage, assert_ecr_error
from tests.live.wire import TARGET, api_request, call, request_head

ABSENT = digest_of(b"absent")

pytestmark = pytest.mark.usefixtures("nothing_changes")


@pytest.mark.parametrize(
    ("operation", "body", "code"),
    [
        ("DescribeRepositories", b"{", "SerializationException"),
        ("DescribeRepositories", b"[]", "SerializationException"),
        ("DescribeRepositories", b"\xff", "SerializationException"),
        ("DescribeRepositories", b"[" * 50_000, "SerializationException"),
        ("DescribeRepositories", {"repositoryNames": 5}, "SerializationException"),
        ("DescribeRepositories", {"maxResults": 5000}, "InvalidParameterException"),
        ("DescribeRepositories", {"nextToken": "none of ours"}, "InvalidParameterException"),
        ("CreateRepository", {}, "InvalidParameterException"),
        ("CreateRepository", {"repositoryName": "UPPER"}, "InvalidParameterException"),
        ("CreateRepository", {"repositoryName": "../../etc"}, "InvalidParameterException"),
        ("CreateRepository", {"repositoryName": "a" * 300}, "InvalidParameterException"),
        ("CreateRepository", {"repositoryName": "a\u0000b"}, "InvalidParameterException"),
        ("DeleteRepository", {"repositoryName": "no/such"}, "RepositoryNotFoundException"),
        ("DeleteRepository", {"repositoryName": "no/such", "registryId": "x"}, "InvalidParameterException"),
        ("InitiateLayerUpload", {"repositoryName": "no/such"}, "RepositoryNotFoundException"),
        ("NoSuchOperation", {}, "UnknownOperationException"),
        ("", {}, "UnknownOperationException"),
    ],
)
def test_bad_api_call(stage: Stage, operation: str, body: bytes | dict[str, object], code: str) -> None:
    """A signed call that makes no sense gets the error that ECR has for it."""
    assert_ecr_error(call(stage.server, *api_request(stage.server, operation, body)), code)


@pytest.mark.parametrize(
    ("upload", "first", "last", "data", "code"),
    [
        ("no-upload", 0, 4, "MTIzNDU=", "InvalidParameterException"),
        (str(uuid4()), 0, 4, "MTIzNDU=", "UploadNotFoundException"),
        (None, 0, 5, "MTIzNDU=", "InvalidLayerPartException"),
        (None, 4, 0, "MTIzNDU=", "InvalidParameterException"),
        (None, -1, 4, "MTIzNDU=", "InvalidParameterException"),
        (None, 1, 5, "MTIzNDU=", "InvalidLayerPartException"),
        (None, 0, 4, "not base64!", "SerializationException"),
        (None, 0, 4, 12345, "SerializationException"),
    ],
)
def test_bad_layer_part(stage: Stage, upload: str | None, first: int, last: int, data: object, code: str) -> None:
    """A part that lies about its place, its length or its upload is refused; the upload stays empty."""
    opened = stage.server.ecr().initiate_layer_upload(repositoryName=stage.repository.name)["uploadId"]
    body = {
        "repositoryName": stage.repository.name,
        "uploadId": upload or opened,
        "partFirstByte": first,
        "partLastByte": last,
        "layerPartBlob": data,
    }

    answer = call(stage.server, *api_request(stage.server, "UploadLayerPart", body))

    assert_ecr_error(answer, code)
    done = {"repositoryName": stage.repository.name, "uploadId": opened, "layerDigests": [ABSENT]}
    assert_ecr_error(
        call(stage.server, *api_request(stage.server, "CompleteLayerUpload", done)), "EmptyUploadException"
    )


def test_oversized_api_body_is_refused_before_it_is_read(stage: Stage) -> None:
    """A body that no operation may have is refused by its Content-Length alone."""
    head, _ = api_request(stage.server, "DescribeRepositories", b" ")
    head = head.replace(b"Content-Length: 1\r\n", b"Content-Length: 10000000000\r\n")

    answer = call(stage.server, head)

    assert 400 <= answer.status < 500
    assert json.loads(answer.body)["__type"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "MissingAuthenticationTokenException"),
        ({"Authorization": "AWS4-HMAC-SHA256 Credential="}, "IncompleteSignatureException"),
        ({"Authorization": "Basic QVdTOnBhc3M="}, "MissingAuthenticationTokenException"),
    ],
)
def test_unsigned_api_call(stage: Stage, headers: dict[str, str], code: str) -> None:
    """A call without a signature, or with something else in its place, is refused before its body is looked at."""
    always = {
        "Host": stage.server.host,
        "X-Amz-Target": f"{TARGET}.DescribeRepositories",
        "Content-Type": "application/x-amz-json-1.1",
        "Content-Length": "2",
    }

    assert_ecr_error(call(stage.server, request_head("POST", "/", always | headers), b"{}"), code)


def test_wrongly_signed_api_call(stage: Stage) -> None:
    """Another secret, another key, an altered body or an old date: each has its own error."""

    def refused(head: bytes, body: bytes, code: str) -> None:
        """The call is refused with this code."""
        assert_ecr_error(call(stage.server, head, body), code)

    signed = ("DescribeRepositories", b"{}")
    refused(*api_request(stage.server, *signed, secret="another"), "InvalidSignatureException")
    refused(*api_request(stage.server, *signed, access_key_id="AKIANOBODY"), "UnrecognizedClientException")
    head, _ = api_request(stage.server, *signed)
    refused(head, b"[]", "InvalidSignatureException")
    old = head.replace(b"X-Amz-Date: 20", b"X-Amz-Date: 19")
    assert old != head
    refused(old, b"{}", "InvalidSignatureException")


def test_download_url_is_worth_nothing_when_altered(stage: Stage) -> None:
    """A URL of GetDownloadUrlForLayer answers for its layer alone, and no longer than it says."""
    ecr = stage.server.ecr()
    layer = digest_of(stage.image.blobs[1])
    url = ecr.get_download_url_for_layer(repositoryName=stage.repository.name, layerDigest=layer)["downloadUrl"]
    path = "/" + url.partition("://")[2].partition("/")[2]

    def status(path: str, method: str = "GET") -> int:
        """The answer to a request without any password."""
        return stage.send(method, path, Authorization=None).status

    assert status(path) == 200
    assert status(path, "HEAD") == 200
    for altered in (
        path[:-1] + ("A" if path[-1] != "A" else "B"),
        path.partition("?")[0],
        path.replace(layer[-8:], "0" * 8),
    ):
        if altered != path:
            assert 400 <= status(altered) < 500
    for method in ("PUT", "DELETE", "POST", "PATCH"):
        assert 400 <= status(path, method) < 500
