"""The house rules that can be checked by looking."""

import ast
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "entrepot"
MODULES = sorted(SOURCE.rglob("*.py"))

#: Names that say nothing about what is in a module.
VAGUE = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "base", "core_utils"}


def name(path: Path) -> str:
    """A module's place in the package."""
    return str(path.relative_to(SOURCE))


def test_every_import_contract_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The walls of ``.importlinter``."""
    monkeypatch.chdir(ROOT)

    assert lint_imports(config_filename=str(ROOT / ".importlinter"), cache_dir=str(tmp_path)) == 0


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_modules_name_says_what_is_in_it(path: Path) -> None:
    """So there is no place where anything goes."""
    assert path.stem not in VAGUE
    assert path.parent.name not in VAGUE


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    """In a docstring, the package's folders too."""
    assert ast.get_docstring(ast.parse(path.read_text())), path


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_nothing_is_left_to_do(path: Path) -> None:
    """A plan belongs into an issue."""
    text = path.read_text()

    assert not [word for word in ("TODO", "FIXME", "XXX") if word in text]
