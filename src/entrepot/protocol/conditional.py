"""Conditional requests (RFC 9110, section 13)."""

import re

_ENTITY_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def is_named(etag: str, if_none_match: str) -> bool:
    """True when If-None-Match names a strong entity tag: the client has what it stands for.

    ``*`` names every one. The comparison is the weak one that section 13.1.2 asks for.
    """
    return if_none_match.strip() == "*" or etag in _ENTITY_TAG.findall(if_none_match)
