"""What keeps a backup from being made or used."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import Conflict, Invalid, NotFound


@dataclass(eq=False)
class PinExpired(Conflict):
    """Bytes that were to be copied may have been removed meanwhile."""

    template: ClassVar[str] = (
        "The database could not be told in time that a backup is going on, so layers that it needs may have been"
        " removed: no snapshot was made. Begin again: what has been copied is kept"
    )


@dataclass(eq=False)
class NoBackup(NotFound):
    """The folder is no backup, or of a format that this release does not know."""

    folder: str
    reason: str

    template: ClassVar[str] = "The folder {folder} is no backup: {reason}"


@dataclass(eq=False)
class SnapshotNotFound(NotFound):
    """The backup has no such snapshot, or none at all."""

    snapshot: str

    template: ClassVar[str] = "The backup has no snapshot {snapshot}: 'entrepot backup list' shows what it has"


@dataclass(eq=False)
class SnapshotDamaged(Invalid):
    """A file of a snapshot is not what was written; ``file`` is its path below the folder of the snapshots."""

    file: str
    reason: str

    template: ClassVar[str] = "The file snapshots/{file} of the backup cannot be used: {reason}"


@dataclass(eq=False)
class BlobsDamaged(Invalid):
    """A backup lacks bytes that a restored registry would need."""

    count: int
    first: str
    reason: str

    template: ClassVar[str] = (
        "The backup lacks bytes of {count} layers, {first} among them ({reason}), so the registry was not"
        " restored: 'entrepot backup verify' names them all, and --accept-damaged restores the others"
    )


@dataclass(eq=False)
class RestoreUnfinished(Conflict):
    """The target is in the middle of being restored from another snapshot."""

    snapshot: str

    template: ClassVar[str] = (
        "The target is being restored from another snapshot ({snapshot}): restore that one to its end, or begin"
        " with an empty target"
    )


@dataclass(eq=False)
class TargetInUse(Conflict):
    """The target of a restore has something of its own."""

    what: str

    template: ClassVar[str] = "The target is not empty: {what}"
