"""A lifecycle policy as values (ECR user guide, "Lifecycle policy properties"). Its words are the document's."""

from dataclasses import dataclass
from typing import Literal

TagStatus = Literal["tagged", "untagged", "any"]
StorageClass = Literal["standard", "archive"]
CountType = Literal["imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"]
ActionType = Literal["expire", "transition"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which images a rule is about.

    An image is selected when each of the patterns, or each of the prefixes, fits one of its tags; at most one of
    the two lists has anything in it. ``count_number`` is a number of images for imageCountMoreThan, else of days.
    """

    tag_status: TagStatus
    tag_patterns: tuple[str, ...]
    tag_prefixes: tuple[str, ...]
    storage_class: StorageClass
    count_type: CountType
    count_number: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What to do with the selected images; the lowest priority comes first. ``transition`` is to the archive."""

    priority: int
    description: str | None
    selection: Selection
    action: ActionType


@dataclass(frozen=True, slots=True)
class LifecyclePolicy:
    """The rules of a repository, by priority."""

    rules: tuple[Rule, ...]
