"""The SQL of principals, access keys, policies and identity providers.

Whoever changes them advances the generation first (metadata/generation.py), so changes come one after another and
each sees what the one before it left. Names are found byte by byte; they are unique whatever their case.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    true,
    tuple_,
    union_all,
    update,
)

from entrepot.features.identity.managed_policies import find_aws_policy
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import (
    AccessKeyRow,
    KeyStatus,
    ManagedPolicyRow,
    OIDCProviderRow,
    PoliciesOfPrincipal,
    PolicyText,
    PolicyVersionRow,
    PrincipalRow,
)
from entrepot.metadata.hot import LookUp
from entrepot.metadata.insert import insert_if_absent
from entrepot.metadata.tables import (
    access_keys,
    iam_attachments,
    iam_inline_policies,
    iam_policies,
    iam_policy_versions,
    iam_principals,
    oidc_providers,
)

#: Comes after every character of a path.
_AFTER_PATHS = "\x80"
#: Comes after every root's id, which is digits, and before the letters of all others.
_AFTER_ROOTS = ":"

_access_key_columns = select(
    access_keys.c.id,
    access_keys.c.principal_id,
    access_keys.c.account,
    access_keys.c.sealed_secret,
    access_keys.c.status,
    access_keys.c.created_at,
    access_keys.c.last_used_at,
    access_keys.c.last_used_service,
    access_keys.c.last_used_region,
)
_access_key_by_id = LookUp(_access_key_columns.where(access_keys.c.id == bindparam("id")))
_principal_by_id = LookUp(select(iam_principals).where(iam_principals.c.id == bindparam("id")))
_provider_by_url = LookUp(
    select(oidc_providers).where(
        oidc_providers.c.account == bindparam("account"), oidc_providers.c.url == bindparam("url")
    )
)
_is_default_version = and_(
    iam_policy_versions.c.policy_arn == iam_policies.c.arn,
    iam_policy_versions.c.version == iam_policies.c.default_version,
)
_default_version_by_arn = LookUp(
    select(iam_policies.c.name, iam_policy_versions.c.document)
    .join(iam_policy_versions, _is_default_version)
    .where(iam_policies.c.arn == bindparam("arn"))
)


# What every request may ask.


def find_access_key(connection: Connection, access_key_id: str) -> AccessKeyRow | None:
    """An access key, active or not."""
    row = _access_key_by_id.first(connection, {"id": access_key_id})
    return None if row is None else _access_key(row)


def find_principal(connection: Connection, principal_id: str) -> PrincipalRow | None:
    """A principal by its id."""
    row = _principal_by_id.first(connection, {"id": principal_id})
    return None if row is None else _principal(row)


def find_oidc_provider(connection: Connection, account: str, url: str) -> OIDCProviderRow | None:
    """The provider of an account for an issuer; ``url`` is the issuer without ``https://``."""
    row = _provider_by_url.first(connection, {"account": account, "url": url})
    return None if row is None else _provider(row)


def find_policies(connection: Connection, principal_id: str) -> PoliciesOfPrincipal:
    """Everything that decides for a principal by itself, in one statement."""
    columns = (iam_policy_versions.c.document,)
    inline = select(literal("inline"), iam_inline_policies.c.name, null(), iam_inline_policies.c.document).where(
        iam_inline_policies.c.principal_id == principal_id
    )
    attached = (
        select(literal("attached"), iam_policies.c.name, iam_attachments.c.policy_arn, *columns)
        .select_from(iam_attachments)
        .outerjoin(iam_policies, iam_policies.c.arn == iam_attachments.c.policy_arn)
        .outerjoin(iam_policy_versions, _is_default_version)
        .where(iam_attachments.c.principal_id == principal_id)
    )
    boundary = (
        select(literal("boundary"), iam_policies.c.name, iam_principals.c.boundary, *columns)
        .select_from(iam_principals)
        .outerjoin(iam_policies, iam_policies.c.arn == iam_principals.c.boundary)
        .outerjoin(iam_policy_versions, _is_default_version)
        .where(iam_principals.c.id == principal_id, iam_principals.c.boundary.is_not(None))
    )
    identity: list[PolicyText] = []
    bound: PolicyText | None = None
    for sort, name, arn, document in connection.execute(union_all(inline, attached, boundary)):
        text = PolicyText(name, None, document) if arn is None else _managed_text(arn, name, document)
        if sort == "boundary":
            bound = text
        else:
            identity.append(text)
    return PoliciesOfPrincipal(sorted(identity, key=lambda one: (one.name, one.arn or "")), bound)


