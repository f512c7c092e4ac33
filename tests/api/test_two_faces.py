"""Where the API and ``/v2/`` have to differ, one test a row.

Each test does the same thing by both faces of one registry and states what either answers.
"""

import hashlib
import json

import httpx
from sqlalchemy import select
from tests.api.clients import ECR, authorized, break_off, errors_of
from tests.api.images import MIB, digest_of, image, index, part, push, push_layer, push_layers, send_part, upload
from tests.api.rows import rows

from entrepot.core.media_types import OCI_MANIFEST
from entrepot.metadata import tables
from entrepot.testing.registry import RunningRegistry


async def test_an_empty_blob(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """EmptyUpload | accepted."""
    digest = digest_of(b"")
    begun = await ecr("InitiateLayerUpload", repositoryName=repository)

    by_api = await ecr.error(
        "CompleteLayerUpload", repositoryName=repository, uploadId=begun["uploadId"], layerDigests=[digest]
    )
    by_v2 = await oci.post(f"/v2/{repository}/blobs/uploads/?digest={digest}")

    assert by_api["__type"] == "EmptyUploadException"
    assert by_v2.status_code == 201
    assert (await oci.get(by_v2.headers["location"])).content == b""


async def test_parts_under_5_mib(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """LayerPartTooSmall at completion | any size."""
    content = b"0123456789"
    upload_id = await upload(ecr, repository, content, size=5)
    begun = await oci.post(f"/v2/{repository}/blobs/uploads/")

    by_api = await ecr.error(
        "CompleteLayerUpload", repositoryName=repository, uploadId=upload_id, layerDigests=[digest_of(content)]
    )
    for start in (0, 5):
        await oci.patch(begun.headers["location"], content=content[start : start + 5])
    by_v2 = await oci.put(f"{begun.headers['location']}?digest={digest_of(content)}")

    assert by_api["__type"] == "LayerPartTooSmallException"
    assert by_v2.status_code == 201


async def test_digest_algorithms_of_layers(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """sha256 | sha256 and sha512."""
    digest = f"sha512:{hashlib.sha512(b'content').hexdigest()}"
    upload_id = await upload(ecr, repository, b"content")

    by_api = await ecr.error(
        "CompleteLayerUpload", repositoryName=repository, uploadId=upload_id, layerDigests=[digest]
    )
    by_v2 = await oci.put(f"/v2/{repository}/blobs/uploads/{upload_id}?digest={digest}")

    assert by_api["__type"] == "InvalidLayerException"
    assert (by_v2.status_code, by_v2.headers["docker-content-digest"]) == (201, digest)


async def test_digest_algorithms_of_images(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """sha256 | sha256 and sha512."""
    pushed = image()
    await push_layers(ecr, repository, pushed)
    digest = f"sha512:{hashlib.sha512(pushed.content).hexdigest()}"

    by_api = await ecr.error("PutImage", repositoryName=repository, imageManifest=pushed.text, imageDigest=digest)
    by_v2 = await put(oci, f"/v2/{repository}/manifests/{digest}", pushed.content)

    assert by_api["__type"] == "ImageDigestDoesNotMatchException"
    assert (by_v2.status_code, by_v2.headers["docker-content-digest"]) == (201, digest)


async def test_a_layer_that_is_there_at_completion(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """LayerAlreadyExists | 201."""
    digest = await push_layer(ecr, repository, b"content")
    upload_id = await upload(ecr, repository, b"content")

    by_api = await ecr.error(
        "CompleteLayerUpload", repositoryName=repository, uploadId=upload_id, layerDigests=[digest]
    )
    by_v2 = await oci.post(f"/v2/{repository}/blobs/uploads/?digest={digest}", content=b"content")

    assert by_api["__type"] == "LayerAlreadyExistsException"
    assert by_v2.status_code == 201


async def test_a_part_that_breaks_off(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """The upload stays as before it | bytes received are kept, and a wrong offset is 416."""
    by_api = await upload(ecr, repository, b"01234")
    begun = await oci.post(f"/v2/{repository}/blobs/uploads/")
    location = begun.headers["location"]
    request = ecr.signed("UploadLayerPart", json.dumps(part(repository, by_api, 5, bytes(MIB))).encode())

    await break_off(registry, "POST", "/", [request.content[: MIB // 2]], request.headers)
    await break_off(registry, "PATCH", location, [b"012", b"34"], authorized(oci))

    sizes = await rows(registry, select(tables.uploads.c.size))
    assert sizes == [(5,), (5,)]
    assert (await send_part(ecr, repository, by_api, 5, b"56789"))["lastByteReceived"] == 9
    assert (await oci.get(location)).headers["range"] == "0-4"
    again = await oci.patch(location, content=b"01234", headers={"content-range": "0-4"})
    assert again.status_code == 416


async def test_the_same_image_under_the_same_tag(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """ImageAlreadyExists | 201."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")

    by_api = await ecr.error("PutImage", repositoryName=repository, imageManifest=pushed.text, imageTag="v1")
    by_v2 = await put(oci, f"/v2/{repository}/manifests/v1", pushed.content)

    assert by_api["__type"] == "ImageAlreadyExistsException"
    assert by_v2.status_code == 201


async def test_deleting_a_child_of_an_index(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """Refused | deleted."""
    child = image()
    await push(ecr, repository, child)
    await push(ecr, repository, index(child), "all")

    by_api = await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageDigest": child.digest}])
    by_v2 = await oci.delete(f"/v2/{repository}/manifests/{child.digest}")

    assert [one["failureCode"] for one in by_api["failures"]] == ["ImageReferencedByManifestList"]
    assert by_v2.status_code == 202


async def test_deleting_the_last_tag(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """The image goes along | the image stays."""
    one, two = image("one"), image("two")
    await push(ecr, repository, one, "by-api")
    await push(ecr, repository, two, "by-v2")

    await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageTag": "by-api"}])
    await oci.delete(f"/v2/{repository}/manifests/by-v2")

    listed = await ecr("ListImages", repositoryName=repository)
    assert listed["imageIds"] == [{"imageDigest": two.digest}]


async def test_deleting_a_blob(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """Not offered | unlinked, unless an image uses it."""
    digest = await push_layer(ecr, repository, b"content")

    assert (await ecr.error("BatchDeleteLayer"))["__type"] == "UnknownOperationException"
    assert (await oci.delete(f"/v2/{repository}/blobs/{digest}")).status_code == 202


async def test_an_invalid_parameter(ecr: ECR, oci: httpx.AsyncClient) -> None:
    """InvalidParameter | 400 with the OCI code of what is wrong, and the same words."""
    by_api = await ecr.error("ListImages", repositoryName="App")
    by_v2 = await oci.get("/v2/App/tags/list")

    assert by_api["__type"] == "InvalidParameterException"
    assert errors_of(by_v2) == (400, "NAME_INVALID", by_api["message"])


async def test_a_layer_that_no_image_uses(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """LayerInaccessible | readable."""
    digest = await push_layer(ecr, repository, b"content")

    by_api = await ecr.error("GetDownloadUrlForLayer", repositoryName=repository, layerDigest=digest)
    by_v2 = await oci.get(f"/v2/{repository}/blobs/{digest}")

    assert by_api["__type"] == "LayerInaccessibleException"
    assert by_v2.content == b"content"


async def put(oci: httpx.AsyncClient, path: str, content: bytes) -> httpx.Response:
    """PUT of a manifest."""
    return await oci.put(path, content=content, headers={"content-type": OCI_MANIFEST})
