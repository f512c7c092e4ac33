"""Policies decide: for users, roles, sessions and other accounts, on both faces, and every change is seen at once."""

import json
from typing import Any

import pytest
from sqlalchemy import select
from tests.api.clients import ECR, Body, errors_of, oci_client, password
from tests.api.images import Image, image, push_layers, put
from tests.api.query_clients import Query
from tests.api.rows import rows

from entrepot.core.clock import HOUR, SECOND
from entrepot.metadata.tables import audit_records
from entrepot.operations.denials import write_denials
from entrepot.testing.registry import RunningRegistry
from entrepot.testing.registry import registry as running_registry

ACCOUNT = "000000000000"
OTHER = "111122223333"
MANAGED = "arn:aws:iam::aws:policy/"


def allow(*actions: str, resource: str = "*", **members: Any) -> str:
    """A policy of one statement that allows."""
    return policy({"Effect": "Allow", "Action": list(actions), "Resource": resource, **members})


def policy(*statements: Body) -> str:
    """A policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def to(principal: Any, *actions: str, effect: str = "Allow", **members: Any) -> str:
    """A repository policy of one statement."""
    return policy({"Effect": effect, "Principal": principal, "Action": list(actions), **members})


@pytest.fixture
async def iam(registry: RunningRegistry) -> Query:
    """IAM, by the root key."""
    return Query(registry, "iam")


@pytest.fixture
async def key(iam: Query) -> Body:
    """The access key of a user who may do nothing."""
    await iam("CreateUser", UserName="alice")
    return (await iam("CreateAccessKey", UserName="alice"))["AccessKey"]


@pytest.fixture
def alice(registry: RunningRegistry, key: Body) -> ECR:
    """The API, by that user."""
    return ECR(registry, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])


@pytest.fixture
async def pushed(ecr: ECR, repository: str) -> Image:
    """An image under the tag ``v1``."""
    pushed = image()
    await push_layers(ecr, repository, pushed)
    await put(ecr, repository, pushed, "v1")
    return pushed


@pytest.fixture
async def bob(registry: RunningRegistry, iam: Query) -> ECR:
    """The API, by the root of another account."""
    made = await iam.extension("CreateAccount", Account=OTHER)
    return ECR(
        registry,
        access_key_id=made.findtext("AccessKey/AccessKeyId"),
        secret_access_key=made.findtext("AccessKey/SecretAccessKey"),
    )


async def test_a_user_may_do_nothing_until_a_policy_says_so(alice: ECR, iam: Query, repository: str) -> None:
    """In AWS's sentence; and then it is seen at once."""
    refused = await alice.error("ListImages", repositoryName=repository)
    await iam("PutUserPolicy", UserName="alice", PolicyName="list", PolicyDocument=allow("ecr:ListImages"))

    assert refused == {
        "__type": "AccessDeniedException",
        "message": f"User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: ecr:ListImages on resource: "
        f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/app because no identity-based policy allows the ecr:ListImages "
        "action",
    }
    assert (await alice("ListImages", repositoryName=repository))["imageIds"] == []


async def test_the_read_only_policy_pulls_and_does_not_push(
    registry: RunningRegistry, alice: ECR, iam: Query, pushed: Image
) -> None:
    """On both faces, each request by its IAM action."""
    await iam("AttachUserPolicy", UserName="alice", PolicyArn=f"{MANAGED}AmazonEC2ContainerRegistryReadOnly")
    oci = oci_client(registry, await password(alice))

    assert (await oci.get("/v2/app/manifests/v1")).content == pushed.content
    assert (await oci.get("/v2/app/tags/list")).status_code == 200
    assert errors_of(await oci.post("/v2/app/blobs/uploads/")) == (
        403,
        "DENIED",
        f"User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: ecr:InitiateLayerUpload on resource: "
        f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/app because no identity-based policy allows the "
        "ecr:InitiateLayerUpload action",
    )
    assert (await oci.put("/v2/app/manifests/v2", content=pushed.content)).status_code == 403
    assert (await oci.delete("/v2/app/manifests/v1")).status_code == 403
    assert (await alice.error("DeleteRepository", repositoryName="app", force=True))["__type"] == (
        "AccessDeniedException"
    )


