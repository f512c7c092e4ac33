"""Grants are to somebody, and not to whoever has the name: policies name users and roles by their ids."""

import json
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import select
from tests.api.clients import ECR, Body
from tests.api.policy_documents import allow, document, make_key, trust
from tests.api.query_clients import Query
from tests.api.rows import rows

from entrepot.core.clock import SECOND
from entrepot.metadata.tables import repository_documents
from entrepot.testing.registry import RunningRegistry

ACCOUNT, OTHER = "000000000000", "111122223333"
CARL = f"arn:aws:iam::{ACCOUNT}:user/carl"
CI = f"arn:aws:iam::{ACCOUNT}:role/ci"


@pytest.fixture
def iam(registry: RunningRegistry) -> Query:
    """IAM, by the root key."""
    return Query(registry, "iam")


def to(principal: object, effect: str = "Allow", element: str = "Principal", **more: object) -> str:
    """A policy for repositories of one statement about ListImages."""
    named = {element: {"AWS": principal}}
    return document({"Effect": effect, **named, "Action": "ecr:ListImages", **more})


def shown(answer: Body, element: str = "Principal") -> object:
    """Whom the one statement of an answer names."""
    return json.loads(answer["policyText"])["Statement"][0][element]["AWS"]


def ecr_by(registry: RunningRegistry, key: Body) -> ECR:
    """The API, by a key."""
    return ECR(registry, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])


async def make_user(registry: RunningRegistry, iam: Query, name: str = "carl", **more: object) -> ECR:
    """The API, by a new user who has no policies."""
    return ecr_by(registry, await make_key(registry, iam, name, **more))


async def delete_user(iam: Query, name: str = "carl") -> None:
    """Delete a user with the access keys."""
    for key in (await iam("ListAccessKeys", UserName=name))["AccessKeyMetadata"]:
        await iam("DeleteAccessKey", UserName=name, AccessKeyId=key["AccessKeyId"])
    await iam("DeleteUser", UserName=name)


async def may_list(registry: RunningRegistry, ecr: ECR) -> bool:
    """Whether the images of the repository can be listed, once every change is seen."""
    registry.clock.advance(SECOND)
    answer = await ecr.send("ListImages", json.dumps({"repositoryName": "app"}).encode())
    assert answer.status_code in {200, 400}, answer.text
    return answer.status_code == 200


async def test_a_new_user_of_an_old_name_has_no_grant_of_a_repository(
    registry: RunningRegistry, iam: Query, ecr: ECR, repository: str
) -> None:
    """The policy shows the id of the one who is gone."""
    first = await make_user(registry, iam)
    made = (await iam("GetUser", UserName="carl"))["User"]
    answer = await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=to(CARL))

    assert shown(answer) == CARL
    assert shown(await ecr("GetRepositoryPolicy", repositoryName=repository)) == CARL
    assert await may_list(registry, first)
    await delete_user(iam)
    second = await make_user(registry, iam)
    assert not await may_list(registry, second)
    assert shown(await ecr("GetRepositoryPolicy", repositoryName=repository)) == made["UserId"]
    assert shown(await ecr("DeleteRepositoryPolicy", repositoryName=repository)) == made["UserId"]


async def test_a_user_who_moves_and_is_renamed_keeps_the_grant(
    registry: RunningRegistry, iam: Query, ecr: ECR, repository: str
) -> None:
    """And the policy shows the new ARN."""
    carl = await make_user(registry, iam)
    await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=to([CARL, OTHER]))

    await iam("UpdateUser", UserName="carl", NewUserName="karl", NewPath="/team/")

    assert await may_list(registry, carl)
    found = await ecr("GetRepositoryPolicy", repositoryName=repository)
    assert shown(found) == [f"arn:aws:iam::{ACCOUNT}:user/team/karl", OTHER]
    assert not await may_list(registry, await make_user(registry, iam))


async def test_a_denial_stays_with_the_user_too(
    registry: RunningRegistry, iam: Query, ecr: ECR, repository: str
) -> None:
    """A name given up is no way out of it."""
    carl = ecr_by(registry, await make_key(registry, iam, "carl", allow("ecr:ListImages")))
    await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=to(CARL, "Deny"))

    await iam("UpdateUser", UserName="carl", NewUserName="karl")

    assert not await may_list(registry, carl)


async def test_whom_a_denial_of_all_others_spares_is_kept_by_id(
    registry: RunningRegistry, iam: Query, ecr: ECR, repository: str
) -> None:
    """NotPrincipal is as Principal."""
    carl = ecr_by(registry, await make_key(registry, iam, "carl", allow("ecr:ListImages")))
    others = to([CARL, ACCOUNT], "Deny", "NotPrincipal")
    await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=others, force=True)

    assert await may_list(registry, carl)
    await iam("UpdateUser", UserName="carl", NewUserName="karl")
    assert await may_list(registry, carl)
    second = ecr_by(registry, await make_key(registry, iam, "carl", allow("ecr:ListImages")))
    assert not await may_list(registry, second)


