"""Conditions (IAM user guide, "IAM JSON policy elements: Condition operators" and the pages on multiple values).

Of several values of a condition one has to fit; for a negated operator none may. A key that is absent fits negated
operators, ``…IfExists`` and ``ForAllValues``, and nothing else. A key of several values fits nothing without a set
operator: the documentation asks for one.
"""

import operator
import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Protocol, TypeVar

from entrepot.core.clock import SECOND
from entrepot.core.policy.patterns import ARN_PARTS, Matcher, Token, arn_matcher, text_matcher
from entrepot.core.policy.variables import ContextKeys, fold, template

T = TypeVar("T")
Network = IPv4Network | IPv6Network

_NAME = re.compile(r"(?:(?P<quantifier>ForAllValues|ForAnyValue):)?(?P<base>[A-Za-z]+?)(?P<if_exists>IfExists)?")
_BOOLEANS = frozenset({"true", "false"})
_NUMBER = re.compile(r"[+-]?[0-9]{1,64}(\.[0-9]{1,64})?([eE][+-]?[0-9]{1,3})?")
_EPOCH = re.compile(r"-?[0-9]{1,12}")
_DATE_FIELDS = ("year", "month", "day", "hour", "minute", "second")
_ZONE = r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?"
_TIME = r"T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(:(?P<second>[0-9]{2})(\.(?P<fraction>[0-9]{1,9}))?)?"
_DATE = re.compile(rf"(?P<year>[0-9]{{4}})(-(?P<month>[0-9]{{2}})(-(?P<day>[0-9]{{2}})({_TIME}{_ZONE})?)?)?")
_COMPACT_DATE = re.compile(
    r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})T(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})"
    r"(?P<fraction>)(?P<zone>Z)"
)
_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CIDR = re.compile(r"[0-9A-Fa-f.:]{2,45}(/[0-9]{1,3})?")
#: Bits of an IPv6 address before the IPv4 address in it.
_MAPPED_PREFIX = 96


class UnreadableValue(ValueError):
    """A value that its operator cannot compare with anything."""


class Quantifier(StrEnum):
    """Which of a key's values have to fit."""

    ALL = "ForAllValues"
    ANY = "ForAnyValue"


class Expected(Protocol):
    """A value of a condition, read by its operator."""

    @property
    def text(self) -> str:
        """As the policy has it."""
        ...

    def matches(self, text: str, keys: ContextKeys, /) -> bool:
        """True when the request's value fits, negation left out."""
        ...

    def resolved(self, keys: ContextKeys, /) -> str | None:
        """As it was compared; None where a variable had no value."""
        ...


Reader = Callable[[str, bool], Expected]


@dataclass(frozen=True, slots=True)
class Operator:
    """A condition operator: ``StringEquals``, ``ForAnyValue:StringNotLikeIfExists`` and so on."""

    name: str
    quantifier: Quantifier | None
    is_negated: bool
    is_if_exists: bool
    _reader: Reader | None = field(repr=False, compare=False)

    @property
    def is_null(self) -> bool:
        """True for the one that asks whether the key is there at all."""
        return self._reader is None

    def read(self, text: str, *, has_variables: bool) -> Expected:
        """A value of the condition; ``has_variables`` for a policy of a version that knows them.

        Raises UnreadableValue or MalformedVariable.
        """
        return (self._reader or _boolean_constant)(text, has_variables)


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of one operator, with the values it is compared with."""

    operator: Operator
    key: str
    expected: tuple[Expected, ...]
    _folded: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_folded", fold(self.key))

    def actual(self, keys: ContextKeys) -> tuple[str, ...] | None:
        """The key's values in the request; None if it is absent."""
        found = keys.get(self._folded)
        return (found,) if isinstance(found, str) else found

    def matches(self, keys: ContextKeys) -> bool:
        """True when the request fits."""
        found = keys.get(self._folded)
        if self.operator.is_null:
            state = "true" if found is None else "false"
            return any(value.matches(state, keys) for value in self.expected)
        if found is None:
            return self._fits_absence()
        if self.operator.quantifier is None:
            return isinstance(found, str) and self._fits(found, keys)
        values = (found,) if isinstance(found, str) else found
        chosen = all if self.operator.quantifier is Quantifier.ALL else any
        # Values that are all empty are no values: "a null data set, such as an empty string".
        return chosen(self._fits(value, keys) for value in values if any(values))

    def _fits_absence(self) -> bool:
        match self.operator.quantifier:
            case Quantifier.ALL:
                return True
            case Quantifier.ANY:
                return self.operator.is_if_exists
            case None:
                return self.operator.is_if_exists or self.operator.is_negated

    def _fits(self, value: str, keys: ContextKeys) -> bool:
        return any(expected.matches(value, keys) for expected in self.expected) != self.operator.is_negated


def find_operator(name: str) -> Operator | None:
    """The operator of this name; None if there is none. Case counts."""
    if name == "Null":
        return Operator(name, None, is_negated=False, is_if_exists=False, _reader=None)
    found = _NAME.fullmatch(name)
    base = _OPERATORS.get(found["base"]) if found is not None else None
    if found is None or base is None:
        return None
    reader, is_negated = base
    quantifier = Quantifier(found["quantifier"]) if found["quantifier"] else None
    return Operator(name, quantifier, is_negated, bool(found["if_exists"]), reader)


