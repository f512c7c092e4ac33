"""How the tables came to be: one module a version under ``versions``, run by Alembic.

A migration runs while code of the version before it is still at work, so it only adds; what it makes useless is
removed by a later one. It ends by setting ``schema``: its version, and the oldest code that can live with it.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def upgrade(connection: Connection) -> None:
    """Run the migrations that this database lacks, in the transaction that ``connection`` is in."""
    command.upgrade(config(connection), "head")


def config(connection: Connection) -> Config:
    """Alembic's settings, which need no file."""
    settings = Config(attributes={"connection": connection})
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return settings
