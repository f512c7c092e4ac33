"""Two workers, one data folder: uploads that change workers, stall, break off, repeat, or outlive a SIGTERM."""

import base64
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from tests.live.conftest import new_repository
from tests.live.images import digest_of
from tests.live.oci import Repository, authorization_of
from tests.live.server import Server, serving
from tests.live.waiting import eventually
from tests.live.wire import Connection, api_request, call, connected, request_head

KIB = 1024
MIB = 1024 * KIB
PART = 5 * MIB
SETTLE_SECONDS = 10


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server for one test alone, which may end it."""
    with serving("--workers", "2") as server:
        yield server


def patch_head(server: Server, location: str, authorization: str, length: int, **headers: str) -> bytes:
    """The head of a PATCH of `length` bytes to an upload."""
    parts = urlsplit(location)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return request_head(
        "PATCH",
        path,
        {
            "Host": server.host,
            "Authorization": f"Basic {authorization}",
            "Content-Type": "application/octet-stream",
            "Content-Length": str(length),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )


def part_body(repository: Repository, upload: str, first: int, data: bytes) -> dict[str, object]:
    """The parameters of UploadLayerPart."""
    return {
        "repositoryName": repository.name,
        "uploadId": upload,
        "partFirstByte": first,
        "partLastByte": first + len(data) - 1,
        "layerPartBlob": base64.b64encode(data).decode(),
    }


def send_part(server: Server, repository: Repository, upload: str, first: int, data: bytes) -> int:
    """One part by boto3; the last byte that the server has."""
    answer = server.ecr().upload_layer_part(
        repositoryName=repository.name,
        uploadId=upload,
        partFirstByte=first,
        partLastByte=first + len(data) - 1,
        layerPartBlob=data,
    )
    return answer["lastByteReceived"]


def complete(server: Server, repository: Repository, upload: str, data: bytes) -> str:
    """CompleteLayerUpload by boto3; the digest that it answers."""
    answer = server.ecr().complete_layer_upload(
        repositoryName=repository.name, uploadId=upload, layerDigests=[digest_of(data)]
    )
    return answer["layerDigest"]


def test_signed_call_is_answered_on_a_raw_socket(server: Server, repository: Repository) -> None:
    """The hand-made requests of this file are valid: sent whole, one is answered 200."""
    head, body = api_request(server, "DescribeRepositories", {"repositoryNames": [repository.name]})

    answer = call(server, head, body)

    assert answer.status == 200
    assert repository.name.encode() in answer.body


def test_parts_of_one_layer_may_go_to_any_worker(server: Server, repository: Repository) -> None:
    """Each part on a connection of its own, and so on any worker: the layer is whole, byte for byte."""
    data = random.randbytes(5 * PART + 1)
    upload = server.ecr().initiate_layer_upload(repositoryName=repository.name)["uploadId"]

    for first in range(0, len(data), PART):
        send_part(server, repository, upload, first, data[first : first + PART])

    assert complete(server, repository, upload, data) == digest_of(data)
    assert repository.blob(digest_of(data)).content == data


def test_chunks_of_one_blob_may_go_to_any_worker(
    server: Server, authorization: str, repository: Repository
) -> None:
    """Forty small PATCHes, each on a new connection, and a PUT make one blob."""
    data = random.randbytes(40 * 10_007)
    location = repository.open_upload()

    for first in range(0, len(data), 10_007):
        with Repository(server, repository.name, authorization) as fresh:
            answer = fresh.patch(location, data[first : first + 10_007], first)
        assert answer.status_code == 202, answer.text
        assert answer.headers["Range"] == f"0-{first + 10_006}"
        location = answer.headers["Location"]

    assert repository.put_upload(location, digest_of(data)).status_code == 201
    assert repository.blob(digest_of(data)).content == data


def test_many_blobs_at_once_are_all_whole(server: Server, authorization: str, repository: Repository) -> None:
    """Eight writers on two workers push different blobs, and one blob all of them: each is there, whole."""
    shared = random.randbytes(2 * MIB)
    blobs = [random.randbytes(random.randrange(1, MIB)) for _ in range(24)]

    def push(data: bytes) -> None:
        with Repository(server, repository.name, authorization) as own:
            own.push_blob(data)
            own.push_blob(shared)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(push, blobs))

    for data in (shared, *blobs):
        assert repository.blob(digest_of(data)).content == data


def test_stalled_writer_is_fenced_by_a_newer_one(
    server: Server, authorization: str, repository: Repository
) -> None:
    """While a PATCH stalls, another goes on from what the server has; what the first sends then is refused."""
    data = random.randbytes(MIB)
    location = repository.open_upload()
    with connected(server) as stalled:
        stalled.send(patch_head(server, location, authorization, MIB) + data[: 256 * KIB])
        received = repository.received(location) or 0

        newer = repository.patch(location, data[received:], received)

        assert newer.status_code == 202, newer.text
        stalled.send(b"\0" * (MIB - 256 * KIB))
        assert was_refused(stalled)
    assert repository.received(location) == MIB
    assert repository.put_upload(newer.headers["Location"], digest_of(data)).status_code == 201
    assert repository.blob(digest_of(data)).content == data


def test_stalled_part_can_be_sent_again_at_once(server: Server, repository: Repository) -> None:
    """A part whose connection hangs in the middle is accepted on another; the hanging one is refused."""
    data = random.randbytes(PART + 1000)
    upload = server.ecr().initiate_layer_upload(repositoryName=repository.name)["uploadId"]
    head, body = api_request(server, "UploadLayerPart", part_body(repository, upload, 0, data[:PART]))
    with connected(server) as stalled:
        stalled.send(head + body[: len(body) // 2])

        assert send_part(server, repository, upload, 0, data[:PART]) == PART - 1

        assert send_part(server, repository, upload, PART, data[PART:]) == len(data) - 1
        stalled.send(body[len(body) // 2 :])
        assert was_refused(stalled)
    assert complete(server, repository, upload, data) == digest_of(data)
    assert repository.blob(digest_of(data)).content == data


def test_part_sent_twice_is_an_invalid_layer_part(server: Server, repository: Repository) -> None:
    """A part that is there already is refused, with the four fields that tell where the upload goes on."""
    data = random.randbytes(2 * PART)
    upload = server.ecr().initiate_layer_upload(repositoryName=repository.name)["uploadId"]
    send_part(server, repository, upload, 0, data[:PART])

    with pytest.raises(ClientError) as refused:
        send_part(server, repository, upload, 0, data[:PART])

    answer = refused.value.response
    assert answer.get("Error", {}).get("Code") == "InvalidLayerPartException"
    fields = {
        name: answer.get(name) for name in ("registryId", "repositoryName", "uploadId", "lastValidByteReceived")
    }
    assert fields == {
        "registryId": "000000000000",
        "repositoryName": repository.name,
        "uploadId": upload,
        "lastValidByteReceived": PART - 1,
    }
    send_part(server, repository, upload, PART, data[PART:])
    assert complete(server, repository, upload, data) == digest_of(data)


@pytest.mark.parametrize("end", [Connection.close, Connection.reset])
def test_broken_patch_keeps_what_arrived(
    server: Server, authorization: str, repository: Repository, end: Callable[[Connection], None]
) -> None:
    """After a PATCH breaks off, by FIN or RST, status tells what arrived, and the upload goes on from there."""
    data = random.randbytes(MIB)
    location = repository.open_upload()
    connection = Connection(server)
    connection.send(patch_head(server, location, authorization, MIB, Expect="100-continue"))
    connection.wait_for_continue()
    connection.send(data[: 300 * KIB])

    end(connection)

    if end is Connection.close:  # RST may throw away what the server has not read yet
        eventually(lambda: repository.received(location) == 300 * KIB, within=SETTLE_SECONDS)
    else:
        eventually(lambda: (repository.received(location) or 0) > 0, within=SETTLE_SECONDS)
    received = repository.received(location)
    assert received is not None
    assert repository.patch(location, data[received:], received).status_code == 202
    assert repository.put_upload(location, digest_of(data)).status_code == 201
    assert repository.blob(digest_of(data)).content == data


def test_chunk_at_a_wrong_offset_is_416_and_changes_nothing(repository: Repository) -> None:
    """A gap and an overlap are refused with the Range that the server has."""
    location = repository.open_upload()
    repository.patch(location, b"0123456789", 0)

    for first in (5, 11):
        answer = repository.patch(location, b"x", first)
        assert answer.status_code == 416
        assert repository.received(location) == 10


@pytest.mark.parametrize("end", [Connection.close, Connection.reset])
def test_broken_part_leaves_the_upload_as_it_was(
    server: Server, repository: Repository, end: Callable[[Connection], None]
) -> None:
    """UploadLayerPart is atomic: half a part counts for nothing, and the whole part is accepted at once."""
    data = random.randbytes(2 * PART)
    upload = server.ecr().initiate_layer_upload(repositoryName=repository.name)["uploadId"]
    send_part(server, repository, upload, 0, data[:PART])
    head, body = api_request(server, "UploadLayerPart", part_body(repository, upload, PART, data[PART:]))
    connection = Connection(server)
    connection.send(head + body[: len(body) // 2])

    end(connection)

    assert send_part(server, repository, upload, PART, data[PART:]) == len(data) - 1
    assert complete(server, repository, upload, data) == digest_of(data)


def test_completion_whose_answer_was_lost_can_be_repeated(
    server: Server, authorization: str, repository: Repository
) -> None:
    """A PUT whose client is gone before the answer is repeated, twice, and is 201 each time."""
    data = random.randbytes(3 * MIB)
    location = repository.open_upload()
    repository.patch(location, data, 0)
    parts = urlsplit(location)
    query = "&".join(filter(None, (parts.query, f"digest={digest_of(data)}")))
    headers = {"Host": server.host, "Authorization": f"Basic {authorization}", "Content-Length": "0"}
    lost = Connection(server)
    lost.send(request_head("PUT", f"{parts.path}?{query}", headers))
    lost.reset()

    assert repository.put_upload(location, digest_of(data)).status_code == 201
    assert repository.put_upload(location, digest_of(data)).status_code == 201
    assert repository.blob(digest_of(data)).content == data


def test_api_completion_whose_answer_was_lost_can_be_repeated(server: Server, repository: Repository) -> None:
    """CompleteLayerUpload again is LayerAlreadyExists, by which SDK clients know success; never UploadNotFound."""
    data = random.randbytes(1000)
    upload = server.ecr().initiate_layer_upload(repositoryName=repository.name)["uploadId"]
    send_part(server, repository, upload, 0, data)
    assert complete(server, repository, upload, data) == digest_of(data)

    with pytest.raises(ClientError) as refused:
        complete(server, repository, upload, data)

    assert refused.value.response.get("Error", {}).get("Code") == "LayerAlreadyExistsException"


def test_sigterm_finishes_an_upload_in_flight(own_server: Server) -> None:
    """A PATCH that runs when SIGTERM comes is answered; the server ends with status 0, and keeps the bytes."""
    data = random.randbytes(4 * MIB)
    authorization = authorization_of(own_server)
    with new_repository(own_server) as repository, connected(own_server) as upload:
        location = repository.open_upload()
        upload.send(patch_head(own_server, location, authorization, len(data), Expect="100-continue"))
        upload.wait_for_continue()
        upload.send(data[:MIB])

        own_server.terminate()
        upload.send(data[MIB:])

        assert upload.answer("PATCH").status == 202
        assert own_server.wait() == 0
        own_server.start()
        assert repository.received(location) == len(data)
        assert repository.put_upload(location, digest_of(data)).status_code == 201


def was_refused(connection: Connection) -> bool:
    """Whether the answer to a fenced request is an error, or the end of its connection."""
    try:
        return connection.answer().status >= 400
    except ConnectionError:
        return True
