"""STS: who am I, and credentials for a while."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from tests.api.clients import break_off
from tests.api.query_clients import Query, error_of

from entrepot.core.clock import HOUR, SECOND
from entrepot.testing.registry import ACCOUNT_ID, RunningRegistry

ROOT = f"arn:aws:iam::{ACCOUNT_ID}:root"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/team/deployer"
USER_ARN = f"arn:aws:iam::{ACCOUNT_ID}:user/ann"
OTHER = "111111111111"


@pytest.fixture
def sts(registry: RunningRegistry) -> Query:
    """STS, by the root key."""
    return Query(registry, "sts")


@pytest.fixture
def iam(registry: RunningRegistry) -> Query:
    """IAM, by the root key."""
    return Query(registry, "iam")


def statement(effect: str, action: object, resource: object = "*", **more: object) -> dict[str, object]:
    """A statement of a policy."""
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements: object) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal: object, action: object = "sts:AssumeRole", **more: object) -> str:
    """A trust policy of one statement."""
    return policy({"Effect": "Allow", "Principal": principal, "Action": action, **more})


async def user(registry: RunningRegistry, iam: Query, *statements: object, name: str = "ann") -> dict[str, Any]:
    """The access key of a new user whom these statements allow something."""
    await iam("CreateUser", UserName=name)
    if statements:
        await iam("PutUserPolicy", UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
    registry.clock.advance(SECOND)
    return (await iam("CreateAccessKey", UserName=name))["AccessKey"]


async def role(iam: Query, trust_policy: str, *statements: object, **more: object) -> dict[str, Any]:
    """A new role."""
    made = await iam(
        "CreateRole", RoleName="deployer", Path="/team/", AssumeRolePolicyDocument=trust_policy, **more
    )
    if statements:
        await iam("PutRolePolicy", RoleName="deployer", PolicyName="own", PolicyDocument=policy(*statements))
    return made["Role"]


ASSUME = statement("Allow", ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"])


def refusal(arn: str, action: str = "sts:AssumeRole") -> tuple[int, str, str]:
    """How AssumeRole refuses this caller."""
    return 403, "AccessDenied", f"User: {arn} is not authorized to perform: {action} on resource: {ROLE_ARN}"


async def assume(caller: Query, **more: object) -> dict[str, Any]:
    """The answer of AssumeRole for the role of these tests."""
    return await caller("AssumeRole", **{"RoleArn": ROLE_ARN, "RoleSessionName": "me", **more})


async def refused(caller: Query, **more: object) -> tuple[int, str, str]:
    """The refusal of AssumeRole for the role of these tests."""
    return await caller.error("AssumeRole", **{"RoleArn": ROLE_ARN, "RoleSessionName": "me", **more})


async def account(iam: Query, number: str = OTHER) -> dict[str, str]:
    """The access key of the root of another account."""
    answer = await iam.send(f"Action=CreateAccount&Version=2010-05-08&Account={number}".encode())
    assert answer.status_code == 200, answer.text
    key = next(element for element in ET.fromstring(answer.content).iter() if element.tag.endswith("}AccessKey"))
    return {element.tag.rpartition("}")[2]: element.text or "" for element in key}


async def test_the_root_is_told_who_it_is(sts: Query) -> None:
    """Its id is the account's number."""
    assert await sts("GetCallerIdentity") == {"UserId": ACCOUNT_ID, "Account": ACCOUNT_ID, "Arn": ROOT}


async def test_a_user_who_may_do_nothing_is_told_who_he_is(registry: RunningRegistry, iam: Query) -> None:
    """No policy can take that away, as at AWS."""
    key = await user(registry, iam, statement("Deny", "*"))

    found = await Query(registry, "sts", key)("GetCallerIdentity")

    assert found["Arn"] == USER_ARN
    assert found["UserId"].startswith("AIDA")


