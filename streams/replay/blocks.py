"""What a reader of event logs gives: blocks of columns, and bad rows in words."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple


class Block(NamedTuple):
    """Rows of a log as columns of equal length.

    Attributes:
        rows: Number of each row in the file; 1 is the first row of data.
        event_ids: Given by the log, else ``<file name>:<row>``.
        user_ids: Never empty.
        times_ms: Event time, epoch ms UTC.
        events: What the user did, never empty.
        amounts: Finite numbers; None where the log gives none.
        extras: Per row currency and ``properties`` (further columns); None if no row has any.
    """

    rows: list[int]
    event_ids: list[str]
    user_ids: list[str]
    times_ms: list[int]
    events: list[str]
    amounts: list[float | None]
    extras: list[dict[str, Any]] | None

    def cut(self, begin: int, end: int) -> "Block":
        """Return the rows from ``begin`` up to ``end``."""
        return Block(
            rows=self.rows[begin:end],
            event_ids=self.event_ids[begin:end],
            user_ids=self.user_ids[begin:end],
            times_ms=self.times_ms[begin:end],
            events=self.events[begin:end],
            amounts=self.amounts[begin:end],
            extras=None if self.extras is None else self.extras[begin:end],
        )

    def picked(self, rows: Sequence[int]) -> "Block":
        """Return some of the rows, by their place in the block."""
        return Block(
            rows=[self.rows[row] for row in rows],
            event_ids=[self.event_ids[row] for row in rows],
            user_ids=[self.user_ids[row] for row in rows],
            times_ms=[self.times_ms[row] for row in rows],
            events=[self.events[row] for row in rows],
            amounts=[self.amounts[row] for row in rows],
            extras=None if self.extras is None else [self.extras[row] for row in rows],
        )


class BadRow(NamedTuple):
    """A row that is no event: where, and what is wrong."""

    line: int
    column: str
    what: str
    hint: str


class Window(NamedTuple):
    """Which rows of a log are wanted.

    Attributes:
        since_ms: The first instant.
        until_ms: The first instant that is not wanted any more.
        limit: At most so many rows.
        from_row: Number of the first row; 1 is the first row of data.
    """

    since_ms: int | None = None
    until_ms: int | None = None
    limit: int | None = None
    from_row: int = 1

    def of(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Yield what of the blocks lies in the window; stops reading when nothing more can."""
        left = self.limit
        for block in blocks:
            wanted = block if self._has_all(block) else block.picked(self._rows(block))
            if left is not None:
                wanted = wanted.cut(0, left)
                left -= len(wanted.rows)
            if wanted.rows:
                yield wanted
            if left == 0:
                return

    def _has_all(self, block: Block) -> bool:
        since, until = self.since_ms, self.until_ms
        return (
            block.rows[0] >= self.from_row
            and (since is None or min(block.times_ms) >= since)
            and (until is None or max(block.times_ms) < until)
        )

    def _rows(self, block: Block) -> list[int]:
        since = -math.inf if self.since_ms is None else self.since_ms
        until = math.inf if self.until_ms is None else self.until_ms
        return [
            place
            for place, (row, at_ms) in enumerate(zip(block.rows, block.times_ms, strict=True))
            if row >= self.from_row and since <= at_ms < until
        ]
