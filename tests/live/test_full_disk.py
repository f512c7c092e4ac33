"""A registry whose data folder is on a disk that is full: it refuses what is new, serves what is there, and recovers."""

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from botocore.exceptions import ClientError
from tests.live.clients import needs_root
from tests.live.conftest import new_repository
from tests.live.images import Image, digest_of, image
from tests.live.oci import Repository
from tests.live.server import Server, ShortLivedServer
from tests.live.waiting import eventually

from entrepot.storage.room import RESERVE

MIB = 1024 * 1024
#: A reserve, room for some layers, and what the file system itself takes.
DISK = RESERVE + 64 * MIB
LAYER = 6 * MIB
#: Seconds within which what was deleted has left the disk: leases last two, and a worker goes round every five.
COLLECTED = 60

DATABASE_FULL = "The registry's database cannot answer: its disk is full"
FULL = {"status": "full", "failures": ["The registry has no room for new layers and images"]}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ShortLivedServer]:
    """A registry whose data folder is a file system of its own."""
    needs_root("mounting a small file system")
    server = ShortLivedServer(tmp_path)
    server.data.mkdir()
    mount_small_disk(server.data, tmp_path / "disk")
    try:
        yield server.start()
    finally:
        server.close()
        subprocess.run(["umount", "--lazy", server.data], check=True)
        sys.stdout.write(server.log())


def mount_small_disk(folder: Path, image_file: Path) -> None:
    """An ext4 in a file, none of it kept for root; in memory where no file can be mounted."""
    with image_file.open("wb") as file:
        file.truncate(DISK)
    made = subprocess.run(["mkfs.ext4", "-q", "-m", "0", image_file], check=False)
    if made.returncode or subprocess.run(["mount", "-o", "loop", image_file, folder], check=False).returncode:
        options = f"size={DISK},mode=700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "entrepot-test", folder], check=True)


def readiness(server: Server) -> tuple[int, dict[str, object]]:
    """What `/-/ready` says."""
    answer = httpx.get(f"{server.url}/-/ready")
    return answer.status_code, answer.json()


def free(server: Server) -> int:
    """Bytes that are left on the disk."""
    return shutil.disk_usage(server.data).free


def fill_up(server: Server, leaving: int = 0) -> Path:
    """A file that takes all the room that is left, or all but so many bytes of it."""
    ballast = server.data / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while (room := free(server) - leaving) > 0:
                file.write(bytes(min(room, MIB)))
        except OSError:
            assert leaving == 0
    return ballast


def push_until_refused(repository: Repository) -> tuple[dict[str, Image], httpx.Response]:
    """Push image after image; those that were acknowledged, and the first answer that is a refusal."""
    pushed: dict[str, Image] = {}
    while True:
        content = image(random.randbytes(LAYER))
        for data in content.blobs:
            answer = repository.put_upload(repository.open_upload(), digest_of(data), data)
            if not answer.is_success:
                return pushed, answer
        answer = repository.put_manifest(f"v{len(pushed)}", content)
        if not answer.is_success:
            return pushed, answer
        pushed[f"v{len(pushed)}"] = content


def assert_all_is_there(repository: Repository, pushed: dict[str, Image]) -> None:
    """Every image is pulled whole."""
    for tag, content in pushed.items():
        assert repository.manifest(tag).content == content.manifest
        assert [repository.blob(digest_of(data)).content for data in content.blobs] == list(content.blobs)


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of an answer of `/v2/`."""
    (error,) = answer.json()["errors"]
    return answer.status_code, error["code"], error["message"]


def test_pushes_stop_before_the_disk_is_full_and_go_on_when_there_is_room(server: ShortLivedServer) -> None:
    """Refused with 403 and the reason, with the reserve left; pulls go on; deleting makes room, by itself."""
    with new_repository(server) as repository:
        pushed, refusal = push_until_refused(repository)

        assert error_of(refusal) == (403, "DENIED", FULL["failures"][0])
        assert free(server) >= RESERVE - MIB, "the reserve is for the database"
        assert len(pushed) > 3
        assert_all_is_there(repository, pushed)
        assert refused_part(server, repository) == "LimitExceededException"
        ballast = fill_up(server, leaving=RESERVE - MIB)
        assert readiness(server) == (200, FULL)
        ballast.unlink()

        for tag in list(pushed)[:2]:
            deleted = repository.http.delete(f"/v2/{repository.name}/manifests/{pushed.pop(tag).digest}")
            assert deleted.status_code == 202
        eventually(lambda: free(server) > RESERVE + LAYER, within=COLLECTED)

        assert readiness(server) == (200, {"status": "ready"})
        pushed["again"] = image(random.randbytes(LAYER // 2))
        repository.push("again", pushed["again"])
        assert_all_is_there(repository, pushed)


def refused_part(server: Server, repository: Repository) -> str | None:
    """The code with which the API refuses a part that is larger than the room."""
    ecr = server.ecr()
    upload = ecr.initiate_layer_upload(repositoryName=repository.name)["uploadId"]
    for number in range(10):
        try:
            ecr.upload_layer_part(
                repositoryName=repository.name,
                uploadId=upload,
                partFirstByte=number * LAYER,
                partLastByte=(number + 1) * LAYER - 1,
                layerPartBlob=bytes(LAYER),
            )
        except ClientError as refusal:
            return refusal.response.get("Error", {}).get("Code")
    return None


def test_a_disk_without_a_free_byte_is_read_from(server: ShortLivedServer) -> None:
    """Somebody else has filled it: pulls go on, also over a restart; every write is refused with the reason."""
    with new_repository(server) as repository:
        content = image(random.randbytes(LAYER))
        repository.push("v1", content)
        ballast = fill_up(server)
        assert free(server) < MIB // 16

        assert_only_reads_are_served(server, repository, content)
        assert refused_repository(server) == ("ServerException", DATABASE_FULL)
        assert_only_reads_are_served(server, repository, content)
        server.stop()
        server.start()
        assert_only_reads_are_served(server, repository, content)

        ballast.unlink()
        assert readiness(server) == (200, {"status": "ready"})
        repository.push("v2", image(random.randbytes(LAYER)))
        server.ecr().create_repository(repositoryName=f"{repository.name}/more")


def assert_only_reads_are_served(server: Server, repository: Repository, content: Image) -> None:
    """The image is listed and pulled; a push is refused, with its first request and with its last."""
    assert_all_is_there(repository, {"v1": content})
    assert repository.tags() == ["v1"]
    assert server.ecr().list_images(repositoryName=repository.name)["imageIds"][0].get("imageTag") == "v1"
    assert readiness(server) == (200, FULL)
    begun = repository.http.post(f"/v2/{repository.name}/blobs/uploads/")
    assert error_of(begun) == (403, "DENIED", FULL["failures"][0])
    assert error_of(repository.put_manifest("v2", content)) == (403, "DENIED", FULL["failures"][0])


def refused_repository(server: Server) -> tuple[str | None, str | None]:
    """Code and message with which a repository is refused: some find room in what the database has already."""
    name = f"live/{uuid4().hex}"
    for number in range(2000):
        try:
            server.ecr().create_repository(repositoryName=f"{name}/{number}")
        except ClientError as refusal:
            error = refusal.response.get("Error", {})
            return error.get("Code"), error.get("Message")
    return None, None
