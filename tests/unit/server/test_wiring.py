"""What the processes of one registry share."""

from pathlib import Path

import pytest

from entrepot.core.partitions import RegistryId
from entrepot.keys.local import NoKeyProvider
from entrepot.keys.port import DEFAULT_ALIAS, KeyUnusable
from entrepot.protocol.tokens import MasterKey
from entrepot.server.data_folder import CannotStart
from entrepot.server.settings import Settings
from entrepot.server.wiring import (
    CONNECTIONS,
    FEWEST_CONNECTIONS,
    connections_of_a_process,
    keyring_path,
    open_keyring,
    prepare_data,
)


@pytest.mark.parametrize("workers", range(1, 8))
def test_all_processes_share_their_connections(workers: int) -> None:
    """Three registries fit into the hundred connections that PostgreSQL allows unless it is told otherwise."""
    to_write_and_to_read = 2 * connections_of_a_process(workers)

    assert (workers + 1) * to_write_and_to_read <= CONNECTIONS
    assert 3 * CONNECTIONS <= 100 - 3  # three are kept for superusers


def test_no_process_is_without_connections() -> None:
    """With very many workers each still has enough to go on while one transaction waits."""
    assert connections_of_a_process(64) == FEWEST_CONNECTIONS


def shared(data: Path, *, kms_keyring: Path | None = None) -> Settings:
    """Rows and layers where other registries reach them."""
    return Settings(data=data, database="postgresql://u@h/d", storage="s3://bucket", kms_keyring=kms_keyring)


def test_a_keyring_that_only_one_registry_has_is_refused(tmp_path: Path) -> None:
    """Where others may share rows and layers, neither is one made, nor one used that happens to be there."""
    settings = shared(tmp_path)

    with pytest.raises(CannotStart, match="kms_keyring"):
        open_keyring(settings)

    keyring_path(tmp_path).write_text("{}")
    with pytest.raises(CannotStart, match="kms_keyring"):
        prepare_data(settings, MasterKey(bytes(32)))


def test_a_keyring_that_was_named_is_used(tmp_path: Path) -> None:
    """Whoever names the file says that all registries reach it."""
    settings = shared(tmp_path / "data", kms_keyring=tmp_path / "shared.json")

    made = open_keyring(settings).create(settings.registry, alias="alias/ours")

    assert open_keyring(settings).find("alias/ours", settings.registry).arn == made.arn
    assert (tmp_path / "shared.json").exists()


async def test_registries_without_a_shared_kms_have_no_key() -> None:
    """Not even the default one, which each would make for itself; the error says which settings help."""
    registry = RegistryId("000000000000", "us-east-1")

    with pytest.raises(KeyUnusable, match="kms_keyring"):
        await NoKeyProvider().describe(DEFAULT_ALIAS, registry)
    with pytest.raises(KeyUnusable, match="kms_keyring"):
        await NoKeyProvider().generate_data_key("arn", {})
    with pytest.raises(KeyUnusable, match="kms_keyring"):
        await NoKeyProvider().decrypt("arn", b"", {})
