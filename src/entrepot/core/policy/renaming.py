"""Other names for the principals of a document: unique ids for ARNs, and back."""

import json
from collections.abc import Callable
from typing import cast


def rename_principals(text: str, rename: Callable[[str], str]) -> str:
    """The document, one that follows the grammar, with other names of type AWS in Principal and NotPrincipal.

    Nothing else of it changes but the white space, of which none is left, and that a fraction gets the quotation
    marks that it may have or not, so as to keep its digits.
    """
    document = json.loads(text, parse_float=str)
    found: object = document["Statement"]
    for statement in _listed(found):
        for element in ("Principal", "NotPrincipal"):
            principals = cast("dict[str, object]", statement).get(element)
            if isinstance(principals, dict) and "AWS" in principals:
                principals["AWS"] = _renamed(cast("object", principals["AWS"]), rename)
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _renamed(names: object, rename: Callable[[str], str]) -> object:
    if isinstance(names, list):
        return [rename(name) for name in cast("list[str]", names)]
    return rename(cast("str", names))


def _listed(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]
