"""The SQL of audit records."""

import json
from collections.abc import Mapping

from sqlalchemy import Connection, delete, select

from entrepot.core.partitions import RegistryId
from entrepot.features.audit.denials import Denial, Denied
from entrepot.metadata.insert import insert_rows
from entrepot.metadata.tables import audit_records


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


def record_denials(connection: Connection, sums: Mapping[Denial, Denied], now: int) -> None:
    """Write down denials, a record for each sort with how many there were and when; at most some hundreds."""
    rows = [
        {
            "recorded_at": now,
            "request_id": "",
            "account": denial.registry.account,
            "region": denial.registry.region,
            "principal": denial.principal,
            "operation": denial.action.partition(":")[2],
            "repository": denial.resource.partition(":repository/")[2],
            "detail": json.dumps(
                {
                    "errorCode": "AccessDenied",
                    "resource": denial.resource,
                    "reason": denial.reason,
                    "count": denied.count,
                    "firstAt": denied.first_at,
                    "lastAt": denied.last_at,
                }
            ),
        }
        for denial, denied in sums.items()
    ]
    insert_rows(connection, audit_records, rows)


def trim(connection: Connection, before: int, limit: int) -> int:
    """Forget records older than ``before``; gives how many, at most ``limit``."""
    some = select(audit_records.c.id).where(audit_records.c.recorded_at < before).limit(limit)
    return connection.execute(delete(audit_records).where(audit_records.c.id.in_(some.scalar_subquery()))).rowcount
