"""A power cut at every moment of a registry's life: what was acknowledged is there, and nothing half-done is.

The system calls of a real registry that pushes, deletes and collects are recorded and replayed on a disk that forgets
what was not flushed. Whatever such a disk would leave has to be a database that opens, with every image that was
acknowledged and none that was deleted, and no row whose bytes are missing or cut.
"""

import asyncio
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError
from tests.api.collection_invariants import check_invariants_of, check_nothing_is_left_in
from tests.crash.power_cut import ForgetfulDisk
from tests.crash.recorded_registry import MARK, MONTHS, REPOSITORY, images
from tests.crash.system_calls import Call, parse, record
from tests.live.clients import PROJECT
from tests.live.images import Image, digest_of

from entrepot.core.clock import DAY, system_clock
from entrepot.core.digest import Digest
from entrepot.core.errors import EntrepotError
from entrepot.core.partitions import RegistryId
from entrepot.features.images import store
from entrepot.features.images.image import ImageId
from entrepot.features.layers import store as layers
from entrepot.features.repositories import store as repositories
from entrepot.metadata import tables
from entrepot.metadata.schema import migrate
from entrepot.metadata.sqlite import SQLiteMetadata
from entrepot.operations.collection import Collected
from entrepot.operations.sweeps import collecting_sweeps, sweep_once
from entrepot.server.settings import Settings
from entrepot.server.wiring import blob_folder, database_path, opened_for_sweeping

REGISTRY = RegistryId("000000000000", "us-east-1")
#: Of so many moments one is tried with some of what was not flushed, and of these, one is collected to the end.
SOME, COLLECTED = 5, 10
NEVER = sys.maxsize

pytestmark = pytest.mark.timeout(300)


@dataclass
class Told:
    """What the registry has promised by now, by tag; what is changing may be there or not."""

    there: set[str] = field(default_factory=set[str])
    gone: set[str] = field(default_factory=set[str])

    @property
    def begun(self) -> bool:
        """Whether anything was promised."""
        return bool(self.there or self.gone)

    def hear(self, line: str) -> None:
        """One promise more, or one that is over."""
        word, tag = line.split()
        self.there.discard(tag)
        self.gone.discard(tag)
        match word:
            case "pushed":
                self.there.add(tag)
            case "deleted":
                self.gone.add(tag)
            case _:
                assert word == "changing"


@dataclass
class Recording:
    """The calls of a life, and the images that were in it."""

    root: Path
    calls: list[Call]
    images: dict[str, Image]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """One life, recorded once."""
    folder = tmp_path_factory.mktemp("crash")
    root = folder / "root"
    root.mkdir()
    record([sys.executable, "-m", "tests.crash.recorded_registry", root], folder / "strace", PROJECT)
    return Recording(root, list(parse((folder / "strace").read_text(), root, MARK)), images())


def lines_of(call: Call) -> list[str]:
    """What a call told."""
    return re.findall(rf"{MARK}(.*)\n", call.data().decode()) if call.name == "write" else []


def power_cuts(
    recording: Recording, calls: list[Call], some: int
) -> Iterator[tuple[int, Mapping[Path, bytes], Told]]:
    """What is left, and what was promised, at every moment at which either changes; and once in ``some``, more of it.

    The number is that of the call after which the power goes.
    """
    disk, told, chance = ForgetfulDisk(recording.root), Told(), Random(0)
    heard = False
    for number, call in enumerate(calls):
        if not call.path.is_relative_to(recording.root):
            for line in lines_of(call):
                told.hear(line)
            heard = True
            continue
        if disk.apply(call) or heard:
            yield number, disk.after_power_cut(), told
        elif number % some == 0:
            yield number, disk.after_power_cut(chance), told
        heard = False
    yield len(calls), disk.after_power_cut(), told


def lay_out(left: Mapping[Path, bytes], root: Path, there: Path) -> Path:
    """The files as the registry finds them when it is started again; its data folder."""
    for path, content in left.items():
        if not path.name.endswith("-shm"):  # made anew by whoever opens the database first
            place = there / path.relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    data = there / "data"
    data.mkdir(exist_ok=True)
    return data


def stored_in(data: Path) -> dict[str, Path]:
    """The files of layers, by storage key."""
    return {path.name: path for path in blob_folder(data).glob("??/*") if path.suffix != ".fence"}


