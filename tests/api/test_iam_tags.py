"""Tags of users, roles, managed policies and identity providers."""

import pytest
from tests.api.policy_documents import allow, trust
from tests.api.query_clients import Query

Members = dict[str, object]


async def make(iam: Query, kind: str, **more: object) -> Members:
    """A new thing that can have tags, as the operations name it."""
    match kind:
        case "User":
            await iam("CreateUser", UserName="ann", **more)
            return {"UserName": "ann"}
        case "Role":
            await iam("CreateRole", RoleName="ann", AssumeRolePolicyDocument=trust(), **more)
            return {"RoleName": "ann"}
        case "Policy":
            made = await iam("CreatePolicy", PolicyName="ann", PolicyDocument=allow("ecr:*"), **more)
            return {"PolicyArn": made["Policy"]["Arn"]}
        case _:
            made = await iam("CreateOpenIDConnectProvider", Url="https://issuer.example", **more)
            return {"OpenIDConnectProviderArn": made["OpenIDConnectProviderArn"]}


def tags(**pairs: str) -> list[dict[str, str]]:
    """Tags as a request has them."""
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


KINDS = pytest.mark.parametrize("kind", ["User", "Role", "Policy", "OpenIDConnectProvider"])


@KINDS
async def test_tags_are_added_changed_and_removed(iam: Query, kind: str) -> None:
    """Keys that differ by case alone are one; the others stay."""
    name = await make(iam, kind, Tags=tags(team="a", stage="test"))

    await iam(f"Tag{kind}", **name, Tags=tags(Team="b", cost="7"))
    changed = (await iam(f"List{kind}Tags", **name))["Tags"]
    await iam(f"Untag{kind}", **name, TagKeys=["TEAM", "nothing"])
    left = (await iam(f"List{kind}Tags", **name))["Tags"]

    assert changed == tags(Team="b", cost="7", stage="test")
    assert left == tags(cost="7", stage="test")


@KINDS
async def test_tags_come_in_pages(iam: Query, kind: str) -> None:
    """By key."""
    name = await make(iam, kind, Tags=tags(b="1", a="2", c="3"))

    pages = await iam.pages(f"List{kind}Tags", "Tags", **name, MaxItems=2)

    assert pages == [tags(a="2", b="1"), tags(c="3")]


@KINDS
async def test_fifty_tags_are_enough(iam: Query, kind: str) -> None:
    """One more is refused, and none of those that came with it is kept."""
    name = await make(iam, kind, Tags=tags(**{f"k{number}": "" for number in range(49)}))

    _, code, message = await iam.error(f"Tag{kind}", **name, Tags=tags(x="", y=""))

    assert (code, message.startswith("Cannot exceed quota for TagsPer")) == ("LimitExceeded", True)
    assert len((await iam(f"List{kind}Tags", **name))["Tags"]) == 49


@KINDS
async def test_a_key_that_is_given_twice_is_refused(iam: Query, kind: str) -> None:
    """Nobody knows which value was meant."""
    name = await make(iam, kind)

    assert (await iam.error(f"Tag{kind}", **name, Tags=tags(a="1", A="2")))[1:] == (
        "InvalidInput",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    )
