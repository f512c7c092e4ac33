"""The AWS CLI, with an endpoint and keys in its environment, as a user of AWS has them."""

import json
from uuid import uuid4

import pytest
from tests.live.clients import Client, program
from tests.live.images import busybox_layer, image
from tests.live.oci import Repository
from tests.live.server import ACCESS_KEY_ID, ACCOUNT_ID, REGION, SECRET_ACCESS_KEY, Server


@pytest.fixture
def aws(server: Server) -> Client:
    """`aws ecr` against the server, answering in JSON."""
    return Client(
        program=program("aws"),
        options=("--output", "json", "ecr"),
        environment={
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        },
    )


def test_login_password_opens_v2(aws: Client, server: Server, repository: Repository) -> None:
    """What `aws ecr get-login-password` prints is the password of the user AWS on `/v2/`."""
    password = aws("get-login-password")

    answer = repository.http.get("/v2/", auth=("AWS", password))

    assert answer.status_code == 200
    assert repository.http.get("/v2/", auth=("AWS", password + "x")).status_code == 401


def test_repository_is_created_described_and_deleted(aws: Client) -> None:
    """The life of a repository, with ECR's field names and the ARN of this registry."""
    name = f"cli/{uuid4().hex[:12]}"

    created = json.loads(aws("create-repository", "--repository-name", name))["repository"]

    assert created["repositoryArn"] == f"arn:aws:ecr:{REGION}:{ACCOUNT_ID}:repository/{name}"
    (described,) = json.loads(aws("describe-repositories", "--repository-names", name))["repositories"]
    assert described == created
    aws("delete-repository", "--repository-name", name)
    refused = aws.run("describe-repositories", "--repository-names", name)
    assert b"RepositoryNotFoundException" in refused.stderr
    assert f"The repository with name '{name}' does not exist".encode() in refused.stderr


def test_pushed_image_is_listed_and_read(aws: Client, repository: Repository) -> None:
    """An image of `/v2/` is in list-images, describe-images and batch-get-image."""
    content = image(busybox_layer(uuid4().hex))
    repository.push("v1", content)
    name = ("--repository-name", repository.name)

    listed = json.loads(aws("list-images", *name))["imageIds"]
    (described,) = json.loads(aws("describe-images", *name, "--image-ids", "imageTag=v1"))["imageDetails"]
    (read,) = json.loads(aws("batch-get-image", *name, "--image-ids", "imageTag=v1"))["images"]

    assert listed == [{"imageDigest": content.digest, "imageTag": "v1"}]
    assert described["imageDigest"] == content.digest
    assert described["imageSizeInBytes"] == sum(len(data) for data in content.blobs)
    assert read["imageManifest"].encode() == content.manifest


def test_wrong_secret_is_refused(aws: Client) -> None:
    """A signature by another secret is an InvalidSignatureException."""
    stranger = Client(
        program=aws.program,
        options=aws.options,
        environment={**aws.environment, "AWS_SECRET_ACCESS_KEY": "not the secret"},
    )

    refused = stranger.run("describe-repositories")

    assert refused.returncode != 0
    assert b"InvalidSignatureException" in refused.stderr
