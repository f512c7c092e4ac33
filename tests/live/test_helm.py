"""helm keeps charts in the registry."""

from pathlib import Path

import pytest
from tests.live.clients import Client, full, program
from tests.live.oci import Repository, password_of
from tests.live.server import Server

pytestmark = full


@pytest.fixture
def helm(server: Server, tmp_path: Path) -> Client:
    """Helm, logged in by its own `registry login`."""
    helm = Client(program=program("helm"), environment={"HOME": str(tmp_path)})
    password = password_of(server).encode()
    helm("registry", "login", "--plain-http", "--username", "AWS", "--password-stdin", server.host, stdin=password)
    return helm


def test_pushed_chart_is_pulled_again(helm: Client, server: Server, tmp_path: Path) -> None:
    """A packaged chart is pushed under its own name and version, and comes back as it was."""
    chart = Repository(server, "charts/greeting", "")
    server.ecr().create_repository(repositoryName=chart.name)
    (tmp_path / "greeting").mkdir()
    (tmp_path / "greeting" / "Chart.yaml").write_text("apiVersion: v2\nname: greeting\nversion: 1.2.3\n")
    helm("package", "greeting", folder=tmp_path)
    packed = (tmp_path / "greeting-1.2.3.tgz").read_bytes()

    helm("push", "--plain-http", "greeting-1.2.3.tgz", f"oci://{server.host}/charts", folder=tmp_path)
    (tmp_path / "greeting-1.2.3.tgz").unlink()
    helm("pull", "--plain-http", f"oci://{server.host}/charts/greeting", "--version", "1.2.3", folder=tmp_path)

    assert (tmp_path / "greeting-1.2.3.tgz").read_bytes() == packed