@pytest.mark.parametrize("service", ["sts", "iam"])
async def test_a_request_without_a_signature_is_refused(registry: RunningRegistry, service: str) -> None:
    """But for the one action that brings another proof. Without a signature a form is taken for one of STS."""
    client = Query(registry, service)

    answer = await client.post(client.body({"sts": "GetCallerIdentity", "iam": "ListUsers"}[service], {}))

    assert error_of(answer) == (403, "MissingAuthenticationToken", "Missing Authentication Token")


async def test_a_wrong_secret_is_refused(registry: RunningRegistry) -> None:
    """A signature is compared, not read."""
    held = {"AccessKeyId": registry.access_key_id, "SecretAccessKey": "another"}

    status, code, _ = await Query(registry, "sts", held).error("GetCallerIdentity")

    assert (status, code) == (403, "SignatureDoesNotMatch")


async def test_an_unknown_access_key_is_refused(registry: RunningRegistry) -> None:
    """Before the body is read."""
    held = {"AccessKeyId": "AKIAUNKNOWNUNKNOWN00", "SecretAccessKey": "another"}

    assert await Query(registry, "sts", held).error("GetCallerIdentity") == (
        403,
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
    )


@pytest.mark.parametrize("signed_for", ["ecr", "iam"])
async def test_a_signature_for_another_service_is_refused(registry: RunningRegistry, signed_for: str) -> None:
    """One for ECR is no signature; one for IAM leads to IAM, which does not know the action."""
    status, code, message = await Query(registry, "sts", signed_for=signed_for).error("GetCallerIdentity")

    assert (status, code, message) == {
        "ecr": (403, "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'sts'."),
        "iam": (400, "InvalidAction", "Could not find operation GetCallerIdentity for version 2011-06-15"),
    }[signed_for]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MissingAction"),
        (b"Version=2011-06-15", "MissingAction"),
        (b"Action=GetCallerIdentity", "InvalidAction"),
        (b"Action=GetCallerIdentity&Version=2010-05-08", "InvalidAction"),
        (b"Action=DecodeAuthorizationMessage&Version=2011-06-15&EncodedMessage=x", "InvalidAction"),
        (b"Action=GetCallerIdentity&Version=2011-06-15&Action=AssumeRole", "MalformedQueryString"),
        (b"Action=AssumeRole&Version=2011-06-15", "ValidationError"),
        (b"Action=AssumeRole&Version=2011-06-15&Tags=all", "InvalidParameterValue"),
    ],
)
async def test_a_form_that_makes_no_sense_is_refused(sts: Query, body: bytes, code: str) -> None:
    """With the code that AWS has for it."""
    status, found, _ = error_of(await sts.send(body))

    assert (status, found) == (400, code)


async def test_an_encoded_body_is_refused(sts: Query) -> None:
    """Parameters are read as they are sent."""
    answer = await sts.send(sts.body("GetCallerIdentity", {}), **{"content-encoding": "gzip"})

    assert error_of(answer)[:2] == (400, "MalformedQueryString")


async def test_a_body_is_bounded(sts: Query) -> None:
    """Less so where nobody has signed it."""
    assert error_of(await sts.send(b"Action=A&p=" + b"x" * 600_000))[:2] == (413, "RequestEntityTooLarge")
    assert error_of(await sts.post(b"Action=A&p=" + b"x" * 70_000))[:2] == (413, "RequestEntityTooLarge")


