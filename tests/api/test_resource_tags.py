"""TagResource, UntagResource, ListTagsForResource."""

import pytest
from tests.api.clients import ECR

produces = pytest.mark.produces

ARN = "arn:aws:ecr:us-east-1:000000000000:repository/app"
MISSING = "arn:aws:ecr:us-east-1:000000000000:repository/missing"


def tags(**pairs: str) -> list[dict[str, str]]:
    """Tags as the wire has them."""
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


async def test_tags_are_added_changed_and_removed(ecr: ECR) -> None:
    """A tag that is there gets the new value, a key that is not there may be removed all the same."""
    await ecr("CreateRepository", repositoryName="app", tags=tags(team="a", stage="dev"))

    assert await ecr("TagResource", resourceArn=ARN, tags=tags(stage="prod", cost="1")) == {}
    assert await ecr("UntagResource", resourceArn=ARN, tagKeys=["team", "never"]) == {}

    assert await ecr("ListTagsForResource", resourceArn=ARN) == {"tags": tags(cost="1", stage="prod")}


async def test_a_new_repository_has_no_tags(ecr: ECR, repository: str) -> None:
    """No tags is an empty list, not an absent one."""
    assert await ecr("ListTagsForResource", resourceArn=ARN) == {"tags": []}


@produces("TagResource", "RepositoryNotFoundException")
@produces("UntagResource", "RepositoryNotFoundException")
@produces("ListTagsForResource", "RepositoryNotFoundException")
async def test_the_repository_has_to_exist(ecr: ECR) -> None:
    """All three say which repository is missing."""
    message = "The repository with name 'missing' does not exist in the registry with id '000000000000'"

    for operation, members in (
        ("TagResource", {"tags": tags(a="b")}),
        ("UntagResource", {"tagKeys": ["a"]}),
        ("ListTagsForResource", {}),
    ):
        refused = await ecr.error(operation, resourceArn=MISSING, **members)
        assert refused == {"__type": "RepositoryNotFoundException", "message": message}


@produces("TagResource", "InvalidParameterException")
@produces("UntagResource", "InvalidParameterException")
@produces("ListTagsForResource", "InvalidParameterException")
@pytest.mark.parametrize(
    "arn",
    [
        "app",
        "arn:aws:ecr:us-east-1:000000000000:repository/",
        "arn:aws:ecr:us-east-1:000000000000:repository/UPPER",
        "arn:aws:s3:us-east-1:000000000000:repository/app",
        "arn:aws-cn:ecr:us-east-1:000000000000:repository/app",
        "arn:aws:ecr:us-east-1:0000000000:repository/app",
    ],
)
async def test_an_arn_that_names_no_repository_is_refused(ecr: ECR, arn: str) -> None:
    """The words are ECR's."""
    message = "Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'"

    for operation, members in (
        ("TagResource", {"tags": tags(a="b")}),
        ("UntagResource", {"tagKeys": ["a"]}),
        ("ListTagsForResource", {}),
    ):
        refused = await ecr.error(operation, resourceArn=arn, **members)
        assert refused == {"__type": "InvalidParameterException", "message": message}


async def test_a_repository_of_another_account_is_out_of_reach(ecr: ECR) -> None:
    """The account in the ARN decides who may."""
    refused = await ecr.error(
        "ListTagsForResource", resourceArn="arn:aws:ecr:us-east-1:111111111111:repository/app"
    )

    assert refused["__type"] == "AccessDeniedException"


@produces("TagResource", "TooManyTagsException")
async def test_fifty_tags_are_the_limit_in_all(ecr: ECR) -> None:
    """The tags that are there count, and a refused call adds none of its own."""
    full = tags(**{f"k{number:02}": "v" for number in range(49)})
    await ecr("CreateRepository", repositoryName="app", tags=full)

    refused = await ecr.error("TagResource", resourceArn=ARN, tags=tags(x="1", y="2"))

    assert refused["__type"] == "TooManyTagsException"
    assert (await ecr("ListTagsForResource", resourceArn=ARN))["tags"] == full


@produces("TagResource", "InvalidTagParameterException")
@pytest.mark.parametrize("key", ["", "aws:mine", "AWS:mine", "k" * 129])
async def test_a_bad_tag_key_is_refused(ecr: ECR, repository: str, key: str) -> None:
    """Keys are 1 to 128 characters and leave ``aws:`` to AWS."""
    refused = await ecr.error("TagResource", resourceArn=ARN, tags=tags(**{key: "v"}))

    assert refused["__type"] == "InvalidTagParameterException"