async def test_without_leave_to_ask_for_a_token_there_is_none(alice: ECR, iam: Query) -> None:
    """The resource is ``*``, and no repository or registry policy helps."""
    await iam("PutUserPolicy", UserName="alice", PolicyName="one", PolicyDocument=allow("ecr:BatchGetImage"))

    refused = await alice.error("GetAuthorizationToken")

    assert "ecr:GetAuthorizationToken on resource: * because no identity-based policy" in refused["message"]


async def test_a_repository_policy_is_enough_in_its_own_account(ecr: ECR, alice: ECR, pushed: Image) -> None:
    """Naming the user; nothing else of the user's is asked."""
    arn = f"arn:aws:iam::{ACCOUNT}:user/alice"
    await ecr("SetRepositoryPolicy", repositoryName="app", policyText=to({"AWS": arn}, "ecr:BatchGetImage"))

    found = await alice("BatchGetImage", repositoryName="app", imageIds=[{"imageTag": "v1"}])

    assert found["images"][0]["imageManifest"] == pushed.text


async def test_an_explicit_deny_of_the_repository_wins_over_everything(
    ecr: ECR, alice: ECR, iam: Query, pushed: Image
) -> None:
    """Over full access, and over the root."""
    await iam("AttachUserPolicy", UserName="alice", PolicyArn=f"{MANAGED}AdministratorAccess")
    denying = to("*", "ecr:BatchGetImage", effect="Deny")
    await ecr("SetRepositoryPolicy", repositoryName="app", policyText=denying)

    for client in (alice, ecr):
        refused = await client.error("BatchGetImage", repositoryName="app", imageIds=[{"imageTag": "v1"}])
        assert refused["message"].endswith("with an explicit deny in a resource-based policy")


