"""What can be missing of a signing configuration (service model: the shapes of the same names)."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import NotFound


@dataclass(eq=False)
class SigningConfigurationNotFound(NotFound):
    """The registry has no signing configuration."""

    registry_id: str

    template: ClassVar[str] = "Signing configuration does not exist in the registry with id '{registry_id}'"
