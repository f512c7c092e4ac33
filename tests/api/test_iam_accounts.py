"""Other accounts: made, listed and deleted by the root of the registry's own."""

from urllib.parse import urlencode

import pytest
from tests.api.clients import ECR
from tests.api.policy_documents import allow, create_account, log_in
from tests.api.query_clients import Query, error_of

from entrepot.core.clock import SECOND
from entrepot.testing.registry import ACCOUNT_ID, RunningRegistry

OTHER = "111122223333"


async def call(iam: Query, action: str, **members: object) -> tuple[int, str, str]:
    """An action that is not in the service model: status, code and message, or the whole answer."""
    answer = await iam.send(urlencode({"Action": action, "Version": "2010-05-08", **members}).encode())
    return (200, "", answer.text) if answer.status_code == 200 else error_of(answer)


async def test_an_account_has_a_root_that_may_do_everything_in_it(registry: RunningRegistry, iam: Query) -> None:
    """With its own users, repositories and nothing of anybody else's."""
    key = await create_account(registry, iam, OTHER)
    root = Query(registry, "iam", key)
    ecr = ECR(registry, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])
    await iam("CreateUser", UserName="ann")

    await root("CreateUser", UserName="ann")
    made = await ecr("CreateRepository", repositoryName="app")

    assert (await root("ListUsers"))["Users"][0]["Arn"] == f"arn:aws:iam::{OTHER}:user/ann"
    assert made["repository"]["registryId"] == OTHER


async def test_an_account_is_made_once(registry: RunningRegistry, iam: Query) -> None:
    """The key that it has stays the one that works; the registry's own account is there already."""
    key = await create_account(registry, iam, OTHER)

    for number in (OTHER, ACCOUNT_ID):
        refusal = await call(iam, "CreateAccount", Account=number)
        assert refusal == (409, "EntityAlreadyExists", f"The account {number} already exists.")
    assert (await Query(registry, "iam", key)("ListUsers"))["Users"] == []


async def test_what_is_no_account_is_refused(iam: Query) -> None:
    """Twelve digits."""
    assert (await call(iam, "CreateAccount", Account="12345"))[:2] == (400, "ValidationError")


async def test_accounts_are_listed(registry: RunningRegistry, iam: Query) -> None:
    """By number, in pages."""
    for number in (OTHER, "000000000009"):
        await create_account(registry, iam, number)

    _, _, first = await call(iam, "ListAccounts", MaxItems=1)
    marker = first.partition("<Marker>")[2].partition("<")[0]
    _, _, second = await call(iam, "ListAccounts", MaxItems=1, Marker=marker)

    assert ("<Id>000000000009</Id>" in first, f"<Id>{OTHER}</Id>" in first) == (True, False)
    assert f"<Id>{OTHER}</Id>" in second
    assert "<IsTruncated>false</IsTruncated>" in second


async def test_an_account_is_deleted_when_it_is_empty(registry: RunningRegistry, iam: Query) -> None:
    """Then its root's key is worthless."""
    key = await create_account(registry, iam, OTHER)
    root = Query(registry, "iam", key)
    ecr = ECR(registry, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])
    await ecr("CreateRepository", repositoryName="app")
    await root("CreateUser", UserName="ann")
    policy = (await root("CreatePolicy", PolicyName="p", PolicyDocument=allow("ecr:*")))["Policy"]["Arn"]
    provider = await root("CreateOpenIDConnectProvider", Url="https://issuer.example")

    reasons: list[str] = []
    for remove in (
        lambda: ecr("DeleteRepository", repositoryName="app"),
        lambda: root("DeleteUser", UserName="ann"),
        lambda: root("DeletePolicy", PolicyArn=policy),
        lambda: root("DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=provider["OpenIDConnectProviderArn"]),
    ):
        status, code, reason = await call(iam, "DeleteAccount", Account=OTHER)
        assert (status, code) == (409, "DeleteConflict")
        reasons.append(reason)
        await remove()
    await call(iam, "DeleteAccount", Account=OTHER)
    registry.clock.advance(SECOND)

    assert len(set(reasons)) == 4
    assert (await root.error("GetUser"))[1] == "InvalidClientTokenId"
    assert (await call(iam, "DeleteAccount", Account=OTHER))[:2] == (404, "NoSuchEntity")


@pytest.mark.parametrize("action", ["CreateAccount", "DeleteAccount", "ListAccounts"])
async def test_nobody_else_may(registry: RunningRegistry, iam: Query, action: str) -> None:
    """Neither who may do everything, nor the root of another account."""
    members = {} if action == "ListAccounts" else {"Account": "999999999999"}
    administrator = await log_in(registry, iam, "ann", allow("*"))
    root = Query(registry, "iam", await create_account(registry, iam, OTHER))

    for somebody in (administrator, root):
        assert (await call(somebody, action, **members))[:2] == (403, "AccessDenied")
