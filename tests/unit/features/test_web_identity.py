"""An ID token is believed when its issuer signed it, for us and for now, and in no other case."""

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey
from tests.issuer import Issuer, ec_key, rsa_key

from entrepot.core.clock import MINUTE, SECOND
from entrepot.features.identity.rows import OIDCProviderRow
from entrepot.features.identity.web_identity import (
    IdentityTokenExpired,
    InvalidIdentityToken,
    WebIdentity,
    choose_key,
    is_trustworthy,
    parse_keys,
    read_token,
    verify,
)

NOW = 1_800_000_000 * SECOND
SECONDS = NOW // SECOND
URL = "https://token.example.com/tenant"
PROVIDER = OIDCProviderRow(
    arn="arn:aws:iam::000000000000:oidc-provider/token.example.com/tenant",
    account="000000000000",
    url="token.example.com/tenant",
    client_ids=["sts.amazonaws.com", "another"],
    thumbprints=[],
    created_at=0,
)
CLAIMS: dict[str, Any] = {
    "sub": "repo:octo/app:ref:refs/heads/main",
    "aud": "sts.amazonaws.com",
    "iat": SECONDS - 10,
    "nbf": SECONDS - 10,
    "exp": SECONDS + 300,
}


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    """An issuer with a key of each sort, of which only the tokens are wanted."""
    return Issuer(URL, [rsa_key("rsa"), ec_key("ec")])


def believed(issuer: Issuer, text: str, provider: OIDCProviderRow = PROVIDER) -> WebIdentity:
    """Whom a token is about, by the issuer's own keys."""
    token = read_token(text)
    key = choose_key(parse_keys(issuer.jwks), token)
    if key is None:
        raise InvalidIdentityToken("no key")
    return verify(token, key, provider, NOW)


@pytest.mark.parametrize("number", [0, 1])
def test_a_token_of_a_known_key_is_believed(issuer: Issuer, number: int) -> None:
    """RSA or an elliptic curve."""
    identity = believed(issuer, issuer.token(CLAIMS, issuer.keys[number]))

    assert identity.subject == CLAIMS["sub"]
    assert identity.audience == "sts.amazonaws.com"
    assert identity.provider == PROVIDER.arn


def test_claims_are_condition_keys_of_the_issuer(issuer: Issuer) -> None:
    """Plain ones, as GitHub has them; not those that are about the token, nor what has structure."""
    more: dict[str, Any] = {
        "repository": "octo/app",
        "ref": "refs/heads/main",
        "job_workflow_ref": "octo/app/.github/workflows/ci.yml@refs/heads/main",
        "repository_id": 74,
        "email_verified": True,
        "amr": ["mfa", "pwd"],
        "kubernetes.io": {"namespace": "default"},
        "nothing": None,
    }

    identity = believed(issuer, issuer.token({**CLAIMS, **more, "jti": "1"}))

    assert identity.context == {
        "aws:FederatedProvider": PROVIDER.arn,
        "token.example.com/tenant:sub": CLAIMS["sub"],
        "token.example.com/tenant:aud": "sts.amazonaws.com",
        "token.example.com/tenant:oaud": ["sts.amazonaws.com"],
        "token.example.com/tenant:repository": "octo/app",
        "token.example.com/tenant:ref": "refs/heads/main",
        "token.example.com/tenant:job_workflow_ref": "octo/app/.github/workflows/ci.yml@refs/heads/main",
        "token.example.com/tenant:repository_id": "74",
        "token.example.com/tenant:email_verified": "true",
        "token.example.com/tenant:amr": ["mfa", "pwd"],
    }


