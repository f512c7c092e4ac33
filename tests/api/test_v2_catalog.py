"""``/v2/_catalog``: only where it is switched on, and only what the caller may see."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from sqlalchemy import insert
from tests.api.clients import ECR, HOST, errors_of, oci_client, password
from tests.api.policy_documents import allow, document, make_key
from tests.api.query_clients import Query
from tests.api.rows import execute

from entrepot.fronts.oci.profile import ECR as ECR_PROFILE
from entrepot.metadata import tables
from entrepot.operations.repositories import CATALOG_READ, CATALOG_READS
from entrepot.testing.registry import RunningRegistry

on = pytest.mark.registry(catalog=True)
NOTHING: list[str] = []


async def create(ecr: ECR, *names: str) -> None:
    """Empty repositories."""
    for name in names:
        await ecr("CreateRepository", repositoryName=name)


async def pages_of(client: httpx.AsyncClient, url: str) -> list[list[str]]:
    """The names on every page, by its links."""
    pages: list[list[str]] = []
    following: str | None = url
    while following:
        answer = await client.get(following)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        pages.append(answer.json()["repositories"])
        following = answer.links.get("next", {}).get("url")
    return pages


@asynccontextmanager
async def logged_in(registry: RunningRegistry, iam: Query, *policies: str) -> AsyncGenerator[httpx.AsyncClient]:
    """``/v2/`` by a new user with these policies."""
    key = await make_key(registry, iam, "somebody", *policies)
    theirs = ECR(registry, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])
    async with oci_client(registry, await password(theirs)) as client:
        yield client


async def test_there_is_none_unless_it_is_switched_on(oci: httpx.AsyncClient, repository: str) -> None:
    """As at ECR: the same as any path that the protocol does not have."""
    absent, unknown = await oci.get("/v2/_catalog"), await oci.get("/v2/_nothing")

    assert errors_of(absent) == errors_of(unknown)
    assert errors_of(absent)[:2] == (404, "NAME_UNKNOWN")


@on
async def test_repositories_are_listed_in_byte_order(ecr: ECR, oci: httpx.AsyncClient) -> None:
    """On every database alike."""
    names = ["bb", "aa", "aa/b", "aa-b", "aa.b", "aa_b", "11"]
    await create(ecr, *names)

    answer = await oci.get("/v2/_catalog")

    assert answer.json() == {"repositories": sorted(names)}
    assert "link" not in answer.headers


@on
async def test_an_empty_registry_has_an_empty_list(oci: httpx.AsyncClient) -> None:
    """Not null."""
    assert (await oci.get("/v2/_catalog")).json() == {"repositories": []}


@on
@pytest.mark.parametrize(
    ("query", "pages"),
    [
        ("", [["r1", "r2", "r3", "r4", "r5"]]),
        ("?n=2", [["r1", "r2"], ["r3", "r4"], ["r5"]]),
        ("?n=5", [["r1", "r2", "r3", "r4", "r5"]]),
        ("?n=2&last=r2", [["r3", "r4"], ["r5"]]),
        ("?last=r2x", [["r3", "r4", "r5"]]),
        ("?last=r5", [NOTHING]),
        ("?n=0", [NOTHING]),
    ],
)
async def test_pages_follow_each_other_by_link(
    ecr: ECR, oci: httpx.AsyncClient, query: str, pages: list[list[str]]
) -> None:
    """As those of tags/list; no page is empty but the one there is."""
    await create(ecr, "r1", "r2", "r3", "r4", "r5")

    assert await pages_of(oci, f"/v2/_catalog{query}") == pages


@on
async def test_a_page_has_100_unless_asked_for_more(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry
) -> None:
    """And 1,000 at most."""
    await make_many(registry, [f"r{number:04}" for number in range(1100)])

    assert [len(page) for page in await pages_of(oci, "/v2/_catalog")] == [100] * 11
    assert [len(page) for page in await pages_of(oci, "/v2/_catalog?n=1000")] == [1000, 100]
    assert errors_of(await oci.get("/v2/_catalog?n=1001"))[:2] == (400, "PAGINATION_NUMBER_INVALID")


@on
async def test_pages_stay_whole_while_repositories_come_and_go(ecr: ECR, oci: httpx.AsyncClient) -> None:
    """What is there throughout is listed once, even if the last of a page is gone."""
    await create(ecr, "r2", "r4", "r6", "r8")
    first = await oci.get("/v2/_catalog?n=2")
    await ecr("DeleteRepository", repositoryName="r4")
    await create(ecr, "r1", "r5")

    rest = await pages_of(oci, first.links["next"]["url"])

    assert first.json()["repositories"] == ["r2", "r4"]
    assert rest == [["r5", "r6"], ["r8"]]


@on
async def test_only_what_the_caller_may_describe_is_listed(
    registry: RunningRegistry, ecr: ECR, iam: Query, oci: httpx.AsyncClient
) -> None:
    """Pages are whole, and a link names no hidden repository either."""
    await create(ecr, *(f"{team}/{name}" for team in ("hidden", "ours", "theirs") for name in "abc"))
    policy = document(
        {
            "Effect": "Allow",
            "Action": "ecr:DescribeRepositories",
            "Resource": "arn:aws:ecr:*:*:repository/*s/*",
        },
        {"Effect": "Deny", "Action": "ecr:*", "Resource": "arn:aws:ecr:*:*:repository/ours/b"},
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
    )

    async with logged_in(registry, iam, policy) as client:
        pages = await pages_of(client, "/v2/_catalog?n=3")

    assert pages == [["ours/a", "ours/c", "theirs/a"], ["theirs/b", "theirs/c"]]


@on
async def test_a_repositorys_own_policy_counts(registry: RunningRegistry, ecr: ECR, iam: Query) -> None:
    """As for DescribeRepositories by name; and nobody is written down for not seeing the others."""
    await create(ecr, "closed", "open")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ecr:DescribeRepositories"}
    await ecr("SetRepositoryPolicy", repositoryName="open", policyText=document(statement))

    async with logged_in(registry, iam, allow("ecr:GetAuthorizationToken")) as client:
        answer = await client.get("/v2/_catalog")

    assert answer.json()["repositories"] == ["open"]
    assert registry.services.denials.take() == ({}, 0)


@on
async def test_a_page_passes_over_so_many_hidden_repositories(
    registry: RunningRegistry, ecr: ECR, iam: Query
) -> None:
    """So its work is bounded; a short page goes on behind the last that may be seen."""
    hidden = CATALOG_READ * CATALOG_READS
    await make_many(registry, ["a", *(f"m{number:05}" for number in range(hidden)), "z"])
    policy = allow("ecr:*", resource="arn:aws:ecr:*:*:repository/?")

    async with logged_in(registry, iam, policy, allow("ecr:GetAuthorizationToken")) as client:
        first = await client.get("/v2/_catalog")
        stuck = await client.get(first.links["next"]["url"])
        beyond = await client.get("/v2/_catalog?last=n")

    assert first.json()["repositories"] == ["a"]
    assert errors_of(stuck) == (
        403,
        "DENIED",
        f"You may describe none of the {hidden} repositories that follow; ask for one by name",
    )
    assert beyond.json()["repositories"] == ["z"]


@pytest.mark.registry(catalog=True, anonymous_pull=True)
async def test_nobody_sees_it_by_a_token_of_nobody(anonymous: httpx.AsyncClient, repository: str) -> None:
    """Such a token is for pulls; the challenge names the scope that somebody's token would need."""
    issued = (await anonymous.get("/token", params={"service": HOST, "scope": "registry:catalog:*"})).json()

    answer = await anonymous.get("/v2/_catalog", headers={"authorization": f"Bearer {issued['token']}"})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].endswith(',scope="registry:catalog:*"')


