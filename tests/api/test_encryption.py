"""Repositories whose images are encrypted: what is stored, who may read it, and what stops when a key does."""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from tests.api.clients import ECR, Body, errors_of
from tests.api.images import (
    MIB,
    artifact,
    digest_of,
    image,
    index,
    part,
    push,
    push_layer,
    push_layers,
    upload,
)
from tests.api.query_clients import Query
from tests.api.rows import count, execute, rows
from tests.api.test_access import allow

from entrepot.core.clock import DAY, MINUTE
from entrepot.fronts.oci.profile import OCI
from entrepot.metadata import tables
from entrepot.operations.sweeps import all_sweeps, sweep_once
from entrepot.server.app import Application
from entrepot.testing.registry import ACCOUNT_ID, REGION, RunningRegistry

produces = pytest.mark.produces

KEY_PREFIX = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/"
MISSING = f"{KEY_PREFIX}00000000-0000-4000-8000-000000000000"
#: With annotations, which are in no row.
IMAGE = image(annotations={"org.example.secret": "nobody reads this"})
#: Longer than frames and parts, and not a multiple of them.
LAYER = b"a layer that nobody reads " * 250_001


async def create(ecr: ECR, name: str, kind: str, key: str | None = None) -> Any:
    """A repository with this encryption; gives the ARN of its key."""
    asked = {"encryptionType": kind} if key is None else {"encryptionType": kind, "kmsKey": key}
    created = await ecr("CreateRepository", repositoryName=name, encryptionConfiguration=asked)
    assert created["repository"]["encryptionConfiguration"].keys() == {"encryptionType", "kmsKey"}
    return created["repository"]["encryptionConfiguration"]["kmsKey"]


@pytest.fixture(params=["KMS", "KMS_DSSE"])
def kind(request: pytest.FixtureRequest) -> str:
    """The encryption type of the test's repository."""
    return request.param


@pytest.fixture
async def key(ecr: ECR, kind: str) -> Any:
    """The ARN of the key of a repository ``vault``."""
    return await create(ecr, "vault", kind)


