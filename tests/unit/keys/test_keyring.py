"""The keyring: a file that many processes read and change."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.pretty import pretty_repr

from entrepot.core.clock import DAY
from entrepot.core.partitions import RegistryId
from entrepot.keys.keyring import Keyring
from entrepot.keys.port import KeyServiceUnavailable, KeyUnusable
from entrepot.testing.registry import SettableClock

REGISTRY = RegistryId("000000000000", "eu-central-1")


@pytest.fixture
def clock() -> SettableClock:
    """Time of the test's own."""
    return SettableClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file will be."""
    return tmp_path / "keyring.json"


@pytest.fixture
def keyring(path: Path, clock: SettableClock) -> Keyring:
    """An empty keyring."""
    return Keyring(path, clock)


def test_an_empty_keyring_is_no_file(keyring: Keyring, path: Path) -> None:
    """Reading makes none."""
    assert keyring.read().keys == {}
    assert not path.exists()


def test_the_file_is_its_owners_alone(keyring: Keyring, path: Path) -> None:
    """From the first key on, and after every change."""
    key = keyring.create(REGISTRY)
    keyring.rotate(key.arn)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir() if entry.suffix == ".new"] == []


def test_a_key_is_named_as_kms_names_it(keyring: Keyring, clock: SettableClock) -> None:
    """By an ARN of its account and region."""
    key = keyring.create(REGISTRY, description="for the team")

    prefix, _, uuid = key.arn.rpartition("/")
    assert prefix == "arn:aws:kms:eu-central-1:000000000000:key"
    assert len(uuid) == 36
    assert (key.description, key.created_at, key.state) == ("for the team", clock.now, "Enabled")


def test_keys_show_no_material(keyring: Keyring) -> None:
    """Not in a log, and not in a message."""
    key = keyring.create(REGISTRY)

    shown = repr(key) + pretty_repr(key)

    assert shown.count(key.arn) == 2
    assert "material" not in shown


def test_another_process_sees_a_change_at_once(keyring: Keyring, path: Path, clock: SettableClock) -> None:
    """However often it has read before."""
    other = Keyring(path, clock)
    key = keyring.create(REGISTRY)
    assert other.by_arn(key.arn) == key

    keyring.set_enabled(key.arn, enabled=False)
    assert other.by_arn(key.arn).state == "Disabled"

    other.set_enabled(key.arn, enabled=True)
    assert keyring.by_arn(key.arn).state == "Enabled"


def test_many_at_once_lose_nothing(path: Path, clock: SettableClock) -> None:
    """Each with a keyring of its own, as processes have; who asks for one alias gets one key."""

    def work(number: int) -> str:
        keyring = Keyring(path, clock)
        keyring.create(REGISTRY, description=str(number))
        return keyring.ensure(REGISTRY, "alias/aws/ecr", "default").arn

    with ThreadPoolExecutor(8) as threads:
        defaults = set(threads.map(work, range(24)))

    assert len(defaults) == 1
    assert len(Keyring(path, clock).read().keys) == 25


def test_an_alias_belongs_to_one_key(keyring: Keyring) -> None:
    """In its account and region; elsewhere it is another one."""
    first = keyring.create(REGISTRY, alias="alias/team")

    with pytest.raises(KeyUnusable) as refused:
        keyring.create(REGISTRY, alias="alias/team")
    elsewhere = keyring.create(RegistryId("000000000000", "us-east-1"), alias="alias/team")

    assert refused.value.kms_error == "AlreadyExistsException"
    assert keyring.find("alias/team", REGISTRY) == first
    assert keyring.find("alias/team", RegistryId("000000000000", "us-east-1")) == elsewhere


def test_rotation_keeps_the_old_material(keyring: Keyring) -> None:
    """The new comes behind it; a key that cannot be used is not rotated."""
    key = keyring.create(REGISTRY)

    rotated = keyring.rotate(key.arn)

    assert rotated.material[:-1] == key.material
    assert rotated.material[-1] not in key.material
    keyring.set_enabled(key.arn, enabled=False)
    with pytest.raises(KeyUnusable, match="is disabled"):
        keyring.rotate(key.arn)


def test_a_deletion_can_be_called_off(keyring: Keyring, clock: SettableClock) -> None:
    """Until its day; the key is disabled then, and nobody enables it before."""
    key = keyring.create(REGISTRY)
    keyring.schedule_deletion(key.arn, 7)
    clock.advance(7 * DAY - 1)
    with pytest.raises(KeyUnusable, match="pending deletion"):
        keyring.set_enabled(key.arn, enabled=True)
    with pytest.raises(KeyUnusable, match="pending deletion"):
        keyring.schedule_deletion(key.arn, 30)

    kept = keyring.cancel_deletion(key.arn)

    assert (kept.state, kept.material) == ("Disabled", key.material)
    clock.advance(30 * DAY)
    assert keyring.by_arn(key.arn) == kept


def test_a_key_goes_with_its_alias(keyring: Keyring, path: Path, clock: SettableClock) -> None:
    """On its day, by whoever looks; the others stay."""
    key, other = keyring.create(REGISTRY, alias="alias/team"), keyring.create(REGISTRY)
    keyring.schedule_deletion(key.arn, 7)
    clock.advance(7 * DAY)

    content = keyring.read()

    assert list(content.keys) == [other.arn]
    assert content.aliases == {}
    assert key.arn not in path.read_text()


def test_a_file_that_is_no_keyring_is_left_alone(keyring: Keyring, path: Path) -> None:
    """Nothing is read from it, and nothing written over it."""
    path.write_text('{"keys": 5}')

    for use in (keyring.read, lambda: keyring.create(REGISTRY), lambda: keyring.by_arn("arn")):
        with pytest.raises(KeyServiceUnavailable, match="damaged"):
            use()

    assert path.read_text() == '{"keys": 5}'
