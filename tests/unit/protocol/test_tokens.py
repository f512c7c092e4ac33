"""Strings that we signed are believed, and no others."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.clock import HOUR
from entrepot.core.errors import InvalidParameter
from entrepot.features.identity.tokens import AuthorizationToken
from entrepot.protocol.tokens import (
    DownloadTicket,
    InvalidToken,
    MasterKey,
    PageToken,
    Signer,
    TokenExpired,
)

SECRET = bytes(range(32))
NOW = 1_800_000_000_000_000
URL_SAFE = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.fixture(scope="module")
def signer() -> Signer:
    """A signer with one key."""
    return Signer(MasterKey(SECRET))


def token(expires_at: int = NOW + 12 * HOUR) -> AuthorizationToken:
    """An authorization token of the root user."""
    return AuthorizationToken(
        principal_id="000000000000",
        account="000000000000",
        region="us-east-1",
        access_key_id="AKIDEXAMPLE",
        expires_at=expires_at,
    )


def ticket(expires_at: int = NOW + HOUR) -> DownloadTicket:
    """A ticket for one layer."""
    return DownloadTicket(
        account="000000000000",
        region="us-east-1",
        repository="team/app",
        digest=f"sha256:{'0' * 64}",
        expires_at=expires_at,
    )


def test_a_token_dies_with_the_secret_that_its_key_was_bound_to() -> None:
    """A new secret for the root is a new key, whatever its id; the same secret is the same key after a restart."""
    master = MasterKey(SECRET)
    text = token().issue(Signer(master.bound_to("old")))

    assert AuthorizationToken.parse(Signer(master.bound_to("old")), text, NOW) == token()
    with pytest.raises(InvalidToken):
        AuthorizationToken.parse(Signer(master.bound_to("new")), text, NOW)


@given(payload=st.binary(max_size=100), purpose=st.text(st.characters(codec="utf-8"), max_size=20))
def test_what_was_signed_opens(signer: Signer, payload: bytes, purpose: str) -> None:
    """Any payload comes back, and its string fits into a URL as it is."""
    text = signer.sign(purpose, payload)

    assert signer.open(purpose, text) == payload
    assert set(text) <= URL_SAFE


@given(payload=st.binary(max_size=40), data=st.data())
def test_a_flipped_bit_is_refused(signer: Signer, payload: bytes, data: st.DataObject) -> None:
    """Each bit of the string is protected, those of version and key id too."""
    text = signer.sign("one", payload)
    signed = bytearray(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    bit = data.draw(st.integers(0, len(signed) * 8 - 1))

    signed[bit // 8] ^= 1 << bit % 8

    with pytest.raises(InvalidToken):
        signer.open("one", urlsafe_b64encode(signed).rstrip(b"=").decode())


@given(payload=st.binary(max_size=40), data=st.data())
def test_another_character_is_refused(signer: Signer, payload: bytes, data: st.DataObject) -> None:
    """There is one spelling of a signed string, down to the unused bits of its last character."""
    text = signer.sign("one", payload)
    place = data.draw(st.integers(0, len(text) - 1) | st.just(len(text) - 1))
    character = data.draw(st.sampled_from(sorted(URL_SAFE | set("+/=. \nÄ"))).filter(lambda c: c != text[place]))

    with pytest.raises(InvalidToken):
        signer.open("one", text[:place] + character + text[place + 1 :])


@given(text=st.text(max_size=80) | st.text("AQ-_", max_size=80))
def test_a_string_we_did_not_make_is_refused(signer: Signer, text: str) -> None:
    """Whatever comes in, the only answers are a payload we signed and InvalidToken."""
    with pytest.raises(InvalidToken):
        signer.open("one", text)


@pytest.mark.parametrize("added", ["A", "AA", "AAAA", "=", "==", "\n"])
def test_what_is_appended_is_refused(signer: Signer, added: str) -> None:
    """Neither padding nor anything else may follow."""
    with pytest.raises(InvalidToken):
        signer.open("one", signer.sign("one", b"payload") + added)


@given(one=st.text(max_size=10), other=st.text(max_size=10))
def test_purposes_do_not_mix(signer: Signer, one: str, other: str) -> None:
    """A string signed for one purpose is no good for another."""
    one, other = one.encode("utf-8", "replace").decode(), other.encode("utf-8", "replace").decode()

    if one == other:
        assert signer.open(other, signer.sign(one, b"payload")) == b"payload"
    else:
        with pytest.raises(InvalidToken):
            signer.open(other, signer.sign(one, b"payload"))


def test_a_previous_key_still_opens_and_no_longer_signs() -> None:
    """After a rotation old strings are believed, and new ones need the new key."""
    old, new = MasterKey(SECRET), MasterKey(SECRET[::-1])
    before, after = Signer(old), Signer(new, previous=[old])

    assert after.open("one", before.sign("one", b"payload")) == b"payload"
    with pytest.raises(InvalidToken):
        before.open("one", after.sign("one", b"payload"))


def test_a_key_that_was_dropped_opens_nothing() -> None:
    """When the overlap is over, strings of the old key are refused."""
    with pytest.raises(InvalidToken):
        Signer(MasterKey(SECRET[::-1])).open("one", Signer(MasterKey(SECRET)).sign("one", b"payload"))


def test_the_key_id_is_the_same_on_every_replica() -> None:
    """Replicas with the same master key know each other's strings, and another key has another id."""
    assert MasterKey(SECRET).id == MasterKey(bytes(SECRET)).id
    assert MasterKey(SECRET).id != MasterKey(SECRET[::-1]).id
    assert Signer(MasterKey(SECRET)).open("one", Signer(MasterKey(SECRET)).sign("one", b"x")) == b"x"


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_master_key_is_32_bytes(size: int) -> None:
    """A shorter secret is refused rather than stretched."""
    with pytest.raises(ValueError, match="32 bytes"):
        MasterKey(bytes(size))


