"""Secrets are compared in constant time: by ``hmac.compare_digest``, never by an operator that stops early."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.architecture.test_house import MODULES, name

#: Words of names whose values have to stay unknown to whoever guesses at them.
SECRET = {"signature", "secret", "mac", "hmac", "token", "tokens", "password"}
#: Words that make another thing of them.
HARMLESS = {"id", "path", "size"}
_WORD = re.compile(r"[A-Za-z0-9]+")


def words(node: ast.expr) -> set[str]:
    """The words of the name that a value goes by: a variable's, an attribute's, a function's that returns it."""
    match node:
        case ast.Name(id=text) | ast.Attribute(attr=text):
            return {word.lower() for word in _WORD.findall(text)}
        case ast.Call(func=ast.Attribute(value=value, attr="encode" | "decode" | "hex" | "strip" | "lower")):
            return words(value)
        case ast.Call(func=function):
            return words(function)
        case ast.Subscript(value=value) | ast.Await(value=value) | ast.NamedExpr(target=value):
            return words(value)
        case _:
            return set()


def is_secret(node: ast.expr) -> bool:
    """True when a value goes by the name of a secret."""
    found = words(node)
    return not found.isdisjoint(SECRET) and found.isdisjoint(HARMLESS)


def early_comparisons(tree: ast.AST) -> Iterator[int]:
    """The lines on which a secret is compared by ``==`` or ``!=``, looked for with ``in``, or matched by value."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, ops=operators, comparators=others):
                if not all(isinstance(each, ast.Is | ast.IsNot) for each in operators) and any(
                    is_secret(each) for each in (left, *others)
                ):
                    yield node.lineno
            case ast.Match(subject=subject, cases=cases):
                if is_secret(subject) and any(isinstance(each.pattern, ast.MatchValue) for each in cases):
                    yield node.lineno
            case _:
                pass


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_secret_is_compared_by_an_operator(path: Path) -> None:
    """How long a comparison takes would tell how much of a guess was right."""
    found = list(early_comparisons(ast.parse(path.read_text())))

    assert not found, f"{name(path)}, lines {found}: use hmac.compare_digest"


@pytest.mark.parametrize(
    "line",
    [
        "signature == authorization.signature",
        "claimed != self._mac(master, purpose, body)",
        "given.encode() == credentials.session_token.encode()",
        "self._signers[id].signature_of(request).hex() == given",
        "given in tokens",
        "password[:8] == given",
        "(secret_key := read()) == given",
        "match token:\n    case 'guess': pass",
    ],
)
def test_a_secret_that_is_compared_by_an_operator_is_found(line: str) -> None:
    """In every way that it can be written."""
    assert list(early_comparisons(ast.parse(line))) == [1]


@pytest.mark.parametrize(
    "line",
    [
        "hmac.compare_digest(signature, authorization.signature)",
        "token is None",
        "len(mac) == 32",
        "access_key_id == root.access_key_id",
        "request.path == TOKEN_PATH",
        "match token:\n    case None: pass",
    ],
)
def test_what_tells_nothing_of_a_secret_is_left_alone(line: str) -> None:
    """Whether there is one, how long it is, what it is called."""
    assert not list(early_comparisons(ast.parse(line)))
