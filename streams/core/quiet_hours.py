"""When nobody is to be disturbed: hours and days on which a channel is closed, in the user's zone.

A channel is closed in the quiet hours of the rules, outside of the hours that law or provider allow
for it, and on holidays. All three are spans of local time. Where a clock change skips one of their
edges or shows it twice, it can be read as two instants; the earlier begin and the later end count,
so that nobody is woken early.
"""

from collections.abc import Iterator
from datetime import date, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from streams.core.rulings import Ruling
from streams.core.time import DAY_MS, MINUTE_MS
from winback_sender.law.wall_time import edges, is_there

EPOCH: Final = date(1970, 1, 1).toordinal()
MINUTES: Final = DAY_MS // MINUTE_MS
HOLIDAYS_MAX: Final = 366
SPANS_MAX: Final = 4 * (HOLIDAYS_MAX + 4)
"""More closed spans than this never follow one another, unless the hours leave no time at all."""

Span = tuple[int, int, Ruling]
"""First instant that is closed, first one after it, and why; epoch ms."""


class QuietHours(msgspec.Struct, frozen=True, cache_hash=True):
    """A daily window of local wall time in which nothing is sent; it may span midnight.

    Attributes:
        start: First minute of quiet.
        end: First minute after it; equal to ``start`` means no quiet hours.
    """

    start: time
    end: time


class Closed(msgspec.Struct, frozen=True, cache_hash=True):
    """When a channel is closed.

    Attributes:
        holidays: Local dates, whole.
        quiet: The quiet hours of the rules, every day.
        outside: The hours that law or provider forbid, every day.
    """

    holidays: tuple[date, ...] = ()
    quiet: tuple[QuietHours, ...] = ()
    outside: tuple[QuietHours, ...] = ()

    def opens_daily(self) -> bool:
        """Return whether some minute of a usual day is neither quiet nor forbidden."""
        closed = {
            minute % MINUTES for hours in (*self.quiet, *self.outside) for minute in _minutes(hours)
        }
        return len(closed) < MINUTES


def closed_until(at_ms: int, zone: str, closed: Closed) -> tuple[int, Ruling] | None:
    """Return when a channel that is closed at an instant opens next, and why it is closed.

    None when it is open. What opens is open for every reason: the end of the quiet hours on a
    holiday is no end.
    """
    why = _why(at_ms, zone, closed)
    if why is None:
        return None
    until_ms, ruling = why
    for _ in range(SPANS_MAX):
        further = _why(until_ms, zone, closed)
        if further is None:
            return until_ms, ruling
        until_ms = further[0]
    raise AssertionError("a channel that never opens was not refused when the rules were read")


def _why(at_ms: int, zone: str, closed: Closed) -> tuple[int, Ruling] | None:
    """Return the end of the first span that holds an instant, and why it is closed."""
    for start_ms, end_ms, ruling in _spans(zone, closed, at_ms // DAY_MS):
        if start_ms <= at_ms < end_ms:
            return end_ms, ruling
    return None


@lru_cache(maxsize=2_048)  # Days that are asked about lie together; the past is not kept.
def _spans(zone: str, closed: Closed, day: int) -> tuple[Span, ...]:
    """Return the closed spans that touch a day of UTC, in the order in which the rules speak."""
    start_ms, end_ms = day * DAY_MS, (day + 1) * DAY_MS
    return tuple(
        span
        for span in _near(ZoneInfo(zone), closed, date.fromordinal(EPOCH + day))
        if span[0] < end_ms and start_ms < span[1]
    )


def _near(zone: tzinfo, closed: Closed, day: date) -> Iterator[Span]:
    """Yield the closed spans that begin on the local dates around a day of UTC."""
    around = (day + timedelta(days=shift) for shift in (-2, -1, 0, 1))
    dates = [local for local in around if is_there(local, zone)]
    midnight = time(0)
    for local in dates:
        if local in closed.holidays:
            yield (*edges(local, midnight, midnight, zone), Ruling.HOLIDAY)
    for windows, ruling in (
        (closed.quiet, Ruling.QUIET_HOURS),
        (closed.outside, Ruling.CHANNEL_HOURS),
    ):
        for hours in windows:
            for local in dates if hours.start != hours.end else ():
                yield (*edges(local, hours.start, hours.end, zone), ruling)


def _minutes(hours: QuietHours) -> range:
    """Return the minutes of the day that a window closes, counted on over midnight."""
    start = hours.start.hour * 60 + hours.start.minute
    end = -(-(hours.end.hour * 3_600 + hours.end.minute * 60 + hours.end.second) // 60)
    if hours.start == hours.end:
        return range(0)
    return range(start, end if hours.start < hours.end else end + MINUTES)
