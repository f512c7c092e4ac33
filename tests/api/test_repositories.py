"""CreateRepository, DescribeRepositories, DeleteRepository."""

from typing import Any

import pytest
from tests.api.clients import ECR
from tests.api.images import digest_of, image, push, push_layer

produces = pytest.mark.produces


async def test_a_new_repository_has_ecrs_defaults(ecr: ECR) -> None:
    """The whole answer of CreateRepository."""
    answer = await ecr("CreateRepository", repositoryName="team/app")

    assert answer == {
        "repository": {
            "repositoryArn": "arn:aws:ecr:us-east-1:000000000000:repository/team/app",
            "registryId": "000000000000",
            "repositoryName": "team/app",
            "repositoryUri": "localhost:5000/team/app",
            "createdAt": 1767225600.0,
            "imageTagMutability": "MUTABLE",
            "imageScanningConfiguration": {"scanOnPush": False},
            "encryptionConfiguration": {"encryptionType": "AES256"},
        }
    }


async def test_settings_are_answered_as_they_were_given(ecr: ECR) -> None:
    """What a repository is created with, it keeps."""
    settings = {
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [
            {"filterType": "WILDCARD", "filter": "latest"},
            {"filterType": "WILDCARD", "filter": "dev-*"},
        ],
        "imageScanningConfiguration": {"scanOnPush": True},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    }

    created = await ecr("CreateRepository", repositoryName="app", **settings)

    described = await ecr("DescribeRepositories", repositoryNames=["app"])
    assert described["repositories"] == [created["repository"]]
    assert settings.items() <= created["repository"].items()


@pytest.mark.registry(public_url="https://{account}.dkr.ecr.{region}.{suffix}")
async def test_the_uri_follows_the_public_url(ecr: ECR) -> None:
    """A registry with names like ECR's tells them to its clients."""
    answer = await ecr("CreateRepository", repositoryName="app")

    assert answer["repository"]["repositoryUri"] == "000000000000.dkr.ecr.us-east-1.amazonaws.com/app"


@produces("CreateRepository", "RepositoryAlreadyExistsException")
async def test_a_name_is_taken_once(ecr: ECR, repository: str) -> None:
    """The second repository of a name is refused."""
    assert await ecr.error("CreateRepository", repositoryName=repository) == {
        "__type": "RepositoryAlreadyExistsException",
        "message": "The repository with name 'app' already exists in the registry with id '000000000000'",
    }


@pytest.mark.parametrize("name", ["a--b", "a__b", "a.b", "a/b/c", "0", "a" * 256])
async def test_every_name_of_the_grammar_is_accepted(ecr: ECR, name: str) -> None:
    """But for one of a single character, which is shorter than ECR's minimum."""
    if len(name) > 1:
        answer = await ecr("CreateRepository", repositoryName=name)
        assert answer["repository"]["repositoryName"] == name
    else:
        refused = await ecr.error("CreateRepository", repositoryName=name)
        assert refused["message"].endswith("'Member must have length greater than or equal to 2'")


@pytest.mark.parametrize("name", ["App", "a..b", "a/", "-a", "a//b", "a_-b", "../a", "a\n", "ä" * 2])
@produces("CreateRepository", "InvalidParameterException")
async def test_a_name_outside_the_grammar_is_refused_in_ecrs_words(ecr: ECR, name: str) -> None:
    """The message was captured from CreateRepository."""
    assert await ecr.error("CreateRepository", repositoryName=name) == {
        "__type": "InvalidParameterException",
        "message": "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular "
        r"expression '[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*''",
    }


@pytest.mark.parametrize(
    ("settings", "constraint"),
    [
        (
            {"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION"},
            "ImageTagMutabilityExclusionFilters can't be null when imageTagMutability is set as "
            "IMMUTABLE_WITH_EXCLUSION",
        ),
        (
            {
                "imageTagMutability": "MUTABLE",
                "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "a"}],
            },
            "ImageTagMutabilityExclusionFilters must be null when imageTagMutability is set as MUTABLE",
        ),
        (
            {
                "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
                "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "a"}] * 6,
            },
            "Member must have length less than or equal to 5",
        ),
    ],
)
async def test_mutability_and_its_exclusions_have_to_agree(
    ecr: ECR, settings: dict[str, Any], constraint: str
) -> None:
    """Filters go with the two settings that have exclusions, and with no other."""
    refused = await ecr.error("CreateRepository", repositoryName="app", **settings)

    assert refused == {
        "__type": "InvalidParameterException",
        "message": "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: "
        f"'{constraint}'",
    }


