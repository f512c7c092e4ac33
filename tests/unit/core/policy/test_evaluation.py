"""Decisions (IAM user guide, "Policy evaluation logic")."""

from collections.abc import Sequence

import pytest
from tests.unit.core.policy.documents import (
    ANONYMOUS,
    ELSEWHERE,
    HERE,
    PROVIDER_ARN,
    PULL,
    REPOSITORY,
    ROLE_ARN,
    ROLE_ID,
    ROLE_SESSION,
    ROOT,
    SERVICE,
    SESSION_ARN,
    USER,
    USER_ARN,
    USER_ID,
    USER_SESSION,
    WEB_IDENTITY,
    ask,
    boundary,
    document,
    identity,
    resource,
    session,
    trust,
    unreadable,
)

from entrepot.core.policy.document import PolicyKind
from entrepot.core.policy.evaluation import (
    AccessRequest,
    ConditionTrace,
    ElementTrace,
    NamedPolicy,
    Outcome,
    Policies,
    PolicyType,
    Requester,
    evaluate,
)

ANYTHING: dict[str, str] = {}
NOTHING = {"Action": "ecr:DescribeImages"}
DENIED = {"Effect": "Deny"}
ACCOUNT = {"Principal": {"AWS": HERE}}
THE_USER = {"Principal": {"AWS": USER_ARN}}
THE_ROLE = {"Principal": {"AWS": ROLE_ARN}}
THE_SESSION = {"Principal": {"AWS": SESSION_ARN}}
SOMEBODY_ELSE = {"Principal": {"AWS": [f"arn:aws:iam::{HERE}:user/eve", ELSEWHERE]}}

Verdict = tuple[Outcome, PolicyType | None]
ALLOWED: Verdict = (Outcome.ALLOWED, None)
NO_IDENTITY, NO_RESOURCE, NO_BOUNDARY, NO_SESSION, NO_TRUST = (
    (Outcome.IMPLICIT_DENY, PolicyType[name]) for name in ("IDENTITY", "RESOURCE", "BOUNDARY", "SESSION", "TRUST")
)


def denied_by(type_: PolicyType) -> Verdict:
    """An explicit deny."""
    return (Outcome.EXPLICIT_DENY, type_)


def policies(
    *of_identity: NamedPolicy,
    within: NamedPolicy | None = None,
    passed: NamedPolicy | None = None,
    on: NamedPolicy | None = None,
) -> Policies:
    """Identity-based policies, a boundary, a session policy, the resource's policy."""
    return Policies(of_identity, within, None if passed is None else [passed], [] if on is None else [on])


