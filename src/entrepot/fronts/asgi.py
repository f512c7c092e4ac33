"""Requests and answers over ASGI, as all fronts use them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import msgspec

from entrepot.core.errors import Invalid, LimitReached
from entrepot.operations.layers import BodyBrokeOff
from entrepot.protocol.conditional import is_named

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: A client that sends nothing for so long, in seconds, is taken to be gone.
BODY_TIMEOUT = 60.0
#: A body that is held in memory arrives at this rate at least, in bytes a second.
SLOWEST = 64 * 1024


@dataclass(eq=False)
class BadRequest(Invalid):
    """A request that is not sound HTTP, whatever it asks for."""

    reason: str

    template: ClassVar[str] = "{reason}"


@dataclass(eq=False)
class BodyTooLarge(LimitReached):
    """A body over the limit of what it is sent to."""

    limit: int

    template: ClassVar[str] = "The request body exceeds the maximum of {limit} bytes"


class Request:
    """One HTTP request.

    ``path`` is percent-decoded; ``raw_path``, without the query, and ``query_string`` are as sent. ``headers`` are
    pairs of lower-case name and value in the order sent; ``scope`` has the rest.
    """

    def __init__(self, scope: Scope, receive: Receive, request_id: str) -> None:
        self.scope = scope
        self.receive = receive
        self.id = request_id
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: bytes = scope.get("raw_path") or self.path.encode()
        self.query_string: bytes = scope["query_string"]
        self.headers: list[tuple[bytes, bytes]] = scope["headers"]
        #: Set when the head of the answer goes out: from then on nothing else can be said.
        self.is_answered = False
        self._by_name = dict(self.headers)
        self._repeats = len(self._by_name) < len(self.headers)
        self._query: list[tuple[str, str]] | None = None

    @property
    def query(self) -> list[tuple[str, str]]:
        """The decoded parameters in order; raises BadRequest for more than 200, and for text with a NUL."""
        if self._query is None:
            self._query = self._read_query()
        return self._query

    def _read_query(self) -> list[tuple[str, str]]:
        if not self.query_string:
            return []
        try:
            found = parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=200)
        except ValueError:
            raise BadRequest("The query has more than 200 parameters") from None
        if any("\0" in text for pair in found for text in pair):
            raise BadRequest("The query has a NUL character")
        return found

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    def header(self, name: bytes) -> str | None:
        """The value of a header that may be sent once; raises BadRequest when it is sent twice."""
        value = self._by_name.get(name)
        if value is None:
            return None
        if self._repeats and sum(key == name for key, _ in self.headers) > 1:
            raise BadRequest(f"The header '{name.decode()}' may be sent only once")
        return value.decode("latin-1").strip()

    def first(self, name: bytes) -> bytes:
        """The first value of a header as it was sent, b"" where there is none."""
        if self._repeats:
            return next((value for key, value in self.headers if key == name), b"")
        return self._by_name.get(name, b"")

    def listed(self, name: bytes) -> str:
        """The value of a header that is a list, of all its lines (RFC 9110, section 5.3); "" for none."""
        if not self._repeats:
            return self._by_name.get(name, b"").decode("latin-1")
        return ", ".join(value.decode("latin-1") for key, value in self.headers if key == name)

    @property
    def content_length(self) -> int | None:
        """The length of the body where it was announced, in bytes."""
        text = self.header(b"content-length")
        if text is None:
            return None
        if not text.isascii() or not text.isdigit():
            raise BadRequest("The header 'content-length' is not a number")
        return int(text)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives; raises BodyBrokeOff when it does not arrive whole, or stands still."""
        expected, received, more = self.content_length, 0, True
        while more:
            try:
                async with asyncio.timeout(BODY_TIMEOUT):
                    message = await self.receive()
            except TimeoutError:
                raise BodyBrokeOff from None
            chunk, more = _piece(message)
            received += len(chunk)
            if chunk:
                yield chunk
        if expected is not None and received != expected:
            raise BodyBrokeOff

    async def body(self, limit: int, take: Callable[[int], Awaitable[None]] | None = None) -> bytes:
        """The whole body, within the time that the slowest honest client needs for it.

        ``take`` is asked for the room of each piece. Raises BodyTooLarge, BodyBrokeOff, and what ``take`` raises.
        """
        expected = self.content_length
        announced = limit if expected is None else expected
        if announced > limit:
            raise BodyTooLarge(limit)
        parts: list[bytes] = []
        received, more = 0, True
        with Deadline(BODY_TIMEOUT + announced / SLOWEST):
            while more:
                chunk, more = _piece(await self.receive())
                received += len(chunk)
                if received > limit:
                    raise BodyTooLarge(limit)
                if take is not None:
                    await take(len(chunk))
                if chunk:
                    parts.append(chunk)
        if expected is not None and received != expected:
            raise BodyBrokeOff
        return b"".join(parts)


