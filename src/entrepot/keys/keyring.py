"""The keyring: a file of KMS keys, readable by its owner alone, changed by many processes.

It is written whole or not at all, under the lock of a file beside it. Readers look whether it is another file than
the one they have read, so they see a change at once.
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from entrepot.core.clock import DAY, Clock
from entrepot.core.partitions import RegistryId, partition_of
from entrepot.keys.port import KeyServiceUnavailable, KeyUnusable

MATERIAL_SIZE = 32


class KMSKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key. Its material is a list, for rotation adds to it: the last wraps, all unwrap.

    Times are in microseconds; from ``delete_at`` on, the key is gone.
    """

    arn: str
    created_at: int
    material: tuple[bytes, ...]
    description: str = ""
    enabled: bool = True
    delete_at: int | None = None

    def __repr__(self) -> str:
        return f"KMSKey({self.arn}, {self.state})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """What rich prints instead of ``repr``; msgspec's own would show the material."""
        return [("arn", self.arn), ("state", self.state)]

    @property
    def state(self) -> str:
        """KMS's KeyState."""
        if self.delete_at is not None:
            return "PendingDeletion"
        return "Enabled" if self.enabled else "Disabled"

    def require_usable(self) -> None:
        """Raise KeyUnusable unless the key is enabled."""
        self.require_not_leaving()
        if not self.enabled:
            raise KeyUnusable("DisabledException", f"{self.arn} is disabled.")

    def require_not_leaving(self) -> None:
        """Raise KeyUnusable for a key that waits for its deletion."""
        if self.delete_at is not None:
            raise KeyUnusable("KMSInvalidStateException", f"{self.arn} is pending deletion.")


