"""The format of encrypted bytes: segments of frames under AES-256-GCM (designs/encryption.md).

    frame     up to FRAME bytes, and TAG more for each layer of encryption
    segment   frames that one writer stored between two syncs, under a key of their own; only the last is shorter
    blob      segments one after the other

Pure: bytes in, bytes out. A data key is 32 secret bytes; several of them are layers, from the inside out.
"""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from entrepot.storage.port import BlobDamaged

FRAME = 64 * 1024
TAG = 16
SALT_SIZE = 32
_NONCE_SIZE = 12
_KEY_SIZE = 32
_OFFSET_SIZE = 8

Bytes = bytes | memoryview
DataKeys = Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Segment:
    """Where a segment starts and ends in the plaintext, where its first frame is stored, and its salt."""

    start: int
    end: int
    stored_at: int
    salt: bytes = field(repr=False)

    def stored_end(self, layers: int) -> int:
        """Where its last frame ends."""
        return self.stored_at + stored_size(self.end - self.start, layers)


def stored_size(size: int, layers: int) -> int:
    """How many bytes ``size`` bytes of one segment become."""
    return size + _frame_count(size) * TAG * layers


class SegmentCipher:
    """Encrypts and decrypts the frames of one segment of the blob under the storage key ``key``."""

    def __init__(self, key: str, data_keys: DataKeys, start: int, salt: bytes) -> None:
        self._layers = [
            AESGCM(_derived(data_key, salt, f"entrepot segment {layer}"))
            for layer, data_key in enumerate(data_keys)
        ]
        self._place = bytes.fromhex(key) + start.to_bytes(_OFFSET_SIZE)

    def seal(self, number: int, content: Bytes, *, is_last: bool) -> bytes:
        """The frame of this number, encrypted. A number is used once."""
        nonce, associated = number.to_bytes(_NONCE_SIZE), self._associated(is_last=is_last)
        for layer in self._layers:
            content = layer.encrypt(nonce, content, associated)
        return bytes(content)

    def open(self, number: int, stored: Bytes, *, is_last: bool) -> Bytes:
        """What was sealed under this number; raises BlobDamaged for anything else."""
        nonce, associated = number.to_bytes(_NONCE_SIZE), self._associated(is_last=is_last)
        try:
            for layer in reversed(self._layers):
                stored = layer.decrypt(nonce, stored, associated)
        except InvalidTag:
            raise BlobDamaged("they are not what was encrypted") from None
        return stored

    def _associated(self, *, is_last: bool) -> bytes:
        return self._place + bytes([is_last])


def seal_of(key: str, data_keys: DataKeys, size: int, segments: Sequence[Segment]) -> bytes:
    """What vouches for the length of a blob and for its segments, all of them."""
    layers = len(data_keys)
    mac = hmac.new(_derived(b"".join(data_keys), b"", "entrepot seal"), digestmod=hashlib.sha256)
    mac.update(bytes.fromhex(key) + size.to_bytes(_OFFSET_SIZE))
    for segment in segments:
        place = (segment.start, segment.end, segment.stored_at, segment.stored_end(layers))
        mac.update(b"".join(number.to_bytes(_OFFSET_SIZE) for number in place) + segment.salt)
    return mac.digest()


@dataclass(frozen=True, slots=True)
class Frame:
    """A stored frame, and which part of its content counts: from ``skip`` to ``stop``; none if they are equal."""

    segment: Segment
    number: int
    size: int
    is_last: bool
    skip: int
    stop: int


def frames_of(segments: Sequence[Segment], layers: int, size: int, start: int, end: int) -> Iterator[Frame]:
    """The frames of a blob of ``size`` bytes with those from ``start`` to ``end``, in the order they are stored.

    A segment counts up to the start of the next one; frames that lie between and do not count are among them.
    """
    next_starts = [*(segment.start for segment in segments[1:]), size]
    for segment, next_start in zip(segments, next_starts, strict=False):
        first, last = max(start, segment.start), min(end, next_start)
        if first >= last:
            continue
        all_frames = _frame_count(segment.end - segment.start)
        wanted = all_frames if end > next_start else _frame_count(last - segment.start)
        for number in range((first - segment.start) // FRAME, wanted):
            begin = segment.start + number * FRAME
            length = min(FRAME, segment.end - begin)
            stop = min(max(last - begin, 0), length)
            skip = min(max(first - begin, 0), stop)
            yield Frame(segment, number, length + TAG * layers, number == all_frames - 1, skip, stop)


def _frame_count(size: int) -> int:
    return -(-size // FRAME)


def stored_range(segments: Sequence[Segment], layers: int, size: int, start: int, end: int) -> tuple[int, int]:
    """Where the frames of ``frames_of`` are stored: they lie side by side. Nothing for no bytes."""
    if start == end:
        return 0, 0
    (first,) = frames_of(segments, layers, size, start, start + 1)
    (last,) = frames_of(segments, layers, size, end - 1, end)
    return _position_of(first, layers), _position_of(last, layers) + last.size


def _position_of(frame: Frame, layers: int) -> int:
    return frame.segment.stored_at + frame.number * (FRAME + TAG * layers)


def _derived(secret: bytes, salt: bytes, info: str) -> bytes:
    """HKDF-SHA256 (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=_KEY_SIZE, salt=salt, info=info.encode()).derive(secret)
