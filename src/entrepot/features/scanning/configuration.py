"""A scanning configuration as values (service model: the shapes of the same names)."""

from dataclasses import dataclass
from typing import Literal

ScanType = Literal["BASIC", "ENHANCED"]
ScanFrequency = Literal["SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL"]


@dataclass(frozen=True, slots=True)
class ScanningRule:
    """How often to scan the repositories whose name one of the filters matches."""

    frequency: ScanFrequency
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanningConfiguration:
    """What a registry is told to scan; the defaults are those of a registry that was told nothing."""

    scan_type: ScanType = "BASIC"
    rules: tuple[ScanningRule, ...] = ()


@dataclass(frozen=True, slots=True)
class EffectiveScanning:
    """What that means for one repository; ``filters`` are those that made it so."""

    frequency: ScanFrequency
    filters: tuple[str, ...]
