"""Who works on the database itself: the commands that are no operation of a face."""

from dataclasses import dataclass

from sqlalchemy import Connection

from entrepot.core.partitions import RegistryId
from entrepot.features.audit import store as audit
from entrepot.features.quotas.quotas import OFF, Quotas

#: The principal of what an operator does, in audit records and in the history of tags.
OPERATOR = "entrepot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Somebody who has the database, and with it every right; the registry knows no name for him.

    ``registry`` is the one that names are looked up in. ``request_id`` is of one command, and never empty.
    """

    registry: RegistryId
    request_id: str
    quotas: Quotas = OFF
    sparse_manifests: bool = False

    def record(self, connection: Connection, name: str, repository: str, now: int, **detail: object) -> None:
        """Write what he does into the audit records, in the transaction that carries it out."""
        audit.record(
            connection,
            registry=self.registry,
            principal=OPERATOR,
            request_id=self.request_id,
            operation=name,
            repository=repository,
            detail=detail,
            now=now,
        )
