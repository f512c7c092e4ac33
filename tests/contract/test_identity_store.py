"""Principals, access keys, policies and identity providers as rows, on both databases."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from entrepot.features.identity import store as identities
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import (
    AccessKeyRow,
    ManagedPolicyRow,
    OIDCProviderRow,
    PolicyText,
    PolicyVersionRow,
    PrincipalRow,
)
from entrepot.metadata import generation
from entrepot.metadata.port import Metadata
from entrepot.metadata.schema import migrate

ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"
ALICE = PrincipalRow(
    id="AIDAALICE",
    account=ACCOUNT,
    kind=PrincipalKind.USER,
    path="/team/",
    name="Alice",
    created_at=7,
    boundary="arn:aws:iam::aws:policy/AdministratorAccess",
    tags={"team": "blau", "ключ": "значение"},
)
DEPLOYER = PrincipalRow(
    id="AROADEPLOYER",
    account=ACCOUNT,
    kind=PrincipalKind.ROLE,
    path="/",
    name="deployer",
    created_at=8,
    description="Deploys",
    trust_policy="{}",
    max_session_seconds=7200,
)
KEY = AccessKeyRow(
    id="AKIAONE", principal_id=ALICE.id, account=ACCOUNT, sealed_secret=b"\x00\xff", status="Active", created_at=9
)
PUSH = ManagedPolicyRow(
    arn=f"arn:aws:iam::{ACCOUNT}:policy/push",
    id="ANPAPUSH",
    account=ACCOUNT,
    path="/",
    name="push",
    description="Pushes",
    created_at=1,
    updated_at=1,
    default_version=1,
    latest_version=1,
    tags={"a": "b"},
)
GITHUB = OIDCProviderRow(
    arn=f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com",
    account=ACCOUNT,
    url="token.actions.githubusercontent.com",
    client_ids=("sts.amazonaws.com",),
    thumbprints=("a" * 40,),
    created_at=2,
    jwks='{"keys": []}',
    tags={"x": "y"},
)
PULL_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"


@pytest.fixture
async def store(metadata: Metadata) -> Metadata:
    """A database with one user and one role."""

    def fill(connection: Connection) -> None:
        migrate(connection)
        identities.create_principal(connection, ALICE)
        identities.create_principal(connection, DEPLOYER)

    await metadata.write(fill)
    return metadata


@pytest.mark.parametrize("principal", [ALICE, DEPLOYER], ids=lambda principal: principal.kind)
async def test_a_principal_is_found_as_it_was_stored(store: Metadata, principal: PrincipalRow) -> None:
    """By id and by name."""
    by_id = await store.look_up(lambda c: identities.find_principal(c, principal.id))
    by_name = await store.look_up(lambda c: identities.find_by_name(c, ACCOUNT, principal.kind, principal.name))

    assert by_id == by_name == principal


async def test_a_name_is_taken_whatever_its_case(store: Metadata) -> None:
    """Of users among users and of roles among roles, in one account."""
    other_case = replace(ALICE, id="AIDAOTHER", name="aLICE")
    elsewhere = replace(other_case, account=OTHER_ACCOUNT)
    role = replace(other_case, id="AROAALICE", kind=PrincipalKind.ROLE)

    assert not await store.write(lambda c: identities.create_principal(c, other_case))
    assert await store.write(lambda c: identities.create_principal(c, elsewhere))
    assert await store.write(lambda c: identities.create_principal(c, role))


@pytest.mark.parametrize("name", ["alice", "ALICE", "Alice ", "Alic", "", "%"])
async def test_a_name_is_found_in_its_own_case_alone(store: Metadata, name: str) -> None:
    """So nobody is meant by a name that only looks like it."""
    assert await store.look_up(lambda c: identities.find_by_name(c, ACCOUNT, PrincipalKind.USER, name)) is None


def find_role(connection: Connection, account: str, name: str) -> PrincipalRow | None:
    """A role by its name."""
    return identities.find_by_name(connection, account, PrincipalKind.ROLE, name)


async def test_a_role_is_found_by_name_in_its_account(store: Metadata) -> None:
    """Users of the name are not roles, and other accounts are other accounts."""
    assert await store.look_up(lambda c: find_role(c, ACCOUNT, "deployer")) == DEPLOYER
    assert await store.look_up(lambda c: find_role(c, ACCOUNT, "Alice")) is None
    assert await store.look_up(lambda c: find_role(c, OTHER_ACCOUNT, "deployer")) is None


async def test_a_principal_is_replaced_but_for_what_it_is(store: Metadata) -> None:
    """Path, name, boundary, description, trust policy, session time and tags change; id, account and kind stay."""
    changed = replace(
        DEPLOYER,
        path="/ci/",
        name="Releaser",
        boundary=PULL_ONLY,
        description=None,
        trust_policy='{"a": 1}',
        max_session_seconds=3600,
        tags={"k": "v"},
    )

    await store.write(lambda c: identities.replace_principal(c, changed))

    assert await store.look_up(lambda c: identities.find_principal(c, DEPLOYER.id)) == changed
    assert await store.look_up(lambda c: find_role(c, ACCOUNT, "deployer")) is None


async def test_principals_come_in_pages_by_path_and_name(store: Metadata) -> None:
    """Every one once, under a path only those below it."""
    paths = {"zoe": "/", "Bob": "/", "carl": "/team/", "dora": "/team/a/", "eve": "/teams/"}

    def fill(connection: Connection) -> None:
        for name, path in paths.items():
            identities.create_principal(connection, replace(ALICE, id=f"AIDA{name}", name=name, path=path))

    await store.write(fill)

    assert await names_under(store, "/") == ["Bob", "zoe", "Alice", "carl", "dora", "eve"]
    assert await names_under(store, "/team/") == ["Alice", "carl", "dora"]
    assert await names_under(store, "/team") == ["Alice", "carl", "dora", "eve"]
    assert await names_under(store, "/none/") == []


async def names_under(store: Metadata, path_prefix: str) -> list[str]:
    """The names of users, page by page of two."""
    names: list[str] = []
    after: tuple[str, ...] = ()
    while True:
        page = await store.read(
            lambda c, after=after: identities.page_of_principals(
                c, ACCOUNT, PrincipalKind.USER, path_prefix=path_prefix, after=after, limit=2
            )
        )
        if not page:
            return names
        names += [row.name for row in page]
        after = page[-1].sort_key


async def test_roots_of_accounts_come_in_pages_by_number(store: Metadata) -> None:
    """And nobody else does."""

    def fill(connection: Connection) -> None:
        for number in ("000000000009", "999999999999", OTHER_ACCOUNT):
            root = replace(ALICE, id=number, account=number, kind=PrincipalKind.ROOT, path="/", name="")
            identities.create_principal(connection, root)

    await store.write(fill)

    first = await store.read(lambda c: identities.page_of_roots(c, after="", limit=2))
    rest = await store.read(lambda c: identities.page_of_roots(c, after=OTHER_ACCOUNT, limit=2))
    assert [root.id for root in (*first, *rest)] == ["000000000009", OTHER_ACCOUNT, "999999999999"]


async def test_an_access_key_is_found_as_it_was_stored(store: Metadata) -> None:
    """With its secret as it was sealed; until it is deleted."""
    await store.write(lambda c: identities.create_access_key(c, KEY))

    assert await store.look_up(lambda c: identities.find_access_key(c, KEY.id)) == KEY
    assert await store.look_up(lambda c: identities.find_access_key(c, "AKIATWO")) is None

    await store.write(lambda c: identities.set_key_status(c, KEY.id, "Inactive"))
    assert await store.read(lambda c: identities.access_keys_of(c, ALICE.id)) == [replace(KEY, status="Inactive")]

    await store.write(lambda c: identities.delete_access_key(c, KEY.id))
    assert await store.look_up(lambda c: identities.find_access_key(c, KEY.id)) is None


async def test_the_latest_use_of_a_key_stays(store: Metadata) -> None:
    """Workers that tell of their uses late do not set it back."""
    await store.write(lambda c: identities.create_access_key(c, KEY))

    for now, service in ((20, "ecr"), (30, "iam"), (25, "sts")):
        await store.write(
            lambda c, now=now, service=service: identities.touch_access_key(c, KEY.id, now, service, "eu-west-1")
        )

    assert await store.look_up(lambda c: identities.find_access_key(c, KEY.id)) == replace(
        KEY, last_used_at=30, last_used_service="iam", last_used_region="eu-west-1"
    )


async def test_everything_that_decides_for_a_principal_is_found_at_once(store: Metadata) -> None:
    """Inline and attached policies by name, AWS's among them, and the boundary apart."""

    def fill(connection: Connection) -> None:
        identities.create_policy(connection, PUSH, '{"push": 1}')
        identities.put_inline_policy(connection, ALICE.id, "own", "{}")
        identities.put_inline_policy(connection, ALICE.id, "own", '{"own": 2}')
        identities.attach(connection, ALICE, PUSH.arn)
        identities.attach(connection, ALICE, PUSH.arn)
        identities.attach(connection, ALICE, PULL_ONLY)
        identities.attach(connection, DEPLOYER, PUSH.arn)

    await store.write(fill)
    found = await store.look_up(lambda c: identities.find_policies(c, ALICE.id))

    names = [(text.name, text.arn) for text in found.identity]
    assert names == [("AmazonEC2ContainerRegistryPullOnly", PULL_ONLY), ("own", None), ("push", PUSH.arn)]
    assert [text.document for text in found.identity[1:]] == ['{"own": 2}', '{"push": 1}']
    assert "ecr:BatchGetImage" in found.identity[0].document
    assert found.boundary is not None
    assert found.boundary.arn == ALICE.boundary


