"""Who was erased, and until when that is remembered: pseudonyms with an expiry, no names.

An event that arrives late must not bring an erased user back. Each erasure has a changelog record
of its own, so that a day of many does not make one record too large.
"""

from collections.abc import Mapping
from typing import Final

from streams.core.ids import Ids

ERASED_PREFIX: Final = b"\x00erased/"


class Erasures:
    """The erasures of a partition."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._until_ms: dict[str, int] = {}
        self._new: list[str] = []

    def load(self, records: Mapping[bytes, bytes]) -> None:
        """Take over those of the changelog."""
        for key, value in records.items():
            if key.startswith(ERASED_PREFIX):
                self._until_ms[key.removeprefix(ERASED_PREFIX).decode()] = int(value)

    def add(self, user_id: str, until_ms: int) -> None:
        """Remember that a user was erased."""
        pseudonym = self._ids.pseudonym(user_id)
        self._until_ms[pseudonym] = until_ms
        self._new.append(pseudonym)

    def holds(self, user_id: str, at_ms: int) -> bool:
        """Return whether a user is erased at an instant."""
        if not self._until_ms:
            return False
        return self._until_ms.get(self._ids.pseudonym(user_id), 0) > at_ms

    def take(self, watermark_ms: int) -> list[tuple[bytes, bytes | None]]:
        """Return the changelog records of new erasures, and tombstones of expired ones."""
        over = [name for name, until_ms in self._until_ms.items() if until_ms <= watermark_ms]
        kept = [name for name in self._new if self._until_ms[name] > watermark_ms]
        self._new = []
        records: list[tuple[bytes, bytes | None]] = []
        for name in over:
            del self._until_ms[name]
            records.append((_key(name), None))
        records += [(_key(name), b"%d" % self._until_ms[name]) for name in kept]
        return records


def _key(pseudonym: str) -> bytes:
    return ERASED_PREFIX + pseudonym.encode()
