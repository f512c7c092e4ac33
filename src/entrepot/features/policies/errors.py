"""What can be missing of a policy (service model: the shapes of the same names)."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import NotFound


@dataclass(eq=False)
class RepositoryPolicyNotFound(NotFound):
    """The repository has no policy."""

    repository: str
    registry_id: str

    template: ClassVar[str] = (
        "Repository policy does not exist for the repository with name '{repository}' in the registry with id "
        "'{registry_id}'"
    )


@dataclass(eq=False)
class RegistryPolicyNotFound(NotFound):
    """The registry has no policy."""

    registry_id: str

    template: ClassVar[str] = "Registry policy does not exist in the registry with id '{registry_id}'"
