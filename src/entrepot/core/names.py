"""The grammars of repository names and image tags."""

import re

from entrepot.core.errors import InvalidParameter

#: ECR's repository name, as its error message quotes it.
REPOSITORY_NAME = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
REPOSITORY_NAME_LENGTH = (2, 256)

#: ECR's image tag, as its error message quotes it; 1 to 300 characters in the service model.
IMAGE_TAG = "[a-zA-Z0-9-_.]+"
IMAGE_TAG_LENGTH = (1, 300)

#: OCI's tag (distribution spec, "Pulling manifests"): what ``/v2/`` lets a client create.
OCI_TAG = r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"

# Each alternative of the name's grammar starts with another character, so matching never backtracks far.
_repository_name = re.compile(REPOSITORY_NAME)
_image_tag = re.compile(r"[a-zA-Z0-9\-_.]+")
_oci_tag = re.compile(OCI_TAG)


def check_repository_name(name: str) -> None:
    """Refuse what is no repository name; raises InvalidParameter in ECR's words."""
    _check(name, "repositoryName", _repository_name, REPOSITORY_NAME, REPOSITORY_NAME_LENGTH)


def check_image_tag(tag: str) -> None:
    """Refuse what is no image tag; raises InvalidParameter in ECR's words."""
    _check(tag, "imageTag", _image_tag, IMAGE_TAG, IMAGE_TAG_LENGTH)


def is_oci_tag(tag: str) -> bool:
    """True when the OCI distribution spec allows the tag."""
    return _oci_tag.fullmatch(tag) is not None


def _check(text: str, parameter: str, grammar: re.Pattern[str], quoted: str, length: tuple[int, int]) -> None:
    shortest, longest = length
    if len(text) < shortest:
        raise InvalidParameter(parameter, f"Member must have length greater than or equal to {shortest}")
    if len(text) > longest:
        raise InvalidParameter(parameter, f"Member must have length less than or equal to {longest}")
    if grammar.fullmatch(text) is None:
        raise InvalidParameter(parameter, f"must satisfy regular expression '{quoted}'")
