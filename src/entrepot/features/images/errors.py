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