async def test_a_user_assumes_a_role_that_trusts_the_account(registry: RunningRegistry, iam: Query) -> None:
    """The account is trusted to give leave itself: the user's own policy does."""
    key = await user(registry, iam, ASSUME)
    made = await role(iam, trust({"AWS": ROOT}), statement("Allow", "iam:ListUsers"))

    assumed = await assume(Query(registry, "sts", key))

    assert assumed["AssumedRoleUser"] == {
        "AssumedRoleId": f"{made['RoleId']}:me",
        "Arn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/deployer/me",
    }
    assert "PackedPolicySize" not in assumed
    credentials = assumed["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert credentials["Expiration"].timestamp() * SECOND == registry.clock() + HOUR
    identity = await Query(registry, "sts", credentials)("GetCallerIdentity")
    assert identity == {
        "UserId": f"{made['RoleId']}:me",
        "Account": ACCOUNT_ID,
        "Arn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/deployer/me",
    }
    assert await Query(registry, "iam", credentials)("ListUsers")
    assert (await Query(registry, "iam", credentials).error("ListRoles"))[1] == "AccessDenied"


async def test_a_user_whom_a_role_names_needs_no_policy(registry: RunningRegistry, iam: Query) -> None:
    """Within an account the trust policy is enough."""
    key = await user(registry, iam)
    await role(iam, trust({"AWS": USER_ARN}))

    assert await assume(Query(registry, "sts", key))


async def test_who_may_not_assume_a_role_does_not_learn_whether_it_exists(
    registry: RunningRegistry, iam: Query
) -> None:
    """A role that trusts others, one that is not there, one whose path is another: one answer."""
    caller = Query(registry, "sts", await user(registry, iam, ASSUME))
    await iam("CreateUser", UserName="bob")

    missing = await refused(caller)
    await role(iam, trust({"AWS": f"arn:aws:iam::{ACCOUNT_ID}:user/bob"}))
    distrusted = await refused(caller)

    assert missing == distrusted == refusal(USER_ARN)
    reasons = [denial.reason for denial in registry.services.denials.take()[0]]
    assert reasons == [
        "because there is no such role",
        "because no role trust policy allows the sts:AssumeRole action",
    ]
    other_path = ROLE_ARN.replace("team/", "")
    assert (await refused(caller, RoleArn=other_path))[1] == "AccessDenied"


async def test_a_trusted_user_without_a_policy_is_refused(registry: RunningRegistry, iam: Query) -> None:
    """Trust in the account gives nobody in it leave."""
    key = await user(registry, iam)
    await role(iam, trust({"AWS": ROOT}))

    assert await refused(Query(registry, "sts", key)) == refusal(USER_ARN)


async def test_an_explicit_deny_of_either_side_refuses(registry: RunningRegistry, iam: Query) -> None:
    """The user's policy or the role's."""
    key = await user(registry, iam, ASSUME, statement("Deny", "sts:AssumeRole", ROLE_ARN))
    await role(iam, trust({"AWS": USER_ARN}))

    assert await refused(Query(registry, "sts", key)) == refusal(USER_ARN)


async def test_the_root_of_an_account_assumes_no_role(sts: Query, iam: Query) -> None:
    """As at AWS, whomever the role trusts."""
    await role(iam, trust({"AWS": "*"}))

    assert await refused(sts) == (403, "AccessDenied", "Roles may not be assumed by root accounts.")


async def test_across_accounts_both_sides_have_to_allow(registry: RunningRegistry, iam: Query) -> None:
    """The role's trust policy and the caller's own."""
    theirs = Query(registry, "iam", await account(iam))
    allowed = await user(registry, theirs, ASSUME)
    other = await user(registry, theirs, name="bob")
    await role(iam, trust({"AWS": OTHER}))

    assumed = await assume(Query(registry, "sts", allowed))
    denied = await refused(Query(registry, "sts", other))
    await iam("UpdateAssumeRolePolicy", RoleName="deployer", PolicyDocument=trust({"AWS": ACCOUNT_ID}))
    registry.clock.advance(SECOND)
    distrusted = await refused(Query(registry, "sts", allowed))

    assert assumed["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/deployer/me"
    assert denied == refusal(f"arn:aws:iam::{OTHER}:user/bob")
    assert distrusted == refusal(f"arn:aws:iam::{OTHER}:user/ann")


async def test_a_role_may_ask_for_an_external_id(registry: RunningRegistry, iam: Query) -> None:
    """Against the confused deputy."""
    caller = Query(registry, "sts", await user(registry, iam))
    condition = {"StringEquals": {"sts:ExternalId": "12345"}}
    await role(iam, trust({"AWS": USER_ARN}, Condition=condition))

    assert await refused(caller) == refusal(USER_ARN)
    assert await refused(caller, ExternalId="54321") == refusal(USER_ARN)
    assert await assume(caller, ExternalId="12345")


async def test_a_role_may_ask_for_the_name_of_the_session(registry: RunningRegistry, iam: Query) -> None:
    """sts:RoleSessionName is a condition key."""
    caller = Query(registry, "sts", await user(registry, iam))
    condition = {"StringEquals": {"sts:RoleSessionName": "${aws:username}"}}
    await role(iam, trust({"AWS": USER_ARN}, Condition=condition))

    assert await refused(caller) == refusal(USER_ARN)
    assert await assume(caller, RoleSessionName="ann")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (3601, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
        (
            899,
            "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must "
            "have value greater than or equal to 900",
        ),
    ],
)
async def test_a_session_is_as_long_as_its_role_allows(
    registry: RunningRegistry, iam: Query, asked: int, message: str
) -> None:
    """An hour, unless the role says more; 15 minutes at least."""
    caller = Query(registry, "sts", await user(registry, iam, ASSUME))
    await role(iam, trust({"AWS": ROOT}))

    assert (await refused(caller, DurationSeconds=asked)) == (400, "ValidationError", message)
    assert await assume(caller, DurationSeconds=900)


async def test_a_session_ends(registry: RunningRegistry, iam: Query) -> None:
    """At its end to the second, with an answer that says so."""
    key = await user(registry, iam, ASSUME)
    await role(iam, trust({"AWS": ROOT}), MaxSessionDuration=7200)
    held = (await assume(Query(registry, "sts", key), DurationSeconds=7200))["Credentials"]
    session = Query(registry, "sts", held)

    registry.clock.advance(2 * HOUR - 1)
    assert await session("GetCallerIdentity")
    registry.clock.advance(1)

    assert (await session.error("GetCallerIdentity"))[:2] == (403, "ExpiredToken")


async def test_a_chained_session_lasts_an_hour_at_most(registry: RunningRegistry, iam: Query) -> None:
    """Whatever the role allows: a chain would never end."""
    key = await user(registry, iam, ASSUME)
    await role(iam, trust({"AWS": ROOT}), ASSUME, MaxSessionDuration=43200)
    assumed = await assume(Query(registry, "sts", key), DurationSeconds=43200)
    session = Query(registry, "sts", assumed["Credentials"])

    assert await refused(session, DurationSeconds=3601) == (
        400,
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
    )
    assert await assume(session)


async def test_a_session_dies_with_its_role(registry: RunningRegistry, iam: Query) -> None:
    """And a new role of the same name is another role."""
    key = await user(registry, iam, ASSUME)
    await role(iam, trust({"AWS": ROOT}))
    session = Query(registry, "sts", (await assume(Query(registry, "sts", key)))["Credentials"])

    await iam("DeleteRole", RoleName="deployer")
    await role(iam, trust({"AWS": ROOT}))
    registry.clock.advance(SECOND)

    assert (await session.error("GetCallerIdentity"))[:2] == (403, "InvalidClientTokenId")


@pytest.mark.parametrize("change", ["token", "secret", "id", "none"])
async def test_a_sessions_three_parts_belong_together(registry: RunningRegistry, iam: Query, change: str) -> None:
    """One of another session, or none, makes it worthless."""
    caller = Query(registry, "sts", await user(registry, iam, ASSUME))
    await role(iam, trust({"AWS": ROOT}))
    held, other = [(await assume(caller))["Credentials"] for _ in range(2)]
    member = {"token": "SessionToken", "secret": "SecretAccessKey", "id": "AccessKeyId", "none": "SessionToken"}[
        change
    ]

    mixed = {**held, member: None if change == "none" else other[member]}
    status, code, _ = await Query(registry, "sts", mixed).error("GetCallerIdentity")

    assert (status, code) == (403, "SignatureDoesNotMatch" if change == "secret" else "InvalidClientTokenId")


async def test_a_session_policy_narrows(registry: RunningRegistry, iam: Query) -> None:
    """What both the role and the session's policies allow is left; the answer says how much room they take."""
    caller = Query(registry, "sts", await user(registry, iam, ASSUME))
    await role(iam, trust({"AWS": ROOT}), statement("Allow", "iam:List*"))

    narrowed = await assume(caller, Policy=policy(statement("Allow", ["iam:ListUsers", "iam:CreateUser"])))
    session = Query(registry, "iam", narrowed["Credentials"])

    assert 0 < narrowed["PackedPolicySize"] < 10
    assert await session("ListUsers")
    assert (await session.error("ListRoles"))[1] == "AccessDenied"
    assert (await session.error("CreateUser", UserName="new"))[1] == "AccessDenied"


async def test_managed_policies_narrow_a_session(registry: RunningRegistry, iam: Query) -> None:
    """Those of AWS and those of the role's account; what is not there is refused."""
    caller = Query(registry, "sts", await user(registry, iam, ASSUME))
    await role(iam, trust({"AWS": ROOT}), statement("Allow", "iam:List*"))
    made = await iam(
        "CreatePolicy", PolicyName="lists", PolicyDocument=policy(statement("Allow", "iam:ListUsers"))
    )
    arn = made["Policy"]["Arn"]

    session = Query(registry, "iam", (await assume(caller, PolicyArns=[{"arn": arn}]))["Credentials"])

    assert await session("ListUsers")
    assert (await session.error("ListRoles"))[1] == "AccessDenied"
    assert await refused(caller, PolicyArns=[{"arn": arn + "s"}]) == (
        400,
        "ValidationError",
        f"The policy {arn}s does not exist in the account of the role",
    )
    eleven = [{"arn": f"{arn}{number:02}"} for number in range(11)]
    assert (await refused(caller, PolicyArns=eleven))[2] == "At most 10 managed policies can be passed"


async def test_a_session_policy_that_cannot_be_read_is_refused(registry: RunningRegistry, iam: Query) -> None:
    """At once, not when it has to decide."""
    caller = Query(registry, "sts", await user(registry, iam, ASSUME))
    await role(iam, trust({"AWS": ROOT}))

    status, code, _ = await refused(caller, Policy='{"Version": "2012-10-17", "Statement": [{}]}')

    assert (status, code) == (400, "MalformedPolicyDocument")


async def test_policies_and_tags_have_to_fit_into_a_token(registry: RunningRegistry, iam: Query) -> None:
    """It travels in a header: the largest is below 8 KiB."""
    caller = Query(registry, "sts", await user(registry, iam, ASSUME))
    await role(iam, trust({"AWS": ROOT}, ["sts:AssumeRole", "sts:TagSession"]))
    tags = [{"Key": f"key{number:02}", "Value": "x" * 50} for number in range(50)]

    largest = await assume(caller, Tags=tags[:49])
    too_large = await refused(caller, Tags=[{**tag, "Value": "x" * 100} for tag in tags])

    assert largest["PackedPolicySize"] > 90
    assert len(largest["Credentials"]["SessionToken"]) < 8 * 1024
    assert too_large[:2] == (400, "PackedPolicyTooLarge")


async def test_tags_need_leave_and_become_those_of_the_principal(registry: RunningRegistry, iam: Query) -> None:
    """sts:TagSession is asked for; aws:RequestTag and aws:TagKeys can be, aws:PrincipalTag holds them afterwards."""
    caller = Query(registry, "sts", await user(registry, iam, ASSUME))
    condition = {"StringEquals": {"aws:PrincipalTag/team": "blue"}}
    await role(iam, trust({"AWS": ROOT}), statement("Allow", "iam:ListUsers", Condition=condition))
    blue, red = [[{"Key": "team", "Value": colour}] for colour in ("blue", "red")]

    untrusted = await refused(caller, Tags=blue)
    only_blue = {
        "StringEquals": {"aws:RequestTag/team": "blue"},
        "ForAllValues:StringEquals": {"aws:TagKeys": "team"},
    }
    tagging = trust({"AWS": ROOT}, ["sts:AssumeRole", "sts:TagSession"], Condition=only_blue)
    await iam("UpdateAssumeRolePolicy", RoleName="deployer", PolicyDocument=tagging)
    registry.clock.advance(SECOND)

    assert untrusted == refusal(USER_ARN, "sts:TagSession")
    assert await refused(caller, Tags=red) == refusal(USER_ARN)
    session = await assume(caller, Tags=blue)
    assert await Query(registry, "iam", session["Credentials"])("ListUsers")


async def test_a_transitive_tag_is_handed_on_and_cannot_be_changed(registry: RunningRegistry, iam: Query) -> None:
    """Along a chain of roles; one that is not transitive ends with its session."""
    caller = Query(registry, "sts", await user(registry, iam, ASSUME))
    condition = {"StringEquals": {"aws:PrincipalTag/team": "blue"}, "Null": {"aws:PrincipalTag/task": "true"}}
    await role(
        iam,
        trust({"AWS": ROOT}, ["sts:AssumeRole", "sts:TagSession"]),
        ASSUME,
        statement("Allow", "iam:ListUsers", Condition=condition),
    )
    tags = [{"Key": "team", "Value": "blue"}, {"Key": "task", "Value": "build"}]

    first = Query(registry, "sts", (await assume(caller, Tags=tags, TransitiveTagKeys=["team"]))["Credentials"])
    second = Query(registry, "iam", (await assume(first))["Credentials"])

    assert await second("ListUsers")
    assert await refused(first, Tags=[{"Key": "Team", "Value": "red"}]) == (
        400,
        "ValidationError",
        "One of the specified tag keys has already been passed as a transitive tag.",
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]},
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
        (
            {"Tags": [{"Key": "a", "Value": "1"}], "TransitiveTagKeys": ["b"]},
            "The specified transitive tag key must be included in the requested tags.",
        ),
        (
            {"Tags": [{"Key": "AWS:team", "Value": "1"}]},
            "Tag keys that start with aws: are reserved for system use.",
        ),
        ({"RoleArn": f"arn:aws:iam::{ACCOUNT_ID}:user/deployer"}, "Request ARN is invalid"),
        ({"ProvidedContexts": [{"ProviderArn": ROLE_ARN}]}, "ProvidedContexts is not supported"),
        ({"MinimumSessionTokenSize": 4096}, "MinimumSessionTokenSize is not supported"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    registry: RunningRegistry, iam: Query, more: dict[str, Any], message: str
) -> None:
    """And what is not built."""
    caller = Query(registry, "sts", await user(registry, iam, ASSUME))

    assert await refused(caller, **more) == (400, "ValidationError", message)


