"""``/v2/`` in the profile ``ecr``: where ECR's answers are others than OCI's."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.api.clients import ECR, authorized, break_off, errors_of
from tests.api.images import (
    ABSENT,
    MIB,
    Image,
    artifact,
    digest_of,
    image,
    index,
    push,
    push_layer,
    push_layers,
)

from entrepot.fronts.oci import profile
from entrepot.testing.registry import RunningRegistry

pytestmark = pytest.mark.registry(profile=profile.ECR)

CONTENT = b"0123456789"
DIGEST = digest_of(CONTENT)
CHUNK = 5 * MIB


def sha512(content: bytes) -> str:
    """The other digest of bytes."""
    return f"sha512:{hashlib.sha512(content).hexdigest()}"


def invalid(parameter: str, constraint: str) -> tuple[int, str, str]:
    """What is said of a parameter that is wrong in itself."""
    return (
        405,
        "UNSUPPORTED",
        f"Invalid parameter at '{parameter}' failed to satisfy constraint: '{constraint}'",
    )


async def begin(oci: httpx.AsyncClient, repository: str = "app", query: str = "") -> str:
    """Where a new upload goes on."""
    answer = await oci.post(f"/v2/{repository}/blobs/uploads/{query}")
    assert answer.status_code == 202
    return answer.headers["location"]


async def put(oci: httpx.AsyncClient, reference: str, pushed: Image) -> httpx.Response:
    """PUT of a manifest whose layers are there."""
    return await oci.put(
        f"/v2/app/manifests/{reference}", content=pushed.content, headers={"content-type": pushed.media_type}
    )


async def test_a_push_and_a_pull_go_on_where_the_answers_say(oci: httpx.AsyncClient, repository: str) -> None:
    """As docker does both: one PATCH a blob, an empty PUT, the manifest, and back by redirects."""
    pushed = image()
    for blob in pushed.blobs:
        location = await begin(oci)
        patched = await oci.patch(location, content=blob)
        completed = await oci.put(f"{patched.headers['location']}?digest={digest_of(blob)}")
        assert completed.status_code == 201

    assert (await put(oci, "v1", pushed)).status_code == 201
    assert (await oci.get("/v2/app/manifests/v1")).content == pushed.content
    for blob in pushed.blobs:
        pulled = await oci.get(f"/v2/app/blobs/{digest_of(blob)}", follow_redirects=True)
        assert pulled.content == blob


async def test_locations_carry_the_host(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """That by which the client came."""
    await push_layers(ecr, repository, image())
    begun = await oci.post("/v2/app/blobs/uploads/")
    upload = begun.headers["location"]
    answers = [
        await oci.patch(upload, content=CONTENT),
        await oci.get(upload),
        await oci.put(f"{upload}?digest={DIGEST}"),
        await put(oci, "v1", image()),
    ]

    assert upload == f"http://localhost:5000/v2/app/blobs/uploads/{begun.headers['docker-upload-uuid']}"
    assert [answer.headers["location"] for answer in answers] == [
        upload,
        upload,
        f"http://localhost:5000/v2/app/blobs/{DIGEST}",
        f"http://localhost:5000/v2/app/manifests/{image().digest}",
    ]


TAG = "must satisfy regular expression '[a-zA-Z0-9-_.]+'"
ANY_DIGEST = "must satisfy regular expression '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"
NAME = r"must satisfy regular expression '[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*'"
INVALID = [
    ("GET", "App/tags/list", b"", "repositoryName", NAME),
    ("GET", "app/tags/list?n=1001", b"", "maxResults", "Member must have value less than or equal to 1000"),
    ("GET", f"app/tags/list?n={'9' * 99}", b"", "maxResults", "Member must have value less than or equal to 1000"),
    ("GET", "app/tags/list?n=0", b"", "maxResults", "Member must have value greater than or equal to 1"),
    (
        "GET",
        f"app/tags/list?n=-{'9' * 99}",
        b"",
        "maxResults",
        "Member must have value greater than or equal to 1",
    ),
    ("GET", "app/tags/list?n=1.5", b"", "maxResults", "Member must be a number"),
    ("GET", "app/tags/list?last=v1", b"", "nextToken", "Invalid token"),
    ("PUT", "app/manifests/a%20b", b"{}", "imageTag", TAG),
    ("PUT", "app/manifests/v1", b"{", "ImageManifest", "Invalid JSON syntax"),
    ("PUT", "app/manifests/nonsense:", b"{}", "imageDigest", ANY_DIGEST),
    ("GET", "app/blobs/nonsense", b"", "layerDigest", ANY_DIGEST),
    ("GET", "app/referrers/nonsense", b"", "subjectId.imageDigest", ANY_DIGEST),
    ("DELETE", "app/blobs/nonsense", b"", "layerDigest", ANY_DIGEST),
]


@pytest.mark.parametrize(("method", "path", "content", "parameter", "constraint"), INVALID)
async def test_an_invalid_parameter_is_unsupported(
    oci: httpx.AsyncClient,
    repository: str,
    method: str,
    path: str,
    content: bytes,
    parameter: str,
    constraint: str,
) -> None:
    """405, in the words of the API."""
    answer = await oci.request(method, f"/v2/{path}", content=content)

    assert errors_of(answer) == invalid(parameter, constraint)


async def test_a_completion_without_a_digest_is_unsupported(oci: httpx.AsyncClient, repository: str) -> None:
    """As any other invalid parameter."""
    answer = await oci.put(await begin(oci), content=CONTENT)

    assert errors_of(answer) == invalid("layerDigests", ANY_DIGEST)


@pytest.mark.parametrize("digest", ["sha256:abc", "md5:abc", sha512(CONTENT)])
async def test_a_digest_that_is_not_computed_is_one_that_nothing_has(
    oci: httpx.AsyncClient, repository: str, digest: str
) -> None:
    """ECR's grammar takes any algorithm; sha256 alone is computed."""
    location = await begin(oci)

    completed = await oci.put(f"{location}?digest={digest}", content=CONTENT)
    found = await oci.get(f"/v2/app/blobs/{digest}")

    assert errors_of(completed) == (
        400,
        "BLOB_UPLOAD_INVALID",
        "None of the provided layer digests match the calculated layer digest",
    )
    assert errors_of(found)[:2] == (404, "BLOB_UNKNOWN")


