"""The SQL of repositories and their resource tags."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, update

from entrepot.core.garbage import Detached
from entrepot.core.partitions import RegistryId
from entrepot.features.repositories.errors import RepositoryAlreadyExists, RepositoryNotFound
from entrepot.features.repositories.repository import Repository, RepositorySettings
from entrepot.metadata.hot import LookUp
from entrepot.metadata.insert import insert_if_absent
from entrepot.metadata.tables import repositories, repository_documents, resource_tags

_columns = select(
    repositories.c.id,
    repositories.c.account,
    repositories.c.region,
    repositories.c.name,
    repositories.c.created_at,
    repositories.c.tag_mutability,
    repositories.c.tag_mutability_exclusions,
    repositories.c.scan_on_push,
    repositories.c.encryption_type,
    repositories.c.encryption_key,
)
_in_registry = _columns.where(
    repositories.c.account == bindparam("account"), repositories.c.region == bindparam("region")
)
_by_name = LookUp(_in_registry.where(repositories.c.name == bindparam("name")))
_by_name_held = LookUp(_in_registry.where(repositories.c.name == bindparam("name")).with_for_update(read=True))
_by_name_alone = LookUp(
    _in_registry.where(repositories.c.name == bindparam("name")).with_for_update(key_share=True)
)


def find(connection: Connection, registry: RegistryId, name: str) -> Repository:
    """The repository of this name; raises RepositoryNotFound."""
    return _find(connection, _by_name, registry, name)


def find_and_hold(connection: Connection, registry: RegistryId, name: str) -> Repository:
    """As ``find``, and the repository cannot be deleted before this transaction has ended.

    FOR SHARE on PostgreSQL, where pushes to one repository do not wait for each other; on SQLite the
    transaction is alone anyway.
    """
    return _find(connection, _by_name_held, registry, name)


def find_and_hold_alone(connection: Connection, registry: RegistryId, name: str) -> Repository:
    """As ``find_and_hold``, and nobody else who does that goes on before this transaction has ended.

    So images and tags stay as they are but for what is drained: FOR NO KEY UPDATE on PostgreSQL, which rows that
    only refer to the repository do not wait for.
    """
    return _find(connection, _by_name_alone, registry, name)


def _find(connection: Connection, look_up: LookUp, registry: RegistryId, name: str) -> Repository:
    wanted = {"account": registry.account, "region": registry.region, "name": name}
    row = look_up.first(connection, wanted)
    if row is None:
        raise RepositoryNotFound(name, registry.account)
    return _repository(row)


def create(
    connection: Connection,
    registry: RegistryId,
    name: str,
    settings: RepositorySettings,
    tags: Mapping[str, str],
    now: int,
) -> Repository:
    """Create a repository with its resource tags; raises RepositoryAlreadyExists."""
    inserted = insert_if_absent(
        connection,
        repositories,
        [
            {
                "account": registry.account,
                "region": registry.region,
                "name": name,
                "created_at": now,
                "tag_mutability": settings.tag_mutability,
                "tag_mutability_exclusions": json.dumps(settings.exclusions),
                "scan_on_push": settings.scan_on_push,
                "encryption_type": settings.encryption_type,
                "encryption_key": settings.encryption_key,
            }
        ],
    )
    if not inserted:
        raise RepositoryAlreadyExists(name, registry.account)
    repository = find(connection, registry, name)
    if tags:
        replace_tags(connection, repository.id, tags)
    return repository


def find_page(
    connection: Connection, registry: RegistryId, *, after: str | None, limit: int
) -> Sequence[Repository]:
    """At most ``limit`` repositories whose name comes after ``after``, by name."""
    query = _in_registry.where(repositories.c.name > (after or "")).order_by(repositories.c.name).limit(limit)
    rows = connection.execute(query, {"account": registry.account, "region": registry.region})
    return [_repository(row) for row in rows]


def count(connection: Connection, registry: RegistryId, limit: int) -> int:
    """How many repositories the registry has, at most ``limit``."""
    some = (
        select(repositories.c.id)
        .where(
            repositories.c.account == registry.account,
            repositories.c.region == registry.region,
            repositories.c.name.is_not(None),
        )
        .order_by(repositories.c.name)  # in the order of the index
        .limit(limit)
        .subquery()
    )
    return connection.scalar(select(func.count()).select_from(some)) or 0


def has_repositories(connection: Connection, account: str) -> bool:
    """Whether an account has repositories, in any region."""
    query = select(repositories.c.id).where(repositories.c.account == account, repositories.c.name.is_not(None))
    return connection.execute(query.limit(1)).first() is not None


def update_settings(connection: Connection, repository_id: int, settings: RepositorySettings) -> None:
    """Replace the settings; the encryption of a repository never changes."""
    connection.execute(
        update(repositories)
        .where(repositories.c.id == repository_id)
        .values(
            tag_mutability=settings.tag_mutability,
            tag_mutability_exclusions=json.dumps(settings.exclusions),
            scan_on_push=settings.scan_on_push,
        )
    )


def read_tags(connection: Connection, repository_id: int) -> dict[str, str]:
    """The resource tags, by key in byte order."""
    rows = connection.execute(
        select(resource_tags.c.key, resource_tags.c.value)
        .where(resource_tags.c.repository_id == repository_id)
        .order_by(resource_tags.c.key)
    )
    return {row.key: row.value for row in rows}


def replace_tags(connection: Connection, repository_id: int, tags: Mapping[str, str]) -> None:
    """Set the resource tags, at most 50, to exactly these."""
    connection.execute(delete(resource_tags).where(resource_tags.c.repository_id == repository_id))
    if tags:
        connection.execute(
            insert(resource_tags),
            [{"repository_id": repository_id, "key": key, "value": value} for key, value in tags.items()],
        )


def read_document(connection: Connection, repository_id: int, kind: str) -> str | None:
    """The repository's document of a kind, ``policy`` or ``lifecycle``."""
    return connection.scalar(
        select(repository_documents.c.document).where(
            repository_documents.c.repository_id == repository_id, repository_documents.c.kind == kind
        )
    )


