"""Policy variables and the condition keys they read (IAM user guide, "IAM policy elements: Variables and tags").

``${aws:username}`` stands for the value of a condition key, ``${aws:PrincipalTag/team, 'none'}`` for a default
where the key has no value, ``${*}``, ``${?}`` and ``${$}`` for those characters. What is put in is text: a ``*``
in a user's name is no wildcard. A key of several values has no one value to put in, so it counts as having none.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from entrepot.core.policy.patterns import Matcher, Token, tokens_of

_VARIABLE = re.compile(
    r"\$\{(?:(?P<character>[*?$])|(?P<key>[^${}'\",*?]+)(?:,\s*'(?P<default>[^'{}]*)'\s*)?)\}",
)


class MalformedVariable(ValueError):
    """A ``${`` that begins no variable."""


def fold(key: str) -> str:
    """A condition key as it is compared: ASCII letters lower-case, no others, lest another letter become one."""
    if key.isascii():
        return key.lower()
    return "".join(letter.lower() if letter.isascii() else letter for letter in key)


class ContextKeys:
    """The condition keys of a request, whatever their case; folded when the first one is asked for.

    A key without values is absent. Keys that differ in case alone are one key of several values: a condition on a
    tag matches either spelling, but not both.
    """

    __slots__ = ("_context", "_folded")

    def __init__(self, context: Mapping[str, str | Sequence[str]]) -> None:
        self._context = context
        self._folded: dict[str, str | tuple[str, ...]] | None = None

    def get(self, folded: str) -> str | tuple[str, ...] | None:
        """A string for a key of one value, a tuple for one of several, None for an absent one."""
        if self._folded is None:
            self._folded = _fold_all(self._context)
        return self._folded.get(folded)


def _fold_all(context: Mapping[str, str | Sequence[str]]) -> dict[str, str | tuple[str, ...]]:
    folded: dict[str, str | tuple[str, ...]] = {}
    for key, given in context.items():
        value = given if isinstance(given, str) else tuple(given)
        if value == ():
            continue
        name = fold(key)
        folded[name] = (*_listed(folded[name]), *_listed(value)) if name in folded else value
    return folded


def _listed(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Variable:
    """A place for the value of a condition key."""

    key: str
    default: str | None

    def value(self, keys: ContextKeys) -> str | None:
        """What is put in; None if there is nothing."""
        found = keys.get(self.key)
        return found if isinstance(found, str) else self.default


@dataclass(frozen=True, slots=True)
class Template:
    """A text of a policy with its variables found, and how it is compared.

    ``matcher`` makes a matcher of the tokens that are left once the variables have their values; where there are
    no variables that happens when the policy is read.
    """

    text: str
    parts: tuple[Token | Variable, ...]
    matcher: Callable[[Sequence[Token]], Matcher] = field(repr=False, compare=False)
    _fixed: Matcher | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tokens = [part for part in self.parts if not isinstance(part, Variable)]
        object.__setattr__(self, "_fixed", self.matcher(tokens) if len(tokens) == len(self.parts) else None)

    @property
    def has_variables(self) -> bool:
        """True when what it matches depends on the request's condition keys."""
        return self._fixed is None

    def matches(self, text: str, keys: ContextKeys) -> bool:
        """True when ``text`` fits; nothing fits a variable without a value."""
        if self._fixed is not None:
            return self._fixed(text)
        tokens = self._resolve(keys)
        return tokens is not None and self.matcher(tokens)(text)

    def resolved(self, keys: ContextKeys) -> str | None:
        """The text with the values put in, for people to read; None where one is missing."""
        tokens = self._resolve(keys)
        return None if tokens is None else "".join(t if isinstance(t, str) else t.value for t in tokens)

    def _resolve(self, keys: ContextKeys) -> list[Token] | None:
        tokens: list[Token] = []
        for part in self.parts:
            token = part.value(keys) if isinstance(part, Variable) else part
            if token is None:
                return None
            tokens.append(token)
        return tokens


def template(
    text: str, matcher: Callable[[Sequence[Token]], Matcher], *, wildcards: bool, variables: bool
) -> Template:
    """Read a text; without ``wildcards`` or ``variables`` those characters stand for themselves.

    Raises MalformedVariable.
    """
    parts: list[Token | Variable] = []
    position = 0
    for found in _VARIABLE.finditer(text) if variables else ():
        parts += _literal(text[position : found.start()], wildcards=wildcards, variables=True)
        if found["character"]:
            parts.append(found["character"])
        else:
            parts.append(Variable(fold(found["key"].strip()), found["default"]))
        position = found.end()
    parts += _literal(text[position:], wildcards=wildcards, variables=variables)
    return Template(text, tuple(parts), matcher)


def _literal(text: str, *, wildcards: bool, variables: bool) -> list[Token]:
    if variables and "${" in text:
        raise MalformedVariable
    if wildcards:
        return tokens_of(text)
    return [text] if text else []
