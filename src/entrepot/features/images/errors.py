"""What can be wrong with an image (service model: the shapes of the same names)."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import Conflict, Invalid, LimitReached, NotFound


@dataclass(eq=False)
class ImageNotFound(NotFound):
    """No such image; ``digest`` and ``tag`` are what was asked for."""

    repository: str
    registry_id: str
    digest: str | None
    tag: str | None

    @property
    def message(self) -> str:
        """ECR writes an absent half as the word null, without quotes round the whole."""
        return (
            f"The image with imageId {{imageDigest:'{self.digest or 'null'}', imageTag:'{self.tag or 'null'}'}} "
            f"does not exist within the repository with name '{self.repository}' in the registry with id "
            f"'{self.registry_id}'"
        )


@dataclass(eq=False)
class ImageAlreadyExists(Conflict):
    """The same digest has the same tag, or no tag was given and the image is there."""

    digest: str
    tag: str | None
    repository: str
    registry_id: str

    @property
    def message(self) -> str:
        """The text for a tagged image is ECR's; without a tag the tag's half is left out."""
        tag = f" and tag '{self.tag}'" if self.tag is not None else ""
        return (
            f"Image with digest '{self.digest}'{tag} already exists in the repository with name "
            f"'{self.repository}' in registry with id '{self.registry_id}'"
        )


@dataclass(eq=False)
class ImageTagAlreadyExists(Conflict):
    """The tag is immutable and set."""

    tag: str
    repository: str

    template: ClassVar[str] = (
        "The image tag '{tag}' already exists in the '{repository}' repository and cannot be overwritten "
        "because the tag is immutable."
    )


@dataclass(eq=False)
class ImageDigestDoesNotMatch(Invalid):
    """The digest that the client declared is not the manifest's."""

    digest: str
    repository: str
    registry_id: str

    template: ClassVar[str] = (
        "The image with digest '{digest}' in repository '{repository}' and registry ID '{registry_id}' does "
        "not match the image digest that Amazon ECR has calculated."
    )


@dataclass(eq=False)
class ReferencedImagesNotFound(NotFound):
    """An index names images that the repository does not have; ``digests`` lists them."""

    digests: str
    repository: str
    registry_id: str

    template: ClassVar[str] = (
        "Images with digests '[{digests}]' required for pushing image into repository with name "
        "'{repository}' in the registry with id '{registry_id}' do not exist"
    )


@dataclass(eq=False)
class TooManyReferences(LimitReached):
    """A manifest names more layers or images than one transaction may touch."""

    found: int
    limit: int

    template: ClassVar[str] = "The manifest has {found} references, more than the maximum of {limit}"


@dataclass(eq=False)
class AnswerTooLarge(LimitReached):
    """The manifests asked for at once are larger than one answer may be."""

    limit: int

    template: ClassVar[str] = "The manifests asked for have more than {limit} bytes: ask for fewer at once"


@dataclass(eq=False)
class TooManyTagsOfImage(LimitReached):
    """The image has as many tags as an image may have."""

    tag: str
    repository: str
    registry_id: str
    limit: int

    template: ClassVar[str] = (
        "Adding tag '{tag}' to an image in the repository with name '{repository}' in registry with id "
        "'{registry_id}' exceeds the maximum allowed number of tags per image which is '{limit}'"
    )


@dataclass(eq=False)
class ImageReferencedByManifestList(Conflict):
    """An index of the repository still names the image; ``digests`` lists the indexes."""

    digests: str

    template: ClassVar[str] = "Requested image referenced by manifest list: [{digests}]"


@dataclass(eq=False)
class ImageNotDeleted(NotFound):
    """No image of this digest waits to be had back: it was never deleted, or is gone for good."""

    digest: str
    repository: str

    template: ClassVar[str] = (
        "No deleted image with digest '{digest}' is kept in the repository '{repository}': "
        "it is not deleted, or gone"
    )


@dataclass(eq=False)
class TagWasNothingElse(NotFound):
    """The history of the tag knows no other image."""

    tag: str
    repository: str

    template: ClassVar[str] = (
        "The history of the tag '{tag}' in the repository '{repository}' knows no other image"
    )


@dataclass(eq=False)
class LayersGone(Conflict):
    """A deleted image cannot come back without layers that were deleted themselves; ``digests`` lists them."""

    digest: str
    digests: str

    template: ClassVar[str] = (
        "The image '{digest}' cannot come back: its layers [{digests}] were deleted. Push it again"
    )


@dataclass(eq=False)
class ChildrenGone(Conflict):
    """A deleted index cannot come back without its images; ``digests`` lists those that are not kept."""

    digest: str
    digests: str

    template: ClassVar[str] = (
        "The index '{digest}' cannot come back: its images [{digests}] are gone. Push them again first"
    )


@dataclass(eq=False)
class TooManyDeletedImages(LimitReached):
    """An index has more deleted images than one transaction brings back."""

    digest: str
    limit: int

    template: ClassVar[str] = (
        "More than {limit} deleted images would come back with '{digest}': bring its images back first, one by one"
    )
