"""oras pushes files as artifacts, attaches one to another and finds it again."""

import json
from pathlib import Path

import pytest
from tests.live.clients import Client, program
from tests.live.oci import Repository
from tests.live.server import Server

KIND = "application/vnd.example.report"


@pytest.fixture
def oras(credentials: Path) -> Client:
    """Oras with the credentials of the server."""
    return Client(
        program=program("oras"), environment={"DOCKER_CONFIG": str(credentials), "HOME": str(credentials)}
    )


@pytest.fixture
def artifact(oras: Client, server: Server, repository: Repository, tmp_path: Path) -> str:
    """A pushed artifact of one file."""
    (tmp_path / "data.txt").write_text("data of " + repository.name)
    reference = f"{server.host}/{repository.name}:v1"
    oras("push", "--plain-http", reference, "data.txt:text/plain", folder=tmp_path)
    return reference


def test_pushed_file_is_pulled_again(oras: Client, artifact: str, repository: Repository, tmp_path: Path) -> None:
    """The file comes back as it was."""
    oras("pull", "--plain-http", "--output", tmp_path / "back", artifact)

    assert (tmp_path / "back" / "data.txt").read_text() == "data of " + repository.name


def test_attached_artifact_is_found_by_its_subject(oras: Client, artifact: str, tmp_path: Path) -> None:
    """What was attached is discovered through the referrers API, and by its artifact type alone."""
    (tmp_path / "report.json").write_text("{}")
    oras("attach", "--plain-http", "--artifact-type", KIND, artifact, "report.json", folder=tmp_path)

    def discovered(kind: str) -> list[dict[str, str]]:
        """The referrers of one type, by the API and not by the fallback tag."""
        options = ("--plain-http", "--distribution-spec", "v1.1-referrers-api", "--format", "json")
        return json.loads(oras("discover", *options, "--artifact-type", kind, artifact)).get("referrers") or []

    assert [referrer["artifactType"] for referrer in discovered(KIND)] == [KIND]
    assert discovered("application/vnd.example.other") == []


def test_attaching_leaves_no_fallback_tag(
    oras: Client, artifact: str, repository: Repository, tmp_path: Path
) -> None:
    """The answer's OCI-Subject tells oras that the registry keeps referrers, so it pushes no `sha256-…` tag."""
    (tmp_path / "report.json").write_text("{}")

    oras("attach", "--plain-http", "--artifact-type", KIND, artifact, "report.json", folder=tmp_path)

    assert repository.tags() == ["v1"]