@pytest.mark.parametrize(
    ("requester", "given", "verdict"),
    [
        # By default everything is denied, but to the root.
        (USER, policies(), NO_IDENTITY),
        (ROLE_SESSION, policies(), NO_IDENTITY),
        (ROOT, policies(), ALLOWED),
        # Identity-based and resource-based policies: one of them is enough.
        (USER, policies(identity(ANYTHING)), ALLOWED),
        (USER, policies(identity(NOTHING), identity(ANYTHING)), ALLOWED),
        (USER, policies(on=resource(THE_USER)), ALLOWED),
        (USER, policies(identity(ANYTHING), on=resource(SOMEBODY_ELSE)), ALLOWED),
        (USER, policies(identity(NOTHING), on=resource(SOMEBODY_ELSE)), NO_IDENTITY),
        (USER_SESSION, policies(on=resource(THE_USER)), ALLOWED),
        # An explicit deny anywhere wins.
        (USER, policies(identity(ANYTHING, DENIED)), denied_by(PolicyType.IDENTITY)),
        (USER, policies(identity(ANYTHING), on=resource(DENIED)), denied_by(PolicyType.RESOURCE)),
        (USER, policies(identity(DENIED), on=resource(THE_USER)), denied_by(PolicyType.IDENTITY)),
        (USER, policies(identity(ANYTHING), within=boundary(ANYTHING, DENIED)), denied_by(PolicyType.BOUNDARY)),
        (ROLE_SESSION, policies(identity(ANYTHING), passed=session(DENIED)), denied_by(PolicyType.SESSION)),
        (ROLE_SESSION, policies(passed=session(DENIED), on=resource(THE_SESSION)), denied_by(PolicyType.SESSION)),
        (ROOT, policies(on=resource(DENIED)), denied_by(PolicyType.RESOURCE)),
        (ROOT, policies(on=resource({**DENIED, **ACCOUNT})), denied_by(PolicyType.RESOURCE)),
        (ROLE_SESSION, policies(identity(ANYTHING), on=resource({**DENIED, **THE_ROLE})), denied_by(PolicyType.RESOURCE)),
        (ROLE_SESSION, policies(identity(ANYTHING), on=resource({**DENIED, **ACCOUNT})), denied_by(PolicyType.RESOURCE)),
        (USER_SESSION, policies(identity(ANYTHING), on=resource({**DENIED, **THE_USER})), denied_by(PolicyType.RESOURCE)),
        # Boundaries and session policies limit what identity-based policies allow, and allow nothing.
        (USER, policies(identity(ANYTHING), within=boundary(ANYTHING)), ALLOWED),
        (USER, policies(identity(ANYTHING), within=boundary(NOTHING)), NO_BOUNDARY),
        (USER, policies(within=boundary(ANYTHING)), NO_IDENTITY),
        (ROLE_SESSION, policies(identity(ANYTHING), passed=session(ANYTHING)), ALLOWED),
        (ROLE_SESSION, policies(identity(ANYTHING), passed=session(NOTHING)), NO_SESSION),
        (ROLE_SESSION, policies(passed=session(ANYTHING)), NO_IDENTITY),
        (ROLE_SESSION, policies(identity(ANYTHING), within=boundary(NOTHING), passed=session(ANYTHING)), NO_BOUNDARY),
        (ROLE_SESSION, Policies([identity(ANYTHING)], session=[session(NOTHING), session(ANYTHING)]), ALLOWED),
        (ROLE_SESSION, Policies([identity(ANYTHING)], session=[]), NO_SESSION),
        # Resource-based policies and implicit denies in other types of policies, by what they name.
        (USER, policies(within=boundary(NOTHING), on=resource(THE_USER)), ALLOWED),
        (USER, policies(within=boundary(NOTHING), on=resource({"Principal": {"AWS": USER_ID}})), ALLOWED),
        (USER, policies(within=boundary(NOTHING), on=resource({"Principal": "*"})), ALLOWED),
        (USER, policies(on=resource(ACCOUNT)), NO_IDENTITY),
        (USER, policies(identity(ANYTHING), on=resource(ACCOUNT)), ALLOWED),
        (ROLE_SESSION, policies(within=boundary(NOTHING), passed=session(NOTHING), on=resource(THE_SESSION)), ALLOWED),
        (ROLE_SESSION, policies(within=boundary(NOTHING), passed=session(NOTHING), on=resource(ANYTHING)), ALLOWED),
        (ROLE_SESSION, policies(on=resource(THE_ROLE)), ALLOWED),
        (ROLE_SESSION, policies(on=resource({"Principal": {"AWS": ROLE_ID}})), ALLOWED),
        (ROLE_SESSION, policies(within=boundary(NOTHING), on=resource(THE_ROLE)), NO_BOUNDARY),
        (ROLE_SESSION, policies(passed=session(NOTHING), on=resource(THE_ROLE)), NO_SESSION),
        (ROLE_SESSION, policies(within=boundary(ANYTHING), passed=session(ANYTHING), on=resource(THE_ROLE)), ALLOWED),
        (ROLE_SESSION, policies(on=resource(ACCOUNT)), NO_IDENTITY),
        (ROLE_SESSION, policies(on=resource({"Principal": {"AWS": ROLE_ARN.replace("path/", "")}})), NO_IDENTITY),
        # Names have case, and a partition.
        (USER, policies(on=resource({"Principal": {"AWS": USER_ARN.replace("bob", "Bob")}})), NO_IDENTITY),
        (USER, policies(identity(ANYTHING), on=resource({**DENIED, "Principal": {"AWS": f"arn:aws-cn:iam::{HERE}:root"}})), ALLOWED),
        # Nobody and services have the resource's policy alone.
        (ANONYMOUS, policies(), NO_RESOURCE),
        (ANONYMOUS, policies(on=resource({"Principal": "*"})), ALLOWED),
        (ANONYMOUS, policies(on=resource({"Principal": {"AWS": "*"}})), ALLOWED),
        (ANONYMOUS, policies(on=resource({"Principal": "*"}, DENIED)), denied_by(PolicyType.RESOURCE)),
        (ANONYMOUS, policies(on=resource({"Principal": {"Service": "*", "AWS": HERE}})), NO_RESOURCE),
        (ANONYMOUS, policies(identity(ANYTHING)), NO_RESOURCE),
        (SERVICE, policies(on=resource({"Principal": {"Service": "lambda.amazonaws.com"}})), ALLOWED),
        (SERVICE, policies(on=resource({"Principal": {"Service": "ecr.amazonaws.com"}})), NO_RESOURCE),
    ],
)  # fmt: skip
def test_a_request_within_an_account_is_decided_as_documented(
    requester: Requester, given: Policies, verdict: Verdict
) -> None:
    """By identity-based or resource-based policies, within the limits of the others."""
    decision = ask(requester, given)

    assert (decision.outcome, decision.reason) == verdict
    assert decision.allowed == (verdict == ALLOWED)


