"""InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload."""

import json
import re
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update
from tests.api.clients import ECR, break_off
from tests.api.images import ABSENT, MIB, digest_of, part, push_layer, send_part, upload
from tests.api.rows import count, execute, is_stored, rows

from entrepot.core.clock import DAY, HOUR
from entrepot.core.digest import hasher
from entrepot.metadata import tables
from entrepot.testing.registry import RunningRegistry

produces = pytest.mark.produces

LARGE = bytes(5 * MIB)


async def test_an_upload_has_an_id_and_advises_a_size_of_parts(ecr: ECR, repository: str) -> None:
    """The id is a UUID, the size ECR's 10 MiB."""
    answer = await ecr("InitiateLayerUpload", repositoryName=repository)

    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.pop("uploadId"))
    assert answer == {"partSize": 10 * MIB}


async def test_consecutive_parts_make_a_layer(ecr: ECR, repository: str) -> None:
    """Each answer tells the last byte received; the completion tells the digest of all of them."""
    begun = await ecr("InitiateLayerUpload", repositoryName=repository)
    upload_id = begun["uploadId"]

    first = await send_part(ecr, repository, upload_id, 0, LARGE)
    second = await send_part(ecr, repository, upload_id, len(LARGE), b"end")
    completed = await complete(ecr, repository, upload_id, LARGE + b"end")

    told = {"registryId": "000000000000", "repositoryName": repository, "uploadId": upload_id}
    assert first == {**told, "lastByteReceived": len(LARGE) - 1}
    assert second == {**told, "lastByteReceived": len(LARGE) + 2}
    assert completed == {**told, "layerDigest": digest_of(LARGE + b"end")}


async def test_a_part_of_20_mib_is_taken(ecr: ECR, repository: str) -> None:
    """The model's maximum; one byte more is refused."""
    begun = await ecr("InitiateLayerUpload", repositoryName=repository)

    answer = await send_part(ecr, repository, begun["uploadId"], 0, bytes(20 * MIB))
    refused = await ecr.error(
        "UploadLayerPart", **part(repository, begun["uploadId"], 20 * MIB, bytes(20 * MIB + 1))
    )

    assert answer["lastByteReceived"] == 20 * MIB - 1
    assert refused["message"].endswith("'Member must have length less than or equal to 20971520'")


@produces("UploadLayerPart", "InvalidLayerPartException")
@pytest.mark.parametrize("start", [0, 4, 6, 1000])
async def test_a_part_that_does_not_follow_the_last_one_is_refused_with_the_place_to_go_on(
    ecr: ECR, repository: str, start: int
) -> None:
    """The error's four members tell a client where it stands, and the upload goes on from there."""
    upload_id = await upload(ecr, repository, b"12345")

    refused = await ecr.error("UploadLayerPart", **part(repository, upload_id, start, b"678"))
    accepted = await send_part(ecr, repository, upload_id, 5, b"678")

    assert refused == {
        "__type": "InvalidLayerPartException",
        "message": f"First byte of the layer part is {start} instead of 5",
        "registryId": "000000000000",
        "repositoryName": repository,
        "uploadId": upload_id,
        "lastValidByteReceived": 4,
    }
    assert accepted["lastByteReceived"] == 7


@pytest.mark.parametrize("last", [0, 1, 3, 100])
async def test_a_part_whose_length_is_not_that_of_its_range_changes_nothing(
    ecr: ECR, repository: str, last: int
) -> None:
    """Nothing of it is kept, so the right part can follow."""
    begun = await ecr("InitiateLayerUpload", repositoryName=repository)
    members = part(repository, begun["uploadId"], 0, b"123")

    refused = await ecr.error("UploadLayerPart", **(members | {"partLastByte": last}))

    assert refused["__type"] == "InvalidLayerPartException"
    assert refused["message"] == "The layer part has 3 bytes, which does not fit its range from byte 0"
    await send_part(ecr, repository, begun["uploadId"], 0, b"123")
    await complete(ecr, repository, begun["uploadId"], b"123")


async def test_a_range_that_runs_backwards_is_refused(ecr: ECR, repository: str) -> None:
    """Before anything is looked up."""
    members = part(repository, str(uuid4()), 5, b"1") | {"partLastByte": 4}

    refused = await ecr.error("UploadLayerPart", **members)

    assert refused["__type"] == "InvalidParameterException"


@produces("UploadLayerPart", "LimitExceededException")
async def test_a_layer_has_at_most_52000_mib(ecr: ECR, repository: str) -> None:
    """A part that says it goes beyond is refused by its range."""
    begun = await ecr("InitiateLayerUpload", repositoryName=repository)
    members = part(repository, begun["uploadId"], 0, b"1") | {"partLastByte": 52_000 * MIB}

    refused = await ecr.error("UploadLayerPart", **members)

    assert refused == {
        "__type": "LimitExceededException",
        "message": f"The layer exceeds the maximum of {52_000 * MIB} bytes",
    }


