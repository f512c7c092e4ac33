"""INSERT … ON CONFLICT, which SQLAlchemy spells once for each database."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, CursorResult, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_if_absent(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> int:
    """Insert the rows that break no unique constraint, and leave the others as they are.

    Gives the number of rows inserted. ON CONFLICT rather than a caught error: on PostgreSQL an error would
    end the whole transaction.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    result: CursorResult[object] = connection.execute(
        dialect.insert(table).on_conflict_do_nothing().values(list(rows))
    )
    return result.rowcount
