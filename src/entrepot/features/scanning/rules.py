"""Which frequencies a scan type has, and which of them a repository gets (ECR user guide, "Filters")."""

from collections.abc import Mapping

from entrepot.core.errors import InvalidParameter
from entrepot.core.wildcards import matches_wildcard
from entrepot.features.scanning.configuration import (
    EffectiveScanning,
    ScanFrequency,
    ScanningConfiguration,
    ScanType,
)

#: Where rules of several frequencies match one repository, the first of these holds.
_FREQUENCIES: Mapping[ScanType, tuple[ScanFrequency, ...]] = {
    "BASIC": ("SCAN_ON_PUSH", "MANUAL"),
    "ENHANCED": ("CONTINUOUS_SCAN", "SCAN_ON_PUSH"),
}


def check_configuration(configuration: ScanningConfiguration) -> None:
    """Refuse a frequency that the scan type does not have; raises InvalidParameter."""
    allowed = _FREQUENCIES[configuration.scan_type]
    if any(rule.frequency not in allowed for rule in configuration.rules):
        raise InvalidParameter(
            "scanFrequency",
            f"Member must satisfy enum value set: [{', '.join(allowed)}] when scanType is "
            + configuration.scan_type,
        )


def effective_scanning(
    configuration: ScanningConfiguration, repository: str, *, scan_on_push: bool
) -> EffectiveScanning:
    """How often a repository is scanned; ``scan_on_push`` is its own, older setting, which basic scanning obeys.

    What no rule matches is scanned by hand only, which enhanced scanning does not offer.
    """
    for frequency in _FREQUENCIES[configuration.scan_type]:
        filters = tuple(
            one
            for rule in configuration.rules
            if rule.frequency == frequency
            for one in rule.filters
            if matches_filter(one, repository)
        )
        own = scan_on_push and configuration.scan_type == "BASIC" and frequency == "SCAN_ON_PUSH"
        if filters or own:
            return EffectiveScanning(frequency, filters)
    return EffectiveScanning("MANUAL", ())


def matches_filter(text: str, repository: str) -> bool:
    """True when a filter matches a repository's name: as a wildcard if it has a ``*``, else as a part of it."""
    return matches_wildcard(text, repository) if "*" in text else text in repository
