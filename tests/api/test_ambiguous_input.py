"""Names, ARNs, bodies and policies that one reader could take for another thing than the next, or never be done with.

Each has one answer: it is refused where it is written, or it means what the last words say; the fault is never ours.
"""

import json
import time
from collections.abc import Callable

import pytest
from tests.api.clients import ECR, Body
from tests.api.policy_documents import allow, document, make_key
from tests.api.query_clients import Query

from entrepot.testing.registry import ACCOUNT_ID, RunningRegistry

ARN = f"arn:aws:ecr:us-east-1:{ACCOUNT_ID}:repository/app"
#: What is decided before the database is asked is the same on both.
before_the_database = pytest.mark.parametrize("metadata", ["sqlite"], indirect=True)
#: Seconds, on a machine that does other things as well.
TOO_LONG = 5.0


@pytest.fixture
async def alice(registry: RunningRegistry, iam: Query) -> ECR:
    """A user who may create what is below ``team/``."""
    resource = f"arn:aws:ecr:us-east-1:{ACCOUNT_ID}:repository/team/*"
    key = await make_key(registry, iam, "alice", allow("ecr:CreateRepository", resource=resource))
    return ECR(registry, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])


async def names(ecr: ECR) -> list[str]:
    """Every repository there is."""
    return [found["repositoryName"] for found in (await ecr("DescribeRepositories"))["repositories"]]


@pytest.mark.parametrize(
    "body",
    [
        b'{"repositoryName": "team/a", "repositoryName": "team/b"}',
        b'{"repositoryName": "team/a", "repository\\u004eame": "team/b"}',
        b'{"repositoryName": "team/b", "RepositoryName": "team/a", "REPOSITORYNAME": "team/a"}',
    ],
)
async def test_of_a_member_that_is_sent_twice_the_last_counts(ecr: ECR, body: bytes) -> None:
    """However its name is spelled in JSON. In another case it is another member, which is ignored."""
    answer = await ecr.send("CreateRepository", body)

    assert answer.status_code == 200, answer.text
    assert await names(ecr) == ["team/b"]


@pytest.mark.parametrize("order", [("team/a", "mine"), ("mine", "team/a")])
async def test_what_is_authorised_is_what_is_done(ecr: ECR, alice: ECR, order: tuple[str, str]) -> None:
    """No member is read by one part and overruled by the next."""
    body = f'{{"repositoryName": "{order[0]}", "repositoryName": "{order[1]}"}}'.encode()

    answer = await alice.send("CreateRepository", body)

    if order[1] == "mine":
        assert answer.json()["__type"] == "AccessDeniedException"
        assert answer.json()["message"].partition(" on resource: ")[2].startswith(ARN.replace("app", "mine"))
    assert await names(ecr) == (["team/a"] if order[1] == "team/a" else [])


@pytest.mark.parametrize("body", [b'{"repositoryName": 1, "repositoryName": "b1"}', b'{"tags": [1], "tags": []}'])
async def test_each_of_a_member_that_is_sent_twice_has_to_be_right(ecr: ECR, body: bytes) -> None:
    """One that does not count is looked at all the same."""
    answer = await ecr.send("CreateRepository", body)

    assert (answer.status_code, answer.json()["__type"]) in [
        (400, "SerializationException"),
        (400, "InvalidParameterException"),
    ]
    assert await names(ecr) == []


TRICKS = {
    "capitals": "APP",
    "full width": "\N{FULLWIDTH LATIN SMALL LETTER A}pp",
    "another script": "\N{CYRILLIC SMALL LETTER A}pp",
    "composed": "\N{LATIN SMALL LETTER E WITH ACUTE}app",
    "digits of another script": "app\N{ARABIC-INDIC DIGIT ONE}",
    "a sign that is a letter in lower case": "\N{KELVIN SIGN}app",
    "invisible": "app\N{ZERO WIDTH SPACE}",
    "right to left": "\N{RIGHT-TO-LEFT OVERRIDE}app",
    "a line end": "app\n",
    "a NUL": "app\0",
    "an escape": "app%2f..",
    "a way up": "../app",
    "a wildcard": "app*",
    "half a character": "app\ud800",
}


