"""The root of every error a client can be answered with.

    EntrepotError
    ├── Invalid       the request is wrong in itself; the same request will never succeed
    ├── NotFound      what the request names is not there
    ├── Conflict      the request does not fit the state of what it names
    ├── Denied        the caller may not do this
    ├── LimitReached  a quota, a size or a rate stands in the way
    └── Unavailable   a part of the registry cannot answer now; the request may be repeated

Each feature declares its errors in its own ``errors.py``, next to the rule they protect, as a
dataclass with typed fields and a ``template`` for the message. The fronts translate classes to
status codes and error codes by a table; nobody catches one to rewrite it.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(eq=False)
class EntrepotError(Exception):
    """Anything the registry refuses, with a sentence that names what was wrong."""

    template: ClassVar[str]

    @property
    def message(self) -> str:
        """The sentence for the client: the template filled with the error's fields."""
        return self.template.format_map(self.__dict__)

    def __str__(self) -> str:
        return self.message


class Invalid(EntrepotError):
    """The request is wrong in itself."""


class NotFound(EntrepotError):
    """What the request names is not there."""


class Conflict(EntrepotError):
    """The request does not fit the state of what it names."""


class Denied(EntrepotError):
    """The caller may not do this."""


class LimitReached(EntrepotError):
    """A quota, a size or a rate stands in the way."""


class Unavailable(EntrepotError):
    """A part of the registry cannot answer now."""


@dataclass(eq=False)
class InvalidParameter(Invalid):
    """A parameter breaks a rule (ECR's InvalidParameterException).

    ``parameter`` is the member as the message names it, ``constraint`` the rule in ECR's words.
    """

    parameter: str
    constraint: str

    template = "Invalid parameter at '{parameter}' failed to satisfy constraint: '{constraint}'"
