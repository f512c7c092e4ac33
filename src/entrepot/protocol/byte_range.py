"""The Range of a download (RFC 9110, section 14)."""

import re
from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import Invalid

_SINGLE = re.compile(r"bytes=\s*([0-9]{0,1000})\s*-\s*([0-9]{0,1000})\s*", re.IGNORECASE)


@dataclass(eq=False)
class RangeNotSatisfiable(Invalid):
    """A range that begins beyond the end of what is ``size`` bytes long."""

    size: int

    template: ClassVar[str] = "The requested range lies outside of the {size} bytes of the layer"


@dataclass(frozen=True, slots=True)
class ByteRange:
    """``length`` bytes from ``start``."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        """The value of Content-Range."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def parse_range(text: str, size: int) -> ByteRange | None:
    """The part of ``size`` bytes that a Range header asks for.

    None when it is to be ignored, as RFC 9110 allows: another unit, several ranges, not a range at all. Raises
    RangeNotSatisfiable.
    """
    found = _SINGLE.fullmatch(text.strip())
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        length = min(int(found[2]), size)
        if length == 0:
            raise RangeNotSatisfiable(size)
        return ByteRange(size - length, length)
    start = int(found[1])
    last = min(int(found[2]), size - 1) if found[2] else size - 1
    if found[2] and int(found[2]) < start:
        return None
    if start >= size:
        raise RangeNotSatisfiable(size)
    return ByteRange(start, last - start + 1)
