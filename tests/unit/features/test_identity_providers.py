"""What an identity provider may say of itself."""

import json

import pytest
from joserfc.jwk import RSAKey

from entrepot.features.identity.errors import InvalidInput, QuotaExceeded, ValidationError
from entrepot.features.identity.identity_providers import (
    check_client_ids,
    check_jwks,
    check_thumbprints,
    issuer_of,
)


@pytest.mark.parametrize(
    ("url", "issuer"),
    [
        ("https://token.actions.githubusercontent.com", "token.actions.githubusercontent.com"),
        ("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", "oidc.eks.eu-west-1.amazonaws.com/id/ABC"),
        ("https://issuer.example:8443/", "issuer.example:8443"),
        ("http://127.0.0.1:9000/realm", "127.0.0.1:9000/realm"),
    ],
)
def test_a_provider_goes_by_its_url_without_the_scheme(url: str, issuer: str) -> None:
    """As its ARN has it."""
    assert issuer_of(url) == issuer


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example",
        "issuer.example",
        "https://",
        "https://a@b.example",
        "https://a.example?b",
        "ftp://a.b",
    ],
)
def test_a_provider_that_anybody_could_answer_for_is_refused(url: str) -> None:
    """Without TLS nobody knows whose keys are fetched."""
    with pytest.raises(InvalidInput, match="Invalid Open ID Connect Provider URL"):
        issuer_of(url)


def test_a_url_has_at_most_255_characters() -> None:
    """The model's bound."""
    with pytest.raises(ValidationError, match="url"):
        issuer_of("https://" + "a" * 248)


def test_client_ids_are_bounded() -> None:
    """A hundred, of 255 characters each."""
    check_client_ids(["x" * 255] * 100)

    with pytest.raises(QuotaExceeded, match="ClientIdsPerOpenIdConnectProvider: 100"):
        check_client_ids(["x"] * 101)
    with pytest.raises(ValidationError):
        check_client_ids(["x" * 256])
    with pytest.raises(ValidationError):
        check_client_ids([""])


@pytest.mark.parametrize("thumbprints", [["a" * 39], ["g" * 40], ["a" * 40 + "\n"], ["a" * 40] * 6])
def test_thumbprints_are_at_most_five_digests(thumbprints: list[str]) -> None:
    """SHA-1, in hex."""
    check_thumbprints(["a" * 40, "F" * 40])

    with pytest.raises(InvalidInput):
        check_thumbprints(thumbprints)


def test_a_key_set_holds_a_key() -> None:
    """One that a token could be signed with."""
    key = RSAKey.generate_key(2048, private=False).as_dict(private=False)

    check_jwks(json.dumps({"keys": [key]}))


@pytest.mark.parametrize(
    "jwks",
    ["", "{}", "[]", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "AA"}]}', "[" * 9999, " " * 65537],
)
def test_a_key_set_of_no_use_is_refused(jwks: str) -> None:
    """When it is given, and not when the first token comes."""
    with pytest.raises(InvalidInput):
        check_jwks(jwks)
