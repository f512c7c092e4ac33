"""Session tokens say all of a session, and only we can make them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.clock import HOUR
from entrepot.features.identity.sessions import (
    MAX_PACKED_SIZE,
    PackedPolicyTooLarge,
    Session,
    SessionSecrets,
    account_of,
    issue,
    new_access_key_id,
)
from entrepot.protocol.tokens import InvalidToken, MasterKey, Signer, TokenExpired

MASTER = MasterKey(bytes(range(32)))
NOW = 1_800_000_000_000_000


@pytest.fixture(scope="module")
def signer() -> Signer:
    """A signer with one key."""
    return Signer(MASTER)


@pytest.fixture(scope="module")
def secrets() -> SessionSecrets:
    """The secrets that belong to its tokens."""
    return SessionSecrets(MASTER)


def session(**more: object) -> Session:
    """A session of a role."""
    said: dict[str, object] = {
        "access_key_id": "ASIAAAAAAAAAAAAAAAAA",
        "kind": "role",
        "principal_id": "AROAAAAAAAAAAAAAAAAAA",
        "account": "000000000000",
        "issued_at": NOW,
        "expires_at": NOW + HOUR,
        "path": "/team/",
        "name": "deployer",
        "session_name": "me",
        **more,
    }
    return Session(**said)  # type: ignore[arg-type]


def test_a_token_says_all_of_its_session(signer: Signer, secrets: SessionSecrets) -> None:
    """What comes back is what went in."""
    given = session(
        policy='{"Statement": []}',
        policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
        tags={"team": "blue"},
        transitive_tag_keys=("team",),
        source_identity="ann@example.com",
        provider="arn:aws:iam::000000000000:oidc-provider/token.example.com",
        subject="repo:octo/app",
        audience="sts.amazonaws.com",
    )

    credentials = issue(given, signer, secrets)

    assert Session.parse(signer, credentials.session_token, NOW) == given
    assert credentials.access_key_id == given.access_key_id
    assert credentials.expires_at == given.expires_at


def test_a_session_ends(signer: Signer, secrets: SessionSecrets) -> None:
    """At its end."""
    token = issue(session(), signer, secrets).session_token

    assert Session.parse(signer, token, NOW + HOUR - 1)
    with pytest.raises(TokenExpired):
        Session.parse(signer, token, NOW + HOUR)


def test_a_token_of_another_master_is_refused(signer: Signer, secrets: SessionSecrets) -> None:
    """Whoever has another key can make none of ours."""
    foreign = issue(session(), Signer(MasterKey(bytes(32))), secrets).session_token

    with pytest.raises(InvalidToken):
        Session.parse(signer, foreign, NOW)


def test_every_token_has_a_secret_of_its_own(signer: Signer, secrets: SessionSecrets) -> None:
    """Forty characters, the same on every replica, others under another master key, and never shown by accident."""
    one = issue(session(), signer, secrets)
    other = issue(session(issued_at=NOW + 1), signer, secrets)

    assert len(one.secret_access_key) == 40
    assert one.secret_access_key == SessionSecrets(MASTER).secret_of(one.session_token)
    assert one.secret_access_key not in {
        other.secret_access_key,
        SessionSecrets(MasterKey(bytes(32))).secret_of(one.session_token),
    }
    assert one.secret_access_key not in repr(one)
    assert one.session_token not in repr(one)


def test_what_a_session_carries_is_bounded(signer: Signer, secrets: SessionSecrets) -> None:
    """The largest, with all names as long as they may be, still fits into a header."""
    longest = session(
        path=f"/{'p' * 510}/",
        name="n" * 64,
        session_name="s" * 64,
        source_identity="i" * 64,
        policy="x" * (MAX_PACKED_SIZE - 16),
        provider="p" * 300,
        subject="s" * 255,
        audience="a" * 255,
    )

    token = issue(longest, signer, secrets).session_token

    assert len(token) < 7 * 1024
    with pytest.raises(PackedPolicyTooLarge) as refused:
        issue(session(policy="x" * MAX_PACKED_SIZE), signer, secrets)
    assert refused.value.percent == 101


@given(account=st.from_regex(r"[0-9]{12}", fullmatch=True), random=st.binary(min_size=5, max_size=5))
def test_the_account_is_in_the_access_key_id(account: str, random: bytes) -> None:
    """Twenty characters that look as AWS's do."""
    access_key_id = new_access_key_id(account, lambda _size: random.hex())

    assert len(access_key_id) == 20
    assert access_key_id.startswith("ASIA")
    assert access_key_id.isalnum()
    assert account_of(access_key_id) == account


@given(text=st.text(max_size=30) | st.from_regex(r"A[SK]IA[A-Z0-9]{14,18}", fullmatch=True))
def test_any_other_text_has_no_account(text: str) -> None:
    """Or, if it has, one of twelve digits."""
    account = account_of(text)

    assert account is None or (len(account) == 12 and account.isdigit())


def test_a_key_of_a_user_has_no_account() -> None:
    """Only its row knows."""
    assert account_of("AKIAAAAAAAAAAAAAAAAA") is None
    assert account_of("ASIAAAAA") is None
    assert account_of("ASIA7777777777777777") is None