def find_managed_policy(connection: Connection, arn: str) -> PolicyText:
    """The default version of a managed policy, AWS's or a customer's."""
    row = _default_version_by_arn.first(connection, {"arn": arn})
    name, document = (None, None) if row is None else row
    return _managed_text(arn, name, document)


def _managed_text(arn: str, name: str | None, document: str | None) -> PolicyText:
    if name is not None and document is not None:
        return PolicyText(name, arn, document)
    found = find_aws_policy(arn)
    return PolicyText(found.name, arn, found.document) if found is not None else PolicyText(arn, arn, "")


def touch_access_key(connection: Connection, access_key_id: str, now: int, service: str, region: str) -> None:
    """Say that a key has been used, unless something later has been said."""
    connection.execute(
        update(access_keys)
        .where(
            access_keys.c.id == access_key_id,
            or_(access_keys.c.last_used_at.is_(None), access_keys.c.last_used_at < now),
        )
        .values(last_used_at=now, last_used_service=service, last_used_region=region)
    )


# Principals.


def find_by_name(connection: Connection, account: str, kind: PrincipalKind, name: str) -> PrincipalRow | None:
    """A user or a role by its name, in exactly this case."""
    found = find_by_any_case(connection, account, kind, name)
    return found if found is not None and found.name == name else None


def find_by_any_case(connection: Connection, account: str, kind: PrincipalKind, name: str) -> PrincipalRow | None:
    """Who has a name already, in any case."""
    query = select(iam_principals).where(
        iam_principals.c.account == account,
        iam_principals.c.kind == kind,
        iam_principals.c.folded_name == name.lower(),
    )
    row = connection.execute(query).first()
    return None if row is None else _principal(row)


def create_principal(connection: Connection, new: PrincipalRow) -> bool:
    """Store a principal; False when its name is taken."""
    row = {
        "id": new.id,
        "account": new.account,
        "kind": new.kind.value,
        "created_at": new.created_at,
        **_of_principal(new),
    }
    return insert_if_absent(connection, iam_principals, [row]) == 1


def replace_principal(connection: Connection, changed: PrincipalRow) -> None:
    """Store all that can change of a principal, whose name is free."""
    connection.execute(
        update(iam_principals).where(iam_principals.c.id == changed.id).values(_of_principal(changed))
    )


def delete_principal(connection: Connection, principal_id: str) -> None:
    """Delete a principal that has no keys and no policies left."""
    connection.execute(delete(iam_principals).where(iam_principals.c.id == principal_id))


def page_of_principals(
    connection: Connection,
    account: str,
    kind: PrincipalKind,
    *,
    path_prefix: str,
    after: tuple[str, ...],
    limit: int,
) -> list[PrincipalRow]:
    """At most ``limit`` users or roles under a path, by path and name; ``after`` is a ``sort_key``, or ()."""
    columns = iam_principals.c
    query = (
        select(iam_principals)
        .where(columns.account == account, columns.kind == kind)
        .where(*_range(columns.path, columns.folded_name, path_prefix, after))
        .order_by(columns.account, columns.kind, columns.path, columns.folded_name)
        .limit(limit)
    )
    return [_principal(row) for row in connection.execute(query)]


