"""How silences end, and what every horizon would mean: the numbers of ``winback define``.

A silence begins with the last event of an active day and ends with the first of the next active
day; the last one of every user is open. The log knows how a silence went on for as long as the log
goes on after its beginning, and only such silences are counted. Silences within a day are not seen.
"""

from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.core.time import DAY_MS
from streams.replay.define_census import Ints, Mask, UserDays

Floats = NDArray[np.float64]

RECENT_DAYS: Final = 365
"""Users and alerts are counted over the last year (or half of a shorter log): as it is now."""
QUARTERS: Final = (0.25, 0.5, 0.75)
BACKSTOP: Final = 2 / 3
"""The silence, in horizons, after which the service alerts whatever the model says."""


class Silences(NamedTuple):
    """One row per active day of a user: that day, and the silence after it.

    Attributes:
        users: Number of the user; rows of a user are in order of time.
        first_ms: First event of the day, epoch ms UTC.
        last_ms: Last event of the day: the beginning of the silence.
        length_ms: Of the silence; infinite when the log ends before it.
        active_days: Active days of the user up to this one.
        totals: Active days of the user in the whole log.
        begin_ms: Begin of the log.
        end_ms: End of the log.
    """

    users: Ints
    first_ms: Ints
    last_ms: Ints
    length_ms: Floats
    active_days: Ints
    totals: Ints
    begin_ms: int
    end_ms: int


class Horizon(msgspec.Struct, frozen=True, kw_only=True):
    """What a horizon H would mean; shares are None where the log cannot tell.

    Attributes:
        days: H.
        silences: Silences that reached H, and whose next H the log knows.
        back_soon: Share of these that ended within another H: alarms about nothing.
        back_later: Share that ended later.
        not_back: Share that has not ended in the log.
        right_after: Share of the silences of H/4, H/2 and 3H/4 that went on to reach H.
        users_watched: Users with enough active days, the last less than H ago; recent mean.
        leave: Share of the watched users who do nothing in the next H.
        alerts_per_day: Recent silences that reached two thirds of H, a day: the backstop.
    """

    days: float
    silences: int
    back_soon: float | None
    back_later: float | None
    not_back: float | None
    right_after: tuple[float | None, float | None, float | None]
    users_watched: float
    leave: float | None
    alerts_per_day: float


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a least number of active days leaves."""

    min_active_days: int
    users: int
    share_of_users: float
    share_of_events: float


def silences_of(days: UserDays, begin_ms: int, end_ms: int) -> Silences:
    """Return the silences of rows that are one per user and day, in order."""
    users, first_ms, last_ms = days.users, days.first_ms, days.last_ms
    rows = len(users)
    goes_on = np.zeros(rows, np.bool_)
    goes_on[:-1] = users[1:] == users[:-1]
    length_ms = np.full(rows, np.inf)
    length_ms[:-1][goes_on[:-1]] = (first_ms[1:] - last_ms[:-1])[goes_on[:-1]]
    begins = np.flatnonzero(np.append(True, ~goes_on[:-1])) if rows else np.empty(0, np.int64)
    totals = np.diff(np.append(begins, rows))
    return Silences(
        users=users,
        first_ms=first_ms,
        last_ms=last_ms,
        length_ms=length_ms,
        active_days=np.arange(rows) - np.repeat(begins, totals) + 1,
        totals=np.repeat(totals, totals),
        begin_ms=begin_ms,
        end_ms=end_ms,
    )


def horizon(silences: Silences, days: float, min_active_days: int) -> Horizon:
    """Return what a horizon would mean for users with so many active days."""
    horizon_ms = days * DAY_MS
    begin_ms, end_ms = silences.begin_ms, silences.end_ms
    enough = silences.active_days >= min_active_days
    first_ms, last_ms = silences.first_ms[enough], silences.last_ms[enough]
    length_ms = silences.length_ms[enough]
    reached = length_ms[(last_ms <= end_ms - 2 * horizon_ms) & (length_ms >= horizon_ms)]
    known = length_ms[last_ms <= end_ms - horizon_ms]
    lost = _count(known >= horizon_ms)
    ends_ms = last_ms + length_ms
    quiet_ms = np.minimum(ends_ms, last_ms + horizon_ms)
    leaves_ms = np.minimum(ends_ms - horizon_ms, last_ms + horizon_ms)
    past = (begin_ms, end_ms - horizon_ms)
    recent = (recent_begin_ms(silences), end_ms)
    recent_ms = max(recent[1] - recent[0], 1)
    backstop = _passing(last_ms, length_ms, BACKSTOP * horizon_ms, *recent)
    return Horizon(
        days=days,
        silences=len(reached),
        back_soon=_share(_count(reached < 2 * horizon_ms), len(reached)),
        back_later=_share(_count((reached >= 2 * horizon_ms) & np.isfinite(reached)), len(reached)),
        not_back=_share(_count(np.isinf(reached)), len(reached)),
        right_after=(
            _share(lost, _count(known > QUARTERS[0] * horizon_ms)),
            _share(lost, _count(known > QUARTERS[1] * horizon_ms)),
            _share(lost, _count(known > QUARTERS[2] * horizon_ms)),
        ),
        users_watched=_within(first_ms, quiet_ms, *recent) / recent_ms,
        leave=_share(_within(last_ms, leaves_ms, *past), _within(first_ms, quiet_ms, *past)),
        alerts_per_day=backstop * DAY_MS / recent_ms,
    )


def usual_pause_days(silences: Silences, min_active_days: int, share: float) -> float | None:
    """Return the span within which so large a share of the returns of a typical user come, days.

    Every user with enough active days weighs the same, however many returns there are; else the
    few who are there every day would speak for all. None when nobody ever came back.
    """
    rows = np.isfinite(silences.length_ms) & (silences.totals >= max(min_active_days, 2))
    if not rows.any():
        return None
    lengths = silences.length_ms[rows]
    order = np.argsort(lengths, kind="stable")
    heaped = np.cumsum(1.0 / (silences.totals[rows][order] - 1.0))
    place = int(np.searchsorted(heaped, share * heaped[-1] * (1 - 1e-12)))
    return float(lengths[order][place]) / DAY_MS


def cover(silences: Silences, events: Ints, min_active_days: int) -> Cover:
    """Return whom a least number of active days leaves; ``events`` per row of the silences."""
    stays = silences.totals >= min_active_days
    users = _count(silences.active_days == 1)
    left = _count(stays & (silences.active_days == 1))
    return Cover(
        min_active_days=min_active_days,
        users=left,
        share_of_users=left / max(users, 1),
        share_of_events=float(events[stays].sum() / max(events.sum(), 1)),
    )


def recent_begin_ms(silences: Silences) -> int:
    """Return where the recent part of the log begins, epoch ms UTC."""
    span_ms = silences.end_ms - silences.begin_ms
    return silences.end_ms - min(RECENT_DAYS * DAY_MS, span_ms // 2)


def _passing(last_ms: Ints, length_ms: Floats, after_ms: float, since_ms: int, end_ms: int) -> int:
    """Count the silences that passed a length after an instant, and before the log ends."""
    at_ms = last_ms + after_ms
    return _count((length_ms >= after_ms) & (at_ms >= since_ms) & (at_ms <= end_ms))


def _count(rows: Mask) -> int:
    return int(np.count_nonzero(rows))


def _within(begins_ms: Ints, ends_ms: Floats, since_ms: float, until_ms: float) -> float:
    """Return how much of spans lies within a span, in ms together."""
    inside = np.minimum(ends_ms, until_ms) - np.maximum(begins_ms, since_ms)
    return float(np.maximum(inside, 0.0).sum())


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None
