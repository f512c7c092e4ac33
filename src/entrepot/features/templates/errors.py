"""What can be wrong with a creation template (service model: the shapes of the same names)."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import Conflict, LimitReached, NotFound


@dataclass(eq=False)
class TemplateAlreadyExists(Conflict):
    """The prefix has a creation template."""

    prefix: str
    registry_id: str

    template: ClassVar[str] = (
        "The repository creation template with prefix '{prefix}' already exists in the registry with id "
        "'{registry_id}'"
    )


@dataclass(eq=False)
class TemplateNotFound(NotFound):
    """The prefix has no creation template."""

    prefix: str
    registry_id: str

    template: ClassVar[str] = (
        "The repository creation template with prefix '{prefix}' does not exist in the registry with id "
        "'{registry_id}'"
    )


@dataclass(eq=False)
class TooManyTemplates(LimitReached):
    """The registry has as many creation templates as it may."""

    limit: int

    template: ClassVar[str] = "The limit of {limit} repository creation templates in a registry has been reached"