@pytest.mark.parametrize(
    ("claims", "audience"),
    [
        ({"aud": ["other", "another"]}, "another"),
        ({"aud": "other", "azp": "another"}, "another"),
        ({"aud": "other"}, None),
        ({"aud": "sts.amazonaws.com", "azp": "other"}, None),
        ({"aud": ["other"]}, None),
        ({"aud": []}, None),
        ({"aud": None}, None),
        ({"aud": [["sts.amazonaws.com"]]}, None),
    ],
)
def test_a_token_is_for_one_of_our_audiences(issuer: Issuer, claims: dict[str, Any], audience: str | None) -> None:
    """The authorized party goes before the audiences, as AWS has it."""
    text = issuer.token({**CLAIMS, **claims})

    if audience is not None:
        assert believed(issuer, text).audience == audience
        return
    with pytest.raises(InvalidIdentityToken, match="Incorrect token audience"):
        believed(issuer, text)


@pytest.mark.parametrize("claims", [{"exp": SECONDS}, {"exp": SECONDS - 1}, {"exp": SECONDS - 0.5}, {"exp": 0}])
def test_an_expired_token_is_refused(issuer: Issuer, claims: dict[str, Any]) -> None:
    """From its last second on."""
    with pytest.raises(IdentityTokenExpired) as refused:
        believed(issuer, issuer.token({**CLAIMS, **claims}))

    assert str(refused.value).startswith(f"Token expired: current date/time {SECONDS} must be before")


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"exp": "2099-01-01"},
        {"exp": True},
        {"nbf": SECONDS + 301},
        {"iat": SECONDS + 301},
        {"iat": "yesterday"},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": 7},
        {"iss": "https://token.example.com"},
        {"iss": "https://token.example.com/tenant/other"},
        {"iss": "https://TOKEN.example.com/tenant"},
    ],
)
def test_a_token_whose_claims_are_wrong_is_refused(issuer: Issuer, claims: dict[str, Any]) -> None:
    """Without an end, not valid yet, without a subject, of another issuer."""
    with pytest.raises(InvalidIdentityToken):
        believed(issuer, issuer.token({**CLAIMS, **claims}))


def test_the_issuers_clock_may_be_a_little_ahead(issuer: Issuer) -> None:
    """By five minutes, as in SigV4."""
    ahead = SECONDS + 5 * MINUTE // SECOND

    assert believed(issuer, issuer.token({**CLAIMS, "iat": ahead, "nbf": ahead}))


def test_a_token_of_another_key_is_refused(issuer: Issuer) -> None:
    """Whatever its header says it is signed with."""
    other = rsa_key("rsa")

    with pytest.raises(InvalidIdentityToken, match="signature"):
        believed(issuer, issuer.token(CLAIMS, other))


def test_a_key_that_is_not_named_has_to_be_the_only_one() -> None:
    """Of those that fit the algorithm."""
    alone, two = Issuer(URL, [rsa_key("a"), ec_key("b")]), Issuer(URL, [rsa_key("a"), rsa_key("b")])

    assert believed(alone, alone.token(CLAIMS, kid=None))
    with pytest.raises(InvalidIdentityToken, match="no key"):
        believed(two, two.token(CLAIMS, kid=None))


@pytest.mark.parametrize(
    "described",
    [{"use": "enc"}, {"alg": "RS512"}, {"kid": "other"}, {"kty": "oct", "k": "c2VjcmV0"}, {"n": "AQAB"}, {"n": 7}],
)
def test_a_key_that_is_for_something_else_is_not_used(issuer: Issuer, described: dict[str, object]) -> None:
    """Another use, algorithm or name; too short; or none that we know."""
    [rsa, _] = json.loads(issuer.jwks)["keys"]

    keys = parse_keys(json.dumps({"keys": [{**rsa, **described}]}))

    assert choose_key(keys, read_token(issuer.token(CLAIMS))) is None


def test_a_curve_goes_with_its_algorithm() -> None:
    """ES256 is P-256 and no other."""
    long = Issuer(URL, [ECKey.generate_key("P-384", {"kid": "ec"})])
    token = read_token(Issuer(URL, [ec_key("ec")]).token(CLAIMS))

    assert choose_key(parse_keys(long.jwks), token) is None


