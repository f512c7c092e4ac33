"""tags/list and referrers of ``/v2/``."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import insert, select, update
from tests.api.clients import ECR, errors_of
from tests.api.images import ABSENT, CONFIG, Image, artifact, image, index, push, push_layers
from tests.api.rows import execute, rows

from entrepot.core.media_types import OCI_INDEX
from entrepot.metadata import tables
from entrepot.testing.registry import RunningRegistry

SBOM, SIGNATURE = "application/vnd.example.sbom", "application/vnd.example.signature"


async def test_tags_are_listed_in_byte_order(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """On every database alike."""
    await push(ecr, repository, image(), "b", "a", "B", "_", "1", "a-1", "a.1", "a1")

    answer = await oci.get(f"/v2/{repository}/tags/list")

    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"name": repository, "tags": sorted(["b", "a", "B", "_", "1", "a-1", "a.1", "a1"])}
    assert "link" not in answer.headers


async def test_an_empty_repository_has_an_empty_list(oci: httpx.AsyncClient, repository: str) -> None:
    """Not null."""
    assert (await oci.get(f"/v2/{repository}/tags/list")).json() == {"name": repository, "tags": []}


async def test_pages_follow_each_other_by_link(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """Each of n tags; the last one has no link."""
    await push(ecr, repository, image(), "a", "b", "c", "d", "e")
    pages: list[list[str]] = []
    url: str | None = f"/v2/{repository}/tags/list?n=2"

    while url:
        answer = await oci.get(url)
        pages.append(answer.json()["tags"])
        url = answer.links.get("next", {}).get("url")

    assert pages == [["a", "b"], ["c", "d"], ["e"]]


async def test_the_link_carries_n_and_last(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """To the letter of the distribution spec."""
    await push(ecr, repository, image(), "a", "b")

    answer = await oci.get(f"/v2/{repository}/tags/list?n=1")

    assert answer.headers["link"] == f'</v2/{repository}/tags/list?n=1&last=a>; rel="next"'


@pytest.mark.parametrize(
    ("query", "tags"),
    [
        ("n=0", []),
        ("n=3", ["a", "b", "c"]),
        ("n=1000", ["a", "b", "c"]),
        ("last=a", ["b", "c"]),
        ("last=aa", ["b", "c"]),
        ("last=c", []),
        ("n=1&last=b", ["c"]),
    ],
)
async def test_n_and_last_cut_the_list(
    ecr: ECR, oci: httpx.AsyncClient, repository: str, query: str, tags: list[str]
) -> None:
    """``last`` need not be a tag that is there; where nothing follows there is no link."""
    await push(ecr, repository, image(), "a", "b", "c")

    answer = await oci.get(f"/v2/{repository}/tags/list?{query}")

    assert answer.json()["tags"] == tags
    assert "link" not in answer.headers


async def test_a_page_has_100_tags_unless_asked_for_more(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """As ECR's; more than 1,000 cannot be asked for."""
    await push(ecr, repository, image())
    ((image_id, repository_id),) = await rows(registry, select(tables.images.c.id, tables.images.c.repository_id))
    many = [
        {"repository_id": repository_id, "tag": f"t{number:03}", "image_id": image_id, "moved_at": 0}
        for number in range(150)
    ]
    await execute(
        registry, insert(tables.image_tags).values(many), update(tables.images).values(tag_count=len(many))
    )

    default = await oci.get(f"/v2/{repository}/tags/list")
    most = await oci.get(f"/v2/{repository}/tags/list?n=1000")
    too_many = await oci.get(f"/v2/{repository}/tags/list?n=1001")

    assert len(default.json()["tags"]) == 100
    assert default.headers["link"] == f'</v2/{repository}/tags/list?last=t099>; rel="next"'
    assert len(most.json()["tags"]) == 150
    assert errors_of(too_many) == (
        400,
        "PAGINATION_NUMBER_INVALID",
        "Invalid parameter at 'n' failed to satisfy constraint: 'Member must have value less than or equal to 1000'",
    )


@pytest.mark.parametrize("n", ["-1", "x", "", "1.5", "\N{SUPERSCRIPT TWO}", "9" * 30, "9" * 9999])
async def test_n_is_a_number(oci: httpx.AsyncClient, repository: str, n: str) -> None:
    """Not anything else."""
    answer = await oci.get(f"/v2/{repository}/tags/list", params={"n": n})

    assert errors_of(answer)[:2] == (400, "PAGINATION_NUMBER_INVALID")


