"""Data keys: wrapped by the key they are meant to be wrapped by, and kept in plain for a minute at most."""

from pathlib import Path

import pytest

from entrepot.core.partitions import RegistryId
from entrepot.features.encryption.data_keys import KEPT_AT_MOST, KEPT_FOR, DataKeys, Encryption
from entrepot.features.encryption.messages import open_message, seal_message
from entrepot.keys.keyring import Keyring
from entrepot.keys.local import LocalKeyProvider
from entrepot.keys.master import MasterKeyWrapping
from entrepot.keys.port import KeyUnusable
from entrepot.protocol.tokens import MasterKey
from entrepot.storage.port import BlobDamaged
from entrepot.testing.registry import SettableClock

REGISTRY = RegistryId("000000000000", "us-east-1")
CONTEXT = {"aws:ecr:arn": REGISTRY.repository_arn("app")}
OWN = Encryption("", 1)


class Stage:
    """Data keys, and the keys that wrap them."""

    def __init__(self, folder: Path) -> None:
        self.clock = SettableClock()
        self.keyring = Keyring(folder / "keyring.json", self.clock)
        self.key = self.keyring.create(REGISTRY)
        self.data_keys = self.worker()

    def worker(self, secret: bytes = b"m" * 32) -> DataKeys:
        """Those of another worker, with this master key."""
        own = MasterKeyWrapping(MasterKey(secret))
        return DataKeys(LocalKeyProvider(self.keyring), own, self.clock)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """With one KMS key."""
    return Stage(tmp_path)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("own", [True, False], ids=["own key", "KMS key"])
async def test_every_worker_unwraps_what_one_has_made(stage: Stage, layers: int, own: bool) -> None:
    """As many data keys as there are layers, each by itself."""
    made = await stage.data_keys.generate(Encryption("" if own else stage.key.arn, layers), CONTEXT)

    assert await stage.worker().unwrap(made.wrapped) == made.secrets
    assert len(set(made.secrets)) == layers
    assert not any(secret in made.wrapped for secret in made.secrets)


async def test_a_disabled_key_stops_within_a_minute(stage: Stage) -> None:
    """Until then a data key that is kept can be used, and not a moment longer, however often it is."""
    made = await stage.data_keys.generate(Encryption(stage.key.arn, 1), CONTEXT)
    stage.keyring.set_enabled(stage.key.arn, enabled=False)

    stage.clock.advance(KEPT_FOR - 1)
    assert await stage.data_keys.unwrap(made.wrapped) == made.secrets
    stage.clock.advance(1)

    with pytest.raises(KeyUnusable, match="is disabled"):
        await stage.data_keys.unwrap(made.wrapped)


async def test_only_so_many_are_kept(stage: Stage) -> None:
    """The oldest goes first, and is unwrapped again when it is asked for."""
    made = [await stage.data_keys.generate(OWN, CONTEXT) for _ in range(KEPT_AT_MOST + 10)]

    assert repr(stage.data_keys) == f"DataKeys({KEPT_AT_MOST} kept)"
    assert await stage.data_keys.unwrap(made[0].wrapped) == made[0].secrets


async def test_what_is_over_is_not_kept(stage: Stage) -> None:
    """Also where it is never asked for again."""
    await stage.data_keys.generate(OWN, CONTEXT)
    stage.clock.advance(KEPT_FOR)

    await stage.data_keys.generate(OWN, CONTEXT)

    assert repr(stage.data_keys) == "DataKeys(1 kept)"


async def test_another_master_key_says_which_one_is_needed(stage: Stage) -> None:
    """Rather than that something is damaged."""
    made = await stage.data_keys.generate(OWN, CONTEXT)

    with pytest.raises(KeyUnusable) as refused:
        await stage.worker(b"o" * 32).unwrap(made.wrapped)

    assert refused.value.kms_error == "IncorrectKeyException"
    assert MasterKey(b"m" * 32).id.hex() in refused.value.message


async def test_nothing_shows_a_data_key(stage: Stage) -> None:
    """Neither new ones nor what keeps them."""
    made = await stage.data_keys.generate(OWN, CONTEXT)

    shown = repr(made) + repr(stage.data_keys)

    assert repr(made.secrets[0]) not in shown
    assert made.secrets[0].hex() not in shown


@pytest.mark.parametrize("layers", [(b"k" * 32,), (b"k" * 32, b"l" * 32)], ids=["one layer", "two layers"])
def test_a_message_comes_back_as_it_was(layers: tuple[bytes, ...]) -> None:
    """And twice the same one looks different."""
    sealed = seal_message(layers, b"a manifest", "sha256:1")

    assert open_message(layers, sealed, "sha256:1") == b"a manifest"
    assert b"manifest" not in sealed
    assert seal_message(layers, b"a manifest", "sha256:1") != sealed


@pytest.mark.parametrize("layers", [(b"k" * 32,), (b"k" * 32, b"l" * 32)], ids=["one layer", "two layers"])
def test_a_message_that_is_another_one_is_refused(layers: tuple[bytes, ...]) -> None:
    """Any byte changed or missing, another subject, another data key."""
    sealed = seal_message(layers, b"a manifest", "sha256:1")
    changed = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]

    for damaged in (*changed, sealed[:-1], sealed[1:], b""):
        with pytest.raises(BlobDamaged):
            open_message(layers, damaged, "sha256:1")
    with pytest.raises(BlobDamaged):
        open_message(layers, sealed, "sha256:2")
    with pytest.raises(BlobDamaged):
        open_message((b"x" * 32,) * len(layers), sealed, "sha256:1")
