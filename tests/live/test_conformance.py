"""The conformance program of the OCI distribution specification (2026) against the default profile."""

import pytest
from tests.live.clients import program
from tests.live.conformance import PAGE, SKIPPED, STORES, Report, page, run

#: So many tests there are at least: a program that finds nothing to do has no failures either.
FEWEST = 800


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """What the program finds on every kind of store."""
    conformance, found = program("conformance"), dict[str, Report]()
    for name, store in STORES.items():
        folder = tmp_path_factory.mktemp("reports")
        with store() as server:
            run(conformance, server, folder)
        found[name] = Report.read(folder)
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("store", STORES)
def test_every_conformance_test_passes(reports: dict[str, Report], store: str) -> None:
    """With all APIs and all kinds of data; what is skipped the specification leaves to the registry."""
    report = reports[store]

    assert report.named("failure") == []
    assert len(report.named("passed")) > FEWEST
    assert {name.rpartition("/")[2] for name in report.named("skipped")} == SKIPPED.keys()


@pytest.mark.timeout(300)
def test_the_published_page_is_of_this_registry(reports: dict[str, Report]) -> None:
    """`scripts/conformance --publish` writes it."""
    assert PAGE.read_text() == page(reports)