async def test_an_image_is_known_by_its_sha256_alone(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """Its sha512 does not match what ECR calculates."""
    pushed = image()
    await push_layers(ecr, repository, pushed)

    refused = await put(oci, sha512(pushed.content), pushed)

    assert errors_of(refused)[:2] == (400, "MANIFEST_INVALID")
    assert await ecr("ListImages", repositoryName=repository) == {"imageIds": []}


@pytest.mark.parametrize("tag", [".hidden", "-x", "a" * 300])
async def test_tags_follow_the_grammar_of_the_api(
    ecr: ECR, oci: httpx.AsyncClient, repository: str, tag: str
) -> None:
    """Which is wider than OCI's."""
    await push_layers(ecr, repository, image())

    assert (await put(oci, tag, image())).status_code == 201
    assert (await oci.get(f"/v2/app/manifests/{tag}")).content == image().content


async def test_an_empty_blob_is_refused(oci: httpx.AsyncClient, repository: str) -> None:
    """There is no part to complete."""
    location = await begin(oci)

    refused = await oci.put(f"{location}?digest={digest_of(b'')}")

    assert errors_of(refused) == (
        400,
        "BLOB_UPLOAD_INVALID",
        f"The upload with id '{location.rpartition('/')[2]}' in the repository with name 'app' in registry with id "
        "'000000000000' cannot be completed because it does not have any parts",
    )


@pytest.mark.parametrize(
    ("chunks", "status"),
    [([10], 201), ([CHUNK, 10], 201), ([CHUNK, CHUNK, 1], 201), ([CHUNK - 1, 10], 400), ([10, CHUNK, 10], 400)],
)
@pytest.mark.parametrize("last_with_put", [False, True])
async def test_chunks_but_the_last_have_5_mib(
    oci: httpx.AsyncClient, repository: str, chunks: list[int], status: int, last_with_put: bool
) -> None:
    """Which is said at the end, however the last one comes."""
    location = await begin(oci)
    sent = [bytes([number]) * size for number, size in enumerate(chunks)]
    with_put = sent[-1] if last_with_put else b""
    for chunk in sent[:-1] if last_with_put else sent:
        assert (await oci.patch(location, content=chunk)).status_code == 202

    completed = await oci.put(f"{location}?digest={digest_of(b''.join(sent))}", content=with_put)

    assert completed.status_code == status
    if status == 400:
        assert errors_of(completed)[1:] == (
            "BLOB_UPLOAD_INVALID",
            "All layer parts except the last part should be at least 5MB",
        )


async def test_what_arrived_before_a_break_is_kept_and_is_no_chunk(
    oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """A client that goes on where it was has done nothing wrong."""
    location = await begin(oci)
    path = urlsplit(location).path
    await oci.patch(location, content=b"")

    await break_off(registry, "PATCH", path, [CONTENT[:3]], authorized(oci))
    status = await oci.get(location)
    wrong = await oci.patch(location, content=CONTENT, headers={"content-range": "0-9"})
    await oci.patch(location, content=CONTENT[3:], headers={"content-range": "3-9"})

    assert status.headers["range"] == "0-2"
    assert errors_of(wrong)[:2] == (416, "BLOB_UPLOAD_INVALID")
    assert (await oci.put(f"{location}?digest={DIGEST}")).status_code == 201


async def test_a_layer_that_is_there_is_completed_again(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """201, where the API has LayerAlreadyExists; and so is a completion that is repeated."""
    await push_layer(ecr, repository, CONTENT)
    location = await begin(oci)

    first = await oci.put(f"{location}?digest={DIGEST}", content=CONTENT)
    again = await oci.put(f"{location}?digest={DIGEST}")

    assert (first.status_code, again.status_code) == (201, 201)


async def test_a_post_with_a_digest_only_begins_an_upload(oci: httpx.AsyncClient, repository: str) -> None:
    """The client has to send the blob again, as the location says."""
    begun = await oci.post(f"/v2/{repository}/blobs/uploads/?digest={DIGEST}", content=CONTENT)

    assert (begun.status_code, begun.headers["range"]) == (202, "0-0")
    assert (await oci.put(f"{begun.headers['location']}?digest={DIGEST}", content=CONTENT)).status_code == 201


@pytest.mark.parametrize(("mutability", "status"), [("MUTABLE", 201), ("IMMUTABLE", 400)])
async def test_the_same_image_under_the_same_tag(
    ecr: ECR, oci: httpx.AsyncClient, mutability: str, status: int
) -> None:
    """Is refused where the tag is immutable; that ECR's users complain of it does not make it less true."""
    await ecr("CreateRepository", repositoryName="app", imageTagMutability=mutability)
    await push_layers(ecr, "app", image())
    first = await put(oci, "v1", image())

    again = await put(oci, "v1", image())
    under_another = await put(oci, "v2", image())

    assert (first.status_code, again.status_code, under_another.status_code) == (201, status, 201)
    if status == 400:
        assert errors_of(again)[1:] == (
            "TAG_INVALID",
            "The image tag 'v1' already exists in the 'app' repository and cannot be overwritten because the tag is "
            "immutable.",
        )


@pytest.mark.parametrize("reference", ["digest", "tag"])
async def test_a_child_of_an_index_is_not_deleted(
    ecr: ECR, oci: httpx.AsyncClient, repository: str, reference: str
) -> None:
    """Neither by its digest nor with its only tag; the index first, then the child."""
    child, parent = image(), index(image())
    await push(ecr, repository, child, "child")
    await push(ecr, repository, parent, "all")
    path = f"/v2/app/manifests/{child.digest if reference == 'digest' else 'child'}"

    refused = await oci.delete(path)
    await oci.delete(f"/v2/app/manifests/{parent.digest}")
    deleted = await oci.delete(path)

    assert errors_of(refused) == (
        405,
        "UNSUPPORTED",
        f"Requested image referenced by manifest list: [{parent.digest}]",
    )
    assert deleted.status_code == 202


async def test_the_last_tag_takes_its_image_along(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """As BatchDeleteImage."""
    await push(ecr, repository, image(), "v1", "v2")

    await oci.delete("/v2/app/manifests/v1")
    one_left = await ecr("ListImages", repositoryName=repository)
    await oci.delete("/v2/app/manifests/v2")

    assert [one["imageTag"] for one in one_left["imageIds"]] == ["v2"]
    assert await ecr("ListImages", repositoryName=repository) == {"imageIds": []}


async def test_blobs_are_not_deleted(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """405, and the blob is still there."""
    digest = await push_layer(ecr, repository, CONTENT)

    refused = await oci.delete(f"/v2/app/blobs/{digest}")

    assert errors_of(refused) == (405, "UNSUPPORTED", "DELETE is not supported here")
    assert refused.headers["allow"] == "GET, HEAD"
    assert (await oci.head(f"/v2/app/blobs/{digest}")).status_code == 200


@pytest.fixture
async def source(ecr: ECR) -> Image:
    """An image in a repository ``source``, to mount from."""
    await ecr("CreateRepository", repositoryName="source")
    await push(ecr, "source", image("source"), "v1")
    return image("source")


async def mount(oci: httpx.AsyncClient, digest: str) -> httpx.Response:
    """POST that asks for a blob of ``source``."""
    return await oci.post(f"/v2/app/blobs/uploads/?mount={digest}&from=source")


async def test_nothing_is_mounted_until_the_account_setting_says_so(
    ecr: ECR, oci: httpx.AsyncClient, repository: str, source: Image
) -> None:
    """202 with a new upload; what was mounted stays when the setting goes."""
    digest = digest_of(source.blobs[1])

    before = await mount(oci, digest)
    await ecr("PutAccountSetting", name="BLOB_MOUNTING", value="ENABLED")
    mounted = await mount(oci, digest)
    await ecr("PutAccountSetting", name="BLOB_MOUNTING", value="DISABLED")
    after = await mount(oci, digest)

    assert [answer.status_code for answer in (before, mounted, after)] == [202, 201, 202]
    assert "/blobs/uploads/" in before.headers["location"]
    assert mounted.headers["location"] == f"http://localhost:5000/v2/app/blobs/{digest}"
    assert (await oci.head(f"/v2/app/blobs/{digest}")).status_code == 200


async def test_a_blob_that_no_image_uses_is_not_mounted(
    ecr: ECR, oci: httpx.AsyncClient, repository: str, source: Image
) -> None:
    """Nor one that is not there."""
    await ecr("PutAccountSetting", name="BLOB_MOUNTING", value="ENABLED")
    unused = await push_layer(ecr, "source", CONTENT)

    assert (await mount(oci, unused)).status_code == 202
    assert (await mount(oci, ABSENT)).status_code == 202
    assert (await oci.head(f"/v2/app/blobs/{unused}")).status_code == 404


@pytest.fixture
async def stranger(registry: RunningRegistry) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without credentials, as who follows a redirect to another host."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(registry.application)) as client:
        yield client


async def test_a_blob_is_fetched_from_a_download_url(
    ecr: ECR, oci: httpx.AsyncClient, stranger: httpx.AsyncClient, repository: str
) -> None:
    """Which needs no credentials and knows Range; HEAD is answered at once."""
    digest = await push_layer(ecr, repository, CONTENT)

    redirect = await oci.get(f"/v2/app/blobs/{digest}")
    head = await oci.head(f"/v2/app/blobs/{digest}")
    part = await stranger.get(redirect.headers["location"], headers={"range": "bytes=2-4"})

    assert (redirect.status_code, redirect.content) == (307, b"")
    assert redirect.headers["location"].startswith(f"http://localhost:5000/-/layers/{digest}?ticket=")
    assert (head.status_code, head.headers["content-length"]) == (200, "10")
    assert (part.status_code, part.content) == (206, CONTENT[2:5])


async def test_tags_come_in_pages_by_an_opaque_token(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """By a URL with its host that carries ``n``."""
    await push(ecr, repository, image(), "a", "b", "c")
    first = await oci.get("/v2/app/tags/list?n=2")
    url = urlsplit(first.links["next"]["url"])
    second = await oci.get(first.links["next"]["url"])

    assert first.headers["content-type"] == second.headers["content-type"] == "text/plain; charset=utf-8"
    assert (first.json(), second.json()) == (
        {"name": "app", "tags": ["a", "b"]},
        {"name": "app", "tags": ["c"]},
    )
    assert first.headers["link"].endswith('>; rel="next"')
    assert (url.scheme, url.netloc, url.path) == ("http", "localhost:5000", "/v2/app/tags/list")
    assert parse_qs(url.query)["n"] == ["2"]
    assert parse_qs(url.query)["last"] != ["b"]
    assert "link" not in second.headers


async def test_a_token_of_tags_is_good_for_its_own_list_only(
    ecr: ECR, oci: httpx.AsyncClient, repository: str
) -> None:
    """And only as it was handed out."""
    await ecr("CreateRepository", repositoryName="other")
    await push(ecr, repository, image(), "a", "b")
    first = await oci.get("/v2/app/tags/list?n=1")
    (token,) = parse_qs(urlsplit(first.links["next"]["url"]).query)["last"]

    elsewhere = await oci.get("/v2/other/tags/list", params={"last": token})
    forged = await oci.get("/v2/app/tags/list", params={"last": f"{token[:-2]}AA"})

    assert errors_of(elsewhere) == invalid("nextToken", "The token belongs to another request")
    assert errors_of(forged) == invalid("nextToken", "Invalid token")


async def test_a_page_has_100_tags(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """Unless ``n`` asks for another number."""
    await push(ecr, repository, image(), *(f"t{number:03}" for number in range(101)))

    first = await oci.get("/v2/app/tags/list")
    second = await oci.get(first.links["next"]["url"])

    assert (len(first.json()["tags"]), second.json()["tags"]) == (100, ["t100"])
    assert "n" not in parse_qs(urlsplit(first.links["next"]["url"]).query)


async def test_referrers_come_in_pages_the_same_way(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """With the filter carried along."""
    subject = image("subject")
    await push_layers(ecr, repository, artifact("shared", subject, "x/y"))
    for number in range(101):
        one = artifact("shared", subject, "x/y", annotations={"number": str(number)})
        assert (await put(oci, one.digest, one)).status_code == 201

    first = await oci.get(f"/v2/app/referrers/{subject.digest}?artifactType=x/y")
    second = await oci.get(first.links["next"]["url"])

    pages: list[list[dict[str, Any]]] = [answer.json()["manifests"] for answer in (first, second)]
    assert [len(page) for page in pages] == [100, 1]
    assert urlsplit(first.links["next"]["url"]).netloc == "localhost:5000"
