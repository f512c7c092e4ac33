"""What one side writes, the other side reads."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.protocol.query.calling import UnreadableAnswer, read_error, read_result, write_form
from entrepot.protocol.query.form import parse_form, read_input
from entrepot.protocol.query.xml import encode_error, encode_result

NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"


class Part(msgspec.Struct, kw_only=True, rename="pascal"):
    """A structure inside another."""

    key: str
    values: list[str] = []


class Whole(msgspec.Struct, kw_only=True, rename="pascal"):
    """A shape with a member of every sort."""

    text: str
    number: int
    truth: bool
    part: Part | None = None
    parts: list[Part] = []


#: What XML can write; of white space it keeps what is inside.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=20)
PARTS = st.builds(Part, key=TEXTS, values=st.lists(TEXTS, max_size=3))
WHOLES = st.builds(
    Whole,
    text=TEXTS,
    number=st.integers(0, 10**9),
    truth=st.booleans(),
    part=st.none() | PARTS,
    parts=st.lists(PARTS, max_size=3),
)


@given(WHOLES)
def test_a_form_that_is_written_is_read(whole: Whole) -> None:
    """Texts, numbers, truths, structures, lists, empty ones too."""
    members: dict[str, Any] = msgspec.to_builtins(whole)

    form = parse_form(write_form("CreateWhole", "2010-05-08", members))

    assert (form.action, form.version) == ("CreateWhole", "2010-05-08")
    assert read_input(Whole, form) == whole


@given(WHOLES)
def test_an_answer_that_is_written_is_read(whole: Whole) -> None:
    """Into the shape that it was made of; members that the shape does not have are ignored."""
    members: dict[str, Any] = msgspec.to_builtins(whole)
    body = encode_result(NAMESPACE, "GetWhole", {**members, "Unknown": [{"Key": "x"}]}, "id")

    assert read_result(body, "GetWhole", Whole) == whole


@given(code=TEXTS, message=TEXTS)
def test_an_error_that_is_written_is_read(code: str, message: str) -> None:
    """Its code and its message."""
    assert read_error(encode_error(NAMESPACE, code, message, is_senders=True, request_id="id")) == (code, message)


def test_an_operation_without_output_has_no_members() -> None:
    """Its answer has no result to be read."""

    class Nothing(msgspec.Struct):
        pass

    assert read_result(encode_result(NAMESPACE, "DeleteUser", None, "id"), "DeleteUser", Nothing) == Nothing()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "the answer is not XML"),
        (b"", "the answer is not XML"),
        (b"<html></html>", "the answer is a html, and not a GetWholeResponse"),
        (b"<GetWholeResponse/>", "the answer to GetWhole lacks something: .*`Text`"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><GetWholeResponse/>', "the answer has a document type"),
    ],
)
def test_what_is_no_answer_is_refused(body: bytes, reason: str) -> None:
    """With a sentence that says what it is."""
    with pytest.raises(UnreadableAnswer, match=reason):
        read_result(body, "GetWhole", Whole)


def test_an_answer_without_an_error_is_no_refusal() -> None:
    """A proxy may answer with a page of its own."""
    with pytest.raises(UnreadableAnswer, match="the answer is no error"):
        read_error(b"<html></html>")
