"""The policy documents of principals: their grammar, and how long they may be."""

from collections.abc import Sequence

from entrepot.core.policy.document import (
    MAX_MANAGED_POLICY_LENGTH,
    MAX_ROLE_POLICIES_LENGTH,
    MAX_TRUST_POLICY_LENGTH,
    MAX_USER_POLICIES_LENGTH,
    MalformedPolicy,
    PolicyKind,
    length_without_whitespace,
    parse_policy,
)
from entrepot.features.identity.errors import (
    InlinePoliciesTooLarge,
    MalformedPolicyDocument,
    QuotaExceeded,
)
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import PolicyText

_MAX_INLINE_POLICIES = {
    PrincipalKind.USER: MAX_USER_POLICIES_LENGTH,
    PrincipalKind.ROLE: MAX_ROLE_POLICIES_LENGTH,
}


def check_managed_policy(document: str) -> None:
    """Refuse what is no managed policy; raises MalformedPolicyDocument, QuotaExceeded."""
    _check(document, PolicyKind.IDENTITY)
    if length_without_whitespace(document) > MAX_MANAGED_POLICY_LENGTH:
        raise QuotaExceeded("PolicySize", MAX_MANAGED_POLICY_LENGTH)


def check_trust_policy(document: str) -> None:
    """Refuse what is no trust policy of a role; raises MalformedPolicyDocument, QuotaExceeded."""
    _check(document, PolicyKind.TRUST)
    if length_without_whitespace(document) > MAX_TRUST_POLICY_LENGTH:
        raise QuotaExceeded("ACLSizePerRole", MAX_TRUST_POLICY_LENGTH)


def check_inline_policy(document: str) -> None:
    """Refuse what is no inline policy; raises MalformedPolicyDocument."""
    _check(document, PolicyKind.IDENTITY)


def check_inline_policies(kind: PrincipalKind, name: str, policies: Sequence[PolicyText]) -> None:
    """Refuse a principal's inline policies that together are too long; raises InlinePoliciesTooLarge."""
    limit = _MAX_INLINE_POLICIES[kind]
    if sum(length_without_whitespace(policy.document) for policy in policies) > limit:
        raise InlinePoliciesTooLarge(limit, kind, name)


def _check(document: str, kind: PolicyKind) -> None:
    try:
        parse_policy(document, kind)
    except MalformedPolicy as error:
        raise MalformedPolicyDocument(error.place, error.reason) from error
