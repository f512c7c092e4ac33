"""The SQL of audit records."""

import json
from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select

from entrepot.core.partitions import RegistryId
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
    connection.execute(
        insert(audit_records).values(
            recorded_at=now,
            request_id=request_id,
            account=registry.account,
            region=registry.region,
            principal=principal,
            operation=operation,
            repository=repository,
            detail=json.dumps(detail),
        )
    )


def trim(connection: Connection, before: int, limit: int) -> int:
    """Forget records older than ``before``; gives how many, at most ``limit``."""
    some = select(audit_records.c.id).where(audit_records.c.recorded_at < before).limit(limit)
    return connection.execute(delete(audit_records).where(audit_records.c.id.in_(some.scalar_subquery()))).rowcount