@pytest.mark.parametrize("document", ["", "[]", "{}", '{"keys": {}}', '{"keys": ["a"]}', "[" * 100_000, "\xff"])
def test_what_is_no_key_set_is_refused(document: str) -> None:
    """As a whole."""
    with pytest.raises(ValueError, match="JSON Web Key Set"):
        parse_keys(document)


def unsigned(header: object, claims: object) -> str:
    """A token with a signature of one byte."""
    return ".".join(
        urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (json.dumps(header).encode(), json.dumps(claims).encode(), b"x")
    )


@pytest.mark.parametrize("algorithm", ["none", "NONE", "HS256", "PS256", "EdDSA", "RS1", "", None, 7])
def test_other_algorithms_are_refused(algorithm: object) -> None:
    """No signature at all; one that whoever checks it could make; and what AWS does not know."""
    text = unsigned({"alg": algorithm, "kid": "rsa"}, {"iss": URL, **CLAIMS})

    with pytest.raises(InvalidIdentityToken):
        read_token(text)


def test_a_public_key_is_no_secret(issuer: Issuer) -> None:
    """A token that is signed with the public key as if it were a shared secret is refused."""
    public = issuer.keys[0].as_pem(private=False)
    signed = unsigned({"alg": "HS256", "kid": "rsa"}, {"iss": URL, **CLAIMS}).rpartition(".")[0]
    mac = urlsafe_b64encode(hmac.digest(public, signed.encode(), "sha256")).rstrip(b"=").decode()
    forged = f"{signed}.{mac}"

    with pytest.raises(InvalidIdentityToken):
        read_token(forged)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b.c",
        "a.b",
        "....",
        "\N{SNOWMAN}.a.b",
        unsigned([], {}),
        unsigned("alg", {}),
        unsigned(7, {}),
        unsigned({"alg": "RS256"}, []),
        unsigned({"alg": "RS256"}, "iss"),
        unsigned({"alg": "RS256"}, {}),
        unsigned({"alg": "RS256"}, {"iss": 7}),
        unsigned({"alg": "RS256", "kid": 7}, {"iss": URL}),
        unsigned({"alg": "RS256", "crit": ["b64"], "b64": False}, {"iss": URL}),
        unsigned({"alg": "RS256", "x5c": "x" * 5000}, {"iss": URL}),
    ],
)
def test_what_is_no_token_is_refused(text: str) -> None:
    """Before anything is asked of anybody."""
    with pytest.raises(InvalidIdentityToken):
        read_token(text)


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}"))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whoever may send a token is unknown."""
    with pytest.raises(InvalidIdentityToken):
        read_token(text)


def test_a_changed_token_is_refused(issuer: Issuer) -> None:
    """Each of its characters is signed."""
    text = issuer.token(CLAIMS)
    places = [place for place in range(0, len(text), 7) if text[place] != "."]

    for place in places:
        other = "A" if text[place] != "A" else "B"
        with pytest.raises((InvalidIdentityToken, IdentityTokenExpired)):
            believed(issuer, text[:place] + other + text[place + 1 :])


@pytest.mark.parametrize(
    ("url", "trustworthy"),
    [
        ("https://token.example.com", True),
        ("https://token.example.com:8443/tenant", True),
        ("http://localhost:8080", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:80/x", True),
        ("http://token.example.com", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("https://user@token.example.com", False),
        ("https://token.example.com?x=1", False),
        ("https://token.example.com#x", False),
        ("https://token.example.com:port", False),
        ("https://", False),
        ("https://[::1", False),
        ("https://token.example.com/\n", False),
        ("ftp://localhost", False),
        ("token.example.com", False),
        ("", False),
    ],
)
def test_only_https_is_trusted_across_a_network(url: str, trustworthy: bool) -> None:
    """Plain http is for issuers on this machine."""
    assert is_trustworthy(url) is trustworthy