@produces("CreateRepository", "TooManyTagsException")
async def test_a_repository_has_at_most_50_resource_tags(ecr: ECR) -> None:
    """The 51st is refused, and no repository is made."""
    tags = [{"Key": f"key-{number}", "Value": ""} for number in range(51)]

    refused = await ecr.error("CreateRepository", repositoryName="app", tags=tags)
    await ecr("CreateRepository", repositoryName="app", tags=tags[:50])

    assert refused["__type"] == "TooManyTagsException"


@pytest.mark.parametrize(
    "tags",
    [
        [{"Key": "", "Value": ""}],
        [{"Key": "k" * 129, "Value": ""}],
        [{"Key": "k", "Value": "v" * 257}],
        [{"Key": "aws:k", "Value": ""}],
        [{"Key": "AWS:k", "Value": ""}],
        [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}],
    ],
    ids=["empty key", "long key", "long value", "reserved", "reserved in capitals", "twice"],
)
@produces("CreateRepository", "InvalidTagParameterException")
async def test_a_bad_resource_tag_is_refused(ecr: ECR, tags: list[dict[str, str]]) -> None:
    """Keys have 1 to 128 characters, values at most 256, and the prefix aws: is reserved."""
    refused = await ecr.error("CreateRepository", repositoryName="app", tags=tags)

    assert refused["__type"] == "InvalidTagParameterException"


async def test_named_repositories_come_in_the_order_asked_and_once(ecr: ECR) -> None:
    """A name that is asked for twice is answered once."""
    for name in ("aa", "bb", "cc"):
        await ecr("CreateRepository", repositoryName=name)

    answer = await ecr("DescribeRepositories", repositoryNames=["cc", "aa", "cc"])

    assert names(answer) == ["cc", "aa"]


@produces("DescribeRepositories", "RepositoryNotFoundException")
async def test_one_missing_name_fails_the_whole_description(ecr: ECR, repository: str) -> None:
    """As ECR does, for which Terraform waits."""
    assert await ecr.error("DescribeRepositories", repositoryNames=[repository, "missing"]) == {
        "__type": "RepositoryNotFoundException",
        "message": "The repository with name 'missing' does not exist in the registry with id '000000000000'",
    }


async def test_repositories_are_listed_by_name_in_pages(ecr: ECR) -> None:
    """Every repository once, in byte order; the last page has no token."""
    for name in ("b-1", "a_1", "a/1", "a1", "b.1"):
        await ecr("CreateRepository", repositoryName=name)

    pages = await ecr.pages("DescribeRepositories", "repositories", maxResults=2)

    assert [[one["repositoryName"] for one in page] for page in pages] == [["a/1", "a1"], ["a_1", "b-1"], ["b.1"]]


async def test_a_list_goes_on_where_it_was_while_repositories_come_and_go(ecr: ECR) -> None:
    """What was there from beginning to end is listed exactly once."""
    for name in ("bb", "dd", "ff", "hh"):
        await ecr("CreateRepository", repositoryName=name)
    first = await ecr("DescribeRepositories", maxResults=2)

    await ecr("DeleteRepository", repositoryName="dd")
    for name in ("aa", "ee"):
        await ecr("CreateRepository", repositoryName=name)
    second = await ecr("DescribeRepositories", maxResults=10, nextToken=first["nextToken"])

    assert names(first) == ["bb", "dd"]
    assert names(second) == ["ee", "ff", "hh"]
    assert "nextToken" not in second


async def test_a_page_holds_100_repositories_unless_asked_for_more(ecr: ECR) -> None:
    """The default is ECR's."""
    for number in range(101):
        await ecr("CreateRepository", repositoryName=f"app-{number}")

    assert len((await ecr("DescribeRepositories"))["repositories"]) == 100
    assert len((await ecr("DescribeRepositories", maxResults=1000))["repositories"]) == 101


