"""Commands that use a data folder, and those that move its database away or restore another, as processes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.live import processes
from tests.live.conftest import new_repository
from tests.live.images import image
from tests.live.server import refusal_of, serving
from tests.live.test_postgresql import entrepot, refusal
from tests.live.waiting import eventually
from tests.postgresql import EMPTY
from tests.postgresql import Server as PostgreSQL

COMMAND = str(Path(sys.executable).with_name("entrepot"))
USERS = {
    "audit": [COMMAND, "audit", "run", "--repair", "--rows-per-second", "1"],
    "worker": [COMMAND, "worker"],
    "collector": [sys.executable, "-m", "tests.live.short_lived", "collect"],
}
MIB = 1024 * 1024


@pytest.fixture
def target(postgresql: PostgreSQL) -> str:
    """The URL of a database that rows are moved into."""
    return postgresql.create_database(template=EMPTY)


def uses(pid: int, data: Path) -> bool:
    """Whether a process has the database of the folder open."""
    try:
        return any(each.resolve() == data / "metadata.db" for each in Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("user", USERS)
def test_a_database_in_use_is_not_moved_away(user: str, target: str) -> None:
    """Its user would go by old rows and remove what is pushed on the new ones; once it is killed nobody waits."""
    with serving() as server, new_repository(server) as repository:
        repository.push("v1", image(b"a layer"))
        server.stop()
        move = ("migrate", "--from", "sqlite", "--to", "postgresql", "--data", str(server.data))
        with subprocess.Popen([*USERS[user], "--data", server.data], stderr=subprocess.DEVNULL) as process:
            try:
                eventually(lambda: uses(process.pid, server.data.resolve()), within=20)
                while_used = refusal(*move, ENTREPOT_DATABASE=target)
            finally:
                processes.kill(process.pid)

        assert "in use by another entrepot command" in while_used
        assert (moved := entrepot(*move, ENTREPOT_DATABASE=target)).returncode == 0, moved.stderr
        for command in ("worker", "gc run", "audit run", "audit status", "deleted"):
            assert "moved to PostgreSQL" in refusal(*command.split(), "--data", str(server.data))
        assert [path.name for path in server.data.glob("metadata.db*")] == ["metadata.db.moved"]
        (server.data / "metadata.db").touch()
        assert "remove metadata.db.moved" in refusal_of("--listen", server.host, "--data", str(server.data))


def test_nothing_is_audited_in_the_middle_of_a_restore(target: str, tmp_path: Path) -> None:
    """Neither from the folder, nor with the database alone; and the restore comes to its end."""
    backup, data, elsewhere = tmp_path / "backup", tmp_path / "data", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with serving() as server, new_repository(server) as repository:
        repository.push("v1", image(*(os.urandom(8 * MIB) for _ in range(8))))
        assert entrepot("backup", "create", str(backup), "--data", str(server.data)).returncode == 0
    restore = ("restore", str(backup), "--data", str(data))

    with subprocess.Popen([COMMAND, *restore], env={**os.environ, "ENTREPOT_DATABASE": target}) as process:
        eventually(lambda: any((data / "blobs").glob("??/*")), within=60)
        process.send_signal(signal.SIGSTOP)
        while_stopped = refusal("audit", "run", "--repair", "--data", str(data), ENTREPOT_DATABASE=target)
        alone = refusal("audit", "run", "--repair", "--data", str(elsewhere), ENTREPOT_DATABASE=target)
        processes.kill(process.pid)
    killed = refusal("audit", "run", "--repair", "--data", str(data), ENTREPOT_DATABASE=target)
    restored = entrepot(*restore, ENTREPOT_DATABASE=target)
    audited = entrepot("audit", "run", "--output", "json", "--data", str(data), ENTREPOT_DATABASE=target)

    assert "is being moved or restored" in while_stopped
    assert "being restored into it" in alone
    assert "half restored" in killed
    assert restored.returncode == 0, restored.stderr
    assert json.loads(audited.stdout)["faults"] == 0