async def test_the_tags_of_a_deleted_image_are_gone_at_once(
    ecr: ECR, oci: httpx.AsyncClient, repository: str
) -> None:
    """Before its rows are drained."""
    pushed = image()
    await push(ecr, repository, pushed, "a", "b")
    await push(ecr, repository, image("other"), "c")

    await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageDigest": pushed.digest}])

    assert (await oci.get(f"/v2/{repository}/tags/list")).json()["tags"] == ["c"]


@pytest.fixture
async def subject(ecr: ECR, repository: str) -> Image:
    """An image with two signatures and a bill of materials, which are referrers."""
    subject = image("subject")
    await push(ecr, repository, subject, "v1")
    for name, artifact_type in (("first", SIGNATURE), ("bill", SBOM), ("second", SIGNATURE)):
        await push(ecr, repository, artifact(name, subject, artifact_type, annotations={"name": name}))
    return subject


async def test_referrers_are_an_index_of_descriptors(
    oci: httpx.AsyncClient, repository: str, subject: Image
) -> None:
    """In the order of pushing, with type and annotations."""
    answer = await oci.get(f"/v2/{repository}/referrers/{subject.digest}")

    expected = [
        artifact(name, subject, kind, annotations={"name": name})
        for name, kind in (("first", SIGNATURE), ("bill", SBOM), ("second", SIGNATURE))
    ]
    assert answer.headers["content-type"] == OCI_INDEX
    assert "oci-filters-applied" not in answer.headers
    assert answer.json() == {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [
            {
                "mediaType": one.media_type,
                "digest": one.digest,
                "size": len(one.content),
                "artifactType": kind,
                "annotations": {"name": name},
            }
            for one, (name, kind) in zip(
                expected, (("first", SIGNATURE), ("bill", SBOM), ("second", SIGNATURE)), strict=True
            )
        ],
    }


@pytest.mark.parametrize(("kinds", "number"), [([SIGNATURE], 2), ([SBOM], 1), ([SBOM, SIGNATURE], 3), (["x"], 0)])
async def test_referrers_are_filtered_by_artifact_type(
    oci: httpx.AsyncClient, repository: str, subject: Image, kinds: list[str], number: int
) -> None:
    """And the answer says so, that no client filters in vain."""
    answer = await oci.get(f"/v2/{repository}/referrers/{subject.digest}", params={"artifactType": kinds})

    assert answer.headers["oci-filters-applied"] == "artifactType"
    assert len(answer.json()["manifests"]) == number


async def test_an_artifact_without_a_type_has_its_configs(
    ecr: ECR, oci: httpx.AsyncClient, repository: str
) -> None:
    """And an index has none but its own."""
    subject = image("subject")
    plain = artifact("plain", subject)
    await push(ecr, repository, plain)
    await push(ecr, repository, index(plain, subject={"mediaType": "x/y", "digest": subject.digest, "size": 1}))

    answer = await oci.get(f"/v2/{repository}/referrers/{subject.digest}")

    assert [one.get("artifactType") for one in answer.json()["manifests"]] == [CONFIG, None]


async def test_what_is_not_there_has_no_referrers(oci: httpx.AsyncClient, repository: str) -> None:
    """An empty index, not 404: referrers may come before their subject."""
    answer = await oci.get(f"/v2/{repository}/referrers/{ABSENT}")

    assert (answer.status_code, answer.json()["manifests"]) == (200, [])


async def test_pages_of_tags_stay_whole_while_tags_come_and_go(
    ecr: ECR, oci: httpx.AsyncClient, repository: str
) -> None:
    """What is there throughout is listed once, even if the last of a page is gone, or has moved."""
    pushed = image()
    await push(ecr, repository, pushed, "b", "d", "f", "h")
    first = await oci.get(f"/v2/{repository}/tags/list?n=2")
    await oci.delete(f"/v2/{repository}/manifests/d")
    await push(ecr, repository, image("other"), "a", "e", "f")

    second = await oci.get(first.links["next"]["url"])
    third = await oci.get(second.links["next"]["url"])

    assert [answer.json()["tags"] for answer in (first, second, third)] == [["b", "d"], ["e", "f"], ["h"]]
    assert "link" not in third.headers