class KeyringContent(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds: keys by ARN, and ARNs of keys by ARN of their alias."""

    version: int = 1
    keys: dict[str, KMSKey] = {}
    aliases: dict[str, str] = {}

    def with_key(self, key: KMSKey) -> "KeyringContent":
        """The same with a key added or changed."""
        return msgspec.structs.replace(self, keys={**self.keys, key.arn: key})

    def without(self, arns: list[str]) -> "KeyringContent":
        """The same without these keys and their aliases."""
        return msgspec.structs.replace(
            self,
            keys={arn: key for arn, key in self.keys.items() if arn not in arns},
            aliases={alias: arn for alias, arn in self.aliases.items() if arn not in arns},
        )


def key_arn(registry: RegistryId, key_id: str) -> str:
    """The ARN of ``key/UUID`` or ``alias/NAME`` in an account and region."""
    return f"arn:{partition_of(registry.region).name}:kms:{registry.region}:{registry.account}:{key_id}"


class Keyring:
    """The keys in the file at ``path``, which is made with the first key.

    Every call raises KeyServiceUnavailable when the file cannot be used, and those that work on a key KeyUnusable
    when there is none. A key whose time is over is erased by the first call that meets it.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._cached: tuple[tuple[int, ...], KeyringContent] | None = None

    def read(self) -> KeyringContent:
        """All keys."""
        content = self._read()
        return self._erase() if self._over(content) else content

    def find(self, key_id: str, registry: RegistryId) -> KMSKey:
        """A key by its id, ARN, alias or alias's ARN, whatever its state.

        What is not an ARN is in the account and region of the registry.
        """
        if key_id.startswith("arn:"):
            arn = key_id
        else:
            arn = key_arn(registry, key_id if key_id.startswith("alias/") else f"key/{key_id}")
        return self.by_arn(self._read().aliases.get(arn, arn))

    def by_arn(self, arn: str) -> KMSKey:
        """A key, whatever its state."""
        found = self._read().keys.get(arn)
        if found is not None and found.delete_at is not None and found.delete_at <= self._clock():
            found = self._erase().keys.get(arn)
        if found is None:
            kind = "Alias" if ":alias/" in arn else "Key"
            raise KeyUnusable("NotFoundException", f"{kind} '{arn}' does not exist")
        return found

    def create(self, registry: RegistryId, *, description: str = "", alias: str | None = None) -> KMSKey:
        """Make a key; raises KeyUnusable if the alias is another one's."""
        with self._locked():
            content = self._read()
            if alias is not None and (taken := key_arn(registry, alias)) in content.aliases:
                raise KeyUnusable("AlreadyExistsException", f"An alias with the name {taken} already exists")
            return self._add(content, registry, description, alias)

    def ensure(self, registry: RegistryId, alias: str, description: str) -> KMSKey:
        """The key that has the alias, which is made if there is none."""
        with self._locked():
            content = self._read()
            arn = content.aliases.get(key_arn(registry, alias))
            return self._add(content, registry, description, alias) if arn is None else content.keys[arn]

    def _add(self, content: KeyringContent, registry: RegistryId, description: str, alias: str | None) -> KMSKey:
        made = KMSKey(
            arn=key_arn(registry, f"key/{uuid4()}"),
            created_at=self._clock(),
            material=(secrets.token_bytes(MATERIAL_SIZE),),
            description=description,
        )
        content = content.with_key(made)
        if alias is not None:
            aliases = {**content.aliases, key_arn(registry, alias): made.arn}
            content = msgspec.structs.replace(content, aliases=aliases)
        self._write(content)
        return made

    def rotate(self, arn: str) -> KMSKey:
        """Give a key new material, which wraps from now on; the key has to be enabled."""
        added = secrets.token_bytes(MATERIAL_SIZE)

        def edit(key: KMSKey) -> KMSKey:
            key.require_usable()
            return msgspec.structs.replace(key, material=(*key.material, added))

        return self._edit(arn, edit)

    def set_enabled(self, arn: str, *, enabled: bool) -> KMSKey:
        """Let a key be used or not, unless it waits for its deletion."""

        def edit(key: KMSKey) -> KMSKey:
            key.require_not_leaving()
            return msgspec.structs.replace(key, enabled=enabled)

        return self._edit(arn, edit)

    def schedule_deletion(self, arn: str, days: int) -> KMSKey:
        """Let a key be gone in so many days, and not be used until then."""
        delete_at = self._clock() + days * DAY

        def edit(key: KMSKey) -> KMSKey:
            key.require_not_leaving()
            return msgspec.structs.replace(key, delete_at=delete_at)

        return self._edit(arn, edit)

    def cancel_deletion(self, arn: str) -> KMSKey:
        """Keep a key that waits for its deletion: disabled, as KMS leaves it."""
        return self._edit(arn, lambda key: msgspec.structs.replace(key, delete_at=None, enabled=False))

    def _edit(self, arn: str, edit: Callable[[KMSKey], KMSKey]) -> KMSKey:
        self.by_arn(arn)
        with self._locked():
            content = self._read()
            key = edit(content.keys[arn])
            self._write(content.with_key(key))
        return key

    def _over(self, content: KeyringContent) -> list[str]:
        now = self._clock()
        return [key.arn for key in content.keys.values() if key.delete_at is not None and key.delete_at <= now]

    def _erase(self) -> KeyringContent:
        """Remove keys whose time is over, with their material."""
        with self._locked():
            content = self._read()
            if over := self._over(content):
                content = content.without(over)
                self._write(content)
        return content

    def _read(self) -> KeyringContent:
        try:
            status = self._path.stat()
            seen = (status.st_ino, status.st_mtime_ns, status.st_size)
            cached = self._cached
            if cached is not None and cached[0] == seen:
                return cached[1]
            content = msgspec.json.decode(self._path.read_bytes(), type=KeyringContent)
        except FileNotFoundError:
            return KeyringContent()
        except (OSError, msgspec.MsgspecError) as error:
            raise _unusable(error) from error
        self._cached = (seen, content)
        return content

    def _write(self, content: KeyringContent) -> None:
        draft = self._path.with_suffix(".new")
        try:
            draft.unlink(missing_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(content)))
                file.flush()
                os.fsync(descriptor)
            draft.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise _unusable(error) from error

    @contextmanager
    def _locked(self) -> Generator[None]:
        try:
            descriptor = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _unusable(error: OSError | msgspec.MsgspecError) -> KeyServiceUnavailable:
    """Without the path: this is told to clients."""
    what = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it is damaged"
    return KeyServiceUnavailable("KMSInternalException", f"its keyring cannot be used ({what})")