@pytest.mark.parametrize("name", TRICKS.values(), ids=TRICKS)
async def test_a_name_that_only_looks_like_another_is_refused(ecr: ECR, repository: str, name: str) -> None:
    """To be made, and to be read."""
    for operation in ("CreateRepository", "ListImages", "DeleteRepository"):
        refused = await ecr.error(operation, repositoryName=name)
        assert refused["__type"] in {"InvalidParameterException", "SerializationException"}

    assert await names(ecr) == [repository]


@before_the_database
@pytest.mark.parametrize(
    "arn",
    [
        *(ARN.replace("app", name) for name in TRICKS.values()),
        ARN.upper(),
        ARN.replace("arn:aws:", "ARN:aws:"),
        ARN.replace(":aws:", ":*:"),
        ARN.replace(":aws:", ":aws-cn:"),
        ARN.replace("us-east-1", "*"),
        ARN.replace(ACCOUNT_ID, "*"),
        ARN.replace(ACCOUNT_ID, "?" * 12),
        ARN.replace(ACCOUNT_ID, ""),
        ARN.replace(ACCOUNT_ID, "\N{FULLWIDTH DIGIT ZERO}" * 12),
        ARN.replace(":ecr:", ":ECR:"),
        f" {ARN}",
        f"{ARN}:latest",
    ],
)
async def test_an_arn_of_a_request_is_one_repositorys_or_none(ecr: ECR, repository: str, arn: str) -> None:
    """Nothing in it is a pattern, and it is compared as it is written."""
    refused = await ecr.error("TagResource", resourceArn=arn, tags=[{"Key": "a", "Value": "b"}])

    assert refused["__type"] in {"InvalidParameterException", "SerializationException"}
    assert await ecr("ListTagsForResource", resourceArn=ARN) == {"tags": []}
    assert repository == "app"


@pytest.mark.parametrize("name", [name for name in TRICKS.values() if name not in {"APP", "app\ud800"}])
async def test_a_users_name_is_of_ascii(iam: Query, name: str) -> None:
    """So none looks like another, in audit records too."""
    status, code, _ = await iam.error("CreateUser", UserName=name)

    assert (status, code) == (400, "ValidationError")


async def test_a_users_name_is_taken_in_every_case(iam: Query) -> None:
    """As at AWS."""
    await iam("CreateUser", UserName="alice")

    assert (await iam.error("CreateUser", UserName="ALICE"))[:2] == (409, "EntityAlreadyExists")


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:*:iam::{ACCOUNT_ID}:policy/all",
        "arn:aws:iam::*:policy/all",
        f"arn:aws:iam::{ACCOUNT_ID}:policy/*",
        f"arn:aws:iam::{ACCOUNT_ID}:policy/ALL",
        f"ARN:AWS:IAM::{ACCOUNT_ID}:policy/all",
    ],
)
async def test_an_arn_of_iam_names_one_thing_or_none(iam: Query, arn: str) -> None:
    """Wildcards are for policies."""
    await iam("CreatePolicy", PolicyName="all", PolicyDocument=allow("ecr:*"))
    await iam("CreateUser", UserName="ann")

    status, code, _ = await iam.error("AttachUserPolicy", UserName="ann", PolicyArn=arn)

    assert (status, code) in [(404, "NoSuchEntity"), (400, "ValidationError")]


