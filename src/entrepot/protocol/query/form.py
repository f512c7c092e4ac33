"""Requests of the AWS Query protocol: a form whose names are paths, such as ``Tags.member.1.Key``.

Strict: what could be read in two ways is refused. A name that the input does not have is ignored, as at AWS.
"""

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import inspect

from entrepot.protocol.ecr.refusal import violations
from entrepot.protocol.query.errors import (
    InvalidParameterValue,
    MalformedQueryString,
    MissingAction,
    ValidationError,
)

#: The type of a request's body.
CONTENT_TYPE = "application/x-www-form-urlencoded"
MAX_PARAMETERS = 1000

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}(\.[A-Za-z0-9_-]{1,128}){0,7}")
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_BOOLEANS = {"true": True, "false": False}

#: A value, or what is below a part of a name.
Node: TypeAlias = "str | dict[str, Node]"

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Form:
    """One request: its action, the version of the API that it is meant for ('' if none is said), its members."""

    action: str
    version: str
    members: dict[str, Node]


def parse_form(body: bytes) -> Form:
    """Read a body; raises MalformedQueryString, and MissingAction for a form without one."""
    members: dict[str, Node] = {}
    parameters = body.split(b"&") if body else []
    if len(parameters) > MAX_PARAMETERS:
        raise MalformedQueryString(f"The request has more than {MAX_PARAMETERS} parameters")
    for parameter in parameters:
        name, separator, value = parameter.partition(b"=")
        if not separator:
            raise MalformedQueryString("Every parameter must have the form name=value")
        _insert(members, _decoded(name), _decoded(value))
    action, version = members.get("Action"), members.get("Version", "")
    if action is None:
        raise MissingAction
    if not isinstance(action, str) or not isinstance(version, str):
        raise MalformedQueryString("Action and Version must be given once, each with one value")
    return Form(action, version, members)


def read_input(shape: type[T], form: Form) -> T:
    """The input of an operation.

    Raises InvalidParameterValue for a value of the wrong type, ValidationError for one that breaks a constraint.
    """
    value = _value(_type_of(shape), form.members, "")
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        broken = [replace(one, path=_spelled(one.path)) for one in violations(shape, value)]
        raise ValidationError(broken) from error


@cache
def _type_of(shape: type[msgspec.Struct]) -> inspect.Type:
    """What msgspec knows of a shape."""
    return inspect.type_info(shape)


def _decoded(text: bytes) -> str:
    if _BROKEN_ESCAPE.search(text):
        raise MalformedQueryString("A percent sign is not followed by two hexadecimal digits")
    try:
        return unquote_to_bytes(text.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise MalformedQueryString("A parameter is not UTF-8") from None


def _insert(members: dict[str, Node], name: str, value: str) -> None:
    """Put a value where its name leads; raises MalformedQueryString where there is something else."""
    if _NAME.fullmatch(name) is None:
        raise MalformedQueryString(f"'{name[:80]}' is not the name of a parameter")
    *path, last = name.split(".")
    below = members
    for part in path:
        node = below.setdefault(part, {})
        if isinstance(node, str):
            raise MalformedQueryString(f"The parameter {name} contradicts another one")
        below = node
    if last in below:
        raise MalformedQueryString(f"The parameter {name} contradicts another one")
    below[last] = value


def _value(kind: inspect.Type, node: Node, path: str) -> object:
    """A node as its type wants it: what msgspec converts, and judges."""
    match kind:
        case inspect.UnionType(types=types):
            wanted = next(one for one in types if not isinstance(one, inspect.NoneType))
            return _value(wanted, node, path)
        case inspect.StructType(fields=fields):
            return _structure(fields, node, path)
        case inspect.ListType(item_type=item_type):
            return [_value(item_type, item, f"{path}.member.{n}") for n, item in enumerate(_items(node, path), 1)]
        case _:
            return _scalar(kind, node, path)


def _structure(fields: tuple[inspect.Field, ...], node: Node, path: str) -> dict[str, object]:
    if isinstance(node, str):
        raise InvalidParameterValue(path, "a structure")
    prefix = f"{path}." if path else ""
    names = [(field.encode_name, field.type) for field in fields if field.encode_name in node]
    return {name: _value(kind, node[name], prefix + name) for name, kind in names}


def _items(node: Node, path: str) -> list[Node]:
    """The items of a list, which are numbered from 1 without a gap; an empty list is written as an empty value."""
    if not node:
        return []
    members = node.get("member") if isinstance(node, dict) and len(node) == 1 else None
    numbers = [str(number) for number in range(1, len(members) + 1)] if isinstance(members, dict) else []
    if not isinstance(members, dict) or members.keys() != set(numbers):
        raise InvalidParameterValue(path, f"a list: {path}.member.1, {path}.member.2 and so on")
    return [members[number] for number in numbers]


def _scalar(kind: inspect.Type, node: Node, path: str) -> object:
    if not isinstance(node, str):
        raise InvalidParameterValue(path, "a single value")
    if isinstance(kind, inspect.IntType):
        if _INTEGER.fullmatch(node) is None:
            raise InvalidParameterValue(path, "an integer")
        return int(node)
    if isinstance(kind, inspect.BoolType):
        if node not in _BOOLEANS:
            raise InvalidParameterValue(path, "true or false")
        return _BOOLEANS[node]
    return node


def _spelled(path: str) -> str:
    """`PolicyArns.1.member.arn` as messages spell it: `policyArns.1.member.arn`."""
    return ".".join(part[:1].lower() + part[1:] for part in path.split("."))
