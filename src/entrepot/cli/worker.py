"""``entrepot worker``."""

from entrepot.cli.options import with_settings
from entrepot.server.settings import Settings

#: The settings that say where rows and bytes are, and how long history is kept.
OFFERED = ("data", "database", "storage", "s3_endpoint", "s3_region", "history_days")


def run(settings: Settings) -> None:
    """Tidy up and collect garbage until it is told to end (SIGTERM or Ctrl-C), beside registries that serve.

    Any number of workers may run. It is for registries that run with --no-background-worker; the others do it
    themselves. It has no port, and needs none of the keys.
    """
    from entrepot.server.worker import work  # noqa: PLC0415 (the server's imports cost more than --help is worth)

    work(settings)


worker_command = with_settings(run, offered=OFFERED)
