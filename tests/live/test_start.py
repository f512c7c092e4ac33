"""How the server starts: at once, or not at all with one clear line; and what it makes on its first start."""

import socket
import stat
from pathlib import Path

import pytest
from tests.live import processes
from tests.live.server import Server, free_port, refusal_of, running
from tests.live.waiting import eventually


def assert_one_clear_line(said: str, naming: str) -> None:
    """The refusal is one line that names what is wrong, and no traceback."""
    assert len(said.splitlines()) == 1, said
    assert naming in said


def test_port_of_another_server_is_refused(server: Server, tmp_path: Path) -> None:
    """Two servers never share a port silently."""
    said = refusal_of("--listen", server.host, "--data", str(tmp_path / "data"))

    assert_one_clear_line(said, naming=str(server.port))
    assert server.is_alive()


def test_port_of_another_program_is_refused(tmp_path: Path) -> None:
    """A port in use is named."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        said = refusal_of("--listen", f"127.0.0.1:{port}", "--data", str(tmp_path / "data"))

    assert_one_clear_line(said, naming=str(port))


def test_folder_of_another_server_is_refused(server: Server) -> None:
    """Two servers never share a data folder silently."""
    said = refusal_of("--listen", f"127.0.0.1:{free_port()}", "--data", str(server.data))

    assert_one_clear_line(said, naming=str(server.data))
    assert server.is_alive()


def test_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A data folder below a file is named."""
    (tmp_path / "file").touch()

    said = refusal_of("--listen", f"127.0.0.1:{free_port()}", "--data", str(tmp_path / "file" / "data"))

    assert_one_clear_line(said, naming=str(tmp_path / "file" / "data"))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("ENTREPOT_ACCOUNT_ID", "twelve digits"),
        ("ENTREPOT_REGION", "no region"),
        ("ENTREPOT_WORKERS", "none"),
        ("ENTREPOT_SECRET_ACCESS_KEY", "short"),
    ],
)
def test_bad_setting_is_refused_by_name(setting: str, value: str, tmp_path: Path) -> None:
    """A setting that makes no sense is named in one line."""
    said = refusal_of("--listen", f"127.0.0.1:{free_port()}", "--data", str(tmp_path / "data"), **{setting: value})

    assert_one_clear_line(said.lower(), naming=setting.removeprefix("ENTREPOT_").lower())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("master.key", b""),
        ("master.key", b"x" * 31),
        ("blobs", b""),
        ("metadata.db", b"no"),
    ],
)
def test_a_damaged_data_folder_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    """A registry whose keys or database cannot be read does not start with others."""
    (tmp_path / name).write_bytes(content)

    said = refusal_of("--listen", f"127.0.0.1:{free_port()}", "--data", str(tmp_path))

    assert_one_clear_line(said, naming="entrepot: ")
    assert (tmp_path / name).read_bytes() == content


def test_a_background_worker_that_is_killed_is_followed_by_another() -> None:
    """Deleted images would never be drained, and nobody would notice."""
    with running() as server:
        main = server.processes()[0]

        def background() -> list[int]:
            return [pid for pid in server.processes() if pid != main and processes.parent(pid) != main]

        eventually(lambda: len(background()) == 1, within=10)
        killed = background()
        processes.kill(killed[0])

        eventually(lambda: len(background()) == 1 and background() != killed, within=10)
        assert "background worker" in server.log()


def test_data_is_for_its_owner_alone(server: Server) -> None:
    """No other user gets into the data folder, where keys and images are."""
    assert server.data.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) == 0


def test_unwanted_options_are_explained(tmp_path: Path) -> None:
    """An unknown option is refused, and named."""
    said = refusal_of("--listen", f"127.0.0.1:{free_port()}", "--data", str(tmp_path / "data"), "--no-such-option")

    assert "--no-such-option" in said
