"""The calls of S3 that the driver makes, in threads, with their errors translated.

boto3 repeats a call that failed for S3's reasons twice, with growing pauses (botocore's standard mode). What fails
after that is StorageUnavailable, with a reason that names no key, or StorageFull. An S3 that hangs holds some of
the threads and never all; who finds none of those free waits for a minute, so every call comes to an end.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError
from botocore.response import StreamingBody
from urllib3.exceptions import HTTPError

from entrepot.storage.port import BlobDamaged, Fenced, StorageFull, StorageUnavailable
from entrepot.storage.s3_ledger import Part
from entrepot.storage.threads import in_thread

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

P = ParamSpec("P")
T = TypeVar("T")

#: Keys that one DeleteObjects takes.
MOST_KEYS = 1000
#: Seconds until a call is given up, to connect and between two pieces of an answer: some servers copy a large
#: layer before they answer that it is complete.
_CONNECT_TIMEOUT, _READ_TIMEOUT = 3, 60
_ATTEMPTS = 3
#: Calls at once, of the storage's sixteen threads: the others hash and encrypt, and read what is cached. And how
#: many seconds a call waits until it may begin.
_AT_ONCE, _PATIENCE = 12, 60

_CONTENT_RANGE = re.compile(r"bytes \d+-\d+/(\d+)")
_ABSENT = {"NoSuchKey", "NoSuchUpload", "404"}
#: Of Ceph, of versitygw, and of MinIO for a disk and for a quota.
_FULL = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"}
_REASONS = {
    "NoSuchBucket": "the bucket does not exist",
    "AccessDenied": "access to the bucket is denied",
    "403": "access to the bucket is denied",
    "AllAccessDisabled": "access to the bucket is denied",
    "InvalidAccessKeyId": "the access key is not known there",
    "SignatureDoesNotMatch": "the secret access key is wrong",
    "ExpiredToken": "the credentials have expired",
    "InvalidToken": "the session token is not valid",
    "AuthorizationHeaderMalformed": "the bucket is in another region",
    "PermanentRedirect": "the bucket is in another region",
    "301": "the bucket is in another region",
    "RequestTimeTooSkewed": "this machine's clock is wrong, or the endpoint's",
    "SlowDown": "the endpoint asks for fewer requests",
    "503": "the endpoint asks for fewer requests",
}


@dataclass(frozen=True, slots=True)
class Location:
    """Where the blobs are. ``prefix`` is empty or ends in a slash; without ``endpoint`` it is AWS."""

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None


def connect(location: Location, *, connections: int) -> "S3Client":
    """A client of the bucket's endpoint; the credentials are found as boto3 finds them everywhere.

    Raises StorageUnavailable for an endpoint or a region that cannot be one.
    """
    try:
        return boto3.client(  # pyright: ignore[reportUnknownMemberType] (other services have no stubs here)
            "s3",
            endpoint_url=location.endpoint,
            region_name=location.region,
            config=Config(
                signature_version="s3v4",
                connect_timeout=_CONNECT_TIMEOUT,
                read_timeout=_READ_TIMEOUT,
                retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                max_pool_connections=connections,
                tcp_keepalive=True,
                # Only where S3 itself asks for them: not every server knows checksums in trailers.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path" if location.endpoint else "auto"},
            ),
        )
    except (BotoCoreError, ValueError) as error:
        raise StorageUnavailable(f"its endpoint or region cannot be used ({error})") from error


class Bucket:
    """The objects below the prefix of one bucket. Names are relative to the prefix."""

    def __init__(self, client: "S3Client", location: Location, threads: Executor) -> None:
        self._client = client
        self._bucket = location.bucket
        self._prefix = location.prefix
        self._threads = threads
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def put(self, name: str, content: bytes) -> None:
        """Store an object."""
        await self._run(self._client.put_object, Bucket=self._bucket, Key=self._prefix + name, Body=content)

    async def get(self, name: str, size: int) -> bytes:
        """The first ``size`` bytes, at least one, of a small object; raises BlobDamaged unless they are there."""

        def get() -> bytes:
            with ExitStack() as held:
                return self._open(name, 0, size, held).read()

        content = await self._run(get)
        if len(content) != size:
            raise BlobDamaged("they end early")
        return content

    async def open(self, name: str, start: int, length: int, held: ExitStack) -> StreamingBody:
        """A stream of exactly these bytes, at least one, to be read in threads; ``held`` closes its connection.

        Raises BlobDamaged unless they are there.
        """
        return await self._run(self._open, name, start, length, held)

    async def read(self, body: StreamingBody, size: int) -> bytes:
        """At least one byte and at most ``size`` of an open stream."""
        chunk = await self._run(body.read, size)
        if not chunk:
            raise BlobDamaged("they end early")
        return chunk

    def _open(self, name: str, start: int, length: int, held: ExitStack) -> StreamingBody:
        try:
            answer = self._client.get_object(
                Bucket=self._bucket, Key=self._prefix + name, Range=f"bytes={start}-{start + length - 1}"
            )
        except ClientError as error:
            if _status(error) == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise BlobDamaged(f"fewer than {start + length} are there") from error
            if _code(error) in _ABSENT:
                raise BlobDamaged("they are missing") from error
            raise
        held.callback(answer["Body"].close)
        if answer["ContentLength"] != length or _CONTENT_RANGE.fullmatch(answer.get("ContentRange", "")) is None:
            raise BlobDamaged(f"fewer than {start + length} are there")
        return answer["Body"]

    async def size(self, name: str) -> int | None:
        """The size of an object, None for one that is not there."""
        try:
            answer = await self._run(self._client.head_object, Bucket=self._bucket, Key=self._prefix + name)
        except _Absent:
            return None
        return answer["ContentLength"]

    async def delete(self, names: Sequence[str]) -> None:
        """Delete objects; absent ones are fine."""
        if len(names) == 1:
            await self._run(self._client.delete_object, Bucket=self._bucket, Key=self._prefix + names[0])
            return
        for begin in range(0, len(names), MOST_KEYS):
            some = names[begin : begin + MOST_KEYS]
            answer = await self._run(
                self._client.delete_objects,
                Bucket=self._bucket,
                Delete={"Objects": [{"Key": self._prefix + name} for name in some], "Quiet": True},
            )
            if failed := answer.get("Errors"):
                code = failed[0].get("Code", "")
                raise StorageUnavailable(f"{len(failed)} keys are not deleted: {_REASONS.get(code, code)}")

    async def begin(self, name: str) -> str:
        """Begin a multipart upload; gives its id."""
        answer = await self._run(
            self._client.create_multipart_upload, Bucket=self._bucket, Key=self._prefix + name
        )
        return answer["UploadId"]

    async def put_part(self, name: str, upload_id: str, number: int, content: bytes | bytearray) -> str:
        """Store a part; gives its ETag. Raises Fenced once the upload has been aborted or completed."""
        try:
            answer = await self._run(
                self._client.upload_part,
                Bucket=self._bucket,
                Key=self._prefix + name,
                UploadId=upload_id,
                PartNumber=number,
                Body=cast(bytes, content),  # its stubs know no bytearray
            )
        except _Absent:
            raise Fenced from None
        return answer["ETag"]

    async def complete(self, name: str, upload_id: str, parts: Sequence[Part]) -> None:
        """Make an object of the parts; an upload that is gone is completed, or being so.

        Raises BlobDamaged when S3 has other parts than these.
        """
        try:
            await self._run(
                self._client.complete_multipart_upload,
                Bucket=self._bucket,
                Key=self._prefix + name,
                UploadId=upload_id,
                MultipartUpload={"Parts": [{"PartNumber": part.number, "ETag": part.etag} for part in parts]},
            )
        except _Absent:
            return

    async def abort(self, name: str, upload_id: str) -> None:
        """Drop an upload and its parts; one that is gone is fine."""
        try:
            await self._run(
                self._client.abort_multipart_upload,
                Bucket=self._bucket,
                Key=self._prefix + name,
                UploadId=upload_id,
            )
        except _Absent:
            return

    async def list_objects(self, after: str) -> AsyncGenerator[list[tuple[str, int]]]:
        """Pages of the names behind ``after``, in their order, with their sizes (ListObjectsV2)."""
        more = True
        while more:
            answer = await self._run(
                self._client.list_objects_v2,
                Bucket=self._bucket,
                Prefix=self._prefix,
                StartAfter=self._prefix + after,
                MaxKeys=MOST_KEYS,
            )
            found = answer.get("Contents", [])
            page = [(self._relative(each.get("Key", "")), each.get("Size", 0)) for each in found]
            more = answer.get("IsTruncated", False) and bool(page)
            if page:
                after = page[-1][0]
                yield page

    async def list_uploads(self) -> AsyncGenerator[list[tuple[str, str]]]:
        """Pages of the multipart uploads that go on: names and ids (ListMultipartUploads)."""
        key, upload_id, more = "", "", True
        while more:
            answer = await self._run(
                self._client.list_multipart_uploads,
                Bucket=self._bucket,
                Prefix=self._prefix,
                KeyMarker=key,
                UploadIdMarker=upload_id,
                MaxUploads=MOST_KEYS,
            )
            found = answer.get("Uploads", [])
            page = [(self._relative(each.get("Key", "")), each.get("UploadId", "")) for each in found]
            key, upload_id = answer.get("NextKeyMarker", ""), answer.get("NextUploadIdMarker", "")
            more = answer.get("IsTruncated", False) and bool(key)
            if page:
                yield page

    def _relative(self, name: str) -> str:
        return name.removeprefix(self._prefix)

    async def presign(self, client: "S3Client", name: str, seconds: int) -> str:
        """A URL with which anybody can GET the object, at the endpoint of ``client``."""
        return await self._run(
            client.generate_presigned_url,
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": self._prefix + name,
                "ResponseContentType": "application/octet-stream",
            },
            ExpiresIn=seconds,
        )

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._room.acquire()
        except TimeoutError:
            raise StorageUnavailable("its endpoint answers too slowly") from None
        try:
            return await in_thread(self._threads, call, *args, **kwargs)
        except ClientError as error:
            raise _translated(error) from error
        except (IncompleteReadError, ResponseStreamingError) as error:
            raise BlobDamaged("they end early") from error
        except (EndpointConnectionError, ConnectTimeoutError) as error:
            raise StorageUnavailable("its endpoint cannot be reached") from error
        except (ReadTimeoutError, ConnectionClosedError) as error:
            raise StorageUnavailable("its endpoint does not answer") from error
        except NoCredentialsError as error:
            raise StorageUnavailable("there are no credentials for it") from error
        except (BotoCoreError, ResponseParserError, HTTPError) as error:
            raise StorageUnavailable(type(error).__name__) from error
        finally:
            self._room.release()


class _Absent(Exception):
    """What was asked for is not there."""


def _translated(error: ClientError) -> Exception:
    code, status = _code(error), _status(error)
    if code in _FULL or status == HTTPStatus.INSUFFICIENT_STORAGE:
        return StorageFull()
    if code in _ABSENT:
        return _Absent()
    if code in {"InvalidPart", "InvalidPartOrder", "EntityTooSmall"}:
        return BlobDamaged(f"S3 has other parts than were stored ({code})")
    return StorageUnavailable(_REASONS.get(code, f"its endpoint says {code} ({status})"))


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _status(error: ClientError) -> int:
    details: Any = error.response.get("ResponseMetadata", {})
    return details.get("HTTPStatusCode", 0)
