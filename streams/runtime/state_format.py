"""The format of a state file: one partition, in frames that each say whether they are whole.

A frame is its length, its CRC-32 and its bytes. The first one says what the file is, the second
holds what is no user's, the last one how many users stand in between; so half a file is known for
one. Nothing in it is code.
"""

import struct
import zlib
from collections.abc import Iterator
from os import SEEK_END
from typing import BinaryIO, Final, TypeVar

import msgspec

from streams.core.stored import Part, Stored

FORMAT: Final = 1
"""Raised when the frames change; what is in them has a version of its own, in the changelog."""
USERS_MAX: Final = 4_096
"""Users of a frame: a few megabytes, and about a millisecond to write or to read."""

T = TypeVar("T")

_FRAME: Final = struct.Struct("<II")
_ENCODE: Final = msgspec.msgpack.Encoder().encode
_OURS: Final = msgspec.msgpack.Decoder(dict[bytes, bytes])
_PART: Final = msgspec.msgpack.Decoder(tuple[list[str], list[bytes]] | int)


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a state file is.

    Attributes:
        format: `FORMAT`.
        topic: The changelog of which it holds the beginning.
        topic_id: Kafka's own word for the topic: one that is made anew has another.
        partition: Its number.
        offset: Everything before it is in the file.
        made_ms: When that was so, epoch ms UTC.
    """

    format: int = FORMAT
    topic: str
    topic_id: str
    partition: int
    offset: int
    made_ms: int


class BrokenFileError(Exception):
    """It is no state file, or not a whole one."""


def payloads(head: Head, stored: Stored) -> Iterator[bytes]:
    """Yield what is in the frames of a file, in order."""
    yield msgspec.json.encode(head)
    yield _ENCODE(stored.ours)
    count = 0
    for user_ids, values in stored.parts:
        for start in range(0, len(values), USERS_MAX):
            part = _without_nobody(
                user_ids[start : start + USERS_MAX], values[start : start + USERS_MAX]
            )
            count += len(part[1])
            yield _ENCODE(part)
    yield _ENCODE(count)


def _without_nobody(user_ids: list[str], values: list[bytes]) -> Part:
    if b"" not in values:
        return user_ids, values
    kept = [(user_id, value) for user_id, value in zip(user_ids, values, strict=True) if value]
    return [user_id for user_id, _ in kept], [value for _, value in kept]


def frame(payload: bytes) -> bytes:
    """Return what stands before a payload in the file."""
    return _FRAME.pack(len(payload), zlib.crc32(payload))


class Reading:
    """A state file that is being read.

    Args:
        file: At its beginning.

    Attributes:
        head: What it says it is.

    Raises:
        BrokenFileError: It is no state file of this format.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._buffers = [bytearray(), bytearray()]
        self._left = file.seek(0, SEEK_END)
        file.seek(0)
        try:
            self.head = msgspec.json.decode(self.payload(), type=Head)
        except ValueError as error:  # msgspec's are, and those of what is no text.
            raise BrokenFileError(f"its head cannot be read: {error}") from error
        if self.head.format != FORMAT:
            raise BrokenFileError(f"it has format {self.head.format}, not {FORMAT}")

    @property
    def has_more(self) -> bool:
        """Whether something follows what was read."""
        return self._left > 0

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield key and value of everything, as they lie in the changelog.

        Raises:
            BrokenFileError: It is not whole, which may be known at its end only.
        """
        yield from ours_of(self.payload()).items()
        count = 0
        while (part := part_of(self.payload(), count)) is not None:
            count += len(part[0])
            yield from zip(map(str.encode, part[0]), part[1], strict=True)

    def payload(self) -> memoryview:
        """Return the payload of the next frame; it stands until the call after the next.

        Raises:
            BrokenFileError: It is not whole.
        """
        begin = self._file.read(_FRAME.size)
        if len(begin) != _FRAME.size:
            raise BrokenFileError("it ends early")
        size, crc = _FRAME.unpack(begin)
        self._left -= _FRAME.size + size
        if self._left < 0:
            raise BrokenFileError("it ends early")
        self._buffers.reverse()
        if len(self._buffers[0]) < size:
            self._buffers[0] = bytearray(size)
        payload = memoryview(self._buffers[0])[:size]
        self._file.readinto(payload)  # type: ignore[attr-defined]
        if zlib.crc32(payload) != crc:
            raise BrokenFileError("a frame is not what was written")
        return payload


def ours_of(payload: memoryview) -> dict[bytes, bytes]:
    """Return what is no user's from the frame behind the head.

    Raises:
        BrokenFileError: It cannot be read.
    """
    return _decoded(_OURS, payload)


def part_of(payload: memoryview, count: int) -> Part | None:
    """Return the users of a frame; None = it is the last, and so many users stand before it.

    Raises:
        BrokenFileError: It cannot be read, or says that they are more or fewer.
    """
    part: Part | int = _decoded(_PART, payload)
    if isinstance(part, int):
        if part != count:
            raise BrokenFileError(f"it has {count} users, and says {part}")
        return None
    if len(part[0]) != len(part[1]):
        raise BrokenFileError("a frame has not one value for every user")
    return part


def _decoded(decoder: msgspec.msgpack.Decoder[T], payload: memoryview) -> T:
    try:
        return decoder.decode(payload)
    except ValueError as error:
        raise BrokenFileError(f"a frame cannot be read: {error}") from error
