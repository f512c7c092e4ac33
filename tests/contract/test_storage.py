"""The blob storages, each against the whole contract."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

from entrepot.storage.filesystem import FilesystemStorage
from entrepot.storage.memory import MemoryStorage
from entrepot.testing.blob_contract import BlobContract


class TestFilesystemStorage(BlobContract):
    """Plain files."""

    @pytest.fixture
    def threads(self) -> Iterator[Executor]:
        """A few threads, so that calls meet."""
        with ThreadPoolExecutor(4) as threads:
            yield threads

    @pytest.fixture
    def storage(self, tmp_path: Path, threads: Executor) -> FilesystemStorage:
        """Files in a folder of the test's own."""
        return FilesystemStorage(tmp_path / "blobs", threads=threads)

    @pytest.fixture
    def fill(self, tmp_path: Path, threads: Executor) -> Callable[[], FilesystemStorage]:
        """The same files, with a reserve that no disk has."""
        return lambda: FilesystemStorage(tmp_path / "blobs", threads=threads, reserve=2**62)


class TestMemoryStorage(BlobContract):
    """The twin in memory."""

    @pytest.fixture
    def storage(self) -> MemoryStorage:
        """Memory of the test's own."""
        return MemoryStorage()

    @pytest.fixture
    def fill(self, storage: MemoryStorage) -> Callable[[], MemoryStorage]:
        """The same memory, used up."""

        def fill() -> MemoryStorage:
            storage.capacity = 0
            return storage

        return fill
