"""What every command of ``entrepot iam`` shares: where the registry is, who asks, how the answer is printed."""

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, NamedTuple

import msgspec
import typer

from entrepot.cli.config import Output
from entrepot.cli.options import with_settings
from entrepot.client.credentials import Credentials
from entrepot.client.endpoint import Endpoint
from entrepot.client.errors import BadCredentials
from entrepot.client.iam import IAM
from entrepot.client.query import QueryClient
from entrepot.core.clock import system_clock
from entrepot.core.errors import Invalid
from entrepot.server.keys import ROOT_KEY, load_root_key
from entrepot.server.settings import Settings

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (nothing listens here)

EndpointOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The registry, as http://HOST:PORT or https://HOST:PORT. Default: AWS_ENDPOINT_URL_IAM,"
        " AWS_ENDPOINT_URL, else the address that the settings have it listen on.",
    ),
]
OutputOption = Annotated[Output, typer.Option(help="How to print it.")]


@dataclass(eq=False)
class Misused(Invalid):
    """An argument, or a file that one names, is wrong in itself."""

    reason: str

    template: ClassVar[str] = "{reason}"


class Shown(NamedTuple):
    """What a command has to say: to people, and as JSON."""

    text: str
    data: object


def iam_command(command: Callable[..., Shown]) -> Callable[..., None]:
    """Give a command, which takes IAM first, the options that say where and who, and print what it returns."""

    def run(
        settings: Settings,
        *,
        endpoint: EndpointOption = None,
        output: OutputOption = Output.TEXT,
        **options: object,
    ) -> None:
        shown = command(connect(settings, endpoint, os.environ), **options)
        text = _json(shown.data) if output is Output.JSON else shown.text
        if text:
            typer.echo(text)

    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    settings, *shared = list(inspect.signature(run).parameters.values())[:-1]
    parameters = [settings, *(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own), *shared]
    run.__doc__ = command.__doc__
    run.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess] (with_settings reads it)
    return with_settings(run, offered=("data",))


def connect(settings: Settings, endpoint: str | None, environment: Mapping[str, str]) -> IAM:
    """IAM as the options, the environment and the settings say, in this order.

    Raises BadEndpoint, BadCredentials, CannotStart for a root access key that cannot be read.
    """
    host = _EVERYWHERE.get(settings.host, settings.host)
    listening = f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
    given = endpoint or environment.get("AWS_ENDPOINT_URL_IAM") or environment.get("AWS_ENDPOINT_URL")
    client = QueryClient(
        endpoint=Endpoint.parse(given or listening),
        credentials=Credentials.of_environment(environment) or _root_key(settings),
        region=environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or settings.region,
        clock=system_clock,
    )
    return IAM(client)


def _root_key(settings: Settings) -> Credentials:
    """The root access key of the settings or the data folder; none is made."""
    path, source = settings.data / ROOT_KEY, "the setting access_key_id"
    if settings.access_key_id is None:
        source = str(path)
        try:
            path.stat()
        except OSError as error:
            raise BadCredentials(
                "there is no access key: neither AWS_ACCESS_KEY_ID is set nor can the root access key"
                f" {path} be read ({error.strerror}); --data names the registry's data folder"
            ) from None
    key = load_root_key(settings)
    return Credentials(access_key_id=key.access_key_id, secret_access_key=key.secret_access_key, source=source)


def _json(data: object) -> str:
    return msgspec.json.format(msgspec.json.encode(data), indent=2).decode()


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows in columns under their names; empty if there are no rows."""
    filled = [tuple(row) for row in rows]
    if not filled:
        return ""
    lines = [tuple(head), *filled]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def read_file(path: Path) -> str:
    """The text of a file, ``-`` being standard input; raises Misused."""
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Misused(f"{path} cannot be read: {reason}") from None


def pair(option: str, text: str) -> tuple[str, str]:
    """The two sides of KEY=VALUE; raises Misused."""
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise Misused(f"{option} takes KEY=VALUE, and not '{text}'")
    return key, value


def tags(given: Sequence[str] | None) -> list[dict[str, str]] | None:
    """The tags of a request, from those of a command line; raises Misused."""
    pairs = (pair("--tag", text) for text in given or ())
    return [{"Key": key, "Value": value} for key, value in pairs] or None
