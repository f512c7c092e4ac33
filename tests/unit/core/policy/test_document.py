"""The grammar of policy documents (IAM user guide, "Grammar of the IAM JSON policy language")."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.core.policy.documents import ROLE_ARN, SESSION_ARN, USER_ARN, document

from entrepot.core.policy.document import (
    Effect,
    MalformedPolicy,
    PolicyKind,
    length_without_whitespace,
    parse_policy,
)

STATEMENTS: dict[PolicyKind, dict[str, Any]] = {
    PolicyKind.IDENTITY: {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"},
    PolicyKind.REPOSITORY: {"Effect": "Allow", "Principal": "*", "Action": "ecr:*"},
    PolicyKind.REGISTRY: {"Effect": "Allow", "Principal": "*", "Action": "ecr:*", "Resource": "*"},
    PolicyKind.TRUST: {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"},
}
IDENTITY, REPOSITORY, REGISTRY, TRUST = STATEMENTS


def place_of(text: str, kind: PolicyKind = IDENTITY) -> str:
    """Where a document is refused."""
    with pytest.raises(MalformedPolicy) as refused:
        parse_policy(text, kind)
    assert refused.value.reason
    return refused.value.place


def with_statement(kind: PolicyKind, **changes: object) -> str:
    """A document whose second statement is changed; None takes an element away."""
    changed = {name: value for name, value in (STATEMENTS[kind] | changes).items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [STATEMENTS[kind], changed]})


@pytest.mark.parametrize("kind", PolicyKind)
def test_each_kind_has_its_elements(kind: PolicyKind) -> None:
    """A statement of one kind is none of another."""
    parse_policy(with_statement(kind), kind)

    for other in STATEMENTS.keys() - {kind}:
        with pytest.raises(MalformedPolicy):
            parse_policy(with_statement(kind), other)


def test_a_document_is_read_whole() -> None:
    """Every element, of either form, one or many."""
    read = parse_policy(
        json.dumps(
            {
                "Version": "2012-10-17",
                "Id": "x",
                "Statement": {
                    "Sid": "new statement",
                    "Effect": "Deny",
                    "NotPrincipal": {"AWS": ["111122223333", USER_ARN], "Service": "lambda.amazonaws.com"},
                    "NotAction": ["ecr:Get*", "ECR:PutImage"],
                    "NotResource": "arn:aws:ecr:*:111122223333:repository/*",
                    "Condition": {"NumericEquals": {"aws:x": [1, 2.50, "3"]}, "Bool": {"aws:y": True}},
                },
            }
        ),
        REGISTRY,
    )

    (statement,) = read.statements
    assert (read.version, read.id, statement.index) == ("2012-10-17", "x", 0)
    assert (statement.sid, statement.effect) == ("new statement", Effect.DENY)
    assert (statement.principals, statement.actions, statement.resources) == (None, None, None)
    assert statement.not_principals is not None
    assert statement.not_actions is not None
    assert statement.not_resources is not None
    assert statement.not_principals.texts == ("111122223333", USER_ARN, "lambda.amazonaws.com")
    assert statement.not_actions.texts == ("ecr:Get*", "ECR:PutImage")
    assert statement.not_resources.texts == ("arn:aws:ecr:*:111122223333:repository/*",)
    conditions = {c.key: tuple(value.text for value in c.expected) for c in statement.conditions}
    assert conditions == {"aws:x": ("1", "2.5", "3"), "aws:y": ("true",)}


def test_a_document_without_a_version_is_of_the_old_one() -> None:
    """In which variables are text."""
    text = json.dumps({"Statement": {**STATEMENTS[IDENTITY], "Resource": "arn:aws:ecr:::repository/${"}})

    assert parse_policy(text, IDENTITY).version == "2008-10-17"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "Document"),
        ("{", "Document"),
        ("null", "Document"),
        ("[]", "Document"),
        ("{}", "Document"),
        ("\ufeff{}", "Document"),
        ("[" * 100_000, "Document"),
        ('{"Statement":' * 20_000, "Document"),
        ('{"Statement":' + "[" * 900 + "]" * 900 + "}", "Statement[0]"),
        ('{"Statement": [], "Version": "2012-10-17"}', "Statement"),
        ('{"Statement": ["x"]}', "Statement[0]"),
        ('{"Statement": [[{}]]}', "Statement[0]"),
        ('{"Statement": NaN}', "Document"),
        ('{"Statement": {}, "Version": "2020-01-01"}', "Version"),
        ('{"Statement": {}, "Version": 2012}', "Version"),
        ('{"Statement": {}, "Id": 1}', "Id"),
        ('{"Statement": {}, "Id": "\\u0000"}', "Id"),
        ('{"Statement": {}, "Id": "\\ud800"}', "Id"),
        ('{"Statement": {}, "Id": "\t"}', "Document"),
        ('{"Statement": {}, "statement": {}}', "Document.statement"),
        ('{"Statement": {}, "Statement": {}}', "Document.Statement"),
        ('{"Statement": {"Effect": "Allow", "Effect": "Deny"}}', "Statement.Effect"),
        ('{"Statement": {"\\u0000\\u202e": 1}}', "Statement.\\x00\\u202e"),
        ('{"Statement": {"%s": 1}}' % ("x" * 500), "Statement." + "x" * 64),
    ],
)
def test_a_broken_document_is_refused_with_the_place(text: str, place: str) -> None:
    """Broken JSON, wrong types, bombs, what is not known and what is there twice."""
    assert place_of(text) == place


ARN = "arn:aws:ecr:us-east-1:111122223333:repository/x"


@pytest.mark.parametrize(
    ("kind", "changes", "place"),
    [
        (IDENTITY, {"Effect": None}, ""),
        (IDENTITY, {"Effect": "allow"}, ".Effect"),
        (IDENTITY, {"Effect": ["Allow"]}, ".Effect"),
        (IDENTITY, {"Other": 1}, ".Other"),
        (IDENTITY, {"Principal": "*"}, ".Principal"),
        (IDENTITY, {"Sid": 1}, ".Sid"),
        (IDENTITY, {"Sid": "new statement"}, ".Sid"),
        (IDENTITY, {"Sid": "\N{CYRILLIC SMALL LETTER A}"}, ".Sid"),
        (TRUST, {"Sid": "new statement"}, ".Sid"),
        (REPOSITORY, {"Sid": "a\0b"}, ".Sid"),
        (REPOSITORY, {"Sid": "a\nb"}, ".Sid"),
        (REPOSITORY, {"Sid": "a\x7fb"}, ".Sid"),
        (IDENTITY, {"Action": None}, ""),
        (IDENTITY, {"NotAction": "ecr:*"}, ""),
        (IDENTITY, {"Action": []}, ".Action"),
        (IDENTITY, {"Action": 1}, ".Action"),
        (IDENTITY, {"Action": ["ecr:*", ["ecr:*"]]}, ".Action[1]"),
        (IDENTITY, {"Action": "PutImage"}, ".Action"),
        (IDENTITY, {"Action": "ecr:"}, ".Action"),
        (IDENTITY, {"Action": "ec*:PutImage"}, ".Action"),
        (IDENTITY, {"Action": "*:*"}, ".Action"),
        (IDENTITY, {"Action": "ecr:PutImage "}, ".Action"),
        (IDENTITY, {"Action": "ecr:Put\N{CYRILLIC CAPITAL LETTER EM}mage"}, ".Action"),
        (IDENTITY, {"Action": "ecr:BatchGet\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}mage"}, ".Action"),
        (REPOSITORY, {"Action": ["ecr:*", "s3:GetObject"]}, ".Action[1]"),
        (REGISTRY, {"NotAction": "iam:*", "Action": None}, ".NotAction"),
        (TRUST, {"Action": "ecr:*"}, ".Action"),
        (TRUST, {"Action": "sts:GetCallerIdentity"}, ".Action"),
        (IDENTITY, {"Resource": None}, ""),
        (IDENTITY, {"NotResource": "*"}, ""),
        (IDENTITY, {"Resource": []}, ".Resource"),
        (IDENTITY, {"Resource": "x"}, ".Resource"),
        (IDENTITY, {"Resource": ["*", "arn:aws:ecr"]}, ".Resource[1]"),
        (IDENTITY, {"Resource": "arn:aws:ecr:us-east-1:111122223333:"}, ".Resource"),
        (IDENTITY, {"Resource": ARN.replace("ecr", "*")}, ".Resource"),
        (IDENTITY, {"Resource": ARN.replace("arn", "ARN")}, ".Resource"),
        (IDENTITY, {"Resource": ARN.replace("aws", "AWS")}, ".Resource"),
        (IDENTITY, {"Resource": ARN.replace("111122223333", "${aws:PrincipalAccount}")}, ".Resource"),
        (IDENTITY, {"Resource": ARN.replace("1", "\N{FULLWIDTH DIGIT ONE}")}, ".Resource"),
        (IDENTITY, {"Resource": ARN.replace("1", "\N{ARABIC-INDIC DIGIT ONE}")}, ".Resource"),
        (IDENTITY, {"Resource": ARN + "\u0000"}, ".Resource"),
        (IDENTITY, {"Resource": ARN + "${aws:username"}, ".Resource"),
        (IDENTITY, {"NotResource": [ARN + "${}"], "Resource": None}, ".NotResource[0]"),
        (REPOSITORY, {"Resource": "*"}, ".Resource"),
        (REPOSITORY, {"Principal": None}, ""),
        (REPOSITORY, {"NotPrincipal": "*", "Principal": None}, ".NotPrincipal"),
        (REPOSITORY, {"NotPrincipal": "*", "Effect": "Deny"}, ""),
        (TRUST, {"NotPrincipal": "*", "Principal": None, "Effect": "Deny"}, ".NotPrincipal"),
        (REPOSITORY, {"Principal": {}}, ".Principal"),
        (REPOSITORY, {"Principal": ["*"]}, ".Principal"),
        (REPOSITORY, {"Principal": USER_ARN}, ".Principal"),
        (REPOSITORY, {"Principal": {"aws": "*"}}, ".Principal.aws"),
        (REPOSITORY, {"Principal": {"AWS": []}}, ".Principal.AWS"),
        (REPOSITORY, {"Principal": {"AWS": ["*", "bob"]}}, ".Principal.AWS[1]"),
        (REPOSITORY, {"Principal": {"AWS": 111122223333}}, ".Principal.AWS"),
        (REPOSITORY, {"Principal": {"AWS": "11112222333"}}, ".Principal.AWS"),
        (REPOSITORY, {"Principal": {"AWS": "\N{FULLWIDTH DIGIT ONE}11122223333"}}, ".Principal.AWS"),
        (REPOSITORY, {"Principal": {"AWS": "arn:aws:iam::*:root"}}, ".Principal.AWS"),
        (REPOSITORY, {"Principal": {"AWS": "arn:*:iam::111122223333:root"}}, ".Principal.AWS"),
        (REPOSITORY, {"Principal": {"AWS": "arn:aws*:iam::111122223333:root"}}, ".Principal.AWS"),
        (REPOSITORY, {"Principal": {"AWS": "arn:aws:iam::11112222333?:root"}}, ".Principal.AWS"),
        (REPOSITORY, {"Principal": {"AWS": "arn:aws:iam::111122223333:user/*"}}, ".Principal.AWS"),
        (REPOSITORY, {"Principal": {"AWS": "arn:aws:iam::111122223333:user/b?b"}}, ".Principal.AWS"),
        (REPOSITORY, {"Principal": {"AWS": "arn:aws:iam::111122223333:group/g"}}, ".Principal.AWS"),
        (REPOSITORY, {"Principal": {"AWS": "arn:aws:iam::111122223333:user/b b"}}, ".Principal.AWS"),
        (REPOSITORY, {"Principal": {"AWS": "arn:aws:iam::111122223333:User/bob"}}, ".Principal.AWS"),
        (REPOSITORY, {"Principal": {"AWS": "arn:aws:iam::111122223333:user/b\u00f6b"}}, ".Principal.AWS"),
        (REPOSITORY, {"Principal": {"AWS": USER_ARN + "\n"}}, ".Principal.AWS"),
        (REPOSITORY, {"Principal": {"Service": "lambda"}}, ".Principal.Service"),
        (REPOSITORY, {"Principal": {"Service": "*.amazonaws.com"}}, ".Principal.Service"),
        (TRUST, {"Principal": {"Federated": "arn:aws:iam::111122223333:user/x"}}, ".Principal.Federated"),
        (REPOSITORY, {"Condition": []}, ".Condition"),
        (REPOSITORY, {"Condition": {"StringEqualz": {"aws:x": "y"}}}, ".Condition.StringEqualz"),
        (REPOSITORY, {"Condition": {"Bool": {}}}, ".Condition.Bool"),
        (REPOSITORY, {"Condition": {"Bool": "true"}}, ".Condition.Bool"),
        (REPOSITORY, {"Condition": {"Bool": {"x": "true"}}}, ".Condition.Bool.x"),
        (REPOSITORY, {"Condition": {"Bool": {"\u0430ws:x": "true"}}}, ".Condition.Bool.\\u0430ws:x"),
        (REPOSITORY, {"Condition": {"Bool": {"aws:x": [True, None]}}}, ".Condition.Bool.aws:x[1]"),
        (REPOSITORY, {"Condition": {"Bool": {"aws:x": []}}}, ".Condition.Bool.aws:x"),
        (REPOSITORY, {"Condition": {"Bool": {"aws:x": {}}}}, ".Condition.Bool.aws:x"),
        (REPOSITORY, {"Condition": {"Bool": {"aws:x": "maybe"}}}, ".Condition.Bool.aws:x"),
        (REPOSITORY, {"Condition": {"Bool": {"aws:x": "true", "AWS:X": "true"}}}, ".Condition.Bool"),
        (REPOSITORY, {"Condition": {"StringLike": {"aws:x\t": "y"}}}, ".Condition.StringLike.aws:x\\t"),
        (REPOSITORY, {"Condition": {"StringLike": {"aws:x": ["y", "\x1b"]}}}, ".Condition.StringLike.aws:x[1]"),
        (REPOSITORY, {"Condition": {"StringLike": {"aws:x": "${y"}}}, ".Condition.StringLike.aws:x"),
        (REPOSITORY, {"Condition": {"StringLike": {"aws:x": 10**64}}}, ".Condition.StringLike.aws:x"),
        (
            REPOSITORY,
            {"Condition": {"IpAddress": {"aws:x": ["::/0", "10.0.0.0/33"]}}},
            ".Condition.IpAddress.aws:x[1]",
        ),
    ],
)
def test_a_flawed_statement_is_refused_with_the_place(
    kind: PolicyKind, changes: dict[str, object], place: str
) -> None:
    """Whatever is wrong with it."""
    assert place_of(with_statement(kind, **changes), kind) == f"Statement[1]{place}"


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (IDENTITY, {"Action": ["*", "s3:GetObject", "ECR:putimage", "ecr:*Get?ayer*"]}),
        (IDENTITY, {"Resource": ["arn:aws:s3:::b/*", "arn:*:ecr:*:1111*:repository/${aws:username, 'x'}${*}"]}),
        (IDENTITY, {"Resource": "arn:aws:s3:::b/\u00f6 \N{WHITE SMILING FACE}"}),
        (IDENTITY, {"Sid": ""}),
        (IDENTITY, {"Condition": {}}),
        (IDENTITY, {"Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:o/r:*"}}}),
        (IDENTITY, {"Condition": {"StringLike": {"oidc.eks.eu-west-1.amazonaws.com/id/X:aud": "sts"}}}),
        (IDENTITY, {"Condition": {"StringLike": {"aws:PrincipalTag/\u00f6 ä": ["", 1, 1.5, True]}}}),
        (REPOSITORY, {"Sid": "a sentence, \u00f6\N{WHITE SMILING FACE}"}),
        (REPOSITORY, {"Principal": {"AWS": [ROLE_ARN, SESSION_ARN, USER_ARN, "*", "AROAAAAAAAAAAAAAAAAA"]}}),
        (REPOSITORY, {"Principal": {"AWS": "arn:aws-cn:iam::111122223333:user/a/b+=,.@-_"}}),
        (REPOSITORY, {"Principal": {"Service": ["ecr.amazonaws.com", "*"], "Federated": "accounts.google.com"}}),
        (REPOSITORY, {"NotPrincipal": {"AWS": "111122223333"}, "Principal": None, "Effect": "Deny"}),
        (TRUST, {"Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"]}),
        (TRUST, {"Action": ["sts:*", "*", "sts:assumerole*"]}),
        (TRUST, {"Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/host/id/X"}}),
    ],
)
def test_what_the_grammar_allows_is_read(kind: PolicyKind, changes: dict[str, object]) -> None:
    """No stricter than it says."""
    parse_policy(with_statement(kind, **changes), kind)


def test_statement_ids_of_iam_are_unique() -> None:
    """Those of a repository need not be."""
    twice = {kind: [{**statement, "Sid": "a"}] * 2 for kind, statement in STATEMENTS.items()}

    assert place_of(json.dumps({"Statement": twice[IDENTITY]})) == "Statement[1].Sid"
    parse_policy(json.dumps({"Statement": twice[REPOSITORY]}), REPOSITORY)


def test_white_space_does_not_count_in_iams_limits() -> None:
    """It does in ECR's."""
    text = with_statement(IDENTITY) + " \n" * 6000
    length = length_without_whitespace(text)

    parse_policy(text, IDENTITY, limit=length)
    with pytest.raises(MalformedPolicy, match="too long"):
        parse_policy(text, IDENTITY, limit=length - 1)
    with pytest.raises(MalformedPolicy, match="too long"):
        parse_policy(with_statement(REPOSITORY) + " " * 10_240, REPOSITORY)
    with pytest.raises(MalformedPolicy, match="too long"):
        parse_policy(text + " " * 131_072, IDENTITY)


def test_the_statements_about_an_action_are_those_that_cover_it() -> None:
    """Found by name, or by trying those with wildcards; case does not count."""
    actions = ["ecr:PutImage", "ECR:putimage", "ecr:Put*", "s3:*", "*", "ecr:GetDownloadUrlForLayer"]
    read = document(IDENTITY, *({**STATEMENTS[IDENTITY], "Action": action} for action in actions))

    assert sorted(each.index for each in read.statements_about("ecr:putimage")) == [0, 1, 2, 4]
    assert sorted(each.index for each in read.statements_about("iam:getuser")) == [4]


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Statement",
                    "Effect",
                    "Action",
                    "NotAction",
                    "Resource",
                    "Principal",
                    "Condition",
                    "AWS",
                    "Bool",
                    "aws:x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.text() | json_values.map(json.dumps), st.sampled_from(PolicyKind))
def test_whatever_the_text_it_is_read_or_refused(text: str, kind: PolicyKind) -> None:
    """With one error, whose words are plain whatever the document holds."""
    refused: MalformedPolicy | None = None

    try:
        parse_policy(text, kind)
    except MalformedPolicy as error:
        refused = error

    assert refused is None or refused.message.isascii()
