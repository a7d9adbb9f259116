"""Who was erased, and until when that is remembered: pseudonyms with expiries, no names.

An event that arrives late must not bring an erased user back, so for a while nothing that comes
under the id is taken. Whoever appears under it afterwards is somebody new, of whom one thing is
still known for years: nobody writes to them before they say yes, whatever the rules presume, for
they may have said no once, and the erasure has wiped that out. Each erasure has a changelog record
of its own, so that a day of many does not make one record too large. It is written with the key of
its instant, and looked for under every key of the deployment.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from streams.core.ids import Ids
from streams.core.keys_in_use import KeysInUse
from streams.core.time import DAY_MS

ERASED_PREFIX: Final = b"\x00erased/"
ASKS_FOR_MS: Final = 3 * 365 * DAY_MS
"""So long a pseudonym is kept: shorter, and a company that presumes consent would write again to
somebody who has forbidden it; for ever would be a register of all who ever left."""
REFUSED_FOR_MS: Final = 30 * DAY_MS
"""Least time in which nothing is taken of an erased id: as long as our own topics may repeat it."""
_PURGES: Final = 16
"""Expired ones are looked for so often within the time for which they are kept."""


class Erasure(NamedTuple):
    """An erasure.

    Attributes:
        until_ms: Nothing that comes under the id is taken before.
        asks_until_ms: Whoever comes under the id after that and before this has consented to
            nothing.
    """

    until_ms: int
    asks_until_ms: int


class Erasures:
    """The erasures of a partition.

    Args:
        ids: Make the pseudonyms, also those of former keys.
        refused_for_ms: How long nothing is taken of an erased id; at least `REFUSED_FOR_MS`.

    Attributes:
        keys: Those that the partition needs.
    """

    def __init__(self, ids: Ids, refused_for_ms: int = 0) -> None:
        self._ids = ids
        self.keys = KeysInUse(ids)
        self._refused_for_ms = max(refused_for_ms, REFUSED_FOR_MS)
        self._erased: dict[str, Erasure] = {}
        self._new: dict[str, None] = {}
        self._purge_ms = 0

    def __len__(self) -> int:
        """Return the number of erased ids that are remembered."""
        return len(self._erased)

    def load(self, records: Mapping[bytes, bytes]) -> None:
        """Take over those of the changelog."""
        self._erased.update(erased_at(records))

    def add(self, user_id: str, at_ms: int) -> None:
        """Remember that a user was erased; a second time counts from then on."""
        pseudonym = self._ids.pseudonym(user_id, at_ms)
        self._erased[pseudonym] = Erasure(at_ms + self._refused_for_ms, at_ms + ASKS_FOR_MS)
        self._new[pseudonym] = None
        self.keys.need(at_ms, at_ms + ASKS_FOR_MS)

    def holds(self, user_id: str, at_ms: int) -> bool:
        """Return whether nothing is taken of an id at an instant."""
        erasure = self._of(user_id)
        return erasure is not None and erasure.until_ms > at_ms

    def asks(self, user_id: str, at_ms: int) -> bool:
        """Return whether somebody new is asked first, whatever the rules presume."""
        erasure = self._of(user_id)
        return erasure is not None and erasure.until_ms <= at_ms < erasure.asks_until_ms

    def take(self, watermark_ms: int) -> list[tuple[bytes, bytes | None]]:
        """Return the changelog records of new erasures, and tombstones of expired ones."""
        records: list[tuple[bytes, bytes | None]] = [*self._records(self._new)]
        self._new = {}
        if self._erased and watermark_ms >= self._purge_ms:
            self._purge_ms = watermark_ms + self._refused_for_ms // _PURGES
            for name in [*self._over(watermark_ms)]:
                del self._erased[name]
                records.append((_key(name), None))
        return records

    def records(self) -> dict[bytes, bytes]:
        """Return the changelog records of all that are remembered."""
        return dict(self._records(self._erased))

    def _records(self, names: Iterable[str]) -> Iterator[tuple[bytes, bytes]]:
        return ((_key(name), b"%d %d" % self._erased[name]) for name in names)

    def _of(self, user_id: str) -> Erasure | None:
        if not self._erased:
            return None
        found = map(self._erased.get, self._ids.pseudonyms(user_id))
        return next((erasure for erasure in found if erasure is not None), None)

    def _over(self, at_ms: int) -> Iterable[str]:
        return (name for name, erasure in self._erased.items() if erasure.asks_until_ms <= at_ms)


def erased_at(records: Mapping[bytes, bytes]) -> dict[str, Erasure]:
    """Return the erasures that stand in a changelog, by pseudonym."""
    return {
        key.removeprefix(ERASED_PREFIX).decode(): _erasure(value)
        for key, value in records.items()
        if key.startswith(ERASED_PREFIX)
    }


def _erasure(value: bytes) -> Erasure:
    """Return what a record says; one of before has one instant, and nobody is asked for it."""
    until, _, asks_until = value.partition(b" ")
    return Erasure(int(until), int(asks_until or until))


def _key(pseudonym: str) -> bytes:
    return ERASED_PREFIX + pseudonym.encode()
