"""Coverage: what the source may have missed of each user, and silence without it.

Two things are missing from a log: spans in which the source logged nothing of anybody (an outage),
and the span in which one user is not observed (a course, a contract or a season ticket has ended or
pauses), which stands in the user's own numbers. Both are no time at all to everything that measures
silence: the numbers of a user are taken with the last and the first activity moved by what was lost
since. Where nothing is missing, nothing is computed.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.features import Rhythm
from streams.core.outages import NEVER, Outages, Span
from streams.core.state import Column
from streams.core.time import DAY_MS

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LAST: Final = 8 * Rhythm.LAST


TOO_MANY_OUTAGES: Final = "skipped_outage"
"""Counted: an outage more than a partition keeps."""
OUTAGES_MAX: Final = 1_000
"""Announced outages; each stands in the partition's record, and all are gone through."""


class Coverage:
    """The gaps of one partition.

    Attributes:
        announced: Begin to end of the outages that were announced, epoch ms; a later word about
            the same begin replaces the former.
        has_pauses: Whether a user may have a span of its own in which it is not observed.
    """

    def __init__(self, fixed: Iterable[Span] = ()) -> None:
        """Args: ``fixed``: outages that the rules name."""
        self._fixed = tuple(fixed)
        self.announced: dict[float, float] = {}
        self.has_pauses = False
        self._outages = Outages(self._fixed)

    def fix(self, spans: Iterable[Span]) -> None:
        """Take over the outages that the rules name now."""
        self._fixed = tuple(spans)
        self.announce({})

    def announce(self, spans: Mapping[float, float]) -> None:
        """Take note of outages; an end that is not after its begin takes the outage back."""
        self.announced |= spans
        self.announced = {start: end for start, end in self.announced.items() if end > start}
        self._outages = Outages((*self._fixed, *self.announced.items()))

    def has_room(self, start_ms: float) -> bool:
        """Return whether an outage may be announced: it is known already, or there are few."""
        return start_ms in self.announced or len(self.announced) < OUTAGES_MAX

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing of anybody."""
        return not self._outages and not self.has_pauses

    @property
    def has_outages(self) -> bool:
        """Whether something is missing of everybody."""
        return bool(self._outages)

    def outage_ms(self, since_ms: F64, until_ms: float) -> F64:
        """Return the ms that are missing of everybody since, shape (users,)."""
        return self._outages.lost(since_ms, np.full(len(since_ms), until_ms))

    def lost(self, heads: F64, since_ms: F64, until_ms: F64) -> F64:
        """Return the ms that are missing of each user between two finite instants, shape (users,).

        Args:
            heads: Shape (users, WIDTH).
            since_ms: Shape (users,).
            until_ms: Shape (users,).
        """
        lost = self._outages.lost(since_ms, until_ms)
        if self.has_pauses:
            end = np.minimum(until_ms, heads[:, Column.AWAY_TO])
            start = np.minimum(np.maximum(since_ms, heads[:, Column.AWAY_FROM]), end)
            lost += end - start - self._outages.lost(start, end)
        return lost

    def is_seen(self, heads: F64, since_ms: F64, until_ms: F64) -> Flags:
        """Return of whom nothing is missing between two finite instants, shape (users,)."""
        if self.is_whole:
            return np.ones(len(heads), np.bool_)
        seen: Flags = self.lost(heads, since_ms, until_ms) == 0.0
        return seen

    def is_clear(self, since_ms: F64, until_ms: F64 | float) -> Flags:
        """Return which spans no outage touches; none is clear where users pause.

        Args:
            since_ms: Shape (spans,).
            until_ms: Shape (spans,), or one for all.
        """
        if self.has_pauses:
            return np.zeros(len(since_ms), np.bool_)
        clear: Flags = self._outages.until(since_ms) > until_ms
        return clear

    def postponed(self, deadlines: F64, since_ms: F64) -> F64:
        """Return deadlines; those behind the next outage are looked for at its end.

        Args:
            deadlines: Shape (users,), as if nothing were missing.
            since_ms: Shape (users,): live instants.
        """
        until = self._outages.until(since_ms)
        return np.where(deadlines > until, self._outages.resume(until + 1.0), deadlines)

    def last(self, heads: F64, at_ms: F64) -> F64:
        """Return the last activity of users, moved by what was lost since, shape (users,)."""
        last: F64 = heads[:, Rhythm.LAST]
        return last if self.is_whole else last + self.lost(heads, last, at_ms)

    def moved(self, heads: F64, at_ms: F64) -> F64:
        """Return the numbers of users as if what is missing had been no time at all.

        Args:
            heads: Shape (users, WIDTH); not changed.
            at_ms: Shape (users,): when they are looked at.
        """
        if self.is_whole:
            return heads
        moved = heads.copy()
        for column in (Rhythm.FIRST, Rhythm.LAST):
            moved[:, column] += self.lost(heads, heads[:, column], at_ms)
        return moved

    def joined(self, values: list[bytes], heads: F64, at_ms: F64) -> tuple[list[bytes], F64]:
        """Return users just before an activity, their last one moved by what was lost since.

        It stays before the day of the activity if it was: days of activity are those of the
        calendar.

        Args:
            values: Shape (users,): their changelog values.
            heads: Shape (users, WIDTH): the numbers of these.
            at_ms: Shape (users,): when the activities are.
        """
        was = heads[:, Rhythm.LAST]
        last, today = self.last(heads, at_ms), np.floor(at_ms / DAY_MS) * DAY_MS
        last = np.where(was < today, np.minimum(last, today - 1.0), last)
        places = np.flatnonzero(last > was)
        if not len(places):
            return values, heads
        values, heads = values.copy(), heads.copy()
        heads[places, Rhythm.LAST] = last[places]
        for place in places.tolist():
            value = values[place]
            values[place] = value[:_LAST] + last[place].tobytes() + value[_LAST + 8 :]
        return values, heads

    def look_for_pauses(self, heads: F64) -> None:
        """Find out whether one of these users has a span in which it is not observed."""
        self.has_pauses |= bool((heads[:, Column.AWAY_FROM] < NEVER).any())

    def record(self) -> tuple[tuple[int, int | None], ...]:
        """Return what was announced, as the partition record keeps it."""
        return tuple(
            (int(start), None if end == NEVER else int(end))
            for start, end in sorted(self.announced.items())
        )

    # -- live instants

    def is_live(self, heads: F64, at_ms: F64) -> Flags:
        """Return at which instants timers fire and users are alerted, shape (users,)."""
        if self.is_whole:
            return np.ones(len(heads), np.bool_)
        live: Flags = self.resume(heads, at_ms) == at_ms
        return live

    def resume(self, heads: F64, at_ms: F64) -> F64:
        """Return each user's first live instant from ``at_ms`` on; infinity when there is none."""
        resumed = self._outages.resume(at_ms)
        if self.has_pauses:
            away_from, away_to = heads[:, Column.AWAY_FROM], heads[:, Column.AWAY_TO]
            is_away = (away_from < resumed) & (resumed <= away_to)
            resumed = np.where(is_away, away_to + 1.0, resumed)
            resumed = self._outages.resume(resumed)
        return resumed

    def until(self, heads: F64, at_ms: F64) -> F64:
        """Return the last instant of the live stretch that each user's live ``at_ms`` is in."""
        if self.is_whole:
            return np.full(len(heads), NEVER)
        until = self._outages.until(at_ms)
        if self.has_pauses:
            away_from = heads[:, Column.AWAY_FROM]
            until = np.where(away_from >= at_ms, np.minimum(until, away_from), until)
        return until
