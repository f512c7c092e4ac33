"""`entrepot iam` against a running server: who may do what changes, and is explained as it is enforced."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from tests.live.clients import Client
from tests.live.server import ACCESS_KEY_ID, ACCOUNT_ID, REGION, SECRET_ACCESS_KEY, Server, serving
from tests.live.waiting import eventually

ROOT = {"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
READ_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
#: Seconds in which a change is seen: one, and what a busy machine takes besides.
SEEN = 5


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of one's own, whose whole account is written and read."""
    with serving() as server:
        yield server


@pytest.fixture
def iam(server: Server, tmp_path: Path) -> Client:
    """The command as the root, in a folder of its own."""
    return command(server, tmp_path, **ROOT)


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"u{uuid4().hex[:12]}"


def command(server: Server, folder: Path, **environment: str) -> Client:
    """The command for a server, with these variables."""
    return Client(
        program=Path(sys.executable).with_name("entrepot"),
        options=("iam",),
        environment={
            "AWS_ENDPOINT_URL": server.url,
            "ENTREPOT_DATA": str(folder / "none"),
            "COLUMNS": "120",
            **environment,
        },
    )


def secret_of(printed: str) -> tuple[str, str]:
    """The access key that the command printed."""
    found = re.findall(r"export AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY)=(\S+)", printed)
    return found[0], found[1]


def read(iam: Client, *arguments: str) -> dict[str, Any]:
    """What a command prints as JSON."""
    return json.loads(iam(*arguments, "--output", "json"))


def may(server: Server, keys: tuple[str, str], repository: str) -> dict[str, bool]:
    """What the registry lets somebody do."""
    ecr = server.ecr(*keys)
    asked = {
        "ecr:ListImages": lambda: ecr.list_images(repositoryName=repository),
        "ecr:InitiateLayerUpload": lambda: ecr.initiate_layer_upload(repositoryName=repository),
    }
    allowed: dict[str, bool] = {}
    for action, ask in asked.items():
        try:
            ask()
            allowed[action] = True
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "AccessDeniedException":
                raise
            allowed[action] = False
    return allowed


def test_a_user_may_what_policies_allow_and_simulate_says_the_same(
    server: Server, iam: Client, name: str, tmp_path: Path
) -> None:
    """Nothing at first, then reading, then writing; each change within a second."""
    server.ecr().create_repository(repositoryName=name)
    repository = f"arn:aws:ecr:{REGION}:{ACCOUNT_ID}:repository/{name}"
    push = tmp_path / "push.json"
    push.write_text(allow("ecr:*LayerUpload", repository))
    created = iam("create-user", name, "--path", "/people/", "--tag", "team=web")
    keys = secret_of(iam("create-access-key", name))
    user = f"arn:aws:iam::{ACCOUNT_ID}:user/people/{name}"

    def enforced_and_explained(**expected: bool) -> None:
        wanted = {f"ecr:{action}": allowed for action, allowed in expected.items()}
        eventually(lambda: may(server, keys, name) == wanted, within=SEEN)
        for action, allowed in wanted.items():
            explained = read(iam, "simulate", user, action, repository)
            assert (explained["Decision"] == "allowed") is allowed, explained

    assert created == f"Created the user {user}."
    enforced_and_explained(ListImages=False, InitiateLayerUpload=False)
    iam("attach", "--user", name, "AmazonEC2ContainerRegistryReadOnly")
    enforced_and_explained(ListImages=True, InitiateLayerUpload=False)
    iam("put-policy", "--user", name, "--name", "push", push)
    enforced_and_explained(ListImages=True, InitiateLayerUpload=True)
    iam("put-boundary", "--user", name, READ_ONLY)
    enforced_and_explained(ListImages=True, InitiateLayerUpload=False)
    iam("delete-boundary", "--user", name)
    iam("detach", "--user", name, READ_ONLY)
    enforced_and_explained(ListImages=False, InitiateLayerUpload=True)