async def test_a_principal_without_policies_has_none(store: Metadata) -> None:
    """Nor has one that is not there."""
    for principal_id in (DEPLOYER.id, "AIDANOBODY"):
        found = await store.look_up(lambda c, key=principal_id: identities.find_policies(c, key))

        assert (list(found.identity), found.boundary) == ([], None)


async def test_a_policy_that_is_not_there_is_one_that_nobody_can_read(store: Metadata) -> None:
    """So that it denies, as a boundary too, instead of being left out."""
    missing = f"arn:aws:iam::{ACCOUNT}:policy/gone"
    await store.write(lambda c: identities.attach(c, ALICE, missing))
    await store.write(lambda c: identities.replace_principal(c, replace(ALICE, boundary=missing)))

    found = await store.look_up(lambda c: identities.find_policies(c, ALICE.id))

    assert list(found.identity) == [PolicyText(missing, missing, "")]
    assert found.boundary == PolicyText(missing, missing, "")
    assert await store.look_up(lambda c: identities.find_managed_policy(c, missing)) == found.boundary


async def test_the_default_version_of_a_policy_decides(store: Metadata) -> None:
    """Until another one is the default."""

    def fill(connection: Connection) -> None:
        identities.create_policy(connection, PUSH, "one")
        identities.attach(connection, ALICE, PUSH.arn)
        identities.add_version(connection, PUSH.arn, PolicyVersionRow(2, "two", 5))

    await store.write(fill)
    before = await store.look_up(lambda c: identities.find_policies(c, ALICE.id))
    await store.write(lambda c: identities.set_default_version(c, PUSH.arn, 2, 6))
    after = await store.look_up(lambda c: identities.find_policies(c, ALICE.id))

    assert [text.document for text in before.identity] == ["one"]
    assert [text.document for text in after.identity] == ["two"]
    assert await store.look_up(lambda c: identities.find_managed_policy(c, PUSH.arn)) == after.identity[0]
    assert await store.look_up(lambda c: identities.find_policy(c, PUSH.arn)) == replace(
        PUSH, default_version=2, latest_version=2, updated_at=6
    )


