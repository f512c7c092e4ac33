"""The SQL of audit records."""

import json
from collections.abc import Mapping

from sqlalchemy import Connection, delete, literal_column, select

from entrepot.core.partitions import RegistryId
from entrepot.features.audit.denials import Denial, Denied
from entrepot.metadata.insert import Row, insert_rows
from entrepot.metadata.tables import audit_records

#: Records of denials are those of no request. A parameter would keep SQLite from using the partial index.
_is_denial = audit_records.c.request_id == literal_column("''")


def record(
    connection: Connection,
    *,
    registry: RegistryId,
    principal: str,
    request_id: str,
    operation: str,
    repository: str,
    detail: Mapping[str, object],
    now: int,
) -> None:
    """Write down one change."""
    row = {
        "recorded_at": now,
        "request_id": request_id,
        "account": registry.account,
        "region": registry.region,
        "principal": principal,
        "operation": operation,
        "repository": repository,
        "detail": json.dumps(detail),
    }
    insert_rows(connection, audit_records, [row])


def has_before(connection: Connection, before: int) -> bool:
    """True while there are records older than ``before``."""
    query = select(audit_records.c.id).where(audit_records.c.recorded_at < before).limit(1)
    return connection.execute(query).first() is not None


def record_denials(connection: Connection, sums: Mapping[Denial, Denied], others: int, now: int) -> None:
    """Write down denials, a record for each sort with how many there were and when.

    One more has how many ``others`` there were, of no principal and no registry, unless there were none.
    """
    rows = [_row_of(denial, denied, now) for denial, denied in sums.items()]
    if others:
        detail = {"errorCode": "AccessDenied", "reason": "and others", "count": others}
        rows.append(
            {
                "recorded_at": now,
                "request_id": "",
                "account": "",
                "region": "",
                "principal": "",
                "operation": "",
                "repository": "",
                "detail": json.dumps(detail),
            }
        )
    insert_rows(connection, audit_records, rows)


def _row_of(denial: Denial, denied: Denied, now: int) -> Row:
    detail = {
        "errorCode": "AccessDenied",
        "resource": denial.resource,
        "reason": denial.reason,
        "count": denied.count,
        "firstAt": denied.first_at,
        "lastAt": denied.last_at,
    }
    return {
        "recorded_at": now,
        "request_id": "",
        "account": denial.registry.account,
        "region": denial.registry.region,
        "principal": denial.principal,
        "operation": denial.action.partition(":")[2],
        "repository": denial.resource.partition(":repository/")[2],
        "detail": json.dumps(detail),
    }


def has_more_denials(connection: Connection, kept: int) -> bool:
    """True while there are more than ``kept`` records of denials; looks at as many entries of an index."""
    query = select(audit_records.c.id).where(_is_denial).order_by(audit_records.c.id.desc()).offset(kept).limit(1)
    return connection.execute(query).first() is not None


def trim_denials(connection: Connection, kept: int, limit: int) -> int:
    """Forget the oldest records of denials beyond ``kept``; gives how many, at most ``limit``."""
    ids = select(audit_records.c.id).where(_is_denial)
    last = ids.order_by(audit_records.c.id.desc()).offset(kept).limit(1).scalar_subquery()
    some = ids.where(audit_records.c.id <= last).order_by(audit_records.c.id).limit(limit)
    return connection.execute(delete(audit_records).where(audit_records.c.id.in_(some.scalar_subquery()))).rowcount


def trim(connection: Connection, before: int, limit: int) -> int:
    """Forget records older than ``before``; gives how many, at most ``limit``."""
    some = select(audit_records.c.id).where(audit_records.c.recorded_at < before).limit(limit)
    return connection.execute(delete(audit_records).where(audit_records.c.id.in_(some.scalar_subquery()))).rowcount