def put_document(connection: Connection, repository_id: int, kind: str, document: str, now: int) -> None:
    """Set the repository's document of a kind."""
    row = {"repository_id": repository_id, "kind": kind, "document": document, "set_at": now}
    if not insert_if_absent(connection, repository_documents, [row]):
        connection.execute(
            update(repository_documents)
            .where(repository_documents.c.repository_id == repository_id, repository_documents.c.kind == kind)
            .values(document=document, set_at=now)
        )


def delete_document(connection: Connection, repository_id: int, kind: str) -> str | None:
    """Remove the repository's document of a kind; gives what it was, None if there was none."""
    return connection.scalar(
        delete(repository_documents)
        .where(repository_documents.c.repository_id == repository_id, repository_documents.c.kind == kind)
        .returning(repository_documents.c.document)
    )


def detach(connection: Connection, repository_id: int, now: int) -> bool:
    """Take the name away, which frees it at once; False when another transaction was first.

    Everything that belongs to the row stays until it is drained, and may be had back by the name till then.
    """
    result = connection.execute(
        update(repositories)
        .where(repositories.c.id == repository_id, repositories.c.name.is_not(None))
        .values(name=None, deleted_name=repositories.c.name, detached_at=now)
    )
    return result.rowcount == 1


def lock(connection: Connection, repository_id: int) -> None:
    """Wait for the transactions that hold the repository, and keep out new ones until this one ends."""
    connection.execute(select(repositories.c.id).where(repositories.c.id == repository_id).with_for_update())


def find_detached(connection: Connection, before: int) -> int | None:
    """The id of a repository that was detached ``before`` and still has its row, the oldest first."""
    return connection.scalar(
        select(repositories.c.id)
        .where(repositories.c.detached_at <= before)
        .order_by(repositories.c.detached_at)
        .limit(1)
    )


