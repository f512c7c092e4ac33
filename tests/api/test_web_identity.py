"""AssumeRoleWithWebIdentity: a job of GitHub Actions, a Kubernetes service account, and everybody else."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from tests.api.query_clients import Query
from tests.issuer import DISCOVERY, JWKS, Issuer, ec_key, rsa_key, running_issuer

from entrepot.core.clock import HOUR, SECOND
from entrepot.testing.registry import ACCOUNT_ID, RunningRegistry

ROLE_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/ci"
DENIED = (403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")

GITHUB = {
    "sub": "repo:octo/app:ref:refs/heads/main",
    "aud": "sts.amazonaws.com",
    "repository": "octo/app",
    "repository_owner": "octo",
    "ref": "refs/heads/main",
    "job_workflow_ref": "octo/app/.github/workflows/push.yml@refs/heads/main",
    "environment": "production",
}
KUBERNETES = {
    "sub": "system:serviceaccount:ci:builder",
    "aud": ["sts.amazonaws.com"],
    "kubernetes.io": {"namespace": "ci", "serviceaccount": {"name": "builder"}},
}


@pytest.fixture(scope="module")
def running() -> Iterator[Issuer]:
    """An issuer on this machine; to make its key takes longer than a test."""
    with running_issuer([rsa_key("first")]) as issuer:
        yield issuer


@pytest.fixture
def issuer(running: Issuer) -> Iterator[Issuer]:
    """The issuer, as it was at first."""
    keys = list(running.keys)
    yield running
    running.keys[:] = keys
    running.asked.clear()
    running.publish()


@pytest.fixture
async def sts(registry: RunningRegistry, issuer: Issuer) -> Query:
    """STS in an account that has the issuer as a provider."""
    iam = Query(registry, "iam")
    await iam("CreateOpenIDConnectProvider", Url=f"https://{issuer.provider}", ClientIDList=["sts.amazonaws.com"])
    return Query(registry, "sts")


def arn_of(issuer: Issuer) -> str:
    """The ARN of the issuer's provider."""
    return f"arn:aws:iam::{ACCOUNT_ID}:oidc-provider/{issuer.provider}"


def trust(issuer: Issuer, condition: dict[str, Any] | None = None, principal: str | None = None) -> str:
    """A trust policy for web identities of the issuer; ``ISSUER`` in its condition's keys is the issuer."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": principal or arn_of(issuer)},
        "Action": "sts:AssumeRoleWithWebIdentity",
        **({} if condition is None else {"Condition": condition}),
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    return text.replace("ISSUER", issuer.provider)


async def role(registry: RunningRegistry, trust_policy: str) -> None:
    """The role of these tests, which may list users."""
    iam = Query(registry, "iam")
    await iam("CreateRole", RoleName="ci", AssumeRolePolicyDocument=trust_policy)
    may = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}}
    await iam("PutRolePolicy", RoleName="ci", PolicyName="own", PolicyDocument=json.dumps(may))
    registry.clock.advance(SECOND)


def token(registry: RunningRegistry, issuer: Issuer, claims: dict[str, Any], **header: str) -> str:
    """A token with these claims, for five minutes from now on."""
    now = registry.clock() // SECOND
    return issuer.token({"iat": now, "nbf": now, "exp": now + 300, **claims}, None, **header)


def asked(text: str, **more: object) -> dict[str, object]:
    """The parameters of a call with this token."""
    return {"RoleArn": ROLE_ARN, "RoleSessionName": "job", "WebIdentityToken": text, **more}


async def assume(sts: Query, text: str, **more: object) -> dict[str, Any]:
    """The answer to a token."""
    return await sts.unsigned("AssumeRoleWithWebIdentity", **asked(text, **more))


async def refused(sts: Query, text: str, **more: object) -> tuple[int, str, str]:
    """How a token is refused."""
    return await sts.unsigned_error("AssumeRoleWithWebIdentity", **asked(text, **more))


async def test_a_job_of_github_actions_assumes_a_role(
    registry: RunningRegistry, sts: Query, issuer: Issuer
) -> None:
    """With a token instead of a secret, and with conditions on what the job is."""
    condition = {
        "StringEquals": {"ISSUER:aud": "sts.amazonaws.com", "ISSUER:repository": "octo/app"},
        "StringLike": {"ISSUER:sub": "repo:octo/app:*", "ISSUER:job_workflow_ref": "octo/app/*/push.yml@*"},
    }
    await role(registry, trust(issuer, condition))

    assumed = await assume(sts, token(registry, issuer, GITHUB))
    session = Query(registry, "iam", assumed["Credentials"])

    assert assumed["Provider"] == arn_of(issuer)
    assert assumed["Audience"] == "sts.amazonaws.com"
    assert assumed["SubjectFromWebIdentityToken"] == GITHUB["sub"]
    assert assumed["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/ci/job"
    assert assumed["Credentials"]["Expiration"].timestamp() * SECOND == registry.clock() + HOUR
    assert await session("ListUsers")
    assert (await session.error("ListRoles"))[1] == "AccessDenied"


@pytest.mark.parametrize(
    "claims",
    [
        {"repository": "octo/other"},
        {"ref": "refs/heads/feature"},
        {"sub": "repo:octo/app:pull_request"},
        {"environment": None},
    ],
)
async def test_another_job_is_refused(
    registry: RunningRegistry, sts: Query, issuer: Issuer, claims: dict[str, Any]
) -> None:
    """Of another repository, another branch; a pull request; one without an environment."""
    condition = {
        "StringEquals": {
            "ISSUER:repository": "octo/app",
            "ISSUER:ref": "refs/heads/main",
            "ISSUER:sub": GITHUB["sub"],
            "ISSUER:environment": "production",
        }
    }
    await role(registry, trust(issuer, condition))

    assert await refused(sts, token(registry, issuer, {**GITHUB, **claims})) == DENIED


async def test_a_kubernetes_service_account_assumes_a_role(
    registry: RunningRegistry, sts: Query, issuer: Issuer
) -> None:
    """By its subject, with the token that is projected into its pods."""
    condition = {"StringEquals": {"ISSUER:sub": "system:serviceaccount:ci:builder"}}
    await role(registry, trust(issuer, condition))

    assert await assume(sts, token(registry, issuer, KUBERNETES))
    other = {**KUBERNETES, "sub": "system:serviceaccount:ci:default"}
    assert await refused(sts, token(registry, issuer, other)) == DENIED


async def test_a_role_that_is_not_there_is_refused_like_one_that_trusts_others(
    registry: RunningRegistry, sts: Query, issuer: Issuer
) -> None:
    """Nobody learns which roles there are."""
    missing = await refused(sts, token(registry, issuer, GITHUB))
    await role(registry, trust(issuer, principal="accounts.google.com"))
    distrusting = await refused(sts, token(registry, issuer, GITHUB))

    assert missing == distrusting == DENIED


async def test_only_the_named_provider_is_trusted(registry: RunningRegistry, sts: Query, issuer: Issuer) -> None:
    """Not another one of the same account, and not another account's."""
    other = arn_of(issuer).replace(ACCOUNT_ID, "111111111111")
    await role(registry, trust(issuer, principal=other))

    assert await refused(sts, token(registry, issuer, GITHUB)) == DENIED


