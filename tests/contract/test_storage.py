"""The blob storages, each against the whole contract."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.s3 import S3Server, refuse_bodies

from entrepot.storage.cached import CachedStorage
from entrepot.storage.filesystem import FilesystemStorage
from entrepot.storage.memory import MemoryStorage
from entrepot.storage.pieces import PIECE, PieceFolder
from entrepot.storage.s3 import S3Storage
from entrepot.storage.s3_bucket import Bucket, Location
from entrepot.testing.blob_contract import BlobContract
from entrepot.testing.part_ledger import MemoryPartLedger


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


class TestS3Storage(BlobContract):
    """Objects in a bucket."""

    @pytest.fixture
    def threads(self) -> Iterator[Executor]:
        """A few threads, so that calls meet."""
        with ThreadPoolExecutor(4) as threads:
            yield threads

    @pytest.fixture
    def ledger(self) -> MemoryPartLedger:
        """What both storages of a test remember."""
        return MemoryPartLedger()

    @pytest.fixture
    def location(self, s3: S3Server) -> Location:
        """A bucket of the test's own."""
        return Location(s3.create_bucket(), "blobs/")

    @pytest.fixture
    def storage(self, s3: S3Server, location: Location, ledger: MemoryPartLedger, threads: Executor) -> S3Storage:
        """A storage in the bucket."""
        return S3Storage(Bucket(s3.client(), location, threads), ledger, threads=threads)

    @pytest.fixture
    def fill(
        self, s3: S3Server, location: Location, ledger: MemoryPartLedger, threads: Executor
    ) -> Callable[[], S3Storage]:
        """The same bucket, whose quota is used up."""

        def fill() -> S3Storage:
            client = s3.client()
            refuse_bodies(client, code="QuotaExceeded", status=403)
            return S3Storage(Bucket(client, location, threads), ledger, threads=threads)

        return fill


class TestCachedS3Storage(TestS3Storage):
    """Objects in a bucket, read through a folder that has room for two pieces."""

    @pytest.fixture
    def cached(self, tmp_path: Path, threads: Executor) -> Callable[[S3Storage], CachedStorage]:
        """Read a storage through the folder of the test."""
        folder = PieceFolder(tmp_path / "cache", capacity=3 * PIECE - 1)
        return lambda inner: CachedStorage(inner, folder, threads=threads)

    @pytest.fixture
    def storage(
        self,
        s3: S3Server,
        location: Location,
        ledger: MemoryPartLedger,
        threads: Executor,
        cached: Callable[[S3Storage], CachedStorage],
    ) -> CachedStorage:
        """A storage in the bucket, through the folder."""
        return cached(S3Storage(Bucket(s3.client(), location, threads), ledger, threads=threads))

    @pytest.fixture
    def fill(
        self,
        s3: S3Server,
        location: Location,
        ledger: MemoryPartLedger,
        threads: Executor,
        cached: Callable[[S3Storage], CachedStorage],
    ) -> Callable[[], CachedStorage]:
        """The same bucket, whose quota is used up, through the same folder."""

        def fill() -> CachedStorage:
            client = s3.client()
            refuse_bodies(client, code="QuotaExceeded", status=403)
            return cached(S3Storage(Bucket(client, location, threads), ledger, threads=threads))

        return fill