def allow(action: str, resource: str = "*") -> str:
    """A policy."""
    statement = {"Sid": "Only", "Effect": "Allow", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_an_access_key_lives_from_its_creation_to_its_end(
    server: Server, iam: Client, name: str, tmp_path: Path
) -> None:
    """Its secret is printed once; switched off it is refused, deleted it is gone."""
    iam("create-user", name)
    key, secret = secret_of(iam("create-access-key", name))
    theirs = command(server, tmp_path, AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret)

    whoami = theirs("whoami")
    listed = iam("list-access-keys", name)
    iam("update-access-key", key, "--inactive", "--user", name)
    eventually(lambda: theirs.run("whoami").returncode == 1, within=SEEN)
    refused = theirs.run("whoami")
    iam("update-access-key", key, "--active", "--user", name)
    eventually(lambda: theirs.run("whoami").returncode == 0, within=SEEN)
    iam("delete-access-key", key, "--user", name)

    assert whoami.startswith(
        f"arn:aws:iam::{ACCOUNT_ID}:user/{name}\nby the access key {key}, from AWS_ACCESS_KEY_ID"
    )
    assert key in listed
    assert secret not in listed
    assert refused.stderr.startswith(b"entrepot: GetCallerIdentity: ")
    assert refused.stderr.endswith(f"; the access key was {key}, from AWS_ACCESS_KEY_ID\n".encode())
    assert secret.encode() not in refused.stderr
    assert iam("list-access-keys", name) == ""
    iam("delete-user", name)
    assert name not in iam("list-users")


def test_a_denied_caller_gets_the_registrys_sentence(
    server: Server, iam: Client, name: str, tmp_path: Path
) -> None:
    """In one line, and nothing is done."""
    iam("create-user", name)
    key, secret = secret_of(iam("create-access-key", name))
    theirs = command(server, tmp_path, AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret)

    refused = theirs.run("create-user", f"{name}2")

    assert refused.returncode == 1
    assert refused.stderr.decode() == (
        f"entrepot: CreateUser: User: arn:aws:iam::{ACCOUNT_ID}:user/{name} is not authorized to perform: iam:CreateUser"
        f" on resource: arn:aws:iam::{ACCOUNT_ID}:user/{name}2 because no identity-based policy allows the"
        " iam:CreateUser action (AccessDenied)\n"
    )


def test_the_root_access_key_is_read_from_the_data_folder(server: Server, tmp_path: Path) -> None:
    """Where the environment has none."""
    key = {"access_key_id": ACCESS_KEY_ID, "secret_access_key": SECRET_ACCESS_KEY}
    (tmp_path / "root-key.json").write_text(json.dumps(key))

    printed = command(server, tmp_path)("whoami", "--data", tmp_path)

    assert printed.startswith(
        f"arn:aws:iam::{ACCOUNT_ID}:root\nby the access key {ACCESS_KEY_ID}, from {tmp_path}/"
    )


def test_a_denial_is_explained(server: Server, iam: Client, name: str, tmp_path: Path) -> None:
    """The nearest miss, every condition with its values, and what the request was held to be."""
    document = json.loads(allow("ecr:ListImages"))
    document["Statement"][0]["Condition"] = {"StringEquals": {"aws:PrincipalTag/team": "${aws:username}"}}
    (tmp_path / "policy.json").write_text(json.dumps(document))
    iam("create-user", name, "--tag", "team=web")
    iam("put-policy", "--user", name, "--name", "own", tmp_path / "policy.json")

    resource = f"arn:aws:ecr:{REGION}:{ACCOUNT_ID}:repository/app"
    shown = iam("simulate", f"arn:aws:iam::{ACCOUNT_ID}:user/{name}", "ecr:ListImages", resource)
    with_tag = iam(
        "simulate",
        f"arn:aws:iam::{ACCOUNT_ID}:user/{name}",
        "ecr:ListImages",
        resource,
        "--context",
        f"aws:PrincipalTag/team={name}",
    )

    assert shown.startswith("denied implicitly\n  User: arn:")
    assert "nearest miss\n  identity-based policy own, Statement[0] (Only): Allow, does not apply\n" in shown
    assert "    yes Action: ecr:ListImages against ecr:ListImages\n" in shown
    condition = f"StringEquals aws:PrincipalTag/team: web against ${{aws:username}}, which is {name}\n"
    assert f"    no  {condition}" in shown
    assert f"  aws:username = {name}" in shown
    assert with_tag.startswith("allowed\ndecided by\n  identity-based policy own, Statement[0] (Only)\n")


def test_an_account_is_exported_taken_down_and_imported(iam: Client, name: str, tmp_path: Path) -> None:
    """As it was, but for access keys; what is there already is not touched."""
    policy, trust, document = tmp_path / "policy.json", tmp_path / "trust.json", tmp_path / "account.json"
    policy.write_text(allow("ecr:*"))
    trust.write_text(
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}'
    )
    iam("create-oidc-provider", "--url", f"https://{name}.example", "--client-id", "sts.amazonaws.com")
    iam("create-managed-policy", name, policy, "--description", "For tests", "--path", "/teams/", "--tag", "a=b")
    iam("create-user", name, "--path", "/people/", "--boundary", name, "--tag", "team=web")
    iam("put-policy", "--user", name, "--name", "own", policy)
    iam("attach", "--user", name, READ_ONLY)
    iam("create-role", name, "--trust", trust, "--description", "For tests", "--max-session", "7200")
    iam("attach", "--role", name, name)
    exported = iam("export")
    document.write_text(exported)

    assert iam("import", document) == "The account is as the document says."
    iam("delete-policy", "--user", name, "--name", "own")
    iam("detach", "--user", name, READ_ONLY)
    iam("detach", "--role", name, name)
    iam("delete-user", name)
    iam("delete-role", name)
    iam("delete-managed-policy", name)
    iam("delete-oidc-provider", f"arn:aws:iam::{ACCOUNT_ID}:oidc-provider/{name}.example")
    iam("create-user", f"{name}2")
    planned = read(iam, "import", str(document), "--dry-run")
    assert name not in iam("list-users").split()

    imported = iam("import", "-", stdin=exported.encode()).splitlines()

    assert imported == [
        f"identity provider {name}.example: create it",
        f"policy {name}: create it",
        f"user {name}: create it",
        f"user {name}: put the policy own",
        f"user {name}: attach {READ_ONLY}",
        f"role {name}: create it",
        f"role {name}: attach arn:aws:iam::{ACCOUNT_ID}:policy/teams/{name}",
    ]
    assert planned["DryRun"] is True
    assert [change["Change"] for change in planned["Changes"]] == imported
    iam("delete-user", f"{name}2")
    assert iam("export") == exported
    assert SECRET_ACCESS_KEY not in exported


