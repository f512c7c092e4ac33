"""The registry's own secrets survive a restart and are nobody else's."""

import stat
from base64 import b64encode
from pathlib import Path

import pytest

from entrepot.protocol.tokens import MasterKey
from entrepot.server.data_folder import CannotStart
from entrepot.server.keys import MASTER_KEY, ROOT_KEY, load_master_key, load_root_key
from entrepot.server.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder, and nothing else set."""
    return Settings(data=tmp_path)


def test_the_keys_are_made_once(settings: Settings) -> None:
    """And are the same at every start from then on; only at the first is the root key new."""
    masters = [load_master_key(settings) for _ in range(2)]
    roots = [load_root_key(settings) for _ in range(2)]

    assert masters[0] == masters[1]
    assert [root.is_new for root in roots] == [True, False]
    assert roots[0].access_key_id == roots[1].access_key_id
    assert roots[0].secret_access_key == roots[1].secret_access_key


def test_each_registry_has_keys_of_its_own(settings: Settings, tmp_path: Path) -> None:
    """They are random."""
    other = Settings(data=tmp_path / "other")
    other.data.mkdir()

    assert load_master_key(settings) != load_master_key(other)
    assert load_root_key(settings).secret_access_key != load_root_key(other).secret_access_key


def test_only_the_owner_reads_the_files(settings: Settings) -> None:
    """Mode 0600, whatever the umask; and no draft is left behind."""
    load_master_key(settings)
    load_root_key(settings)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in settings.data.iterdir()}
    assert modes == {MASTER_KEY: 0o600, ROOT_KEY: 0o600}


def test_a_key_that_was_half_written_before_a_crash_is_made_anew(settings: Settings) -> None:
    """A draft is no key."""
    (settings.data / "master.new").write_bytes(b"half")

    assert load_master_key(settings) == load_master_key(settings)


def test_a_root_key_of_the_settings_is_used_and_not_stored(tmp_path: Path) -> None:
    """Whoever sets it keeps it."""
    settings = Settings(
        data=tmp_path, access_key_id="AKIAEXAMPLEEXAMPLE00", secret_access_key="a-secret-of-no-value"
    )

    root = load_root_key(settings)

    assert (root.access_key_id, root.secret_access_key) == ("AKIAEXAMPLEEXAMPLE00", "a-secret-of-no-value")
    assert not root.is_new
    assert list(tmp_path.iterdir()) == []


def test_a_master_key_of_the_settings_is_used_and_not_stored(tmp_path: Path) -> None:
    """It goes before the data folder's, in either spelling."""
    load_master_key(Settings(data=tmp_path))
    secret = bytes(range(32))

    masters = [
        load_master_key(Settings(data=tmp_path, master_key=text))
        for text in (secret.hex(), secret.hex().upper(), b64encode(secret).decode())
    ]

    assert masters == [MasterKey(secret)] * 3
    assert load_master_key(Settings(data=tmp_path)) != masters[0]


def test_no_key_is_made_where_other_registries_would_need_it_too(tmp_path: Path) -> None:
    """With rows and layers shared, a key is given to all or taken from the data folder."""
    shared = Settings(data=tmp_path, database="postgresql://u@h/d", storage="s3://bucket")

    with pytest.raises(CannotStart, match="the setting master_key"):
        load_master_key(shared)
    with pytest.raises(CannotStart, match="the settings access_key_id and secret_access_key"):
        load_root_key(shared)

    assert list(tmp_path.iterdir()) == []
    made = load_master_key(Settings(data=tmp_path)), load_root_key(Settings(data=tmp_path)).access_key_id
    assert (load_master_key(shared), load_root_key(shared).access_key_id) == made


def test_a_secret_is_never_in_what_is_printed(settings: Settings) -> None:
    """A log or a traceback gives nothing away."""
    root, master = load_root_key(settings), load_master_key(settings)

    assert root.secret_access_key not in repr(root)
    assert repr(master.secret)[2:-1] not in repr(master)


def test_a_damaged_master_key_is_refused(settings: Settings) -> None:
    """Every token ever handed out depends on it: it is not silently made anew."""
    (settings.data / MASTER_KEY).write_bytes(b"short")

    with pytest.raises(CannotStart, match=r"master\.key cannot be used: A master key is 32 bytes long"):
        load_master_key(settings)
