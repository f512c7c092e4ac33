"""What can be wrong with a registry's settings (service model: the shapes of the same names)."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import Conflict, Invalid, LimitReached, NotFound


@dataclass(eq=False)
class UnknownSetting(Invalid):
    """An account setting that does not exist, or a value it cannot have (ECR's ValidationException)."""

    reason: str

    template: ClassVar[str] = "{reason}"


@dataclass(eq=False)
class ExclusionAlreadyExists(Conflict):
    """The principal is excluded already."""

    principal_arn: str

    template: ClassVar[str] = "The specified pull time update exclusion already exists: {principal_arn}"


@dataclass(eq=False)
class ExclusionNotFound(NotFound):
    """The principal is not excluded."""

    principal_arn: str

    template: ClassVar[str] = "The specified pull time update exclusion was not found: {principal_arn}"


@dataclass(eq=False)
class TooManyExclusions(LimitReached):
    """The account excludes as many principals as it may."""

    limit: int

    template: ClassVar[str] = "The limit of {limit} pull time update exclusions has been reached"