async def test_an_issuer_without_a_provider_is_refused(
    registry: RunningRegistry, sts: Query, issuer: Issuer
) -> None:
    """And is never asked."""
    text = token(registry, issuer, {**GITHUB, "iss": "https://other.example.com"})

    assert await refused(sts, text) == (
        400,
        "InvalidIdentityToken",
        "No OpenIDConnect provider found in your account for https://other.example.com",
    )
    assert not issuer.asked


@pytest.mark.parametrize(
    ("claims", "code", "message"),
    [
        ({"aud": "other"}, "InvalidIdentityToken", "Incorrect token audience"),
        (
            {"exp": 1_767_225_600},
            "ExpiredTokenException",
            "Token expired: current date/time 1767225601 must be before the expiration date/time 1767225600",
        ),
        (
            {"nbf": 1_767_226_000},
            "InvalidIdentityToken",
            "The ID Token is not valid yet: its nbf is 1767226000, now is 1767225601",
        ),
    ],
)
async def test_a_token_that_is_not_for_us_and_now_is_refused(
    registry: RunningRegistry, sts: Query, issuer: Issuer, claims: dict[str, Any], code: str, message: str
) -> None:
    """Whatever the role trusts."""
    await role(registry, trust(issuer))

    assert await refused(sts, token(registry, issuer, {**GITHUB, **claims})) == (400, code, message)


async def test_a_forged_token_is_refused(registry: RunningRegistry, sts: Query, issuer: Issuer) -> None:
    """Signed with another key that claims the issuer's name for it, or with a key that the issuer never had."""
    await role(registry, trust(issuer))
    forger = Issuer(issuer.url, [rsa_key("first"), ec_key("second")])

    assert await refused(sts, token(registry, forger, GITHUB)) == (
        400,
        "InvalidIdentityToken",
        "The signature of the ID Token is not valid",
    )
    unknown = await refused(sts, token(registry, forger, GITHUB, kid="second"))
    assert unknown[:2] == (400, "InvalidIdentityToken")
    assert unknown[2].startswith("Couldn't retrieve verification key from your identity provider")


async def test_a_provider_that_does_not_answer_is_an_error_to_be_tried_again(
    registry: RunningRegistry, sts: Query, issuer: Issuer
) -> None:
    """SDKs try again on this code."""
    await role(registry, trust(issuer))
    issuer.answers[DISCOVERY] = 503, b""

    status, code, _ = await refused(sts, token(registry, issuer, GITHUB))

    assert (status, code) == (400, "IDPCommunicationError")


