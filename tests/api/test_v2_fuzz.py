"""Requests that no client sends, made of pieces of those that clients do send: none is a 5xx, none is two answers."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.api.clients import ECR, HOST, authorized, oci_client, password
from tests.api.images import ABSENT, digest_of, image, push

from entrepot.core.media_types import OCI_INDEX, OCI_MANIFEST
from entrepot.fronts.asgi import Message
from entrepot.fronts.oci.profile import PROFILES
from entrepot.testing.registry import RunningRegistry, registry

IMAGE = image()
CONFIG, LAYER = (digest_of(blob) for blob in IMAGE.blobs)
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Stage:
    """A registry with an image in it, its loop, and the header that lets a request in."""

    runner: asyncio.Runner
    registry: RunningRegistry
    authorization: bytes

    def answer(
        self, method: str, target: str, headers: Headers, pieces: list[bytes], *, ends: bool
    ) -> list[Message]:
        """All that the application sends on a request. ``target`` is the raw path and query."""
        raw_path, _, query = target.partition("?")
        messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        messages.append({"type": "http.request"} if ends else {"type": "http.disconnect"})
        arriving, sent = iter(messages), list[Message]()

        async def receive() -> Message:
            return next(arriving, {"type": "http.disconnect"})

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": unquote(raw_path),
            "raw_path": raw_path.encode("latin-1", "replace"),
            "query_string": query.encode("latin-1", "replace"),
            "headers": [(b"host", HOST.encode()), (b"authorization", self.authorization), *headers],
            "client": ("127.0.0.1", 1),
        }
        self.runner.run(self.registry.application(scope, receive, send))
        return sent


@pytest.fixture(scope="module", params=PROFILES)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """One registry for all requests to a profile: what some of them change, others meet."""
    with asyncio.Runner() as runner:
        manager = registry(profile=PROFILES[request.param], catalog=True, create_on_push=True)
        running = runner.run(manager.__aenter__())
        ecr = ECR(running)
        runner.run(ecr("CreateRepository", repositoryName="app"))
        runner.run(push(ecr, "app", IMAGE, "v1"))
        with_password = oci_client(running, runner.run(password(ecr)))
        yield Stage(runner, running, authorized(with_password)["authorization"].encode())
        runner.run(with_password.aclose())
        runner.run(manager.__aexit__(None, None, None))


def anything(alphabet: str, most: int) -> st.SearchStrategy[str]:
    """Short texts of these characters."""
    return st.text(alphabet, max_size=most)


methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "X"])
words = st.sampled_from(
    [
        "app",
        "a/b",
        "team/app",
        "blobs",
        "uploads",
        "manifests",
        "tags",
        "list",
        "referrers",
        "_catalog",
        "v1",
        "latest",
        LAYER,
        CONFIG,
        IMAGE.digest,
        ABSENT,
        "sha256:abc",
        "sha512:" + "0" * 128,
        "..",
        ".",
        "",
        "%2e%2e",
        "%00",
        "%ff",
    ]
)
segments = words | anything("abz09._-:/%A\u00e4\U0001f433 ", 12).map(lambda text: quote(text, safe="/:%"))
free_paths = st.lists(segments, max_size=6).map(lambda parts: "/v2/" + "/".join(parts))
shaped_paths = st.tuples(
    words | segments,
    st.sampled_from(
        ["blobs/{}", "blobs/uploads/{}", "blobs/uploads/", "manifests/{}", "tags/list", "referrers/{}"]
    ),
    words | segments,
).map(lambda parts: f"/v2/{parts[0]}/{parts[1].format(parts[2])}")
names = st.sampled_from(["n", "last", "digest", "mount", "from", "tag", "artifactType", "scope", ""])
values = words | anything("019-+*&=%\u00e4\0", 8).map(quote) | st.integers(-1, 10**30).map(str)
queries = st.lists(st.tuples(names, values).map("=".join), max_size=4).map("&".join)
targets = st.tuples(free_paths | shaped_paths | st.just("/token"), queries).map("?".join)
numbers = st.integers(-1, 2**70).map(str) | anything("0123456789-=,/ bytes*", 20)
header_values = {
    b"range": numbers.map("bytes={}".format) | numbers,
    b"if-range": st.sampled_from([f'"{LAYER}"', "x", ""]),
    b"if-none-match": st.sampled_from([f'"{LAYER}"', "*", "W/", '"']),
    b"content-range": numbers,
    b"content-length": numbers | st.integers(0, 20).map(str),
    b"content-type": st.sampled_from([OCI_MANIFEST, OCI_INDEX, f"{OCI_MANIFEST};", "", "\u00e4", "x" * 300]),
    b"content-encoding": st.sampled_from(["gzip", "identity", ""]),
    b"accept": anything("a*/,;q=.1", 20),
    b"x-forwarded-for": anything("1.,: a", 20),
}
headers = st.lists(
    st.sampled_from(sorted(header_values)).flatmap(
        lambda name: header_values[name].map(lambda value: (name, value.encode("latin-1", "replace")))
    ),
    max_size=4,
)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2**64) | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "schemaVersion",
                    "mediaType",
                    "config",
                    "layers",
                    "manifests",
                    "subject",
                    "digest",
                    "size",
                    "annotations",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
).map(lambda document: json.dumps(document).encode())
bodies = st.lists(st.binary(max_size=20) | documents | st.sampled_from([IMAGE.content, *IMAGE.blobs]), max_size=3)


@settings(max_examples=600)
@given(methods, targets, headers, bodies, st.booleans())
@example("PUT", "/v2/app/manifests/v2?tag=\udcff", [], [IMAGE.content], True)
@example("GET", "/v2/" + "a/" * 5000 + "tags/list", [], [], True)
def test_no_request_is_beyond_the_registry(
    stage: Stage, method: str, target: str, headers: Headers, pieces: list[bytes], ends: bool
) -> None:
    """One answer, below 500; a refusal is an error of OCI's, and tells nothing of the inside."""
    sent = stage.answer(method, target, headers, pieces, ends=ends)

    start, *rest = sent
    body = b"".join(message.get("body", b"") for message in rest)
    assert [message["type"] for message in sent].count("http.response.start") == 1
    assert rest[-1]["more_body"] is False
    assert start["status"] < 500, body
    if start["status"] >= 400 and start["status"] != 401 and method != "HEAD" and not target.startswith("/token"):
        (error,) = json.loads(body)["errors"]
        assert error["code"]
        assert "Traceback" not in error["message"]


def test_good_requests_are_answered_well_all_the_same(stage: Stage) -> None:
    """Whatever came before them: the image that was there is there, to the byte."""
    manifest = stage.answer("GET", f"/v2/app/manifests/{IMAGE.digest}", [], [], ends=True)
    head = stage.answer("HEAD", f"/v2/app/blobs/{LAYER}", [], [], ends=True)

    assert manifest[0]["status"] in {200, 404}  # it may have been deleted
    assert manifest[0]["status"] == 404 or manifest[1]["body"] == IMAGE.content
    assert head[0]["status"] in {200, 404}
