"""What can be missing of a lifecycle policy (service model: the shapes of the same names)."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import NotFound


@dataclass(eq=False)
class LifecyclePolicyNotFound(NotFound):
    """The repository has no lifecycle policy."""

    repository: str
    registry_id: str

    template: ClassVar[str] = (
        "Lifecycle policy does not exist for the repository with name '{repository}' in the registry with id "
        "'{registry_id}'"
    )
