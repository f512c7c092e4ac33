"""Repository and registry policies."""

import json

import pytest
from tests.api.clients import ECR, Body

produces = pytest.mark.produces

STATEMENT: Body = {"Sid": "pull", "Effect": "Allow", "Principal": "*", "Action": ["ecr:BatchGetImage"]}
POLICY: Body = {"Version": "2012-10-17", "Statement": [STATEMENT]}
SHOWN = """\
{
  "Version" : "2012-10-17",
  "Statement" : [
    {
      "Sid" : "pull",
      "Effect" : "Allow",
      "Principal" : "*",
      "Action" : [
        "ecr:BatchGetImage"
      ]
    }
  ]
}"""
REGISTRY_POLICY: Body = {"Version": "2012-10-17", "Statement": [{**STATEMENT, "Resource": "*"}]}


async def test_a_repository_policy_is_shown_indented_until_it_is_deleted(ecr: ECR, repository: str) -> None:
    """Set, Get and Delete give the same document, in ECR's form."""
    shown = {"registryId": "000000000000", "repositoryName": repository, "policyText": SHOWN}

    assert await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=json.dumps(POLICY)) == shown
    assert await ecr("GetRepositoryPolicy", repositoryName=repository) == shown
    assert await ecr("DeleteRepositoryPolicy", repositoryName=repository) == shown
    refused = await ecr.error("GetRepositoryPolicy", repositoryName=repository)
    assert refused["__type"] == "RepositoryPolicyNotFoundException"


async def test_setting_a_policy_again_replaces_it(ecr: ECR, repository: str) -> None:
    """There is one policy."""
    other = {"Statement": {**STATEMENT, "Effect": "Deny"}}
    await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=json.dumps(POLICY))

    await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=json.dumps(other))

    found = await ecr("GetRepositoryPolicy", repositoryName=repository)
    assert json.loads(found["policyText"]) == other


@produces("GetRepositoryPolicy", "RepositoryPolicyNotFoundException")
@produces("DeleteRepositoryPolicy", "RepositoryPolicyNotFoundException")
async def test_a_repository_without_a_policy_says_so(ecr: ECR, repository: str) -> None:
    """The words are ECR's."""
    for operation in ("GetRepositoryPolicy", "DeleteRepositoryPolicy"):
        assert await ecr.error(operation, repositoryName=repository) == {
            "__type": "RepositoryPolicyNotFoundException",
            "message": "Repository policy does not exist for the repository with name 'app' in the registry with "
            "id '000000000000'",
        }


@produces("SetRepositoryPolicy", "RepositoryNotFoundException")
async def test_the_policy_of_a_missing_repository_cannot_be_set(ecr: ECR) -> None:
    """The repository comes first, whatever the document."""
    refused = await ecr.error("SetRepositoryPolicy", repositoryName="missing", policyText="{")

    assert refused["__type"] == "RepositoryNotFoundException"


FLAWED = [
    "",
    "[]",
    "{}",
    "{",
    json.dumps({"Statement": []}),
    json.dumps({"Statement": ["x"]}),
    json.dumps({"Version": "2020-01-01", "Statement": [STATEMENT]}),
    json.dumps({"Other": 1, "Statement": [STATEMENT]}),
    json.dumps({"Statement": [{**STATEMENT, "Effect": "allow"}]}),
    json.dumps({"Statement": [{**STATEMENT, "Action": []}]}),
    json.dumps({"Statement": [{**STATEMENT, "Action": "s3:GetObject"}]}),
    json.dumps({"Statement": [{**STATEMENT, "Action": "BatchGetImage"}]}),
    json.dumps({"Statement": [{**STATEMENT, "Principal": {"AWS": "somebody"}}]}),
    json.dumps({"Statement": [{**STATEMENT, "Principal": {"Else": "*"}}]}),
    json.dumps({"Statement": [{**STATEMENT, "Principal": {}}]}),
    json.dumps({"Statement": [{**STATEMENT, "NotPrincipal": "*"}]}),
    json.dumps({"Statement": [{**STATEMENT, "Condition": {"StringSounds": {"aws:x": "y"}}}]}),
    json.dumps({"Statement": [{**STATEMENT, "Condition": {"StringLike": {"aws:x": {}}}}]}),
    json.dumps({"Statement": [{key: value for key, value in STATEMENT.items() if key != "Effect"}]}),
    json.dumps(POLICY).replace('"Effect"', '"Effect": "Deny", "Effect"'),
    json.dumps({"Id": float("nan"), "Statement": [STATEMENT]}),
    '{"Id": "\\ud800", "Statement": [' + json.dumps(STATEMENT) + "]}",
    '{"Statement":' + "[" * 5000,
    '{"Statement":' + "[" * 800 + "]" * 800 + "}",
    json.dumps({"Statement": [{**STATEMENT, "Sid": "a\0b"}]}),
    json.dumps({"Statement": [{**STATEMENT, "Sid": "a\nb"}]}),
    json.dumps({"Statement": [{**STATEMENT, "Sid": "a\x7f"}]}),
    json.dumps({"Statement": [{**STATEMENT, "Sid": "\x9b0m"}]}, ensure_ascii=False),
    json.dumps({"Id": "a\0", "Statement": [STATEMENT]}),
    json.dumps({"Statement": [{**STATEMENT, "Condition": {"StringLike": {"aws:x": ["y", "\x1b"]}}}]}),
    json.dumps({"Statement": [{**STATEMENT, "Condition": {"StringLike": {"aws:x\t": "y"}}}]}),
    json.dumps({"Statement": [{**STATEMENT, "Principal": {"Federated": "arn:\r"}}]}),
]