async def test_a_layer_has_at_most_4200_parts(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """The last allowed part is taken, the next one refused."""
    upload_id = await upload(ecr, repository, b"1")
    await execute(registry, update(tables.uploads).values(parts=4199))

    await send_part(ecr, repository, upload_id, 1, b"2")
    refused = await ecr.error("UploadLayerPart", **part(repository, upload_id, 2, b"3"))

    assert refused == {
        "__type": "LimitExceededException",
        "message": "The layer exceeds the maximum of 4200 parts",
    }


@produces("CompleteLayerUpload", "LayerPartTooSmallException")
async def test_a_short_part_before_the_last_is_told_at_completion(ecr: ECR, repository: str) -> None:
    """As ECR does: the part itself is taken."""
    upload_id = await upload(ecr, repository, LARGE[1:] + b"end", size=len(LARGE) - 1)

    assert await ecr.error("CompleteLayerUpload", **completion(repository, upload_id, LARGE[1:] + b"end")) == {
        "__type": "LayerPartTooSmallException",
        "message": "All layer parts except the last part should be at least 5MB",
    }


async def test_an_only_part_may_be_short(ecr: ECR, repository: str) -> None:
    """It is the last one."""
    assert await push_layer(ecr, repository, b"x") == digest_of(b"x")


@produces("CompleteLayerUpload", "EmptyUploadException")
async def test_an_upload_without_parts_cannot_be_completed(ecr: ECR, repository: str) -> None:
    """So the API stores no empty layer."""
    begun = await ecr("InitiateLayerUpload", repositoryName=repository)
    upload_id = begun["uploadId"]

    assert await ecr.error("CompleteLayerUpload", **completion(repository, upload_id, b"")) == {
        "__type": "EmptyUploadException",
        "message": f"The upload with id '{upload_id}' in the repository with name 'app' in registry with id "
        "'000000000000' cannot be completed because it does not have any parts",
    }


@produces("CompleteLayerUpload", "InvalidLayerException")
async def test_other_bytes_than_the_digests_say_are_refused_and_the_upload_stays(
    ecr: ECR, repository: str
) -> None:
    """The right digest completes it afterwards."""
    upload_id = await upload(ecr, repository, b"content")

    refused = await ecr.error("CompleteLayerUpload", **completion(repository, upload_id, b"other"))

    assert refused == {
        "__type": "InvalidLayerException",
        "message": "None of the provided layer digests match the calculated layer digest",
    }
    await complete(ecr, repository, upload_id, b"content")


async def test_one_digest_of_several_has_to_match(ecr: ECR, repository: str) -> None:
    """Digests of algorithms that ECR does not compute may stand beside it."""
    upload_id = await upload(ecr, repository, b"content")

    completed = await ecr(
        "CompleteLayerUpload",
        repositoryName=repository,
        uploadId=upload_id,
        layerDigests=[ABSENT, "tarsum+sha256:ab", digest_of(b"content").upper().replace("SHA", "sha")],
    )

    assert completed["layerDigest"] == digest_of(b"content")


@produces("CompleteLayerUpload", "LayerAlreadyExistsException")
async def test_a_layer_that_the_repository_has_is_told_at_completion(ecr: ECR, repository: str) -> None:
    """The bytes of the second upload are dropped."""
    await push_layer(ecr, repository, b"content")
    upload_id = await upload(ecr, repository, b"content")

    assert await ecr.error("CompleteLayerUpload", **completion(repository, upload_id, b"content")) == {
        "__type": "LayerAlreadyExistsException",
        "message": f"The layer with digest '{digest_of(b'content')}' already exists in the repository with name 'app' "
        "in registry with id '000000000000'",
    }


async def test_bytes_that_another_repository_has_are_kept_once(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """For the second repository the layer is new; the registry has one blob of it."""
    await ecr("CreateRepository", repositoryName="other")
    await push_layer(ecr, repository, b"content")
    first = await rows(registry, select(tables.uploads.c.id, tables.uploads.c.storage_key))

    await push_layer(ecr, "other", b"content")

    second = await rows(registry, select(tables.uploads.c.storage_key).where(tables.uploads.c.id != first[0].id))
    assert await count(registry, tables.blobs) == 1
    assert await is_stored(registry, first[0].storage_key)
    assert not await is_stored(registry, second[0].storage_key)


@pytest.mark.parametrize("hours", [0, 23])
async def test_a_completion_whose_answer_got_lost_can_be_repeated(
    ecr: ECR, registry: RunningRegistry, repository: str, hours: int
) -> None:
    """For a day it is answered as a layer that is there, which clients take for success."""
    upload_id = await upload(ecr, repository, b"content")
    await complete(ecr, repository, upload_id, b"content")

    registry.clock.advance(hours * HOUR)
    repeated = await ecr.error("CompleteLayerUpload", **completion(repository, upload_id, b"content"))

    assert repeated["__type"] == "LayerAlreadyExistsException"


async def test_a_completion_is_forgotten_after_a_day(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """Then its upload is unknown as any other."""
    upload_id = await upload(ecr, repository, b"content")
    await complete(ecr, repository, upload_id, b"content")

    registry.clock.advance(25 * HOUR)

    await refused_as_unknown(ecr, repository, upload_id, b"content")


async def test_a_completed_upload_is_not_completed_as_another_layer(ecr: ECR, repository: str) -> None:
    """Nor does it take more parts."""
    upload_id = await upload(ecr, repository, b"content")
    await complete(ecr, repository, upload_id, b"content")

    other = await ecr.error("CompleteLayerUpload", **completion(repository, upload_id, b"other"))
    more = await ecr.error("UploadLayerPart", **part(repository, upload_id, 7, b"more"))

    assert other["__type"] == more["__type"] == "UploadNotFoundException"


@produces("CompleteLayerUpload", "UploadNotFoundException")
@produces("UploadLayerPart", "UploadNotFoundException")
async def test_an_upload_that_never_began_is_unknown(ecr: ECR, repository: str) -> None:
    """The message names the upload and the repository."""
    upload_id = str(uuid4())

    await refused_as_unknown(ecr, repository, upload_id, b"")


async def test_an_upload_belongs_to_its_repository(ecr: ECR, repository: str) -> None:
    """Another one does not know it, and it stays as it was."""
    await ecr("CreateRepository", repositoryName="other")
    upload_id = await upload(ecr, repository, b"content")

    await refused_as_unknown(ecr, "other", upload_id, b"content")
    await complete(ecr, repository, upload_id, b"content")


async def test_an_upload_that_nobody_touched_for_a_day_is_over(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Each part begins the day anew."""
    upload_id = await upload(ecr, repository, b"1")
    registry.clock.advance(DAY - 1)
    await send_part(ecr, repository, upload_id, 1, b"2")
    registry.clock.advance(DAY - 1)
    await send_part(ecr, repository, upload_id, 2, b"3")

    registry.clock.advance(DAY)

    await refused_as_unknown(ecr, repository, upload_id, b"123")


async def test_an_upload_that_was_cancelled_is_unknown(ecr: ECR, oci: Any, repository: str) -> None:
    """The API has no way to cancel, but the other face has."""
    upload_id = await upload(ecr, repository, b"content")

    answer = await oci.delete(f"/v2/{repository}/blobs/uploads/{upload_id}")

    assert answer.status_code == 204
    await refused_as_unknown(ecr, repository, upload_id, b"content")


async def test_an_upload_ends_with_its_repository(ecr: ECR, repository: str) -> None:
    """A new repository of the same name does not take it over."""
    upload_id = await upload(ecr, repository, b"content")

    await ecr("DeleteRepository", repositoryName=repository)
    await ecr("CreateRepository", repositoryName=repository)

    await refused_as_unknown(ecr, repository, upload_id, b"content")


async def test_a_body_that_breaks_off_leaves_the_upload_as_it_was(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Nothing is written, and the same part can be sent again at once."""
    upload_id = await upload(ecr, repository, LARGE)
    before = await rows(registry, select(tables.uploads))

    answered = await break_off_part(ecr, registry, part(repository, upload_id, len(LARGE), b"the rest"))

    assert answered == 400
    assert await rows(registry, select(tables.uploads)) == before
    await send_part(ecr, repository, upload_id, len(LARGE), b"the rest")
    await complete(ecr, repository, upload_id, LARGE + b"the rest")


async def test_parts_of_any_split_make_the_same_layer(ecr: ECR, repository: str) -> None:
    """Where a client cuts does not matter, and completion reads nothing that was hashed on the way."""
    content = bytes(range(256)) * (22 * MIB // 256)
    cuts = [0, 5 * MIB, 5 * MIB + 5 * MIB + 1, 21 * MIB, 22 * MIB]
    begun = await ecr("InitiateLayerUpload", repositoryName=repository)

    for start, end in pairwise(cuts):
        await send_part(ecr, repository, begun["uploadId"], start, content[start:end])

    assert (await complete(ecr, repository, begun["uploadId"], content))["layerDigest"] == digest_of(content)


async def test_completion_reads_what_this_worker_has_not_hashed(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Where nobody wrote down what it had come to, the digest is computed from the stored bytes."""
    upload_id = await upload(ecr, repository, LARGE)
    await forget_hashes(registry, upload_id)
    await send_part(ecr, repository, upload_id, len(LARGE), b"end")

    completed = await complete(ecr, repository, upload_id, LARGE + b"end")

    assert completed["layerDigest"] == digest_of(LARGE + b"end")


async def test_a_completion_goes_on_where_an_earlier_one_gave_up(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """What it had read back is not read again, so a client that repeats it comes to an end however large the layer."""
    content = bytes(20 * MIB)
    upload_id = await upload(ecr, repository, content)
    await forget_hashes(registry, upload_id)
    ((storage_key,),) = await rows(registry, select(tables.uploads.c.storage_key))
    await store_instead(registry, storage_key, content[:-1])
    completion = {"repositoryName": repository, "uploadId": upload_id, "layerDigests": [digest_of(content)]}
    await ecr.error("CompleteLayerUpload", **completion)

    await store_instead(registry, storage_key, b"never read" + content[10:])
    completed = await complete(ecr, repository, upload_id, content)

    assert completed["layerDigest"] == digest_of(content)


async def test_parts_that_reached_several_workers_are_not_read_back(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Each goes on with the hash where the one before it was: other bytes in the storage are not noticed."""
    upload_id = await upload(ecr, repository, LARGE)
    registry.services.upload_hashes.forget(upload_id)
    await send_part(ecr, repository, upload_id, len(LARGE), LARGE)
    registry.services.upload_hashes.forget(upload_id)
    ((storage_key,),) = await rows(registry, select(tables.uploads.c.storage_key))
    await store_instead(registry, storage_key, b"never read" + bytes(2 * len(LARGE) - 10))

    completed = await complete(ecr, repository, upload_id, 2 * LARGE)

    assert completed["layerDigest"] == digest_of(2 * LARGE)


async def forget_hashes(registry: RunningRegistry, upload_id: str) -> None:
    """As if nobody who received the bytes had been able to write down what they hash to."""
    registry.services.upload_hashes.forget(upload_id)
    await execute(registry, update(tables.uploads).values(hash_state=None))


async def store_instead(registry: RunningRegistry, storage_key: str, content: bytes) -> None:
    """Keep other bytes under the key of an upload."""
    await registry.storage.delete(storage_key)
    async with registry.storage.writer(storage_key, offset=0, epoch=0, hasher=hasher("sha256")) as writer:
        await writer.write([content])


async def test_an_empty_part_is_refused(ecr: ECR, repository: str) -> None:
    """Its range would run backwards."""
    begun = await ecr("InitiateLayerUpload", repositoryName=repository)

    refused = await ecr.error("UploadLayerPart", **part(repository, begun["uploadId"], 0, b""))

    assert refused["__type"] == "InvalidParameterException"


async def test_a_part_that_is_no_base64_is_refused(ecr: ECR, repository: str) -> None:
    """As AWS refuses values of the wrong type."""
    begun = await ecr("InitiateLayerUpload", repositoryName=repository)
    members = part(repository, begun["uploadId"], 0, b"1") | {"layerPartBlob": "???"}

    refused = await ecr.error("UploadLayerPart", **members)

    assert refused["__type"] == "SerializationException"


async def break_off_part(ecr: ECR, registry: RunningRegistry, members: dict[str, Any]) -> int:
    """Send half of a signed UploadLayerPart."""
    request = ecr.signed("UploadLayerPart", json.dumps(members).encode())
    body = request.content
    return await break_off(registry, "POST", "/", [body[: len(body) // 2]], request.headers)


async def refused_as_unknown(ecr: ECR, repository: str, upload_id: str, content: bytes) -> None:
    """Neither a part nor a completion is taken."""
    expected = {
        "__type": "UploadNotFoundException",
        "message": f"The upload with id '{upload_id}' does not exist in the repository with name '{repository}' in "
        "registry with id '000000000000'",
    }
    assert await ecr.error("UploadLayerPart", **part(repository, upload_id, len(content), b"more")) == expected
    assert await ecr.error("CompleteLayerUpload", **completion(repository, upload_id, content)) == expected


def completion(repository: str, upload_id: str, content: bytes) -> dict[str, Any]:
    """The members of CompleteLayerUpload."""
    return {"repositoryName": repository, "uploadId": upload_id, "layerDigests": [digest_of(content)]}


async def complete(ecr: ECR, repository: str, upload_id: str, content: bytes) -> dict[str, Any]:
    """Complete an upload."""
    return await ecr("CompleteLayerUpload", **completion(repository, upload_id, content))
