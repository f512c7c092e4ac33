"""One registry at a time uses a data folder, and a port; commands use the folder beside it."""

import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from entrepot.server import data_folder
from entrepot.server.data_folder import (
    RESTORING,
    CannotStart,
    claim,
    claim_folder,
    claim_folder_alone,
    prepare_folder,
    use_folder,
)

HOST = "127.0.0.1"


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is about to let go of anything here."""
    monkeypatch.setattr(data_folder, "PATIENCE", 0)


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Somebody else's server, which would share its port."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((HOST, 0))
        listener.listen()
        yield listener


def test_a_claim_makes_the_folder_for_its_owner_alone(tmp_path: Path, port: int) -> None:
    """With the folders above it."""
    data = tmp_path / "a" / "data"

    with claim(data, HOST, port):
        assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_what_was_claimed_can_be_claimed_again_afterwards(tmp_path: Path, port: int) -> None:
    """A restart has nothing to clean up."""
    for _ in range(2):
        with claim(tmp_path, HOST, port):
            pass


def test_a_folder_in_use_is_refused(tmp_path: Path, port: int) -> None:
    """With the folder in the one line that says why."""
    with claim(tmp_path, HOST, port), pytest.raises(CannotStart) as refused, claim(tmp_path, HOST, 0):
        pass

    assert refused.value.message == f"the data folder {tmp_path} is in use by another registry"


def test_commands_use_a_folder_beside_its_registry(tmp_path: Path) -> None:
    """Any number of them, and either may come first."""
    with use_folder(tmp_path), claim_folder(tmp_path), use_folder(tmp_path):
        pass


def test_a_folder_that_a_command_uses_is_not_had_alone(tmp_path: Path) -> None:
    """But afterwards, with nothing to clean up."""
    with (
        use_folder(tmp_path),
        pytest.raises(CannotStart, match="in use by another entrepot command"),
        claim_folder_alone(tmp_path),
    ):
        pass

    with claim_folder_alone(tmp_path):
        pass


def test_a_folder_that_is_had_alone_is_not_used(tmp_path: Path) -> None:
    """Its database may be another one in a moment."""
    with (
        claim_folder_alone(tmp_path),
        pytest.raises(CannotStart, match="is being moved or restored"),
        use_folder(tmp_path),
    ):
        pass


@pytest.mark.parametrize("using", [use_folder, claim_folder])
def test_a_half_restored_folder_is_not_used(
    tmp_path: Path, using: Callable[[Path], AbstractContextManager[None]]
) -> None:
    """Its layers are there before the rows that name them."""
    (tmp_path / RESTORING).touch()

    with pytest.raises(CannotStart, match="half restored"), using(tmp_path):
        pass


@pytest.mark.parametrize("folder", ["absent", "/proc/sys"])
def test_a_folder_in_which_nothing_can_be_harmed_is_left_as_it_is(tmp_path: Path, folder: str) -> None:
    """What is wrong with it is said by whoever opens something there."""
    with use_folder(tmp_path / folder):
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_port_that_another_registry_holds_is_refused(tmp_path: Path, port: int) -> None:
    """Also before that one has bound it."""
    with (
        claim(tmp_path / "one", HOST, port),
        pytest.raises(CannotStart) as refused,
        claim(tmp_path / "two", HOST, port),
    ):
        pass

    assert refused.value.message == f"the port {port} on {HOST} is in use"


def test_a_port_that_somebody_listens_on_is_refused(tmp_path: Path, listener: socket.socket) -> None:
    """Even if he would share it: half the requests would go to him."""
    port = listener.getsockname()[1]

    with pytest.raises(CannotStart) as refused, claim(tmp_path, HOST, port):
        pass

    assert refused.value.message == f"the port {port} on {HOST} is in use"


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_not_ours_is_refused(tmp_path: Path, port: int, host: str) -> None:
    """At once, in the system's words."""
    with pytest.raises(CannotStart, match=r"^cannot listen: "), claim(tmp_path, host, port):
        pass


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """Because a file stands in its place."""
    (tmp_path / "file").touch()

    with pytest.raises(CannotStart, match="cannot be written: ") as refused:
        prepare_folder(tmp_path / "file" / "data")

    assert str(tmp_path / "file" / "data") in refused.value.message


def test_a_folder_that_cannot_be_written_is_refused() -> None:
    """Before anything is started; not even root writes here."""
    with pytest.raises(CannotStart, match=r"^the data folder /proc/sys cannot be written: "):
        prepare_folder(Path("/proc/sys"))


def test_preparing_leaves_nothing_behind(tmp_path: Path) -> None:
    """The probe is gone."""
    prepare_folder(tmp_path)

    assert list(tmp_path.iterdir()) == []
