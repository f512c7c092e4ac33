"""Basic credentials (RFC 7617)."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.protocol.basic import parse_basic


@given(st.text().filter(lambda user: ":" not in user), st.text(), st.sampled_from(["Basic", "basic", "BASIC"]))
def test_user_and_password_are_what_was_encoded(user: str, password: str, scheme: str) -> None:
    """The first colon ends the user; the password may have more."""
    parameter = b64encode(f"{user}:{password}".encode()).decode()

    assert parse_basic(f"{scheme} {parameter}") == (user, password)


@given(st.text())
def test_no_header_raises(header: str) -> None:
    """It is anybody's."""
    parse_basic(header)
    parse_basic(f"Basic {header}")


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic ", "Bearer QVdTOng=", "Basic ?", "Basic QVdT", "Basic QVdTOng", "Basic /w=="]
)
def test_anything_else_is_no_credential(header: str) -> None:
    """No scheme, no colon, no base64, no UTF-8."""
    assert parse_basic(header) is None
