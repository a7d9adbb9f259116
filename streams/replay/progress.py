"""A progress bar on a terminal; silence anywhere else."""

import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from streams.replay.blocks import Block
from streams.replay.files import EventLog
from streams.replay.instants import short_iso

SHOW_EVERY_S: Final = 0.1


class Progress:
    """Shows how far a pass over a log is, on stderr.

    Args:
        verb: What is being done, for example ``feeding``.
        is_quiet: Show nothing, terminal or not.
    """

    def __init__(self, verb: str, *, is_quiet: bool) -> None:
        self._bar: Bar | None = None
        self._shown_s = 0.0
        self._begin_s = time.monotonic()
        if not is_quiet and sys.stderr.isatty():
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[said]}"),
                TimeRemainingColumn(compact=True),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(verb, total=None, said="")

    def __enter__(self) -> Self:
        """Draw the bar."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wipe the bar."""
        if self._bar is not None:
            self._bar.stop()

    def seconds(self) -> float:
        """Return how long it has taken so far."""
        return max(time.monotonic() - self._begin_s, 0.001)

    def show(self, done: tuple[int, int | None], events: int, at_ms: int) -> None:
        """Move the bar; cheap enough to be called for every slice.

        Args:
            done: Bytes read and bytes in all, None if that is not known.
            events: Events so far.
            at_ms: Event time reached, epoch ms UTC.
        """
        now_s = time.monotonic()
        if self._bar is None or now_s - self._shown_s < SHOW_EVERY_S:
            return
        self._shown_s = now_s
        rate = events / max(now_s - self._begin_s, 0.001)
        said = f"{short_iso(at_ms)[:10]}  {events:,} events  {rate:,.0f}/s"
        self._bar.update(self._task, completed=done[0], total=done[1], said=said)

    def share(self, done: float) -> None:
        """Move the bar of what follows the log: batch jobs being fitted, 0 to 1."""
        if self._bar is not None:
            said = "fitting batch models"
            self._bar.update(self._task, completed=done * 1_000, total=1_000, said=said)

    def part(self, done: float, total: int, said: str) -> None:
        """Move the bar of what is no log: so many parts done of all, and which one is under way."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, said=said)


def shown(log: EventLog, progress: Progress) -> Iterator[Block]:
    """Yield the blocks of a log and move the bar as they are done."""
    events = 0
    for block in log.blocks():
        yield block
        events += len(block.rows)
        progress.show(log.progress, events, block.times_ms[-1])