@pytest.mark.parametrize(
    ("requester", "given", "verdict"),
    [
        (USER, policies(identity(ANYTHING), on=resource(THE_USER)), ALLOWED),
        (USER, policies(identity(ANYTHING), on=resource(ACCOUNT)), ALLOWED),
        (USER, policies(identity(ANYTHING), on=resource({"Principal": "*"})), ALLOWED),
        (USER, policies(identity(ANYTHING)), NO_RESOURCE),
        (USER, policies(identity(ANYTHING), on=resource({"Principal": {"AWS": ELSEWHERE}})), NO_RESOURCE),
        (USER, policies(on=resource(THE_USER)), NO_IDENTITY),
        (USER, policies(on=resource({"Principal": "*"})), NO_IDENTITY),
        (USER, policies(), NO_IDENTITY),
        (USER, policies(identity(ANYTHING), within=boundary(NOTHING), on=resource(THE_USER)), NO_BOUNDARY),
        (USER, policies(identity(ANYTHING), on=resource(THE_USER, DENIED)), denied_by(PolicyType.RESOURCE)),
        (ROLE_SESSION, policies(identity(ANYTHING), on=resource(THE_ROLE)), ALLOWED),
        (ROLE_SESSION, policies(on=resource(THE_SESSION)), NO_IDENTITY),
        (ROLE_SESSION, policies(on=resource(THE_ROLE)), NO_IDENTITY),
        (
            ROLE_SESSION,
            policies(identity(ANYTHING), passed=session(NOTHING), on=resource(THE_SESSION)),
            NO_SESSION,
        ),
        (ROOT, policies(), NO_RESOURCE),
        (ROOT, policies(on=resource(ACCOUNT)), ALLOWED),
        (ROOT, policies(on=resource({"Principal": {"AWS": f"arn:aws:iam::{HERE}:root"}})), ALLOWED),
        (ANONYMOUS, policies(on=resource({"Principal": "*"})), ALLOWED),
    ],
)
def test_a_request_across_accounts_needs_both_sides(
    requester: Requester, given: Policies, verdict: Verdict
) -> None:
    """The requester's account and the resource's."""
    decision = ask(requester, given, resource_account=ELSEWHERE)

    assert (decision.outcome, decision.reason) == verdict


@pytest.mark.parametrize(
    ("requester", "spared", "is_denied"),
    [
        (USER, [USER_ARN, HERE], False),
        (USER, [USER_ID, f"arn:aws:iam::{HERE}:root"], False),
        (USER, [USER_ARN], True),
        (USER, [HERE], True),
        (USER_SESSION, [USER_ARN, HERE], False),
        (ROLE_SESSION, [SESSION_ARN, ROLE_ARN, HERE], False),
        (ROLE_SESSION, [ROLE_ARN, HERE], True),
        (ROLE_SESSION, [SESSION_ARN, HERE], True),
        (ROLE_SESSION, [SESSION_ARN, ROLE_ARN], True),
        (ROOT, [HERE], False),
        (ROOT, [ELSEWHERE], True),
        (USER, ["*"], False),
        (ANONYMOUS, ["*"], False),
        (ANONYMOUS, [HERE], True),
        (SERVICE, [HERE], True),
    ],
)
def test_not_principal_spares_whom_it_names_with_role_and_account(
    requester: Requester, spared: Sequence[str], is_denied: bool
) -> None:
    """The page on NotPrincipal: AWS may look at the account first, then the role, then the session."""
    statement = {**DENIED, "NotPrincipal": {"AWS": spared}}

    decision = ask(requester, policies(on=resource(statement)))

    assert (decision.outcome is Outcome.EXPLICIT_DENY) == is_denied