@pytest.fixture
async def browser(registry: RunningRegistry) -> AsyncIterator[httpx.AsyncClient]:
    """Anybody."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(registry.application)) as client:
        yield client


def disable(registry: RunningRegistry, key: str) -> str:
    """Disable a key, and let a minute pass; gives what is said of it from then on."""
    registry.keyring.set_enabled(key, enabled=False)
    registry.clock.advance(MINUTE)
    return f"{key} is disabled."


def refused_by_kms(reason: str, code: str = "DisabledException") -> Body:
    """The body of a KmsException."""
    return {"__type": "KmsException", "message": reason, "kmsError": code}


async def stored(registry: RunningRegistry) -> bytes:
    """All bytes of layers and manifests, as they are stored."""
    manifests = [content for (content,) in await rows(registry, select(tables.manifests.c.content))]
    keys = [key for (key,) in await rows(registry, select(tables.blobs.c.storage_key))]
    blobs = [
        b"".join([chunk async for chunk in registry.storage.read(key, start=0, length=size)])
        for key in keys
        for size in [len(registry.storage._blobs[key].content)]  # pyright: ignore[reportPrivateUsage] (as it is stored)
    ]
    return b"".join([*manifests, *blobs])


async def manifest_of(ecr: ECR, repository: str, tag: str = "v1") -> str:
    """A manifest, as BatchGetImage gives it."""
    answer = await ecr("BatchGetImage", repositoryName=repository, imageIds=[{"imageTag": tag}])
    assert answer["failures"] == []
    return answer["images"][0]["imageManifest"]


async def layer_of(ecr: ECR, browser: httpx.AsyncClient, digest: str, **headers: str) -> httpx.Response:
    """The answer to a download URL."""
    answer = await ecr("GetDownloadUrlForLayer", repositoryName="vault", layerDigest=digest)
    return await browser.get(answer["downloadUrl"], headers=headers)


async def test_a_repository_tells_its_key(ecr: ECR, kind: str) -> None:
    """The default one by its ARN, the same for all that name none; and so does whoever describes it."""
    first, second = await create(ecr, "one", kind), await create(ecr, "two", kind)

    described = await ecr("DescribeRepositories", repositoryNames=["one"])

    assert first == second
    assert first.startswith(KEY_PREFIX)
    assert described["repositories"][0]["encryptionConfiguration"] == {"encryptionType": kind, "kmsKey": first}


async def test_a_key_is_named_as_kms_lets_name_it(ecr: ECR, registry: RunningRegistry) -> None:
    """By id, ARN, alias or alias's ARN; the answer has the ARN."""
    arn = registry.keyring.create(registry.services.default_registry, alias="alias/team").arn
    names = [arn, arn.rpartition("/")[2], "alias/team", f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:alias/team"]

    created = [await create(ecr, f"app{number}", "KMS", name) for number, name in enumerate(names)]

    assert created == [arn] * 4


@produces("CreateRepository", "KmsException")
@pytest.mark.parametrize(("name", "words"), [(MISSING, "Key"), ("alias/missing", "Alias")])
async def test_a_key_that_is_not_there_makes_no_repository(ecr: ECR, name: str, words: str) -> None:
    """No layer of a repository that asked for encryption is ever stored in plain."""
    refused = await ecr.error(
        "CreateRepository",
        repositoryName="app",
        encryptionConfiguration={"encryptionType": "KMS", "kmsKey": name},
    )

    arn = name if name == MISSING else f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:{name}"
    assert refused == refused_by_kms(f"{words} '{arn}' does not exist", "NotFoundException")
    assert await ecr("DescribeRepositories") == {"repositories": []}


@pytest.mark.parametrize("allowed", [[], ["kms:DescribeKey"], ["kms:DescribeKey", "kms:CreateGrant"]])
async def test_a_key_of_ones_own_takes_leave_for_it(
    ecr: ECR, iam: Query, registry: RunningRegistry, allowed: list[str]
) -> None:
    """By kms:DescribeKey and kms:CreateGrant, as ECR asks for them; the default key takes none."""
    arn = registry.keyring.create(registry.services.default_registry).arn
    await iam("CreateUser", UserName="alice")
    made = (await iam("CreateAccessKey", UserName="alice"))["AccessKey"]
    await iam(
        "PutUserPolicy",
        UserName="alice",
        PolicyName="own",
        PolicyDocument=allow("ecr:CreateRepository", *allowed),
    )
    alice = ECR(registry, access_key_id=made["AccessKeyId"], secret_access_key=made["SecretAccessKey"])
    own = {"encryptionType": "KMS", "kmsKey": arn}

    await alice("CreateRepository", repositoryName="one", encryptionConfiguration={"encryptionType": "KMS"})
    if len(allowed) == 2:
        await alice("CreateRepository", repositoryName="two", encryptionConfiguration=own)
    else:
        refused = await alice.error("CreateRepository", repositoryName="two", encryptionConfiguration=own)
        action = "kms:CreateGrant" if allowed else "kms:DescribeKey"
        assert (refused["__type"], refused["kmsError"]) == ("KmsException", "AccessDeniedException")
        assert f"is not authorized to perform: {action} on resource: {arn}" in refused["message"]


@pytest.mark.usefixtures("key")
async def test_what_is_pushed_is_stored_encrypted_and_pulled_as_it_was(
    ecr: ECR, browser: httpx.AsyncClient, registry: RunningRegistry
) -> None:
    """Layers in several parts, from any byte on, and the manifest."""
    await push(ecr, "vault", IMAGE, "v1")
    upload_id = await upload(ecr, "vault", LAYER, size=5 * MIB)
    await ecr("CompleteLayerUpload", repositoryName="vault", uploadId=upload_id, layerDigests=[digest_of(LAYER)])
    pushed = artifact("two", IMAGE)
    await push(ecr, "vault", pushed)

    everything = await stored(registry)

    for plain in (b"nobody reads", b"org.example.secret", b"layer of one", b"schemaVersion"):
        assert plain not in everything
    assert await manifest_of(ecr, "vault") == IMAGE.text
    assert (await layer_of(ecr, browser, digest_of(IMAGE.blobs[1]))).content == IMAGE.blobs[1]


async def test_any_range_of_a_layer_is_decrypted(oci: httpx.AsyncClient, ecr: ECR, key: str) -> None:
    """Across frames and across parts."""
    assert key
    upload_id = await upload(ecr, "vault", LAYER, size=5 * MIB)
    digest = digest_of(LAYER)
    await ecr("CompleteLayerUpload", repositoryName="vault", uploadId=upload_id, layerDigests=[digest])
    url = f"/v2/vault/blobs/{digest}"

    whole = await oci.get(url)
    assert (whole.content, whole.headers["content-length"]) == (LAYER, str(len(LAYER)))
    for first, last in ((0, 0), (5 * MIB - 3, 5 * MIB + 3), (65_535, 131_073), (len(LAYER) - 1, len(LAYER) - 1)):
        ranged = await oci.get(url, headers={"range": f"bytes={first}-{last}"})
        assert (ranged.status_code, ranged.content) == (206, LAYER[first : last + 1])


@pytest.mark.usefixtures("key")
async def test_an_upload_goes_on_in_the_middle_of_a_frame(oci: httpx.AsyncClient) -> None:
    """In chunks of any size, as clients of ``/v2/`` send them."""
    place = (await oci.post("/v2/vault/blobs/uploads/")).headers["location"]
    content, ends = LAYER[:400_000], [0, 1, 70_001, 135_537, 400_000]

    for start, end in pairwise(ends):
        sent = await oci.patch(place, content=content[start:end])
        assert sent.status_code == 202, sent.text
        place = sent.headers["location"]
    done = await oci.put(place, params={"digest": digest_of(content)})

    assert done.status_code == 201, done.text
    assert (await oci.get(f"/v2/vault/blobs/{digest_of(content)}")).content == content


async def test_blobs_are_shared_under_one_key_alone(ecr: ECR, registry: RunningRegistry, kind: str) -> None:
    """One copy for each encryption and key, and one in plain; a manifest alike."""
    own = registry.keyring.create(registry.services.default_registry).arn
    await ecr("CreateRepository", repositoryName="plain")
    default = await create(ecr, "one", kind)
    await create(ecr, "two", kind)
    await create(ecr, "other", kind, own)
    await create(ecr, "otherwise", "KMS" if kind == "KMS_DSSE" else "KMS_DSSE")

    for name in ("plain", "one", "two", "other", "otherwise"):
        await push(ecr, name, IMAGE, "v1")

    layer = select(tables.blobs.c.encryption_key).where(tables.blobs.c.digest == digest_of(IMAGE.blobs[0]))
    spaces = sorted(space for (space,) in await rows(registry, layer))
    other = "KMS" if kind == "KMS_DSSE" else "KMS_DSSE"
    assert spaces == sorted(["", f"{kind} {default}", f"{kind} {own}", f"{other} {default}"])
    of_manifests = await rows(registry, select(tables.manifests.c.encryption_key))
    assert sorted(space for (space,) in of_manifests) == spaces
    assert [await manifest_of(ecr, name) for name in ("plain", "one", "two", "other")] == [IMAGE.text] * 4


async def test_a_layer_of_another_key_is_not_there(ecr: ECR, oci: httpx.AsyncClient, key: str) -> None:
    """A repository in plain has it, and that is no answer for one that is encrypted."""
    assert key
    await ecr("CreateRepository", repositoryName="plain")
    digest = await push_layer(ecr, "plain", LAYER[:1000])

    checked = await ecr("BatchCheckLayerAvailability", repositoryName="vault", layerDigests=[digest])

    assert checked["layers"][0]["layerAvailability"] == "UNAVAILABLE"
    assert (await oci.head(f"/v2/vault/blobs/{digest}")).status_code == 404


async def test_a_layer_is_mounted_under_the_same_encryption_and_key(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, kind: str
) -> None:
    """From any other repository it has to be sent."""
    own = registry.keyring.create(registry.services.default_registry).arn
    await ecr("CreateRepository", repositoryName="plain")
    await create(ecr, "vault", kind)
    await create(ecr, "same", kind)
    await create(ecr, "other", kind, own)
    await create(ecr, "otherwise", "KMS" if kind == "KMS_DSSE" else "KMS_DSSE")
    digest = await push_layer(ecr, "vault", LAYER[:1000])

    async def mount(repository: str) -> int:
        query = {"mount": digest, "from": "vault"}
        return (await oci.post(f"/v2/{repository}/blobs/uploads/", params=query)).status_code

    assert [await mount(name) for name in ("same", "plain", "other", "otherwise")] == [201, 202, 202, 202]
    assert (await oci.get(f"/v2/same/blobs/{digest}")).content == LAYER[:1000]


async def test_a_key_that_is_kept_stops_within_a_minute(ecr: ECR, registry: RunningRegistry, key: str) -> None:
    """What was unwrapped before it was disabled is not used longer."""
    await push(ecr, "vault", IMAGE, "v1")
    registry.keyring.set_enabled(key, enabled=False)
    registry.clock.advance(MINUTE - 1)
    assert await manifest_of(ecr, "vault") == IMAGE.text

    registry.clock.advance(1)

    answer = await ecr("BatchGetImage", repositoryName="vault", imageIds=[{"imageTag": "v1"}])
    assert answer["failures"][0]["failureCode"] == "KmsError"


@produces("InitiateLayerUpload", "KmsException")
@produces("UploadLayerPart", "KmsException")
@produces("CompleteLayerUpload", "KmsException")
@produces("PutImage", "KmsException")
async def test_with_a_disabled_key_nothing_is_pushed(ecr: ECR, registry: RunningRegistry, key: str) -> None:
    """At whatever step it is; and what waits goes on where it was once the key is enabled."""
    await push_layers(ecr, "vault", IMAGE)
    upload_id, whole = await upload(ecr, "vault", LAYER[: 5 * MIB]), await upload(ecr, "vault", LAYER[:1000])
    reason = disable(registry, key)
    last = part("vault", upload_id, 5 * MIB, LAYER[5 * MIB :])
    completion: Body = {
        "repositoryName": "vault",
        "uploadId": whole,
        "layerDigests": [digest_of(LAYER[:1000])],
    }

    assert await ecr.error("InitiateLayerUpload", repositoryName="vault") == refused_by_kms(reason)
    assert await ecr.error("UploadLayerPart", **last) == refused_by_kms(reason)
    assert await ecr.error("CompleteLayerUpload", **completion) == refused_by_kms(reason)
    asked = {"repositoryName": "vault", "imageManifest": IMAGE.text, "imageManifestMediaType": IMAGE.media_type}
    assert await ecr.error("PutImage", **asked) == refused_by_kms(reason)

    registry.keyring.set_enabled(key, enabled=True)
    await ecr("UploadLayerPart", **last)
    await ecr("CompleteLayerUpload", **completion)
    await ecr("PutImage", **asked)
    completion |= {"uploadId": upload_id, "layerDigests": [digest_of(LAYER)]}
    await ecr("CompleteLayerUpload", **completion)


async def test_with_a_disabled_key_nothing_is_read(
    ecr: ECR, oci: httpx.AsyncClient, browser: httpx.AsyncClient, registry: RunningRegistry, key: str
) -> None:
    """A failure for the image in a batch, a refusal without a byte elsewhere; what is told by rows goes on."""
    await push(ecr, "vault", IMAGE, "v1")
    reason = disable(registry, key)
    layer = digest_of(IMAGE.blobs[1])

    batch = await ecr("BatchGetImage", repositoryName="vault", imageIds=[{"imageTag": "v1"}, {"imageTag": "no"}])

    assert batch["images"] == []
    assert batch["failures"] == [
        {
            "imageId": {"imageTag": "no"},
            "failureCode": "ImageNotFound",
            "failureReason": batch["failures"][0]["failureReason"],
        },
        {"imageId": {"imageTag": "v1"}, "failureCode": "KmsError", "failureReason": reason},
    ]
    assert errors_of(await oci.get("/v2/vault/manifests/v1")) == (403, "DENIED", reason)
    assert errors_of(await oci.get(f"/v2/vault/blobs/{layer}")) == (403, "DENIED", reason)
    assert errors_of(await oci.post("/v2/vault/blobs/uploads/")) == (403, "DENIED", reason)
    downloaded = await layer_of(ecr, browser, layer)
    assert (downloaded.status_code, downloaded.text) == (400, f"{reason}\n")
    assert (await oci.head("/v2/vault/manifests/v1")).status_code == 200
    assert (await ecr("DescribeImages", repositoryName="vault"))["imageDetails"][0]["imageTags"] == ["v1"]


async def test_a_key_that_is_deleted_takes_its_images_along(ecr: ECR, registry: RunningRegistry, key: str) -> None:
    """First it waits, then it is gone; a repository of it is deleted all the same."""
    await push(ecr, "vault", IMAGE, "v1")
    registry.keyring.schedule_deletion(key, 7)
    registry.clock.advance(MINUTE)
    waiting = await ecr.error("InitiateLayerUpload", repositoryName="vault")
    registry.clock.advance(7 * DAY)
    gone = await ecr.error("InitiateLayerUpload", repositoryName="vault")

    assert waiting == refused_by_kms(f"{key} is pending deletion.", "KMSInvalidStateException")
    assert gone == refused_by_kms(f"Key '{key}' does not exist", "NotFoundException")
    await ecr("DeleteRepository", repositoryName="vault", force=True)


async def test_a_rotated_key_reads_what_was_pushed_before(ecr: ECR, registry: RunningRegistry, key: str) -> None:
    """And wraps what is pushed afterwards."""
    await push(ecr, "vault", IMAGE, "v1")
    registry.keyring.rotate(key)
    registry.clock.advance(MINUTE)

    await push(ecr, "vault", image("two"), "v2")
    registry.clock.advance(MINUTE)

    assert await manifest_of(ecr, "vault", "v1") == IMAGE.text
    assert await manifest_of(ecr, "vault", "v2") == image("two").text


@pytest.mark.usefixtures("key")
async def test_a_damaged_layer_is_an_error_and_never_other_bytes(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry
) -> None:
    """Before the first of them, while a client can still be told."""
    digest = await push_layer(ecr, "vault", LAYER[:1000])
    ((key,),) = await rows(registry, select(tables.blobs.c.storage_key))

    registry.storage._blobs[key].content[500] ^= 1  # pyright: ignore[reportPrivateUsage] (what a disk does)

    assert errors_of(await oci.get(f"/v2/vault/blobs/{digest}"))[:2] == (503, "UNAVAILABLE")


@pytest.mark.usefixtures("key")
async def test_a_manifest_in_the_place_of_another_is_an_error(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry
) -> None:
    """Also with the data keys of the other."""
    other = index()
    await push(ecr, "vault", IMAGE, "v1")
    await push(ecr, "vault", other, "v2")
    table = tables.manifests
    (theirs,) = await rows(
        registry, select(table.c.content, table.c.wrapped).where(table.c.digest == other.digest)
    )

    swapped = {"content": theirs.content, "wrapped": theirs.wrapped}
    await execute(registry, update(table).where(table.c.digest == IMAGE.digest).values(swapped))

    assert errors_of(await oci.get("/v2/vault/manifests/v1"))[:2] == (503, "UNAVAILABLE")


@pytest.mark.usefixtures("key")
async def test_referrers_are_listed_with_their_annotations(ecr: ECR, oci: httpx.AsyncClient) -> None:
    """Which are in their manifests alone."""
    await push(ecr, "vault", IMAGE, "v1")
    await push(ecr, "vault", artifact("sbom", IMAGE, "text/x", annotations={"a": "b"}))

    listed = await oci.get(f"/v2/vault/referrers/{IMAGE.digest}")

    assert [one["annotations"] for one in listed.json()["manifests"]] == [{"a": "b"}]


@pytest.mark.usefixtures("key")
async def test_data_keys_go_with_what_they_are_for(ecr: ECR, registry: RunningRegistry) -> None:
    """Of blobs that are collected, of uploads that were given up, and of those that lost the race for their digest."""
    await push(ecr, "vault", IMAGE, "v1")
    await upload(ecr, "vault", LAYER[:1000])
    again = await upload(ecr, "vault", IMAGE.blobs[0])
    await ecr.error(
        "CompleteLayerUpload",
        repositoryName="vault",
        uploadId=again,
        layerDigests=[digest_of(IMAGE.blobs[0])],
    )
    assert await count(registry, tables.data_keys) == 4

    await ecr("DeleteRepository", repositoryName="vault", force=True)
    for _ in range(3):
        registry.clock.advance(2 * DAY)
        await sweep_once(registry.services, all_sweeps(90))

    assert await count(registry, tables.data_keys) == 0
    assert await count(registry, tables.encrypted_segments) == 0
    assert await count(registry, tables.manifests) == 0


async def test_a_push_makes_its_repository_with_the_key_of_the_template(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, kind: str
) -> None:
    """The one it names, and the default one where it names none."""
    own = registry.keyring.create(registry.services.default_registry).arn
    for prefix, configuration in (
        ("own", {"encryptionType": kind, "kmsKey": own}),
        ("default", {"encryptionType": kind}),
    ):
        made = await ecr(
            "CreateRepositoryCreationTemplate",
            prefix=prefix,
            appliedFor=["CREATE_ON_PUSH"],
            encryptionConfiguration=configuration,
        )
        assert made["repositoryCreationTemplate"]["encryptionConfiguration"] == configuration

    for prefix in ("own", "default"):
        assert (await oci.post(f"/v2/{prefix}/app/blobs/uploads/")).status_code == 202

    described = await ecr("DescribeRepositories", repositoryNames=["own/app", "default/app"])
    keys = [one["encryptionConfiguration"]["kmsKey"] for one in described["repositories"]]
    assert keys[0] == own
    assert keys[1] == await create(ecr, "app", kind)


async def test_a_template_with_a_disabled_key_makes_no_repository(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry
) -> None:
    """The push is refused, clearly."""
    own = registry.keyring.create(registry.services.default_registry).arn
    await ecr(
        "CreateRepositoryCreationTemplate",
        prefix="own",
        appliedFor=["CREATE_ON_PUSH"],
        encryptionConfiguration={"encryptionType": "KMS", "kmsKey": own},
    )
    reason = disable(registry, own)

    assert errors_of(await oci.post("/v2/own/app/blobs/uploads/")) == (403, "DENIED", reason)
    assert await ecr("DescribeRepositories") == {"repositories": []}


@pytest.mark.registry(encrypt_at_rest=True)
async def test_at_rest_everything_is_encrypted_under_the_master_key(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """In repositories that ask for no more than AES256, and nobody sees a difference."""
    await push(ecr, repository, IMAGE, "v1")

    assert b"nobody reads" not in await stored(registry)
    assert await manifest_of(ecr, repository) == IMAGE.text
    assert (await oci.get(f"/v2/app/blobs/{digest_of(IMAGE.blobs[1])}")).content == IMAGE.blobs[1]
    described = await ecr("DescribeRepositories")
    assert described["repositories"][0]["encryptionConfiguration"] == {"encryptionType": "AES256"}


async def test_the_setting_can_be_switched_at_any_time(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """What was in plain stays so and counts as present; each blob and manifest says whether it is encrypted."""
    plain = await push_layer(ecr, repository, b"in plain")
    await push(ecr, repository, IMAGE, "v1")
    encrypting = ECR(switched(registry, encrypt_at_rest=True))

    encrypted = await push_layer(encrypting, repository, b"under the master key")
    await push(encrypting, repository, image("two"), "v2")
    again = await upload(encrypting, repository, b"in plain")
    completion: Body = {"repositoryName": repository, "uploadId": again, "layerDigests": [plain]}
    refused = await encrypting.error("CompleteLayerUpload", **completion)

    everything = await stored(registry)
    assert b"in plain" in everything
    assert b"under the master key" not in everything
    assert refused["__type"] == "LayerAlreadyExistsException"
    for client in (ecr, encrypting):
        assert await manifest_of(client, repository, "v1") == IMAGE.text
        assert await manifest_of(client, repository, "v2") == image("two").text
    assert (await oci.get(f"/v2/app/blobs/{plain}")).content == b"in plain"
    assert (await oci.get(f"/v2/app/blobs/{encrypted}")).content == b"under the master key"


def switched(registry: RunningRegistry, *, encrypt_at_rest: bool) -> RunningRegistry:
    """The same registry after a start with another setting."""
    services = replace(registry.services, encrypt_at_rest=encrypt_at_rest)

    async def close() -> None:
        """The test ends it."""

    application = Application(services, profile=OCI, render_metrics=bytes, close=close, log_every_request=False)
    return replace(registry, application=application, services=services)
