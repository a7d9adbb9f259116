"""Quiet hours: when nobody is to be disturbed, in the user's own time zone."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec


class QuietHours(msgspec.Struct, frozen=True):
    """A daily window of local wall time in which nothing is sent; it may span midnight.

    Attributes:
        start: First minute of quiet.
        end: First minute after it; equal to ``start`` means no quiet hours.
    """

    start: time
    end: time


def quiet_until_ms(at_ms: int, zone: str, quiet: QuietHours) -> int | None:
    """Return when the quiet hours that hold at an instant end, or None when they do not hold.

    The end is a local wall time. Where a clock change skips it or shows it twice, it can be read as
    two instants; the later one counts, so that nobody is woken early.
    """
    if quiet.start == quiet.end:
        return None
    tz = ZoneInfo(zone)
    local = datetime.fromtimestamp(at_ms / 1_000, tz)
    clock = local.time().replace(tzinfo=None)
    if quiet.start < quiet.end:
        is_quiet, is_tomorrow = quiet.start <= clock < quiet.end, False
    else:
        is_quiet, is_tomorrow = clock >= quiet.start or clock < quiet.end, clock >= quiet.start
    if not is_quiet:
        return None
    day = local.date() + timedelta(days=1 if is_tomorrow else 0)
    end = datetime.combine(day, quiet.end, tz)
    ends = (end.replace(fold=0), end.replace(fold=1))
    return max(at_ms + 1, *(round(end.timestamp() * 1_000) for end in ends))
