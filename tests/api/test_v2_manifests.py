"""Manifests of ``/v2/``: GET, HEAD, PUT, DELETE, by tag and by digest."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable

import httpx
import pytest
from tests.api.clients import ECR, errors_of
from tests.api.images import (
    ABSENT,
    Image,
    artifact,
    digest_of,
    docker_image,
    docker_list,
    image,
    index,
    push,
    push_layer,
    push_layers,
)

from entrepot.core.media_types import DOCKER_MANIFEST, DOCKER_MANIFEST_V1, DOCKER_MANIFEST_V1_SIGNED, OCI_MANIFEST

IMAGES = {"oci": image(), "docker": docker_image()}


@pytest.mark.parametrize("pushed", IMAGES.values(), ids=IMAGES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_manifest_is_answered_by_tag_and_by_digest(
    ecr: ECR, oci: httpx.AsyncClient, repository: str, pushed: Image, method: str
) -> None:
    """To the byte, with its type, its digest and its size."""
    await push_layers(ecr, repository, pushed)
    put = await put_manifest(oci, repository, "v1", pushed)

    assert (put.status_code, put.headers["location"]) == (201, f"/v2/app/manifests/{pushed.digest}")
    assert put.headers["docker-content-digest"] == pushed.digest
    for reference in ("v1", pushed.digest):
        answer = await oci.request(method, f"/v2/{repository}/manifests/{reference}")
        assert answer.status_code == 200
        assert answer.content == (pushed.content if method == "GET" else b"")
        assert dict(answer.headers) == {
            "content-type": pushed.media_type,
            "content-length": str(len(pushed.content)),
            "docker-content-digest": pushed.digest,
            "etag": f'"{pushed.digest}"',
            "docker-distribution-api-version": "registry/2.0",
        }


@pytest.mark.parametrize(
    ("kind", "children"),
    [(index, [image("one"), image("two")]), (docker_list, [docker_image()])],
    ids=["oci", "docker"],
)
async def test_an_index_is_pushed_after_its_children(
    ecr: ECR, oci: httpx.AsyncClient, repository: str, kind: Callable[..., Image], children: list[Image]
) -> None:
    """And refused before, in ECR's words."""
    parent = kind(*children)

    refused = await put_manifest(oci, repository, "all", parent)
    for child in children:
        await push(ecr, repository, child)
    put = await put_manifest(oci, repository, "all", parent)

    missing = ", ".join(child.digest for child in children)
    assert errors_of(refused) == (
        400,
        "MANIFEST_BLOB_UNKNOWN",
        f"Images with digests '[{missing}]' required for pushing image into repository with name 'app' in the "
        "registry with id '000000000000' do not exist",
    )
    assert put.status_code == 201


async def test_missing_layers_are_named(oci: httpx.AsyncClient, repository: str) -> None:
    """All of them at once."""
    pushed = image()

    refused = await put_manifest(oci, repository, "v1", pushed)

    assert errors_of(refused) == (
        400,
        "MANIFEST_BLOB_UNKNOWN",
        f"Layers with digests '[{', '.join(map(digest_of, pushed.blobs))}]' required for pushing image into repository "
        "with name 'app' in the registry with id '000000000000' do not exist",
    )


