"""What may be the policy of a repository or of a registry, and how it is shown.

A repository policy names principals and no resource, for it is the repository's; a registry policy names both.
"""

import json
from typing import cast

from entrepot.core.errors import InvalidParameter
from entrepot.core.policy.document import MalformedPolicy, PolicyKind, parse_policy


def check_repository_policy(text: str) -> str:
    """Refuse what is no repository policy; gives the document as ECR shows it, indented.

    Raises InvalidParameter with the words that Terraform looks for when it retries.
    """
    return _check(text, PolicyKind.REPOSITORY)


def check_registry_policy(text: str) -> str:
    """Refuse what is no registry policy; gives the document as ECR shows it, indented. Raises InvalidParameter."""
    return _check(text, PolicyKind.REGISTRY)


def refusal(kind: PolicyKind) -> InvalidParameter:
    """What is said of every document that cannot be the policy of a repository or of a registry."""
    return InvalidParameter("PolicyText", f"Invalid {kind} policy provided")


def as_shown(text: str) -> str:
    """A document in ECR's form, indented."""
    return json.dumps(cast("object", json.loads(text)), indent=2, separators=(",", " : "), ensure_ascii=False)


def _check(text: str, kind: PolicyKind) -> str:
    try:
        parse_policy(text, kind)
    except MalformedPolicy:
        raise refusal(kind) from None
    return as_shown(text)
