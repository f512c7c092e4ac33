"""What is deleted can be had back for as long as it is kept: images, tags, repositories."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, select, update
from tests.api.clients import ECR, password
from tests.api.collection_invariants import check_invariants
from tests.api.crashes import Crashed, crashing
from tests.api.images import Image, artifact, digest_of, image, index, push, push_layer, put
from tests.api.rows import count, execute, rows
from tests.api.test_sweeps import MOST, add_tags, break_off_the_deletion, counted

from entrepot.core.clock import DAY, HOUR
from entrepot.core.enumerations import TagMutability
from entrepot.core.errors import EntrepotError
from entrepot.features.images.errors import (
    ChildrenGone,
    ImageNotDeleted,
    ImageTagAlreadyExists,
    LayersGone,
    TagWasNothingElse,
    TooManyDeletedImages,
)
from entrepot.features.layers.rules import CLOCK_SKEW, Lifetimes
from entrepot.features.quotas.errors import TooManyImages, TooManyRepositories
from entrepot.features.quotas.quotas import Quotas
from entrepot.features.repositories.errors import (
    RepositoryAlreadyExists,
    RepositoryNotDeleted,
    RepositoryNotFound,
)
from entrepot.metadata import tables
from entrepot.operations.collection import report_garbage
from entrepot.operations.history import list_history
from entrepot.operations.operator import Operator
from entrepot.operations.purge import purge_all, purge_image, purge_repository
from entrepot.operations.services import Services
from entrepot.operations.sweeps import collecting_sweeps, drain_repositories, sweep_once
from entrepot.operations.undelete import (
    IMAGES_AT_ONCE,
    Kept,
    Undeleted,
    list_deleted,
    undelete_image,
    undelete_repository,
    undelete_tag,
)
from entrepot.testing.registry import ACCOUNT_ID, START, RunningRegistry

WINDOW = DAY
#: After so long nothing of what was deleted is kept, on any replica's clock.
UNTIL_DRAINED = WINDOW + CLOCK_SKEW


def kept(registry: RunningRegistry) -> Services:
    """The services of a registry that keeps what is deleted for a day."""
    return replace(registry.services, lifetimes=Lifetimes(undelete=WINDOW))


def operator(registry: RunningRegistry, **options: Any) -> Operator:
    """Somebody at the registry's machine."""
    return Operator(registry=registry.services.default_registry, request_id="command", **options)


async def sweep(registry: RunningRegistry) -> None:
    """Collect until nothing is left to do, but for what is kept."""
    await sweep_once(kept(registry), collecting_sweeps())


async def delete_image(ecr: ECR, repository: str, *pushed: Image) -> None:
    """BatchDeleteImage by digest."""
    ids = [{"imageDigest": one.digest} for one in pushed]
    assert (await ecr("BatchDeleteImage", repositoryName=repository, imageIds=ids))["failures"] == []


async def delete_tag(ecr: ECR, repository: str, tag: str) -> None:
    """BatchDeleteImage by tag."""
    ids = [{"imageTag": tag}]
    assert (await ecr("BatchDeleteImage", repositoryName=repository, imageIds=ids))["failures"] == []


async def undelete(registry: RunningRegistry, repository: str, pushed: Image, **options: Any) -> Undeleted:
    """An image by its digest."""
    return await undelete_image(
        registry.services, operator(registry, **options), repository=repository, digest=pushed.digest
    )


async def retag(registry: RunningRegistry, repository: str, tag: str) -> Undeleted:
    """An image by a tag."""
    return await undelete_tag(registry.services, operator(registry), repository=repository, tag=tag)


async def tags_of(ecr: ECR, repository: str) -> dict[str, list[str]]:
    """The digests of all images that the API lists, with their tags."""
    listed = await ecr("ListImages", repositoryName=repository, maxResults=1000)
    found: dict[str, list[str]] = {}
    for entry in listed["imageIds"]:
        found.setdefault(entry["imageDigest"], []).extend([entry["imageTag"]] if "imageTag" in entry else [])
    return found


async def is_whole(oci: httpx.AsyncClient, repository: str, pushed: Image) -> bool:
    """Whether manifest and layers are pulled as they were pushed."""
    manifest = await oci.get(f"/v2/{repository}/manifests/{pushed.digest}")
    blobs = [await oci.get(f"/v2/{repository}/blobs/{digest_of(blob)}") for blob in pushed.blobs]
    return manifest.content == pushed.content and [blob.content for blob in blobs] == list(pushed.blobs)