async def test_keys_that_were_given_with_the_provider_are_not_fetched(
    registry: RunningRegistry, issuer: Issuer
) -> None:
    """For sites where the issuer cannot be reached."""
    iam, sts = Query(registry, "iam"), Query(registry, "sts")
    form = (
        f"Action=CreateOpenIDConnectProvider&Version=2010-05-08&Url=https://{issuer.provider}"
        f"&ClientIDList.member.1=sts.amazonaws.com&JsonWebKeySet={quote(issuer.jwks)}"
    )
    assert (await iam.send(form.encode())).status_code == 200
    await role(registry, trust(issuer))

    assert await assume(sts, token(registry, issuer, GITHUB))
    assert (await refused(sts, token(registry, issuer, GITHUB, kid="second")))[1] == "InvalidIdentityToken"
    assert issuer.asked[JWKS] == 0


async def test_a_new_key_of_the_issuer_is_found(registry: RunningRegistry, sts: Query, issuer: Issuer) -> None:
    """Within a minute."""
    await role(registry, trust(issuer))
    await assume(sts, token(registry, issuer, GITHUB))
    issuer.keys.insert(0, ec_key("second"))
    issuer.publish()

    registry.clock.advance(60 * SECOND)

    assert await assume(sts, token(registry, issuer, GITHUB))


async def test_a_role_is_not_assumed_for_longer_than_it_allows(
    registry: RunningRegistry, sts: Query, issuer: Issuer
) -> None:
    """Whoever asks."""
    await role(registry, trust(issuer))

    status, code, message = await refused(sts, token(registry, issuer, GITHUB), DurationSeconds=3601)

    assert (status, code) == (400, "ValidationError")
    assert message == "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."


async def test_who_fails_too_often_is_told_no_more(registry: RunningRegistry, sts: Query, issuer: Issuer) -> None:
    """Whichever roles were named; a good token from the same place is taken all the same."""
    await role(registry, trust(issuer))
    good, bad = token(registry, issuer, GITHUB), token(registry, issuer, {**GITHUB, "aud": "other"})

    codes = [(await refused(sts, bad, RoleArn=f"{ROLE_ARN}{number}"))[1] for number in range(10)]
    codes += [(await refused(sts, bad))[1] for _ in range(15)]

    assert codes == ["AccessDenied"] * 10 + ["InvalidIdentityToken"] * 9 + ["Throttling"] * 6
    assert await assume(sts, good)
    registry.clock.advance(10 * SECOND)
    assert (await refused(sts, bad))[1] == "InvalidIdentityToken"


@pytest.mark.parametrize("spelling", ["{}//", "{}/.", "{}/tenant", "HTTP://{0}", "http://{0}:80", "http://me@{0}"])
async def test_an_issuer_has_one_spelling(
    registry: RunningRegistry, sts: Query, issuer: Issuer, spelling: str
) -> None:
    """Any other is refused, and nobody is asked: else each would be asked for by itself."""
    await role(registry, trust(issuer))
    spelt = spelling.format(issuer.url if spelling.startswith("{}") else issuer.provider)

    refusals = [await refused(sts, token(registry, issuer, {**GITHUB, "iss": spelt})) for _ in range(2)]

    assert {code for _, code, _ in refusals} == {"InvalidIdentityToken"}
    assert not issuer.asked


async def test_an_issuer_whose_url_ends_with_a_slash_is_believed(
    registry: RunningRegistry, sts: Query, issuer: Issuer
) -> None:
    """As those of some services do."""
    await role(registry, trust(issuer))

    assert await assume(sts, token(registry, issuer, {**GITHUB, "iss": f"{issuer.url}/"}))


@pytest.mark.parametrize("principal", [None, "accounts.google.com"])
async def test_an_issuer_is_asked_for_roles_that_trust_it_alone(
    registry: RunningRegistry, sts: Query, issuer: Issuer, principal: str | None
) -> None:
    """Not for one that is not there, nor for one that trusts others, however good the token."""
    if principal is not None:
        await role(registry, trust(issuer, principal=principal))

    assert await refused(sts, token(registry, issuer, GITHUB)) == DENIED
    assert not issuer.asked


async def test_an_issuer_that_does_not_answer_is_asked_once_a_minute(
    registry: RunningRegistry, sts: Query, issuer: Issuer
) -> None:
    """However many tokens come."""
    await role(registry, trust(issuer))
    issuer.answers[DISCOVERY] = 503, b""

    for number in range(30):
        await refused(sts, token(registry, issuer, GITHUB, kid=f"invented{number}"))

    assert issuer.asked == {DISCOVERY: 1}


@pytest.mark.parametrize("text", ["none", "a.b.c", "x" * 20_000])
async def test_what_is_no_token_is_refused(registry: RunningRegistry, sts: Query, text: str) -> None:
    """With a hint at the usual reason."""
    assert await refused(sts, text) == (
        400,
        "InvalidIdentityToken",
        "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
    )


async def test_an_access_token_of_oauth_is_not_taken(registry: RunningRegistry, sts: Query) -> None:
    """ProviderId is for those of three companies."""
    assert (await refused(sts, "none", ProviderId="graph.facebook.com"))[1] == "ValidationError"
