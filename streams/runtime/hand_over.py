"""Where a history ends in the live topic: there its workers begin, so nothing is missing or twice.

A record of the topic is known if the history has its event: by its id, or, where ids differ, by its
time (`--until`). A partition is handed over at its first record that is not known. Known ones
behind it, for producers do not write in order of time, meet the ring of ids that every user keeps;
it is checked that they do.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_digest, xxh3_64_intdigest

from streams.core.state import DIGEST_BYTES, decode
from streams.errors import UserError

U64 = NDArray[np.uint64]
ANY_TIME: Final = 0


class Waiting(NamedTuple):
    """A record of the topic.

    Attributes:
        partition: Of the topic.
        offset: Of the record.
        user_id: Whose; empty = nobody's, or it is no event: it is left to the worker.
        event_id: Given by the producer.
        at_ms: Event time, epoch ms UTC.
        counts: Whether to apply it twice would change anything.
    """

    partition: int
    offset: int
    user_id: str = ""
    event_id: str = ""
    at_ms: int = ANY_TIME
    counts: bool = False


class Shelf:
    """The records of one partition.

    Args:
        begin: Offset of the oldest record.
        end: Offset after the newest record.
    """

    def __init__(self, begin: int, end: int) -> None:
        self.begin, self.end = begin, end
        self.offsets: list[int] = []
        self.digests: list[int] = []
        self.at_ms: list[int] = []
        self.is_plain: list[bool] = []

    def put(self, record: Waiting) -> None:
        """Add a record, in their order."""
        self.offsets.append(record.offset)
        self.digests.append(_digest(record.user_id, record.event_id))
        self.at_ms.append(record.at_ms)
        self.is_plain.append(bool(record.user_id))


class Border(NamedTuple):
    """Where a partition is handed over.

    Attributes:
        offset: With which the worker begins.
        known: Records before it that the history has.
        behind: Records behind it that the history has as well.
        strange: Records that are no younger than the history, and not in it.
        may_lack: Records may be gone between the end of the history and the oldest one.
    """

    offset: int
    known: int
    behind: int
    strange: int
    may_lack: bool


class Overlap:
    """What the topic and the history have in common.

    Args:
        shelves: Partition to its records.
        until_ms: The history ends before this instant, and all older records are in it; None =
            records are known by their ids.
    """

    def __init__(self, shelves: Mapping[int, Shelf], until_ms: int | None = None) -> None:
        self._shelves, self._until_ms = shelves, until_ms
        found = [each for shelf in shelves.values() for each in shelf.digests]
        self._digests: U64 = np.unique(np.array(found, np.uint64))
        self._seen = np.zeros(len(self._digests), bool)
        times = [at for shelf in shelves.values() for at in shelf.at_ms if at]
        self._oldest_ms = min(times, default=None)

    def mark(
        self, user_ids: Sequence[str], event_ids: Sequence[str], times_ms: Sequence[int]
    ) -> None:
        """Note rows of the history, in order of time."""
        if self._until_ms is not None or self._oldest_ms is None or times_ms[-1] < self._oldest_ms:
            return
        digests = np.fromiter(map(_digest, user_ids, event_ids), np.uint64, len(user_ids))
        self._seen[self._places(digests)] = True

    def has(self, record: Waiting) -> bool:
        """Return whether the history has the event of a record."""
        if self._until_ms is not None:
            return record.at_ms < self._until_ms
        digest = np.array([_digest(record.user_id, record.event_id)], np.uint64)
        return bool(self._seen[self._places(digest)].any())

    def _places(self, digests: U64) -> NDArray[np.intp]:
        places = np.searchsorted(self._digests, digests)
        places[places == len(self._digests)] = 0
        return places[self._digests[places] == digests] if len(self._digests) else places[:0]

    def borders(self, newest_ms: int) -> dict[int, Border]:
        """Return where each partition is handed over.

        Args:
            newest_ms: Event time up to which the history goes.
        """
        return {number: self._border(shelf, newest_ms) for number, shelf in self._shelves.items()}

    def _border(self, shelf: Shelf, newest_ms: int) -> Border:
        is_plain, at_ms = np.array(shelf.is_plain, bool), np.array(shelf.at_ms, np.int64)
        if self._until_ms is not None:
            is_known = is_plain & (at_ms < self._until_ms)
        else:
            places = np.searchsorted(self._digests, np.array(shelf.digests, np.uint64))
            is_known = is_plain & self._seen[places]
        is_new = is_plain & ~is_known
        first = int(np.argmax(is_new)) if is_new.any() else len(is_new)
        behind = int(is_known[first:].sum())
        while first and not is_plain[first - 1]:  # What is no event is the worker's to judge.
            first -= 1
        return Border(
            offset=shelf.offsets[first] if first < len(is_new) else shelf.end,
            known=int(is_known[:first].sum()),
            behind=behind,
            strange=int((is_new & (at_ms <= newest_ms)).sum()),
            may_lack=shelf.begin > 0 and not is_known.any(),
        )


def doubled(
    records: Iterable[Waiting], overlap: Overlap, value_of: Callable[[str], bytes | None]
) -> int:
    """Return how many known records would count twice: the ring of their user forgets them.

    Args:
        records: From the border on, in the order of each partition.
        overlap: Says which are known.
        value_of: Returns the state of a user at the end of the history.
    """
    news: Counter[str] = Counter()
    count = 0
    for record in records:
        if not record.user_id:
            continue
        if not overlap.has(record):
            news[record.user_id] += 1
        elif record.counts:
            count += _place_in_ring(record, value_of(record.user_id)) < news[record.user_id]
    return count


def _place_in_ring(record: Waiting, value: bytes | None) -> int:
    """Return after how many newer events a user forgets one; -1 = it is forgotten already."""
    ring = b"" if value is None else decode(value).ring
    ids = [ring[at : at + DIGEST_BYTES] for at in range(0, len(ring), DIGEST_BYTES)]
    digest = xxh3_64_digest(record.event_id.encode())
    return ids.index(digest) if digest in ids else -1


def demand_sound(
    borders: Mapping[int, Border], topic: str, *, twice: int, may_lack: bool, by_time: bool
) -> None:
    """Refuse a hand-over that could lose or double an event.

    Args:
        borders: Where it would be.
        topic: Its name.
        twice: Known records behind the borders that would count twice.
        may_lack: The operator takes a gap.
        by_time: Records are known by their time.

    Raises:
        UserError: It could.
    """
    known = sum(border.known + border.behind for border in borders.values())
    strange = sum(border.strange for border in borders.values())
    if strange and not known and not by_time:
        raise UserError(
            f"{strange:,} records of {topic} are no younger than the history, and none of them is "
            "in it by its id",
            "If ids differ, say at which instant the one ends and the other begins: --until",
        )
    if twice:
        raise UserError(
            f"{twice:,} records of {topic} that the history has lie behind new ones of the same "
            "users, and would count twice",
            "Let the history end earlier, in a quiet hour: --until",
        )
    lacking = [number for number, border in sorted(borders.items()) if border.may_lack]
    if lacking and not may_lack:
        raise UserError(
            f"the oldest records of {topic} are gone, and none of what is left in partitions "
            f"{lacking} is in the history: what was between is perhaps in neither",
            "Give a history that reaches into the topic; or take the gap: --accept-gap",
        )


def _digest(user_id: str, event_id: str) -> int:
    return xxh3_64_intdigest(f"{user_id}\0{event_id}".encode())