@before_the_database
@pytest.mark.parametrize(
    ("principal", "taken"),
    [
        ("*", True),
        (ACCOUNT_ID, True),
        (f"arn:aws:iam::{ACCOUNT_ID}:root", True),
        ("arn:aws:iam::*:root", False),
        (f"arn:*:iam::{ACCOUNT_ID}:root", False),
        (f"arn:aws:iam::{ACCOUNT_ID}:user/*", False),
        (f"ARN:AWS:IAM::{ACCOUNT_ID}:root", False),
        (f"{ACCOUNT_ID[:-1]}*", False),
        ("\N{FULLWIDTH DIGIT ZERO}" * 12, False),
        (f"{ACCOUNT_ID}\n", False),
        ("\N{FULLWIDTH ASTERISK}", False),
    ],
)
async def test_a_principal_is_everybody_or_named_in_full(
    ecr: ECR, repository: str, principal: str, *, taken: bool
) -> None:
    """A pattern in a partition or an account would grant to whoever comes to fit it."""
    text = document({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "ecr:BatchGetImage"})

    if taken:
        await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=text)
    else:
        refused = await ecr.error("SetRepositoryPolicy", repositoryName=repository, policyText=text)
        assert refused["__type"] == "InvalidParameterException"


@pytest.mark.parametrize(
    ("resource", "allowed"),
    [
        (ARN, True),
        (ARN.replace(":aws:", ":*:"), True),
        (ARN.replace(ACCOUNT_ID, "*"), True),
        (ARN.replace("us-east-1", "*").replace(ACCOUNT_ID, "0?" * 6), True),
        (ARN.replace(":aws:", ":aws-*:"), False),
        (ARN.replace(ACCOUNT_ID, "1*"), False),
        (ARN.replace(f"us-east-1:{ACCOUNT_ID}", "us-*:*"), True),
        (ARN.replace(f"us-east-1:{ACCOUNT_ID}:repository", "us-*:1:repository"), False),
        (ARN.replace("app", "APP"), False),
        (ARN.replace("app", "\N{CYRILLIC SMALL LETTER A}pp"), False),
    ],
)
async def test_a_wildcard_in_a_policy_stays_within_its_part_of_an_arn(
    registry: RunningRegistry, iam: Query, repository: str, resource: str, *, allowed: bool
) -> None:
    """Partition, region and account may be patterns there, and what is no pattern has a case and a script."""
    key = await make_key(registry, iam, "bob", allow("ecr:ListImages", resource=resource))
    bob = ECR(registry, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])

    answer = await bob.send("ListImages", json.dumps({"repositoryName": repository}).encode())

    assert answer.status_code == (200 if allowed else 400), answer.text


@before_the_database
@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:*:us-east-1:*:repository/app",
        "ARN:aws:ecr:us-east-1:*:repository/app",
        "arn:AWS:ecr:us-east-1:*:repository/app",
        "arn:aws:ecr:us-east-1:repository/app",
        f" {ARN}",
        "\N{FULLWIDTH ASTERISK}",
        f"{ARN}\n",
    ],
)
async def test_a_resource_of_a_policy_that_is_none_is_refused(iam: Query, resource: str) -> None:
    """It would grant nothing, and deny nothing either."""
    await iam("CreateUser", UserName="ann")

    status, code, message = await iam.error(
        "PutUserPolicy", UserName="ann", PolicyName="own", PolicyDocument=allow("ecr:*", resource=resource)
    )

    assert (status, code) == (400, "MalformedPolicyDocument")
    assert "Statement[0].Resource" in message


@before_the_database
@pytest.mark.parametrize(
    "action", ["ecr:List\N{LATIN SMALL LETTER LONG S}", "e\N{CYRILLIC SMALL LETTER ES}r:*", "ecr:*\n"]
)
async def test_an_action_of_a_policy_is_of_ascii(iam: Query, action: str) -> None:
    """Though it has no case."""
    await iam("CreateUser", UserName="ann")

    refused = await iam.error("PutUserPolicy", UserName="ann", PolicyName="own", PolicyDocument=allow(action))

    assert refused[:2] == (400, "MalformedPolicyDocument")


def deep(opening: str, closing: str, length: int) -> str:
    """A policy that is nested as deep as it is long."""
    size = length // (len(opening) + len(closing))
    return '{"Statement": ' + opening * size + "0" + closing * size + "}"