async def test_a_new_role_of_an_old_name_has_no_grant(
    registry: RunningRegistry, iam: Query, ecr: ECR, repository: str
) -> None:
    """Sessions of the role have it as long as the role is the same."""
    user = await make_key(registry, iam, "dora", allow("sts:AssumeRole"))

    async def session() -> ECR:
        await iam("CreateRole", RoleName="ci", AssumeRolePolicyDocument=trust())
        registry.clock.advance(SECOND)
        sts = Query(registry, "sts", user)
        key = (await sts("AssumeRole", RoleArn=CI, RoleSessionName="session"))["Credentials"]
        return ECR(
            registry,
            access_key_id=key["AccessKeyId"],
            secret_access_key=key["SecretAccessKey"],
            session_token=key["SessionToken"],
        )

    first = await session()
    await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=to(CI))

    assert await may_list(registry, first)
    await iam("DeleteRole", RoleName="ci")
    second = await session()
    assert not await may_list(registry, second)
    await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=to(CI))
    assert await may_list(registry, second)


async def test_a_new_user_of_an_old_name_is_not_trusted_by_a_role(registry: RunningRegistry, iam: Query) -> None:
    """Nor is one who has the name of somebody who has another now."""
    sts = Query(registry, "sts", await make_key(registry, iam, "carl"))
    user_id = (await iam("GetUser", UserName="carl"))["User"]["UserId"]
    made = await iam("CreateRole", RoleName="ci", AssumeRolePolicyDocument=trust(CARL))
    registry.clock.advance(SECOND)

    assert whom(made["Role"]) == CARL
    assert await sts("AssumeRole", RoleArn=CI, RoleSessionName="session")
    await iam("UpdateUser", UserName="carl", NewUserName="karl")
    registry.clock.advance(SECOND)
    assert await sts("AssumeRole", RoleArn=CI, RoleSessionName="session")
    assert await trusted(iam) == [CARL.replace("carl", "karl")] * 3
    await delete_user(iam, "karl")
    for name in ("carl", "karl"):
        other = Query(registry, "sts", await make_key(registry, iam, name))
        assert (await other.error("AssumeRole", RoleArn=CI, RoleSessionName="session"))[1] == "AccessDenied"
    assert await trusted(iam) == [user_id] * 3


async def trusted(iam: Query) -> list[Any]:
    """Whom the role trusts, as GetRole, ListRoles and GetAccountAuthorizationDetails show it."""
    roles = [
        (await iam("GetRole", RoleName="ci"))["Role"],
        *(await iam("ListRoles"))["Roles"],
        *(await iam("GetAccountAuthorizationDetails", Filter=["Role"]))["RoleDetailList"],
    ]
    return [whom(role) for role in roles]


def whom(role: Body) -> object:
    """Whom the one statement of a role's trust policy names."""
    return json.loads(unquote(role["AssumeRolePolicyDocument"]))["Statement"][0]["Principal"]["AWS"]


async def test_a_trust_policy_that_is_replaced_is_kept_by_ids_too(registry: RunningRegistry, iam: Query) -> None:
    """UpdateAssumeRolePolicy is as CreateRole; other changes of the role leave whom it trusts alone."""
    await make_user(registry, iam)
    await iam("CreateRole", RoleName="ci", AssumeRolePolicyDocument=trust())
    await iam("UpdateAssumeRolePolicy", RoleName="ci", PolicyDocument=trust(CARL))

    described = await iam("UpdateRoleDescription", RoleName="ci", Description="builds")
    await delete_user(iam)
    other = Query(registry, "sts", await make_key(registry, iam, "carl"))

    assert whom(described["Role"]) == CARL
    assert (await other.error("AssumeRole", RoleArn=CI, RoleSessionName="session"))[1] == "AccessDenied"


async def test_a_registry_policy_is_kept_by_ids(
    registry: RunningRegistry, iam: Query, ecr: ECR, repository: str
) -> None:
    """As a repository's."""
    carl = await make_user(registry, iam)
    put = await ecr("PutRegistryPolicy", policyText=to(CARL, Resource="*"))

    assert shown(put) == shown(await ecr("GetRegistryPolicy")) == CARL
    assert await may_list(registry, carl)
    await delete_user(iam)
    assert not await may_list(registry, await make_user(registry, iam))
    gone = shown(await ecr("GetRegistryPolicy"))
    assert str(gone).startswith("AIDA")
    assert shown(await ecr("DeleteRegistryPolicy")) == gone


