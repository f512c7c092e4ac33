"""What can be wrong with a repository (service model: the shapes of the same names)."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import Conflict, Invalid, LimitReached, NotFound


@dataclass(eq=False)
class RepositoryNotFound(NotFound):
    """No repository of this name in this registry."""

    repository: str
    registry_id: str

    template: ClassVar[str] = (
        "The repository with name '{repository}' does not exist in the registry with id '{registry_id}'"
    )


@dataclass(eq=False)
class RepositoryAlreadyExists(Conflict):
    """The name is taken."""

    repository: str
    registry_id: str

    template: ClassVar[str] = (
        "The repository with name '{repository}' already exists in the registry with id '{registry_id}'"
    )


@dataclass(eq=False)
class RepositoryNotEmpty(Conflict):
    """There are images in it and the caller did not force the deletion."""

    repository: str
    registry_id: str

    template: ClassVar[str] = (
        "The repository with name '{repository}' in registry with id '{registry_id}' cannot be deleted "
        "because it still contains images"
    )


@dataclass(eq=False)
class TooManyHidden(LimitReached):
    """A page of the catalog found only repositories that the caller may not describe, and more follow."""

    number: int

    template: ClassVar[str] = "You may describe none of the {number} repositories that follow; ask for one by name"


@dataclass(eq=False)
class TooManyTags(LimitReached):
    """More than 50 resource tags on one repository."""

    limit: int

    template: ClassVar[str] = "The list of tags on the repository is over the limit. The maximum is {limit} tags"


@dataclass(eq=False)
class InvalidTag(Invalid):
    """A resource tag that breaks a rule."""

    constraint: str

    template: ClassVar[str] = "Invalid tag parameter: {constraint}"


@dataclass(eq=False)
class RepositoryNotDeleted(NotFound):
    """No repository of this name waits to be had back: it was never deleted, or is gone for good."""

    repository: str
    registry_id: str

    template: ClassVar[str] = (
        "No deleted repository with name '{repository}' is kept in the registry with id '{registry_id}': "
        "it is not deleted, or gone"
    )
