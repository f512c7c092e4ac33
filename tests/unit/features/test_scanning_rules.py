"""A scanning configuration says how often a repository is scanned by filters on its name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.errors import InvalidParameter
from entrepot.features.scanning.configuration import (
    EffectiveScanning,
    ScanFrequency,
    ScanningConfiguration,
    ScanningRule,
    ScanType,
)
from entrepot.features.scanning.rules import check_configuration, effective_scanning, matches_filter

REPOSITORIES = ("prod", "repo-prod", "prod-repo", "repo-prod-repo", "prodrepo")


def configuration(scan_type: ScanType, *rules: tuple[ScanFrequency, tuple[str, ...]]) -> ScanningConfiguration:
    """A configuration."""
    return ScanningConfiguration(scan_type, tuple(ScanningRule(*rule) for rule in rules))


@pytest.mark.parametrize(
    ("text", "matched"),
    [
        ("prod", REPOSITORIES),
        ("*prod", ("prod", "repo-prod")),
        ("prod*", ("prod", "prod-repo", "prodrepo")),
        ("*prod*", REPOSITORIES),
        ("prod*repo", ("prod-repo", "prodrepo")),
        ("*", REPOSITORIES),
        ("product", ()),
    ],
)
def test_filters_match_as_the_user_guide_tabulates(text: str, matched: tuple[str, ...]) -> None:
    """The table of "Filters to choose which repositories are scanned", and two rows more."""
    assert tuple(name for name in REPOSITORIES if matches_filter(text, name)) == matched


@given(st.text("ab/*", min_size=1, max_size=12), st.text("ab/", min_size=2, max_size=12))
def test_a_filter_matches_like_the_pieces_between_its_wildcards(text: str, name: str) -> None:
    """With wildcards as a whole, without as a part; checked against a plain recursion."""

    def fits(pattern: str, rest: str) -> bool:
        if not pattern:
            return not rest
        if pattern[0] == "*":
            return any(fits(pattern[1:], rest[skip:]) for skip in range(len(rest) + 1))
        return bool(rest) and rest[0] == pattern[0] and fits(pattern[1:], rest[1:])

    assert matches_filter(text, name) == fits(text if "*" in text else f"*{text}*", name)


@pytest.mark.parametrize(
    ("scan_type", "frequency", "allowed"),
    [
        ("BASIC", "SCAN_ON_PUSH", None),
        ("BASIC", "MANUAL", None),
        ("BASIC", "CONTINUOUS_SCAN", "SCAN_ON_PUSH, MANUAL"),
        ("ENHANCED", "SCAN_ON_PUSH", None),
        ("ENHANCED", "CONTINUOUS_SCAN", None),
        ("ENHANCED", "MANUAL", "CONTINUOUS_SCAN, SCAN_ON_PUSH"),
    ],
)
def test_each_scan_type_has_frequencies_of_its_own(
    scan_type: ScanType, frequency: ScanFrequency, allowed: str | None
) -> None:
    """Continuous scanning is enhanced; scanning by hand is basic."""
    asked = configuration(scan_type, ("SCAN_ON_PUSH", ("a",)), (frequency, ("b",)))

    if allowed is None:
        check_configuration(asked)
        return
    with pytest.raises(InvalidParameter) as raised:
        check_configuration(asked)
    assert raised.value.constraint == (
        f"Member must satisfy enum value set: [{allowed}] when scanType is {scan_type}"
    )


@pytest.mark.parametrize("scan_type", ["BASIC", "ENHANCED"])
def test_what_no_filter_matches_is_scanned_by_hand(scan_type: ScanType) -> None:
    """Without an applied filter."""
    asked = configuration(scan_type, ("SCAN_ON_PUSH", ("prod", "stage*")))

    assert effective_scanning(asked, "app", scan_on_push=False) == EffectiveScanning("MANUAL", ())


def test_the_filters_that_match_are_the_applied_ones() -> None:
    """All of them, in the order of the configuration, and no others."""
    asked = configuration("BASIC", ("SCAN_ON_PUSH", ("team/*", "nothing", "app")))

    effective = effective_scanning(asked, "team/app", scan_on_push=False)

    assert effective == EffectiveScanning("SCAN_ON_PUSH", ("team/*", "app"))


@pytest.mark.parametrize(
    ("scan_type", "weaker", "stronger"),
    [("ENHANCED", "SCAN_ON_PUSH", "CONTINUOUS_SCAN"), ("BASIC", "MANUAL", "SCAN_ON_PUSH")],
)
def test_the_more_frequent_of_two_rules_holds(
    scan_type: ScanType, weaker: ScanFrequency, stronger: ScanFrequency
) -> None:
    """In either order, and with its own filters only."""
    weak, strong = ScanningRule(weaker, ("*",)), ScanningRule(stronger, ("app",))

    for rules in (weak, strong), (strong, weak):
        asked = ScanningConfiguration(scan_type, rules)

        assert effective_scanning(asked, "app", scan_on_push=False) == EffectiveScanning(stronger, ("app",))
        assert effective_scanning(asked, "web", scan_on_push=False) == EffectiveScanning(weaker, ("*",))


def test_a_repositorys_own_setting_counts_under_basic_scanning_only() -> None:
    """It is the older way to ask for basic scanning; no filter is applied then."""
    basic = effective_scanning(ScanningConfiguration(), "app", scan_on_push=True)
    enhanced = effective_scanning(configuration("ENHANCED"), "app", scan_on_push=True)

    assert basic == EffectiveScanning("SCAN_ON_PUSH", ())
    assert enhanced == EffectiveScanning("MANUAL", ())
