"""What holds for every policy and every request."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.core.policy.documents import (
    ANONYMOUS,
    ELSEWHERE,
    HERE,
    PULL,
    ROLE_ARN,
    ROLE_SESSION,
    ROOT,
    SERVICE,
    SESSION_ARN,
    USER,
    USER_ARN,
    USER_SESSION,
    WEB_IDENTITY,
    document,
)

from entrepot.core.policy.document import PolicyDocument, PolicyKind
from entrepot.core.policy.evaluation import (
    AccessRequest,
    Decision,
    NamedPolicy,
    Outcome,
    Policies,
    PolicyType,
    evaluate,
)

ACTIONS = [PULL, "ecr:PutImage", "ecr:GetAuthorizationToken"]
OPERATORS = [
    "StringEquals",
    "StringNotLike",
    "StringEqualsIfExists",
    "ForAllValues:StringLike",
    "ForAnyValue:StringNotEquals",
]
KEYS = ["aws:username", "aws:TagKeys", "aws:PrincipalTag/Team", "AWS:principaltag/team"]
VALUES = ["bob", "b*", "*", "${aws:username}", "${aws:PrincipalTag/team, 'red'}", "${*}"]
contexts = st.dictionaries(
    st.sampled_from(KEYS) | st.text(max_size=3),
    st.sampled_from(["bob", "red", "*", "\udcff"])
    | st.text(max_size=3)
    | st.lists(st.sampled_from(["bob", "red", ""])),
)
conditions = st.dictionaries(
    st.sampled_from(OPERATORS),
    st.sampled_from(KEYS).flatmap(
        lambda key: st.lists(st.sampled_from(VALUES), min_size=1).map(lambda v: {key: v})
    ),
    max_size=2,
)


def either(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An element, or its Not… form."""
    return st.tuples(st.sampled_from([name, name, name, f"Not{name}"]), values).map(
        lambda pair: {pair[0]: pair[1]}
    )


effects = st.sampled_from(["Allow", "Allow", "Deny"])
actions = either("Action", st.sampled_from(["*", "ecr:*", PULL, "ECR:put*", "ecr:?atch*"]))
resources = either(
    "Resource",
    st.sampled_from(
        [
            "*",
            "arn:aws:ecr:*:*:repository/*",
            f"arn:aws:ecr:*:{HERE}:repository/a*",
            "arn:aws:ecr:*:*:repository/${aws:username}",
        ]
    ),
)
names = st.sampled_from(["*", HERE, ELSEWHERE, f"arn:aws:iam::{HERE}:root", USER_ARN, ROLE_ARN, SESSION_ARN])
principals = st.lists(names, min_size=1, max_size=3).map(lambda found: {"AWS": found})


@st.composite
def statements(draw: st.DrawFn, *, has_principals: bool) -> dict[str, Any]:
    """A statement of an identity policy, or of a repository policy."""
    effect = draw(effects)
    statement = {"Effect": effect, **draw(actions), "Condition": draw(conditions)}
    if not has_principals:
        return statement | draw(resources)
    named = draw(
        either("Principal", principals) if effect == "Deny" else principals.map(lambda p: {"Principal": p})
    )
    return statement | named


def named(type_: PolicyType, kind: PolicyKind, *, most: int = 3) -> st.SearchStrategy[NamedPolicy]:
    """A policy, now and then one that cannot be read."""
    has_principals = kind is PolicyKind.REPOSITORY
    readable = st.lists(statements(has_principals=has_principals), min_size=1, max_size=most)
    return st.one_of(
        readable.map(lambda found: NamedPolicy(type_, type_, document(kind, *found))),
        readable.map(lambda found: NamedPolicy(type_, type_, document(kind, *found))),
        st.just(NamedPolicy("unreadable", type_, None)),
    )


of_identity = named(PolicyType.IDENTITY, PolicyKind.IDENTITY)
of_resource = named(PolicyType.RESOURCE, PolicyKind.REPOSITORY)
policies = st.builds(
    Policies,
    identity=st.lists(of_identity, max_size=2),
    boundary=st.none() | named(PolicyType.BOUNDARY, PolicyKind.IDENTITY),
    session=st.none() | st.lists(named(PolicyType.SESSION, PolicyKind.IDENTITY), max_size=2),
    resource=st.lists(of_resource, max_size=2),
)
requests = st.builds(
    AccessRequest,
    principal=st.sampled_from([ROOT, USER, USER_SESSION, ROLE_SESSION, ANONYMOUS, SERVICE, WEB_IDENTITY]),
    action=st.sampled_from(ACTIONS) | st.text(max_size=4),
    resource=st.sampled_from(
        [
            f"arn:aws:ecr:us-east-1:{account}:repository/{name}"
            for account in (HERE, ELSEWHERE)
            for name in ("a", "bob")
        ]
        + ["*", "", "\udcff:"]
    ),
    resource_account=st.sampled_from([HERE, ELSEWHERE]),
    context=contexts,
)


