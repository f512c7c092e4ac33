"""Accept-Encoding is read as HTTP says."""

import pytest

from entrepot.protocol.content_coding import accepts_gzip


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("br , gzip ; q=0.001", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("*;q=0", False),
        ("xgzip", False),
        ("gzip;q=high", False),
        (";;,", False),
    ],
)
def test_gzip_is_accepted_where_it_is_named_or_anything_is(header: str, accepted: bool) -> None:
    """A weight of zero is a refusal (RFC 9110, section 12.5.3)."""
    assert accepts_gzip(header) == accepted
