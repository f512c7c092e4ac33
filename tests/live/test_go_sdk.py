"""aws-sdk-go-v2, a statically typed SDK: it takes nothing for granted that the service model does not say."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from tests.live.clients import Client, program
from tests.live.oci import Repository
from tests.live.server import ACCESS_KEY_ID, ACCOUNT_ID, REGION, SECRET_ACCESS_KEY, Server

Scenario = Callable[[str], Any]
PART = 5 * 1024 * 1024


@pytest.fixture
def go_sdk(server: Server, repository: Repository) -> Scenario:
    """Runs a scenario of go_sdk/main.go in the repository; what it saw."""
    client = Client(
        program=program("go-sdk"),
        environment={
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_REGION": REGION,
        },
    )
    return lambda scenario: json.loads(client(scenario, server.url, repository.name))


def test_errors_are_of_the_types_of_the_model(go_sdk: Scenario, repository: Repository) -> None:
    """Each is found by errors.As, and has its message, and InvalidLayerPartException its own members."""
    seen = go_sdk("errors")

    assert seen.pop("InvalidLayerPartException") == {
        "sameUpload": True,
        "repositoryName": repository.name,
        "registryId": ACCOUNT_ID,
        "lastValidByteReceived": len("first") - 1,
    }
    assert seen["RepositoryNotFoundException"].startswith("The repository with name 'go/missing' does not exist")
    assert sorted(seen) == [
        "ImageAlreadyExistsException",
        "ImageNotFoundException",
        "InvalidParameterException",
        "LayerAlreadyExistsException",
        "LayersNotFoundException",
        "RepositoryAlreadyExistsException",
        "RepositoryNotFoundException",
        "UploadNotFoundException",
    ]
    assert all(seen.values())


def test_paginators_read_every_page_once(go_sdk: Scenario) -> None:
    """ListImages and DescribeImages in pages of seven give 23 images, in the order they were pushed."""
    seen = go_sdk("pages")

    tags = [f"v{number:02}" for number in range(23)]
    assert seen == {"listed": tags, "described": tags}


def test_a_cancelled_part_leaves_the_upload_as_it_was(go_sdk: Scenario) -> None:
    """A context that is cancelled in the middle of a part: the same part is then accepted, and the layer is whole."""
    seen = go_sdk("cancel")

    assert seen == {"cancelled": True, "lastByteReceived": 2 * PART - 1, "sameDigest": True}


def test_no_answer_has_to_be_asked_for_twice(go_sdk: Scenario) -> None:
    """300 small and 100 large answers, each read at the first attempt."""
    assert go_sdk("attempts") == {"small": 300, "large": 100}


def test_an_image_is_pushed_and_pulled_by_layers(go_sdk: Scenario) -> None:
    """Manifest, config and layer come back byte for byte, and DescribeImages tells of them."""
    seen = go_sdk("image")

    assert seen.pop("size") == seen.pop("expectedSize")
    assert datetime.fromisoformat(seen.pop("pushedAt")).tzinfo is not None
    assert seen.pop("tags") == ["v1"]
    assert seen == {"sameManifest": True, "sameDigest": True, "sameLayer": True, "sameConfig": True}