class Deadline:
    """End the block after so many seconds with BodyBrokeOff.

    It is ``asyncio.timeout`` without what only others need, at a third of its cost: every call of the API passes
    here, and spent as much on its time-out as on looking up an image.
    """

    __slots__ = ("_has_passed", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._has_passed = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # a request is served in one
        self._task = task
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._end)

    def _end(self) -> None:
        self._has_passed = True
        self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._timer.cancel()
        # Where somebody else has cancelled the task too, theirs counts.
        if self._has_passed and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise BodyBrokeOff from None


def _piece(message: Message) -> tuple[bytes, bool]:
    """The bytes of a message, and whether more are to come; raises BodyBrokeOff when the client is gone."""
    if message["type"] == "http.disconnect":
        raise BodyBrokeOff
    return message.get("body", b""), message.get("more_body", False)


class Response(msgspec.Struct, frozen=True):
    """An answer whose body is in memory."""

    status: int
    headers: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    body: bytes = b""

    async def send(self, request: Request, send: Send) -> None:
        """Send it. Headers and body leave in one write, and HEAD gets the headers alone."""
        headers = {"content-length": str(len(self.body)), **self.headers}
        if self.status in {204, 304}:
            del headers["content-length"]
        request.is_answered = True
        await send(_start(self.status, headers))
        await send(
            {
                "type": "http.response.body",
                "body": b"" if request.method == "HEAD" else self.body,
                "more_body": False,
            }
        )


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer to GET whose body of ``length`` bytes, one at least, is read while it is sent."""

    status: int
    headers: dict[str, str]
    length: int
    chunks: Callable[[], AsyncGenerator[bytes]]
    sent: Callable[[int], None]

    async def send(self, request: Request, send: Send) -> None:
        """Send it, and stop reading as soon as the client is gone.

        ``send()`` never fails after a disconnect, so only ``receive()`` can tell. What ``chunks`` raises ends
        the connection, so a client never takes a short body for a whole one.
        """
        start = _start(self.status, {**self.headers, "content-length": str(self.length)})
        chunks = self.chunks()
        gone = asyncio.ensure_future(_disconnected(request.receive))
        try:
            chunk, left = await anext(chunks), self.length  # what cannot be read at all is still answered as that
            request.is_answered = True
            await send(start)
            while not gone.done():
                left -= len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": left > 0})
                self.sent(len(chunk))
                if not left:
                    return
                chunk = await anext(chunks)
        finally:
            gone.cancel()
            await chunks.aclose()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def not_modified(request: Request, headers: Mapping[str, str]) -> Response | None:
    """304 where the client has what the ``etag`` of the headers names, else None.

    Asked before any Range is looked at (RFC 9110, section 13.2.2).
    """
    asked = request.listed(b"if-none-match")
    if not asked or not is_named(headers["etag"], asked):
        return None
    return Response(304, {name: value for name, value in headers.items() if name != "content-type"})


def _start(status: int, headers: Mapping[str, str]) -> Message:
    return {
        "type": "http.response.start",
        "status": status,
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
    }


Answer = Response | Streamed
