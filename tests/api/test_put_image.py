"""PutImage."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select, update
from tests.api.clients import ECR, errors_of
from tests.api.images import (
    ABSENT,
    CONFIG,
    FOREIGN_LAYER,
    LAYER,
    Image,
    artifact,
    descriptor,
    digest_of,
    docker_image,
    docker_list,
    image,
    index,
    push,
    push_layer,
    push_layers,
    put,
)
from tests.api.rows import count, execute, rows

from entrepot.core.clock import HOUR
from entrepot.core.media_types import DOCKER_MANIFEST_V1, OCI_MANIFEST
from entrepot.metadata import tables
from entrepot.testing.registry import RunningRegistry

produces = pytest.mark.produces

IMAGES = {
    "oci": image(),
    "docker": docker_image(),
    "artifact": artifact("signature", None, "application/vnd.example.signature"),
    "attached to something absent": artifact("signature", image("absent"), "application/vnd.example.signature"),
}


@pytest.mark.parametrize("pushed", IMAGES.values(), ids=IMAGES)
async def test_an_image_is_answered_as_it_was_put(ecr: ECR, repository: str, pushed: Image) -> None:
    """The manifest to the byte, under the digest that everybody else computes."""
    await push_layers(ecr, repository, pushed)

    assert await put(ecr, repository, pushed, "v1") == {
        "image": {
            "registryId": "000000000000",
            "repositoryName": repository,
            "imageId": {"imageDigest": pushed.digest, "imageTag": "v1"},
            "imageManifest": pushed.text,
            "imageManifestMediaType": pushed.media_type,
        }
    }


@pytest.mark.parametrize(
    ("child", "kind"), [(image(), index), (docker_image(), docker_list)], ids=["oci", "docker"]
)
async def test_an_index_is_put_once_its_images_are_there(
    ecr: ECR, repository: str, child: Image, kind: Any
) -> None:
    """And may itself be a child."""
    await push(ecr, repository, child)
    inner = kind(child)
    outer = kind(inner, child)

    await put(ecr, repository, inner)
    answer = await put(ecr, repository, outer, "all")

    assert answer["image"]["imageId"]["imageDigest"] == outer.digest


async def test_bytes_are_kept_exactly(ecr: ECR, repository: str) -> None:
    """White space, order and escapes are part of the digest."""
    pushed = image()
    odd = Image(OCI_MANIFEST, ("\n" + pushed.text.replace("{", "{ \t").replace("layers", r"l\u0061yers")).encode())
    await push_layers(ecr, repository, pushed)

    answer = await put(ecr, repository, odd)

    assert answer["image"]["imageId"] == {"imageDigest": odd.digest}
    assert answer["image"]["imageManifest"] == odd.text


async def test_the_media_type_may_stand_in_the_manifest_or_beside_it(ecr: ECR, repository: str) -> None:
    """One of both is enough."""
    pushed = image()
    without = json.loads(pushed.content)
    del without["mediaType"]
    await push_layers(ecr, repository, pushed)

    inside = await ecr("PutImage", repositoryName=repository, imageManifest=pushed.text)
    beside = await ecr(
        "PutImage",
        repositoryName=repository,
        imageManifest=json.dumps(without),
        imageManifestMediaType=OCI_MANIFEST,
    )

    assert inside["image"]["imageManifestMediaType"] == OCI_MANIFEST
    assert beside["image"]["imageManifestMediaType"] == OCI_MANIFEST


SOUND = json.loads(image().content)
BAD_MANIFESTS: dict[str, tuple[object, str | None, str]] = {
    "not JSON": ("{", None, "Invalid JSON syntax"),
    "no media type": (
        {**SOUND, "mediaType": None},
        None,
        "image manifest mediatype not provided in manifest or parameter",
    ),
    "another media type": (
        SOUND,
        DOCKER_MANIFEST_V1,
        f"The media type '{DOCKER_MANIFEST_V1}' differs from the manifest's own '{OCI_MANIFEST}'",
    ),
    "a media type of something else": (
        {**SOUND, "mediaType": "text/plain"},
        None,
        "Unsupported manifest media type 'text/plain'",
    ),
    "another schema": ({**SOUND, "schemaVersion": 3}, None, "schemaVersion must be 2"),
    "no config": (
        {**SOUND, "config": None},
        None,
        "An image manifest has config and layers, and no manifests",
    ),
    "both kinds at once": (
        {**SOUND, "manifests": []},
        None,
        "An image manifest has config and layers, and no manifests",
    ),
    "a bad digest": (
        {**SOUND, "layers": [{"mediaType": LAYER, "digest": "sha256:ab", "size": 1}]},
        None,
        "The digest 'sha256:ab' is not a valid sha256 or sha512 digest",
    ),
    "a descriptor without a media type": (
        {**SOUND, "layers": [{"digest": ABSENT, "size": 1}]},
        None,
        f"The layer descriptor '{ABSENT}' has no mediaType",
    ),
}


@produces("PutImage", "InvalidParameterException")
@pytest.mark.parametrize(("document", "media_type", "constraint"), BAD_MANIFESTS.values(), ids=BAD_MANIFESTS)
async def test_a_manifest_that_breaks_its_specification_is_refused(
    ecr: ECR, repository: str, document: object, media_type: str | None, constraint: str
) -> None:
    """In the form of ECR's recorded message about manifests."""
    members = {"imageManifestMediaType": media_type} if media_type else {}

    refused = await ecr.error(
        "PutImage",
        repositoryName=repository,
        imageManifest=document if isinstance(document, str) else json.dumps(document),
        **members,
    )

    assert refused == {
        "__type": "InvalidParameterException",
        "message": f"Invalid parameter at 'ImageManifest' failed to satisfy constraint: '{constraint}'",
    }