@produces("SetRepositoryPolicy", "InvalidParameterException")
@pytest.mark.parametrize("text", [*FLAWED, json.dumps(REGISTRY_POLICY)])
async def test_what_is_no_repository_policy_is_refused(ecr: ECR, repository: str, text: str) -> None:
    """With the words that Terraform looks for; and nothing is stored."""
    refused = await ecr.error("SetRepositoryPolicy", repositoryName=repository, policyText=text)

    assert refused == {
        "__type": "InvalidParameterException",
        "message": "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy "
        "provided'",
    }
    await ecr.error("GetRepositoryPolicy", repositoryName=repository)


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "ecr:*"},
        {**STATEMENT, "Sid": "new statement, \N{LATIN SMALL LETTER E WITH ACUTE}\N{WHITE SMILING FACE}"},
        {
            "Effect": "Allow",
            "Principal": {"AWS": ["arn:aws:sts::123456789012:assumed-role/x/y"]},
            "NotAction": "ecr:Put*",
        },
        {"Effect": "Deny", "NotPrincipal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "*"},
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": ["ECR:batchgetimage"]},
        {**STATEMENT, "Condition": {"ForAnyValue:StringLikeIfExists": {"aws:PrincipalOrgID": ["o-*"]}}},
        {**STATEMENT, "Condition": {"Null": {"aws:TokenIssueTime": True}, "IpAddress": {"aws:SourceIp": "::/0"}}},
    ],
)
async def test_every_form_of_statement_is_taken(ecr: ECR, repository: str, statement: Body) -> None:
    """What AWS's grammar allows is kept; one of these denies the caller, which has to be forced."""
    text = json.dumps({"Version": "2012-10-17", "Id": "x", "Statement": statement})

    found = await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=text, force=True)

    assert json.loads(found["policyText"]) == json.loads(text)


LOCKING: Body = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Deny", "Principal": "*", "Action": "ecr:*"},
}


@produces("SetRepositoryPolicy", "InvalidParameterException")
async def test_a_policy_that_locks_its_author_out_is_refused(ecr: ECR, repository: str) -> None:
    """And the one before it stays."""
    await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=json.dumps(POLICY))

    refused = await ecr.error("SetRepositoryPolicy", repositoryName=repository, policyText=json.dumps(LOCKING))

    assert "The policy would keep you from setting another one" in refused["message"]
    kept = await ecr("GetRepositoryPolicy", repositoryName=repository)
    assert json.loads(kept["policyText"]) == POLICY


async def test_a_forced_lock_out_holds_and_the_root_can_remove_it(ecr: ECR, repository: str) -> None:
    """A policy denies the root as well; taking it away is the one thing that it does not."""
    await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=json.dumps(LOCKING), force=True)

    denied = await ecr.error("GetRepositoryPolicy", repositoryName=repository)
    await ecr("DeleteRepositoryPolicy", repositoryName=repository)

    assert denied == {
        "__type": "AccessDeniedException",
        "message": "User: arn:aws:iam::000000000000:root is not authorized to perform: ecr:GetRepositoryPolicy on "
        "resource: arn:aws:ecr:us-east-1:000000000000:repository/app with an explicit deny in a resource-based policy",
    }
    await ecr.error("GetRepositoryPolicy", repositoryName=repository)


async def test_a_policy_goes_with_its_repository(ecr: ECR, repository: str) -> None:
    """A new repository of the same name has none."""
    await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=json.dumps(POLICY))

    await ecr("DeleteRepository", repositoryName=repository)
    await ecr("CreateRepository", repositoryName=repository)

    await ecr.error("GetRepositoryPolicy", repositoryName=repository)


async def test_a_registry_policy_is_kept_until_it_is_deleted(ecr: ECR) -> None:
    """Put, Get and Delete give the same document."""
    put = await ecr("PutRegistryPolicy", policyText=json.dumps(REGISTRY_POLICY))

    assert json.loads(put["policyText"]) == REGISTRY_POLICY
    assert put["registryId"] == "000000000000"
    assert await ecr("GetRegistryPolicy") == put
    assert await ecr("DeleteRegistryPolicy") == put
    await ecr.error("GetRegistryPolicy")


@produces("GetRegistryPolicy", "RegistryPolicyNotFoundException")
@produces("DeleteRegistryPolicy", "RegistryPolicyNotFoundException")
async def test_a_registry_without_a_policy_says_so(ecr: ECR) -> None:
    """The words are ECR's."""
    for operation in ("GetRegistryPolicy", "DeleteRegistryPolicy"):
        assert await ecr.error(operation) == {
            "__type": "RegistryPolicyNotFoundException",
            "message": "Registry policy does not exist in the registry with id '000000000000'",
        }


@produces("PutRegistryPolicy", "InvalidParameterException")
@pytest.mark.parametrize("text", [*FLAWED, json.dumps(POLICY)])
async def test_what_is_no_registry_policy_is_refused(ecr: ECR, text: str) -> None:
    """A registry policy names resources; the rest of the grammar is the same."""
    assert await ecr.error("PutRegistryPolicy", policyText=text) == {
        "__type": "InvalidParameterException",
        "message": "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy provided'",
    }