async def test_pages_of_referrers_stay_whole_while_referrers_come_and_go(
    ecr: ECR, oci: httpx.AsyncClient, repository: str
) -> None:
    """A new one is the last; the one that a page ended with may be gone."""
    padding = {"annotations": {"padding": "x" * (1536 * 1024)}}
    attached = [artifact(f"signature-{number}", image(), SIGNATURE, **padding) for number in range(5)]
    for one in attached[:4]:
        await push(ecr, repository, one)
    first = await oci.get(f"/v2/{repository}/referrers/{image().digest}")
    await oci.delete(f"/v2/{repository}/manifests/{attached[1].digest}")
    await push(ecr, repository, attached[4])

    second = await oci.get(first.links["next"]["url"])
    third = await oci.get(second.links["next"]["url"])

    found = [[one["digest"] for one in page.json()["manifests"]] for page in (first, second, third)]
    digests = [one.digest for one in attached]
    assert found == [digests[:2], digests[2:4], digests[4:]]


async def test_a_referrer_may_be_pushed_before_its_subject(
    ecr: ECR, oci: httpx.AsyncClient, repository: str
) -> None:
    """Also through the other face."""
    subject = image("late")
    attached = artifact("signature", subject, SIGNATURE)
    await push_layers(ecr, repository, attached)
    await oci.put(
        f"/v2/{repository}/manifests/{attached.digest}",
        content=attached.content,
        headers={"content-type": attached.media_type},
    )

    answer = await oci.get(f"/v2/{repository}/referrers/{subject.digest}")

    assert [one["digest"] for one in answer.json()["manifests"]] == [attached.digest]


async def test_a_deleted_referrer_is_listed_no_more(
    oci: httpx.AsyncClient, repository: str, subject: Image
) -> None:
    """At once."""
    path = f"/v2/{repository}/referrers/{subject.digest}"
    first, *rest = (await oci.get(path)).json()["manifests"]

    await oci.delete(f"/v2/{repository}/manifests/{first['digest']}")

    assert (await oci.get(path)).json()["manifests"] == rest


async def test_what_is_no_digest_has_no_referrers(oci: httpx.AsyncClient, repository: str) -> None:
    """400: it can never have any."""
    answer = await oci.get(f"/v2/{repository}/referrers/latest")

    assert errors_of(answer)[:2] == (400, "DIGEST_INVALID")


async def test_many_referrers_come_in_pages(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """Of 100, each referrer once, with the filter carried along."""
    subject = image("subject")
    shared = artifact("shared", subject, SIGNATURE)
    await push_layers(ecr, repository, shared)
    digests: list[str] = []
    for number in range(101):
        one = artifact("shared", subject, SIGNATURE, annotations={"number": str(number)})
        put = await oci.put(
            f"/v2/{repository}/manifests/{one.digest}",
            content=one.content,
            headers={"content-type": one.media_type},
        )
        assert put.status_code == 201
        digests.append(one.digest)

    first = await oci.get(f"/v2/{repository}/referrers/{subject.digest}", params={"artifactType": SIGNATURE})
    second = await oci.get(first.links["next"]["url"])

    assert parse_qs(urlsplit(first.links["next"]["url"]).query)["artifactType"] == [SIGNATURE]
    assert [one["digest"] for page in (first, second) for one in page.json()["manifests"]] == digests
    assert "link" not in second.headers


@pytest.mark.parametrize("last", ["x", "-1", "9" * 30, ""])
async def test_a_page_of_referrers_that_does_not_exist_is_refused(
    oci: httpx.AsyncClient, repository: str, last: str
) -> None:
    """But an empty ``last`` is none."""
    answer = await oci.get(f"/v2/{repository}/referrers/{ABSENT}", params={"last": last})

    assert answer.status_code == (400 if last else 200)


async def test_a_page_of_referrers_ends_where_their_manifests_get_large(
    ecr: ECR, oci: httpx.AsyncClient, repository: str
) -> None:
    """Their annotations are all in the answer, and clients bound what they read of it."""
    padding = {"annotations": {"padding": "x" * (1536 * 1024)}}
    attached = [artifact(f"signature-{number}", image(), SIGNATURE, **padding) for number in range(3)]
    for one in attached:
        await push(ecr, repository, one)

    first = await oci.get(f"/v2/{repository}/referrers/{image().digest}")
    second = await oci.get(first.headers["link"].partition(">")[0].removeprefix("<"))

    found = [[one["digest"] for one in page.json()["manifests"]] for page in (first, second)]
    assert found == [[one.digest for one in attached[:2]], [attached[2].digest]]
    assert "link" not in second.headers
