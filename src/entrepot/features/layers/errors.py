"""What can be wrong with a layer or its upload (service model: the shapes of the same names)."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import Conflict, Invalid, LimitReached, NotFound


@dataclass(eq=False)
class UploadNotFound(NotFound):
    """No open upload of this id in this repository: never begun, of another repository, expired, cancelled."""

    upload_id: str
    repository: str
    registry_id: str

    template: ClassVar[str] = (
        "The upload with id '{upload_id}' does not exist in the repository with name '{repository}' "
        "in registry with id '{registry_id}'"
    )


@dataclass(eq=False)
class InvalidLayerPart(Invalid):
    """The part does not follow the last one. ``last_valid_byte`` is the last one received, -1 for none."""

    upload_id: str
    repository: str
    registry_id: str
    last_valid_byte: int
    first_byte: int
    expected: int

    template: ClassVar[str] = "First byte of the layer part is {first_byte} instead of {expected}"


@dataclass(eq=False)
class InvalidLayerPartSize(InvalidLayerPart):
    """The part's bytes are not as many as its range says."""

    received: int = 0

    template: ClassVar[str] = (
        "The layer part has {received} bytes, which does not fit its range from byte {first_byte}"
    )


@dataclass(eq=False)
class LayerPartTooSmall(Invalid):
    """A part other than the last has less than 5 MiB."""

    template: ClassVar[str] = "All layer parts except the last part should be at least 5MB"


@dataclass(eq=False)
class EmptyUpload(Invalid):
    """There is nothing to complete."""

    upload_id: str
    repository: str
    registry_id: str

    template: ClassVar[str] = (
        "The upload with id '{upload_id}' in the repository with name '{repository}' in registry with id "
        "'{registry_id}' cannot be completed because it does not have any parts"
    )


@dataclass(eq=False)
class InvalidLayer(Invalid):
    """The bytes are not those of the digest."""

    template: ClassVar[str] = "None of the provided layer digests match the calculated layer digest"


@dataclass(eq=False)
class LayerAlreadyExists(Conflict):
    """The repository has this layer."""

    digest: str
    repository: str
    registry_id: str

    template: ClassVar[str] = (
        "The layer with digest '{digest}' already exists in the repository with name '{repository}' "
        "in registry with id '{registry_id}'"
    )


@dataclass(eq=False)
class LayersNotFound(NotFound):
    """The repository does not have this layer."""

    digest: str
    repository: str
    registry_id: str

    template: ClassVar[str] = (
        "The layer with digest '{digest}' does not exist within the repository with name '{repository}' "
        "in the registry with id '{registry_id}'"
    )


@dataclass(eq=False)
class RequiredLayersNotFound(LayersNotFound):
    """A manifest names layers that the repository does not have; ``digest`` lists them."""

    template: ClassVar[str] = (
        "Layers with digests '[{digest}]' required for pushing image into repository with name "
        "'{repository}' in the registry with id '{registry_id}' do not exist"
    )


@dataclass(eq=False)
class LayerInaccessible(Conflict):
    """The layer is there, but no image of the repository uses it."""

    digest: str
    repository: str
    registry_id: str

    template: ClassVar[str] = (
        "The layer with digest '{digest}' in the repository with name '{repository}' in the registry with "
        "id '{registry_id}' is not available because it is not associated with an image"
    )


@dataclass(eq=False)
class LayerInUse(Conflict):
    """The layer cannot be unlinked while an image of the repository uses it."""

    digest: str

    template: ClassVar[str] = "The layer with digest '{digest}' is referenced by an image"


@dataclass(eq=False)
class LayerTooLarge(LimitReached):
    """The layer would outgrow the bound on a layer's size or on its number of parts."""

    limit: str

    template: ClassVar[str] = "The layer exceeds the maximum of {limit}"