@pytest.mark.parametrize("reference", ["missing", ABSENT, "nonsense:ab", "sha256:abc"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_a_manifest_that_is_not_there_is_unknown(
    oci: httpx.AsyncClient, repository: str, method: str, reference: str
) -> None:
    """In the words that ECR uses on this face."""
    answer = await oci.request(method, f"/v2/{repository}/manifests/{reference}")

    assert answer.status_code == 404
    if method != "HEAD":
        assert errors_of(answer)[1:] == ("MANIFEST_UNKNOWN", "Requested image not found")


async def test_a_digest_in_the_path_has_to_be_the_manifests(
    ecr: ECR, oci: httpx.AsyncClient, repository: str
) -> None:
    """Else nothing is stored."""
    pushed = image()
    await push_layers(ecr, repository, pushed)

    refused = await put_manifest(oci, repository, ABSENT, pushed)

    assert errors_of(refused) == (
        400,
        "MANIFEST_INVALID",
        f"The image with digest '{ABSENT}' in repository 'app' and registry ID '000000000000' does not match the "
        "image digest that Amazon ECR has calculated.",
    )
    assert (await oci.get(f"/v2/{repository}/manifests/{pushed.digest}")).status_code == 404


async def test_a_manifest_may_be_known_by_its_sha512(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """As an identity of its own beside the sha256 one."""
    pushed = image()
    await push_layers(ecr, repository, pushed)
    digest = f"sha512:{hashlib.sha512(pushed.content).hexdigest()}"

    by_digest = await put_manifest(oci, repository, digest, pushed)
    by_tag = await put_manifest(oci, repository, f"v1?digest={digest}", pushed)

    assert by_digest.headers["docker-content-digest"] == digest
    assert by_tag.headers["docker-content-digest"] == digest
    assert (await oci.get(f"/v2/{repository}/manifests/v1")).headers["docker-content-digest"] == digest
    assert (await oci.get(f"/v2/{repository}/manifests/{pushed.digest}")).status_code == 404


async def test_a_push_by_digest_may_set_several_tags(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """Each ``tag`` of the query; the answer repeats them."""
    pushed = image()
    await push_layers(ecr, repository, pushed)

    put = await put_manifest(oci, repository, f"{pushed.digest}?tag=v1&tag=v2", pushed)

    assert (put.status_code, put.headers["oci-tag"]) == (201, "v1, v2")
    assert (await oci.get(f"/v2/{repository}/tags/list")).json()["tags"] == ["v1", "v2"]


@pytest.mark.parametrize("number", [101, 199, 300])
async def test_a_push_sets_at_most_100_tags(
    ecr: ECR, oci: httpx.AsyncClient, repository: str, number: int
) -> None:
    """So that one transaction stays small; none is set then."""
    pushed = image()
    await push_layers(ecr, repository, pushed)
    tags = "&".join(f"tag=v{one}" for one in range(number))

    refused = await put_manifest(oci, repository, f"{pushed.digest}?{tags}", pushed)

    assert errors_of(refused)[:2] == (400, "UNSUPPORTED")
    assert (await oci.get(f"/v2/{repository}/tags/list")).json()["tags"] == []


@pytest.mark.parametrize("tag", ["-a", ".a", "a" * 129, "a%20b", "%C3%A4"])
async def test_v2_makes_no_tag_that_oci_does_not_allow(
    ecr: ECR, oci: httpx.AsyncClient, repository: str, tag: str
) -> None:
    """The API allows more: 300 characters, and any first one."""
    refused = await put_manifest(oci, repository, tag, image())

    assert errors_of(refused)[:2] == (400, "TAG_INVALID")


async def test_v2_reads_a_tag_that_the_api_has_made(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """Even one that it would not make."""
    pushed, tag = image(), "-" + "a" * 200
    await push(ecr, repository, pushed, tag)

    assert (await oci.get(f"/v2/{repository}/manifests/{tag}")).content == pushed.content


BAD_MANIFESTS = {
    "not JSON": (b"{", OCI_MANIFEST, "Invalid JSON syntax"),
    "empty": (b"", OCI_MANIFEST, "Invalid JSON syntax"),
    "no type": (
        b'{"schemaVersion": 2}',
        None,
        "image manifest mediatype not provided in manifest or parameter",
    ),
    "another type": (
        image().content,
        DOCKER_MANIFEST,
        f"The media type '{DOCKER_MANIFEST}' differs from the manifest's own '{OCI_MANIFEST}'",
    ),
}


@pytest.mark.parametrize(("content", "media_type", "constraint"), BAD_MANIFESTS.values(), ids=BAD_MANIFESTS)
async def test_a_manifest_that_breaks_its_specification_is_invalid(
    oci: httpx.AsyncClient, repository: str, content: bytes, media_type: str | None, constraint: str
) -> None:
    """With what is wrong, in the form of the API's message."""
    headers = {"content-type": media_type} if media_type else {}

    refused = await oci.put(f"/v2/{repository}/manifests/v1", content=content, headers=headers)

    assert errors_of(refused) == (
        400,
        "MANIFEST_INVALID",
        f"Invalid parameter at 'ImageManifest' failed to satisfy constraint: '{constraint}'",
    )


@pytest.mark.parametrize("text", ["application/x\0", "application/ü", "a" * 256])
async def test_an_artifact_type_is_short_and_printable(
    ecr: ECR, oci: httpx.AsyncClient, repository: str, text: str
) -> None:
    """It is stored beside the image, and told in headers and lists."""
    pushed = artifact("signature", None, text)
    await push_layers(ecr, repository, pushed)

    refused = await put_manifest(oci, repository, "v1", pushed)

    assert errors_of(refused)[:2] == (400, "MANIFEST_INVALID")


async def test_a_content_type_may_have_parameters(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """They say nothing about a manifest."""
    pushed = image()
    await push_layers(ecr, repository, pushed)

    put = await oci.put(
        f"/v2/{repository}/manifests/v1",
        content=pushed.content,
        headers={"content-type": f"{pushed.media_type}; charset=utf-8"},
    )

    assert put.status_code == 201


async def test_a_manifest_over_4_mib_is_too_large(oci: httpx.AsyncClient, repository: str) -> None:
    """ECR's bound, told before more is read."""
    answer = await oci.put(
        f"/v2/{repository}/manifests/v1",
        content=bytes(4 * 1024 * 1024 + 1),
        headers={"content-type": OCI_MANIFEST},
    )

    assert errors_of(answer) == (413, "SIZE_INVALID", "The request body exceeds the maximum of 4194304 bytes")


async def test_deleting_a_tag_leaves_the_image(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """Other than in the API, where the image goes with its last tag."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")

    deleted = await oci.delete(f"/v2/{repository}/manifests/v1")

    assert (deleted.status_code, deleted.content) == (202, b"")
    assert (await oci.get(f"/v2/{repository}/manifests/v1")).status_code == 404
    assert (await oci.get(f"/v2/{repository}/manifests/{pushed.digest}")).status_code == 200


async def test_deleting_by_digest_takes_all_tags_along(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """And the second time there is nothing left to delete."""
    pushed = image()
    await push(ecr, repository, pushed, "v1", "v2")

    deleted = await oci.delete(f"/v2/{repository}/manifests/{pushed.digest}")

    assert deleted.status_code == 202
    assert (await oci.get(f"/v2/{repository}/tags/list")).json()["tags"] == []
    assert (await oci.delete(f"/v2/{repository}/manifests/{pushed.digest}")).status_code == 404


async def test_an_index_may_lose_a_child(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """As OCI conformance asks; the API protects it."""
    child = image()
    await push(ecr, repository, child)
    await push(ecr, repository, index(child), "all")

    deleted = await oci.delete(f"/v2/{repository}/manifests/{child.digest}")

    assert deleted.status_code == 202
    assert (await oci.get(f"/v2/{repository}/manifests/all")).status_code == 200


async def test_a_push_with_a_subject_tells_that_referrers_are_kept(
    ecr: ECR, oci: httpx.AsyncClient, repository: str
) -> None:
    """Clients then need no tag schema of their own; the subject itself may come later."""
    subject = image()
    attached = artifact("signature", subject, "application/vnd.example")
    await push_layers(ecr, repository, attached)

    put = await put_manifest(oci, repository, attached.digest, attached)

    assert (put.status_code, put.headers["oci-subject"]) == (201, subject.digest)


async def test_a_signed_schema_1_manifest_is_refused(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """Its digest would be that of a part of it, so somebody could put other bytes under a manifest's digest."""
    layer = await push_layer(ecr, repository, b"layer")
    protected = {"formatLength": 0, "formatTail": _base64url(image().content)}
    signatures = [{"protected": _base64url(json.dumps(protected).encode())}]
    content = json.dumps({"schemaVersion": 1, "fsLayers": [{"blobSum": layer}], "signatures": signatures}).encode()

    refused = await put_manifest(oci, repository, "v1", Image(DOCKER_MANIFEST_V1_SIGNED, content))

    assert errors_of(refused)[1:] == (
        "MANIFEST_INVALID",
        "Invalid parameter at 'ImageManifest' failed to satisfy constraint: "
        f"'Unsupported manifest media type '{DOCKER_MANIFEST_V1_SIGNED}''",
    )


async def test_a_schema_1_manifest_has_layers(oci: httpx.AsyncClient, repository: str) -> None:
    """At least one."""
    refused = await put_manifest(
        oci, repository, "v1", Image(DOCKER_MANIFEST_V1, b'{"schemaVersion": 1, "fsLayers": []}')
    )

    assert errors_of(refused)[:2] == (400, "MANIFEST_INVALID")


async def put_manifest(oci: httpx.AsyncClient, repository: str, reference: str, pushed: Image) -> httpx.Response:
    """PUT of a manifest."""
    return await oci.put(
        f"/v2/{repository}/manifests/{reference}",
        content=pushed.content,
        headers={"content-type": pushed.media_type},
    )


def _base64url(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
