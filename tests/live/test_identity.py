"""Users, roles and other accounts with real clients: what a policy allows works, and nothing else does."""

import base64
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from botocore.exceptions import ClientError
from tests.issuer import Issuer, rsa_key, running_issuer
from tests.live.clients import Client, program
from tests.live.images import Image, busybox_layer, image, write_layout
from tests.live.oci import Repository
from tests.live.server import ACCESS_KEY_ID, ACCOUNT_ID, REGION, SECRET_ACCESS_KEY, Server, serving
from types_boto3_ecr.client import ECRClient
from types_boto3_iam.client import IAMClient

from entrepot.core.clock import SECOND, system_clock

OTHER = "111122223333"
MANAGED = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistry"


def policy(*statements: Mapping[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, resource: str = "*") -> str:
    """An identity policy of one statement."""
    return policy({"Effect": "Allow", "Action": list(actions), "Resource": resource})


def password(ecr: ECRClient) -> str:
    """What `docker login` is given."""
    (data,) = ecr.get_authorization_token()["authorizationData"]
    return base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]  # pyright: ignore[reportTypedDictNotRequiredAccess]


def code_of(error: ClientError) -> str:
    """The error code that a client sees."""
    return error.response["Error"]["Code"]  # pyright: ignore[reportTypedDictNotRequiredAccess]


def new_user(iam: IAMClient, *policies: str) -> Mapping[str, Any]:
    """The access key of a new user with these policies of AWS, by what follows their common beginning."""
    name = f"user-{uuid4().hex[:12]}"
    iam.create_user(UserName=name)
    for one in policies:
        iam.attach_user_policy(UserName=name, PolicyArn=f"{MANAGED}{one}")
    return iam.create_access_key(UserName=name)["AccessKey"]


@pytest.fixture
def iam(server: Server) -> IAMClient:
    """IAM, by the root."""
    return server.iam()


@pytest.fixture
def content(repository: Repository) -> Image:
    """An image under the tag `v1`."""
    content = image(busybox_layer(uuid4().hex))
    repository.push("v1", content)
    return content


def log_in(docker: Client, server: Server, word: str) -> None:
    """`docker login` with a token."""
    docker("login", "--username", "AWS", "--password-stdin", server.host, stdin=word.encode())


def test_docker_of_a_read_only_user_pulls_and_does_not_push(
    docker: Client, server: Server, iam: IAMClient, repository: Repository, content: Image
) -> None:
    """The refusal is AWS's sentence, in docker's words."""
    reference = f"{server.host}/{repository.name}"
    log_in(docker, server, password(server.ecr_of(new_user(iam, "ReadOnly"))))

    docker("pull", f"{reference}:v1")
    docker("tag", f"{reference}:v1", f"{reference}:v2")
    refused = docker.run("push", f"{reference}:v2")

    assert refused.returncode != 0
    assert b"is not authorized to perform: ecr:" in refused.stderr
    assert b"because no identity-based policy allows" in refused.stderr
    docker("logout", server.host)


def test_crane_with_a_push_only_role_pushes_and_does_not_pull(
    server: Server, iam: IAMClient, repository: Repository, tmp_path: Path
) -> None:
    """A session of the role, assumed by a user whom the role trusts."""
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ACCOUNT_ID}, "Action": "sts:AssumeRole"})
    name = f"push-{uuid4().hex[:12]}"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    pushing = (
        "InitiateLayerUpload",
        "UploadLayerPart",
        "CompleteLayerUpload",
        "PutImage",
        "BatchCheckLayerAvailability",
    )
    document = allow("ecr:GetAuthorizationToken", *(f"ecr:{action}" for action in pushing))
    iam.put_role_policy(RoleName=name, PolicyName="push", PolicyDocument=document)
    user = f"ci-{uuid4().hex[:12]}"
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="assume", PolicyDocument=allow("sts:AssumeRole", resource=role))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    sts = server.sts(key)
    held = sts.assume_role(RoleArn=role, RoleSessionName="build")["Credentials"]
    content = image(busybox_layer(uuid4().hex))
    layout = write_layout(tmp_path / "layout", content, "v1")
    crane = crane_of(server, password(server.ecr_of(held)), tmp_path)

    crane("push", layout, f"{server.host}/{repository.name}:v1")
    refused = crane.run("pull", f"{server.host}/{repository.name}:v1", tmp_path / "pulled.tar")

    assert refused.returncode != 0
    assert b"is not authorized to perform: ecr:BatchGetImage" in refused.stderr
    assert f"assumed-role/{name}/build".encode() in refused.stderr


