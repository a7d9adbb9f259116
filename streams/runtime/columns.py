"""Consecutive records of one partition as columns: no object per record."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from streams.core.decoded import Headers, Rejected, RejectReason

if TYPE_CHECKING:
    from streams.intake.bulk import Bulk

T = TypeVar("T")

BAD_HEADER: Final = Rejected(RejectReason.BAD_HEADER, "the name of a header is not UTF-8")


@dataclass(slots=True)
class Columns:
    """Consecutive records of one partition, and how far the reader has come.

    Attributes:
        start: Offset at which the read began; a hole between two reads is records lost.
        next_offset: Where the next read begins; beyond the last record when markers of
            transactions or compacted records follow it.
        keys: Raw keys.
        values: Raw values; None is a tombstone.
        offsets: Offset of each record, ascending.
        timestamps_ms: Record timestamp of each record, epoch ms UTC.
        headers: Headers of each record; None = they are not needed of this topic.
        unreadable: Offsets of records of which a header's name is no text; also others'.
    """

    start: int
    next_offset: int
    keys: list[bytes | None]
    values: list[bytes | None]
    offsets: list[int]
    timestamps_ms: list[int]
    headers: list[Headers] | None = None
    unreadable: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def size(self) -> int:
        """Bytes of the values."""
        return sum(len(value) for value in self.values if value)

    def head(self, count: int) -> "Columns":
        """Return the first records, fewer than all; the next one is where a read would go on."""
        return self.part(0, count, self.start, self.offsets[count])

    def part(self, low: int, high: int | None, start: int, next_offset: int) -> "Columns":
        """Return the records of these places, as if from these offsets."""
        here = slice(low, high)
        return Columns(
            start, next_offset, self.keys[here], self.values[here], self.offsets[here],
            self.timestamps_ms[here], None if self.headers is None else self.headers[here],
            self.unreadable,
        )  # fmt: skip

    def read(self, bulk: "Bulk[T]") -> "Sequence[T | Rejected]":
        """Return what each record comes to; one with a header that has no name is refused."""
        said = bulk.all(self.keys, self.values, self.timestamps_ms, self.headers)
        if not self.unreadable:
            return said
        found: list[T | Rejected] = list(said)
        for offset in self.unreadable:
            place = bisect_left(self.offsets, offset)
            if self.offsets[place : place + 1] == [offset]:
                found[place] = BAD_HEADER
        return found

    def pieces(self, size_max: int) -> Iterator["Columns"]:
        """Cut into pieces of at most ``size_max`` records; together they cover the same offsets."""
        count = len(self.offsets)
        if count <= size_max:
            yield self
            return
        start = self.start
        for low in range(0, count, size_max):
            high = low + size_max
            next_offset = self.next_offset if high >= count else self.offsets[high]
            yield self.part(low, high, start, next_offset)
            start = next_offset


@dataclass(slots=True)
class Chunk:
    """Consecutive records of one partition of a source topic.

    Attributes:
        topic: Its name.
        partition: Number of the partition.
        columns: The records.
        generation: Of the group in which they were fetched.
        seek: How often the consumer had sought until then.
    """

    topic: str
    partition: int
    columns: Columns
    generation: int
    seek: int = 0

    def __len__(self) -> int:
        return len(self.columns)


class LostRecordsError(Exception):
    """Records were deleted from the source before they were read."""


def unseen(columns: Columns, applied: int) -> Columns:
    """Return what lies at or beyond the applied offset.

    Raises:
        LostRecordsError: There is a hole between what was applied and these records.
    """
    if columns.start > applied:
        raise LostRecordsError(
            f"applied up to {applied}, but the next read began at {columns.start}"
        )
    if columns.start == applied:
        return columns
    first = bisect_left(columns.offsets, applied)
    return columns.part(first, None, applied, max(columns.next_offset, applied))