@produces("PutImage", "ImageDigestDoesNotMatchException")
@pytest.mark.parametrize("digest", [ABSENT, "sha512:ab", "nonsense"])
async def test_a_declared_digest_has_to_be_the_manifests(ecr: ECR, repository: str, digest: str) -> None:
    """The registry computes it from the bytes."""
    pushed = image()
    await push_layers(ecr, repository, pushed)

    refused = await ecr.error("PutImage", repositoryName=repository, imageManifest=pushed.text, imageDigest=digest)
    await ecr("PutImage", repositoryName=repository, imageManifest=pushed.text, imageDigest=pushed.digest)

    assert refused == {
        "__type": "ImageDigestDoesNotMatchException",
        "message": f"The image with digest '{digest}' in repository 'app' and registry ID '000000000000' does not "
        "match the image digest that Amazon ECR has calculated.",
    }


@produces("PutImage", "LayersNotFoundException")
async def test_every_layer_has_to_be_there_first(ecr: ECR, repository: str) -> None:
    """The message lists all that are missing, config included; a layer of another repository is none of this one."""
    pushed = image()
    await ecr("CreateRepository", repositoryName="other")
    await push_layers(ecr, "other", pushed)

    refused = await ecr.error("PutImage", repositoryName=repository, imageManifest=pushed.text)

    missing = ", ".join(map(digest_of, pushed.blobs))
    assert refused == {
        "__type": "LayersNotFoundException",
        "message": f"Layers with digests '[{missing}]' required for pushing image into repository with name 'app' in "
        "the registry with id '000000000000' do not exist",
    }
    assert (await ecr("ListImages", repositoryName=repository))["imageIds"] == []


async def test_foreign_layers_need_not_be_there(ecr: ECR, repository: str) -> None:
    """Clients fetch them from where their descriptor says."""
    await push_layer(ecr, repository, b"{}")
    document = {**SOUND, "config": descriptor(CONFIG, b"{}"), "layers": [descriptor(FOREIGN_LAYER, b"far away")]}

    answer = await ecr("PutImage", repositoryName=repository, imageManifest=json.dumps(document))

    assert answer["image"]["imageId"]["imageDigest"] == digest_of(json.dumps(document).encode())


@produces("PutImage", "ReferencedImagesNotFoundException")
async def test_every_child_of_an_index_has_to_be_there_first(ecr: ECR, repository: str) -> None:
    """The message lists those that are missing, in the order of the index."""
    present, *missing = (image("one"), image("two"), image("three"))
    await push(ecr, repository, present)

    refused = await ecr.error("PutImage", repositoryName=repository, imageManifest=index(present, *missing).text)

    assert refused == {
        "__type": "ReferencedImagesNotFoundException",
        "message": f"Images with digests '[{missing[0].digest}, {missing[1].digest}]' required for pushing image into "
        "repository with name 'app' in the registry with id '000000000000' do not exist",
    }