async def test_a_deleted_image_comes_back_with_its_tags(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """To the end of its window, though the collector has been by many times, and it is as it was."""
    pushed = image()
    await push(ecr, repository, pushed, "v1", "latest")
    before = await ecr("DescribeImages", repositoryName=repository)
    registry.clock.advance(2 * DAY)
    await delete_image(ecr, repository, pushed)
    for hours in (0, 3, 20):
        registry.clock.advance(hours * HOUR)
        await sweep(registry)
    registry.clock.advance(HOUR - 1)
    await sweep(registry)

    undeleted = await undelete(registry, repository, pushed)

    assert undeleted == Undeleted(pushed.digest, ["latest", "v1"])
    assert await ecr("DescribeImages", repositoryName=repository) == before
    registry.clock.advance(3 * DAY)
    await sweep(registry)
    await check_invariants(registry, set())
    assert await count(registry, tables.repository_layers) == 2
    oci.auth = httpx.BasicAuth("AWS", await password(ecr))
    assert await is_whole(oci, repository, pushed)


async def test_after_its_window_an_image_is_gone(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """Not a moment before it has ended on every replica's clock."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")
    await delete_image(ecr, repository, pushed)

    registry.clock.advance(UNTIL_DRAINED - 1)
    await sweep(registry)
    before = await count(registry, tables.images)
    registry.clock.advance(1)
    await sweep(registry)

    assert (before, await count(registry, tables.images)) == (1, 0)
    with pytest.raises(ImageNotDeleted):
        await undelete(registry, repository, pushed)


async def test_without_a_window_nothing_is_kept(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """The next round drains it."""
    pushed = image()
    await push(ecr, repository, pushed)
    await delete_image(ecr, repository, pushed)

    await sweep_once(registry.services, collecting_sweeps())

    assert await count(registry, tables.images) == 0


async def test_an_image_that_went_with_its_last_tag_comes_back_with_it(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """As the API deletes it; a tag that was taken off before stays off."""
    pushed = image()
    await push(ecr, repository, pushed, "first", "last")
    await delete_tag(ecr, repository, "first")
    registry.clock.advance(1)
    await delete_tag(ecr, repository, "last")

    undeleted = await undelete(registry, repository, pushed)

    assert undeleted.tags == ["last"]
    assert await tags_of(ecr, repository) == {pushed.digest: ["last"]}


async def test_a_tag_that_points_elsewhere_now_stays_there(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """And is told of; in a repository with immutable tags too."""
    old, new = image("old"), image("new")
    await push(ecr, repository, old, "v1", "latest")
    await delete_image(ecr, repository, old)
    await push(ecr, repository, new, "latest")
    await set_mutability(ecr, repository, "IMMUTABLE")

    undeleted = await undelete(registry, repository, old)

    assert undeleted == Undeleted(old.digest, ["v1"], elsewhere=["latest"])
    assert await tags_of(ecr, repository) == {old.digest: ["v1"], new.digest: ["latest"]}


async def set_mutability(ecr: ECR, repository: str, mutability: TagMutability) -> None:
    """PutImageTagMutability."""
    await ecr("PutImageTagMutability", repositoryName=repository, imageTagMutability=mutability)


async def test_an_image_that_was_pushed_again_gets_its_tags(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """The image that is there has them, once; what is kept of the other goes in its time."""
    pushed = image()
    await push(ecr, repository, pushed, "v1", "v2")
    await delete_image(ecr, repository, pushed)
    await put(ecr, repository, pushed, "v3")

    undeleted = await undelete(registry, repository, pushed)

    assert undeleted == Undeleted(pushed.digest, ["v1", "v2"], was_there=True)
    assert await tags_of(ecr, repository) == {pushed.digest: ["v1", "v2", "v3"]}
    registry.clock.advance(UNTIL_DRAINED)
    await sweep(registry)
    await check_invariants(registry, set())
    assert await tags_of(ecr, repository) == {pushed.digest: ["v1", "v2", "v3"]}


async def test_what_was_deleted_twice_comes_back_as_it_was_last(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """With the tags of the second time."""
    pushed = image()
    for tag in ("v1", "v2"):
        await push(ecr, repository, pushed, tag)
        registry.clock.advance(1)
        await delete_image(ecr, repository, pushed)

    undeleted = await undelete(registry, repository, pushed)

    assert undeleted.tags == ["v2"]


async def test_what_is_not_deleted_is_not_undeleted(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """Nor what never was, nor what was deleted elsewhere."""
    pushed, other = image(), image("other")
    await push(ecr, repository, pushed, "v1")
    await ecr("CreateRepository", repositoryName="second")
    await push(ecr, "second", other)
    await delete_image(ecr, "second", other)

    for absent in (pushed, other, image("never")):
        with pytest.raises(ImageNotDeleted):
            await undelete(registry, repository, absent)
    with pytest.raises(RepositoryNotFound):
        await undelete(registry, "third", pushed)


async def test_a_tag_goes_back_to_where_it_pointed(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """And again to where it was, so the second time undoes the first."""
    one, two = image("one"), image("two")
    await push(ecr, repository, one, "latest")
    await push(ecr, repository, two, "latest")

    first = await retag(registry, repository, "latest")
    between = await tags_of(ecr, repository)
    second = await retag(registry, repository, "latest")

    assert first == Undeleted(one.digest, ["latest"], was_there=True)
    assert between == {one.digest: ["latest"], two.digest: []}
    assert second.digest == two.digest
    assert await tags_of(ecr, repository) == {one.digest: [], two.digest: ["latest"]}


@pytest.mark.parametrize("made_anew", [False, True])
async def test_a_tag_that_was_removed_comes_back(
    ecr: ECR, registry: RunningRegistry, repository: str, made_anew: bool
) -> None:
    """Also where it has been given to another image since."""
    one, two = image("one"), image("two")
    await push(ecr, repository, one, "v1", "kept")
    await push(ecr, repository, two, "other")
    await delete_tag(ecr, repository, "v1")
    if made_anew:
        await put(ecr, repository, two, "v1")

    await retag(registry, repository, "v1")

    assert await tags_of(ecr, repository) == {one.digest: ["kept", "v1"], two.digest: ["other"]}


async def test_a_tag_brings_its_deleted_image_back(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """With this tag alone; the next comes when it is asked for."""
    pushed = image()
    await push(ecr, repository, pushed, "v1", "v2")
    await delete_image(ecr, repository, pushed)

    first = await retag(registry, repository, "v1")
    between = await tags_of(ecr, repository)
    await retag(registry, repository, "v2")

    assert first == Undeleted(pushed.digest, ["v1"])
    assert between == {pushed.digest: ["v1"]}
    assert await tags_of(ecr, repository) == {pushed.digest: ["v1", "v2"]}


async def test_a_tag_that_was_never_another_cannot_go_back(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Nor one that never was; nor one whose image is gone for good."""
    gone, pushed = image("gone"), image()
    await push(ecr, repository, gone, "old")
    await delete_image(ecr, repository, gone)
    registry.clock.advance(UNTIL_DRAINED)
    await sweep(registry)
    await push(ecr, repository, pushed, "v1")

    for tag in ("v1", "never"):
        with pytest.raises(TagWasNothingElse):
            await retag(registry, repository, tag)
    with pytest.raises(ImageNotDeleted):
        await retag(registry, repository, "old")


async def test_an_immutable_tag_is_not_moved_back(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """But one that was removed is set."""
    one, two = image("one"), image("two")
    await push(ecr, repository, one, "v1", "v2")
    await push(ecr, repository, two, "v1")
    await delete_tag(ecr, repository, "v2")
    await push(ecr, repository, one, "v3")
    await set_mutability(ecr, repository, "IMMUTABLE")

    with pytest.raises(ImageTagAlreadyExists):
        await retag(registry, repository, "v1")
    await retag(registry, repository, "v2")

    assert await tags_of(ecr, repository) == {one.digest: ["v2", "v3"], two.digest: ["v1"]}


async def test_an_image_with_many_tags_comes_back_in_small_transactions(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """With all of them at once: nobody sees it with some."""
    pushed = image()
    await push(ecr, repository, pushed)
    await add_tags(registry, 300)
    await delete_image(ecr, repository, pushed)

    with counted() as transactions:
        undeleted = await undelete(registry, repository, pushed)

    assert 100 < max(transactions.sizes) <= MOST
    assert len(undeleted.tags) == 300
    assert sorted((await tags_of(ecr, repository))[pushed.digest]) == sorted(f"t{number}" for number in range(300))


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5, 6])
async def test_an_undelete_that_breaks_off_can_be_repeated(
    ecr: ECR, registry: RunningRegistry, repository: str, at: int
) -> None:
    """Before or after any of its transactions: until the last one there is no image, and after the next try all."""
    pushed = image()
    await push(ecr, repository, pushed)
    await add_tags(registry, 200)
    await delete_image(ecr, repository, pushed)

    with pytest.raises(Crashed):
        await undelete_image(
            crashing(registry.services, at), operator(registry), repository=repository, digest=pushed.digest
        )
    seen = await tags_of(ecr, repository)
    await check_invariants(registry, set())
    if not seen:
        await undelete(registry, repository, pushed)

    assert len(seen.get(pushed.digest, [])) in {0, 200}
    assert len((await tags_of(ecr, repository))[pushed.digest]) == 200


async def test_tags_that_a_broken_off_deletion_left_come_back(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """They are on the image still; by the image, and by one of the tags."""
    pushed = image()
    await push(ecr, repository, pushed, "v1", "v2")
    await execute(registry, break_off_the_deletion())

    by_tag = await retag(registry, repository, "v1")
    await execute(registry, break_off_the_deletion())
    by_digest = await undelete(registry, repository, pushed)

    assert (by_tag.digest, by_digest.tags) == (pushed.digest, ["v1", "v2"])
    assert await tags_of(ecr, repository) == {pushed.digest: ["v1", "v2"]}


async def test_an_image_whose_layer_was_deleted_stays_deleted(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """Until the layer is pushed again, or in a registry of sparse manifests; and nothing has changed."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")
    await delete_image(ecr, repository, pushed)
    unlinked = await oci.delete(f"/v2/{repository}/blobs/{digest_of(pushed.blobs[1])}")

    with pytest.raises(LayersGone, match=digest_of(pushed.blobs[1])):
        await undelete(registry, repository, pushed)
    with pytest.raises(LayersGone):
        await retag(registry, repository, "v1")
    refused = await tags_of(ecr, repository)
    await push_layer(ecr, repository, pushed.blobs[1])
    await undelete(registry, repository, pushed)

    assert (unlinked.status_code, refused) == (202, {})
    assert await tags_of(ecr, repository) == {pushed.digest: ["v1"]}


async def test_sparse_manifests_come_back_without_their_layers(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """Where they may be pushed without."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")
    await delete_image(ecr, repository, pushed)
    await oci.delete(f"/v2/{repository}/blobs/{digest_of(pushed.blobs[1])}")

    await undelete(registry, repository, pushed, sparse_manifests=True)

    assert await tags_of(ecr, repository) == {pushed.digest: ["v1"]}


async def test_an_index_brings_its_images_along(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """Those that are deleted, of any depth, without their own tags, which can be had back by name."""
    amd, arm, kept_one = image("amd"), image("arm"), image("kept")
    inner = index(amd, arm)
    outer = index(inner, kept_one)
    for one in (amd, arm, kept_one):
        await push(ecr, repository, one)
    await push(ecr, repository, inner, "inner")
    await push(ecr, repository, outer, "outer")
    for one in (outer, inner, amd, arm):
        await delete_image(ecr, repository, one)

    undeleted = await undelete(registry, repository, outer)

    assert undeleted.tags == ["outer"]
    assert sorted(undeleted.children) == sorted(one.digest for one in (inner, amd, arm))
    assert await tags_of(ecr, repository) == {
        outer.digest: ["outer"],
        inner.digest: [],
        **{one.digest: [] for one in (amd, arm, kept_one)},
    }
    await retag(registry, repository, "inner")
    assert (await tags_of(ecr, repository))[inner.digest] == ["inner"]


async def test_an_index_whose_image_is_gone_stays_deleted(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Unless manifests may be sparse; nothing comes back with it."""
    gone, other = image("gone"), image("other")
    both = index(gone, other)
    for one in (gone, other, both):
        await push(ecr, repository, one)
    await delete_image(ecr, repository, both)
    await delete_image(ecr, repository, gone, other)
    await purge_image(registry.services, operator(registry), repository=repository, digest=gone.digest)

    with pytest.raises(ChildrenGone, match=gone.digest):
        await undelete(registry, repository, both)
    refused = await tags_of(ecr, repository)
    await undelete(registry, repository, both, sparse_manifests=True)

    assert refused == {}
    assert await tags_of(ecr, repository) == {both.digest: [], other.digest: []}


async def test_an_index_of_too_many_deleted_images_is_refused(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """One transaction brings back so many; when its images are there, it comes too."""
    config, layer = image().blobs
    for blob in (config, layer):
        await push_layer(ecr, repository, blob)
    children = [image(annotations={"number": str(number)}) for number in range(IMAGES_AT_ONCE)]
    whole = index(*children)
    for one in (*children, whole):
        await put(ecr, repository, one)
    await delete_image(ecr, repository, whole)
    await delete_image(ecr, repository, *children)

    with pytest.raises(TooManyDeletedImages):
        await undelete(registry, repository, whole)
    await undelete(registry, repository, children[0])
    with counted() as transactions:
        undeleted = await undelete(registry, repository, whole)

    assert len(undeleted.children) == IMAGES_AT_ONCE - 1
    assert max(transactions.sizes) <= MOST


async def test_a_referrer_is_listed_again(ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry) -> None:
    """And not while it is deleted; its subject may be gone."""
    await ecr("CreateRepository", repositoryName="signed")
    subject = image()
    signature = artifact("signature", subject)
    for one in (subject, signature):
        await push(ecr, "signed", one)
    await delete_image(ecr, "signed", signature, subject)
    before = await oci.get(f"/v2/signed/referrers/{subject.digest}")

    await undelete(registry, "signed", signature)

    after = await oci.get(f"/v2/signed/referrers/{subject.digest}")
    assert [entry["digest"] for entry in before.json()["manifests"]] == []
    assert [entry["digest"] for entry in after.json()["manifests"]] == [signature.digest]


async def test_quotas_hold_for_what_comes_back(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """A full repository, and a full registry, stay as they are."""
    old, new = image("old"), image("new")
    await push(ecr, repository, old)
    await delete_image(ecr, repository, old)
    await push(ecr, repository, new)
    await ecr("CreateRepository", repositoryName="second")
    await ecr("DeleteRepository", repositoryName="second", force=True)

    with pytest.raises(TooManyImages):
        await undelete(registry, repository, old, quotas=Quotas(images_per_repository=1))
    with pytest.raises(TooManyRepositories):
        await undelete_repository(
            registry.services, operator(registry, quotas=Quotas(repositories=1)), repository="second"
        )
    await undelete(registry, repository, old, quotas=Quotas(images_per_repository=2))

    assert len(await tags_of(ecr, repository)) == 2


async def test_a_deleted_repository_comes_back_as_it_was(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry
) -> None:
    """With settings, tags, documents, images and history, under the same key; the collector has been by."""
    key = registry.keyring.create(registry.services.default_registry)
    created = await ecr(
        "CreateRepository",
        repositoryName="whole",
        tags=[{"Key": "team", "Value": "a"}],
        encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key.arn},
    )
    lifecycle = '{"rules": []}'
    policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}]}'
    await ecr("SetRepositoryPolicy", repositoryName="whole", policyText=policy)
    await execute(registry, put_lifecycle(lifecycle))
    one, gone = image("one"), image("gone")
    await push(ecr, "whole", one, "v1")
    await push(ecr, "whole", gone)
    await delete_image(ecr, "whole", gone)
    described = await ecr("DescribeRepositories", repositoryNames=["whole"])
    registry.clock.advance(HOUR)
    await ecr("DeleteRepository", repositoryName="whole", force=True)
    registry.clock.advance(20 * HOUR)
    await sweep(registry)

    name = await undelete_repository(registry.services, operator(registry), repository="whole")

    assert name == "whole"
    assert await ecr("DescribeRepositories", repositoryNames=["whole"]) == described
    arn = created["repository"]["repositoryArn"]
    assert (await ecr("ListTagsForResource", resourceArn=arn))["tags"] == [{"Key": "team", "Value": "a"}]
    assert "BatchGetImage" in (await ecr("GetRepositoryPolicy", repositoryName="whole"))["policyText"]
    assert await count(registry, tables.repository_documents) == 2
    oci.auth = httpx.BasicAuth("AWS", await password(ecr))
    assert await is_whole(oci, "whole", one)
    await undelete(registry, "whole", gone)
    assert await tags_of(ecr, "whole") == {one.digest: ["v1"], gone.digest: []}
    lines = await list_history(
        registry.services, operator(registry), repository="whole", tag="v1", before=None, limit=9
    )
    assert [(line.from_digest, line.to_digest) for line in lines] == [(None, one.digest)]


def put_lifecycle(document: str) -> Any:
    """A lifecycle policy, behind the API's back."""
    repository_id = select(tables.repositories.c.id).where(tables.repositories.c.name == "whole").scalar_subquery()
    return tables.repository_documents.insert().values(
        repository_id=repository_id, kind="lifecycle", document=document, set_at=0
    )


async def test_a_repository_does_not_come_back_over_another(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """But under another name."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")
    await ecr("DeleteRepository", repositoryName=repository, force=True)
    await ecr("CreateRepository", repositoryName=repository)

    with pytest.raises(RepositoryAlreadyExists):
        await undelete_repository(registry.services, operator(registry), repository=repository)
    name = await undelete_repository(registry.services, operator(registry), repository=repository, name="other")

    assert name == "other"
    assert await tags_of(ecr, "other") == {pushed.digest: ["v1"]}
    assert await tags_of(ecr, repository) == {}


async def test_of_several_repositories_of_a_name_the_newest_comes_back(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """The next one under another name."""
    for name in ("one", "two"):
        await push(ecr, repository, image(name))
        registry.clock.advance(1)
        await ecr("DeleteRepository", repositoryName=repository, force=True)
        await ecr("CreateRepository", repositoryName=repository)
    await ecr("DeleteRepository", repositoryName=repository)
    registry.clock.advance(1)

    found: list[dict[str, list[str]]] = []
    for name in ("empty", "newest", "oldest"):
        await undelete_repository(registry.services, operator(registry), repository=repository, name=name)
        found.append(await tags_of(ecr, name))

    assert found == [{}, {image("two").digest: []}, {image("one").digest: []}]
    with pytest.raises(RepositoryNotDeleted):
        await undelete_repository(registry.services, operator(registry), repository=repository)


async def test_a_repository_is_gone_from_its_first_row_on(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """One of which some has been drained does not come back, whatever the clock says."""
    await push(ecr, repository, image(), "v1")
    await ecr("DeleteRepository", repositoryName=repository, force=True)
    registry.clock.advance(UNTIL_DRAINED)
    await drain_repositories(kept(registry))
    registry.clock.now = START + 1

    with pytest.raises(RepositoryNotDeleted):
        await undelete_repository(registry.services, operator(registry), repository=repository)


async def test_nothing_sees_what_is_kept(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """Not by digest, not by tag, in no list; an empty repository can be deleted without force."""
    subject = image()
    pushed = artifact("signature", subject)
    await push(ecr, repository, pushed, "v1")
    await ecr("CreateRepository", repositoryName="other")
    await ecr("DeleteRepository", repositoryName="other")
    await delete_image(ecr, repository, pushed)
    await sweep(registry)

    for name in ("v1", pushed.digest):
        assert (await oci.get(f"/v2/{repository}/manifests/{name}")).status_code == 404
    assert (await oci.get(f"/v2/{repository}/tags/list")).json()["tags"] == []
    assert (await oci.get(f"/v2/{repository}/referrers/{subject.digest}")).json()["manifests"] == []
    assert (await ecr("DescribeImages", repositoryName=repository))["imageDetails"] == []
    assert [each["repositoryName"] for each in (await ecr("DescribeRepositories"))["repositories"]] == [repository]
    await ecr("DeleteRepository", repositoryName=repository)


async def test_what_is_kept_is_listed_with_its_end(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """Repositories first, then images, those deleted last first; what is not kept any more is not."""
    one, two = image("one"), image("two")
    await push(ecr, repository, one, "v1", "latest")
    await push(ecr, repository, two)
    await ecr("CreateRepository", repositoryName="other")
    await ecr("DeleteRepository", repositoryName="other")
    registry.clock.advance(HOUR)
    await delete_image(ecr, repository, one)
    registry.clock.advance(HOUR)
    await delete_image(ecr, repository, two)

    async def listed(name: str | None = None, limit: int = 10) -> list[Kept]:
        return await list_deleted(kept(registry), operator(registry), repository=name, limit=limit)

    size = {each.digest: sum(map(len, each.blobs)) for each in (one, two)}
    entries = [
        Kept("other", None, [], None, START, START + DAY),
        Kept(repository, two.digest, [], size[two.digest], START + 2 * HOUR, START + 2 * HOUR + DAY),
        Kept(repository, one.digest, ["latest", "v1"], size[one.digest], START + HOUR, START + HOUR + DAY),
    ]
    assert await listed() == entries
    assert await listed(limit=1) == entries[:2]
    assert (await listed("other"), await listed(repository)) == (entries[:1], entries[1:])
    report = await report_garbage(kept(registry))
    assert (report.repositories.kept, report.images.kept, report.kept_until) == (1, 2, START + DAY)
    assert (report.repositories.due, report.images.due, report.unneeded) == (0, 0, [])
    registry.clock.advance(UNTIL_DRAINED - 2 * HOUR)
    assert await listed() == entries[1:]


async def test_a_purged_image_is_gone_and_its_layers_in_their_time(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """The window is skipped, but neither the life of download URLs nor a lease."""
    pushed, other = image(), image("other")
    for one in (pushed, other):
        await push(ecr, repository, one, one.digest[-4:])
    registry.clock.advance(2 * DAY)
    await sweep(registry)
    await delete_image(ecr, repository, pushed, other)

    await purge_image(kept(registry), operator(registry), repository=repository, digest=pushed.digest)
    with pytest.raises(ImageNotDeleted):
        await undelete(registry, repository, pushed)
    await sweep(registry)
    links = await count(registry, tables.repository_layers)
    registry.clock.advance(3 * HOUR)
    await sweep(registry)

    assert (links, await count(registry, tables.repository_layers)) == (4, 2)
    with pytest.raises(ImageNotDeleted):
        await purge_image(kept(registry), operator(registry), repository=repository, digest=pushed.digest)
    assert (await undelete(registry, repository, other)).tags == [other.digest[-4:]]


async def test_a_name_is_purged_of_all_that_was_deleted_under_it(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Images and whole repositories; what is there stays, and what was deleted under another name."""
    for name in ("one", "two"):
        await push(ecr, repository, image(name), name)
        await delete_image(ecr, repository, image(name))
        await push(ecr, repository, image("first"))
        await ecr("DeleteRepository", repositoryName=repository, force=True)
        await ecr("CreateRepository", repositoryName=repository)
    await push(ecr, repository, image("there"), "v1")
    await push(ecr, repository, image("gone"))
    await delete_image(ecr, repository, image("gone"))
    await ecr("CreateRepository", repositoryName="other")
    await ecr("DeleteRepository", repositoryName="other")

    await purge_repository(kept(registry), operator(registry), repository=repository)

    assert await count(registry, tables.images) == 1
    names = await rows(registry, select(tables.repositories.c.name, tables.repositories.c.deleted_name))
    assert sorted(map(tuple, names), key=str) == [(repository, None), (None, "other")]
    await check_invariants(registry, set())
    with pytest.raises(RepositoryNotDeleted):
        await purge_repository(kept(registry), operator(registry), repository="never")


async def test_all_is_purged_at_once(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """So that a full disk is emptied without waiting for the window."""
    await push(ecr, repository, image("gone"), "v1")
    await delete_image(ecr, repository, image("gone"))
    await push(ecr, repository, image("there"), "v2")
    await ecr("CreateRepository", repositoryName="other")
    await push(ecr, "other", image("other"))
    await ecr("DeleteRepository", repositoryName="other", force=True)

    with counted() as transactions:
        await purge_all(kept(registry), operator(registry))

    assert max(transactions.sizes) <= MOST
    assert (await count(registry, tables.images), await count(registry, tables.repositories)) == (1, 1)
    assert await list_deleted(kept(registry), operator(registry), repository=None, limit=9) == []
    await check_invariants(registry, set())


async def test_a_purge_that_breaks_off_leaves_nothing_half_deleted(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """At any moment: what is not drained can be had back, or is purged by the next."""
    for at in range(1, 40):
        await push(ecr, repository, image(), "v1")
        await ecr("DeleteRepository", repositoryName=repository, force=True)
        try:
            await purge_repository(crashing(kept(registry), at), operator(registry), repository=repository)
        except Crashed:
            await check_invariants(registry, set())
            try:
                await undelete_repository(registry.services, operator(registry), repository=repository)
                assert len(await tags_of(ecr, repository)) == 1
                await ecr("DeleteRepository", repositoryName=repository, force=True)
            except RepositoryNotDeleted:
                pass
            await purge_all(kept(registry), operator(registry))
            assert await count(registry, tables.images) == 0
            await ecr("CreateRepository", repositoryName=repository)
        else:
            break
    else:
        raise AssertionError("it never came to its end")

    assert await count(registry, tables.images) == 0


async def test_the_history_tells_every_move_the_newest_first(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Of one tag or of all, in pages; what an operator has done is told as his."""
    one, two = image("one"), image("two")
    await push(ecr, repository, one, "a", "b")
    await push(ecr, repository, two, "a")
    await retag(registry, repository, "a")

    async def moves(tag: str | None, before: int | None = None, limit: int = 9) -> list[tuple[Any, ...]]:
        lines = await list_history(
            registry.services, operator(registry), repository=repository, tag=tag, before=before, limit=limit
        )
        return [(line.id, line.tag, line.moved_by, line.from_digest, line.to_digest) for line in lines]

    of_a = await moves("a")
    root = f"arn:aws:iam::{ACCOUNT_ID}:root"
    assert [line[1:] for line in of_a] == [
        ("a", "entrepot", two.digest, one.digest),
        ("a", root, one.digest, two.digest),
        ("a", root, None, one.digest),
    ]
    everything = await moves(None)
    assert [line[1] for line in everything] == ["a", "a", "b", "a"]
    assert await moves(None, limit=2) == everything[:2]
    assert await moves(None, before=everything[1][0]) == everything[2:]
    assert await moves("a", before=of_a[0][0]) == of_a[1:]
    with pytest.raises(RepositoryNotFound):
        await list_history(
            registry.services, operator(registry), repository="never", tag=None, before=None, limit=1
        )


async def test_what_an_operator_does_is_on_record(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """In the transaction that does it: what is refused is not."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")
    await execute(registry, delete(tables.audit_records))
    for _ in range(2):
        await delete_image(ecr, repository, pushed)
        await (undelete(registry, repository, pushed) if _ else retag(registry, repository, "v1"))
    with pytest.raises(EntrepotError):
        await undelete(registry, repository, pushed)
    await delete_image(ecr, repository, pushed)
    await purge_image(kept(registry), operator(registry), repository=repository, digest=pushed.digest)
    await ecr("DeleteRepository", repositoryName=repository)
    await undelete_repository(registry.services, operator(registry), repository=repository)
    await purge_repository(kept(registry), operator(registry), repository=repository)
    await purge_all(kept(registry), operator(registry))

    records = await rows(
        registry,
        select(tables.audit_records.c.operation, tables.audit_records.c.repository)
        .where(tables.audit_records.c.principal == "entrepot")
        .order_by(tables.audit_records.c.id),
    )
    assert [tuple(row) for row in records] == [
        ("UndeleteTag", repository),
        ("UndeleteImage", repository),
        ("PurgeImage", repository),
        ("UndeleteRepository", repository),
        ("PurgeRepository", repository),
        ("PurgeAll", ""),
    ]


async def test_what_waits_in_its_window_does_not_keep_others_from_being_drained(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """In the same repository, and in another that was deleted itself."""
    old, new = image("old"), image("new")
    await push(ecr, repository, old)
    await push(ecr, repository, new)
    await ecr("CreateRepository", repositoryName="other")
    await push(ecr, "other", new)
    await delete_image(ecr, repository, old)
    registry.clock.advance(UNTIL_DRAINED)
    await delete_image(ecr, repository, new)
    await delete_image(ecr, "other", new)
    await ecr("DeleteRepository", repositoryName="other")
    await execute(
        registry,
        update(tables.repositories).where(tables.repositories.c.name.is_(None)).values(detached_at=START),
    )

    await sweep(registry)

    left = await rows(registry, select(tables.images.c.digest, tables.images.c.detached_from))
    assert [row.digest for row in left] == [new.digest]
    assert await count(registry, tables.repositories) == 1