@given(requests, policies)
def test_whatever_is_asked_there_is_an_answer_and_an_explanation(request: AccessRequest, given: Policies) -> None:
    """Nothing raises, and the explanation has what was decided."""
    decision = evaluate(request, given)

    applying = {
        (id(traced.policy), traced.statement.index)
        for policy in decision.trace
        for traced in policy.statements
        if traced.applies
    }
    deciding = {(id(d.policy), d.statement.index) for d in decision.deciding if d.statement is not None}
    assert deciding <= applying
    assert decision.allowed == (decision.reason is None) == (decision.ending == "")
    missed = decision.nearest_miss
    assert missed is None or missed.policy.type is decision.reason
    if decision.outcome is not Outcome.EXPLICIT_DENY:
        applied = [t for policy in decision.trace for t in policy.statements if t.applies]
        assert all(traced.statement.effect == "Allow" for traced in applied)
        assert all(policy.document is not None for policy in given)


@given(requests, policies, of_identity, st.sampled_from(["identity", "session", "boundary"]))
def test_adding_an_explicit_deny_never_allows(
    request: AccessRequest, given: Policies, added: NamedPolicy, place: str
) -> None:
    """Wherever it is added."""
    denying = only("Deny", added)
    more: dict[str, Any] = {
        "identity": {"identity": [*given.identity, denying]},
        "session": {"session": [*(given.session or ()), denying]},
        "boundary": {"boundary": denying if given.boundary is None else with_statements(given.boundary, denying)},
    }[place]

    assert evaluate(request, given).allowed or not evaluate(request, replace(given, **more)).allowed


@given(requests, policies, of_resource)
def test_an_explicit_deny_of_the_resource_never_allows(
    request: AccessRequest, given: Policies, added: NamedPolicy
) -> None:
    """As another policy of the resource, or as statements of one."""
    denying = only("Deny", added)

    after = evaluate(request, replace(given, resource=[*given.resource, denying]))

    assert evaluate(request, given).allowed or not after.allowed


@given(requests, policies, of_resource)
def test_a_resource_policy_of_another_account_never_allows_by_itself(
    request: AccessRequest, given: Policies, added: NamedPolicy
) -> None:
    """Whatever it says, the requester's own account has to allow it too."""
    if request.principal.account != HERE or request.principal is ROOT:
        return
    request = replace(request, resource_account=ELSEWHERE)

    decision = evaluate(request, replace(given, identity=(), resource=[*given.resource, added]))

    assert not decision.allowed


@given(requests, policies, st.randoms(use_true_random=False))
def test_the_order_of_policies_and_statements_never_matters(
    request: AccessRequest, given: Policies, random: Any
) -> None:
    """Nothing depends on what comes first."""

    def shuffled(found: Any) -> Any:
        return random.sample(found, len(found))

    def reordered(policy: NamedPolicy) -> NamedPolicy:
        if policy.document is None:
            return policy
        read = policy.document
        return replace(policy, document=PolicyDocument(read.version, read.id, tuple(shuffled(read.statements))))

    other = Policies(
        identity=shuffled([reordered(policy) for policy in given.identity]),
        boundary=None if given.boundary is None else reordered(given.boundary),
        session=None if given.session is None else shuffled([reordered(policy) for policy in given.session]),
        resource=shuffled([reordered(policy) for policy in given.resource]),
    )

    assert essence(evaluate(request, given)) == essence(evaluate(request, other))


@given(requests, policies, contexts)
def test_an_unconditional_decision_holds_whatever_the_context(
    request: AccessRequest, given: Policies, context: Any
) -> None:
    """So it may be kept."""
    decision = evaluate(request, given)

    if decision.unconditional:
        assert essence(evaluate(replace(request, context=context), given)) == essence(decision)


def essence(decision: Decision) -> object:
    """What was decided, without the order in which it is told."""
    return decision.outcome, decision.reason, decision.unconditional, len(decision.deciding)


def only(effect: str, policy: NamedPolicy) -> NamedPolicy:
    """The policy's statements of one effect; all of it if it cannot be read."""
    read = policy.document
    if read is None:
        return policy
    kept = tuple(statement for statement in read.statements if statement.effect == effect)
    return replace(policy, document=PolicyDocument(read.version, read.id, kept))


def with_statements(policy: NamedPolicy, more: NamedPolicy) -> NamedPolicy:
    """Both policies in one."""
    if policy.document is None or more.document is None:
        return replace(policy, document=None)
    together = policy.document.statements + more.document.statements
    return replace(policy, document=PolicyDocument(policy.document.version, None, together))