@produces("PutImage", "ImageAlreadyExistsException")
async def test_the_same_image_under_the_same_tag_exists_already(ecr: ECR, repository: str) -> None:
    """Also where tags are mutable."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")

    refused = await ecr.error("PutImage", repositoryName=repository, imageManifest=pushed.text, imageTag="v1")

    assert refused == {
        "__type": "ImageAlreadyExistsException",
        "message": f"Image with digest '{pushed.digest}' and tag 'v1' already exists in the repository with name "
        "'app' in registry with id '000000000000'",
    }


async def test_the_same_image_without_a_tag_exists_already(ecr: ECR, repository: str) -> None:
    """Whether it has tags or not."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")

    refused = await ecr.error("PutImage", repositoryName=repository, imageManifest=pushed.text)

    assert refused == {
        "__type": "ImageAlreadyExistsException",
        "message": f"Image with digest '{pushed.digest}' already exists in the repository with name 'app' in registry "
        "with id '000000000000'",
    }


async def test_an_identical_push_changes_nothing(
    ecr: ECR, oci: Any, registry: RunningRegistry, repository: str
) -> None:
    """No row, no history, no audit record, no new date of pushing."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")
    watched = [tables.images, tables.image_tags, tables.tag_history, tables.audit_records, tables.manifests]
    before = [await rows(registry, select(table)) for table in watched]

    registry.clock.advance(HOUR)
    await ecr.error("PutImage", repositoryName=repository, imageManifest=pushed.text, imageTag="v1")
    await oci.put(
        f"/v2/{repository}/manifests/v1", content=pushed.content, headers={"content-type": pushed.media_type}
    )

    assert [await rows(registry, select(table)) for table in watched] == before


async def test_another_tag_for_the_same_image_does_not_push_it_again(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """The image has both tags, and the date it was first pushed at."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")
    registry.clock.advance(HOUR)

    await put(ecr, repository, pushed, "v2")

    (detail,) = (await ecr("DescribeImages", repositoryName=repository))["imageDetails"]
    assert detail["imageTags"] == ["v1", "v2"]
    assert detail["imagePushedAt"] == 1767225600.0


async def test_a_tag_moves_to_the_image_that_is_pushed_under_it(ecr: ECR, repository: str) -> None:
    """The image it leaves stays, without a tag."""
    old, new = image("old"), image("new")
    await push(ecr, repository, old, "latest")

    await push(ecr, repository, new, "latest")

    listed = (await ecr("ListImages", repositoryName=repository))["imageIds"]
    assert listed == [{"imageDigest": old.digest}, {"imageDigest": new.digest, "imageTag": "latest"}]


@pytest.mark.parametrize("tag", ["a b", "a/b", "a:b", "ä", "a\n"])
async def test_a_tag_outside_the_grammar_is_refused_in_ecrs_words(ecr: ECR, repository: str, tag: str) -> None:
    """The message was captured from PutImage."""
    refused = await ecr.error("PutImage", repositoryName=repository, imageManifest=image().text, imageTag=tag)

    assert refused == {
        "__type": "InvalidParameterException",
        "message": "Invalid parameter at 'imageTag' failed to satisfy constraint: 'must satisfy regular expression "
        "'[a-zA-Z0-9-_.]+''",
    }