#: Policies of about so many characters that want to be read for long.
GREEDY: dict[str, Callable[[int], str]] = {
    "open brackets": lambda length: '{"Statement": ' + "[" * length,
    "lists in lists": lambda length: deep("[", "]", length),
    "objects in objects": lambda length: deep('{"a":', "}", length),
    "a long number": lambda length: '{"Statement": ' + "9" * length + "}",
    "a large exponent": lambda _: '{"Statement": {"Condition": {"NumericEquals": {"aws:x": 1e999999999}}}}',
    "one statement many times": lambda length: '{"Statement": [' + "{}," * (length // 3) + "{}]}",
    "one member many times": lambda length: '{"Statement": [' + '"a":1,' * (length // 6) + '"a":1]}',
    "one key many times": lambda length: "{" + '"Version":"2012-10-17",' * (length // 23) + '"Id":""}',
    "escapes": lambda length: json.dumps({"Id": "\N{GRINNING FACE}" * (length // 12)}),
    "half a character": lambda _: '{"Id": "\\ud800"}',
    "a NUL": lambda _: '{"Id": "\\u0000"}',
    "a sign before it": lambda _: "\N{ZERO WIDTH NO-BREAK SPACE}" + allow("ecr:*"),
    "blanks": lambda length: " " * length,
    "stars": lambda length: allow("ecr:*", resource=ARN + "*a" * (length // 2)),
    "actions": lambda length: allow(*["ecr:*a*"] * (length // 11)),
    "variables": lambda length: allow("ecr:*", resource=ARN + "${aws:username}" * (length // 15)),
    "open variables": lambda length: allow("ecr:*", resource=ARN + "${" * (length // 2)),
}


@before_the_database
@pytest.mark.parametrize("policy", GREEDY.values(), ids=GREEDY)
@pytest.mark.parametrize("length", [10_000, 131_000, 200_000])
async def test_a_greedy_policy_is_refused_at_once(
    ecr: ECR, iam: Query, repository: str, policy: Callable[[int], str], length: int
) -> None:
    """Of a repository, of a registry, of a user; and whatever the length, never as a fault of ours."""
    text = policy(length)
    await iam("CreateUser", UserName="ann")
    before = time.perf_counter()

    answers = [
        await ecr.send(
            "SetRepositoryPolicy", json.dumps({"repositoryName": repository, "policyText": text}).encode()
        ),
        await ecr.send("PutRegistryPolicy", json.dumps({"policyText": text}).encode()),
        await iam.send_form("PutUserPolicy", UserName="ann", PolicyName="own", PolicyDocument=text),
    ]

    assert time.perf_counter() - before < TOO_LONG
    assert {answer.status_code for answer in answers} <= {400, 409, 413}


@before_the_database
@pytest.mark.parametrize("pattern", ["*a" * 900, "*?a" * 600, "?" * 900 + "*" * 900])
async def test_a_policy_with_many_wildcards_decides_at_once(
    registry: RunningRegistry, iam: Query, ecr: ECR, pattern: str
) -> None:
    """As long a pattern as a user may have, and as long a name."""
    name = "a" * 256
    await ecr("CreateRepository", repositoryName=name)
    key = await make_key(registry, iam, "bob", allow("ecr:ListImages", resource=ARN.replace("app", pattern)))
    bob = ECR(registry, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])
    before = time.perf_counter()

    refused = await bob.error("ListImages", repositoryName=name)

    assert time.perf_counter() - before < TOO_LONG
    assert refused["__type"] == "AccessDeniedException"


async def test_a_policy_with_a_member_twice_is_refused(iam: Query, ecr: ECR, repository: str) -> None:
    """One reader would take the first, another the last, and an Allow become a Deny."""
    await iam("CreateUser", UserName="ann")
    twice: Body = json.loads(allow("ecr:*"))
    text = json.dumps(twice).replace('"Effect"', '"Effect": "Deny", "\\u0045ffect"')

    of_repository = await ecr.error("SetRepositoryPolicy", repositoryName=repository, policyText=text)
    _, code, message = await iam.error("PutUserPolicy", UserName="ann", PolicyName="own", PolicyDocument=text)

    assert of_repository["__type"] == "InvalidParameterException"
    assert code == "MalformedPolicyDocument"
    assert message == "given twice (at Statement[0].Effect)"