async def test_a_source_identity_needs_leave_and_stays(registry: RunningRegistry, iam: Query) -> None:
    """Along a chain of roles it cannot be changed."""
    caller = Query(registry, "sts", await user(registry, iam, ASSUME))
    await role(iam, trust({"AWS": ROOT}, ["sts:AssumeRole"]), ASSUME)

    untrusted = await refused(caller, SourceIdentity="ann@example.com")
    trusting = trust({"AWS": ROOT}, ["sts:AssumeRole", "sts:SetSourceIdentity"])
    await iam("UpdateAssumeRolePolicy", RoleName="deployer", PolicyDocument=trusting)
    registry.clock.advance(SECOND)
    first = await assume(caller, SourceIdentity="ann@example.com")
    session = Query(registry, "sts", first["Credentials"])

    assert untrusted == refusal(USER_ARN, "sts:SetSourceIdentity")
    assert first["SourceIdentity"] == "ann@example.com"
    assert (await assume(session))["SourceIdentity"] == "ann@example.com"
    assert (await refused(session, SourceIdentity="bob@example.com"))[1] == "AccessDenied"


@pytest.mark.parametrize("operation", ["GetSessionToken", "AssumeRole"])
async def test_a_code_of_a_second_factor_is_never_right(
    registry: RunningRegistry, iam: Query, operation: str
) -> None:
    """Nobody has a device: to take no notice of the code would be worse."""
    caller = Query(registry, "sts", await user(registry, iam, ASSUME))
    members = {"RoleArn": ROLE_ARN, "RoleSessionName": "me"} if operation == "AssumeRole" else {}

    refused = await caller.error(
        operation, **members, SerialNumber=f"arn:aws:iam::{ACCOUNT_ID}:mfa/ann", TokenCode="123456"
    )

    assert refused[:2] == (403, "AccessDenied")
    assert refused[2].startswith("MultiFactorAuthentication failed")


