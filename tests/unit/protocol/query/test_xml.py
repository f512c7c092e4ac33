"""Answers are XML that botocore reads back as it was meant."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from botocore.model import Shape
from botocore.parsers import create_parser
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.clock import iso_time
from entrepot.protocol.query.xml import Entries, Result, encode_error, encode_result

STS = "https://sts.amazonaws.com/doc/2011-06-15/"
IAM = "https://iam.amazonaws.com/doc/2010-05-08/"
REQUEST_ID = "0b1c7e52-9d1c-4b76-8a8e-6a7c0d0e3f11"

#: What XML can hold; for the rest see the last test.
WRITABLE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufffe\uffff"))


def read(body: bytes, status: int, shape: Shape | None) -> dict[str, Any]:
    """What botocore makes of a body."""
    answer: dict[str, Any] = {"status_code": status, "headers": {}, "body": body}
    return create_parser("query").parse(answer, shape)  # pyright: ignore[reportArgumentType] (None is allowed)


def parsed(service: str, action: str, result: Result | None) -> dict[str, Any]:
    """What botocore makes of an answer."""
    model = get_session().get_service_model(service).operation_model(action)
    body = encode_result(STS if service == "sts" else IAM, action, result, REQUEST_ID)
    answer = read(body, 200, model.output_shape)
    assert answer.pop("ResponseMetadata")["RequestId"] == REQUEST_ID
    return answer


def test_an_answer_is_wrapped_as_the_model_says() -> None:
    """Result and metadata, in the namespace of the service."""
    body = encode_result(STS, "GetCallerIdentity", {"Account": "000000000000", "Arn": None}, REQUEST_ID)

    assert body.decode() == (
        f'<GetCallerIdentityResponse xmlns="{STS}"><GetCallerIdentityResult><Account>000000000000</Account>'
        f"</GetCallerIdentityResult><ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>"
        "</GetCallerIdentityResponse>"
    )


def test_lists_numbers_booleans_and_times_are_read() -> None:
    """Of an operation that has all of them."""
    answer = parsed(
        "iam",
        "ListPolicies",
        {
            "Policies": [
                {"PolicyName": "a", "AttachmentCount": 0, "CreateDate": iso_time(1_767_225_600_999_999)},
                {"PolicyName": "b", "IsAttachable": False},
            ],
            "IsTruncated": True,
        },
    )

    first, second = answer["Policies"]
    assert answer["IsTruncated"] is True
    assert first["AttachmentCount"] == 0
    assert first["CreateDate"].isoformat() == "2026-01-01T00:00:00+00:00"
    assert second == {"PolicyName": "b", "IsAttachable": False}


def test_an_empty_list_is_an_empty_list() -> None:
    """It is sent, not omitted."""
    assert parsed("iam", "ListUsers", {"Users": [], "IsTruncated": False}) == {"Users": [], "IsTruncated": False}


def test_a_map_is_a_list_of_entries() -> None:
    """As the model's maps are written."""
    answer = parsed("iam", "GetAccountSummary", {"SummaryMap": Entries({"Users": 2, "Roles": 0})})

    assert answer == {"SummaryMap": {"Users": 2, "Roles": 0}}


def test_an_operation_without_output_has_metadata_alone() -> None:
    """There is no result element."""
    assert parsed("iam", "DeleteUser", None) == {}


@pytest.mark.parametrize(("is_senders", "kind"), [(True, "Sender"), (False, "Receiver")])
def test_an_error_is_read(is_senders: bool, kind: str) -> None:
    """Its code, its message, whose fault it is, and the request."""
    body = encode_error(IAM, "NoSuchEntity", "No <user> & no role", is_senders=is_senders, request_id=REQUEST_ID)

    error = read(body, 404, None)

    assert error["Error"] == {"Type": kind, "Code": "NoSuchEntity", "Message": "No <user> & no role"}
    assert error["ResponseMetadata"]["RequestId"] == REQUEST_ID


@given(text=WRITABLE | st.text("<>&\"'\r\n\t ]]>"))
def test_any_text_comes_back(text: str) -> None:
    """Markup, quotes, line ends and any script."""
    assert parsed("iam", "GetUser", {"User": {"UserName": text}})["User"]["UserName"] == text


@given(text=st.text(st.characters()))
def test_what_xml_cannot_hold_is_replaced(text: str) -> None:
    """Control characters and lone surrogates would make the whole answer unreadable."""
    body = encode_error(IAM, "ValidationError", text, is_senders=True, request_id=REQUEST_ID)

    message = ET.fromstring(body).findtext(f".//{{{IAM}}}Message") or ""

    assert len(message) == len(text)
    assert all(got in {sent, "\ufffd"} for got, sent in zip(message, text, strict=True))
