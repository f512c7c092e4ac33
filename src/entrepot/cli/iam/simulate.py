"""``entrepot iam simulate``: what would be decided, by which statement, and what was nearest to another answer."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from entrepot.cli.iam.command import Shown, iam_command, pair
from entrepot.client.iam import (
    IAM,
    DecidingStatement,
    ExplainDecision,
    ExplainedCondition,
    ExplainedElement,
    ExplainedPolicy,
    ExplainedStatement,
)

_WORDS = {"allowed": "allowed", "explicitDeny": "denied explicitly", "implicitDeny": "denied implicitly"}


@iam_command
def simulate(
    iam: IAM,
    principal: Annotated[
        str, typer.Argument(metavar="PRINCIPAL", help="ARN of a user, a role, a session or a root; or anonymous.")
    ],
    action: Annotated[str, typer.Argument(metavar="ACTION", help="As ecr:PutImage.")],
    resource: Annotated[str, typer.Argument(metavar="RESOURCE", help="ARN, or * for actions without one.")] = "*",
    context: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE", help="A condition key of the request, as aws:SourceIp=10.0.0.1; may be repeated."
        ),
    ] = None,
) -> Shown:
    """Tell whether a principal may do something, and why: the same decision as the registry makes."""
    explained = iam.get(
        ExplainDecision,
        PrincipalArn=principal,
        ActionName=action,
        ResourceArn=resource,
        Context=_context(context or ()),
    )
    return Shown("\n".join(_lines(explained)), explained)


def _context(given: Sequence[str]) -> list[dict[str, str | list[str]]] | None:
    """The condition keys of the request; one that is given again has several values. Raises Misused."""
    values: dict[str, list[str]] = {}
    for text in given:
        key, value = pair("--context", text)
        values.setdefault(key, []).append(value)
    return [{"Key": key, "Values": found} for key, found in values.items()] or None


def _lines(explained: ExplainDecision) -> Iterator[str]:
    yield _WORDS.get(explained.decision, explained.decision)
    if explained.message is not None:
        yield f"  {explained.message}"
    if explained.deciding_statements:
        yield "decided by"
        yield from (f"  {_named(statement)}" for statement in explained.deciding_statements)
    if explained.nearest_miss is not None:
        yield "nearest miss"
        yield from _statement(explained.nearest_miss, _named(explained.nearest_miss))
    yield "policies"
    for policy in explained.policies:
        yield from _policy(policy)
    if not explained.policies:
        yield "  none"
    yield "condition keys of the request"
    yield from (f"  {entry.key} = {', '.join(entry.values)}" for entry in explained.context)


def _policy(policy: ExplainedPolicy) -> Iterator[str]:
    yield f"  {policy.policy_type} {policy.policy_name}"
    if not policy.is_readable:
        yield "    cannot be read, and denies everything"
    for statement in policy.statements:
        for line in _statement(statement, _numbered(statement)):
            yield f"  {line}"


def _statement(statement: ExplainedStatement, name: str) -> Iterator[str]:
    applies = "applies" if statement.applies else "does not apply"
    yield f"  {name}: {statement.effect}, {applies}"
    yield from (f"    {_element(element)}" for element in statement.elements)
    yield from (f"    {_condition(condition)}" for condition in statement.conditions)


def _element(element: ExplainedElement) -> str:
    return f"{_mark(element.matched)} {element.element}: {element.actual} against {_listed(element.written)}"


def _condition(condition: ExplainedCondition) -> str:
    written = _listed(condition.written)
    if condition.compared != condition.written:
        written += f", which is {_listed(condition.compared)}"
    actual = "no such key" if condition.actual is None else _listed(condition.actual)
    return f"{_mark(condition.matched)} {condition.operator} {condition.key}: {actual} against {written}"


def _mark(matched: bool) -> str:
    return "yes" if matched else "no "


def _named(statement: DecidingStatement) -> str:
    return f"{statement.policy_type} {statement.policy_name}, {_numbered(statement)}"


def _numbered(statement: DecidingStatement) -> str:
    """A statement as its document has it: by its number from 0, and its Sid."""
    if statement.statement_index is None:
        return "which cannot be read"
    sid = "" if statement.sid is None else f" ({statement.sid})"
    return f"Statement[{statement.statement_index}]{sid}"


def _listed(values: Sequence[str]) -> str:
    return ", ".join(value or '""' for value in values) or "nothing"
