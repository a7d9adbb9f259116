"""The calendar of a log: how fine its times are, where it was blind, when its users sleep."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.core.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from streams.replay.define_census import Ints, UserDays

TICKS: Final = (
    (DAY_MS, "day"),
    (HOUR_MS, "hour"),
    (MINUTE_MS, "minute"),
    (SECOND_MS, "second"),
    (1, "millisecond"),
)
UNKNOWN: Final = "unknown"
LIKE_DAYS: Final = 8
"""A day without anybody is held against so many of the nearest equal weekdays on either side."""
USERS_LEAST: Final = 5
"""The quietest of them must have had so many users, else the silence may be chance."""
EMPTY_MOST: Final = 0.25
"""If more of them were empty as well, it is the rhythm of the business: a closed day."""
NIGHT_HOURS: Final = 6
NIGHT_MOST: Final = 0.5
"""The quiet hours must have less than half of the events of as many ordinary hours."""
NIGHT_MIDDLE: Final = 4.0
"""People are quietest around four o'clock of their own night."""


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """Days on which nobody did anything, though many were expected.

    Attributes:
        begin_ms: The first instant, epoch ms UTC.
        end_ms: The first instant that is not in it any more.
        users_expected: Users on an ordinary day around.
    """

    begin_ms: int
    end_ms: int
    users_expected: int


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """The quiet hours of the day.

    Attributes:
        begin_hour: Hour of the day, UTC.
        end_hour: Hour of the day, UTC.
        utc_offset: Where it is night then: hours ahead of UTC.
    """

    begin_hour: int
    end_hour: int
    utc_offset: int


def resolution(tick_ms: int) -> str:
    """Return how fine the times are: the unit of which whole numbers lie between any two."""
    if not tick_ms:
        return UNKNOWN
    return next(name for unit_ms, name in TICKS if tick_ms % unit_ms == 0)


def outages(days: UserDays) -> list[Outage]:
    """Return the days on which the log seems to have been blind; rows are one per user and day."""
    if not len(days.users):
        return []
    stamps = days.first_ms // DAY_MS
    first_day = int(stamps.min())
    users = np.bincount(stamps - first_day)
    found: list[Outage] = []
    for begin, end in _empty_runs(users):
        expected = _expected(users, begin, end)
        if expected is not None:
            begin_ms, end_ms = ((first_day + day) * DAY_MS for day in (begin, end))
            found.append(Outage(begin_ms=begin_ms, end_ms=end_ms, users_expected=expected))
    return found


def without(times_ms: Ints, blind: list[Outage]) -> Ints:
    """Return instants on a clock that stands still while the log was blind."""
    left = times_ms.copy()
    for outage in blind:
        left -= np.clip(times_ms - outage.begin_ms, 0, outage.end_ms - outage.begin_ms)
    return left


def night(hours: Ints) -> Night | None:
    """Return the quiet hours of the day; None when there are none, or times are days.

    Args:
        hours: Shape (24,): events per hour of the day, UTC.
    """
    total = int(hours.sum())
    if np.count_nonzero(hours) < len(hours) // 2:
        return None
    ring = np.concatenate((hours, hours[: NIGHT_HOURS - 1]))
    quiet = np.convolve(ring, np.ones(NIGHT_HOURS, np.int64), "valid")
    begin = int(np.argmin(quiet))
    if quiet[begin] > NIGHT_MOST * total * NIGHT_HOURS / len(hours):
        return None
    offset = round(NIGHT_MIDDLE - (begin + NIGHT_HOURS / 2))
    return Night(
        begin_hour=begin,
        end_hour=(begin + NIGHT_HOURS) % 24,
        utc_offset=(offset + 11) % 24 - 11,
    )


def _empty_runs(users: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Return the runs of days without anybody, as (first day, first day after)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], users == 0, [0]))))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]


def _expected(users: NDArray[np.intp], begin: int, end: int) -> int | None:
    """Return how many users an ordinary day around has; None when nobody may be chance."""
    before = np.arange(begin - 1, -1, -1)
    after = np.arange(end, len(users))
    weekdays = np.unique(np.arange(begin, min(end, begin + 7)) % 7)
    usual: list[float] = []
    for weekday in weekdays:
        like = np.concatenate([
            users[side[side % 7 == weekday][:LIKE_DAYS]] for side in (before, after)
        ])  # fmt: skip
        if len(like) < LIKE_DAYS or np.mean(like == 0) > EMPTY_MOST:
            return None
        there = like[like > 0]
        if there.min() < USERS_LEAST:
            return None
        usual.append(float(np.median(there)))
    return round(float(np.mean(usual)))
