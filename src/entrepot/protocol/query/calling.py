"""The AWS Query protocol from the side that calls: forms out, XML in. ``form`` and ``xml`` are the other side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias, TypeVar
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import msgspec
from msgspec import inspect

from entrepot.core.errors import EntrepotError

#: What a member of a request may be; one that is None is left out.
Member: TypeAlias = "str | int | bool | Sequence[Member] | Mapping[str, Member] | None"

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(eq=False)
class UnreadableAnswer(EntrepotError):
    """An answer that is not of this protocol, or not as the caller knows the operation."""

    reason: str

    template: ClassVar[str] = "{reason}"


def write_form(action: str, version: str, members: Mapping[str, Member]) -> bytes:
    """The body of a request; bytes of a command line that are no UTF-8 are left for the other side to refuse."""
    parameters = [("Action", action), ("Version", version), *_parameters("", members)]
    return urlencode(parameters, errors="surrogateescape").encode()


def read_result(body: bytes, action: str, shape: type[T]) -> T:
    """The output of an operation, which ``shape`` describes; members that it does not have are ignored.

    Raises UnreadableAnswer.
    """
    root = _parse(body)
    if _name(root) != f"{action}Response":
        raise UnreadableAnswer(f"the answer is a {_name(root)}, and not a {action}Response")
    result = root.find(f"{{*}}{action}Result")
    value: object = {} if result is None else _value(inspect.type_info(shape), result)
    try:
        return msgspec.convert(value, shape, strict=False)
    except msgspec.ValidationError as error:
        raise UnreadableAnswer(f"the answer to {action} lacks something: {error}") from error


def read_error(body: bytes) -> tuple[str, str]:
    """Code and message of an answer that refuses; raises UnreadableAnswer."""
    error = _parse(body).find("{*}Error")
    if error is None:
        raise UnreadableAnswer("the answer is no error")
    return error.findtext("{*}Code", ""), error.findtext("{*}Message", "")


def _parameters(name: str, member: Member) -> Iterator[tuple[str, str]]:
    """A member as the parameters that its parts are, named by their paths."""
    prefix = f"{name}." if name else ""
    match member:
        case None:
            return
        case bool():
            yield name, str(member).lower()
        case str() | int():
            yield name, str(member)
        case Mapping():
            for key, value in member.items():
                yield from _parameters(prefix + key, value)
        case _ if not member:
            yield name, ""
        case _:
            for number, value in enumerate(member, 1):
                yield from _parameters(f"{prefix}member.{number}", value)


def _parse(body: bytes) -> ET.Element:
    if b"<!DOCTYPE" in body:
        raise UnreadableAnswer("the answer has a document type, which this protocol never has")
    try:
        return ET.fromstring(body)  # noqa: S314 (there are no entities without a document type)
    except ET.ParseError as error:
        raise UnreadableAnswer(f"the answer is not XML: {error}") from error


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _value(kind: inspect.Type, element: ET.Element) -> object:
    """An element as its type wants it: what msgspec converts, and judges."""
    match kind:
        case inspect.UnionType(types=types):
            wanted = next(one for one in types if not isinstance(one, inspect.NoneType))
            return _value(wanted, element)
        case inspect.StructType(fields=fields):
            kinds = {field.encode_name: field.type for field in fields}
            return {_name(one): _value(kinds[_name(one)], one) for one in element if _name(one) in kinds}
        case inspect.ListType(item_type=item_type):
            return [_value(item_type, one) for one in element]
        case _:
            return element.text or ""
