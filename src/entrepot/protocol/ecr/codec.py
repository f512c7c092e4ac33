"""ECR's requests and answers as bytes: AWS JSON 1.1.

One fast pass decodes and validates by the types in ``shapes``. Only when it refuses is the body
read a second time, slowly, to say what is wrong in AWS's words (``refusal``).
"""

from collections.abc import Mapping
from functools import cache

import msgspec

from entrepot.protocol.ecr.operation import Operation
from entrepot.protocol.ecr.refusal import UNREADABLE, explain


def decode(operation: Operation, body: bytes) -> msgspec.Struct:
    """The input of an operation, an instance of ``operation.input``; an empty body is ``{}``.

    Unknown members are ignored, a null member is an absent one; of a member that is sent twice the last counts,
    and each has to be valid. Raises SerializationError, InvalidParameter or ValidationError, whichever the
    operation answers with.
    """
    body = body or b"{}"
    try:
        return _decoder(operation.input).decode(body)
    except UNREADABLE as error:
        raise explain(operation, body) from error


def encode(response: msgspec.Struct) -> bytes:
    """The body of an answer; members that are None are left out, empty lists are not."""
    return msgspec.json.encode(response)


def encode_error(code: str, message: str | None, members: Mapping[str, object]) -> bytes:
    """The body of an error: its code, its message if it has one, and its own members by wire name."""
    body: dict[str, object] = {"__type": code}
    if message is not None:
        body["message"] = message
    return msgspec.json.encode(body | dict(members))


@cache
def _decoder(shape: type[msgspec.Struct]) -> msgspec.json.Decoder[msgspec.Struct]:
    return msgspec.json.Decoder(shape)
