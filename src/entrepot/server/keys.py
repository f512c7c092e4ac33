"""The registry's own secrets: the master key and the root access key, in files of mode 0600."""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from entrepot.protocol.tokens import MasterKey
from entrepot.server.data_folder import CannotStart
from entrepot.server.settings import MASTER_KEY_SIZE, Settings

MASTER_KEY = "master.key"
ROOT_KEY = "root-key.json"


@dataclass(frozen=True, slots=True)
class RootKey:
    """The root access key; ``is_new`` when it was made just now."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    is_new: bool = False


class _Stored(msgspec.Struct):
    access_key_id: str
    secret_access_key: str


def load_master_key(settings: Settings) -> MasterKey:
    """The master key: that of the settings, else the data folder's; made when there is none.

    Raises CannotStart.
    """
    if (given := settings.given_master_key) is not None:
        return MasterKey(given)
    path = settings.data / MASTER_KEY
    try:
        if not path.exists():
            _may_make_key(settings, "the setting master_key ('openssl rand -hex 32' makes one)")
            _write_secret(path, secrets.token_bytes(MASTER_KEY_SIZE))
        return MasterKey(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CannotStart(f"the master key {path} cannot be used: {error}") from None


def load_root_key(settings: Settings) -> RootKey:
    """The root access key: that of the settings, else the data folder's; made when there is none.

    Raises CannotStart.
    """
    if settings.access_key_id is not None and settings.secret_access_key is not None:
        return RootKey(settings.access_key_id, settings.secret_access_key)
    path = settings.data / ROOT_KEY
    try:
        if path.exists():
            stored = msgspec.json.decode(path.read_bytes(), type=_Stored)
            return RootKey(stored.access_key_id, stored.secret_access_key)
        _may_make_key(settings, "the settings access_key_id and secret_access_key")
        made = _Stored("AKIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30))
        _write_secret(path, msgspec.json.encode(made))
    except (OSError, ValueError) as error:
        raise CannotStart(f"the root access key {path} cannot be used: {error}") from None
    return RootKey(made.access_key_id, made.secret_access_key, is_new=True)


def _may_make_key(settings: Settings, needed: str) -> None:
    """A key that is made here is one that no replica has: raises CannotStart where there may be others."""
    if settings.is_shared:
        raise CannotStart(f"database and storage may be shared with other registries: give all of them {needed}")


def _write_secret(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: what survives a crash is never half a key."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
