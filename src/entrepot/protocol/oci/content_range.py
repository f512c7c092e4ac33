"""The Content-Range of an upload's chunk (OCI distribution spec 1.1, "Pushing a blob in chunks")."""

import re
from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import Invalid

_GRAMMAR = re.compile(r"(?:bytes[ =])?([0-9]{1,18})-([0-9]{1,18})(?:/(?:[0-9]+|\*))?")


@dataclass(eq=False)
class InvalidContentRange(Invalid):
    """A Content-Range that is none, or that runs backwards."""

    text: str

    template: ClassVar[str] = "The Content-Range '{text}' is not of the form START-END"


def parse_content_range(text: str) -> tuple[int, int]:
    """First and last byte of ``START-END``, both inclusive; raises InvalidContentRange.

    The spec's form has neither unit nor length; RFC 9110's form with both is understood too.
    """
    found = _GRAMMAR.fullmatch(text.strip())
    if found is None or int(found[2]) < int(found[1]):
        raise InvalidContentRange(text[:100])
    return int(found[1]), int(found[2])
