"""Writing down who was denied what, in sums."""

import asyncio

import structlog

from entrepot.features.audit import store as audit
from entrepot.metadata.port import MetadataUnavailable
from entrepot.operations.services import Services

#: Seconds between two writings of one process.
PAUSE = 60.0

log = structlog.get_logger()


async def write_denials(services: Services) -> None:
    """Write the sums of what was denied since the last time; where the database cannot, the log has how many."""
    sums, others = services.denials.take()
    if not sums:
        return
    if others:
        log.warning("denials of too many sorts are recorded as one number", others=others)
    now = services.clock()
    try:
        await services.metadata.write(lambda c: audit.record_denials(c, sums, others, now))
    except MetadataUnavailable as error:
        log.warning("denials are not recorded", sorts=len(sums), reason=error.message)


async def write_denials_for_ever(services: Services) -> None:
    """Write them now and then, until the task is cancelled; and once more then."""
    try:
        while True:
            await asyncio.sleep(PAUSE)
            try:
                await write_denials(services)
            except Exception:
                log.exception("denials were not recorded")
    finally:
        await write_denials(services)
