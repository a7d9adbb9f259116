"""What a reader of event logs gives: blocks of columns, and bad rows in words."""

from typing import NamedTuple


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
    extras: list[dict[str, object]] | None

    def cut(self, begin: int, end: int) -> "Block":
        """Return the rows ``begin`` to ``end``."""
        extras = None if self.extras is None else self.extras[begin:end]
        return Block(*(column[begin:end] for column in self[:-1]), extras)  # type: ignore[arg-type, call-arg]  # Each column keeps its type.


class BadRow(NamedTuple):
    """A row that is no event: where, and what is wrong."""

    line: int
    column: str
    what: str
    hint: str