def crane_of(server: Server, word: str, folder: Path) -> Client:
    """Crane with a token."""
    auth = base64.b64encode(f"AWS:{word}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {server.host: {"auth": auth}}}))
    return Client(program=program("crane"), environment={"DOCKER_CONFIG": str(folder)})


def test_another_account_pulls_what_the_repository_lets_it(
    server: Server, repository: Repository, content: Image
) -> None:
    """Its user is allowed at home and by the repository; without the latter the answer says which is missing."""
    made = create_account(server)
    bob = server.iam(made)
    key = new_user(bob, "ReadOnly")
    ecr = server.ecr_of(key)
    asked: Any = {
        "registryId": ACCOUNT_ID,
        "repositoryName": repository.name,
        "imageIds": [{"imageTag": "v1"}],
    }
    with pytest.raises(ecr.exceptions.ClientError, match="because no resource-based policy allows") as refused:
        ecr.batch_get_image(**asked)
    assert code_of(refused.value) == "AccessDeniedException"

    server.ecr().set_repository_policy(
        repositoryName=repository.name,
        policyText=policy(
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
                "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            }
        ),
    )

    time.sleep(1)  # on every worker within a second

    assert ecr.batch_get_image(**asked)["images"]
    layer = content.blobs[-1]
    digest = json.loads(content.manifest)["layers"][0]["digest"]
    url = ecr.get_download_url_for_layer(registryId=ACCOUNT_ID, repositoryName=repository.name, layerDigest=digest)
    assert httpx.get(url["downloadUrl"]).content == layer  # pyright: ignore[reportTypedDictNotRequiredAccess]
    host = {"Host": f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com"}
    answer = httpx.get(
        f"{server.url}/v2/{repository.name}/manifests/v1", headers=host, auth=("AWS", password(ecr))
    )
    assert answer.content == content.manifest


def create_account(server: Server) -> Mapping[str, str]:
    """The root access key of another account, by the command."""
    done = iam_command(server, "create-account", OTHER, "--output", "json")
    made = json.loads(done)
    found: Mapping[str, str] = made.get("AccessKey", made)
    return found


def iam_command(server: Server, *arguments: str) -> str:
    """`entrepot iam …` against the server, by the root."""
    client = Client(
        program=Path(sys.executable).with_name("entrepot"),
        options=("iam",),
        environment={
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        },
    )
    return client(*arguments)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An OpenID Connect issuer, as a CI service has one."""
    with running_issuer([rsa_key("one")]) as issuer:
        yield issuer


def test_a_job_of_a_ci_service_pushes_by_its_web_identity(
    server: Server, iam: IAMClient, issuer: Issuer, repository: Repository
) -> None:
    """No secret is stored anywhere: the role trusts one repository of the issuer, by the subject of its tokens."""
    provider = iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["sts.amazonaws.com"])
    key = issuer.provider
    trust = policy(
        {
            "Effect": "Allow",
            "Principal": {"Federated": provider["OpenIDConnectProviderArn"]},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {f"{key}:aud": "sts.amazonaws.com"},
                "StringLike": {f"{key}:sub": "repo:acme/app:*"},
            },
        }
    )
    name = f"deploy-{uuid4().hex[:12]}"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=f"{MANAGED}PowerUser")
    now = system_clock() // SECOND
    claims = {"aud": "sts.amazonaws.com", "iat": now, "exp": now + 300}
    sts = server.sts()

    held = sts.assume_role_with_web_identity(
        RoleArn=role,
        RoleSessionName="job-1",
        WebIdentityToken=issuer.token({**claims, "sub": "repo:acme/app:ref:refs/heads/main"}),
    )["Credentials"]
    ecr = server.ecr_of(held)
    pushed = image(busybox_layer(uuid4().hex))
    with Repository(server, repository.name, auth_of(ecr)) as job:
        job.push("v1", pushed)
    (described,) = ecr.describe_images(repositoryName=repository.name)["imageDetails"]
    with pytest.raises(sts.exceptions.ClientError) as refused:
        sts.assume_role_with_web_identity(
            RoleArn=role,
            RoleSessionName="job-2",
            WebIdentityToken=issuer.token({**claims, "sub": "repo:evil/app:ref:refs/heads/main"}),
        )

    assert described.get("imageDigest") == pushed.digest
    assert code_of(refused.value) == "AccessDenied"


def auth_of(ecr: ECRClient) -> str:
    """The parameter of a Basic header."""
    return base64.b64encode(f"AWS:{password(ecr)}".encode()).decode()


def test_a_disabled_key_is_worthless_on_every_worker_within_a_second(
    server: Server, iam: IAMClient, repository: Repository, content: Image
) -> None:
    """Its tokens too; asked on many connections, so that both workers answer."""
    key = new_user(iam, "ReadOnly")
    auth = auth_of(server.ecr_of(key))

    def statuses() -> set[int]:
        url = f"{server.url}/v2/{repository.name}/manifests/v1"
        return {
            httpx.get(url, headers={"Authorization": f"Basic {auth}", "Connection": "close"}).status_code
            for _ in range(10)
        }

    assert statuses() == {200}
    iam.update_access_key(UserName=key["UserName"], AccessKeyId=key["AccessKeyId"], Status="Inactive")
    time.sleep(1)

    assert statuses() == {401}


def test_the_aws_cli_knows_who_it_is(server: Server, iam: IAMClient) -> None:
    """`aws sts get-caller-identity`, as every tool of AWS begins."""
    key = new_user(iam)
    aws = Client(
        program=program("aws"),
        options=("--output", "json"),
        environment={
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        },
    )

    found = json.loads(aws("sts", "get-caller-identity"))

    assert found["Account"] == ACCOUNT_ID
    assert found["Arn"] == f"arn:aws:iam::{ACCOUNT_ID}:user/{key['UserName']}"
    assert found["UserId"].startswith("AIDA")
    refused = aws.run("ecr", "describe-repositories")
    assert b"AccessDeniedException" in refused.stderr
    assert b"no identity-based policy allows the ecr:DescribeRepositories action" in refused.stderr


def test_docker_without_a_login_pulls_what_everybody_may(docker: Client) -> None:
    """Where the setting lets it, and from repositories whose policy says so; it pushes nowhere."""
    with serving("--anonymous-pull") as server:
        ecr = server.ecr()
        for name in ("open", "closed"):
            ecr.create_repository(repositoryName=name)
            with Repository(server, name, auth_of(ecr)) as pushed:
                pushed.push("v1", image(busybox_layer(uuid4().hex)))
        ecr.set_repository_policy(
            repositoryName="open",
            policyText=policy({"Effect": "Allow", "Principal": "*", "Action": "ecr:*"}),
        )

        docker("pull", f"{server.host}/open:v1")
        closed = docker.run("pull", f"{server.host}/closed:v1")
        docker("tag", f"{server.host}/open:v1", f"{server.host}/open:v2")
        pushed_anyway = docker.run("push", f"{server.host}/open:v2")
        log_in(docker, server, password(ecr))
        docker("pull", f"{server.host}/closed:v1")
        docker("push", f"{server.host}/open:v2")
        docker("logout", server.host)

    assert closed.returncode != 0
    assert pushed_anyway.returncode != 0
