"""One client of a soak: pushes, pulls, mounts, moves tags and deletes, through both faces, and checks every answer."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from tests.live.cluster import ANSWERED_BY
from tests.live.images import Image, digest_of, image
from tests.live.oci import MANIFESTS, OCTETS
from tests.live.server import Server
from tests.live.short_lived import LEASE_SECONDS
from tests.live.soak_ledger import Ledger, Shelf

#: What a positive answer promises at least, less what clocks may differ.
PROMISE_SECONDS = LEASE_SECONDS / 2 - 0.1
#: Few layers that all share, so that they are pushed, lost and pushed again all the time; the last is two parts.
LAYERS = [f"layer {number} ".encode() * 2000 for number in range(8)] + [b"a large layer " * 450_000]
LARGE = len(LAYERS) - 1
KIB = 1024
#: Tags that a client moves about in each repository.
TAGS = 3
#: Seconds between two tries of what had no answer.
PAUSE = 0.05
SERVER_ERROR = 500


class Unanswered(Exception):
    """No answer, or one that says that the server failed: what was asked may have been done or not."""


class Refused(Exception):
    """An answer that is none of those that were hoped for: the status and the code of the error."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A layer that was answered as present, to a question asked at ``since``."""

    digest: str
    since: float


class Calls:
    """Requests through the proxy. Each either has an answer, or raises Unanswered, and is counted then."""

    def __init__(self, front: Server, authorization: str, ledger: Ledger) -> None:
        self._ledger = ledger
        self._ecr = front.ecr()
        self.http = httpx.Client(
            base_url=front.url, headers={"Authorization": f"Basic {authorization}"}, timeout=30
        )

    def send(self, what: str, method: str, url: str, **rest: Any) -> httpx.Response:
        """A request to ``/v2/``, or to a download URL."""
        try:
            answer = self.http.request(method, url, **rest)
        except httpx.TransportError as error:
            self._ledger.unanswered(f"{what}: {type(error).__name__}")
            raise Unanswered from error
        if answer.status_code >= SERVER_ERROR:
            who = "replica" if ANSWERED_BY in answer.headers else "proxy"
            self._ledger.unanswered(f"{what}: {answer.status_code} of the {who} {_said(answer, who)}".rstrip())
            raise Unanswered
        return answer

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """A call of the API; raises Refused with the error's code."""
        try:
            return getattr(self._ecr, operation)(**members)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", SERVER_ERROR)
            code = error.response.get("Error", {}).get("Code", "")
            if status < SERVER_ERROR:
                raise Refused(status, code, str(error)) from error
            # The proxy's own answers are no JSON, so botocore has nothing but the status for a code.
            said = "the proxy" if code == str(status) else f"the replica {code}"
            self._ledger.unanswered(f"{operation}: {status} of {said}")
            raise Unanswered from error
        except BotoCoreError as error:
            self._ledger.unanswered(f"{operation}: {type(error).__name__}")
            raise Unanswered from error


def _said(answer: httpx.Response, who: str) -> str:
    return answer.text[:200] if who == "replica" else ""


def accepted(answer: httpx.Response, *statuses: int) -> httpx.Response:
    """The answer, if it has one of these statuses; else Refused."""
    if answer.status_code not in statuses:
        raise Refused(answer.status_code, answer.text[:300])
    return answer