async def test_a_user_gets_a_session_that_may_what_he_may(registry: RunningRegistry, iam: Query) -> None:
    """For twelve hours, unless he asks for another time; he is himself in it, but IAM wants a second factor."""
    key = await user(registry, iam, ASSUME)
    await role(iam, trust({"AWS": USER_ARN}))

    held = (await Query(registry, "sts", key)("GetSessionToken"))["Credentials"]
    session = Query(registry, "sts", held)

    assert held["Expiration"].timestamp() * SECOND == registry.clock() + 12 * HOUR
    assert (await session("GetCallerIdentity"))["Arn"] == USER_ARN
    assert await assume(session)
    assert (await Query(registry, "iam", held).error("GetUser"))[:2] == (403, "InvalidClientTokenId")
    assert await session.error("GetSessionToken") == (
        403,
        "AccessDenied",
        "Cannot call GetSessionToken with session credentials",
    )


async def test_a_session_of_a_user_dies_with_the_access_key_that_asked(
    registry: RunningRegistry, iam: Query
) -> None:
    """So a key that has leaked is worthless with all that was made of it."""
    key = await user(registry, iam)
    session = Query(registry, "sts", (await Query(registry, "sts", key)("GetSessionToken"))["Credentials"])

    await iam("UpdateAccessKey", UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    registry.clock.advance(SECOND)

    assert (await session.error("GetCallerIdentity"))[:2] == (403, "InvalidClientTokenId")


async def test_a_session_of_the_root_lasts_an_hour(registry: RunningRegistry, sts: Query) -> None:
    """However long it was asked for."""
    held = (await sts("GetSessionToken", DurationSeconds=129_600))["Credentials"]

    assert held["Expiration"].timestamp() * SECOND == registry.clock() + HOUR
    assert (await Query(registry, "sts", held)("GetCallerIdentity"))["Arn"] == ROOT


async def test_the_account_of_an_access_key_is_told(registry: RunningRegistry, sts: Query, iam: Query) -> None:
    """Of a root's, a user's and a session's; who asks has to be allowed."""
    key = await user(registry, iam)
    session = (await Query(registry, "sts", key)("GetSessionToken"))["Credentials"]
    theirs = await account(iam)
    registry.clock.advance(SECOND)

    async def told(held: dict[str, str]) -> str:
        return (await sts("GetAccessKeyInfo", AccessKeyId=held["AccessKeyId"]))["Account"]

    assert await told({"AccessKeyId": registry.access_key_id}) == ACCOUNT_ID
    assert await told(key) == ACCOUNT_ID
    assert await told(session) == ACCOUNT_ID
    assert await told(theirs) == OTHER
    unknown = await sts.error("GetAccessKeyInfo", AccessKeyId="AKIAUNKNOWNUNKNOWN00")
    assert unknown == (400, "ValidationError", "The access key id is not valid")
    denied = await Query(registry, "sts", key).error("GetAccessKeyInfo", AccessKeyId=key["AccessKeyId"])
    assert denied[:2] == (403, "AccessDenied")


async def test_a_body_that_breaks_off_is_answered(registry: RunningRegistry, sts: Query) -> None:
    """For a client that only stopped sending, and still listens."""
    body = sts.body("GetCallerIdentity", {})
    signed = sts.signed(body)

    status = await break_off(registry, "POST", "/", [body[:10]], httpx.Headers(signed))

    assert status == 400


async def test_two_content_types_are_no_failure(sts: Query) -> None:
    """The first one tells for whom the request is."""
    body = sts.body("GetCallerIdentity", {})

    answer = await sts.post(body, ("content-type", "application/json"))

    assert error_of(answer)[1] == "MissingAuthenticationToken"
