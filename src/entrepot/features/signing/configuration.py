"""A signing configuration as values (service model: the shapes of the same names)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SigningRule:
    """A signing profile, for the repositories that one of the wildcards matches; without any, for all."""

    profile_arn: str
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SigningConfiguration:
    """What a registry is told to sign."""

    rules: tuple[SigningRule, ...]
