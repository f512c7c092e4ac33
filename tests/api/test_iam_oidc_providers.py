"""OpenID Connect identity providers."""

import json
from urllib.parse import urlencode

import pytest
from joserfc.jwk import RSAKey
from tests.api.query_clients import Query, error_of

from entrepot.features.identity import store as identities
from entrepot.testing.registry import ACCOUNT_ID, RunningRegistry

ARN = f"arn:aws:iam::{ACCOUNT_ID}:oidc-provider/token.actions.githubusercontent.com"
URL = "https://token.actions.githubusercontent.com"


@pytest.fixture
async def github(iam: Query) -> dict[str, str]:
    """A provider, as the operations name it."""
    made = await iam("CreateOpenIDConnectProvider", Url=URL, ClientIDList=["sts.amazonaws.com"])
    assert made["OpenIDConnectProviderArn"] == ARN
    return {"OpenIDConnectProviderArn": ARN}


async def test_a_provider_is_shown_as_it_was_made(iam: Query) -> None:
    """By its URL without the scheme."""
    await iam(
        "CreateOpenIDConnectProvider",
        Url=URL,
        ClientIDList=["a", "b", "a"],
        ThumbprintList=["f" * 40],
        Tags=[{"Key": "k", "Value": "v"}],
    )

    found = await iam("GetOpenIDConnectProvider", OpenIDConnectProviderArn=ARN)

    assert found.pop("CreateDate") is not None
    assert found == {
        "Url": "token.actions.githubusercontent.com",
        "ClientIDList": ["a", "b"],
        "ThumbprintList": ["f" * 40],
        "Tags": [{"Key": "k", "Value": "v"}],
    }
    listed = await iam("ListOpenIDConnectProviders")
    assert listed["OpenIDConnectProviderList"] == [{"Arn": ARN}]


async def test_an_issuer_has_one_provider(iam: Query, github: dict[str, str]) -> None:
    """In an account."""
    assert await iam.error("CreateOpenIDConnectProvider", Url=URL + "/") == (
        409,
        "EntityAlreadyExists",
        f"Provider with url {URL}/ already exists.",
    )
    assert github


async def test_client_ids_come_and_go(iam: Query, github: dict[str, str]) -> None:
    """Twice is as once."""
    for _ in range(2):
        await iam("AddClientIDToOpenIDConnectProvider", **github, ClientID="mine")
    added = (await iam("GetOpenIDConnectProvider", **github))["ClientIDList"]
    for _ in range(2):
        await iam("RemoveClientIDFromOpenIDConnectProvider", **github, ClientID="sts.amazonaws.com")
    left = (await iam("GetOpenIDConnectProvider", **github))["ClientIDList"]

    assert (added, left) == (["sts.amazonaws.com", "mine"], ["mine"])


async def test_thumbprints_are_replaced(iam: Query, github: dict[str, str]) -> None:
    """All of them."""
    await iam("UpdateOpenIDConnectProviderThumbprint", **github, ThumbprintList=["a" * 40, "b" * 40])

    assert (await iam("GetOpenIDConnectProvider", **github))["ThumbprintList"] == ["a" * 40, "b" * 40]


async def test_a_provider_is_deleted(iam: Query, github: dict[str, str]) -> None:
    """And cannot be found any more."""
    await iam("DeleteOpenIDConnectProvider", **github)

    refusal = (404, "NoSuchEntity", f"OpenIDConnect Provider not found for arn {ARN}")
    assert await iam.error("GetOpenIDConnectProvider", **github) == refusal
    assert await iam.error("DeleteOpenIDConnectProvider", **github) == refusal
    assert (await iam("ListOpenIDConnectProviders"))["OpenIDConnectProviderList"] == []


async def test_the_keys_of_an_issuer_may_be_given(registry: RunningRegistry, iam: Query) -> None:
    """Where nothing can be fetched; a set without a key is refused."""
    key = RSAKey.generate_key(2048, private=False).as_dict(private=False)
    jwks = json.dumps({"keys": [key]})

    answer = await iam.send(extended(jwks))
    refusal = error_of(await iam.send(extended('{"keys": []}')))

    assert answer.status_code == 200
    found = await registry.services.metadata.look_up(
        lambda c: identities.find_oidc_provider(c, ACCOUNT_ID, "issuer.example")
    )
    assert found is not None
    assert found.jwks == jwks
    assert refusal[:2] == (400, "InvalidInput")


def extended(jwks: str) -> bytes:
    """A request with a member that the service model does not have."""
    members = {"Url": "https://issuer.example", "JsonWebKeySet": jwks}
    return urlencode({"Action": "CreateOpenIDConnectProvider", "Version": "2010-05-08", **members}).encode()
