"""The secrets of access keys at rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.features.identity.access_keys import AccessKeySecrets
from entrepot.features.identity.errors import SealBroken
from entrepot.protocol.tokens import MasterKey

MASTER = MasterKey(b"m" * 32)
SECRETS = AccessKeySecrets(MASTER)
KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@given(st.text(max_size=64), st.text(max_size=128))
def test_what_was_sealed_for_a_key_is_opened_for_it(key_id: str, secret: str) -> None:
    """Whatever it is, by every process that has the master key."""
    assert AccessKeySecrets(MasterKey(b"m" * 32)).open(key_id, SECRETS.seal(key_id, secret)) == secret


@pytest.mark.parametrize("place", range(12 + len(SECRET) + 16))
def test_a_seal_is_broken_by_any_bit(place: int) -> None:
    """Of the nonce, of the secret, of the tag."""
    sealed = bytearray(SECRETS.seal(KEY_ID, SECRET))
    sealed[place] ^= 1

    with pytest.raises(SealBroken, match=KEY_ID):
        SECRETS.open(KEY_ID, bytes(sealed))


@pytest.mark.parametrize("size", [0, 1, 12, 27, 28])
def test_what_is_cut_short_is_no_secret(size: int) -> None:
    """Not even where nothing is left of it."""
    with pytest.raises(SealBroken):
        SECRETS.open(KEY_ID, SECRETS.seal(KEY_ID, SECRET)[:size])


def test_a_secret_belongs_to_its_key() -> None:
    """Who can write rows cannot give one key the secret of another."""
    with pytest.raises(SealBroken):
        SECRETS.open("AKIAI44QH8DHBEXAMPLE", SECRETS.seal(KEY_ID, SECRET))


def test_a_secret_belongs_to_its_registry() -> None:
    """Another master key opens nothing."""
    with pytest.raises(SealBroken):
        AccessKeySecrets(MasterKey(b"n" * 32)).open(KEY_ID, SECRETS.seal(KEY_ID, SECRET))


def test_equal_secrets_do_not_look_equal() -> None:
    """Each has a nonce of its own."""
    assert SECRETS.seal(KEY_ID, SECRET) != SECRETS.seal(KEY_ID, SECRET)


def test_nothing_shows_the_key() -> None:
    """Neither a log nor a traceback can hold it by accident."""
    assert repr(SECRETS) == "AccessKeySecrets()"
    assert SECRET.encode() not in SECRETS.seal(KEY_ID, SECRET)