def test_not_principal_spares_nobody_with_a_boundary() -> None:
    """The same page: it always denies a principal that has a permissions boundary."""
    statement = {**DENIED, "NotPrincipal": {"AWS": [USER_ARN, HERE]}}

    decision = ask(USER, policies(identity(ANYTHING), within=boundary(ANYTHING), on=resource(statement)))

    assert decision.outcome is Outcome.EXPLICIT_DENY


@pytest.mark.parametrize(
    ("requester", "given", "verdict"),
    [
        (USER, policies(on=trust(THE_USER)), ALLOWED),
        (USER, policies(identity(ANYTHING), on=trust(THE_USER)), ALLOWED),
        (USER, policies(identity(ANYTHING), on=trust(ACCOUNT)), ALLOWED),
        (USER, policies(on=trust(ACCOUNT)), NO_IDENTITY),
        (USER, policies(identity(ANYTHING), on=trust(SOMEBODY_ELSE)), NO_TRUST),
        (USER, policies(identity(ANYTHING), on=trust({**THE_USER, "Action": "sts:TagSession"})), NO_TRUST),
        (USER, policies(on=trust(THE_USER, {**ACCOUNT, **DENIED})), denied_by(PolicyType.TRUST)),
        (ROLE_SESSION, policies(on=trust(THE_ROLE)), ALLOWED),
        (ROLE_SESSION, policies(passed=session(NOTHING), on=trust(THE_ROLE)), NO_SESSION),
        (ROOT, policies(on=trust(SOMEBODY_ELSE)), NO_TRUST),
        (ROOT, policies(on=trust(ACCOUNT)), ALLOWED),
        (WEB_IDENTITY, policies(on=trust({"Principal": {"Federated": PROVIDER_ARN}})), ALLOWED),
        (WEB_IDENTITY, policies(on=trust({"Principal": {"Federated": PROVIDER_ARN + "2"}})), NO_TRUST),
        (WEB_IDENTITY, policies(on=trust({"Principal": {"Federated": PROVIDER_ARN, "AWS": "*"}})), ALLOWED),
        (WEB_IDENTITY, policies(on=trust({"Principal": "*"})), NO_TRUST),
        (WEB_IDENTITY, policies(on=trust({"Principal": {"AWS": "*"}})), NO_TRUST),
        (
            WEB_IDENTITY,
            policies(on=trust({"Principal": {"Federated": PROVIDER_ARN}}, {"Principal": "*", **DENIED})),
            denied_by(PolicyType.TRUST),
        ),
    ],
)
def test_a_role_is_assumed_by_those_it_trusts(requester: Requester, given: Policies, verdict: Verdict) -> None:
    """A trust policy has to allow; a web identity has to be named as one."""
    decision = evaluate(AccessRequest(requester, "sts:AssumeRole", ROLE_ARN, HERE, {}), given)

    assert (decision.outcome, decision.reason) == verdict


@pytest.mark.parametrize("type_", PolicyType)
def test_a_policy_that_cannot_be_read_denies(type_: PolicyType) -> None:
    """It is an explicit deny of everything that it might have said."""
    broken = unreadable(type_)
    places: dict[PolicyType, Policies] = {
        PolicyType.IDENTITY: Policies([identity(ANYTHING), broken]),
        PolicyType.BOUNDARY: Policies([identity(ANYTHING)], boundary=broken),
        PolicyType.SESSION: Policies([identity(ANYTHING)], session=[broken]),
    }

    decision = ask(USER, places.get(type_, Policies([identity(ANYTHING)], resource=[broken])))

    assert (decision.outcome, decision.reason) == denied_by(type_)
    assert [(each.policy, each.statement) for each in decision.deciding] == [(broken, None)]


def test_a_document_of_the_wrong_kind_grants_nothing_to_everybody() -> None:
    """A resource-based policy without principals names nobody."""
    misplaced = NamedPolicy("misplaced", PolicyType.RESOURCE, identity(ANYTHING).document)

    assert ask(USER, policies(on=misplaced)).reason is PolicyType.IDENTITY