@produces("DescribeRepositories", "InvalidParameterException")
@pytest.mark.parametrize("members", [{"nextToken": "x"}, {"maxResults": 5}])
async def test_names_and_pages_exclude_each_other(ecr: ECR, repository: str, members: dict[str, Any]) -> None:
    """The service model forbids both together."""
    refused = await ecr.error("DescribeRepositories", repositoryNames=[repository], **members)

    assert refused["__type"] == "InvalidParameterException"
    assert f"'{next(iter(members))}'" in refused["message"]


@pytest.mark.parametrize("token", ["", "nonsense", "AAAA"])
async def test_a_token_that_is_none_of_ours_is_refused(ecr: ECR, token: str) -> None:
    """No list begins at a place that a client made up."""
    assert await ecr.error("DescribeRepositories", nextToken=token) == {
        "__type": "InvalidParameterException",
        "message": "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'",
    }


async def test_a_token_is_good_for_its_own_list_only(ecr: ECR, repository: str) -> None:
    """DescribeRepositories' token opens no list of images."""
    await ecr("CreateRepository", repositoryName="other")
    first = await ecr("DescribeRepositories", maxResults=1)

    refused = await ecr.error("ListImages", repositoryName=repository, nextToken=first["nextToken"])

    assert refused["message"].endswith("'The token belongs to another request'")


@pytest.mark.parametrize(
    ("size", "bound"), [(0, "greater than or equal to 1"), (1001, "less than or equal to 1000")]
)
async def test_a_page_has_1_to_1000_entries(ecr: ECR, size: int, bound: str) -> None:
    """Other sizes are refused, not cut."""
    refused = await ecr.error("DescribeRepositories", maxResults=size)

    assert refused["message"] == (
        f"Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value {bound}'"
    )


async def test_an_empty_repository_is_deleted_and_told_of_once_more(ecr: ECR) -> None:
    """DeleteRepository answers with what it deleted."""
    created = await ecr("CreateRepository", repositoryName="app")

    deleted = await ecr("DeleteRepository", repositoryName="app")

    assert deleted == created
    assert await ecr("DescribeRepositories") == {"repositories": []}


@produces("DeleteRepository", "RepositoryNotEmptyException")
async def test_a_repository_with_images_is_deleted_by_force_only(ecr: ECR, repository: str) -> None:
    """Without force nothing is lost."""
    await push(ecr, repository, image(), "v1")

    assert await ecr.error("DeleteRepository", repositoryName=repository) == {
        "__type": "RepositoryNotEmptyException",
        "message": "The repository with name 'app' in registry with id '000000000000' cannot be deleted because it "
        "still contains images",
    }
    assert (await ecr("ListImages", repositoryName=repository))["imageIds"]

    await ecr("DeleteRepository", repositoryName=repository, force=True)
    assert (await ecr.error("ListImages", repositoryName=repository))["__type"] == "RepositoryNotFoundException"


async def test_layers_without_an_image_do_not_keep_a_repository(ecr: ECR, repository: str) -> None:
    """Only images count as contents."""
    await push_layer(ecr, repository, b"layer")

    await ecr("DeleteRepository", repositoryName=repository)


async def test_a_name_is_free_as_soon_as_its_repository_is_deleted(ecr: ECR, repository: str) -> None:
    """The new repository of the name has nothing of the old one."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")
    await ecr("DeleteRepository", repositoryName=repository, force=True)

    await ecr("CreateRepository", repositoryName=repository)

    assert (await ecr("ListImages", repositoryName=repository))["imageIds"] == []
    checked = await ecr(
        "BatchCheckLayerAvailability", repositoryName=repository, layerDigests=[digest_of(pushed.blobs[0])]
    )
    assert checked["layers"][0]["layerAvailability"] == "UNAVAILABLE"


def names(answer: dict[str, Any]) -> list[str]:
    """The names in an answer of DescribeRepositories."""
    return [one["repositoryName"] for one in answer["repositories"]]