async def test_another_account_needs_leave_of_both_sides(
    registry: RunningRegistry, ecr: ECR, bob: ECR, pushed: Image
) -> None:
    """The root of the other account has its own; the repository gives the rest, and is pulled from by docker too."""
    ids = [{"imageTag": "v1"}]
    refused = await bob.error("BatchGetImage", registryId=ACCOUNT, repositoryName="app", imageIds=ids)
    await ecr(
        "SetRepositoryPolicy",
        repositoryName="app",
        policyText=to({"AWS": OTHER}, "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
    )

    assert refused["message"].endswith("because no resource-based policy allows the ecr:BatchGetImage action")
    assert (await bob("BatchGetImage", registryId=ACCOUNT, repositoryName="app", imageIds=ids))["images"]
    host = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"
    oci = oci_client(registry, await password(bob), host=host)
    assert (await oci.get("/v2/app/manifests/v1")).content == pushed.content
    assert (await oci.post("/v2/app/blobs/uploads/")).status_code == 403


async def test_a_mount_from_a_denied_source_looks_like_one_from_a_missing_source(
    registry: RunningRegistry, ecr: ECR, alice: ECR, iam: Query, pushed: Image
) -> None:
    """The same 202; and 201 once the source is allowed."""
    await ecr("CreateRepository", repositoryName="mine")
    arn = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/"
    await iam(
        "PutUserPolicy", UserName="alice", PolicyName="token", PolicyDocument=allow("ecr:GetAuthorizationToken")
    )
    await iam(
        "PutUserPolicy", UserName="alice", PolicyName="mine", PolicyDocument=allow("ecr:*", resource=f"{arn}mine")
    )
    oci = oci_client(registry, await password(alice))
    layer = json.loads(pushed.content)["layers"][0]["digest"]

    denied = await oci.post("/v2/mine/blobs/uploads/", params={"mount": layer, "from": "app"})
    missing = await oci.post("/v2/mine/blobs/uploads/", params={"mount": layer, "from": "none"})
    await iam(
        "PutUserPolicy",
        UserName="alice",
        PolicyName="source",
        PolicyDocument=allow("ecr:GetDownloadUrlForLayer", resource=f"{arn}app"),
    )
    allowed = await oci.post("/v2/mine/blobs/uploads/", params={"mount": layer, "from": "app"})

    assert (denied.status_code, missing.status_code, allowed.status_code) == (202, 202, 201)
    assert denied.headers.keys() == missing.headers.keys()


@pytest.mark.parametrize("scope", ["V2", "V1"])
async def test_the_registry_policy_decides_by_its_scope(ecr: ECR, bob: ECR, pushed: Image, scope: str) -> None:
    """In V2 every action on every repository; in V1 the three it was made for."""
    await ecr("PutAccountSetting", name="REGISTRY_POLICY_SCOPE", value=scope)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
        "Action": ["ecr:BatchGetImage", "ecr:CreateRepository"],
        "Resource": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/*",
    }
    await ecr("PutRegistryPolicy", policyText=policy(statement))
    asked = {"registryId": ACCOUNT, "repositoryName": "app", "imageIds": [{"imageTag": "v1"}]}

    if scope == "V2":
        assert (await bob("BatchGetImage", **asked))["images"]
    else:
        assert (await bob.error("BatchGetImage", **asked))["__type"] == "AccessDeniedException"
    assert (await bob("CreateRepository", registryId=ACCOUNT, repositoryName="new"))["repository"]


async def test_conditions_on_tags_of_the_repository_and_of_the_request(ecr: ECR, alice: ECR, iam: Query) -> None:
    """ecr:ResourceTag, aws:RequestTag and aws:TagKeys."""
    await iam(
        "PutUserPolicy",
        UserName="alice",
        PolicyName="team",
        PolicyDocument=policy(
            {
                "Effect": "Allow",
                "Action": "ecr:ListImages",
                "Resource": "*",
                "Condition": {"StringEquals": {"ecr:ResourceTag/team": "red"}},
            },
            {
                "Effect": "Allow",
                "Action": ["ecr:CreateRepository", "ecr:TagResource"],
                "Resource": "*",
                "Condition": {
                    "StringEquals": {"aws:RequestTag/team": "red"},
                    "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
                },
            },
        ),
    )
    red, blue = [{"Key": "team", "Value": "red"}], [{"Key": "team", "Value": "blue"}]
    await alice("CreateRepository", repositoryName="red", tags=red)
    await ecr("CreateRepository", repositoryName="blue", tags=blue)

    assert await alice("ListImages", repositoryName="red")
    assert await alice.error("ListImages", repositoryName="blue")
    for tags in ([], blue, [*red, {"Key": "other", "Value": "x"}]):
        assert (await alice.error("CreateRepository", repositoryName="no", tags=tags))["__type"] == (
            "AccessDeniedException"
        )
    await ecr("TagResource", resourceArn=f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/blue", tags=red)
    assert await alice("ListImages", repositoryName="blue")


async def test_tags_at_creation_need_leave_to_tag(alice: ECR, iam: Query) -> None:
    """CreateRepository alone makes repositories without tags only."""
    await iam("PutUserPolicy", UserName="alice", PolicyName="make", PolicyDocument=allow("ecr:CreateRepository"))

    refused = await alice.error("CreateRepository", repositoryName="app", tags=[{"Key": "k", "Value": "v"}])

    assert "ecr:TagResource" in refused["message"]
    assert await alice("CreateRepository", repositoryName="app")


async def test_each_repository_that_is_named_is_asked_for(ecr: ECR, alice: ECR, iam: Query) -> None:
    """DescribeRepositories by name; without names it is all repositories, ``repository/*``."""
    for name in ("team/a", "other"):
        await ecr("CreateRepository", repositoryName=name)
    team = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/team/*"
    document = allow("ecr:DescribeRepositories", resource=team)
    await iam("PutUserPolicy", UserName="alice", PolicyName="team", PolicyDocument=document)

    assert await alice("DescribeRepositories", repositoryNames=["team/a"])
    refused = await alice.error("DescribeRepositories", repositoryNames=["team/a", "other"])
    everything = await alice.error("DescribeRepositories")

    assert refused["message"].split(" because")[0].endswith("repository/other")
    assert everything["message"].split(" because")[0].endswith("repository/*")


async def test_a_boundary_and_a_session_policy_narrow(
    registry: RunningRegistry, alice: ECR, iam: Query, repository: str
) -> None:
    """And the sentence says which of them it was."""
    await iam("AttachUserPolicy", UserName="alice", PolicyArn=f"{MANAGED}AdministratorAccess")
    await iam(
        "PutUserPermissionsBoundary",
        UserName="alice",
        PermissionsBoundary=f"{MANAGED}AmazonEC2ContainerRegistryReadOnly",
    )

    assert await alice("ListImages", repositoryName=repository)
    refused = await alice.error("InitiateLayerUpload", repositoryName=repository)
    assert refused["message"].endswith("because no permissions boundary allows the ecr:InitiateLayerUpload action")


async def role_session(registry: RunningRegistry, iam: Query, **members: Any) -> tuple[ECR, Body]:
    """The API by a session of a role that may do anything with ECR."""
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    await iam("CreateUser", UserName="ci")
    ci = (await iam("CreateAccessKey", UserName="ci"))["AccessKey"]
    arn = (await iam("CreateRole", RoleName="deploy", AssumeRolePolicyDocument=trust))["Role"]["Arn"]
    await iam("PutUserPolicy", UserName="ci", PolicyName="p", PolicyDocument=allow("sts:AssumeRole", resource=arn))
    await iam("AttachRolePolicy", RoleName="deploy", PolicyArn=f"{MANAGED}AmazonEC2ContainerRegistryFullAccess")
    sts = Query(registry, "sts", ci)
    held = (await sts("AssumeRole", RoleArn=arn, RoleSessionName="build-7", **members))["Credentials"]
    return session_client(registry, held), held


def session_client(registry: RunningRegistry, held: Body) -> ECR:
    """The API by temporary credentials."""
    return ECR(
        registry,
        access_key_id=held["AccessKeyId"],
        secret_access_key=held["SecretAccessKey"],
        session_token=held["SessionToken"],
    )


async def test_a_session_of_a_role_does_what_the_role_may(
    registry: RunningRegistry, iam: Query, ecr: ECR, pushed: Image
) -> None:
    """By the API and, with a token of its own, by docker; history and messages name the session."""
    session, _ = await role_session(registry, iam)
    oci = oci_client(registry, await password(session))

    assert await session("ListImages", repositoryName="app")
    assert (await oci.get("/v2/app/manifests/v1")).content == pushed.content
    denied = to({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/build-7"}, "ecr:ListImages", effect="Deny")
    await ecr("SetRepositoryPolicy", repositoryName="app", policyText=denied)
    refused = await session.error("ListImages", repositoryName="app")
    assert refused["message"].startswith(f"User: arn:aws:sts::{ACCOUNT}:assumed-role/deploy/build-7 is not")


async def test_a_session_policy_narrows_the_role(registry: RunningRegistry, iam: Query, repository: str) -> None:
    """Also for the tokens that the session asks for."""
    session, _ = await role_session(registry, iam, Policy=allow("ecr:ListImages", "ecr:GetAuthorizationToken"))
    oci = oci_client(registry, await password(session))

    assert await session("ListImages", repositoryName=repository)
    refused = await session.error("InitiateLayerUpload", repositoryName=repository)
    assert refused["message"].endswith("because no session policy allows the ecr:InitiateLayerUpload action")
    assert (await oci.post("/v2/app/blobs/uploads/")).status_code == 403


async def test_a_session_ends_and_its_token_for_docker_lasts_12_hours(
    registry: RunningRegistry, iam: Query, pushed: Image
) -> None:
    """As at ECR; and both end with the role."""
    session, _ = await role_session(registry, iam, DurationSeconds=900)
    oci = oci_client(registry, await password(session))
    registry.clock.advance(900 * SECOND)

    refused = await session.error("ListImages", repositoryName="app")
    still = await oci.get("/v2/app/manifests/v1")
    await iam("DetachRolePolicy", RoleName="deploy", PolicyArn=f"{MANAGED}AmazonEC2ContainerRegistryFullAccess")
    await iam("DeleteRole", RoleName="deploy")

    assert refused == {
        "__type": "ExpiredTokenException",
        "message": "The security token included in the request is expired",
    }
    assert still.status_code == 200
    assert (await oci.get("/v2/app/manifests/v1")).status_code == 401


@pytest.mark.parametrize("broken", ["none", "another", "tampered"])
async def test_a_session_needs_its_own_token(
    registry: RunningRegistry, iam: Query, repository: str, broken: str
) -> None:
    """Without it, with another session's or with a changed one the key is not known."""
    _, held = await role_session(registry, iam)
    token = held["SessionToken"]
    other = await Query(registry, "sts")("GetSessionToken")
    wrong = {
        "none": None,
        "another": other["Credentials"]["SessionToken"],
        "tampered": token[:-2] + ("AA" if token[-2:] != "AA" else "BB"),
    }[broken]
    client = ECR(
        registry,
        access_key_id=held["AccessKeyId"],
        secret_access_key=held["SecretAccessKey"],
        session_token=wrong,
    )

    assert (await client.error("ListImages", repositoryName=repository))["__type"] == "UnrecognizedClientException"


async def disable(iam: Query, key: Body) -> None:
    """The key is switched off."""
    await iam("UpdateAccessKey", UserName="alice", AccessKeyId=key["AccessKeyId"], Status="Inactive")


async def delete_key(iam: Query, key: Body) -> None:
    """The key is deleted."""
    await iam("DeleteAccessKey", UserName="alice", AccessKeyId=key["AccessKeyId"])


async def delete_user(iam: Query, key: Body) -> None:
    """The user is deleted, and made again under the same name."""
    await delete_key(iam, key)
    await iam("DetachUserPolicy", UserName="alice", PolicyArn=f"{MANAGED}AmazonEC2ContainerRegistryReadOnly")
    await iam("DeleteUser", UserName="alice")
    await iam("CreateUser", UserName="alice")


@pytest.mark.parametrize("end", [disable, delete_key, delete_user])
async def test_a_key_that_ends_takes_its_tokens_and_sessions_along(
    registry: RunningRegistry, alice: ECR, key: Body, iam: Query, pushed: Image, end: Any
) -> None:
    """At once on the worker that was told; none of them outlives it by its own expiry."""
    await iam("AttachUserPolicy", UserName="alice", PolicyArn=f"{MANAGED}AmazonEC2ContainerRegistryReadOnly")
    oci = oci_client(registry, await password(alice))
    session = session_client(registry, (await Query(registry, "sts", key)("GetSessionToken"))["Credentials"])
    assert (await oci.get("/v2/app/manifests/v1")).status_code == 200
    assert await session("ListImages", repositoryName="app")

    await end(iam, key)

    assert (await oci.get("/v2/app/manifests/v1")).status_code == 401
    for client in (alice, session):
        assert (await client.error("ListImages", repositoryName="app"))["__type"] == "UnrecognizedClientException"


async def test_what_another_worker_changes_is_seen_within_a_second(
    registry: RunningRegistry, alice: ECR, iam: Query, repository: str
) -> None:
    """By the clock: the generation is read again when half a second has passed."""
    await iam("PutUserPolicy", UserName="alice", PolicyName="list", PolicyDocument=allow("ecr:ListImages"))
    await alice("ListImages", repositoryName=repository)
    async with running_registry(registry.services.metadata) as other:
        await Query(other, "iam")("DeleteUserPolicy", UserName="alice", PolicyName="list")

    registry.clock.advance(SECOND // 2)

    assert (await alice.error("ListImages", repositoryName=repository))["__type"] == "AccessDeniedException"


async def test_denials_are_recorded_in_sums(registry: RunningRegistry, alice: ECR, repository: str) -> None:
    """One record for all of a sort, with how many there were."""
    for _ in range(5):
        await alice.error("ListImages", repositoryName=repository)
        registry.clock.advance(SECOND)

    await write_denials(registry.services)

    (record,) = await rows(registry, select(audit_records).where(audit_records.c.operation == "ListImages"))
    assert (record.repository, record.principal) == (repository, f"arn:aws:iam::{ACCOUNT}:user/alice")
    detail = json.loads(record.detail)
    assert (detail["count"], detail["errorCode"]) == (5, "AccessDenied")
    assert detail["lastAt"] - detail["firstAt"] == 4 * SECOND


async def test_a_flood_of_denials_is_a_handful_of_records(registry: RunningRegistry, alice: ECR) -> None:
    """Five of who floods, and one number for the others."""
    for number in range(30):
        await alice.error("ListImages", repositoryName=f"app-{number}")

    await write_denials(registry.services)

    found = await rows(registry, select(audit_records).where(audit_records.c.request_id == ""))
    assert [record.repository for record in found] == [*(f"app-{number}" for number in range(5)), ""]
    assert json.loads(found[-1].detail) == {"errorCode": "AccessDenied", "reason": "and others", "count": 25}
    assert found[-1].principal == ""


async def test_guesses_at_a_secret_are_slowed_down(registry: RunningRegistry, key: Body, repository: str) -> None:
    """Of one key from one source; nobody who has the right secret is held back by them."""
    guessing = ECR(registry, access_key_id=key["AccessKeyId"], secret_access_key="guess")
    codes = [(await guessing.error("ListImages", repositoryName=repository))["__type"] for _ in range(25)]

    assert codes == ["InvalidSignatureException"] * 19 + ["ThrottlingException"] * 6
    honest = ECR(registry, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])
    assert (await honest.error("ListImages", repositoryName=repository))["__type"] == "AccessDeniedException"
    assert await ECR(registry)("ListImages", repositoryName=repository)
    registry.clock.advance(HOUR)
    assert (await guessing.error("ListImages", repositoryName=repository))["__type"] == "InvalidSignatureException"


async def test_the_last_use_of_a_key_is_noted_every_quarter_of_an_hour(
    registry: RunningRegistry, alice: ECR, key: Body, iam: Query, repository: str
) -> None:
    """With the service and the region."""

    async def last_used() -> Body:
        return (await iam("GetAccessKeyLastUsed", AccessKeyId=key["AccessKeyId"]))["AccessKeyLastUsed"]

    await alice.error("ListImages", repositoryName=repository)
    first = await last_used()
    registry.clock.advance(14 * 60 * SECOND)
    await alice.error("ListImages", repositoryName=repository)
    same = await last_used()
    registry.clock.advance(60 * SECOND)
    await alice.error("ListImages", repositoryName=repository)
    later = await last_used()

    assert (first["ServiceName"], first["Region"]) == ("ecr", "us-east-1")
    assert same == first
    assert (later["LastUsedDate"] - first["LastUsedDate"]).total_seconds() == 900


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "eusc-de-east-1"])
async def test_a_key_is_unknown_in_other_partitions(
    registry: RunningRegistry, alice: ECR, key: Body, iam: Query, region: str
) -> None:
    """Where ARNs would be others, and a deny that names one would not be met; IAM knows no key there at all."""
    await iam("AttachUserPolicy", UserName="alice", PolicyArn=f"{MANAGED}AdministratorAccess")
    away = ECR(
        registry,
        access_key_id=key["AccessKeyId"],
        secret_access_key=key["SecretAccessKey"],
        region=region,
    )

    assert (await away.error("DescribeRepositories"))["__type"] == "UnrecognizedClientException"
    for held in (key, None):
        for service in ("iam", "sts"):
            operation = {"iam": "ListUsers", "sts": "GetCallerIdentity"}[service]
            refused = await Query(registry, service, held, region=region).error(operation)
            assert refused[:2] == (403, "InvalidClientTokenId")


@pytest.mark.parametrize(
    "arn", ["arn:aws-cn:iam::aws:policy/AdministratorAccess", "arn:aws-zz:iam::aws:policy/IAMFullAccess"]
)
async def test_a_policy_of_aws_goes_by_one_arn(alice: ECR, iam: Query, arn: str) -> None:
    """The one of the account's partition: a condition on iam:PolicyARN means no other."""
    _, attached, _ = await iam.error("AttachUserPolicy", UserName="alice", PolicyArn=arn)
    _, bounded, _ = await iam.error("PutUserPermissionsBoundary", UserName="alice", PermissionsBoundary=arn)

    assert (attached, bounded) == ("NoSuchEntity", "NoSuchEntity")


@pytest.mark.parametrize("name", ["aws:ViaAWSService", "aws:PrincipalIsAWSService"])
async def test_a_deny_of_what_no_service_of_aws_sends_is_met(alice: ECR, iam: Query, name: str) -> None:
    """Keys that AWS always has are there."""
    document = policy(
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {name: "false"}}},
    )
    await iam("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document)

    assert (await alice.error("DescribeRepositories"))["message"].endswith(
        "an explicit deny in an identity-based policy"
    )


async def test_temporary_credentials_say_that_there_was_no_second_factor(
    registry: RunningRegistry, alice: ECR, key: Body, iam: Query
) -> None:
    """A deny of those without one is met by them; long-lived keys have no such condition key, as at AWS."""
    document = policy(
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "ecr:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
        },
    )
    await iam("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document)
    session = session_client(registry, (await Query(registry, "sts", key)("GetSessionToken"))["Credentials"])

    assert await alice("DescribeRepositories")
    assert (await session.error("DescribeRepositories"))["__type"] == "AccessDeniedException"


async def test_another_accounts_root_deletes_a_policy_that_lets_it(bob: ECR, ecr: ECR, repository: str) -> None:
    """What no policy keeps from the root is the root's of the account alone."""
    await ecr(
        "SetRepositoryPolicy",
        repositoryName=repository,
        policyText=to({"AWS": f"arn:aws:iam::{OTHER}:root"}, "ecr:*"),
    )

    assert await bob("DeleteRepositoryPolicy", registryId=ACCOUNT, repositoryName=repository)


@pytest.mark.parametrize(
    ("members", "missing"),
    [
        ({"repositoryPolicy": to("*", "ecr:BatchGetImage")}, "ecr:SetRepositoryPolicy"),
        ({"resourceTags": [{"Key": "k", "Value": "v"}]}, "ecr:TagResource"),
        ({"customRoleArn": f"arn:aws:iam::{ACCOUNT}:role/ecr"}, "iam:PassRole"),
    ],
)
async def test_a_template_does_nothing_that_its_author_may_not_do(
    alice: ECR, iam: Query, members: dict[str, Any], missing: str
) -> None:
    """It makes repositories for others: with a policy, tags or a role of the author's choosing."""
    document = policy(
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": missing, "Resource": "*"},
    )
    await iam("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document)
    asked: dict[str, Any] = {"prefix": "team", "appliedFor": ["CREATE_ON_PUSH"]}

    refused = await alice.error("CreateRepositoryCreationTemplate", **asked, **members)
    await alice("CreateRepositoryCreationTemplate", **asked)
    changed = await alice.error("UpdateRepositoryCreationTemplate", prefix="team", **members)

    assert missing in refused["message"]
    assert missing in changed["message"]


async def test_tags_that_differ_in_case_alone_are_refused(ecr: ECR, repository: str) -> None:
    """To a condition they are one key: a second spelling would hide the first from a deny."""
    arn = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{repository}"
    await ecr("TagResource", resourceArn=arn, tags=[{"Key": "protected", "Value": "true"}])

    refused = await ecr.error("TagResource", resourceArn=arn, tags=[{"Key": "Protected", "Value": "x"}])

    assert refused["__type"] == "InvalidTagParameterException"
