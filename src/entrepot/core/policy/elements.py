"""Actions and resources of statements (IAM user guide, "IAM JSON policy elements: Action", "Resource").

Actions have no case; wildcards may stand in their names, not in the service. A resource is an ARN whose parts are
matched one by one; variables may stand in its last part only.
"""

import re
from dataclasses import dataclass, field

from entrepot.core.policy.patterns import Matcher, arn_matcher, text_matcher, tokens_of
from entrepot.core.policy.variables import ContextKeys, Template, template

ANYTHING = "*"

_ACTION = re.compile(r"(?P<service>[a-zA-Z0-9-]+):(?P<name>[a-zA-Z0-9*?]+)")
_RESOURCE = re.compile(r"arn:[a-z0-9*?-]+:[a-z0-9-]+:[a-z0-9*?-]*:[a-z0-9*?-]*:(?P<resource>.+)", re.DOTALL)


def service_of(action: str) -> str | None:
    """The service of an action, lower-case; ``*`` for all actions of all services; None for what is no action."""
    if action == ANYTHING:
        return ANYTHING
    found = _ACTION.fullmatch(action)
    return None if found is None else found["service"].lower()


def is_resource(text: str) -> bool:
    """True for ``*`` and for ARNs. Of the first parts only the service has to be written out."""
    return text == ANYTHING or _RESOURCE.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class ActionElement:
    """The value of an Action or NotAction element."""

    texts: tuple[str, ...]
    #: Actions written out, lower-case; all of them unless ``has_patterns``.
    names: frozenset[str] = field(init=False, repr=False, compare=False)
    _patterns: tuple[Matcher, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lower = [text.lower() for text in self.texts]
        patterns = [text for text in lower if "*" in text or "?" in text]
        object.__setattr__(self, "names", frozenset(lower).difference(patterns))
        object.__setattr__(self, "_patterns", tuple(text_matcher(tokens_of(text)) for text in patterns))

    @property
    def has_patterns(self) -> bool:
        """True when some of the actions have wildcards."""
        return bool(self._patterns)

    def matches(self, action: str) -> bool:
        """True when the element names the action, given in lower case."""
        return action in self.names or any(pattern(action) for pattern in self._patterns)


@dataclass(frozen=True, slots=True)
class ResourceElement:
    """The value of a Resource or NotResource element."""

    templates: tuple[Template, ...]
    #: True when what the element names depends on the request's condition keys.
    has_variables: bool = field(init=False)
    _is_everything: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "has_variables", any(each.has_variables for each in self.templates))
        object.__setattr__(self, "_is_everything", ANYTHING in self.texts)

    @property
    def texts(self) -> tuple[str, ...]:
        """As the policy has them."""
        return tuple(each.text for each in self.templates)

    def matches(self, resource: str, keys: ContextKeys) -> bool:
        """True when the element names the resource: an ARN, or ``*`` for an action without one."""
        return self._is_everything or any(each.matches(resource, keys) for each in self.templates)


def resource_template(text: str, *, has_variables: bool) -> Template:
    """Read a resource; ``has_variables`` for a policy of a version that knows them. Raises MalformedVariable."""
    return template(text, arn_matcher, wildcards=True, variables=has_variables)
