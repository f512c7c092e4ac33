"""The conformance program of the OCI distribution specification (2026) against the default profile."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from tests.live.clients import Client, program
from tests.live.conformance import variables
from tests.live.server import Server

FAILING: frozenset[str] = frozenset()
"""The conformance tests that are known to fail, by their full names; each with its reason in `designs/`."""


@pytest.mark.timeout(300)
def test_every_conformance_test_passes_but_those_named(server: Server, tmp_path: Path) -> None:
    """The failures of the program are exactly those named here: a mended one has to leave the list."""
    conformance = Client(program=program("conformance"), environment=variables(server, tmp_path))

    printed = conformance.run(folder=tmp_path)

    report = ET.parse(tmp_path / "junit.xml").getroot()
    failed = {case.attrib["name"] for case in report.iter("testcase") if case.attrib["status"] == "failure"}
    assert int(report.attrib["tests"]) > 800, printed.stderr.decode()
    assert failed == FAILING, printed.stdout.decode()
