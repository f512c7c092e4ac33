"""Access keys of IAM."""

import pytest
from tests.api.policy_documents import allow, create_account, log_in, make_key, trust
from tests.api.query_clients import Query

from entrepot.core.clock import HOUR, SECOND
from entrepot.features.identity import store as identities
from entrepot.operations.iam.access_keys import NewAccessKey
from entrepot.testing.registry import ACCOUNT_ID, RunningRegistry


async def test_a_new_key_works(registry: RunningRegistry, iam: Query) -> None:
    """For what its user may."""
    await iam("CreateUser", UserName="ann")
    await iam("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=allow("iam:GetUser"))

    made = (await iam("CreateAccessKey", UserName="ann"))["AccessKey"]

    assert (made["UserName"], made["Status"]) == ("ann", "Active")
    assert (await Query(registry, "iam", made)("GetUser"))["User"]["UserName"] == "ann"


async def test_a_secret_is_shown_once(registry: RunningRegistry, iam: Query) -> None:
    """It is in no other answer, nor in the database as it is."""
    await iam("CreateUser", UserName="ann")
    made = (await iam("CreateAccessKey", UserName="ann"))["AccessKey"]
    secret = made["SecretAccessKey"]

    listed = await iam("ListAccessKeys", UserName="ann")
    stored = await registry.services.metadata.look_up(lambda c: identities.find_access_key(c, made["AccessKeyId"]))

    assert secret not in str(listed)
    assert listed["AccessKeyMetadata"][0]["AccessKeyId"] == made["AccessKeyId"]
    assert stored is not None
    assert secret.encode() not in stored.sealed_secret
    assert registry.services.access_key_secrets.open(stored.id, stored.sealed_secret) == secret
    assert secret not in repr(NewAccessKey("ann", stored, secret))


async def test_a_user_has_two_keys_at_most(iam: Query) -> None:
    """One to use and one to change to."""
    await iam("CreateUser", UserName="ann")
    first = await iam("CreateAccessKey", UserName="ann")
    await iam("CreateAccessKey", UserName="ann")

    assert await iam.error("CreateAccessKey", UserName="ann") == (
        409,
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
    )
    await iam("DeleteAccessKey", UserName="ann", AccessKeyId=first["AccessKey"]["AccessKeyId"])
    await iam("CreateAccessKey", UserName="ann")


@pytest.mark.parametrize(
    ("operation", "members"),
    [("UpdateAccessKey", {"Status": "Inactive"}), ("DeleteAccessKey", {})],
)
async def test_a_key_that_is_switched_off_or_deleted_is_worthless(
    registry: RunningRegistry, iam: Query, operation: str, members: dict[str, str]
) -> None:
    """Within a second."""
    ann = await log_in(registry, iam, "ann", allow("iam:*"))
    [key] = (await ann("ListAccessKeys"))["AccessKeyMetadata"]

    await iam(operation, UserName="ann", AccessKeyId=key["AccessKeyId"], **members)
    registry.clock.advance(SECOND)

    assert (await ann.error("GetUser"))[:2] == (403, "InvalidClientTokenId")


async def test_a_key_is_switched_on_again(registry: RunningRegistry, iam: Query) -> None:
    """As it was."""
    ann = await log_in(registry, iam, "ann", allow("iam:*"))
    [key] = (await ann("ListAccessKeys"))["AccessKeyMetadata"]
    await iam("UpdateAccessKey", UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive")

    await iam("UpdateAccessKey", UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Active")
    registry.clock.advance(SECOND)

    assert (await ann("GetUser"))["User"]["UserName"] == "ann"


@pytest.mark.parametrize(
    ("operation", "members"), [("UpdateAccessKey", {"Status": "Inactive"}), ("DeleteAccessKey", {})]
)
async def test_a_key_is_found_at_its_user_alone(iam: Query, operation: str, members: dict[str, str]) -> None:
    """Nobody changes a key by naming somebody else."""
    for name in ("ann", "bob"):
        await iam("CreateUser", UserName=name)
    key = (await iam("CreateAccessKey", UserName="bob"))["AccessKey"]["AccessKeyId"]

    assert await iam.error(operation, UserName="ann", AccessKeyId=key, **members) == (
        404,
        "NoSuchEntity",
        f"The Access Key with id {key} cannot be found.",
    )
    [listed] = (await iam("ListAccessKeys", UserName="bob"))["AccessKeyMetadata"]
    assert listed["Status"] == "Active"


async def test_keys_come_in_pages(iam: Query) -> None:
    """By id."""
    await iam("CreateUser", UserName="ann")
    made = {(await iam("CreateAccessKey", UserName="ann"))["AccessKey"]["AccessKeyId"] for _ in range(2)}

    pages = await iam.pages("ListAccessKeys", "AccessKeyMetadata", UserName="ann", MaxItems=1)

    assert [[key["AccessKeyId"] for key in page] for page in pages] == [[key] for key in sorted(made)]


async def test_the_last_use_of_a_key_is_known(registry: RunningRegistry, iam: Query) -> None:
    """When, of which service, in which region; before it is used there is nothing to tell."""
    ann = await log_in(registry, iam, "ann", allow("iam:*"))
    [key] = (await iam("ListAccessKeys", UserName="ann"))["AccessKeyMetadata"]
    unused = await iam("GetAccessKeyLastUsed", AccessKeyId=key["AccessKeyId"])

    registry.clock.advance(HOUR)
    await ann("GetUser")
    used = await iam("GetAccessKeyLastUsed", AccessKeyId=key["AccessKeyId"])

    assert unused["UserName"] == used["UserName"] == "ann"
    assert unused["AccessKeyLastUsed"] == {"Region": "N/A", "ServiceName": "N/A"}
    assert used["AccessKeyLastUsed"]["ServiceName"] == "iam"
    assert used["AccessKeyLastUsed"]["Region"] == "us-east-1"
    assert used["AccessKeyLastUsed"]["LastUsedDate"].timestamp() == registry.clock() // SECOND


async def test_the_keys_of_other_accounts_are_not_known(registry: RunningRegistry, iam: Query) -> None:
    """Their last use neither."""
    account = await create_account(registry, iam, "111122223333")

    refusal = await iam.error("GetAccessKeyLastUsed", AccessKeyId=account["AccessKeyId"])

    assert refusal[:2] == (404, "NoSuchEntity")


async def test_a_user_keeps_its_own_keys(registry: RunningRegistry, iam: Query) -> None:
    """Without a name the caller is meant."""
    own = allow("iam:*AccessKey*", resource=f"arn:aws:iam::{ACCOUNT_ID}:user/${{aws:username}}")
    ann = await log_in(registry, iam, "ann", own)
    [key] = (await ann("ListAccessKeys"))["AccessKeyMetadata"]

    other = (await ann("CreateAccessKey"))["AccessKey"]
    await ann("UpdateAccessKey", AccessKeyId=other["AccessKeyId"], Status="Inactive")
    await ann("DeleteAccessKey", AccessKeyId=other["AccessKeyId"])

    assert (await ann("ListAccessKeys"))["AccessKeyMetadata"] == [key]


async def test_the_root_of_another_account_keeps_its_own_keys(registry: RunningRegistry, iam: Query) -> None:
    """As a user does."""
    key = await create_account(registry, iam, "111122223333")
    root = Query(registry, "iam", key)

    other = (await root("CreateAccessKey"))["AccessKey"]
    registry.clock.advance(SECOND)
    await Query(registry, "iam", other)("DeleteAccessKey", AccessKeyId=key["AccessKeyId"])

    assert other["UserName"] == ""
    listed = await Query(registry, "iam", other)("ListAccessKeys")
    assert [one["AccessKeyId"] for one in listed["AccessKeyMetadata"]] == [other["AccessKeyId"]]


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("CreateAccessKey", {}),
        ("ListAccessKeys", {}),
        ("DeleteAccessKey", {"AccessKeyId": "AKIAENTREPOTTESTING1"}),
        ("UpdateAccessKey", {"AccessKeyId": "AKIAENTREPOTTESTING1", "Status": "Inactive"}),
    ],
)
async def test_the_key_of_the_registrys_own_root_is_a_setting(
    iam: Query, operation: str, members: dict[str, str]
) -> None:
    """So nobody can be locked out by a request."""
    refusal = await iam.error(operation, **members)

    assert refusal[:2] == (400, "InvalidInput")
    assert "setting" in refusal[2]


async def test_a_role_has_no_keys(registry: RunningRegistry, iam: Query) -> None:
    """Its sessions have to name a user."""
    await iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=trust())
    await iam("PutRolePolicy", RoleName="r", PolicyName="p", PolicyDocument=allow("iam:*"))
    ann = Query(registry, "sts", await make_key(registry, iam, "ann", allow("sts:AssumeRole")))
    assumed = await ann("AssumeRole", RoleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/r", RoleSessionName="session")

    refusal = await Query(registry, "iam", assumed["Credentials"]).error("CreateAccessKey")

    assert refusal == (400, "ValidationError", "Must specify userName when calling with non-User credentials")
