"""`entrepot audit` beside a registry that serves, as a process that may be killed."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.live.conftest import new_repository
from tests.live.images import digest_of, image
from tests.live.server import Server, running

ENTREPOT = str(Path(sys.executable).with_name("entrepot"))
FAULTS = 3
#: A storage key that nobody has.
NOBODYS = "0123456789abcdef0123456789abcdef"
LAYERS = [f"layer {number} ".encode() * 1000 for number in range(8)]


@pytest.fixture
def server() -> Iterator[Server]:
    """A registry of this test's own, for it is damaged."""
    with running() as server:
        yield server


def audit(server: Server, *options: str) -> tuple[int, Any]:
    """A whole audit: its exit code, and what it says."""
    command = [ENTREPOT, "audit", "run", "--data", str(server.data), "--output", "json", *options]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    return ended.returncode, json.loads(ended.stdout)


def test_an_audit_finds_repairs_and_heals_while_the_registry_serves(server: Server) -> None:
    """Bytes that are nobody's go; a damaged layer is dropped, and the next push brings it."""
    with new_repository(server) as repository:
        content = image(*LAYERS)
        repository.push("v1", content)
        clean, report = audit(server)
        blobs = server.data / "blobs"
        (stray := blobs / NOBODYS[:2] / NOBODYS).parent.mkdir(exist_ok=True)
        stray.write_bytes(b"whose?")
        damaged = next(path for path in blobs.rglob("*") if path.is_file() and path.read_bytes() == LAYERS[0])
        damaged.chmod(0o600)
        damaged.write_bytes(b"x" * len(LAYERS[0]))

        found, before = audit(server)
        repaired, after = audit(server, "--repair", "--drop-damaged")
        is_there = repository.has_blob(digest_of(LAYERS[0]))
        repository.push("v2", content)
        healed, last = audit(server)

        assert (clean, report["findings"]) == (0, {})
        assert (found, before["faults"]) == (FAULTS, 2)
        assert (repaired, set(after["findings"])) == (0, {"bytes-unowned", "blob-damaged"})
        assert not is_there
        assert not stray.exists()
        assert (healed, last["findings"]) == (0, {})
        assert repository.blob(digest_of(LAYERS[0])).content == LAYERS[0]


@pytest.mark.timeout(120)
def test_an_audit_goes_on_after_kill_9(server: Server) -> None:
    """Half a minute later, and with what it had not read yet."""
    with new_repository(server) as repository:
        repository.push("v1", image(*LAYERS))
        slow = [ENTREPOT, "audit", "run", "--data", str(server.data), "--rows-per-second", "1"]
        with subprocess.Popen(slow, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            process.stderr.readline()  # a stage is over
            process.kill()

        begun = time.monotonic()
        code, report = audit(server)

        assert code == 0
        assert time.monotonic() - begun > 20
        assert report["stages"]["bytes"]["seen"] == len(LAYERS) + 1