class SoakClient:
    """Works until it is told to stop. Tags are its own; repositories, layers and images are everybody's."""

    def __init__(self, front: Server, authorization: str, ledger: Ledger, name: str, seed: str) -> None:
        self._calls = Calls(front, authorization, ledger)
        self._ledger = ledger
        self._name = name
        self._random = random.Random(seed)
        self._stopped = threading.Event()
        self._own: list[tuple[Shelf, Image]] = []
        self._tags: dict[tuple[str, str], tuple[int, Image]] = {}

    def work_until(self, stopped: threading.Event) -> None:
        """One piece of work after the other; what the registry refuses without reason is a finding."""
        self._stopped = stopped
        work: dict[Callable[[], None], int] = {
            self.push: 40,
            self.pull: 24,
            self.pull_by_tag: 12,
            self.move_tag: 12,
            self.delete_image: 24,
            self.delete_tag: 6,
            self.abandon_layer: 4,
            self.abandon_upload: 4,
            self.delete_repository: 1,
        }
        while not stopped.is_set():
            (next_work,) = self._random.choices(list(work), list(work.values()))
            next_work()

    def close(self) -> None:
        """Let go of its connections."""
        self._calls.http.close()

    def push(self) -> None:
        """Push an image under a tag, again and again until it is acknowledged."""
        shelf = self._random.choice(self._ledger.shelves)
        layers = [LAYERS[number] for number in self._random.sample(range(LARGE), 2)]
        if self._random.random() < 1 / 16:
            layers.append(LAYERS[LARGE])
        if self._random.random() < 1 / 2:
            layers.append(self._random.randbytes(self._random.randrange(1, 64 * KIB)))
        content = image(*layers, annotations={self._name: f"{self._random.random()}"})
        tag = f"{self._name}-{self._random.randrange(TAGS)}"
        self._tags.pop((shelf.name, tag), None)
        since = shelf.generation
        if self._until_answered(shelf, since, lambda: self._push_once(shelf, since, content, tag)):
            self._acknowledged(shelf, since, content, tag)

    def _acknowledged(self, shelf: Shelf, since: int, content: Image, tag: str) -> None:
        if self._ledger.acknowledge(shelf, since, content):
            self._own.append((shelf, content))
            self._tags[shelf.name, tag] = since, content

    def _until_answered(self, shelf: Shelf, since: int, attempt: Callable[[], bool]) -> bool:
        """Repeat what had no answer, or came to nothing; False when the repository went away under it, or time is up.

        A refusal is a finding unless the repository went away.
        """
        while not self._stopped.is_set():
            try:
                if attempt():
                    return True
            except Unanswered:
                time.sleep(PAUSE)
            except Refused as refusal:
                if self._ledger.is_unchanged(shelf, since):
                    self._ledger.fault("unexpected", f"{attempt.__qualname__} in {shelf.name}: {refusal}")
                return False
            if not self._ledger.is_unchanged(shelf, since):
                return False
        return False

    def _push_once(self, shelf: Shelf, since: int, content: Image, tag: str) -> bool:
        """Whether the manifest was taken; False when a layer that it names had gone, after its lease."""
        promises = [self._provide(shelf, data) for data in content.blobs]
        if self._random.random() < 1 / 4:
            time.sleep(self._random.uniform(0, PROMISE_SECONDS / 2))
        asked = min(promise.since for promise in promises)
        refusal = self._put_image(shelf, content, tag)
        if refusal is None:
            return True
        after = time.monotonic() - asked
        if not self._ledger.is_unchanged(shelf, since):
            return False
        if after <= PROMISE_SECONDS:
            self._ledger.fault("refused_within_lease", f"{shelf.name} after {after:.3f} s: {refusal}")
        else:
            self._ledger.count("refused_after_lease")
        return False

    def _put_image(self, shelf: Shelf, content: Image, tag: str) -> str | None:
        """By either face; the words of a refusal for a layer that is not there."""
        if self._random.random() < 1 / 2:
            url = f"/v2/{shelf.name}/manifests/{tag}"
            media_type = {"Content-Type": content.media_type}
            answer = self._calls.send("PUT manifest", "PUT", url, content=content.manifest, headers=media_type)
            if answer.status_code == HTTPStatus.BAD_REQUEST and "MANIFEST_BLOB_UNKNOWN" in answer.text:
                return answer.text
            accepted(answer, HTTPStatus.CREATED)
            return None
        try:
            self._calls.call(
                "put_image", repositoryName=shelf.name, imageManifest=content.manifest.decode(), imageTag=tag
            )
        except Refused as refusal:
            if refusal.args[1] == "LayersNotFoundException":
                return str(refusal)
            if refusal.args[1] != "ImageAlreadyExistsException":  # the answer before it was lost
                raise
        return None

    def _provide(self, shelf: Shelf, data: bytes) -> Promise:
        """See that the repository has a layer: ask for it, mount it, or push it."""
        digest, since = digest_of(data), time.monotonic()
        self._ledger.count("checks")
        if self._is_there(shelf, digest):
            return Promise(digest, since)
        since = time.monotonic()
        self._random.choice((self._push_whole, self._push_chunks, self._push_parts, self._mount))(shelf, data)
        return Promise(digest, since)

    def _is_there(self, shelf: Shelf, digest: str) -> bool:
        if self._random.random() < 1 / 2:
            answer = self._calls.send("HEAD layer", "HEAD", f"/v2/{shelf.name}/blobs/{digest}")
            return accepted(answer, HTTPStatus.OK, HTTPStatus.NOT_FOUND).status_code == HTTPStatus.OK
        done = self._calls.call("batch_check_layer_availability", repositoryName=shelf.name, layerDigests=[digest])
        return any(layer["layerAvailability"] == "AVAILABLE" for layer in done["layers"])

    def _push_whole(self, shelf: Shelf, data: bytes) -> None:
        self._complete(self._open_upload(shelf), data, data)

    def _push_chunks(self, shelf: Shelf, data: bytes) -> None:
        location = self._open_upload(shelf)
        size = len(data) // 2 + 1
        for first in range(0, len(data), size):
            chunk = data[first : first + size]
            where = {"Content-Range": f"{first}-{first + len(chunk) - 1}", **OCTETS}
            answer = self._calls.send("PATCH upload", "PATCH", location, content=chunk, headers=where)
            location = accepted(answer, HTTPStatus.ACCEPTED).headers["Location"]
        self._complete(location, data, b"")

    def _push_parts(self, shelf: Shelf, data: bytes) -> None:
        name = {"repositoryName": shelf.name}
        upload = self._calls.call("initiate_layer_upload", **name)["uploadId"]
        self._calls.call(
            "upload_layer_part",
            **name,
            uploadId=upload,
            partFirstByte=0,
            partLastByte=len(data) - 1,
            layerPartBlob=data,
        )
        try:
            self._calls.call("complete_layer_upload", **name, uploadId=upload, layerDigests=[digest_of(data)])
        except Refused as refusal:
            if refusal.args[1] != "LayerAlreadyExistsException":
                raise

    def _mount(self, shelf: Shelf, data: bytes) -> None:
        source = self._random.choice(self._ledger.shelves)
        url = f"/v2/{shelf.name}/blobs/uploads/"
        wanted = {"mount": digest_of(data), "from": source.name}
        answer = self._calls.send("mount", "POST", url, params=wanted)
        if accepted(answer, HTTPStatus.CREATED, HTTPStatus.ACCEPTED).status_code == HTTPStatus.CREATED:
            self._ledger.count("mounts")
        else:
            self._complete(answer.headers["Location"], data, data)

    def _open_upload(self, shelf: Shelf) -> str:
        answer = self._calls.send("POST upload", "POST", f"/v2/{shelf.name}/blobs/uploads/")
        return accepted(answer, HTTPStatus.ACCEPTED).headers["Location"]

    def _complete(self, location: str, data: bytes, rest: bytes) -> None:
        url = httpx.URL(location).copy_merge_params({"digest": digest_of(data)})
        accepted(self._calls.send("PUT upload", "PUT", str(url), content=rest, headers=OCTETS), HTTPStatus.CREATED)

    def pull(self) -> None:
        """Pull anybody's image: whole, or rightly gone."""
        if picked := self._ledger.pick(self._random):
            self.check_image(*picked)

    def look_again(self, shelf: Shelf, content: Image) -> None:
        """Check an image when the work is done and nothing is killed any more."""
        self._stopped = threading.Event()
        self.check_image(shelf, content)

    def check_image(self, shelf: Shelf, content: Image) -> None:
        """An image is there with all its bytes as long as nobody deletes it."""
        wanted = {f"/v2/{shelf.name}/manifests/{content.digest}": content.manifest}
        for data in content.blobs:
            wanted[f"/v2/{shelf.name}/blobs/{digest_of(data)}"] = data
        for url, data in wanted.items():
            answer = self._get(shelf, content, url, digest_of(data))
            if answer is None or not self._ledger.holds(shelf, content.digest):
                return
            if answer.status_code != HTTPStatus.OK:
                self._ledger.fault("lost", f"GET {url}: {answer.status_code} {answer.text[:200]}")
                return
            if answer.content != data:
                self._ledger.fault("wrong_bytes", f"GET {url}: {len(answer.content)} of {len(data)} bytes")
                return
        self._ledger.count("pulls")

    def _get(self, shelf: Shelf, content: Image, url: str, digest: str) -> httpx.Response | None:
        """An answer, now or later; None when there is none before somebody deletes the image, or time is up."""
        while self._ledger.holds(shelf, content.digest):
            try:
                if "/blobs/" in url and self._random.random() < 1 / 3:
                    return self._download(shelf, url, digest)
                return self._calls.send("GET", "GET", url, headers={"Accept": MANIFESTS})
            except Unanswered:
                time.sleep(PAUSE)
            if self._stopped.is_set():
                return None
        return None

    def _download(self, shelf: Shelf, url: str, digest: str) -> httpx.Response:
        """By a download URL, which may have run out before it was asked."""
        try:
            done = self._calls.call("get_download_url_for_layer", repositoryName=shelf.name, layerDigest=digest)
        except Refused:
            return self._calls.send("GET", "GET", url)
        answer = self._calls.send("download", "GET", done["downloadUrl"])
        return answer if answer.is_success else self._calls.send("GET", "GET", url)

    def pull_by_tag(self) -> None:
        """A tag is where its last push or move has put it."""
        if not self._tags:
            return
        (name, tag), (since, content) = self._random.choice(list(self._tags.items()))
        shelf = next(shelf for shelf in self._ledger.shelves if shelf.name == name)
        answer = self._get(shelf, content, f"/v2/{name}/manifests/{tag}", "")
        if answer is None or not self._ledger.is_unchanged(shelf, since):
            self._tags.pop((name, tag))
        elif answer.status_code != HTTPStatus.OK:
            self._ledger.fault("lost", f"{name}:{tag}: {answer.status_code} {answer.text[:200]}")
        elif answer.content != content.manifest:
            self._ledger.fault("wrong_bytes", f"{name}:{tag} is another image")

    def move_tag(self) -> None:
        """Put a tag on an image that is there."""
        if own := self._choose_own():
            shelf, content = own
            tag = f"{self._name}-{self._random.randrange(TAGS)}"
            self._tags.pop((shelf.name, tag), None)
            since = shelf.generation
            if not self._ledger.holds(shelf, content.digest):
                return
            if self._until_answered(shelf, since, lambda: self._move_once(shelf, since, content, tag)):
                self._ledger.count("moved_tags")
                if self._ledger.is_unchanged(shelf, since):
                    self._tags[shelf.name, tag] = since, content

    def _move_once(self, shelf: Shelf, since: int, content: Image, tag: str) -> bool:
        refusal = self._put_image(shelf, content, tag)
        if refusal and self._ledger.is_unchanged(shelf, since):
            self._ledger.fault("lost", f"{shelf.name}:{tag}, a layer of an image that is there: {refusal}")
        return True

    def delete_image(self) -> None:
        """Delete one of its own images by its digest; it stays deleted."""
        if own := self._choose_own():
            shelf, content = own
            self._own.remove(own)
            self._delete(shelf, content, content.digest)

    def delete_tag(self) -> None:
        """Delete one of its tags; the image goes with its last one."""
        if self._tags:
            (name, tag), (_, content) = self._random.choice(list(self._tags.items()))
            shelf = next(shelf for shelf in self._ledger.shelves if shelf.name == name)
            self._own = [own for own in self._own if own[1] is not content]
            self._delete(shelf, content, tag)

    def _delete(self, shelf: Shelf, content: Image, reference: str) -> None:
        self._ledger.forget(shelf, content.digest)
        self._tags = {at: tagged for at, tagged in self._tags.items() if tagged[1] is not content}
        since = shelf.generation
        if not self._until_answered(shelf, since, lambda: self._delete_once(shelf, reference)):
            return
        self._ledger.count("deleted_images")
        try:
            answer = self._calls.send("GET", "GET", f"/v2/{shelf.name}/manifests/{reference}")
        except Unanswered:
            return
        if answer.status_code != HTTPStatus.NOT_FOUND:
            self._ledger.fault("came_back", f"{shelf.name} {reference}: {answer.status_code}")

    def _delete_once(self, shelf: Shelf, reference: str) -> bool:
        """By either face; what is not there was deleted before, by a request that had no answer."""
        if self._random.random() < 1 / 2:
            url = f"/v2/{shelf.name}/manifests/{reference}"
            accepted(self._calls.send("DELETE manifest", "DELETE", url), HTTPStatus.ACCEPTED, HTTPStatus.NOT_FOUND)
            return True
        key = "imageDigest" if ":" in reference else "imageTag"
        done = self._calls.call("batch_delete_image", repositoryName=shelf.name, imageIds=[{key: reference}])
        codes = {failure["failureCode"] for failure in done["failures"]}
        if codes - {"ImageNotFound"}:
            raise Refused(HTTPStatus.OK, str(done["failures"]))
        return True

    def abandon_layer(self) -> None:
        """Push a layer that no manifest is going to name."""
        shelf = self._random.choice(self._ledger.shelves)
        data = self._random.randbytes(self._random.randrange(1, 4 * KIB))
        self._until_answered(shelf, shelf.generation, lambda: self._provide(shelf, data).digest != "")

    def abandon_upload(self) -> None:
        """Begin an upload, and leave it."""
        shelf = self._random.choice(self._ledger.shelves)
        data = LAYERS[self._random.randrange(len(LAYERS))]

        def begin() -> bool:
            location = self._open_upload(shelf)
            answer = self._calls.send("PATCH upload", "PATCH", location, content=data, headers=OCTETS)
            accepted(answer, HTTPStatus.ACCEPTED)
            return True

        self._until_answered(shelf, shelf.generation, begin)

    def delete_repository(self) -> None:
        """Delete a repository with all that is in it, and make it anew."""
        shelf = self._random.choice(self._ledger.shelves)
        with self._ledger.deleting(shelf) as mine:
            if mine:
                self._repeat("delete_repository", "RepositoryNotFoundException", shelf, force=True)
                self._repeat("create_repository", "RepositoryAlreadyExistsException", shelf)
                self._ledger.count("deleted_repositories")

    def _repeat(self, operation: str, done_before: str, shelf: Shelf, **members: bool) -> None:
        """Call until there is an answer, also when time is up: every repository is there in the end."""
        while True:
            try:
                self._calls.call(operation, repositoryName=shelf.name, **members)
            except Unanswered:
                time.sleep(PAUSE)
            except Refused as refusal:
                if refusal.args[1] != done_before:
                    self._ledger.fault("unexpected", f"{operation} {shelf.name}: {refusal}")
                return
            else:
                return

    def _choose_own(self) -> tuple[Shelf, Image] | None:
        self._own = [own for own in self._own if self._ledger.holds(own[0], own[1].digest)]
        return self._random.choice(self._own) if self._own else None
