"""What is said to whoever wants more than a quota allows."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import LimitReached


@dataclass(eq=False)
class Throttled(LimitReached):
    """Too much is asked for at once; SDKs come back by themselves."""

    template: ClassVar[str] = "Rate exceeded"


@dataclass(eq=False)
class TooManyRepositories(LimitReached):
    """The registry has as many repositories as its quota allows."""

    registry_id: str
    limit: int

    template: ClassVar[str] = (
        "The registry with id '{registry_id}' already has the maximum allowed number of repositories which is "
        "'{limit}'"
    )


@dataclass(eq=False)
class TooManyImages(LimitReached):
    """The repository has as many images as its quota allows."""

    repository: str
    registry_id: str
    limit: int

    template: ClassVar[str] = (
        "The repository with name '{repository}' in registry with id '{registry_id}' already has the maximum "
        "allowed number of images which is '{limit}'"
    )
