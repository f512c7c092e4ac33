"""Whether the registry can serve: its database and its storage have to answer.

The database has to be fit for this code, too: on PostgreSQL a later release may upgrade it while this one serves.

A registry that is full still serves what it has, and takes deletions, which make room. So it is ready, and says
that it is full: a proxy that took it away, and all others over the same bucket, would turn "no pushes" into "no
pulls".
"""

from dataclasses import dataclass, field

from entrepot.core.errors import EntrepotError
from entrepot.metadata.port import Metadata
from entrepot.metadata.schema import check_schema
from entrepot.operations.services import Services
from entrepot.storage.port import StorageFull


@dataclass(frozen=True, slots=True)
class Readiness:
    """``failures`` keep the registry from serving, ``full`` from taking anything new."""

    failures: list[EntrepotError] = field(default_factory=list[EntrepotError])
    full: list[StorageFull] = field(default_factory=list[StorageFull])


async def check_parts(services: Services) -> Readiness:
    """What each part says of itself."""
    found = Readiness()
    for check in (lambda: _check_metadata(services.metadata), lambda: _check_storage(services)):
        try:
            await check()
        except StorageFull as error:
            found.full.append(error)
        except EntrepotError as error:
            found.failures.append(error)
    return found


async def _check_metadata(metadata: Metadata) -> None:
    await metadata.check()
    await metadata.look_up(check_schema)


async def _check_storage(services: Services) -> None:
    await services.storage.check()
    services.require_room_for_rows()
