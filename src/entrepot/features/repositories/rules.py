"""The settings of a repository: what may be asked for, and what a tag may do under them."""

import re
from collections.abc import Mapping, Sequence

from entrepot.core.errors import InvalidParameter
from entrepot.core.wildcards import matches_wildcard
from entrepot.features.repositories.errors import InvalidTag, TooManyTags
from entrepot.features.repositories.repository import RepositorySettings

MAX_RESOURCE_TAGS = 50
MAX_TAG_KEY = 128
MAX_TAG_VALUE = 256
MAX_EXCLUSION_FILTERS = 5
#: Of ``*`` in one exclusion filter.
MAX_EXCLUSION_WILDCARDS = 2

_RESOURCE_TAG = re.compile(r"[\w .:/=+@-]*")
_EXCLUSION_FILTER = re.compile(r"[0-9a-zA-Z._*-]{1,128}")


def check_settings(settings: RepositorySettings) -> None:
    """Refuse settings that contradict each other; raises InvalidParameter."""
    with_exclusion = settings.tag_mutability.endswith("_WITH_EXCLUSION")
    parameter = "imageTagMutabilityExclusionFilters"
    if with_exclusion and not settings.exclusions:
        raise InvalidParameter(
            parameter,
            "ImageTagMutabilityExclusionFilters can't be null when imageTagMutability is set as "
            + settings.tag_mutability,
        )
    if settings.exclusions and not with_exclusion:
        raise InvalidParameter(
            parameter,
            "ImageTagMutabilityExclusionFilters must be null when imageTagMutability is set as "
            + settings.tag_mutability,
        )
    if len(settings.exclusions) > MAX_EXCLUSION_FILTERS:
        raise InvalidParameter(parameter, f"Member must have length less than or equal to {MAX_EXCLUSION_FILTERS}")
    for wildcard in settings.exclusions:
        if _EXCLUSION_FILTER.fullmatch(wildcard) is None:
            raise InvalidParameter(parameter, "must satisfy regular expression '^[0-9a-zA-Z._*-]{1,128}'")
        if wildcard.count("*") > MAX_EXCLUSION_WILDCARDS:
            raise InvalidParameter(parameter, f"A filter has at most {MAX_EXCLUSION_WILDCARDS} wildcards")


def is_tag_immutable(settings: RepositorySettings, tag: str) -> bool:
    """True when a tag, once set, may not move: the wildcards of the settings are the exceptions."""
    excluded = any(matches_wildcard(wildcard, tag) for wildcard in settings.exclusions)
    return settings.tag_mutability.startswith("IMMUTABLE") != excluded


def check_resource_tags(tags: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Refuse bad resource tags; gives them as a mapping. Raises TooManyTags, InvalidTag."""
    checked: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for key, value in tags:
        if not 1 <= len(key) <= MAX_TAG_KEY:
            raise InvalidTag(f"a tag key has 1 to {MAX_TAG_KEY} characters")
        if len(value) > MAX_TAG_VALUE:
            raise InvalidTag(f"a tag value has at most {MAX_TAG_VALUE} characters")
        if key.lower().startswith("aws:"):
            raise InvalidTag("tag keys that start with 'aws:' are reserved")
        if not (_RESOURCE_TAG.fullmatch(key) and _RESOURCE_TAG.fullmatch(value)):
            raise InvalidTag("a tag has letters, digits, spaces and the characters _.:/=+-@ only")
        if key in checked:
            raise InvalidTag(f"the tag key '{key}' is given more than once")
        if key.lower() in spelled:  # to conditions they are one key: which value would count?
            raise InvalidTag(f"the tag keys '{key}' and '{spelled[key.lower()]}' differ in their case alone")
        checked[key] = value
        spelled[key.lower()] = key
    if len(checked) > MAX_RESOURCE_TAGS:
        raise TooManyTags(MAX_RESOURCE_TAGS)
    return checked