@pytest.mark.parametrize(
    ("statement", "is_allowed"),
    [
        ({"Action": "ECR:batchgetimage"}, True),
        ({"Action": "ecr:BatchGet*"}, True),
        ({"Action": ["s3:*", "ecr:*"]}, True),
        ({"NotAction": "ecr:Put*"}, True),
        ({"NotAction": ["ecr:Put*", "ecr:batch*"]}, False),
        ({"Resource": REPOSITORY}, True),
        ({"Resource": REPOSITORY.upper().replace("ARN:AWS:ECR", "arn:aws:ecr").lower() + "x"}, False),
        ({"Resource": REPOSITORY.replace("team", "Team")}, False),
        ({"Resource": REPOSITORY.replace("us-east-1", "*").replace(HERE, "*")}, True),
        ({"Resource": REPOSITORY.replace("us-east-1", "us-????-1")}, True),
        ({"Resource": REPOSITORY.replace("team/app", "*")}, True),
        ({"Resource": "arn:aws:ecr:*3333:*:*"}, False),
        ({"Resource": REPOSITORY.replace("team/app", "${aws:PrincipalTag/team}/*")}, True),
        ({"Resource": REPOSITORY.replace("team/app", "${aws:username}/*")}, False),
        ({"Resource": REPOSITORY.replace("team/app", "${aws:username, 'team'}/*")}, True),
        ({"NotResource": REPOSITORY, "Resource": None}, False),
        ({"NotResource": REPOSITORY + "s", "Resource": None}, True),
        ({"NotResource": REPOSITORY + "${aws:username}", "Resource": None}, True),
        ({"Condition": {"StringEquals": {"aws:principaltag/TEAM": "team"}}}, True),
        ({"Condition": {"StringEquals": {"aws:PrincipalTag/team": "team", "aws:username": "bob"}}}, False),
        ({"Condition": {"StringEquals": {"aws:PrincipalTag/team": "team"}, "Bool": {"aws:x": "true"}}}, False),
    ],
)
def test_every_element_of_a_statement_has_to_match(statement: dict[str, object], is_allowed: bool) -> None:
    """Actions without case, resources with it."""
    whole: dict[str, object] = {"Effect": "Allow", "Action": PULL, "Resource": "*"} | statement
    if "NotAction" in whole:
        del whole["Action"]
    kept = {name: value for name, value in whole.items() if value is not None}
    given = NamedPolicy("p", PolicyType.IDENTITY, document(PolicyKind.IDENTITY, kept))

    decision = ask(USER, policies(given), context={"aws:PrincipalTag/team": "team"})

    assert decision.allowed == is_allowed


def test_an_action_without_a_resource_is_asked_for_everything() -> None:
    """A statement about repositories does not cover it."""
    question = AccessRequest(USER, "ecr:GetAuthorizationToken", "*", HERE, {})

    assert evaluate(question, policies(identity(ANYTHING))).allowed
    assert not evaluate(question, policies(identity({"Resource": "arn:aws:ecr:*:*:repository/*"}))).allowed


def test_variables_are_text_in_the_old_version() -> None:
    """No repository is called that."""
    statement = {"Effect": "Allow", "Action": "*", "Resource": REPOSITORY.replace("app", "${aws:username}")}
    old = document(PolicyKind.IDENTITY, statement, version="2008-10-17")

    decision = ask(USER, policies(NamedPolicy("old", PolicyType.IDENTITY, old)), context={"aws:username": "app"})

    assert not decision.allowed


@pytest.mark.parametrize(
    ("requester", "given", "message"),
    [
        (USER, policies(), "because no identity-based policy allows the ecr:BatchGetImage action"),
        (ANONYMOUS, policies(), "because no resource-based policy allows the ecr:BatchGetImage action"),
        (
            USER,
            policies(identity(ANYTHING), within=boundary(NOTHING)),
            "because no permissions boundary allows the ecr:BatchGetImage action",
        ),
        (
            ROLE_SESSION,
            policies(identity(ANYTHING), passed=session(NOTHING)),
            "because no session policy allows the ecr:BatchGetImage action",
        ),
        (
            ROOT,
            policies(on=trust(SOMEBODY_ELSE)),
            "because no role trust policy allows the ecr:BatchGetImage action",
        ),
        (USER, policies(identity(DENIED)), "with an explicit deny in an identity-based policy"),
        (USER, policies(on=resource(DENIED)), "with an explicit deny in a resource-based policy"),
        (USER, policies(within=boundary(DENIED)), "with an explicit deny in a permissions boundary"),
        (ROLE_SESSION, policies(passed=session(DENIED)), "with an explicit deny in a session policy"),
        (USER, policies(on=unreadable(PolicyType.TRUST)), "with an explicit deny in the role trust policy"),
    ],
)
def test_a_denial_is_told_in_awss_words(requester: Requester, given: Policies, message: str) -> None:
    """The page "Troubleshoot access denied error messages"."""
    decision = ask(requester, given)

    assert decision.ending == message
    assert decision.message() == (
        f"User: {requester.arn} is not authorized to perform: ecr:BatchGetImage on resource: {REPOSITORY} {message}"
    )


