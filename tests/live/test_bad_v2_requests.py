"""Bad requests to `/v2/`: each gets a 4xx with an OCI error that names the fault, and changes nothing."""

import json
from uuid import uuid4

import pytest
from tests.live.images import IMAGE, digest_of, image
from tests.live.stage import Stage, assert_oci_error

MIB = 1024 * 1024
ABSENT = digest_of(b"absent")

pytestmark = pytest.mark.usefixtures("nothing_changes")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v2/UPPER/tags/list", 400, "NAME_INVALID"),
        ("POST", "/v2/UPPER/blobs/uploads/", 400, "NAME_INVALID"),
        ("POST", "/v2/-team/blobs/uploads/", 400, "NAME_INVALID"),
        ("POST", "/v2/a//b/blobs/uploads/", 400, "NAME_INVALID"),
        ("POST", f"/v2/{'a' * 300}/blobs/uploads/", 400, "NAME_INVALID"),
        ("POST", "/v2/no/such/repository/blobs/uploads/", 404, "NAME_UNKNOWN"),
        ("GET", "/v2/no/such/repository/tags/list", 404, "NAME_UNKNOWN"),
        ("GET", "/v2/no/such/repository/manifests/v1", 404, "NAME_UNKNOWN"),
        ("GET", "/v2/%00/tags/list", 400, "NAME_INVALID"),
        ("GET", "/v2/%ff%fe/tags/list", 400, "NAME_INVALID"),
    ],
)
def test_bad_repository_name(stage: Stage, method: str, path: str, status: int, code: str) -> None:
    """A malformed name is NAME_INVALID, a well-formed one that is not there NAME_UNKNOWN."""
    assert_oci_error(stage.send(method, path), status, code)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("blobs/sha256:short", 400, "DIGEST_INVALID"),
        (f"blobs/sha256:{'g' * 64}", 400, "DIGEST_INVALID"),
        (f"blobs/sha256:{'A' * 64}", 400, "DIGEST_INVALID"),
        (f"blobs/md5:{'0' * 32}", 400, "DIGEST_INVALID"),
        ("blobs/nodigest", 400, "DIGEST_INVALID"),
        (f"blobs/{ABSENT}", 404, "BLOB_UNKNOWN"),
        ("manifests/sha256:short", 404, "MANIFEST_UNKNOWN"),
        (f"manifests/{ABSENT}", 404, "MANIFEST_UNKNOWN"),
        ("manifests/nowhere", 404, "MANIFEST_UNKNOWN"),
        ("manifests/.dot", 404, "MANIFEST_UNKNOWN"),
        (f"manifests/{'a' * 301}", 404, "MANIFEST_UNKNOWN"),
        ("referrers/sha256:short", 400, "DIGEST_INVALID"),
        ("tags/list?n=many", 400, "PAGINATION_NUMBER_INVALID"),
        ("tags/list?n=-1", 400, "PAGINATION_NUMBER_INVALID"),
        (f"blobs/uploads/{uuid4()}", 404, "BLOB_UPLOAD_UNKNOWN"),
        ("blobs/uploads/no-upload", 404, "BLOB_UPLOAD_UNKNOWN"),
    ],
)
def test_bad_reference(stage: Stage, path: str, status: int, code: str) -> None:
    """A malformed digest or page size is told apart from one that is not there; no image has a malformed name."""
    assert_oci_error(stage.send("GET", f"/v2/{stage.repository.name}/{path}"), status, code)


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        (".dot", "TAG_INVALID"),
        ("a" * 129, "TAG_INVALID"),
        ("a%20b", "TAG_INVALID"),
        ("sha256:short", "DIGEST_INVALID"),
        (f"md5:{'0' * 32}", "DIGEST_INVALID"),
        (ABSENT, "MANIFEST_INVALID"),
    ],
)
def test_good_manifest_under_a_bad_reference(stage: Stage, reference: str, code: str) -> None:
    """An image is not pushed under a malformed tag or digest, nor under the digest of another."""
    path = f"/v2/{stage.repository.name}/manifests/{reference}"

    assert_oci_error(stage.send("PUT", path, stage.image.manifest, Content_Type=IMAGE), 400, code)


@pytest.mark.parametrize(
    "path",
    [
        "/v2/../../etc/passwd",
        "/v2/..%2f..%2f..%2fetc%2fpasswd/tags/list",
        "/v2/{name}/blobs/..%2f..%2fmetadata.db",
        "/v2/{name}/blobs/sha256:..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/v2/{name}/manifests/..%2f..%2fv1",
        "/v2/{name}/blobs/uploads/..%2f..%2fkey",
        "/v2/{name}/blobs/uploads/%2fetc%2fpasswd",
    ],
)
def test_path_traversal_leads_nowhere(stage: Stage, path: str) -> None:
    """No spelling of `..` reaches a file: the answer is an OCI error like any other."""
    answer = stage.send("GET", path.format(name=stage.repository.name))

    assert 400 <= answer.status < 500
    assert json.loads(answer.body)["errors"][0]["code"]
    assert b"root:" not in answer.body


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("bytes=99999999999-", 416),
        ("bytes=-0", 416),
        ("bytes=5-2", 200),
        ("bytes=a-b", 200),
        ("lines=1-2", 200),
        ("bytes=" + ",".join(["0-0"] * 10_000), 200),
    ],
)
def test_bad_range_of_a_blob(stage: Stage, given: str, status: int) -> None:
    """A range outside the blob is 416; one that is no range at all is as good as none (RFC 9110, 14.2)."""
    digest = digest_of(stage.image.blobs[0])

    answer = stage.send("GET", f"/v2/{stage.repository.name}/blobs/{digest}", Range=given)

    if status == 200 and answer.status == 416:
        pytest.fail("an invalid Range has to be ignored")
    assert answer.status in {status, 206} if given.count(",") else answer.status == status
    if answer.status == 200:
        assert digest_of(answer.body) == digest