async def check_everything(data: Path, told: Told, recorded: Mapping[str, Image], buried: set[str]) -> None:
    """The database opens and keeps every invariant; promises are kept."""
    metadata = SQLiteMetadata(database_path(data), sync=False)
    try:
        if not told.begun:
            await metadata.write(migrate)  # as a start does, which may have been cut off in the middle
        stored = stored_in(data)
        await check_invariants_of(metadata, set(stored), buried)
        await metadata.read(lambda connection: check_bytes(connection, stored))
        await metadata.read(lambda connection: check_promises(connection, stored, told, recorded))
    finally:
        await metadata.close()


def check_bytes(connection: Connection, stored: Mapping[str, Path]) -> None:
    """Every layer has the digest that its row says, and no upload has fewer bytes than were acknowledged."""
    blobs = tables.blobs.c
    for digest, key in connection.execute(select(blobs.digest, blobs.storage_key)):
        assert digest_of(stored[key].read_bytes()) == digest
    uploads = tables.uploads.c
    is_open = uploads.completed_digest.is_(None), uploads.size > 0
    for key, size in connection.execute(select(uploads.storage_key, uploads.size).where(*is_open)):
        assert key in stored, "an upload has lost what was acknowledged"
        assert stored[key].stat().st_size >= size


def check_promises(
    connection: Connection, stored: Mapping[str, Path], told: Told, recorded: Mapping[str, Image]
) -> None:
    """What was pushed is there byte for byte, and what was deleted is not."""
    for tag in told.there:
        found = store.read_named(connection, REGISTRY, REPOSITORY, ImageId(tag=tag))
        assert found, f"{tag} is lost"
        assert found[1].content == recorded[tag].manifest
        repository = repositories.find(connection, REGISTRY, REPOSITORY)
        for data in recorded[tag].blobs:
            layer = layers.find_layer(connection, repository.id, Digest.of(data))
            assert layer, f"a layer of {tag} is lost"
            assert stored[layer.storage_key].read_bytes() == data
    for tag in told.gone:
        for image_id in (ImageId(tag=tag), ImageId(digest=recorded[tag].digest)):
            assert store.read_named(connection, REGISTRY, REPOSITORY, image_id) is None, f"{tag} is there again"


async def delete_and_collect_everything(data: Path) -> None:
    """Started again, it can be emptied: no row and no bytes are left."""
    async with opened_for_sweeping(Settings(data=data), Collected()) as services:
        ids = await services.metadata.read(lambda c: c.scalars(select(tables.repositories.c.id)).all())
        for repository_id in ids:
            await services.metadata.write(lambda c, it=repository_id: repositories.detach(c, it, system_clock()))
        for months in range(20, 24):
            ahead = replace(services, clock=lambda months=months: system_clock() + months * MONTHS * DAY)
            await sweep_once(ahead, collecting_sweeps())
        await check_nothing_is_left_in(services.metadata, set(stored_in(data)))


def first_broken(
    recording: Recording, calls: list[Call], folder: Path, *, some: int = SOME, collected: int = COLLECTED
) -> str | None:
    """What a power cut breaks at the first moment at which it breaks something."""
    buried = set[str]()
    for cut, (number, left, told) in enumerate(power_cuts(recording, calls, some)):
        if not (told.begun or cut % collected == 0):
            continue
        there = folder / str(cut)
        there.mkdir()
        data = lay_out(left, recording.root, there)
        try:
            asyncio.run(check_everything(data, told, recording.images, buried))
            if told.begun and cut % collected == 0:
                asyncio.run(delete_and_collect_everything(data))
        except (AssertionError, EntrepotError, DBAPIError) as error:
            return f"after call {number}, {calls[min(number, len(calls) - 1)].name}: {error}"
        shutil.rmtree(there)
    return None


def test_no_power_cut_loses_what_was_acknowledged(recording: Recording, tmp_path: Path) -> None:
    """Images, deletions and collections: at every moment, whether all of what was not flushed is lost or some."""
    assert first_broken(recording, recording.calls, tmp_path) is None


@pytest.mark.parametrize(
    "where",
    [r"metadata\.db-wal", r"data", r"root", r"[0-9a-f]{32}", r"[0-9a-f]{2}", r"blobs"],
    ids=["log", "folder of the database", "data folder", "layers", "folders of layers", "folder of these"],
)
def test_each_flush_is_needed(recording: Recording, tmp_path: Path, where: str) -> None:
    """Without any one kind of flush something breaks: the model above can tell."""
    flushes = {"fsync", "fdatasync"}
    remaining = [c for c in recording.calls if not (c.name in flushes and re.fullmatch(where, c.path.name))]

    assert len(remaining) < len(recording.calls)
    assert first_broken(recording, remaining, tmp_path, some=NEVER, collected=NEVER) is not None
