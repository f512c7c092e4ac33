"""Tag, Untag and List…Tags of users, roles, managed policies and identity providers.

Keys that differ by case alone are one key.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from entrepot.features.identity import store as identities
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import ManagedPolicyRow, OIDCProviderRow, PrincipalRow
from entrepot.features.identity.rules import check_tags, merge_tags, without_tags
from entrepot.operations.caller import Caller
from entrepot.operations.iam.authorisation import (
    Context,
    ask_on_oidc_provider,
    ask_on_policy,
    ask_on_principal,
    tags_of_request,
)
from entrepot.operations.iam.changes import change_policy, change_principal
from entrepot.operations.iam.oidc_providers import change_oidc_provider
from entrepot.operations.iam.pages import After, Page, page_of_all
from entrepot.operations.operation import operation
from entrepot.operations.services import Services

USER, ROLE = PrincipalKind.USER, PrincipalKind.ROLE

Tag = tuple[str, str]


@operation("TagUser", service="iam", resource=None)
async def tag_user(services: Services, caller: Caller, *, user_name: str, tags: Sequence[Tag]) -> None:
    """Add tags to a user, or give those that are there other values.

    Raises AccessDenied, ValidationError, InvalidInput, PrincipalNotFound, QuotaExceeded.
    """
    await _tag_principal(services, caller, "TagUser", USER, user_name, tags)


@operation("TagRole", service="iam", resource=None)
async def tag_role(services: Services, caller: Caller, *, role_name: str, tags: Sequence[Tag]) -> None:
    """Add tags to a role, or give those that are there other values. Raises as TagUser."""
    await _tag_principal(services, caller, "TagRole", ROLE, role_name, tags)


async def _tag_principal(
    services: Services, caller: Caller, name: str, kind: PrincipalKind, entity: str, tags: Sequence[Tag]
) -> None:
    quota = f"TagsPer{kind.capitalize()}"
    added = check_tags(tags, quota)
    found = await ask_on_principal(services, caller, name, kind, entity, tags_of_request(added))

    def edit(connection: Connection, row: PrincipalRow) -> None:
        identities.replace_principal(connection, replace(row, tags=merge_tags(row.tags, added, quota)))

    await change_principal(services, caller, name, found, edit, keys=sorted(added))


@operation("UntagUser", service="iam", resource=None)
async def untag_user(services: Services, caller: Caller, *, user_name: str, keys: Sequence[str]) -> None:
    """Remove tags of a user; keys that are not there are fine. Raises AccessDenied, PrincipalNotFound."""
    await _untag_principal(services, caller, "UntagUser", USER, user_name, keys)


@operation("UntagRole", service="iam", resource=None)
async def untag_role(services: Services, caller: Caller, *, role_name: str, keys: Sequence[str]) -> None:
    """Remove tags of a role; keys that are not there are fine. Raises AccessDenied, PrincipalNotFound."""
    await _untag_principal(services, caller, "UntagRole", ROLE, role_name, keys)


async def _untag_principal(
    services: Services, caller: Caller, name: str, kind: PrincipalKind, entity: str, keys: Sequence[str]
) -> None:
    found = await ask_on_principal(services, caller, name, kind, entity, _keys_of_request(keys))

    def edit(connection: Connection, row: PrincipalRow) -> None:
        identities.replace_principal(connection, replace(row, tags=without_tags(row.tags, keys)))

    await change_principal(services, caller, name, found, edit, keys=sorted(keys))


@operation("ListUserTags", service="iam", resource=None)
async def list_user_tags(
    services: Services, caller: Caller, *, user_name: str, after: After = (), limit: int
) -> Page[Tag]:
    """At most ``limit`` tags of a user, by key. Raises AccessDenied, PrincipalNotFound."""
    found = await ask_on_principal(services, caller, "ListUserTags", USER, user_name)
    return page_of_all(sorted(found.tags.items()), after, limit, _key_of)


@operation("ListRoleTags", service="iam", resource=None)
async def list_role_tags(
    services: Services, caller: Caller, *, role_name: str, after: After = (), limit: int
) -> Page[Tag]:
    """At most ``limit`` tags of a role, by key. Raises AccessDenied, PrincipalNotFound."""
    found = await ask_on_principal(services, caller, "ListRoleTags", ROLE, role_name)
    return page_of_all(sorted(found.tags.items()), after, limit, _key_of)


@operation("TagPolicy", service="iam", resource=None)
async def tag_policy(services: Services, caller: Caller, *, arn: str, tags: Sequence[Tag]) -> None:
    """Add tags to a managed policy, or give those that are there other values.

    Raises AccessDenied, ValidationError, InvalidInput, PolicyNotFound, QuotaExceeded.
    """
    added = check_tags(tags, "TagsPerPolicy")
    await ask_on_policy(services, caller, "TagPolicy", arn, tags_of_request(added))

    def edit(connection: Connection, row: ManagedPolicyRow, _now: int) -> None:
        identities.replace_policy_tags(connection, arn, merge_tags(row.tags, added, "TagsPerPolicy"))

    await change_policy(services, caller, "TagPolicy", arn, edit, keys=sorted(added))


@operation("UntagPolicy", service="iam", resource=None)
async def untag_policy(services: Services, caller: Caller, *, arn: str, keys: Sequence[str]) -> None:
    """Remove tags of a managed policy; keys that are not there are fine. Raises AccessDenied, PolicyNotFound."""
    await ask_on_policy(services, caller, "UntagPolicy", arn, _keys_of_request(keys))

    def edit(connection: Connection, row: ManagedPolicyRow, _now: int) -> None:
        identities.replace_policy_tags(connection, arn, without_tags(row.tags, keys))

    await change_policy(services, caller, "UntagPolicy", arn, edit, keys=sorted(keys))


@operation("ListPolicyTags", service="iam", resource=None)
async def list_policy_tags(
    services: Services, caller: Caller, *, arn: str, after: After = (), limit: int
) -> Page[Tag]:
    """At most ``limit`` tags of a managed policy, by key. Raises AccessDenied, PolicyNotFound."""
    found = await ask_on_policy(services, caller, "ListPolicyTags", arn)
    return page_of_all(sorted(found.tags.items()), after, limit, _key_of)


@operation("TagOpenIDConnectProvider", service="iam", resource=None)
async def tag_openid_connect_provider(
    services: Services, caller: Caller, *, arn: str, tags: Sequence[Tag]
) -> None:
    """Add tags to an identity provider, or give those that are there other values.

    Raises AccessDenied, ValidationError, InvalidInput, OIDCProviderNotFound, QuotaExceeded.
    """
    quota = "TagsPerOpenIdConnectProvider"
    added = check_tags(tags, quota)

    def edit(row: OIDCProviderRow) -> OIDCProviderRow:
        return replace(row, tags=merge_tags(row.tags, added, quota))

    name = "TagOpenIDConnectProvider"
    await change_oidc_provider(services, caller, name, arn, edit, tags_of_request(added))


@operation("UntagOpenIDConnectProvider", service="iam", resource=None)
async def untag_openid_connect_provider(
    services: Services, caller: Caller, *, arn: str, keys: Sequence[str]
) -> None:
    """Remove tags of an identity provider; keys that are not there are fine.

    Raises AccessDenied, OIDCProviderNotFound.
    """

    def edit(row: OIDCProviderRow) -> OIDCProviderRow:
        return replace(row, tags=without_tags(row.tags, keys))

    name = "UntagOpenIDConnectProvider"
    await change_oidc_provider(services, caller, name, arn, edit, _keys_of_request(keys))


@operation("ListOpenIDConnectProviderTags", service="iam", resource=None)
async def list_openid_connect_provider_tags(
    services: Services, caller: Caller, *, arn: str, after: After = (), limit: int
) -> Page[Tag]:
    """At most ``limit`` tags of an identity provider, by key. Raises AccessDenied, OIDCProviderNotFound."""
    found = await ask_on_oidc_provider(services, caller, "ListOpenIDConnectProviderTags", arn)
    return page_of_all(sorted(found.tags.items()), after, limit, _key_of)


def _keys_of_request(keys: Sequence[str]) -> Context:
    return {"aws:TagKeys": list(keys)}


def _key_of(tag: Tag) -> After:
    return (tag[0],)
