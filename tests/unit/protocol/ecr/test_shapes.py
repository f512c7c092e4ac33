"""The generated shapes are the service model's, no more and no less."""

import re
import runpy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

from entrepot.protocol.ecr import shapes

ROOT = Path(__file__).resolve().parents[4]
GENERATED = ROOT / "src/entrepot/protocol/ecr/shapes.py"
MODEL: dict[str, Any] = Loader().load_service_model("ecr", "service-2", "2015-09-21")


def test_the_file_is_what_the_generator_writes() -> None:
    """Nobody edits the shapes by hand, and no new model goes unnoticed."""
    generator = runpy.run_path(str(ROOT / "scripts/generate-shapes"))

    assert generator["render"]()["ecr/shapes.py"] == GENERATED.read_text()


def test_there_are_62_operations() -> None:
    """A model with more or fewer operations is a release of ECR that has to be looked at."""
    assert len(MODEL["operations"]) == 62
    assert set(shapes.OPERATIONS) == set(MODEL["operations"])


@pytest.mark.parametrize("name", sorted(MODEL["operations"]))
def test_an_operation_has_the_input_output_and_errors_of_the_model(name: str) -> None:
    """What an operation takes, answers and may raise is what the model says."""
    described = MODEL["operations"][name]

    operation = shapes.OPERATIONS[name]

    assert operation.name == name
    assert operation.input is getattr(shapes, described["input"]["shape"])
    assert operation.output is getattr(shapes, described["output"]["shape"])
    assert list(operation.errors) == [error["shape"] for error in described["errors"]]
    assert operation.paginated == ("nextToken" in wire_names(operation.input))


def wire_names(struct: type[msgspec.Struct]) -> list[str]:
    """The members of a struct as they are called on the wire."""
    return [field.encode_name for field in msgspec.structs.fields(struct)]


@pytest.mark.parametrize("name", sorted(n for n in MODEL["shapes"] if n.endswith("Request")))
def test_required_members_of_a_request_are_those_of_the_model(name: str) -> None:
    """A request cannot be made without what ECR demands."""
    described = MODEL["shapes"][name]

    fields = msgspec.structs.fields(getattr(shapes, name))

    assert wire_names(getattr(shapes, name)) == list(described["members"])
    assert {field.encode_name for field in fields if field.required} == set(described.get("required", ()))


@pytest.mark.parametrize("name", sorted(n for n in MODEL["shapes"] if n.endswith("Response")))
def test_every_member_of_a_response_may_be_absent(name: str) -> None:
    """An answer is built from what there is to say."""
    fields = msgspec.structs.fields(getattr(shapes, name))

    assert wire_names(getattr(shapes, name)) == list(MODEL["shapes"][name]["members"])
    assert not any(field.required for field in fields)


def test_members_are_attributes_in_snake_case() -> None:
    """Python's names inside, the wire's names outside."""
    answer = shapes.InitiateLayerUploadResponse(upload_id="u", part_size=1)
    tag = shapes.Tag(key="owner", value="")

    assert msgspec.json.encode(answer) == b'{"uploadId":"u","partSize":1}'
    assert msgspec.json.encode(tag) == b'{"Key":"owner","Value":""}'


def test_a_shape_is_immutable() -> None:
    """What was decoded stays what was sent."""
    tag = shapes.Tag(key="owner", value="me")

    with pytest.raises(AttributeError):
        tag.key = "other"  # pyright: ignore[reportAttributeAccessIssue]  # the point of the test


REWRITTEN = "ScanningRepositoryFilterValue"


def pattern_of(shape: object) -> str:
    """The pattern among the constraints of an annotated type."""
    (meta,) = shape.__metadata__  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]  # what Annotated keeps
    assert isinstance(meta, msgspec.Meta)
    assert meta.pattern is not None
    return meta.pattern


@given(text=st.text("a0*._-/A", max_size=12) | st.from_regex(r"\A[a*](?:[._/-]?[a*]+){0,3}\Z"))
def test_the_rewritten_pattern_allows_what_the_model_allows(text: str) -> None:
    """The pattern that is safe to search for accepts the same texts as the model's."""
    model = MODEL["shapes"][REWRITTEN]["pattern"]

    rewritten = re.search(pattern_of(shapes.ScanningRepositoryFilterValue), text)

    assert (rewritten is None) == (re.fullmatch(model, text) is None)


PATTERNED = sorted(n for n, shape in MODEL["shapes"].items() if "pattern" in shape and hasattr(shapes, n))


@pytest.mark.timeout(5)
@pytest.mark.parametrize("name", PATTERNED)
@pytest.mark.parametrize("unit", ["a", "a-", "a/", "a.", "a_", "0", "-", "a--", "arn:aws-a", "*", "a*", "ROOT"])
def test_no_text_makes_a_pattern_search_for_long(name: str, unit: str) -> None:
    """A pattern gives up soon, whatever it is given: a pattern that went on would be a way to stop us."""
    longest = MODEL["shapes"][name].get("max", 30_000)

    found = re.search(pattern_of(getattr(shapes, name)), (unit * longest)[: longest - 1] + "!")

    assert found is None or name == "Base64"


@pytest.mark.parametrize("name", PATTERNED)
def test_a_pattern_holds_from_end_to_end(name: str) -> None:
    """A line feed at the end, which `$` would let through, is refused."""
    pattern = pattern_of(getattr(shapes, name))

    assert pattern.startswith(r"\A(?a:")
    assert pattern.endswith(r")\Z")
