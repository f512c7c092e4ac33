"""``entrepot history``."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli.config import Output
from entrepot.cli.named import OFFERED, parse_named
from entrepot.cli.options import with_settings
from entrepot.core.clock import iso_time
from entrepot.server.settings import Settings

if TYPE_CHECKING:
    from entrepot.features.images.store import HistoryLine


def history(
    settings: Settings,
    named: Annotated[str, typer.Argument(metavar="REPOSITORY[:TAG]", help="Whose tags.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The most lines.")] = 50,
    before: Annotated[int | None, typer.Option(help="Only lines with a lower number: the next page.")] = None,
    output: Annotated[Output, typer.Option(help="How to print it.")] = Output.TEXT,
) -> None:
    """Show who moved which tag when, from where and to where, the newest first.

    Moves are kept for history_days. 'entrepot' as the mover is an operator's command, or the tidying up of
    something that was broken off.
    """
    from entrepot.operations.history import list_history  # noqa: PLC0415 (the database's imports are slow)
    from entrepot.server.operator import operate  # noqa: PLC0415 (as above)

    wanted = parse_named(named)
    if wanted.digest is not None:
        raise typer.BadParameter("history is of tags: name a REPOSITORY or a REPOSITORY:TAG")
    lines = operate(
        settings,
        lambda services, operator: list_history(
            services, operator, repository=wanted.repository, tag=wanted.tag, before=before, limit=limit
        ),
    )
    if output is Output.JSON:
        typer.echo(json.dumps({"moves": [_as_json(line) for line in lines]}, indent=2))
        return
    for line in lines:
        move = f"{line.from_digest or '-'} -> {line.to_digest or '-'}"
        typer.echo(f"{line.id}  {iso_time(line.moved_at)}  {line.tag}  {move}  by {line.moved_by}")


history_command = with_settings(history, offered=OFFERED[:-1])


def _as_json(line: "HistoryLine") -> dict[str, object]:
    return {
        "id": line.id,
        "tag": line.tag,
        "movedAt": iso_time(line.moved_at),
        "movedBy": line.moved_by,
        "from": line.from_digest,
        "to": line.to_digest,
    }
