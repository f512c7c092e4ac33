"""Policy documents (IAM user guide, "Grammar of the IAM JSON policy language").

A document is read as a whole or refused as a whole, with the place that is wrong, so nothing that cannot be
understood is ever decided upon. Where readers could differ it is refused too: an element given twice, keys of a
condition that differ in case alone, values that their operator cannot compare with anything.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import TypeVar, cast

from entrepot.core.errors import Invalid
from entrepot.core.policy.conditions import Condition, Expected, Operator, UnreadableValue, find_operator
from entrepot.core.policy.elements import (
    ANYTHING,
    ActionElement,
    ResourceElement,
    is_resource,
    resource_template,
    service_of,
)
from entrepot.core.policy.patterns import text_matcher, tokens_of
from entrepot.core.policy.principals import EVERYBODY, TYPES_OF_PRINCIPALS, PrincipalElement, is_principal
from entrepot.core.policy.variables import MalformedVariable, Template, fold

T = TypeVar("T")

#: IAM's bound on the text of any policy document (service model: policyDocumentType), in characters.
MAX_LENGTH = 131_072
#: ECR's bound on repository and registry policies (service model), in characters.
MAX_RESOURCE_POLICY_LENGTH = 10_240
#: IAM's quotas, in characters without white space ("IAM and AWS STS quotas").
MAX_MANAGED_POLICY_LENGTH = 6_144
MAX_USER_POLICIES_LENGTH = 2_048
MAX_ROLE_POLICIES_LENGTH = 10_240
MAX_TRUST_POLICY_LENGTH = 2_048
MAX_SESSION_POLICY_LENGTH = 2_048

#: The version without variables; what a document without a version has.
OLD_VERSION = "2008-10-17"
VERSION = "2012-10-17"

_DOCUMENT = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset({"Sid", "Effect", "Action", "NotAction", "Condition"})
_SID = re.compile(r"[A-Za-z0-9]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_KEY = re.compile(r"[A-Za-z0-9._-]+(/[^:]*)?:.+", re.DOTALL)
_TRUST_ACTIONS = tuple(
    f"sts:{name}"
    for name in (
        "assumerole",
        "assumerolewithsaml",
        "assumerolewithwebidentity",
        "setcontext",
        "setsourceidentity",
        "tagsession",
    )
)
#: Characters of a name that a place shows.
_SHOWN = 64
#: Characters of a number outside of quotation marks.
_LONGEST_NUMBER = 64


@dataclass(eq=False)
class MalformedPolicy(Invalid):
    """A document that breaks the grammar. ``place`` is a path such as ``Statement[1].Condition.StringEqualz``."""

    place: str
    reason: str

    template = "{place}: {reason}"


class PolicyKind(StrEnum):
    """What a document is for, which decides what its statements have."""

    IDENTITY = "identity"
    REPOSITORY = "repository"
    REGISTRY = "registry"
    TRUST = "trust"


class Effect(StrEnum):
    """What a statement does to a request that it applies to."""

    ALLOW = "Allow"
    DENY = "Deny"


_EFFECTS = frozenset(Effect)
_ELEMENTS_OF_KIND: Mapping[PolicyKind, AbstractSet[str]] = {
    PolicyKind.IDENTITY: {"Resource", "NotResource"},
    PolicyKind.REPOSITORY: {"Principal", "NotPrincipal"},
    PolicyKind.REGISTRY: {"Principal", "NotPrincipal", "Resource", "NotResource"},
    PolicyKind.TRUST: {"Principal"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement; ``index`` counts from 0. Of an element and its Not… form at most one is set."""

    index: int
    sid: str | None
    effect: Effect
    principals: PrincipalElement | None
    not_principals: PrincipalElement | None
    actions: ActionElement | None
    not_actions: ActionElement | None
    resources: ResourceElement | None
    not_resources: ResourceElement | None
    conditions: tuple[Condition, ...]

    def covers(self, action: str) -> bool:
        """True when the statement is about the action, given in lower case."""
        if self.actions is not None:
            return self.actions.matches(action)
        return self.not_actions is not None and not self.not_actions.matches(action)


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A policy, as read."""

    version: str
    id: str | None
    statements: tuple[Statement, ...]
    _by_name: Mapping[str, tuple[Statement, ...]] = field(init=False, repr=False, compare=False)
    _others: tuple[Statement, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name: dict[str, list[Statement]] = {}
        others: list[Statement] = []
        for statement in self.statements:
            if statement.actions is None or statement.actions.has_patterns:
                others.append(statement)
                continue
            for name in statement.actions.names:
                by_name.setdefault(name, []).append(statement)
        object.__setattr__(self, "_by_name", {name: tuple(found) for name, found in by_name.items()})
        object.__setattr__(self, "_others", tuple(others))

    def statements_about(self, action: str) -> tuple[Statement, ...]:
        """The statements that cover an action, given in lower case."""
        named = self._by_name.get(action, ())
        return (*named, *(s for s in self._others if s.covers(action))) if self._others else named


def length_without_whitespace(text: str) -> int:
    """The length that IAM's quotas count."""
    return len(text) - sum(text.count(space) for space in " \t\r\n")


