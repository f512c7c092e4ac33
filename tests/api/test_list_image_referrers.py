"""ListImageReferrers."""

import pytest
from tests.api.clients import ECR
from tests.api.images import ABSENT, Image, artifact, image, push, push_layers, put

produces = pytest.mark.produces

SBOM, SIGNATURE = "application/vnd.example.sbom", "application/vnd.example.signature"
KINDS = [("first", SIGNATURE), ("bill", SBOM), ("second", SIGNATURE)]


@pytest.fixture
async def subject(ecr: ECR, repository: str) -> Image:
    """An image with two signatures and a bill of materials, which are referrers."""
    subject = image("subject")
    await push(ecr, repository, subject, "v1")
    for name, artifact_type in KINDS:
        await push(ecr, repository, artifact(name, subject, artifact_type, annotations={"name": name}))
    return subject


def asked(digest: str, **members: object) -> dict[str, object]:
    """The members of a request."""
    return {"repositoryName": "app", "subjectId": {"imageDigest": digest}, **members}


async def test_referrers_are_described_in_the_order_of_pushing(ecr: ECR, subject: Image) -> None:
    """With type, size and annotations; the subject is not among them."""
    answer = await ecr("ListImageReferrers", **asked(subject.digest))

    expected = [(artifact(name, subject, kind, annotations={"name": name}), name, kind) for name, kind in KINDS]
    assert answer == {
        "referrers": [
            {
                "digest": one.digest,
                "mediaType": one.media_type,
                "artifactType": kind,
                "size": len(one.content),
                "annotations": {"name": name},
                "artifactStatus": "ACTIVE",
            }
            for one, name, kind in expected
        ]
    }


async def test_annotations_that_are_not_there_are_absent(ecr: ECR, repository: str) -> None:
    """Not an empty map."""
    await push(ecr, repository, artifact("plain", image("late"), SBOM))

    (referrer,) = (await ecr("ListImageReferrers", **asked(image("late").digest)))["referrers"]

    assert "annotations" not in referrer


@pytest.mark.parametrize(("kinds", "number"), [([SIGNATURE], 2), ([SBOM, SIGNATURE, "x"], 3), (["x"], 0), ([], 3)])
async def test_referrers_are_filtered_by_artifact_type(
    ecr: ECR, subject: Image, kinds: list[str], number: int
) -> None:
    """Of which any may fit."""
    answer = await ecr("ListImageReferrers", **asked(subject.digest, filter={"artifactTypes": kinds}))

    assert len(answer["referrers"]) == number


@pytest.mark.parametrize(("status", "number"), [("ACTIVE", 3), ("ANY", 3), ("ARCHIVED", 0), ("ACTIVATING", 0)])
async def test_all_referrers_are_active(ecr: ECR, subject: Image, status: str, number: int) -> None:
    """There is no archive."""
    answer = await ecr("ListImageReferrers", **asked(subject.digest, filter={"artifactStatus": status}))

    assert len(answer["referrers"]) == number


async def test_what_is_not_there_has_no_referrers(ecr: ECR, repository: str) -> None:
    """An empty list: referrers may come before their subject."""
    assert await ecr("ListImageReferrers", **asked(ABSENT)) == {"referrers": []}


async def test_referrers_come_in_pages(ecr: ECR, subject: Image) -> None:
    """Of the size asked for, each referrer once; the filter belongs to the token."""
    pages = await ecr.pages("ListImageReferrers", "referrers", **asked(subject.digest, maxResults=2))
    first = await ecr("ListImageReferrers", **asked(subject.digest, maxResults=2))
    other = asked(subject.digest, filter={"artifactTypes": [SBOM]}, nextToken=first["nextToken"])

    assert [len(page) for page in pages] == [2, 1]
    assert len({one["digest"] for page in pages for one in page}) == 3
    assert (await ecr.error("ListImageReferrers", **other))["__type"] == "InvalidParameterException"


async def test_a_page_has_20_referrers_unless_another_size_is_asked_for(ecr: ECR, repository: str) -> None:
    """Fewer than other lists."""
    subject = image("subject")
    await push_layers(ecr, repository, artifact("shared", subject, SBOM))
    for number in range(21):
        await put(ecr, repository, artifact("shared", subject, SBOM, annotations={"number": str(number)}))

    pages = await ecr.pages("ListImageReferrers", "referrers", **asked(subject.digest))

    assert [len(page) for page in pages] == [20, 1]


@pytest.mark.parametrize(
    "members",
    [
        {"maxResults": 0},
        {"maxResults": 51},
        {"filter": {"artifactTypes": [SBOM] * 6}},
        {"filter": {"artifactTypes": [""]}},
        {"filter": {"artifactStatus": "GONE"}},
    ],
)
@produces("ListImageReferrers", "ValidationException")
async def test_the_models_bounds_hold(ecr: ECR, repository: str, members: dict[str, object]) -> None:
    """In the words of the newer operations."""
    refused = await ecr.error("ListImageReferrers", **asked(ABSENT, **members))

    assert refused["message"].startswith("1 validation error detected: ")


async def test_a_token_that_is_none_of_ours_is_refused(ecr: ECR, repository: str) -> None:
    """As in other lists."""
    refused = await ecr.error("ListImageReferrers", **asked(ABSENT, nextToken="guessed"))

    assert refused == {
        "__type": "InvalidParameterException",
        "message": "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'",
    }


@produces("ListImageReferrers", "RepositoryNotFoundException")
async def test_the_repository_has_to_be_there(ecr: ECR) -> None:
    """As for every list."""
    await ecr.error("ListImageReferrers", **asked(ABSENT))