def count_principals(connection: Connection, account: str, kind: PrincipalKind) -> int:
    """How many users or roles an account has; their quota bounds them."""
    query = select(func.count()).where(iam_principals.c.account == account, iam_principals.c.kind == kind)
    return connection.scalars(query).one()


def has_principals(connection: Connection, account: str) -> bool:
    """Whether an account has users or roles."""
    query = select(iam_principals.c.id).where(
        iam_principals.c.account == account,
        iam_principals.c.kind.in_((PrincipalKind.USER, PrincipalKind.ROLE)),
    )
    return connection.execute(query.limit(1)).first() is not None


def page_of_roots(connection: Connection, *, after: str, limit: int) -> list[PrincipalRow]:
    """At most ``limit`` roots of accounts that have a number above ``after``, by number."""
    query = select(iam_principals).where(iam_principals.c.id > after, iam_principals.c.id < _AFTER_ROOTS)
    rows = connection.execute(query.order_by(iam_principals.c.id).limit(limit))
    return [_principal(row) for row in rows]


# Access keys.


def create_access_key(connection: Connection, new: AccessKeyRow) -> None:
    """Store an access key."""
    connection.execute(
        insert(access_keys).values(
            id=new.id,
            principal_id=new.principal_id,
            account=new.account,
            sealed_secret=new.sealed_secret,
            status=new.status,
            created_at=new.created_at,
        )
    )


def access_keys_of(connection: Connection, principal_id: str) -> list[AccessKeyRow]:
    """The at most two access keys of a principal, by id."""
    query = _access_key_columns.where(access_keys.c.principal_id == principal_id).order_by(access_keys.c.id)
    return [_access_key(row) for row in connection.execute(query)]


def set_key_status(connection: Connection, access_key_id: str, status: KeyStatus) -> None:
    """Make a key active or inactive."""
    connection.execute(update(access_keys).where(access_keys.c.id == access_key_id).values(status=status))


def delete_access_key(connection: Connection, access_key_id: str) -> None:
    """Delete a key."""
    connection.execute(delete(access_keys).where(access_keys.c.id == access_key_id))


# Inline policies.


def inline_policies_of(connection: Connection, principal_id: str) -> list[PolicyText]:
    """The inline policies of a principal by name; the quota of their characters bounds them."""
    query = select(iam_inline_policies.c.name, iam_inline_policies.c.document).where(
        iam_inline_policies.c.principal_id == principal_id
    )
    rows = connection.execute(query.order_by(iam_inline_policies.c.name))
    return [PolicyText(row.name, None, row.document) for row in rows]


def put_inline_policy(connection: Connection, principal_id: str, name: str, document: str) -> None:
    """Set an inline policy."""
    row = {"principal_id": principal_id, "name": name, "document": document}
    if not insert_if_absent(connection, iam_inline_policies, [row]):
        connection.execute(
            update(iam_inline_policies).where(_is_inline_policy(principal_id, name)).values(document=document)
        )


def delete_inline_policy(connection: Connection, principal_id: str, name: str) -> bool:
    """Remove an inline policy; False when there was none."""
    return (
        connection.execute(delete(iam_inline_policies).where(_is_inline_policy(principal_id, name))).rowcount == 1
    )


def _is_inline_policy(principal_id: str, name: str) -> ColumnElement[bool]:
    return and_(iam_inline_policies.c.principal_id == principal_id, iam_inline_policies.c.name == name)


# Attachments and boundaries.


def attach(connection: Connection, principal: PrincipalRow, policy_arn: str) -> None:
    """Attach a managed policy, if it is not."""
    row = {"principal_id": principal.id, "policy_arn": policy_arn, "account": principal.account}
    insert_if_absent(connection, iam_attachments, [row])