def test_no_secret_shows() -> None:
    """Neither master key nor signer can leak into a log by their repr."""
    master = MasterKey(SECRET)
    signer = Signer(master)
    signer.sign("one", b"payload")

    for shown in (repr(master), repr(signer), str(master), str(signer)):
        assert repr(SECRET)[2:-1] not in shown
        assert SECRET.hex() not in shown
    assert master.id.hex() in repr(signer)


def test_an_authorization_token_comes_back(signer: Signer) -> None:
    """What GetAuthorizationToken hands out holds principal, account, region, key and end."""
    assert AuthorizationToken.parse(signer, token().issue(signer), NOW) == token()


def test_a_download_ticket_comes_back(signer: Signer) -> None:
    """What a download URL carries names registry, repository and layer."""
    assert DownloadTicket.parse(signer, ticket().issue(signer), NOW) == ticket()


@pytest.mark.parametrize("expiring", [token(NOW), ticket(NOW)])
def test_a_token_lasts_until_its_end_and_no_longer(
    signer: Signer, expiring: AuthorizationToken | DownloadTicket
) -> None:
    """At the microsecond of its end it is over."""
    text = expiring.issue(signer)

    assert type(expiring).parse(signer, text, NOW - 1) == expiring
    with pytest.raises(TokenExpired) as refused:
        type(expiring).parse(signer, text, NOW)
    assert refused.value.message == "Your authorization token has expired. Reauthenticate and try again."


def test_a_ticket_is_no_token(signer: Signer) -> None:
    """A download URL gives no leave to log in, and a token none to download."""
    with pytest.raises(InvalidToken):
        AuthorizationToken.parse(signer, ticket().issue(signer), NOW)
    with pytest.raises(InvalidToken):
        DownloadTicket.parse(signer, token().issue(signer), NOW)


def test_a_token_with_other_fields_is_refused(signer: Signer) -> None:
    """A well-signed payload of an unknown make is refused, not guessed at."""
    with pytest.raises(InvalidToken):
        AuthorizationToken.parse(signer, signer.sign("authorization token", b"\x91\x01"), NOW)


AFTER = st.lists(st.text(max_size=10) | st.integers(-(2**63), 2**63 - 1) | st.none(), max_size=4).map(tuple)
FILTERS = {"account": "000000000000", "repository": "team/app", "tagStatus": "TAGGED"}


@given(after=AFTER)
def test_a_page_token_says_where_to_go_on(signer: Signer, after: tuple[str | int | None, ...]) -> None:
    """The sort key of the last row comes back with the next request."""
    text = PageToken.of("ListImages", FILTERS, after).issue(signer)

    assert PageToken.parse(signer, text, "ListImages", dict(reversed(FILTERS.items()))).after == after


@pytest.mark.parametrize(
    ("operation", "filters"),
    [("DescribeImages", FILTERS), ("ListImages", FILTERS | {"repository": "team/web"}), ("ListImages", None)],
)
def test_a_page_token_of_another_request_is_refused(signer: Signer, operation: str, filters: object) -> None:
    """A list cannot be gone on with under another operation or with other filters."""
    text = PageToken.of("ListImages", FILTERS, ("a",)).issue(signer)

    with pytest.raises(InvalidParameter) as refused:
        PageToken.parse(signer, text, operation, filters)

    assert refused.value.parameter == "nextToken"


@pytest.mark.parametrize("text", ["", "x", "a" * 80])
def test_a_page_token_we_did_not_make_is_an_invalid_parameter(signer: Signer, text: str) -> None:
    """The answer names the parameter, as for every other one that is wrong."""
    with pytest.raises(InvalidParameter) as refused:
        PageToken.parse(signer, text, "ListImages", FILTERS)

    assert refused.value.message == (
        "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'"
    )
