"""Kinship: which ids of a partition were given up, and under which id the person is known now.

A *stub* is all that is left of an id that was given up: whatever still comes under it is sent on. A
stub that nobody has used for long is forgotten, as an erasure is; each has a changelog record of
its own, so that a day of many does not make one record too large. To what other partitions say it
is known for as long again: in a catch-up weeks may pass while a message is on its way.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

STUB_PREFIX: Final = b"\x00stub/"


class Stub(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is left of an id.

    Attributes:
        into: Under which id the person is known.
        until_ms: When it is forgotten, unless it is used before.
    """

    into: str
    until_ms: int


class Kinship:
    """The stubs of a partition."""

    def __init__(self, keep_ms: int) -> None:
        """Args: ``keep_ms``: how long a stub that is not used is kept."""
        self._keep_ms = keep_ms
        self._stubs: dict[str, Stub] = {}
        self._changed: dict[str, None] = {}
        self._purge_ms = 0

    def __len__(self) -> int:
        """Return the number of ids that were given up."""
        return len(self._stubs)

    def load(self, records: Mapping[bytes, bytes]) -> None:
        """Take over those of the changelog."""
        for key, value in records.items():
            if key.startswith(STUB_PREFIX):
                user_id = key.removeprefix(STUB_PREFIX).decode()
                self._stubs[user_id] = msgspec.msgpack.decode(value, type=Stub)

    def known(self) -> dict[str, str]:
        """Return every id that was given up, and under which one the person is known."""
        return {user_id: stub.into for user_id, stub in self._stubs.items()}

    def into(self, user_id: str, at_ms: int, *, is_told: bool = False) -> str | None:
        """Return under which id somebody is known; None = under this one. Use keeps a stub.

        Args:
            user_id: Whom.
            at_ms: When.
            is_told: Another partition says something of the id.
        """
        stub = self._stubs.get(user_id)
        if stub is None:
            return None
        if stub.until_ms <= at_ms - self._keep_ms * is_told:
            self.drop(user_id)  # Whoever uses it now is somebody new.
            return None
        if stub.until_ms - at_ms < 3 * self._keep_ms // 4:  # Not at every use: it is a record.
            self.give_up(user_id, stub.into, at_ms)
        return stub.into

    def give_up(self, user_id: str, into: str, at_ms: int) -> None:
        """Remember that an id was given up."""
        self._stubs[user_id] = Stub(into, at_ms + self._keep_ms)
        self._changed[user_id] = None

    def drop(self, user_id: str) -> None:
        """Forget that an id was given up."""
        if self._stubs.pop(user_id, None) is not None:
            self._changed[user_id] = None

    def take(self, watermark_ms: int) -> list[tuple[bytes, bytes | None]]:
        """Return the changelog records of what changed, and tombstones of what is over."""
        if self._stubs and watermark_ms >= self._purge_ms:
            self._purge_ms = watermark_ms + self._keep_ms // 16
            for user_id in [
                each
                for each, stub in self._stubs.items()
                if stub.until_ms <= watermark_ms - self._keep_ms
            ]:
                self.drop(user_id)
        changed, self._changed = self._changed, {}
        return [(_key(user_id), self._value(user_id)) for user_id in changed]

    def records(self) -> dict[bytes, bytes]:
        """Return the changelog records of all that are left."""
        return {
            _key(user_id): msgspec.msgpack.encode(stub) for user_id, stub in self._stubs.items()
        }

    def _value(self, user_id: str) -> bytes | None:
        stub = self._stubs.get(user_id)
        return None if stub is None else msgspec.msgpack.encode(stub)


def _key(user_id: str) -> bytes:
    return STUB_PREFIX + user_id.encode()
