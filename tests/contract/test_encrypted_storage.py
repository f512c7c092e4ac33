"""The encrypted storage, over files and over memory, against the whole contract."""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.s3 import S3Server, refuse_bodies
from types_boto3_s3.client import S3Client

from entrepot.storage.encrypted import EncryptedStorage
from entrepot.storage.filesystem import FilesystemStorage
from entrepot.storage.memory import MemoryStorage
from entrepot.storage.port import BlobStorage
from entrepot.storage.s3 import S3Storage
from entrepot.storage.s3_bucket import Bucket, Location
from entrepot.testing.blob_contract import BlobContract
from entrepot.testing.part_ledger import MemoryPartLedger
from entrepot.testing.segment_ledger import MemorySegmentLedger

ONE_LAYER, TWO_LAYERS = (b"k" * 32,), (b"k" * 32, b"l" * 32)


class EncryptedContract(BlobContract):
    """The contract through encryption. A subclass provides the fixtures ``inner`` and ``full``."""

    @pytest.fixture
    def threads(self) -> Iterator[Executor]:
        """A few threads, so that calls meet."""
        with ThreadPoolExecutor(4) as threads:
            yield threads

    @pytest.fixture(params=[ONE_LAYER, TWO_LAYERS], ids=["one layer", "two layers"])
    def encrypted(
        self, request: pytest.FixtureRequest, threads: Executor
    ) -> Callable[[BlobStorage], EncryptedStorage]:
        """Encrypt a storage; all of a test share their ledger."""
        ledger = MemorySegmentLedger()

        async def unwrap(_wrapped: bytes) -> tuple[bytes, ...]:
            return request.param

        return lambda inner: EncryptedStorage(
            inner, ledger, unwrap, threads=threads, random_bytes=secrets.token_bytes
        )

    @pytest.fixture
    def storage(
        self, encrypted: Callable[[BlobStorage], EncryptedStorage], inner: BlobStorage
    ) -> EncryptedStorage:
        """Encryption over the inner storage."""
        return encrypted(inner)

    @pytest.fixture
    def fill(
        self, encrypted: Callable[[BlobStorage], EncryptedStorage], full: Callable[[], BlobStorage]
    ) -> Callable[[], EncryptedStorage]:
        """The same, with an inner storage that has no room."""
        return lambda: encrypted(full())


class TestEncryptedFilesystemStorage(EncryptedContract):
    """Over plain files."""

    @pytest.fixture
    def inner(self, tmp_path: Path, threads: Executor) -> FilesystemStorage:
        """Files in a folder of the test's own."""
        return FilesystemStorage(tmp_path / "blobs", threads=threads)

    @pytest.fixture
    def full(self, tmp_path: Path, threads: Executor) -> Callable[[], FilesystemStorage]:
        """The same files, with a reserve that no disk has."""
        return lambda: FilesystemStorage(tmp_path / "blobs", threads=threads, reserve=2**62)


class TestEncryptedMemoryStorage(EncryptedContract):
    """Over memory."""

    @pytest.fixture
    def inner(self) -> MemoryStorage:
        """Memory of the test's own."""
        return MemoryStorage()

    @pytest.fixture
    def full(self, inner: MemoryStorage) -> Callable[[], MemoryStorage]:
        """The same memory, used up."""

        def fill() -> MemoryStorage:
            inner.capacity = 0
            return inner

        return fill


class TestEncryptedS3Storage(EncryptedContract):
    """Over objects in a bucket."""

    @pytest.fixture
    def of_client(self, s3: S3Server, threads: Executor) -> Callable[[S3Client], S3Storage]:
        """A storage in the bucket of the test, by a client; all of a test share their ledger."""
        location, ledger = Location(s3.create_bucket(), "blobs/"), MemoryPartLedger()
        return lambda client: S3Storage(Bucket(client, location, threads), ledger, threads=threads)

    @pytest.fixture
    def inner(self, s3: S3Server, of_client: Callable[[S3Client], S3Storage]) -> S3Storage:
        """Objects in the bucket."""
        return of_client(s3.client())

    @pytest.fixture
    def full(self, s3: S3Server, of_client: Callable[[S3Client], S3Storage]) -> Callable[[], S3Storage]:
        """The same bucket, whose quota is used up."""

        def full() -> S3Storage:
            client = s3.client()
            refuse_bodies(client, code="QuotaExceeded", status=403)
            return of_client(client)

        return full