def detach(connection: Connection, principal_id: str, policy_arn: str) -> bool:
    """Detach a managed policy; False when it was not attached."""
    is_attachment = and_(
        iam_attachments.c.principal_id == principal_id, iam_attachments.c.policy_arn == policy_arn
    )
    return connection.execute(delete(iam_attachments).where(is_attachment)).rowcount == 1


def attachments_of(connection: Connection, principal_id: str) -> list[str]:
    """The ARNs of the at most ten managed policies that a principal has, in byte order."""
    query = select(iam_attachments.c.policy_arn).where(iam_attachments.c.principal_id == principal_id)
    return list(connection.scalars(query.order_by(iam_attachments.c.policy_arn)))


def page_of_attached(
    connection: Connection, account: str, policy_arn: str, *, path_prefix: str, after: str, limit: int
) -> list[PrincipalRow]:
    """At most ``limit`` principals of an account that have a managed policy, by id."""
    query = (
        select(iam_principals)
        .join(iam_attachments, iam_attachments.c.principal_id == iam_principals.c.id)
        .where(
            iam_attachments.c.account == account,
            iam_attachments.c.policy_arn == policy_arn,
            iam_attachments.c.principal_id > after,
            *_under(iam_principals.c.path, path_prefix),
        )
        .order_by(iam_attachments.c.principal_id)
        .limit(limit)
    )
    return [_principal(row) for row in connection.execute(query)]


def page_of_bounded(
    connection: Connection, account: str, policy_arn: str, *, path_prefix: str, after: str, limit: int
) -> list[PrincipalRow]:
    """At most ``limit`` principals of an account whose boundary is a managed policy, by id."""
    query = (
        select(iam_principals)
        .where(
            iam_principals.c.account == account,
            iam_principals.c.boundary == policy_arn,
            iam_principals.c.id > after,
            *_under(iam_principals.c.path, path_prefix),
        )
        .order_by(iam_principals.c.account, iam_principals.c.boundary, iam_principals.c.id)
        .limit(limit)
    )
    return [_principal(row) for row in connection.execute(query)]


def count_attached(connection: Connection, account: str, policy_arns: Collection[str]) -> dict[str, int]:
    """How many principals of an account have each of these policies; those that nobody has are left out."""
    columns = iam_attachments.c
    query = select(columns.policy_arn, func.count()).where(
        columns.account == account, columns.policy_arn.in_(policy_arns)
    )
    return dict(connection.execute(query.group_by(columns.policy_arn)).all())


def count_bounded(connection: Connection, account: str, policy_arns: Collection[str]) -> dict[str, int]:
    """How many principals of an account have each of these policies as their boundary; as ``count_attached``."""
    columns = iam_principals.c
    query = select(columns.boundary, func.count()).where(
        columns.account == account, columns.boundary.in_(policy_arns)
    )
    return dict(connection.execute(query.group_by(columns.boundary)).all())


# Managed policies.


def create_policy(connection: Connection, new: ManagedPolicyRow, document: str) -> bool:
    """Store a policy with its first version; False when its name is taken."""
    row = {
        "arn": new.arn,
        "id": new.id,
        "account": new.account,
        "path": new.path,
        "name": new.name,
        "folded_name": new.name.lower(),
        "description": new.description,
        "created_at": new.created_at,
        "updated_at": new.updated_at,
        "default_version": new.default_version,
        "latest_version": new.latest_version,
        "tags": json.dumps(dict(new.tags)),
    }
    if not insert_if_absent(connection, iam_policies, [row]):
        return False
    _insert_version(connection, new.arn, PolicyVersionRow(new.latest_version, document, new.created_at))
    return True


def find_policy(connection: Connection, arn: str) -> ManagedPolicyRow | None:
    """A customer managed policy."""
    row = connection.execute(select(iam_policies).where(iam_policies.c.arn == arn)).first()
    return None if row is None else _policy(row)