@on
@pytest.mark.parametrize(("scope", "status"), [("registry:catalog:*", 200), ("repository:app:pull", 401)])
async def test_a_bearer_token_needs_its_scope(
    registry: RunningRegistry, oci: httpx.AsyncClient, repository: str, scope: str, status: int
) -> None:
    """Which is told back; the token is then good for nothing else."""
    issued = (await oci.get("/token", params={"service": HOST, "scope": scope})).json()
    headers = {"authorization": f"Bearer {issued['token']}"}

    async with oci_client(registry, None) as bearing:
        catalog = await bearing.get("/v2/_catalog", headers=headers)
        tags = await bearing.get(f"/v2/{repository}/tags/list", headers=headers)

    assert issued["scope"] == scope
    assert catalog.status_code == status
    assert tags.status_code == (401 if status == 200 else 200)


@pytest.mark.registry(catalog=True, profile=ECR_PROFILE)
async def test_in_profile_ecr_its_pages_are_signed(ecr: ECR, oci: httpx.AsyncClient) -> None:
    """As those of its other lists."""
    await create(ecr, "r1", "r2", "r3")

    assert await pages_of(oci, "/v2/_catalog?n=2") == [["r1", "r2"], ["r3"]]
    assert errors_of(await oci.get("/v2/_catalog?last=r1"))[0] == 405


async def make_many(registry: RunningRegistry, names: list[str]) -> None:
    """Repositories, in one statement."""
    common = {
        "account": "000000000000",
        "region": "us-east-1",
        "created_at": 0,
        "tag_mutability": "MUTABLE",
        "tag_mutability_exclusions": "[]",
        "scan_on_push": False,
        "encryption_type": "AES256",
    }
    for first in range(0, len(names), 500):
        rows = [{"name": name, **common} for name in names[first : first + 500]]
        await execute(registry, insert(tables.repositories).values(rows))
