"""What the documentation says of the code is what the code says of itself."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from entrepot.fronts.ecr.errors import CODES
from entrepot.fronts.oci.errors import STATUS_AND_CODE
from entrepot.fronts.oci.front import HANDLERS
from entrepot.server.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs/reference"
ERRORS = sorted(CODES.keys() | STATUS_AND_CODE.keys(), key=lambda error: error.__name__)
GENERATOR: dict[str, Any] = runpy.run_path(str(ROOT / "scripts/generate-reference"))


@pytest.mark.parametrize("page", GENERATOR["PAGES"])
def test_a_generated_page_is_what_the_generator_writes(page: str) -> None:
    """A page that is stale was edited by hand, or scripts/generate-reference has not been run."""
    assert (REFERENCE / page).read_text() == GENERATOR["render"]()[page]


@pytest.mark.parametrize("setting", Settings.__struct_fields__)
def test_a_setting_has_a_description(setting: str) -> None:
    """The configuration reference tells what each setting is for."""
    assert GENERATOR["description"](GENERATOR["settings"]()[setting])


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_says_when_it_is_raised(error: type[Exception]) -> None:
    """Both tables of errors are made from the docstrings of the classes, their own and not an inherited one."""
    assert error.__doc__
    assert all(error.__doc__ != base.__doc__ for base in error.__mro__[1:])


def test_every_path_says_what_it_does() -> None:
    """The table of paths is made from the docstrings of the handlers."""
    assert all(handler.__doc__ for methods in HANDLERS.values() for handler in methods.values())


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("docs/**/*.md")) + sorted(ROOT.glob("*.md")), ids=lambda page: page.name
)
def test_a_page_names_only_settings_that_exist(page: Path) -> None:
    """A variable ENTREPOT_… on a page is one of a setting, or one that a script reads."""
    known = {f"ENTREPOT_{name.upper()}" for name in Settings.__struct_fields__} | {"ENTREPOT_TOOLS"}

    named = set(re.findall(r"ENTREPOT_[A-Z0-9_]*[A-Z0-9]", page.read_text()))

    assert named <= known
