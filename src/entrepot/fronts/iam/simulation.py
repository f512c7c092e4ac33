"""ExplainDecision on the wire: an action that AWS's IAM does not have (protocol/iam/extensions.py)."""

from collections.abc import Sequence

from entrepot.core.policy.evaluation import Deciding, PolicyTrace, StatementTrace
from entrepot.fronts.iam.members import Members
from entrepot.fronts.query import Call, Handler
from entrepot.operations.iam.simulation import explain_decision
from entrepot.protocol.iam import extensions
from entrepot.protocol.query.xml import Result


async def _explain(call: Call, request: extensions.ExplainDecisionRequest) -> Result:
    context: dict[str, str | Sequence[str]] = {
        entry.key: entry.values[0] if len(entry.values) == 1 else entry.values for entry in request.context or ()
    }
    decision = await explain_decision(
        call.services,
        call.caller,
        principal_arn=request.principal_arn,
        action=request.action_name,
        resource=request.resource_arn,
        context=context,
    )
    nearest = decision.nearest_miss
    return {
        "Decision": decision.outcome,
        "Message": None if decision.allowed else decision.message(),
        "DecidingStatements": [_deciding(each) for each in decision.deciding],
        "NearestMiss": None if nearest is None else _statement(nearest),
        "Policies": [_policy(each) for each in decision.trace],
        "Context": [
            {"Key": key, "Values": [value] if isinstance(value, str) else list(value)}
            for key, value in sorted(decision.request.context.items())
        ],
    }


def _deciding(deciding: Deciding) -> Members:
    statement = deciding.statement
    return {
        "PolicyName": deciding.policy.name,
        "PolicyType": deciding.policy.type,
        "StatementIndex": None if statement is None else statement.index,
        "Sid": None if statement is None else statement.sid,
    }


def _policy(trace: PolicyTrace) -> Members:
    return {
        "PolicyName": trace.policy.name,
        "PolicyType": trace.policy.type,
        "IsReadable": trace.policy.document is not None,
        "Statements": [_statement(each) for each in trace.statements],
    }


def _statement(trace: StatementTrace) -> Members:
    statement = trace.statement
    return {
        "PolicyName": trace.policy.name,
        "PolicyType": trace.policy.type,
        "StatementIndex": statement.index,
        "Sid": statement.sid,
        "Effect": statement.effect,
        "Applies": trace.applies,
        "Elements": [
            {
                "Element": each.element,
                "Written": list(each.written),
                "Actual": each.actual,
                "Matched": each.matched,
            }
            for each in trace.elements
        ],
        "Conditions": [
            {
                "Operator": each.operator,
                "Key": each.key,
                "Written": list(each.written),
                "Compared": ["" if value is None else value for value in each.compared],
                "Actual": None if each.actual is None else list(each.actual),
                "Matched": each.matched,
            }
            for each in trace.conditions
        ],
    }


HANDLERS: dict[str, Handler] = {"ExplainDecision": _explain}
