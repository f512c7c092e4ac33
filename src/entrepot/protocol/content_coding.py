"""Content codings of bodies (RFC 9110, sections 8.4 and 12.5.3)."""

import re

_CODING = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;\s*q\s*=\s*([0-9](?:\.[0-9]{0,3})?)\s*)?")


def accepts_gzip(accept_encoding: str) -> bool:
    """True when an Accept-Encoding names gzip, or ``*``, with a weight that is not zero."""
    weights: dict[str, float] = {}
    for element in accept_encoding.split(","):
        found = _CODING.fullmatch(element)
        if found is not None:
            weights[found[1].lower()] = float(found[2] or 1)
    return weights.get("gzip", weights.get("*", 0)) > 0
