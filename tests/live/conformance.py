"""Run an OCI conformance program against a fresh registry: `python -m tests.live.conformance PROGRAM FOLDER`.

It speaks to both suites: the program of 2026 and the Ginkgo one of v1.1.1 read different variables.
"""

import subprocess
import sys
from pathlib import Path

from tests.live.oci import password_of
from tests.live.server import Server, running

REPOSITORIES = ("conformance/repo1", "conformance/repo2")


def variables(server: Server, reports: Path) -> dict[str, str]:
    """Make the repositories that the suites use; the environment that points them to the server."""
    for name in REPOSITORIES:
        server.ecr().create_repository(repositoryName=name)
    first, second = REPOSITORIES
    common = {"OCI_USERNAME": "AWS", "OCI_PASSWORD": password_of(server)}
    of_2026 = {
        "OCI_REGISTRY": server.host,
        "OCI_TLS": "disabled",
        "OCI_REPO1": first,
        "OCI_REPO2": second,
        "OCI_VERSION": "1.1",
        "OCI_RESULTS_DIR": str(reports),
    }
    of_version_1_1 = {
        "OCI_ROOT_URL": server.url,
        "OCI_NAMESPACE": first,
        "OCI_CROSSMOUNT_NAMESPACE": second,
        "OCI_TEST_PULL": "1",
        "OCI_TEST_PUSH": "1",
        "OCI_TEST_CONTENT_DISCOVERY": "1",
        "OCI_TEST_CONTENT_MANAGEMENT": "1",
        "OCI_REPORT_DIR": str(reports),
    }
    return {**common, **of_2026, **of_version_1_1}


def main() -> int:
    """The exit status of the program."""
    program, reports = (Path(argument).absolute() for argument in sys.argv[1:])
    reports.mkdir(parents=True, exist_ok=True)
    with running() as server:
        done = subprocess.run([str(program)], env=variables(server, reports), cwd=reports, check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