async def test_a_template_grants_to_whom_it_names_when_it_is_applied(
    registry: RunningRegistry, iam: Query, ecr: ECR, oci: Any
) -> None:
    """And makes no repository when nobody has the name."""
    await ecr(
        "CreateRepositoryCreationTemplate",
        prefix="prod",
        appliedFor=["CREATE_ON_PUSH"],
        repositoryPolicy=to(CARL),
    )

    refused = await oci.post("/v2/prod/one/blobs/uploads/")
    await make_user(registry, iam)
    made = await oci.post("/v2/prod/two/blobs/uploads/")
    before = shown(await ecr("GetRepositoryPolicy", repositoryName="prod/two"))
    await delete_user(iam)

    assert (refused.status_code, made.status_code) == (400, 202)
    assert before == CARL
    assert str(shown(await ecr("GetRepositoryPolicy", repositoryName="prod/two"))).startswith("AIDA")
    names = [one["repositoryName"] for one in (await ecr("DescribeRepositories"))["repositories"]]
    assert names == ["prod/two"]


MISSING = [
    CARL.replace("carl", "nobody"),
    CARL.replace("carl", "Carl"),
    CARL.replace("carl", "team/carl"),
    CARL.replace(":user/", ":role/"),
    CARL.replace(ACCOUNT, OTHER),
    CARL.replace(":aws:", ":aws-cn:"),
    "AIDA0000000000000000",
]


@pytest.mark.parametrize("principal", MISSING)
async def test_who_is_not_there_is_granted_nothing(
    registry: RunningRegistry, iam: Query, ecr: ECR, repository: str, principal: str
) -> None:
    """The whole policy is refused, with the words of each service; path, case and partition count."""
    await make_user(registry, iam)
    named = [CARL, principal]
    await iam("CreateRole", RoleName="there", AssumeRolePolicyDocument=trust())

    of_repository = await ecr.error("SetRepositoryPolicy", repositoryName=repository, policyText=to(named))
    of_registry = await ecr.error("PutRegistryPolicy", policyText=to(named, Resource="*"))
    created = await iam.error("CreateRole", RoleName="ci", AssumeRolePolicyDocument=trust(principal))
    updated = await iam.error("UpdateAssumeRolePolicy", RoleName="there", PolicyDocument=trust(principal))

    for kind, error in (("repository", of_repository), ("registry", of_registry)):
        assert error["__type"] == "InvalidParameterException"
        assert f"'Invalid {kind} policy provided'" in error["message"]
    sentence = f'Invalid principal in policy: "AWS":"{principal}"'
    assert created == updated == (400, "MalformedPolicyDocument", sentence)


async def test_users_of_an_account_of_this_registry_are_known(
    registry: RunningRegistry, iam: Query, ecr: ECR, repository: str
) -> None:
    """Across accounts it is the id too that has the grant."""
    made = await iam.extension("CreateAccount", Account=OTHER)
    path = "AccessKey/"
    theirs = Query(registry, "iam", {key: made.findtext(path + key) for key in ("AccessKeyId", "SecretAccessKey")})
    key = await make_key(registry, theirs, "carl", allow("ecr:ListImages"))
    name = CARL.replace(ACCOUNT, OTHER)

    answer = await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=to(name))
    carl = ecr_by(registry, key)
    registry.clock.advance(SECOND)
    listed = await carl("ListImages", registryId=ACCOUNT, repositoryName=repository)
    await theirs("DeleteUserPolicy", UserName="carl", PolicyName="p0")
    await delete_user(theirs)
    again = ecr_by(registry, await make_key(registry, theirs, "carl", allow("ecr:ListImages")))

    assert shown(answer) == name
    assert listed["imageIds"] == []
    refused = await again.error("ListImages", registryId=ACCOUNT, repositoryName=repository)
    assert refused["__type"] == "AccessDeniedException"


@pytest.mark.parametrize(
    "principal",
    [
        OTHER,
        f"arn:aws:iam::{OTHER}:root",
        "*",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/none/session",
        f"arn:aws:sts::{ACCOUNT}:federated-user/none",
    ],
)
async def test_accounts_and_sessions_stay_as_they_are(ecr: ECR, repository: str, principal: str) -> None:
    """They need not be there."""
    await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=to(principal))

    assert shown(await ecr("GetRepositoryPolicy", repositoryName=repository)) == principal


async def test_a_value_of_a_condition_is_no_principal(
    registry: RunningRegistry, iam: Query, ecr: ECR, repository: str
) -> None:
    """aws:PrincipalArn is compared with the ARN that somebody has, so it is kept as it is written."""
    await make_user(registry, iam)
    condition = {"ArnEquals": {"aws:PrincipalArn": CARL}}
    await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=to(CARL, Condition=condition))

    (kept,) = [text for (text,) in await rows(registry, select(repository_documents.c.document))]

    assert json.loads(kept)["Statement"][0]["Condition"] == condition
    assert json.loads(kept)["Statement"][0]["Principal"]["AWS"].startswith("AIDA")


async def test_the_longest_policy_that_is_taken_decides(
    registry: RunningRegistry, iam: Query, ecr: ECR, repository: str
) -> None:
    """However long it is as it is shown."""
    carl = await make_user(registry, iam)
    accounts = [f"{number:012}" for number in range(1, 650)]
    text = json.dumps(json.loads(to([CARL, *accounts])), separators=(",", ":"))

    assert 9_700 < len(text) <= 10_240
    await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=text)
    assert await may_list(registry, carl)
