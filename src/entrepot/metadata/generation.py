"""One number that grows with every change of anything that decides who may do what.

A worker keeps what it has read of principals and policies for as long as the number is the one it had then.
"""

from sqlalchemy import Connection, select, update

from entrepot.metadata.hot import LookUp
from entrepot.metadata.tables import generations

_ACCESS = LookUp(select(generations.c.value).where(generations.c.name == "access"))


def advance(connection: Connection) -> None:
    """Make what other workers keep worthless once this transaction has committed.

    From here to the end of the transaction all others that advance wait. Changes of IAM call it first, to come one
    after another; a change of a repository or registry calls it last, with its own locks taken.
    """
    connection.execute(
        update(generations).where(generations.c.name == "access").values(value=generations.c.value + 1)
    )


def read(connection: Connection) -> int:
    """The number as it is."""
    row = _ACCESS.first(connection, {})
    if row is None:
        raise LookupError("Table generations has lost its row")
    return row[0]
