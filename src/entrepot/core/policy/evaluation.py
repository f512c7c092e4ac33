"""Decisions (IAM user guide, "Policy evaluation logic": within a single account, and across accounts).

An explicit deny of any policy decides. Otherwise, within an account, an identity-based policy has to allow the
request, inside the permissions boundary and the session policies, or a resource-based policy: outright where it
names the user, the session or everybody, inside boundary and session policies where it names the role; naming the
account gives no leave by itself. Across accounts both sides have to allow it. The trust policy of a role is a
resource-based policy that always has to allow.

A decision and its explanation come from the same walk over a statement's elements; to decide, it stops where one
does not match.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from entrepot.core.policy.conditions import Condition
from entrepot.core.policy.document import Effect, PolicyDocument, Statement
from entrepot.core.policy.elements import ActionElement, ResourceElement
from entrepot.core.policy.principals import PrincipalElement, PrincipalMatch, Requester, RequesterKind
from entrepot.core.policy.variables import ContextKeys

__all__ = [
    "AccessRequest",
    "ConditionTrace",
    "Deciding",
    "Decision",
    "ElementTrace",
    "NamedPolicy",
    "Outcome",
    "Policies",
    "PolicyTrace",
    "PolicyType",
    "Requester",
    "RequesterKind",
    "StatementTrace",
    "evaluate",
]


class PolicyType(StrEnum):
    """What a policy is attached to, which decides what its leave is worth; the value is AWS's name in messages."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    TRUST = "role trust policy"


_OF_RESOURCES = frozenset({PolicyType.RESOURCE, PolicyType.TRUST})
#: Requesters that no account speaks for.
_STRANGERS = frozenset({RequesterKind.ANONYMOUS, RequesterKind.SERVICE, RequesterKind.WEB_IDENTITY})


class Outcome(StrEnum):
    """What was decided."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """The question whether the principal may do this to the resource, which belongs to that account.

    ``resource`` is an ARN, or ``*`` for an action without one; its account is then the principal's. ``context``
    has the condition keys, of any case; nothing is added to it. A sequence makes a key one of several values.
    """

    principal: Requester
    action: str
    resource: str
    resource_account: str
    context: Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy and its name. A ``document`` of None cannot be read, and denies everything it might have said."""

    name: str
    type: PolicyType
    document: PolicyDocument | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies that apply to a request.

    ``session`` is None where no session policy was given; an empty sequence allows nothing. ``resource`` holds the
    resource-based policies of the resource's account, or the trust policy of a role.
    """

    identity: Sequence[NamedPolicy] = ()
    boundary: NamedPolicy | None = None
    session: Sequence[NamedPolicy] | None = None
    resource: Sequence[NamedPolicy] = ()

    def __iter__(self) -> Iterator[NamedPolicy]:
        yield from self.identity
        yield from self.resource
        yield from () if self.boundary is None else (self.boundary,)
        yield from self.session or ()


@dataclass(frozen=True, slots=True)
class Deciding:
    """A statement that decided; None in a policy that cannot be read."""

    policy: NamedPolicy
    statement: Statement | None


@dataclass(frozen=True, slots=True)
class ElementTrace:
    """How an element such as ``Action`` or ``NotPrincipal`` met the request."""

    element: str
    written: tuple[str, ...]
    actual: str
    matched: bool


@dataclass(frozen=True, slots=True)
class ConditionTrace:
    """How a condition met the request.

    ``compared`` are the values with their variables put in, None where one had no value; ``actual`` the values of
    the key in the request, None if it is absent.
    """

    operator: str
    key: str
    written: tuple[str, ...]
    compared: tuple[str | None, ...]
    actual: tuple[str, ...] | None
    matched: bool


@dataclass(frozen=True, slots=True)
class StatementTrace:
    """How a statement met the request; it ``applies`` if everything of it matched."""

    policy: NamedPolicy
    statement: Statement
    elements: tuple[ElementTrace, ...]
    conditions: tuple[ConditionTrace, ...]

    @property
    def misses(self) -> int:
        """How many of its elements and conditions did not match."""
        return sum(not each.matched for each in (*self.elements, *self.conditions))

    @property
    def is_about_action(self) -> bool:
        """True when the request's action is one that the statement is about."""
        return all(each.matched for each in self.elements if each.element in {"Action", "NotAction"})

    @property
    def applies(self) -> bool:
        """True when the statement has a say."""
        return self.misses == 0


