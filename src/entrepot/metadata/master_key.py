"""Which master key goes with the database: the first one that it is used with.

What is stored is the key's id, which is derived from the key and gives nothing of it away. A registry with another
key could not read the secrets of access keys, and would refuse the tokens that its replicas give out.
"""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, delete, select

from entrepot.core.errors import EntrepotError
from entrepot.metadata.insert import insert_if_absent
from entrepot.metadata.tables import master_key

_ONLY_ROW = 1


@dataclass(eq=False)
class WrongMasterKey(EntrepotError):
    """The database is used with another master key. Both are told by their ids."""

    key_id: str
    expected: str

    template: ClassVar[str] = (
        "The database goes with the master key {expected}, and this registry has {key_id}: give it the other one, "
        "as the setting master_key or the file master.key in the data folder, or give the database the new one by "
        "'entrepot migrate --accept-master-key'"
    )


def claim_master_key(connection: Connection, key_id: str) -> None:
    """Make a key the database's if it has none yet; raises WrongMasterKey if it has another."""
    insert_if_absent(connection, master_key, [{"id": _ONLY_ROW, "key_id": key_id}])
    check_master_key(connection, key_id)


def check_master_key(connection: Connection, key_id: str) -> None:
    """Raise WrongMasterKey if the database has another key; nothing is written."""
    expected = connection.execute(select(master_key.c.key_id)).scalar()
    if expected not in (None, key_id):
        raise WrongMasterKey(key_id, expected)


def replace_master_key(connection: Connection, key_id: str) -> None:
    """Make a key the database's, whichever it had before."""
    connection.execute(delete(master_key))
    claim_master_key(connection, key_id)
