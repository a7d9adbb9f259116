"""Local wall time: windows of a day as instants, also where the clock is put forward or back."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, tzinfo


def edges(local: date, start: time, end: time, zone: tzinfo) -> tuple[int, int]:
    """Return the instants at which a window that begins on a local date begins and ends, epoch ms.

    A window whose end is not after its start ends on the next day. Where the clock stands twice on
    an edge, or jumps over it, the window is as long as it can be.
    """
    last = local if start < end else local + timedelta(days=1)
    return min(_readings(local, start, zone)), max(_readings(last, end, zone))


def is_there(local: date, zone: tzinfo) -> bool:
    """Return whether a date happens in a zone: Samoa went from 29 to 31 December 2011."""
    return any(
        datetime.fromtimestamp(at_ms / 1_000, zone).date() == local
        for at_ms in _readings(local, time(12), zone)
    )


def _readings(local: date, clock: time, zone: tzinfo) -> Iterable[int]:
    """Return both instants that a local wall time may mean; mostly they are the same."""
    for fold in (0, 1):
        moment = datetime.combine(local, clock.replace(fold=fold), zone)
        yield round(moment.timestamp() * 1_000)
