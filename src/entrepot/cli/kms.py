"""``entrepot kms``: the keys of the local KMS, which are a file in the data folder."""

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli.config import Output
from entrepot.cli.options import with_settings
from entrepot.core.clock import iso_time
from entrepot.server.settings import BadSetting, Settings

if TYPE_CHECKING:
    from entrepot.keys.keyring import Keyring, KMSKey

app = typer.Typer(help="The keys of the local KMS.", no_args_is_help=True)

#: The settings that say where the keys are, and whose.
OFFERED = ("data", "kms_keyring", "account_id", "region")
#: KMS API, CreateAlias; names below alias/aws/ are made by services.
_ALIAS = re.compile(r"alias/(?!aws/)[a-zA-Z0-9/_-]{1,250}")

_Key = Annotated[str, typer.Argument(metavar="KEY", help="Its id, ARN, alias or alias's ARN.")]
_Output = Annotated[Output, typer.Option(help="How to print the result.")]


@app.callback()
def group() -> None:
    """The keys of the local KMS. A registry that runs takes notice of every change, within a minute."""


def create_key_command(
    settings: Settings,
    alias: Annotated[str | None, typer.Option(help="A name for it: alias/NAME.")] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    output: _Output = Output.TEXT,
) -> None:
    """Make a key."""
    if alias is not None and _ALIAS.fullmatch(alias) is None:
        raise typer.BadParameter(
            "an alias is alias/ and letters, digits, /, _ and -, and does not begin alias/aws/"
        )
    made = _keyring(settings).create(settings.registry, description=description, alias=alias)
    _say(settings, made, output)


def list_command(settings: Settings, output: _Output = Output.TEXT) -> None:
    """List the keys of every account and region, the oldest first."""
    content = _keyring(settings).read()
    keys = sorted(content.keys.values(), key=lambda key: (key.created_at, key.arn))
    if output is Output.JSON:
        typer.echo(json.dumps({"Keys": [_described(key, content.aliases) for key in keys]}, indent=2))
        return
    for key in keys:
        typer.echo(_line(key, content.aliases))


def rotate_command(settings: Settings, key: _Key, output: _Output = Output.TEXT) -> None:
    """Give a key new material for what is encrypted from now on; what was is decrypted by the old."""
    _change(settings, key, output, lambda keyring, arn: keyring.rotate(arn))


def disable_command(settings: Settings, key: _Key, output: _Output = Output.TEXT) -> None:
    """Let a key not be used: neither pushes nor pulls of its repositories go on, within a minute."""
    _change(settings, key, output, lambda keyring, arn: keyring.set_enabled(arn, enabled=False))


def enable_command(settings: Settings, key: _Key, output: _Output = Output.TEXT) -> None:
    """Let a disabled key be used again."""
    _change(settings, key, output, lambda keyring, arn: keyring.set_enabled(arn, enabled=True))


def schedule_delete_command(
    settings: Settings,
    key: _Key,
    days: Annotated[int, typer.Option(min=7, max=30, help="Days until then.")] = 30,
    output: _Output = Output.TEXT,
) -> None:
    """Let a key be gone in some days, and not be used until then. Whatever is encrypted under it is lost then."""
    _change(settings, key, output, lambda keyring, arn: keyring.schedule_deletion(arn, days))


def cancel_delete_command(settings: Settings, key: _Key, output: _Output = Output.TEXT) -> None:
    """Keep a key that waits for its deletion. It is disabled then."""
    _change(settings, key, output, lambda keyring, arn: keyring.cancel_deletion(arn))


for name, command in (
    ("create-key", create_key_command),
    ("list", list_command),
    ("rotate", rotate_command),
    ("disable", disable_command),
    ("enable", enable_command),
    ("schedule-delete", schedule_delete_command),
    ("cancel-delete", cancel_delete_command),
):
    app.command(name)(with_settings(command, offered=OFFERED))


def _keyring(settings: Settings) -> "Keyring":
    from entrepot.server.wiring import open_keyring  # noqa: PLC0415 (its imports cost more than --help is worth)

    if settings.kms != "local":
        raise BadSetting("kms", "it names another KMS, whose keys are administered there")
    if settings.kms_keyring is None and not settings.data.is_dir():
        raise BadSetting("data", f"there is no folder {settings.data}")
    return open_keyring(settings)


def _change(settings: Settings, key: str, output: Output, change: "Callable[[Keyring, str], KMSKey]") -> None:
    keyring = _keyring(settings)
    _say(settings, change(keyring, keyring.find(key, settings.registry).arn), output)


def _say(settings: Settings, key: "KMSKey", output: Output) -> None:
    aliases = _keyring(settings).read().aliases
    if output is Output.JSON:
        typer.echo(json.dumps({"Key": _described(key, aliases)}, indent=2))
        return
    typer.echo(_line(key, aliases))


def _described(key: "KMSKey", aliases: Mapping[str, str]) -> dict[str, object]:
    """By the names of the KMS API, KeyMetadata, as far as it has them."""
    described: dict[str, object] = {
        "Arn": key.arn,
        "Aliases": _names(key, aliases),
        "KeyState": key.state,
        "CreationDate": iso_time(key.created_at),
        "Description": key.description,
        "Rotations": len(key.material) - 1,
    }
    return described if key.delete_at is None else {**described, "DeletionDate": iso_time(key.delete_at)}


def _line(key: "KMSKey", aliases: Mapping[str, str]) -> str:
    until = "" if key.delete_at is None else f" until {iso_time(key.delete_at)}"
    return " ".join([key.arn, f"{key.state}{until}", *_names(key, aliases)])


def _names(key: "KMSKey", aliases: Mapping[str, str]) -> list[str]:
    return sorted(alias.rpartition(":")[2] for alias, arn in aliases.items() if arn == key.arn)
