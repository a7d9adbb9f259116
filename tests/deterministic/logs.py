"""What a broker keeps: logs with offsets, transactions in them, and markers where they end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from streams.runtime.columns import Columns

Place = tuple[str, int]
"""Topic and partition."""
Said = tuple[bytes | None, bytes | None, list[tuple[str, bytes]], int]
"""Key, value, headers and timestamp of a record."""


class State(Enum):
    """How far a transaction has come; its records count when it is committed."""

    OPEN = auto()
    COMMITTED = auto()
    ABORTED = auto()


@dataclass(eq=False)
class Transaction:
    """Records in several logs, of which all count or none."""

    state: State = State.OPEN
    unmarked: set[Place] = field(default_factory=set)
    """Logs in which its end does not stand yet."""


class Entry(NamedTuple):
    """What stands at one offset."""

    said: Said | None
    """None is the marker at the end of a transaction."""
    transaction: Transaction | None
    seconds: float
    """Virtual time of its arrival."""


class Log:
    """The log of one partition."""

    def __init__(self) -> None:
        self.begin = 0
        self.entries: list[Entry | None] = []
        self._open: dict[Transaction, int] = {}

    @property
    def end(self) -> int:
        """The next offset."""
        return len(self.entries)

    @property
    def stable_end(self) -> int:
        """Up to where readers of what is committed may read."""
        return min(self._open.values(), default=len(self.entries))

    def append(
        self, records: Sequence[Said], seconds: float, transaction: Transaction | None = None
    ) -> None:
        """Add records; those of an open transaction hold readers up."""
        if transaction is not None and transaction not in self._open:
            self._open[transaction] = len(self.entries)
        self.entries += [Entry(said, transaction, seconds) for said in records]

    def mark(self, transaction: Transaction, seconds: float) -> None:
        """Write down that a transaction is over."""
        if self._open.pop(transaction, None) is not None:
            self.entries.append(Entry(None, transaction, seconds))

    def read(self, offset: int, count: int, *, with_headers: bool = False) -> Columns:
        """Return what is committed from an offset on, of at most so many entries."""
        start = max(offset, self.begin)
        stop = min(self.stable_end, start + count)
        columns = Columns(start, max(start, stop), [], [], [], [], [] if with_headers else None)
        for at in range(start, stop):
            said = self._committed(at)
            if said is not None:
                columns.keys.append(said[0])
                columns.values.append(said[1])
                columns.offsets.append(at)
                columns.timestamps_ms.append(said[3])
                if columns.headers is not None:
                    columns.headers.append(said[2])
        return columns

    def _committed(self, at: int) -> Said | None:
        entry = self.entries[at]
        if entry is None:
            return None
        transaction = entry.transaction
        is_in = transaction is None or transaction.state is State.COMMITTED
        return entry.said if is_in else None

    def committed(self) -> Iterator[tuple[int, Said]]:
        """Yield offset and record of all that is committed and still there."""
        for at in range(self.begin, self.stable_end):
            said = self._committed(at)
            if said is not None:
                yield at, said

    def decided_end_at(self, seconds: float) -> int:
        """Return behind the last record that readers could read at an instant of virtual time.

        A record of a transaction can be read from its marker on.
        """
        end = 0
        marked_s = {
            entry.transaction: entry.seconds
            for entry in self.entries
            if entry is not None and entry.said is None
        }
        for at, entry in enumerate(self.entries):
            if entry is None or entry.said is None:
                continue
            is_alone = entry.transaction is None
            seen_s = entry.seconds if is_alone else marked_s.get(entry.transaction, float("inf"))
            if seen_s >= seconds:
                break  # What is open holds up what follows.
            if self._committed(at) is not None:
                end = at + 1
        return end

    def compact(self, *, keep: int, deleted_before_s: float) -> None:
        """Leave the newest committed record of each key; the last ``keep`` entries are not touched.

        A tombstone stays until it is old enough; markers go, and what never counted.
        """
        newest: dict[bytes | None, int] = {said[0]: at for at, said in self.committed()}
        for at in range(min(self.stable_end, len(self.entries) - keep)):
            said, entry = self._committed(at), self.entries[at]
            is_newest = said is not None and newest[said[0]] == at
            is_over = (
                said is not None
                and said[1] is None
                and (entry is None or entry.seconds < deleted_before_s)
            )
            if not is_newest or is_over:
                self.entries[at] = None

    def content(self) -> dict[bytes, bytes]:
        """Return the newest value of every key that was not deleted."""
        found = {said[0]: said[1] for _, said in self.committed()}
        return {key: value for key, value in found.items() if key and value is not None}