def page_of_policies(
    connection: Connection,
    account: str,
    *,
    path_prefix: str,
    usage: Literal["attached", "bounding"] | None,
    after: tuple[str, ...],
    limit: int,
) -> list[ManagedPolicyRow]:
    """At most ``limit`` policies under a path, by path and name; ``after`` is a ``sort_key``, or ().

    With a ``usage`` only those that somebody has attached, or as a boundary; the others are walked past, as many
    as the quota of an account allows.
    """
    columns = iam_policies.c
    query = (
        select(iam_policies)
        .where(columns.account == account, _is_used(usage))
        .where(*_range(columns.path, columns.folded_name, path_prefix, after))
        .order_by(columns.account, columns.path, columns.folded_name)
        .limit(limit)
    )
    return [_policy(row) for row in connection.execute(query)]


def _is_used(usage: Literal["attached", "bounding"] | None) -> ColumnElement[bool]:
    if usage is None:
        return true()
    table, column = {
        "attached": (iam_attachments, iam_attachments.c.policy_arn),
        "bounding": (iam_principals, iam_principals.c.boundary),
    }[usage]
    return (
        select(literal(1))
        .where(table.c.account == iam_policies.c.account, column == iam_policies.c.arn)
        .correlate(iam_policies)
        .exists()
    )


def count_policies(connection: Connection, account: str) -> int:
    """How many policies an account has; their quota bounds them."""
    return connection.scalars(select(func.count()).where(iam_policies.c.account == account)).one()


def replace_policy_tags(connection: Connection, arn: str, tags: Mapping[str, str]) -> None:
    """Set the tags of a policy to exactly these."""
    connection.execute(update(iam_policies).where(iam_policies.c.arn == arn).values(tags=json.dumps(dict(tags))))


def delete_policy(connection: Connection, arn: str) -> None:
    """Delete a policy, that nobody has, with its at most five versions."""
    connection.execute(delete(iam_policy_versions).where(iam_policy_versions.c.policy_arn == arn))
    connection.execute(delete(iam_policies).where(iam_policies.c.arn == arn))


def versions_of(connection: Connection, arn: str) -> list[PolicyVersionRow]:
    """The at most five versions of a policy, the latest first."""
    query = (
        select(iam_policy_versions)
        .where(iam_policy_versions.c.policy_arn == arn)
        .order_by(iam_policy_versions.c.version.desc())
    )
    return [PolicyVersionRow(row.version, row.document, row.created_at) for row in connection.execute(query)]


def add_version(connection: Connection, arn: str, new: PolicyVersionRow) -> None:
    """Store another version of a policy, the latest."""
    _insert_version(connection, arn, new)
    connection.execute(
        update(iam_policies)
        .where(iam_policies.c.arn == arn)
        .values(latest_version=new.version, updated_at=new.created_at)
    )


def _insert_version(connection: Connection, arn: str, new: PolicyVersionRow) -> None:
    connection.execute(
        insert(iam_policy_versions).values(
            policy_arn=arn, version=new.version, document=new.document, created_at=new.created_at
        )
    )


def set_default_version(connection: Connection, arn: str, version: int, now: int) -> None:
    """Let a version of a policy decide from now on."""
    connection.execute(
        update(iam_policies).where(iam_policies.c.arn == arn).values(default_version=version, updated_at=now)
    )


def delete_version(connection: Connection, arn: str, version: int) -> None:
    """Delete a version of a policy that does not decide."""
    connection.execute(
        delete(iam_policy_versions).where(
            iam_policy_versions.c.policy_arn == arn, iam_policy_versions.c.version == version
        )
    )


# Identity providers.


def create_oidc_provider(connection: Connection, new: OIDCProviderRow) -> bool:
    """Store a provider; False when the account has one of this URL."""
    row = {
        "arn": new.arn,
        "account": new.account,
        "url": new.url,
        "created_at": new.created_at,
        **_of_provider(new),
    }
    return insert_if_absent(connection, oidc_providers, [row]) == 1


