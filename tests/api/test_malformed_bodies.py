"""Whatever body is sent to ``POST /``, the fault is never ours, and what is refused has changed nothing.

Requests are signed, and made of what there is, so that they are refused late as well as early.
"""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect
from sqlalchemy import Connection, select
from tests.api.clients import ECR
from tests.api.images import digest_of, image, index, push, upload

from entrepot.fronts.ecr.front import HANDLERS
from entrepot.metadata import tables
from entrepot.protocol.ecr.shapes import OPERATIONS
from entrepot.testing.registry import ACCOUNT_ID, REGION, RunningRegistry

IMAGE, INDEX = image(), index(image())

#: Columns that tell who of several writers of an upload is the last: no client sees them.
FENCES = {"epoch", "touched_at"}
#: What can be answered to any operation, beside its own errors.
BEFORE_THE_OPERATION = {
    "SerializationException",
    "InvalidParameterException",
    "ValidationException",
    "AccessDeniedException",
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
#: Strings that lead further than to a pattern.
KNOWN = [
    "app",
    "missing",
    "v1",
    "ROOT",
    "team",
    ACCOUNT_ID,
    "111111111111",
    REGION,
    f"arn:aws:ecr:{REGION}:{ACCOUNT_ID}:repository/app",
    f"arn:aws:iam::{ACCOUNT_ID}:role/reader",
    "BLOB_MOUNTING",
    "ENABLED",
    IMAGE.digest,
    INDEX.digest,
    digest_of(IMAGE.blobs[0]),
    IMAGE.media_type,
    IMAGE.text,
    INDEX.text,
    IMAGE.text.replace("sha256:", "sha256:0"),
    '{"Version": "2012-10-17", "Statement": []}',
    '{"rules": [{"rulePriority": 1}]}',
    "{",
    "",
    "\0",
    "\N{GRINNING FACE}",
    "a" * 300,
]


def values(kind: inspect.Type, known: Sequence[str]) -> st.SearchStrategy[Any]:
    """JSON values of a type, or nearly so: bounds and patterns are not heeded."""
    match kind:
        case inspect.UnionType(types=types):
            return st.one_of(*(values(one, known) for one in types))
        case inspect.StructType(fields=fields):
            required = {field.encode_name: values(field.type, known) for field in fields if field.required}
            optional = {field.encode_name: values(field.type, known) for field in fields if not field.required}
            return st.fixed_dictionaries(required, optional=optional)
        case inspect.ListType(item_type=item_type):
            return st.lists(values(item_type, known), max_size=3)
        case inspect.StrType():
            return st.sampled_from(known) | st.text(max_size=5)
        case _:
            return scalars(kind)


def scalars(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """JSON values of a type that is no string and holds no other."""
    match kind:
        case inspect.LiteralType(values=allowed):
            return st.sampled_from(allowed)
        case inspect.IntType():
            return st.integers(-1, 30) | st.integers()
        case inspect.BytesType():
            return st.sampled_from(["", "AA==", "AAA", "AP/+", "!"])
        case inspect.NoneType():
            return st.none()
        case _:
            return st.booleans()


@st.composite
def bodies(draw: st.DrawFn, kind: inspect.Type, known: Sequence[str]) -> bytes:
    """A body of an operation: of the right shape, with a member of another, cut and spliced, or no JSON at all."""
    members = draw(values(kind, known))
    fault = draw(st.sampled_from(["none", "member", "splice", "bytes"]))
    if fault == "member" and members:
        members[draw(st.sampled_from(sorted(members)))] = draw(JSON)
    body = json.dumps(members).encode()
    if fault == "splice":
        start, end = sorted((draw(st.integers(0, len(body))), draw(st.integers(0, len(body)))))
        body = body[:start] + draw(st.binary(max_size=4)) + body[end:]
    return draw(st.binary(max_size=50)) if fault == "bytes" else body


def everything(connection: Connection) -> list[list[Any]]:
    """Every row of every table, but for what no client sees."""
    return [
        list(connection.execute(select(*columns).order_by(*table.primary_key)).all())
        for table in tables.metadata.sorted_tables
        for columns in [[column for column in table.c if column.name not in FENCES]]
    ]


@pytest.fixture
async def known(ecr: ECR, repository: str) -> list[str]:
    """What there is in the registry, by names that can be used in requests."""
    await push(ecr, repository, IMAGE, "v1")
    await push(ecr, repository, INDEX, "all")
    return [*KNOWN, await upload(ecr, repository, b"0123456789")]


@pytest.mark.parametrize("operation", sorted(HANDLERS))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_what_is_refused_has_changed_nothing(
    ecr: ECR, registry: RunningRegistry, known: list[str], operation: str, data: st.DataObject
) -> None:
    """And the refusal is one that the service model knows."""
    body = data.draw(bodies(inspect.type_info(OPERATIONS[operation].input), known))
    before = await registry.services.metadata.read(everything)

    answer = await ecr.send(operation, body)

    if answer.status_code != 200:
        assert answer.status_code == 400, answer.text
        assert answer.json()["__type"] in BEFORE_THE_OPERATION | {*OPERATIONS[operation].errors} - {
            "ServerException"
        }
        assert await registry.services.metadata.read(everything) == before