async def test_a_policy_goes_with_its_versions(store: Metadata) -> None:
    """And its name is free."""
    await store.write(lambda c: identities.create_policy(c, PUSH, "one"))
    assert not await store.write(lambda c: identities.create_policy(c, replace(PUSH, arn="x", name="PUSH"), "two"))

    await store.write(lambda c: identities.delete_policy(c, PUSH.arn))

    assert await store.read(lambda c: identities.versions_of(c, PUSH.arn)) == []
    assert await store.write(lambda c: identities.create_policy(c, PUSH, "three"))


async def test_who_has_a_policy_is_counted_by_account(store: Metadata) -> None:
    """Attached and as a boundary; one of AWS's is had in many accounts."""
    stranger = replace(ALICE, id="AIDASTRANGER", account=OTHER_ACCOUNT, boundary=PULL_ONLY)

    def fill(connection: Connection) -> None:
        identities.create_principal(connection, stranger)
        for principal in (ALICE, DEPLOYER, stranger):
            identities.attach(connection, principal, PULL_ONLY)
        identities.detach(connection, DEPLOYER.id, PULL_ONLY)

    await store.write(fill)

    arns = [PULL_ONLY, PUSH.arn]
    assert await store.read(lambda c: identities.count_attached(c, ACCOUNT, arns)) == {PULL_ONLY: 1}
    assert await store.read(lambda c: identities.count_bounded(c, ACCOUNT, arns)) == {}
    assert await store.read(lambda c: identities.count_bounded(c, OTHER_ACCOUNT, arns)) == {PULL_ONLY: 1}