def begin_draining(connection: Connection, repository_id: int, before: int) -> bool:
    """Lock a repository that was detached ``before`` and give its name up; False when it is there again, or gone.

    From the first row that is drained on, what is left of it cannot be had back.
    """
    is_it = and_(repositories.c.id == repository_id, repositories.c.detached_at <= before)
    row = connection.execute(select(repositories.c.deleted_name).where(is_it).with_for_update()).first()
    if row is not None and row.deleted_name is not None:
        connection.execute(
            update(repositories).where(repositories.c.id == repository_id).values(deleted_name=None)
        )
    return row is not None


@dataclass(frozen=True, slots=True)
class DeletedRepository:
    """A repository that may be had back."""

    id: int
    name: str
    detached_at: int


_deleted = select(repositories.c.id, repositories.c.deleted_name, repositories.c.detached_at).where(
    repositories.c.account == bindparam("account"), repositories.c.region == bindparam("region")
)
_newest_deleted = (
    _deleted.where(repositories.c.deleted_name == bindparam("name"))
    .order_by(repositories.c.detached_at.desc(), repositories.c.id.desc())
    .limit(1)
)


def find_deleted(connection: Connection, registry: RegistryId, name: str) -> DeletedRepository | None:
    """The newest deleted repository of this name."""
    wanted = {"account": registry.account, "region": registry.region, "name": name}
    row = connection.execute(_newest_deleted, wanted).first()
    return None if row is None else DeletedRepository(*row)


def page_of_deleted(
    connection: Connection, registry: RegistryId, *, name: str | None, since: int, limit: int
) -> list[DeletedRepository]:
    """At most ``limit`` of the repositories that were deleted after ``since``, by name, the oldest first."""
    of_name = repositories.c.deleted_name.is_not(None) if name is None else repositories.c.deleted_name == name
    query = (
        _deleted.where(of_name, repositories.c.detached_at > since)
        .order_by(repositories.c.deleted_name, repositories.c.detached_at, repositories.c.id)
        .limit(limit)
    )
    rows = connection.execute(query, {"account": registry.account, "region": registry.region})
    return [DeletedRepository(*row) for row in rows]


def attach(connection: Connection, registry: RegistryId, deleted: DeletedRepository, name: str, now: int) -> bool:
    """Give a deleted repository a name again; False when it is there already, or drained.

    The name is claimed by a row that comes and goes, for an UPDATE knows no ON CONFLICT. Raises
    RepositoryAlreadyExists where it is taken.
    """
    claim = create(connection, registry, name, RepositorySettings(), {}, now)
    connection.execute(delete(repositories).where(repositories.c.id == claim.id))
    result = connection.execute(
        update(repositories)
        .where(repositories.c.id == deleted.id, repositories.c.deleted_name.is_not(None))
        .values(name=name, deleted_name=None, detached_at=None)
    )
    return result.rowcount == 1


def count_detached(connection: Connection, before: int) -> Detached:
    """How many detached repositories wait; those from ``before`` are due. Reads every one of them."""
    kept = repositories.c.detached_at > before
    row = connection.execute(
        select(
            func.count().filter(kept),
            func.min(repositories.c.detached_at).filter(kept),
            func.count().filter(~kept),
        ).where(repositories.c.detached_at.is_not(None))
    ).one()
    return Detached(*row)


def drop(connection: Connection, repository_id: int) -> None:
    """Remove a detached repository whose other rows are gone, and its at most 50 resource tags."""
    connection.execute(delete(resource_tags).where(resource_tags.c.repository_id == repository_id))
    connection.execute(delete(repositories).where(repositories.c.id == repository_id))


@lru_cache(maxsize=256)
def _exclusions(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def _repository(row: Sequence[Any]) -> Repository:
    (
        repository_id,
        account,
        region,
        name,
        created_at,
        tag_mutability,
        exclusions,
        scan_on_push,
        encryption_type,
        encryption_key,
    ) = row
    return Repository(
        id=repository_id,
        registry=RegistryId(account, region),
        name=name,
        created_at=created_at,
        settings=RepositorySettings(
            tag_mutability=tag_mutability,
            exclusions=_exclusions(exclusions),
            scan_on_push=bool(scan_on_push),
            encryption_type=encryption_type,
            kms_key=encryption_key.partition(" ")[2] or None,
        ),
    )
