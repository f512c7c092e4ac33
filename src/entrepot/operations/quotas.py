"""Whether there is room for one more of what has a quota."""

from collections.abc import Callable, Hashable

from sqlalchemy import Connection

from entrepot.operations.services import Services


async def reached(
    services: Services, members_of: Hashable, quota: int | None, count: Callable[[Connection, int], int]
) -> int | None:
    """The quota, if a set has as many members as it allows.

    ``count`` counts them, up to the number it is given; it is called only as often as Tallies say.
    """
    if quota is None:
        return None
    now = services.clock()
    members = services.tallies.estimate(members_of, now)
    if members is None or members >= quota:
        members = await services.metadata.read(lambda connection: count(connection, quota))
        services.tallies.put(members_of, members, now)
    return quota if members >= quota else None