@produces("PutImage", "LimitExceededException")
async def test_an_image_has_at_most_1000_tags(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """The 1001st is refused, and nothing of that push is kept; a tag that goes makes room."""
    pushed = image()
    await push(ecr, repository, pushed)
    await add_tags(registry, 999)

    await put(ecr, repository, pushed, "last")
    refused = await ecr.error(
        "PutImage", repositoryName=repository, imageManifest=pushed.text, imageTag="too-many"
    )

    assert refused == {
        "__type": "LimitExceededException",
        "message": "Adding tag 'too-many' to an image in the repository with name 'app' in registry with id "
        "'000000000000' exceeds the maximum allowed number of tags per image which is '1000'",
    }
    assert await count(registry, tables.image_tags) == 1000
    await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageTag": "last"}])
    await put(ecr, repository, pushed, "too-many")


async def test_a_tag_that_moves_away_makes_room_too(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """And one that moves in needs it; the tag that is refused stays where it was."""
    full, other = image("full"), image("other")
    await push(ecr, repository, full)
    await add_tags(registry, 1000)
    await push(ecr, repository, other, "latest")

    refused = await ecr.error("PutImage", repositoryName=repository, imageManifest=full.text, imageTag="latest")
    again = await ecr.error("PutImage", repositoryName=repository, imageManifest=full.text, imageTag="t0")
    stayed = await ecr("BatchGetImage", repositoryName=repository, imageIds=[{"imageTag": "latest"}])
    await put(ecr, repository, other, "t0")
    await put(ecr, repository, full, "latest")

    assert (refused["__type"], again["__type"]) == ("LimitExceededException", "ImageAlreadyExistsException")
    assert stayed["images"][0]["imageId"]["imageDigest"] == other.digest


async def test_of_pushes_at_a_time_as_many_are_let_in_as_there_is_room(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Not one more."""
    pushed = image()
    await push(ecr, repository, pushed)
    await add_tags(registry, 997)
    bodies = [
        json.dumps(
            {"repositoryName": repository, "imageManifest": pushed.text, "imageTag": f"new{number}"}
        ).encode()
        for number in range(8)
    ]

    answers = await asyncio.gather(*(ecr.send("PutImage", body) for body in bodies))

    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [400] * 5
    assert await count(registry, tables.image_tags) == 1000


async def test_a_push_of_many_tags_that_do_not_fit_sets_none(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """The tags of one PUT are one change."""
    pushed = image()
    await push(ecr, repository, pushed)
    await add_tags(registry, 950)
    tags = "&".join(f"tag=new{number}" for number in range(51))

    answer = await oci.put(
        f"/v2/{repository}/manifests/{pushed.digest}?{tags}",
        content=pushed.content,
        headers={"content-type": pushed.media_type},
    )

    assert errors_of(answer)[:2] == (403, "DENIED")
    assert await count(registry, tables.image_tags) == 950


async def add_tags(registry: RunningRegistry, number: int) -> None:
    """Put tags on the one image there is, by SQL."""
    ((image_id, repository_id),) = await rows(registry, select(tables.images.c.id, tables.images.c.repository_id))
    many = [
        {"repository_id": repository_id, "tag": f"t{one}", "image_id": image_id, "moved_at": 0}
        for one in range(number)
    ]
    await execute(registry, insert(tables.image_tags).values(many), update(tables.images).values(tag_count=number))


async def test_a_manifest_has_at_most_240_references(ecr: ECR, repository: str) -> None:
    """So that one transaction stays small; docker makes at most 127 layers."""
    layers = [{"mediaType": LAYER, "digest": f"sha256:{number:064x}", "size": 1} for number in range(240)]

    refused = await ecr.error(
        "PutImage", repositoryName=repository, imageManifest=json.dumps({**SOUND, "layers": layers})
    )

    assert refused == {
        "__type": "LimitExceededException",
        "message": "The manifest has 241 references, more than the maximum of 240",
    }


async def test_a_manifest_of_the_largest_size_is_taken(ecr: ECR, repository: str) -> None:
    """4 MiB; one character more is refused."""
    pushed = image()
    await push_layers(ecr, repository, pushed)
    largest = pushed.text + " " * (4 * 1024 * 1024 - len(pushed.text))

    answer = await ecr("PutImage", repositoryName=repository, imageManifest=largest)
    refused = await ecr.error("PutImage", repositoryName=repository, imageManifest=largest + " ")

    assert answer["image"]["imageId"]["imageDigest"] == digest_of(largest.encode())
    assert refused["message"] == (
        "Invalid parameter at 'imageManifest' failed to satisfy constraint: 'Member must have length less than or "
        "equal to 4194304'"
    )


async def test_a_schema_1_manifest_is_known_by_its_payload(ecr: ECR, repository: str) -> None:
    """Unsigned, so the payload is all of it."""
    layer = await push_layer(ecr, repository, b"layer")
    text = json.dumps({"schemaVersion": 1, "name": "app", "tag": "v1", "fsLayers": [{"blobSum": layer}]})

    answer = await ecr(
        "PutImage", repositoryName=repository, imageManifest=text, imageManifestMediaType=DOCKER_MANIFEST_V1
    )

    assert answer["image"]["imageId"] == {"imageDigest": digest_of(text.encode())}
