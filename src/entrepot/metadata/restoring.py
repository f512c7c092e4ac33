"""Making a database of a snapshot of another one: the same registry, over a new storage.

What tells of things that no backup has is left out: uploads that go on and what S3 knows of them, bytes that are
to be removed, pins, what an audit found in the old storage, and data keys of bytes that are no blob's. Leases
stay: what was promised before is kept.
"""

from sqlalchemy import Connection, delete, select

from entrepot.metadata.blob_store import adopt_identity
from entrepot.metadata.copying import CopiedTable, Progress, copy_database, require_empty
from entrepot.metadata.tables import (
    auditor_findings,
    auditor_run,
    auditor_stages,
    blob_store,
    blobs,
    data_keys,
    encrypted_segments,
    multipart_parts,
    multiparts,
    pins,
    tombstones,
    uploads,
)

#: The storage's own, in which it remembers blobs that are being restored.
_OF_STORAGE = (multiparts, multipart_parts)
_OF_AUDITOR = (auditor_findings, auditor_run, auditor_stages)
_LEFT_OUT = (*_OF_STORAGE, *_OF_AUDITOR, blob_store, pins, tombstones, uploads)


def require_unused(connection: Connection) -> None:
    """Raise TargetNotEmpty unless the database can be restored into; its tables are there.

    What an audit has said of an empty database does not count, and goes with the restore.
    """
    require_empty(connection, but=(*_OF_STORAGE, *_OF_AUDITOR))


def restore_rows(source: Connection, target: Connection, identity: str, progress: Progress) -> list[CopiedTable]:
    """Copy a snapshot's rows into an empty database, which goes with the storage of this identity from now on.

    Raises what ``copy_database`` raises; then nothing was changed.
    """
    require_unused(target)
    for table in _OF_AUDITOR:
        target.execute(delete(table))
    copied = copy_database(source, target, progress, without=_LEFT_OUT)
    for table in (encrypted_segments, data_keys):
        target.execute(delete(table).where(table.c.storage_key.not_in(select(blobs.c.storage_key))))
    adopt_identity(target, identity)
    return copied