@dataclass(frozen=True, slots=True)
class PolicyTrace:
    """How a policy met the request; no statements if it cannot be read."""

    policy: NamedPolicy
    statements: tuple[StatementTrace, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and why.

    ``reason`` is the type of policy that denied, or that should have allowed and did not; None for an allowed
    request. ``deciding`` are the statements that denied, or those that allowed. ``unconditional`` is True when no
    condition and no variable took part, so the same principal, action and resource get the same answer as long as
    the policies stay as they are. ``rule`` is the end of the sentence where something that no policy changes
    denied; there is neither reason nor deciding statement then.
    """

    request: AccessRequest
    policies: Policies = field(repr=False)
    outcome: Outcome
    reason: PolicyType | None
    deciding: tuple[Deciding, ...]
    unconditional: bool
    rule: str | None = None

    def denied_by(self, rule: str) -> "Decision":
        """The denial of the same request by a rule that no policy changes."""
        return replace(self, outcome=Outcome.IMPLICIT_DENY, reason=None, deciding=(), rule=rule)

    @property
    def allowed(self) -> bool:
        """True when the request may go on."""
        return self.outcome is Outcome.ALLOWED

    @property
    def ending(self) -> str:
        """The end of AWS's sentence ("Troubleshoot access denied error messages"); empty for what is allowed."""
        if self.rule is not None:
            return self.rule
        match self.outcome:
            case Outcome.EXPLICIT_DENY:
                article = "an" if self.reason is PolicyType.IDENTITY else "a"
                article = "the" if self.reason is PolicyType.TRUST else article
                return f"with an explicit deny in {article} {self.reason}"
            case Outcome.IMPLICIT_DENY:
                return f"because no {self.reason} allows the {self.request.action} action"
            case Outcome.ALLOWED:
                return ""

    def message(self) -> str:
        """AWS's sentence for a request that is denied."""
        asked = self.request
        who = "anonymous" if asked.principal.kind is RequesterKind.ANONYMOUS else asked.principal.arn
        return (
            f"User: {who} is not authorized to perform: {asked.action} on resource: {asked.resource} {self.ending}"
        )

    @property
    def trace(self) -> tuple[PolicyTrace, ...]:
        """Every policy, every statement, every element: made when it is asked for."""
        walk = _Walk(self.request, self.policies)
        return tuple(
            PolicyTrace(policy, tuple(walk.trace(policy, each) for each in _statements(policy)))
            for policy in self.policies
        )

    @property
    def nearest_miss(self) -> StatementTrace | None:
        """Of the statements that would have allowed what was not allowed, the one with the fewest misses.

        Those about the action come before those about others, whatever else they miss.
        """
        if self.outcome is not Outcome.IMPLICIT_DENY:
            return None
        walk = _Walk(self.request, self.policies)
        candidates = (
            walk.trace(policy, statement)
            for policy in self.policies
            if policy.type is self.reason
            for statement in _statements(policy)
            if statement.effect is Effect.ALLOW
        )
        return min(candidates, key=lambda traced: (not traced.is_about_action, traced.misses), default=None)


def evaluate(request: AccessRequest, policies: Policies) -> Decision:
    """Decide. Never raises, whatever the documents and the context hold."""
    walk = _Walk(request, policies)
    found = [each for policy in policies for each in walk.applying(policy)]
    denies = [each for each in found if each.is_deny]
    if denies:
        outcome, reason = Outcome.EXPLICIT_DENY, denies[0].policy.type
        deciding = [each for each in denies if each.policy.type is reason]
    else:
        reason = _missing(request, policies, found)
        outcome = Outcome.ALLOWED if reason is None else Outcome.IMPLICIT_DENY
        deciding = found if reason is None else []
    return Decision(
        request,
        policies,
        outcome,
        reason,
        tuple(Deciding(each.policy, each.statement) for each in deciding),
        not walk.asked_context,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A statement that applies, and how it names the principal."""

    policy: NamedPolicy
    statement: Statement | None
    match: PrincipalMatch

    @property
    def is_deny(self) -> bool:
        return self.statement is None or self.statement.effect is Effect.DENY


def _missing(request: AccessRequest, policies: Policies, found: Sequence[_Found]) -> PolicyType | None:
    """The type of policy that would have had to allow the request; None if nothing is missing."""
    principal = request.principal
    allowing = {each.policy.type for each in found}
    matches = (each.match for each in found if each.policy.type in _OF_RESOURCES)
    by_resource = max(matches, default=PrincipalMatch.NONE)
    has_trust = any(policy.type is PolicyType.TRUST for policy in policies.resource)
    of_resource = PolicyType.TRUST if has_trust else PolicyType.RESOURCE
    if principal.kind in _STRANGERS:
        return None if by_resource is PrincipalMatch.DIRECT else of_resource
    is_cross_account = principal.account != request.resource_account
    if by_resource is PrincipalMatch.DIRECT and not is_cross_account:
        return None
    by_role = by_resource is PrincipalMatch.ROLE and not is_cross_account
    if principal.kind is not RequesterKind.ROOT and PolicyType.IDENTITY not in allowing and not by_role:
        return PolicyType.IDENTITY
    if policies.boundary is not None and PolicyType.BOUNDARY not in allowing:
        return PolicyType.BOUNDARY
    if policies.session is not None and PolicyType.SESSION not in allowing:
        return PolicyType.SESSION
    needs_resource = is_cross_account or has_trust
    return of_resource if needs_resource and by_resource is PrincipalMatch.NONE else None


class _Step(NamedTuple):
    """How one element of a statement met the request; only a principal's match has grades."""

    element: str
    value: ActionElement | PrincipalElement | ResourceElement | Condition | None
    match: PrincipalMatch


class _Walk:
    """Holds statements against one request."""

    def __init__(self, request: AccessRequest, policies: Policies) -> None:
        self._request = request
        self._action = request.action.lower()
        self._keys = ContextKeys(request.context)
        self._has_boundary = policies.boundary is not None
        #: True once a condition or a variable was looked at.
        self.asked_context = False

    def applying(self, policy: NamedPolicy) -> Iterator[_Found]:
        """The statements of a policy that apply to the request."""
        if policy.document is None:
            yield _Found(policy, None, PrincipalMatch.DIRECT)
            return
        for statement in policy.document.statements_about(self._action):
            principal = PrincipalMatch.DIRECT
            for step in self._steps(policy, statement):
                if step.match is PrincipalMatch.NONE:
                    break
                if step.match is not PrincipalMatch.DIRECT:
                    principal = step.match
            else:
                yield _Found(policy, statement, principal)

    def trace(self, policy: NamedPolicy, statement: Statement) -> StatementTrace:
        """How a statement met the request, to its end."""
        elements: list[ElementTrace] = []
        conditions: list[ConditionTrace] = []
        for element, value, match in self._steps(policy, statement):
            matched = match is not PrincipalMatch.NONE
            if isinstance(value, Condition):
                conditions.append(self._trace_condition(value, matched=matched))
            else:
                texts = value.texts if value is not None else ()
                elements.append(ElementTrace(element, texts, self._actual(element), matched))
        return StatementTrace(policy, statement, tuple(elements), tuple(conditions))

    def _steps(self, policy: NamedPolicy, statement: Statement) -> Iterator[_Step]:
        """The statement's elements, one after the other; all of them have to match."""
        covers = statement.covers(self._action)
        if statement.actions is not None:
            yield _Step("Action", statement.actions, _graded(covers))
        else:
            yield _Step("NotAction", statement.not_actions, _graded(covers))
        if policy.type in _OF_RESOURCES:
            yield self._principal(statement)
        if statement.resources is not None:
            yield _Step("Resource", statement.resources, _graded(self._names(statement.resources)))
        if statement.not_resources is not None:
            yield _Step("NotResource", statement.not_resources, _graded(not self._names(statement.not_resources)))
        for condition in statement.conditions:
            self.asked_context = True
            yield _Step("Condition", condition, _graded(condition.matches(self._keys)))

    def _principal(self, statement: Statement) -> _Step:
        """A NotPrincipal never spares somebody with a permissions boundary, says the documentation."""
        requester = self._request.principal
        if statement.not_principals is not None:
            is_spared = not self._has_boundary and statement.not_principals.exempts(requester)
            return _Step("NotPrincipal", statement.not_principals, _graded(not is_spared))
        if statement.principals is not None:
            return _Step("Principal", statement.principals, statement.principals.match(requester))
        return _Step("Principal", None, PrincipalMatch.NONE)

    def _names(self, resources: ResourceElement) -> bool:
        self.asked_context |= resources.has_variables
        return resources.matches(self._request.resource, self._keys)

    def _actual(self, element: str) -> str:
        match element.removeprefix("Not"):
            case "Action":
                return self._request.action
            case "Principal":
                return self._request.principal.arn
            case _:
                return self._request.resource

    def _trace_condition(self, condition: Condition, *, matched: bool) -> ConditionTrace:
        return ConditionTrace(
            operator=condition.operator.name,
            key=condition.key,
            written=tuple(each.text for each in condition.expected),
            compared=tuple(each.resolved(self._keys) for each in condition.expected),
            actual=condition.actual(self._keys),
            matched=matched,
        )


def _graded(matches: bool) -> PrincipalMatch:
    return PrincipalMatch.DIRECT if matches else PrincipalMatch.NONE


def _statements(policy: NamedPolicy) -> tuple[Statement, ...]:
    return policy.document.statements if policy.document is not None else ()