@pytest.mark.parametrize("given", ["5-2", "a-b", "-", "0-99999999999999999999", "0-3", "bytes 1-5/6"])
def test_bad_content_range_of_a_chunk(stage: Stage, given: str) -> None:
    """A Content-Range that does not say where the five bytes of the body go is refused, and nothing is kept."""
    location = stage.repository.open_upload()

    answer = stage.repository.http.patch(location, content=b"12345", headers={"Content-Range": given})

    assert answer.status_code in {400, 416}
    assert answer.json()["errors"][0]["code"] in {"BLOB_UPLOAD_INVALID", "SIZE_INVALID"}
    assert stage.repository.received(location) == 0
    assert stage.repository.http.delete(location).status_code == 204


@pytest.mark.parametrize(
    ("digest", "code"),
    [
        (ABSENT, "DIGEST_INVALID"),
        ("sha256:short", "DIGEST_INVALID"),
        ("", "DIGEST_INVALID"),
        ("md5:00", "DIGEST_INVALID"),
    ],
)
def test_wrong_digest_of_a_blob(stage: Stage, digest: str, code: str) -> None:
    """Bytes that are not those of the digest are never stored."""
    answer = stage.repository.put_upload(stage.repository.open_upload(), digest, b"other bytes")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] in {code, "BLOB_UPLOAD_INVALID"}
    assert not stage.repository.has_blob(digest_of(b"other bytes"))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MANIFEST_INVALID"),
        (b"{", "MANIFEST_INVALID"),
        (b"\xff\xfe", "MANIFEST_INVALID"),
        (b"[]", "MANIFEST_INVALID"),
        (b"null", "MANIFEST_INVALID"),
        (b'{"schemaVersion": "two"}', "MANIFEST_INVALID"),
        (b'{"schemaVersion": 2, "layers": {}}', "MANIFEST_INVALID"),
        (b'{"schemaVersion": 2, "layers": [{"digest": "../../etc/passwd", "size": -1}]}', "MANIFEST_INVALID"),
        (b"[" * 100_000, "MANIFEST_INVALID"),
        (b'{"schemaVersion": 2' + b" " * (5 * MIB) + b"}", "SIZE_INVALID"),
    ],
    ids=["empty", "cut", "no utf-8", "list", "null", "version", "layers", "digest", "deep", "oversized"],
)
def test_bad_manifest(stage: Stage, body: bytes, code: str) -> None:
    """What is no manifest is refused with what is wrong with it."""
    answer = stage.send("PUT", f"/v2/{stage.repository.name}/manifests/bad", body, Content_Type=IMAGE)

    assert 400 <= answer.status < 500
    assert json.loads(answer.body)["errors"][0]["code"] in {code, "MANIFEST_INVALID"}


def test_manifest_of_missing_blobs(stage: Stage) -> None:
    """A manifest is accepted only when all that it names is in the repository; what is not is named."""
    content = image(b"a layer that was never pushed")
    path = f"/v2/{stage.repository.name}/manifests/bad"

    answer = stage.send("PUT", path, content.manifest, Content_Type=IMAGE)

    assert 400 <= answer.status < 500
    (error,) = json.loads(answer.body)["errors"]
    assert error["code"] in {"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"}
    assert digest_of(b"a layer that was never pushed") in error["message"]


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic QVdTOg==",
        "Basic QVdTOndyb25n",
        "Bearer token",
        "Basic " + "A" * 20_000,
        "AWS4-HMAC-SHA256 Credential=",
    ],
)
def test_missing_or_wrong_password(stage: Stage, authorization: str | None) -> None:
    """Without the right password `/v2/` answers 401 with ECR's challenge, whatever the path."""
    for path in ("/v2/", f"/v2/{stage.repository.name}/tags/list", "/v2/no/such/repository/tags/list"):
        answer = stage.send("GET", path, Authorization=authorization)

        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
        assert 'service="ecr.amazonaws.com"' in answer.headers["www-authenticate"]


def test_altered_token(stage: Stage) -> None:
    """Each byte of a token counts: altered anywhere, it is worth nothing. So few, that none is answered by a limit."""
    for position in range(0, len(stage.authorization), max(1, len(stage.authorization) // 6)):
        old = stage.authorization[position]
        altered = (
            stage.authorization[:position] + ("B" if old == "A" else "A") + stage.authorization[position + 1 :]
        )

        assert stage.send("GET", "/v2/", Authorization=f"Basic {altered}").status in {401, 403}