async def test_an_identity_provider_is_found_as_it_was_stored(store: Metadata) -> None:
    """By its URL, in its account alone; until it is deleted."""
    assert await store.write(lambda c: identities.create_oidc_provider(c, GITHUB))
    assert not await store.write(lambda c: identities.create_oidc_provider(c, GITHUB))
    assert await store.look_up(lambda c: identities.find_oidc_provider(c, ACCOUNT, GITHUB.url)) == GITHUB
    assert await store.look_up(lambda c: identities.find_oidc_provider(c, OTHER_ACCOUNT, GITHUB.url)) is None

    changed = replace(GITHUB, client_ids=("a", "b"), thumbprints=(), jwks=None, tags={})
    await store.write(lambda c: identities.replace_oidc_provider(c, changed))
    assert await store.read(lambda c: identities.oidc_providers_of(c, ACCOUNT)) == [changed]

    assert await store.write(lambda c: identities.delete_oidc_provider(c, GITHUB.arn))
    assert await store.look_up(lambda c: identities.find_oidc_provider(c, ACCOUNT, GITHUB.url)) is None


async def test_every_change_has_a_generation_of_its_own(store: Metadata) -> None:
    """However many are under way at a time."""
    before = await store.look_up(generation.read)

    await asyncio.gather(*(store.write(generation.advance) for _ in range(8)))

    assert await store.look_up(generation.read) == before + 8


async def test_what_is_not_committed_is_no_new_generation(store: Metadata) -> None:
    """Nobody throws away what he keeps for a change that never was."""
    before = await store.look_up(generation.read)

    def break_off(connection: Connection) -> None:
        generation.advance(connection)
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(break_off)

    assert await store.look_up(generation.read) == before


async def test_a_change_sees_what_the_one_before_it_left(store: Metadata) -> None:
    """Many that look first and then write never find room for more than there is: they come one after another."""

    def add(connection: Connection, number: int) -> bool:
        generation.advance(connection)
        if len(identities.access_keys_of(connection, ALICE.id)) >= 2:
            return False
        identities.create_access_key(connection, replace(KEY, id=f"AKIA{number}"))
        return True

    made = await asyncio.gather(*(store.write(lambda c, number=number: add(c, number)) for number in range(6)))

    assert sorted(made) == [False] * 4 + [True] * 2