def parse_policy(text: str, kind: PolicyKind, *, limit: int | None = None) -> PolicyDocument:
    """Read a document; ``limit`` is the most characters without white space. Raises MalformedPolicy."""
    most = MAX_RESOURCE_POLICY_LENGTH if kind in {PolicyKind.REPOSITORY, PolicyKind.REGISTRY} else MAX_LENGTH
    if len(text) > most or (limit is not None and length_without_whitespace(text) > limit):
        raise MalformedPolicy("Document", "too long")
    return _Reader(kind).document(_load(text))


def _load(text: str) -> object:
    try:
        return cast("object", _DECODER.decode(text))
    except (ValueError, RecursionError):
        raise MalformedPolicy("Document", "not JSON") from None


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


class _Object(dict[str, object]):
    """The members of an object; ``repeated`` is the first name that was there before."""

    def __init__(self, members: list[tuple[str, object]]) -> None:
        super().__init__(members)
        seen: set[str] = set()
        self.repeated = next((name for name, _ in members if name in seen or seen.add(name)), None)


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Object, parse_int=_Number, parse_float=_Number, parse_constant=_refuse_constant
)


class _Reader:
    """Reads documents of one kind."""

    def __init__(self, kind: PolicyKind) -> None:
        self._kind = kind
        self._has_variables = False
        self._sids: set[str] = set()

    def document(self, value: object) -> PolicyDocument:
        members = _members(value, "Document", _DOCUMENT)
        version = _text(members.get("Version", OLD_VERSION), "Version")
        if version not in {OLD_VERSION, VERSION}:
            raise MalformedPolicy("Version", f"neither {VERSION} nor {OLD_VERSION}")
        self._has_variables = version == VERSION
        id_ = _text(members["Id"], "Id") if "Id" in members else None
        statements = _listed(_required(members, "Statement", "Document"), "Statement")
        read = tuple(self._statement(index, each, place) for index, (place, each) in enumerate(statements))
        return PolicyDocument(version, id_, read)

    def _statement(self, index: int, value: object, place: str) -> Statement:
        members = _members(value, place, _STATEMENT | _ELEMENTS_OF_KIND[self._kind])
        effect = _text(_required(members, "Effect", place), f"{place}.Effect")
        if effect not in _EFFECTS:
            raise MalformedPolicy(f"{place}.Effect", "neither Allow nor Deny")
        sid = self._sid(members, place) if "Sid" in members else None
        principals, not_principals = self._either(members, "Principal", place, self._principals)
        actions, not_actions = self._either(members, "Action", place, self._actions)
        resources, not_resources = self._either(members, "Resource", place, self._resources)
        if not_principals is not None and effect != Effect.DENY:
            raise MalformedPolicy(f"{place}.NotPrincipal", "only with the effect Deny")
        return Statement(
            index=index,
            sid=sid,
            effect=Effect(effect),
            principals=principals,
            not_principals=not_principals,
            actions=actions,
            not_actions=not_actions,
            resources=resources,
            not_resources=not_resources,
            conditions=tuple(self._conditions(members.get("Condition", _Object([])), f"{place}.Condition")),
        )

    def _either(
        self, members: Mapping[str, object], name: str, place: str, read: Callable[[object, str], T]
    ) -> tuple[T | None, T | None]:
        """An element or its Not… form: one of them is there, if the kind has the element at all."""
        found = [each for each in (name, f"Not{name}") if each in members]
        if name != "Action" and name not in _ELEMENTS_OF_KIND[self._kind]:
            return None, None
        if len(found) != 1:
            raise MalformedPolicy(place, f"exactly one of {name} and Not{name} is needed")
        value = read(members[found[0]], f"{place}.{found[0]}")
        return (value, None) if found[0] == name else (None, value)

    def _sid(self, members: Mapping[str, object], place: str) -> str:
        """IAM's own policies have plain statement ids, none of them twice; a registry's may be sentences."""
        sid = _text(members["Sid"], f"{place}.Sid")
        if self._kind in {PolicyKind.IDENTITY, PolicyKind.TRUST} and sid:
            if _SID.fullmatch(sid) is None:
                raise MalformedPolicy(f"{place}.Sid", "only letters and digits of ASCII")
            if sid in self._sids:
                raise MalformedPolicy(f"{place}.Sid", "statement ids are unique")
        self._sids.add(sid)
        return sid

    def _principals(self, value: object, place: str) -> PrincipalElement:
        if value == EVERYBODY:
            return PrincipalElement({"AWS": (EVERYBODY,)})
        members = _members(value, place, TYPES_OF_PRINCIPALS)
        if not members:
            raise MalformedPolicy(place, "names nobody")
        names = {type_: tuple(_texts(given, f"{place}.{type_}")) for type_, given in members.items()}
        for type_, found in names.items():
            for each_place, name in found:
                if not is_principal(type_, name):
                    raise MalformedPolicy(each_place, "names no principal")
        return PrincipalElement({type_: tuple(name for _, name in found) for type_, found in names.items()})

    def _actions(self, value: object, place: str) -> ActionElement:
        found = list(_texts(value, place))
        for each_place, action in found:
            if not self._is_action(action):
                raise MalformedPolicy(each_place, "names no action of such a policy")
        return ActionElement(tuple(action for _, action in found))

    def _is_action(self, action: str) -> bool:
        service = service_of(action)
        match self._kind:
            case PolicyKind.IDENTITY:
                return service is not None
            case PolicyKind.REPOSITORY | PolicyKind.REGISTRY:
                return service in {ANYTHING, "ecr"}
            case PolicyKind.TRUST:
                fits = text_matcher(tokens_of(action.lower()))
                return service in {ANYTHING, "sts"} and any(fits(name) for name in _TRUST_ACTIONS)

    def _resources(self, value: object, place: str) -> ResourceElement:
        templates: list[Template] = []
        for each_place, resource in _texts(value, place):
            if not is_resource(resource):
                raise MalformedPolicy(each_place, "neither an ARN nor *")
            try:
                templates.append(resource_template(resource, has_variables=self._has_variables))
            except MalformedVariable:
                raise MalformedPolicy(each_place, "not a policy variable") from None
        return ResourceElement(tuple(templates))

    def _conditions(self, value: object, place: str) -> Iterator[Condition]:
        for name, keys in _members(value, place).items():
            here = f"{place}.{_shown(name)}"
            operator = find_operator(name)
            if operator is None:
                raise MalformedPolicy(here, "no condition operator")
            members = _members(keys, here)
            if not members or len({fold(key) for key in members}) < len(members):
                raise MalformedPolicy(here, "a condition key is missing, or there twice")
            for key, values in members.items():
                if _KEY.fullmatch(key) is None:
                    raise MalformedPolicy(f"{here}.{_shown(key)}", "no condition key")
                yield Condition(operator, key, self._expected(operator, values, f"{here}.{_shown(key)}"))

    def _expected(self, operator: Operator, values: object, place: str) -> tuple[Expected, ...]:
        expected: list[Expected] = []
        for each_place, value in _listed(values, place):
            try:
                expected.append(operator.read(_scalar(value, each_place), has_variables=self._has_variables))
            except UnreadableValue as unreadable:
                raise MalformedPolicy(each_place, str(unreadable)) from None
            except MalformedVariable:
                raise MalformedPolicy(each_place, "not a policy variable") from None
        return tuple(expected)