def test_what_is_allowed_needs_no_words() -> None:
    """There is nothing to explain."""
    assert ask(ROOT, policies()).ending == ""


def test_a_decision_names_the_statements_that_decided() -> None:
    """Those that allowed, or those that denied, and no others."""
    given = policies(identity(NOTHING, {"Sid": "a"}, {"Sid": "b"}), on=resource({"Sid": "c", **ACCOUNT}))
    denying = policies(identity(ANYTHING, {"Sid": "d", **DENIED}), on=resource({"Sid": "e", **DENIED}))

    assert [each.statement and each.statement.sid for each in ask(USER, given).deciding] == ["a", "b", "c"]
    assert [each.statement and each.statement.sid for each in ask(USER, denying).deciding] == ["d"]
    assert ask(USER, policies(identity(NOTHING))).deciding == ()


def test_the_trace_tells_how_each_element_met_the_request() -> None:
    """Also those after the first that did not match."""
    statement = {
        "Effect": "Allow",
        "Action": "ecr:Put*",
        "NotResource": REPOSITORY,
        "Condition": {"StringLike": {"aws:UserName": ["${aws:x}", "${aws:y, 'b'}*"]}, "Null": {"aws:z": "false"}},
    }
    given = NamedPolicy("p", PolicyType.IDENTITY, document(PolicyKind.IDENTITY, statement))

    of_identity, of_resource = ask(
        USER, policies(given, on=resource(ACCOUNT)), context={"aws:username": "bob"}
    ).trace

    (traced,) = of_identity.statements
    assert (traced.policy, traced.misses, traced.applies) == (given, 3, False)
    assert traced.elements == (
        ElementTrace("Action", ("ecr:Put*",), PULL, matched=False),
        ElementTrace("NotResource", (REPOSITORY,), REPOSITORY, matched=False),
    )
    assert traced.conditions == (
        ConditionTrace(
            "StringLike", "aws:UserName", ("${aws:x}", "${aws:y, 'b'}*"), (None, "b*"), ("bob",), matched=True
        ),
        ConditionTrace("Null", "aws:z", ("false",), ("false",), None, matched=False),
    )
    assert of_resource.statements[0].applies
    assert of_resource.statements[0].elements[1] == ElementTrace("Principal", (HERE,), USER_ARN, matched=True)


def test_a_policy_that_cannot_be_read_has_an_empty_trace() -> None:
    """There is no statement to show."""
    (traced,) = ask(USER, policies(unreadable(PolicyType.IDENTITY))).trace

    assert traced.statements == ()


def test_the_nearest_miss_is_the_statement_with_the_fewest_misses() -> None:
    """Of those that would have allowed what was not allowed."""
    given = policies(
        identity(
            {"Sid": "far", "Action": "ecr:Put*", "Resource": REPOSITORY + "s"},
            {"Sid": "near", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
            {"Sid": "other", "Effect": "Deny", "Action": "ecr:PutImage"},
        ),
        on=resource({"Sid": "irrelevant", **ACCOUNT}),
    )

    missed = ask(USER, given, context={"aws:SecureTransport": "false"}).nearest_miss

    assert missed is not None
    assert missed.statement.sid == "near"
    assert [(each.key, each.actual) for each in missed.conditions] == [("aws:SecureTransport", ("false",))]


@pytest.mark.parametrize("given", [policies(identity(ANYTHING)), policies(identity(DENIED, NOTHING)), policies()])
def test_where_nothing_was_missed_there_is_no_nearest_miss(given: Policies) -> None:
    """What is allowed, denied explicitly, or denied for want of any statement."""
    assert ask(USER, given).nearest_miss is None


@pytest.mark.parametrize(
    ("statement", "unconditional"),
    [
        (ANYTHING, True),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}, "Action": "ecr:PutImage"}, True),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}, "Resource": REPOSITORY + "s"}, True),
        ({"Resource": REPOSITORY + "${aws:username}"}, False),
        ({"Resource": REPOSITORY + "${*}"}, True),
        ({"Resource": REPOSITORY + "${aws:username}", "Action": "ecr:PutImage"}, True),
    ],
)
def test_a_decision_is_unconditional_when_nothing_looked_at_the_context(
    statement: dict[str, object], unconditional: bool
) -> None:
    """Then it may be kept by principal, action and resource."""
    assert ask(USER, policies(identity(statement))).unconditional == unconditional
