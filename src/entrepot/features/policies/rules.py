"""Policy documents: their grammar (AWS IAM user guide, "Grammar of the IAM JSON policy language").

A repository policy names principals and no resource, for it is the repository's; a registry policy names both.
The document is refused as a whole when it is written, so nothing that cannot be understood is ever decided upon.
"""

import json
import re
from collections.abc import Callable
from typing import cast

from entrepot.core.errors import InvalidParameter

#: The service model's bound, in characters.
MAX_LENGTH = 10_240
VERSIONS = frozenset({"2008-10-17", "2012-10-17"})

_DOCUMENT = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_PRINCIPAL_TYPES = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_ACTION = re.compile(r"\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+")
_PRINCIPAL = re.compile(r"\*|[0-9]{12}|arn:[a-z0-9-]+:(iam|sts)::[0-9]{12}:[^\s*?]+|[A-Z0-9]{16,128}")
_SERVICE = re.compile(r"[a-z0-9.-]+\.[a-z.]+")
_RESOURCE = re.compile(r"\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:.+")
_OPERATOR = re.compile(
    r"(ForAllValues:|ForAnyValue:)?"
    r"(String(Not)?(Equals|EqualsIgnoreCase|Like)|Numeric(NotEquals|Equals|LessThan|LessThanEquals|GreaterThan"
    r"|GreaterThanEquals)|Date(NotEquals|Equals|LessThan|LessThanEquals|GreaterThan|GreaterThanEquals)|Bool"
    r"|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like))(IfExists)?|Null"
)


class _Flawed(Exception):
    """The document is not one."""


def check_repository_policy(text: str) -> str:
    """Refuse what is no repository policy; gives the document as ECR shows it, indented.

    Raises InvalidParameter with the words that Terraform looks for when it retries.
    """
    try:
        return _check(text, with_resource=False)
    except _Flawed:
        raise InvalidParameter("PolicyText", "Invalid repository policy provided") from None


def check_registry_policy(text: str) -> str:
    """Refuse what is no registry policy; gives the document as ECR shows it, indented. Raises InvalidParameter."""
    try:
        return _check(text, with_resource=True)
    except _Flawed:
        raise InvalidParameter("PolicyText", "Invalid registry policy provided") from None


def _check(text: str, *, with_resource: bool) -> str:
    if len(text) > MAX_LENGTH:
        raise _Flawed
    try:
        document = cast("object", json.loads(text, object_pairs_hook=_members))
        shown = json.dumps(document, indent=2, separators=(",", " : "), ensure_ascii=False, allow_nan=False)
        shown.encode()
    except (ValueError, RecursionError):
        raise _Flawed from None
    _require(isinstance(document, dict))
    fields = cast("dict[str, object]", document)
    _require(fields.keys() <= _DOCUMENT, "Statement" in fields, isinstance(fields.get("Id", ""), str))
    _require(fields.get("Version", "2008-10-17") in VERSIONS)
    statements = fields["Statement"]
    listed = cast("list[object]", statements) if isinstance(statements, list) else [statements]
    _require(bool(listed))
    for statement in listed:
        _check_statement(statement, with_resource=with_resource)
    return shown


def _check_statement(statement: object, *, with_resource: bool) -> None:
    _require(isinstance(statement, dict))
    fields = cast("dict[str, object]", statement)
    _require(
        fields.keys() <= _STATEMENT,
        fields.get("Effect") in {"Allow", "Deny"},
        isinstance(fields.get("Sid", ""), str),
        ("Principal" in fields) != ("NotPrincipal" in fields),
        ("Action" in fields) != ("NotAction" in fields),
        (("Resource" in fields) != ("NotResource" in fields)) == with_resource,
        "NotPrincipal" not in fields or fields["Effect"] == "Deny",
    )
    _check_principal(fields.get("Principal", fields.get("NotPrincipal")))
    _check_texts(fields.get("Action", fields.get("NotAction")), _is_ecr_action)
    if with_resource:
        _check_texts(fields.get("Resource", fields.get("NotResource")), _RESOURCE.fullmatch)
    if "Condition" in fields:
        _check_condition(fields["Condition"])


def _is_ecr_action(action: str) -> bool:
    """True for ``*`` and for actions of this service; case does not count, wildcards may stand anywhere."""
    return _ACTION.fullmatch(action) is not None and (action == "*" or action.lower().startswith("ecr:"))


def _check_principal(principal: object) -> None:
    if principal == "*":
        return
    _require(isinstance(principal, dict), bool(principal))
    for kind, names in cast("dict[str, object]", principal).items():
        _require(kind in _PRINCIPAL_TYPES)
        _check_texts(names, _PRINCIPAL.fullmatch if kind == "AWS" else _is_principal_of_others)


def _is_principal_of_others(name: str) -> bool:
    return name == "*" or _SERVICE.fullmatch(name) is not None or name.startswith("arn:")


def _check_condition(condition: object) -> None:
    _require(isinstance(condition, dict))
    for operator, keys in cast("dict[str, object]", condition).items():
        _require(_OPERATOR.fullmatch(operator) is not None, isinstance(keys, dict), bool(keys))
        for key, values in cast("dict[str, object]", keys).items():
            _require(bool(key))
            for value in cast("list[object]", values) if isinstance(values, list) else [values]:
                _require(isinstance(value, str | bool | int | float))


def _check_texts(values: object, fits: Callable[[str], object]) -> None:
    """One string or a list of at least one, each of which fits."""
    listed = cast("list[object]", values) if isinstance(values, list) else [values]
    _require(bool(listed))
    for value in listed:
        _require(isinstance(value, str) and bool(fits(value)))


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object's members, none of them twice: readers differ in which of two counts."""
    _require(len({name for name, _ in pairs}) == len(pairs))
    return dict(pairs)


def _require(*conditions: bool) -> None:
    if not all(conditions):
        raise _Flawed
