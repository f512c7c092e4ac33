"""``entrepot undelete``, ``entrepot deleted`` and ``entrepot purge``."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli.config import Output
from entrepot.cli.named import OFFERED, Named, parse_named
from entrepot.cli.options import with_settings
from entrepot.core.clock import iso_time
from entrepot.server.settings import Settings

if TYPE_CHECKING:
    from entrepot.operations.undelete import Kept, Undeleted

_Output = Annotated[Output, typer.Option(help="How to print the result.")]


def undelete(
    settings: Settings,
    named: Annotated[str, typer.Argument(metavar="REPOSITORY[:TAG|@DIGEST]", help="What is to come back.")],
    new_name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="The name that a repository comes back under.")
    ] = None,
    output: _Output = Output.TEXT,
) -> None:
    """Bring back what was deleted, for as long as it is kept ('entrepot deleted').

    REPOSITORY@DIGEST is an image with the tags that it had. REPOSITORY:TAG points the tag at what it pointed at
    before it was last moved or removed. REPOSITORY is a whole repository with everything that belonged to it, the
    one that was deleted last under this name. The registry may run meanwhile.
    """
    wanted = parse_named(named)
    if wanted.tag is None and wanted.digest is None:
        _undelete_repository(settings, wanted.repository, new_name, output)
        return
    if new_name is not None:
        raise typer.BadParameter("only a whole repository comes back under another name", param_hint="--as")
    undeleted = _undelete_image(settings, wanted)
    if output is Output.JSON:
        typer.echo(json.dumps(_as_json(wanted, undeleted), indent=2))
        return
    for line in _lines(wanted.repository, undeleted):
        typer.echo(line)


def _undelete_repository(settings: Settings, repository: str, new_name: str | None, output: Output) -> None:
    from entrepot.operations.undelete import undelete_repository  # noqa: PLC0415 (the database's imports are slow)
    from entrepot.server.operator import operate  # noqa: PLC0415 (as above)

    name = operate(settings, lambda s, o: undelete_repository(s, o, repository=repository, name=new_name))
    typer.echo(json.dumps({"repository": name}) if output is Output.JSON else f"{name} is back")


def _undelete_image(settings: Settings, wanted: Named) -> "Undeleted":
    from entrepot.operations.undelete import undelete_image, undelete_tag  # noqa: PLC0415 (see above)
    from entrepot.server.operator import operate  # noqa: PLC0415 (see above)

    repository, tag, digest = wanted.repository, wanted.tag, wanted.digest
    if digest is not None:
        return operate(settings, lambda s, o: undelete_image(s, o, repository=repository, digest=digest))
    return operate(settings, lambda s, o: undelete_tag(s, o, repository=repository, tag=tag or ""))


def _lines(repository: str, undeleted: "Undeleted") -> list[str]:
    is_back = "was there" if undeleted.was_there else "is back"
    tags = ", ".join(undeleted.tags) or "none"
    lines = [f"{repository}@{undeleted.digest} {is_back}, tags that came back: {tags}"]
    lines += [f"{repository}@{child} is back, which it names" for child in undeleted.children]
    lines += [f"{repository}:{tag} stays where it points now" for tag in undeleted.elsewhere]
    return lines


def _as_json(wanted: Named, undeleted: "Undeleted") -> dict[str, object]:
    return {
        "repository": wanted.repository,
        "digest": undeleted.digest,
        "tags": undeleted.tags,
        "children": undeleted.children,
        "elsewhere": undeleted.elsewhere,
        "wasThere": undeleted.was_there,
    }


def deleted(
    settings: Settings,
    repository: Annotated[str | None, typer.Argument(help="Only what was deleted under this name.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The most repositories, and the most images.")] = 100,
    output: _Output = Output.TEXT,
) -> None:
    """List what can be brought back, and until when: repositories, then images, those deleted last first."""
    from entrepot.operations.undelete import list_deleted  # noqa: PLC0415 (the database's imports are slow)
    from entrepot.server.operator import operate  # noqa: PLC0415 (as above)

    kept = operate(settings, lambda s, o: list_deleted(s, o, repository=repository, limit=limit))
    if output is Output.JSON:
        typer.echo(json.dumps({"deleted": [_kept_as_json(each) for each in kept]}, indent=2))
        return
    for each in kept:
        typer.echo(_kept_as_line(each))


def _kept_as_json(kept: "Kept") -> dict[str, object]:
    return {
        "repository": kept.repository,
        "digest": kept.digest,
        "tags": kept.tags,
        "size": kept.size,
        "deletedAt": iso_time(kept.deleted_at),
        "keptUntil": iso_time(kept.kept_until),
    }


def _kept_as_line(kept: "Kept") -> str:
    times = f"deleted {iso_time(kept.deleted_at)}, kept until {iso_time(kept.kept_until)}"
    if kept.digest is None:
        return f"{kept.repository}  whole repository, {times}"
    tags = f"  {', '.join(kept.tags)}" if kept.tags else ""
    return f"{kept.repository}@{kept.digest}{tags}  {kept.size:,} bytes, {times}"


def purge(
    settings: Settings,
    named: Annotated[
        str | None,
        typer.Argument(
            metavar="[REPOSITORY[@DIGEST]]", help="What is to be given up: all that was deleted under it."
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that is deleted, of every account and region.")
    ] = False,
    output: _Output = Output.TEXT,
) -> None:
    """Give up what is deleted and still kept, so that its layers are collected; it cannot be brought back then.

    Bytes leave the disk some hours later, when pulls that have begun have come to their end ('entrepot gc
    status'). The registry may run meanwhile.
    """
    from entrepot.operations.purge import purge_all, purge_image, purge_repository  # noqa: PLC0415 (slow imports)
    from entrepot.server.operator import operate  # noqa: PLC0415 (as above)

    if (named is None) == (not everything):
        raise typer.BadParameter("name a REPOSITORY or a REPOSITORY@DIGEST, or say --all")
    wanted = None if named is None else parse_named(named)
    if wanted is None:
        operate(settings, purge_all)
    elif wanted.tag is not None:
        raise typer.BadParameter("a tag is not purged: name a REPOSITORY or a REPOSITORY@DIGEST")
    elif wanted.digest is not None:
        repository, digest = wanted.repository, wanted.digest
        operate(settings, lambda s, o: purge_image(s, o, repository=repository, digest=digest))
    else:
        repository = wanted.repository
        operate(settings, lambda s, o: purge_repository(s, o, repository=repository))
    purged = named or "everything"
    typer.echo(json.dumps({"purged": purged}) if output is Output.JSON else f"Purged: {purged}")


undelete_command = with_settings(undelete, offered=OFFERED[:-1])
deleted_command = with_settings(deleted, offered=OFFERED)
purge_command = with_settings(purge, offered=OFFERED[:-1])
