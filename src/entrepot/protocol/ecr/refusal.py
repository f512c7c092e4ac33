"""Why a body was refused, in the words of AWS.

The types in ``shapes`` are the only source of what is allowed: they are walked by
``msgspec.inspect`` beside the value.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import TypeVar, cast

import msgspec
from msgspec import inspect

from entrepot.core.errors import Invalid, InvalidParameter
from entrepot.protocol.ecr.errors import SerializationError, ValidationError, Violation
from entrepot.protocol.ecr.operation import Operation

#: What msgspec raises for a body it does not accept. Bytes that are no UTF-8 and values nested
#: deeper than the interpreter's stack are not among its own errors.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

#: Declares ValidationException, yet answers in the older form: clients have recorded it.
_OLDER_FORM = frozenset({"PutLifecyclePolicy"})
_MOST_VIOLATIONS = 20

T = TypeVar("T")


def explain(operation: Operation, body: bytes) -> Invalid:
    """The error for a body that the operation's input type refused."""
    try:
        found = violations(operation.input, msgspec.json.decode(body))
    except UNREADABLE:
        return SerializationError("The request body cannot be read as JSON")
    except SerializationError as error:
        return error
    if not found:
        # A member was sent twice, and only the value that does not count was wrong.
        return SerializationError("A member of the request body was sent twice")
    if "ValidationException" in operation.errors and operation.name not in _OLDER_FORM:
        return ValidationError(found)
    return InvalidParameter(found[0].path, found[0].constraint)


def violations(shape: type[msgspec.Struct], value: object) -> list[Violation]:
    """The constraints of a shape that a decoded value breaks, the first of them if there are very many.

    Raises SerializationError where the value is of another type.
    """
    return list(islice(_violations(_type_of(shape), value, ""), _MOST_VIOLATIONS))


@cache
def _type_of(shape: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(shape)


def _violations(kind: inspect.Type, value: object, path: str) -> Iterator[Violation]:
    """Every constraint that the value breaks; raises SerializationError where its type is wrong."""
    if value is None and path:
        if not isinstance(kind, inspect.UnionType):
            yield _violation(path, value, "Member must not be null")
        return
    match kind:
        case inspect.UnionType(types=types):
            wanted = next(one for one in types if not isinstance(one, inspect.NoneType))
            yield from _violations(wanted, value, path)
        case inspect.StructType(fields=fields):
            yield from _in_structure(fields, _structure(value), path)
        case inspect.ListType(item_type=item_type, min_length=low, max_length=high):
            items = _list(value)
            yield from _outside(path, items, "length", len(items), low, high)
            for number, item in enumerate(items, start=1):
                yield from _violations(item_type, item, f"{path}.{number}.member")
        case _:
            yield from _in_scalar(kind, value, path)


def _in_scalar(kind: inspect.Type, value: object, path: str) -> Iterator[Violation]:
    match kind:
        case inspect.StrType(min_length=low, max_length=high, pattern=pattern):
            text = _scalar(value, str, "a String")
            yield from _outside(path, text, "length", len(text), low, high)
            yield from _unmatched(path, text, pattern, high)
        case inspect.LiteralType(values=values):
            if _scalar(value, str, "a String") not in values:
                allowed = ", ".join(map(str, values))
                yield _violation(path, value, f"Member must satisfy enum value set: [{allowed}]")
        case inspect.IntType(ge=low, le=high):
            number = _scalar(value, int, "an Integer")
            yield from _outside(path, number, "value", number, low, high)
        case inspect.BytesType(min_length=low, max_length=high):
            size = _blob_size(_scalar(value, str, "a Blob"))
            yield from _outside(path, value, "length", size, low, high)
        case _:  # BoolType: nothing else is left among the types of what clients send
            _scalar(value, bool, "a Boolean")


def _in_structure(fields: tuple[inspect.Field, ...], members: dict[str, object], path: str) -> Iterator[Violation]:
    for field in fields:
        inner = f"{path}.{field.encode_name}" if path else field.encode_name
        yield from _violations(field.type, members.get(field.encode_name), inner)


def _outside(
    path: str, value: object, measure: str, size: int, low: int | None, high: int | None
) -> Iterator[Violation]:
    """A length or a value that is too small or too large."""
    if low is not None and size < low:
        yield _violation(path, value, f"Member must have {measure} greater than or equal to {low}")
    if high is not None and size > high:
        yield _violation(path, value, f"Member must have {measure} less than or equal to {high}")


def _unmatched(path: str, text: str, pattern: str | None, longest: int | None) -> Iterator[Violation]:
    """A text that breaks its pattern; one that is too long anyway is not searched."""
    too_long = longest is not None and len(text) > longest
    if pattern is None or too_long or re.search(pattern, text):
        return
    shown = pattern.removeprefix(r"\A(?a:").removesuffix(r")\Z")
    yield Violation(
        path,
        text,
        constraint=f"must satisfy regular expression '{shown}'",
        coral=f"Member must satisfy regular expression pattern: {shown}",
    )


def _violation(path: str, value: object, constraint: str) -> Violation:
    return Violation(path, value, constraint, coral=constraint)


def _structure(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise SerializationError(_opening(value) or "Expected structure or null")
    return cast("dict[str, object]", value)


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise SerializationError(_opening(value) or "Expected list or null")
    return cast("list[object]", value)


def _scalar(value: object, wanted: type[T], description: str) -> T:
    """The value, if it is of the JSON type wanted (true and false are no numbers)."""
    if type(value) is not wanted:
        raise SerializationError(_opening(value) or f"{_token(value)} can not be converted to {description}")
    return cast("T", value)


def _opening(value: object) -> str | None:
    """What is said of a list or structure in a place for something else."""
    if isinstance(value, dict):
        return "Start of structure or map found where not expected"
    if isinstance(value, list):
        return "Start of list found where not expected"
    return None


def _token(value: object) -> str:
    """The name of a JSON value's kind."""
    if isinstance(value, bool):
        return f"{str(value).upper()}_VALUE"
    if isinstance(value, str):
        return "STRING_VALUE"
    return "NUMBER_VALUE"


def _blob_size(text: str) -> int:
    """How many bytes a blob holds."""
    try:
        return len(msgspec.convert(text, bytes))
    except msgspec.ValidationError as error:
        raise SerializationError("Invalid base64 encoded string") from error