def test_the_whole_account_is_shown_as_a_tree(iam: Client, name: str) -> None:
    """With access keys, and without their secrets."""
    iam("create-user", name, "--path", "/people/", "--tag", "team=web")
    key, secret = secret_of(iam("create-access-key", name))
    iam("attach", "--user", name, READ_ONLY)

    shown, as_json = iam("list"), iam("list", "--output", "json")

    assert shown.startswith(f"account {ACCOUNT_ID}\n")
    expected = [
        f"  user people/{name}",
        f"    access key {key} (active)",
        f"    attached policy {READ_ONLY}",
        "    tag team=web",
    ]
    assert "\n".join(expected) in shown
    [user] = [user for user in json.loads(as_json)["Users"] if user["Name"] == name]
    assert [key["AccessKeyId"] for key in user["AccessKeys"]] == [key]
    assert secret not in shown + as_json


def test_another_account_has_a_root_of_its_own(server: Server, iam: Client, tmp_path: Path) -> None:
    """Who is told apart from the first, and may not make accounts."""
    account = "111111111111"
    key, secret = secret_of(iam("create-account", account))
    theirs = command(server, tmp_path, AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret)

    assert theirs("whoami").startswith(f"arn:aws:iam::{account}:root\n")
    assert account in iam("list-accounts")
    refused = theirs.run("create-account", "222222222222")
    assert b"(AccessDenied)" in refused.stderr
    iam("delete-account", account)
    assert iam("list-accounts") == ""


def test_roles_trust_by_a_word(iam: Client, name: str) -> None:
    """Another account, or the workflows of a repository at GitHub."""
    iam("create-role", f"{name}-a", "--trust-account", "111111111111")
    iam("create-role", f"{name}-g", "--trust-github", "acme/app")

    trusts = {
        role["RoleName"]: role["AssumeRolePolicyDocument"]
        for role in json.loads(iam("list-roles", "--output", "json"))["Roles"]
    }

    [by_account] = trusts[f"{name}-a"]["Statement"]
    [by_github] = trusts[f"{name}-g"]["Statement"]
    issuer = "token.actions.githubusercontent.com"
    assert by_account["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    assert by_github["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT_ID}:oidc-provider/{issuer}"}
    assert by_github["Condition"] == {
        "StringEquals": {f"{issuer}:aud": "sts.amazonaws.com"},
        "StringLike": {f"{issuer}:sub": "repo:acme/app:*"},
    }


def test_a_managed_policy_of_five_versions_takes_a_sixth(iam: Client, name: str, tmp_path: Path) -> None:
    """The oldest goes; the newest decides."""
    (tmp_path / "policy.json").write_text(allow("ecr:*"))
    iam("create-managed-policy", name, tmp_path / "policy.json")

    printed = [iam("update-managed-policy", name, tmp_path / "policy.json") for _ in range(5)]

    assert [line.rsplit(" ", 1)[-1] for line in printed] == ["v2.", "v3.", "v4.", "v5.", "v6."]
    assert re.search(rf"^{name} +v6 ", iam("list-managed-policies"), re.MULTILINE)
    iam("delete-managed-policy", name)
    assert name not in iam("list-managed-policies")