@dataclass(frozen=True, slots=True)
class _Constant:
    """A value that no variable can be part of."""

    text: str
    test: Matcher = field(repr=False, compare=False)

    def matches(self, text: str, _keys: ContextKeys, /) -> bool:
        return self.test(text)

    def resolved(self, _keys: ContextKeys, /) -> str | None:
        return self.text


def _string(text: str, has_variables: bool) -> Expected:
    return template(text, text_matcher, wildcards=False, variables=has_variables)


def _string_ignoring_case(text: str, has_variables: bool) -> Expected:
    return template(text, _matcher_ignoring_case, wildcards=False, variables=has_variables)


def _matcher_ignoring_case(tokens: Sequence[Token]) -> Matcher:
    expected = _joined(tokens).lower()
    return lambda text: text.lower() == expected


def _string_like(text: str, has_variables: bool) -> Expected:
    return template(text, text_matcher, wildcards=True, variables=has_variables)


def _arn(text: str, has_variables: bool) -> Expected:
    read = template(text, arn_matcher, wildcards=True, variables=has_variables)
    if not read.has_variables and text != "*" and text.count(":") < ARN_PARTS - 1:
        raise UnreadableValue("an ARN has six parts")
    return read


def _boolean(text: str, has_variables: bool) -> Expected:
    read = template(text, _boolean_matcher, wildcards=False, variables=has_variables)
    return read if read.has_variables else _boolean_constant(text, has_variables)


def _boolean_constant(text: str, _has_variables: bool) -> Expected:
    if text.lower() not in _BOOLEANS:
        raise UnreadableValue("neither true nor false")
    return _Constant(text, _boolean_matcher([text]))


def _boolean_matcher(tokens: Sequence[Token]) -> Matcher:
    expected = _joined(tokens).lower()
    return lambda text: text.lower() == expected and expected in _BOOLEANS


def _joined(tokens: Sequence[Token]) -> str:
    return "".join(token for token in tokens if isinstance(token, str))


def _compared(read: Callable[[str], T | None], holds: Callable[[T, T], bool], what: str) -> Reader:
    """A reader of values that ``read`` understands; what it does not understand in a request fits nothing."""

    def reader(text: str, _has_variables: bool) -> Expected:
        expected = read(text)
        if expected is None:
            raise UnreadableValue(f"not {what}")

        def test(given: str) -> bool:
            actual = read(given)
            return actual is not None and holds(actual, expected)

        return _Constant(text, test)

    return reader


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _bytes(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return None


def _instant(text: str) -> int | None:
    """Microseconds since 1970 of a date of the W3C's profile of ISO 8601, its compact form, or seconds since 1970.

    Four digits are a year. A time without a zone is in UTC.
    """
    found = _DATE.fullmatch(text) or _COMPACT_DATE.fullmatch(text)
    if found is None:
        return int(text) * SECOND if _EPOCH.fullmatch(text) else None
    year, month, day, hour, minute, second = (
        int(found[name] or first) for name, first in zip(_DATE_FIELDS, (1, 1, 1, 0, 0, 0), strict=True)
    )
    try:
        since_1970 = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _1970
    except ValueError:
        return None
    fraction = int((found["fraction"] or "").ljust(6, "0")[:6])
    return since_1970 // _MICROSECOND + fraction - _offset(found["zone"] or "Z")


def _offset(zone: str) -> int:
    """Microseconds that a zone is ahead of UTC."""
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return (-minutes if zone[0] == "-" else minutes) * 60 * SECOND


def _network(text: str) -> Network | None:
    """An address or a range of addresses; IPv4 inside of IPv6 is IPv4."""
    if _CIDR.fullmatch(text) is None:
        return None
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is not None and network.prefixlen >= _MAPPED_PREFIX:
        return IPv4Network((mapped, network.prefixlen - _MAPPED_PREFIX))
    return network


def _is_inside(address: Network, network: Network) -> bool:
    if isinstance(address, IPv4Network):
        return isinstance(network, IPv4Network) and address.subnet_of(network)
    return isinstance(network, IPv6Network) and address.subnet_of(network)


_STRINGS: dict[str, Reader] = {"Equals": _string, "EqualsIgnoreCase": _string_ignoring_case, "Like": _string_like}
_ARNS: dict[str, Reader] = {"Equals": _arn, "Like": _arn}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
_NUMBERS = {name: _compared(_number, holds, "a number") for name, holds in _ORDER.items()}
_DATES = {name: _compared(_instant, holds, "a date") for name, holds in _ORDER.items()}
_ADDRESS = _compared(_network, _is_inside, "an IP address or range")

#: Reader, and whether the operator is negated.
_OPERATORS: dict[str, tuple[Reader, bool]] = {
    **{f"String{name}": (reader, False) for name, reader in _STRINGS.items()},
    **{f"StringNot{name}": (reader, True) for name, reader in _STRINGS.items()},
    **{f"Arn{name}": (reader, False) for name, reader in _ARNS.items()},
    **{f"ArnNot{name}": (reader, True) for name, reader in _ARNS.items()},
    **{f"Numeric{name}": (reader, False) for name, reader in _NUMBERS.items()},
    "NumericNotEquals": (_NUMBERS["Equals"], True),
    **{f"Date{name}": (reader, False) for name, reader in _DATES.items()},
    "DateNotEquals": (_DATES["Equals"], True),
    "Bool": (_boolean, False),
    "BinaryEquals": (_compared(_bytes, operator.eq, "base64"), False),
    "IpAddress": (_ADDRESS, False),
    "NotIpAddress": (_ADDRESS, True),
}