def oidc_providers_of(connection: Connection, account: str) -> list[OIDCProviderRow]:
    """The providers of an account by URL; their quota bounds them."""
    query = select(oidc_providers).where(oidc_providers.c.account == account)
    rows = connection.execute(query.order_by(oidc_providers.c.account, oidc_providers.c.url))
    return [_provider(row) for row in rows]


def replace_oidc_provider(connection: Connection, changed: OIDCProviderRow) -> None:
    """Store all that can change of a provider."""
    connection.execute(
        update(oidc_providers).where(oidc_providers.c.arn == changed.arn).values(_of_provider(changed))
    )


def delete_oidc_provider(connection: Connection, arn: str) -> bool:
    """Delete a provider; False when there was none."""
    return connection.execute(delete(oidc_providers).where(oidc_providers.c.arn == arn)).rowcount == 1


def _under(path: ColumnElement[str], prefix: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Paths that begin so, as a range of the index."""
    return path >= prefix, path < prefix + _AFTER_PATHS


def _range(
    path: ColumnElement[str], name: ColumnElement[str], prefix: str, after: tuple[str, ...]
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """As ``_under``, by path and name from a sort key on: one lower bound, so that the walk begins there."""
    first, last = _under(path, prefix)
    return (tuple_(path, name) > after if after else first), last


def _of_principal(principal: PrincipalRow) -> dict[str, object]:
    return {
        "path": principal.path,
        "name": principal.name,
        "folded_name": principal.name.lower(),
        "boundary": principal.boundary,
        "description": principal.description,
        "trust_policy": principal.trust_policy,
        "max_session_seconds": principal.max_session_seconds,
        "tags": json.dumps(dict(principal.tags)),
    }


def _of_provider(provider: OIDCProviderRow) -> dict[str, object]:
    return {
        "client_ids": json.dumps(list(provider.client_ids)),
        "thumbprints": json.dumps(list(provider.thumbprints)),
        "jwks": provider.jwks,
        "tags": json.dumps(dict(provider.tags)),
    }


def _principal(row: Sequence[Any]) -> PrincipalRow:
    (
        principal_id,
        account,
        kind,
        path,
        name,
        _folded_name,
        created_at,
        boundary,
        description,
        trust_policy,
        max_session_seconds,
        tags,
    ) = row
    return PrincipalRow(
        id=principal_id,
        account=account,
        kind=PrincipalKind(kind),
        path=path,
        name=name,
        created_at=created_at,
        boundary=boundary,
        description=description,
        trust_policy=trust_policy,
        max_session_seconds=max_session_seconds,
        tags=json.loads(tags),
    )


def _access_key(row: Sequence[Any]) -> AccessKeyRow:
    key_id, principal_id, account, sealed_secret, status, created_at, used_at, used_service, used_region = row
    return AccessKeyRow(
        id=key_id,
        principal_id=principal_id,
        account=account,
        sealed_secret=sealed_secret,
        status=status,
        created_at=created_at,
        last_used_at=used_at,
        last_used_service=used_service,
        last_used_region=used_region,
    )


def _policy(row: Row[*tuple[Any, ...]]) -> ManagedPolicyRow:
    return ManagedPolicyRow(
        arn=row.arn,
        id=row.id,
        account=row.account,
        path=row.path,
        name=row.name,
        description=row.description,
        created_at=row.created_at,
        updated_at=row.updated_at,
        default_version=row.default_version,
        latest_version=row.latest_version,
        tags=json.loads(row.tags),
    )


def _provider(row: Sequence[Any]) -> OIDCProviderRow:
    arn, account, url, client_ids, thumbprints, jwks, created_at, tags = row
    return OIDCProviderRow(
        arn=arn,
        account=account,
        url=url,
        client_ids=tuple(json.loads(client_ids)),
        thumbprints=tuple(json.loads(thumbprints)),
        jwks=jwks,
        created_at=created_at,
        tags=json.loads(tags),
    )
