"""The SQL of what is said of a registry as a whole."""

from sqlalchemy import Connection, delete, func, select, update

from entrepot.core.partitions import RegistryId
from entrepot.features.registry.document import DocumentKind
from entrepot.metadata.insert import insert_if_absent
from entrepot.metadata.tables import pull_time_exclusions, registry_documents


def read_document(connection: Connection, registry: RegistryId, kind: DocumentKind) -> str | None:
    """The registry's document of a kind."""
    return connection.scalar(
        select(registry_documents.c.document).where(
            registry_documents.c.account == registry.account,
            registry_documents.c.region == registry.region,
            registry_documents.c.kind == kind,
        )
    )


def put_document(
    connection: Connection, registry: RegistryId, kind: DocumentKind, document: str, now: int
) -> None:
    """Set the registry's document of a kind."""
    key = {"account": registry.account, "region": registry.region, "kind": kind}
    values = {"document": document, "set_at": now}
    if not insert_if_absent(connection, registry_documents, [{**key, **values}]):
        connection.execute(
            update(registry_documents)
            .where(
                registry_documents.c.account == registry.account,
                registry_documents.c.region == registry.region,
                registry_documents.c.kind == kind,
            )
            .values(values)
        )


def delete_document(connection: Connection, registry: RegistryId, kind: DocumentKind) -> str | None:
    """Remove the registry's document of a kind; gives what it was, None if there was none."""
    return connection.scalar(
        delete(registry_documents)
        .where(
            registry_documents.c.account == registry.account,
            registry_documents.c.region == registry.region,
            registry_documents.c.kind == kind,
        )
        .returning(registry_documents.c.document)
    )


def add_exclusion(connection: Connection, registry: RegistryId, principal_arn: str, now: int) -> bool:
    """Exclude a principal; False when it was excluded before."""
    row = {
        "account": registry.account,
        "region": registry.region,
        "principal_arn": principal_arn,
        "created_at": now,
    }
    return insert_if_absent(connection, pull_time_exclusions, [row]) == 1


def remove_exclusion(connection: Connection, registry: RegistryId, principal_arn: str) -> bool:
    """Take a principal off the list; False when it was not on it."""
    result = connection.execute(
        delete(pull_time_exclusions).where(
            pull_time_exclusions.c.account == registry.account,
            pull_time_exclusions.c.region == registry.region,
            pull_time_exclusions.c.principal_arn == principal_arn,
        )
    )
    return result.rowcount == 1


def list_exclusions(connection: Connection, registry: RegistryId, *, after: str, limit: int) -> list[str]:
    """At most ``limit`` excluded principals that come after ``after``, in byte order."""
    return list(
        connection.scalars(
            select(pull_time_exclusions.c.principal_arn)
            .where(
                pull_time_exclusions.c.account == registry.account,
                pull_time_exclusions.c.region == registry.region,
                pull_time_exclusions.c.principal_arn > after,
            )
            .order_by(pull_time_exclusions.c.principal_arn)
            .limit(limit)
        )
    )


def count_exclusions(connection: Connection, registry: RegistryId) -> int:
    """How many principals are excluded; at most a hundred."""
    return (
        connection.scalar(
            select(func.count())
            .select_from(pull_time_exclusions)
            .where(
                pull_time_exclusions.c.account == registry.account,
                pull_time_exclusions.c.region == registry.region,
            )
        )
        or 0
    )


def is_excluded(connection: Connection, registry: RegistryId, principal_arn: str) -> bool:
    """True when pulls by the principal are not recorded."""
    row = connection.execute(
        select(pull_time_exclusions.c.created_at).where(
            pull_time_exclusions.c.account == registry.account,
            pull_time_exclusions.c.region == registry.region,
            pull_time_exclusions.c.principal_arn == principal_arn,
        )
    ).first()
    return row is not None
