"""The OCI conformance programs, and the page that tells how the registry does.

    python -m tests.live.conformance PROGRAM FOLDER    against a fresh registry, with reports in FOLDER
    python -m tests.live.conformance PROGRAM           on every kind of store; writes the page

The first speaks to both suites: the program of 2026 and the Ginkgo one of v1.1.1 read different variables. The page
is of the program of 2026.
"""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import pytest
from tests.live.oci import password_of
from tests.live.server import Server, running
from tests.postgresql import EMPTY, postgresql_server
from tests.s3 import s3_server

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs/reference/conformance.md"
REPOSITORIES = ("conformance/repo1", "conformance/repo2")
#: What the registry is started with: what the specification leaves to the registry, where ECR forbids it.
OPTIONS = ("--workers", "2", "--sparse-manifests")
MASTER_KEY = "0123456789abcdef" * 4
#: What the program of 2026 leaves out unless it is told that the registry has it.
OPT_INS = {
    "OCI_API_BLOBS_DIGEST_HEADER": "true",
    "OCI_API_BLOBS_UPLOAD_CANCEL": "true",
    "OCI_API_MANIFESTS_DIGEST_HEADER": "true",
    "OCI_API_MANIFESTS_TAG_PARAM": "true",
    "OCI_DATA_SPARSE": "true",
}
#: The tests that the program skips, by the end of their names, each with the reason.
SKIPPED = {
    "blob-mount-anonymous": "A mount has to name the repository that the blob comes from. Without one a registry may"
    " begin an upload instead, and this one does: nobody learns what other repositories hold.",
    "range 500-0": "`500-0` is no range, and what is none is ignored (RFC 9110, section 14.2): the answer is the whole"
    " blob.",
}


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
        "OCI_AUTOMATIC_CROSSMOUNT": "0",
        "OCI_REPORT_DIR": str(reports),
    }
    return {**common, **of_2026, **OPT_INS, **of_version_1_1}


def on_sqlite_and_disk() -> AbstractContextManager[Server]:
    """A fresh registry as it comes."""
    return running(*OPTIONS)


@contextmanager
def on_postgresql_and_s3() -> Generator[Server]:
    """A fresh registry over servers of its own."""
    with (
        postgresql_server() as postgresql,
        s3_server() as s3,
        TemporaryDirectory(prefix="entrepot-conformance-") as home,
        pytest.MonkeyPatch.context() as environment,
    ):
        s3.write_credentials(Path(home))
        environment.setenv("HOME", home)
        settings = Path(home) / "entrepot.toml"
        database = postgresql.create_database(template=EMPTY)
        settings.write_text(f'database = "{database}"\nmaster_key = "{MASTER_KEY}"\n')
        storage = ("--storage", f"s3://{s3.create_bucket()}/layers", "--s3-endpoint", s3.endpoint)
        with running("--config", str(settings), *storage, *OPTIONS) as server:
            yield server


STORES: Mapping[str, Callable[[], AbstractContextManager[Server]]] = {
    "SQLite and disk": on_sqlite_and_disk,
    "PostgreSQL and S3": on_postgresql_and_s3,
}


@dataclass(frozen=True, slots=True)
class Report:
    """What the program of 2026 has found: name and status of each test; the status of each API and kind of data."""

    tests: list[tuple[str, str]]
    summary: dict[str, dict[str, str]]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The report that the program has left in a folder."""
        cases = ET.parse(folder / "junit.xml").getroot().iter("testcase")
        summary: dict[str, dict[str, str]] = {"apis": {}, "data": {}}
        section: dict[str, str] = {}
        for line in (folder / "results.yaml").read_text().splitlines():
            name, _, status = line.partition(": ")
            if not line.startswith(" "):
                section = summary.get(line.rstrip(":"), {})
            else:
                section[name.strip()] = status
        return cls([(case.attrib["name"], case.attrib["status"]) for case in cases], summary)

    def named(self, status: str) -> list[str]:
        """The tests of a status."""
        return [name for name, found in self.tests if found == status]


def run(program: Path, server: Server, reports: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a program against a server."""
    return subprocess.run([str(program)], env=variables(server, reports), cwd=reports, check=False)


def page(reports: Mapping[str, Report]) -> str:
    """The page of these reports, by store."""
    first, *_ = reports.values()
    statuses = {"Tests passed": "passed", "Tests failed": "failure", "Tests skipped": "skipped"}
    counts = [
        (words, *(str(len(report.named(status))) for report in reports.values()))
        for words, status in statuses.items()
    ]
    parts = [
        HEAD.format(date=_date_of_program(), options=" ".join(OPTIONS[2:])),
        _table(["", *reports], counts),
        "## Skipped",
        "\n".join(f"* `{name}`: {reason}" for name, reason in SKIPPED.items()),
    ]
    for heading, section in (("APIs", "apis"), ("Data", "data")):
        rows = [
            (name, *(report.summary[section][name] for report in reports.values()))
            for name in first.summary[section]
        ]
        parts += [f"## {heading}", _table(["", *reports], rows)]
    return "\n\n".join(parts) + "\n"


HEAD = """\
<!-- Written by scripts/conformance --publish; change the code or the script, not this file. -->

# Conformance

The conformance program of the OCI distribution specification, of {date}, is run before each change against a fresh
registry of two workers, with every API and every kind of data that it knows switched on. The registry has its
settings as they come, but for `{options}`. `scripts/conformance` runs it.

Besides, `scripts/conformance DIR` runs the suite of version 1.1.1 from a checkout of the specification, with all four
workflows: 75 tests pass and none fails on either store. It skips four: two read what to pull from the environment
where nothing may be pushed, one is for registries that mount without being told where from, and one for those that
answer a mount with an upload."""


def _date_of_program() -> str:
    """When the version that is installed was made."""
    script = (PROJECT / "scripts/install-clients").read_text()
    found = re.search(r"distribution-spec/conformance \\\s+v0\.0\.0-(\d{4})(\d\d)(\d\d)", script)
    assert found is not None
    return "-".join(found.groups())


def _table(head: list[str], rows: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


def main() -> int:
    """The exit status of the program, or of the worst run of it."""
    program, *folder = (Path(argument).absolute() for argument in sys.argv[1:])
    reports: dict[str, Report] = {}
    statuses: list[int] = []
    for name, store in STORES.items():
        with TemporaryDirectory() as made, store() as server:
            left = folder[0] / name.replace(" ", "-") if folder else Path(made)
            left.mkdir(parents=True, exist_ok=True)
            statuses.append(run(program, server, left).returncode)
            if not folder:
                reports[name] = Report.read(left)
    if not folder:
        PAGE.write_text(page(reports))
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main())