def _members(value: object, place: str, allowed: AbstractSet[str] | None = None) -> _Object:
    if not isinstance(value, _Object):
        raise MalformedPolicy(place, "not an object")
    if value.repeated is not None:
        raise MalformedPolicy(f"{place}.{_shown(value.repeated)}", "given twice")
    for name in value:
        if _CONTROL.search(name) or (allowed is not None and name not in allowed):
            raise MalformedPolicy(f"{place}.{_shown(name)}", "no such element")
    return value


def _required(members: Mapping[str, object], name: str, place: str) -> object:
    if name not in members:
        raise MalformedPolicy(place, f"{name} is missing")
    return members[name]


def _listed(value: object, place: str) -> list[tuple[str, object]]:
    """One thing, or a list of at least one, each with its place."""
    if not isinstance(value, list):
        return [(place, value)]
    if not value:
        raise MalformedPolicy(place, "an empty list")
    return [(f"{place}[{index}]", each) for index, each in enumerate(cast("list[object]", value))]


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    for each_place, each in _listed(value, place):
        yield each_place, _text(each, each_place)


def _text(value: object, place: str) -> str:
    if not isinstance(value, str) or isinstance(value, _Number):
        raise MalformedPolicy(place, "not a string")
    if _CONTROL.search(value):
        raise MalformedPolicy(place, "a control character or half of a surrogate pair")
    return value


def _scalar(value: object, place: str) -> str:
    """A condition's value as text: booleans and numbers may stand without quotation marks."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, _Number):
        return _text(value, place)
    if len(value) > _LONGEST_NUMBER or not isfinite(float(value)):
        raise MalformedPolicy(place, "a number that nobody can count to")
    return str(value)


def _shown(name: str) -> str:
    """A name out of a document, fit for an error message."""
    return ascii(name)[1:-1][:_SHOWN]
