"""Answers of the AWS Query protocol: XML.

A value is a text, a number, true or false, a list of values, a mapping of an element's name to its value, or
``Entries`` where the model has a map. A member that is None is left out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

CONTENT_TYPE = "text/xml"

#: What XML 1.0 has no way to write (section 2.2, Char).
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})


@dataclass(frozen=True, slots=True)
class Entries:
    """A map of the model, which is written as a list of keys and values."""

    values: "Mapping[str, Value]"


Value: TypeAlias = "str | int | bool | Entries | Sequence[Value] | Mapping[str, Value] | None"
Result: TypeAlias = Mapping[str, Value]


def encode_result(namespace: str, action: str, result: Result | None, request_id: str) -> bytes:
    """The body of an answer; ``result`` is None for the operations that have no output."""
    answer: dict[str, Value] = {} if result is None else {f"{action}Result": result}
    answer["ResponseMetadata"] = {"RequestId": request_id}
    return _document(namespace, f"{action}Response", answer)


def encode_error(namespace: str, code: str, message: str, *, is_senders: bool, request_id: str) -> bytes:
    """The body of an error; ``is_senders`` tells whose fault it is."""
    error = {"Type": "Sender" if is_senders else "Receiver", "Code": code, "Message": message}
    return _document(namespace, "ErrorResponse", {"Error": error, "RequestId": request_id})


def _document(namespace: str, name: str, value: Value) -> bytes:
    return f'<{name} xmlns="{namespace}">{"".join(_content(value))}</{name}>'.encode()


def _element(name: str, value: Value) -> Iterator[str]:
    yield f"<{name}>"
    yield from _content(value)
    yield f"</{name}>"


def _content(value: Value) -> Iterator[str]:
    match value:
        case Entries(values):
            for key, one in values.items():
                yield from _element("entry", {"key": key, "value": one})
        case Mapping():
            for name, one in value.items():
                if one is not None:
                    yield from _element(name, one)
        case bool():
            yield str(value).lower()
        case str():
            yield _UNWRITABLE.sub("\ufffd", value).translate(_ESCAPES)
        case Sequence():
            for one in value:
                yield from _element("member", one)
        case _:
            yield str(value)
