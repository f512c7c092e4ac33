"""What a request can be refused with before its operation is reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

from entrepot.core.errors import Invalid

_SHOWN_ITEMS = 10
_SHOWN_LENGTH = 256


@dataclass(eq=False)
class SerializationError(Invalid):
    """The body is no JSON, or a value in it is of another type than the member it is for."""

    reason: str

    code: ClassVar[str] = "SerializationException"
    template = "{reason}"


@dataclass(frozen=True, slots=True)
class Violation:
    """A value that a constraint of the model forbids.

    ``path`` leads to the member (``rules.1.member.region``), ``constraint`` is the rule as ECR
    words it, ``coral`` as the framework does that AWS's newer operations leave validation to.
    """

    path: str
    value: object
    constraint: str
    coral: str

    def __str__(self) -> str:
        return f"Value {_shown(self.value)} at '{self.path}' failed to satisfy constraint: {self.coral}"


@dataclass(eq=False)
class ValidationError(Invalid):
    """Values that constraints of the model forbid, all in one answer (ECR's ValidationException)."""

    violations: Sequence[Violation]

    code: ClassVar[str] = "ValidationException"

    @property
    def message(self) -> str:
        """The sentence that names each of them."""
        count = len(self.violations)
        errors = "1 validation error" if count == 1 else f"{count} validation errors"
        return f"{errors} detected: {'; '.join(map(str, self.violations))}"


def _shown(value: object) -> str:
    """A value as the message repeats it: quoted, and cut to what a reader can use."""
    return "null" if value is None else f"'{_text(value)[:_SHOWN_LENGTH]}'"


def _text(value: object) -> str:
    if isinstance(value, list):
        items = cast("list[object]", value)[:_SHOWN_ITEMS]
        return f"[{', '.join(map(_item_text, items))}]"
    return str(value)


def _item_text(item: object) -> str:
    """An item of a list; what is nested deeper is left out, however deep it goes."""
    return "..." if isinstance(item, list | dict) else str(item)
