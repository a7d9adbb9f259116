"""Timers: deadlines computed from the stored state, for many users at once.

Nothing about a timer is stored but what the state says anyway, so a million silent users cost one
column of numbers. A user's deadlines are

grid
    Every period Δ, at the user's own phase: an example is completed.
check
    Every H/30 of silence until H: the user is scored again.
backstop, marks
    Silence of the backstop, of H and of 2H.
due
    The next action of an open case, the answer to an exposure, a touch to be given up.

Silence is measured without what the source missed (`streams.core.coverage`): between two outages
it is the plain difference from a last activity that was moved, and whatever asks for many instants
at once stays between two outages. No deadline lies within one; what comes behind the next outage is
looked for at its end.

All spans are whole milliseconds, and float64 is exact for them, so ``==`` means equal.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.features import SLOTS_PER_HORIZON, Rhythm
from streams.core.coverage import Coverage
from streams.core.rules import Rules
from streams.core.state import NEVER, Column
from streams.kernel.library import RuleNumbers, kernel

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]


class Firing(NamedTuple):
    """What the deadlines that have been reached ask for; each field has shape (users,).

    Attributes:
        grid: An example may be completed.
        scored: The user is to be scored: a check, or the backstop.
        backstop: The silence backstop is reached.
        timer: A mark of silence or the case is due.
    """

    grid: Flags
    scored: Flags
    backstop: Flags
    timer: Flags


class Instants(NamedTuple):
    """Instants of many users, those of one user in order.

    Attributes:
        places: Shape (instants,): whose it is, as a place among the users asked for.
        at_ms: Shape (instants,).
    """

    places: Rows
    at_ms: F64


class Timers:
    """The deadlines that a set of rules gives to states."""

    def __init__(self, rules: Rules, coverage: Coverage) -> None:
        """Args: ``coverage``: what the source missed."""
        self._coverage = coverage
        churn = rules.churn
        self.period: Final = float(churn.period_ms)
        self.horizon: Final = float(churn.horizon_ms)
        self.limit: Final = float(churn.limit_ms)
        self.check: Final = float(churn.check_ms)
        self.backstop: Final = float(rules.alert.backstop_ms)
        self.alert_days: Final = rules.alert_days
        self._rescore, self._kinds = churn.rescore_ms, len(churn.kinds)
        self._kernel, self._numbers = kernel(), self.numbers(answers=False)

    def numbers(self, *, answers: bool) -> RuleNumbers:
        """Return the numbers of the rules as the kernel takes them.

        Args:
            answers: Whether whoever is in trouble is answered at once.
        """
        return RuleNumbers(
            self.period, self.horizon / SLOTS_PER_HORIZON, self._rescore, self.period,
            self.horizon, self.limit, self.check, self.backstop, self.alert_days, self._kinds,
            answers,
        )  # fmt: skip

    def grid_at(self, heads: F64, at_ms: F64) -> F64:
        """Return each user's latest grid instant that is not after ``at_ms``, shape (users,)."""
        phase = heads[:, Column.PHASE]
        return np.floor((at_ms - phase) / self.period) * self.period + phase

    def grid_of(self, heads: F64) -> F64:
        """Return the latest grid instant up to the last activity; infinity without one."""
        grid = self.grid_at(heads, heads[:, Rhythm.LAST])
        return np.where(heads[:, Column.EVENTS] > 0.0, grid, NEVER)

    def asks(self, heads: F64, at_ms: F64) -> Flags:
        """Return who is asked about at a grid instant: every fourth one, which are H apart."""
        phase = heads[:, Column.PHASE]
        is_fourth: Flags = ((at_ms - phase) // self.period + phase) % 4.0 == 0.0
        return is_fourth

    def deadlines(self, heads: F64, after_ms: F64) -> F64:
        """Return each user's next deadline, shape (users,), infinity where there is none.

        Args:
            heads: Shape (users, WIDTH).
            after_ms: Shape (users,): every timer up to here has fired. What a case has had due
                before is due one millisecond after it.
        """
        if self._kernel is None or self._coverage.has_pauses:
            return self._deadlines(heads, after_ms)
        heads = np.ascontiguousarray(heads)
        found = self._kernel.deadlines(self._numbers, heads, after_ms)
        if self._coverage.is_whole:
            return found
        last = heads[:, Rhythm.LAST]
        start = np.maximum(after_ms, last) + 1.0
        clear, is_known = self._coverage.is_clear(last, start), heads[:, Column.EVENTS] > 0.0
        found = np.where(is_known, self._coverage.postponed(found, start), found)
        others = np.flatnonzero(is_known & ~clear)
        if len(others):
            found[others] = self._deadlines(heads[others], after_ms[others])
        return found

    def _deadlines(self, heads: F64, after_ms: F64) -> F64:
        """Return the next deadlines: the twin of the kernel, and whatever outages come to."""
        after = np.maximum(after_ms, heads[:, Rhythm.LAST])
        if self._coverage.is_whole:
            return self._next(heads, heads[:, Rhythm.LAST], after)
        start = self._coverage.resume(heads, after + 1.0)
        is_over = start == NEVER
        start[is_over] = after[is_over]
        until = self._coverage.until(heads, start)
        deadlines = self._next(heads, self._coverage.last(heads, start), start - 1.0)
        later = np.flatnonzero((deadlines > until) & (heads[:, Column.EVENTS] > 0.0))
        deadlines[later] = self._coverage.resume(heads[later], until[later] + 1.0)
        deadlines[is_over] = NEVER
        return deadlines

    def _next(self, heads: F64, last: F64, after: F64) -> F64:
        """Return the next deadlines while nothing is missing, from the last activity as moved."""
        grid = self.grid_at(heads, after) + self.period
        is_new = grid - self.period < heads[:, Rhythm.FIRST]
        grid[is_new] += self.period
        grid[grid - self.period - last >= self.limit] = NEVER
        shift = last + heads[:, Column.PHASE] % self.check
        check = (np.floor((after - shift) / self.check) + 1.0) * self.check + shift
        backstop = last + self.backstop
        check = np.where(backstop > after, np.minimum(check, backstop), check)
        is_mute = (check - last >= self.horizon) | (heads[:, Rhythm.ACTIVE_DAYS] < self.alert_days)
        check[is_mute] = NEVER
        mark = last + self.horizon
        late = mark <= after
        mark[late] = np.where(last + self.limit > after, last + self.limit, NEVER)[late]
        due = self._due(heads)
        due = np.where(due > after, due, after + 1.0)
        deadlines = np.minimum(np.minimum(grid, check), np.minimum(mark, due))
        deadlines[heads[:, Column.EVENTS] == 0.0] = NEVER  # Nothing is known but, say, a consent.
        return deadlines

    def steps(self, heads: F64, from_ms: F64) -> F64:
        """Return the first instant from ``from_ms`` on at which a user takes a step in any case.

        That is the backstop, a mark of silence, or what a case has due; shape (users,). Before it
        there are only checks and grid instants, which change no state unless a score says so.
        """
        last = self._coverage.last(heads, from_ms)
        mark = last + self.horizon
        mark = np.where(mark >= from_ms, mark, last + self.limit)
        mark[mark < from_ms] = NEVER
        backstop = last + self.backstop
        is_over = (backstop < from_ms) | (heads[:, Rhythm.ACTIVE_DAYS] < self.alert_days)
        backstop[is_over] = NEVER
        due = np.maximum(self._due(heads), from_ms)
        return np.minimum(np.minimum(mark, backstop), due)

    def _due(self, heads: F64) -> F64:
        """Return when something is due of each user: of case, exposure, touches, on going."""
        due: F64 = np.minimum(heads[:, Column.DUE], heads[:, Column.MATURES])
        due = np.minimum(due, heads[:, Column.UNHEARD])
        if not self._coverage.has_pauses:
            return due
        case_at, away_from = heads[:, Column.CASE_AT], heads[:, Column.AWAY_FROM]
        ends = (case_at > 0.0) & (case_at <= away_from)
        return np.where(ends, np.minimum(due, away_from), due)

    def until(self, heads: F64, from_ms: F64) -> F64:
        """Return up to when users can be looked at from ``from_ms`` on: until the next outage."""
        return self._coverage.until(heads, from_ms)

    def checks(self, heads: F64, from_ms: F64, to_ms: F64) -> Instants:
        """Return every check of users from ``from_ms`` to ``to_ms``, both included."""
        last = self._coverage.last(heads, from_ms)
        shift = last + heads[:, Column.PHASE] % self.check
        first = np.ceil((from_ms - shift) / self.check) * self.check + shift
        end = np.minimum(to_ms, last + self.horizon - 1.0)
        end[heads[:, Rhythm.ACTIVE_DAYS] < self.alert_days] = -NEVER
        return _every(self.check, first, end)

    def grid_instants(self, heads: F64, from_ms: F64, to_ms: F64) -> Instants:
        """Return every grid instant from ``from_ms`` to ``to_ms`` that may complete an example."""
        first = self.grid_at(heads, from_ms - 1.0) + self.period
        first[first - self.period < heads[:, Rhythm.FIRST]] += self.period
        observed = self._coverage.last(heads, from_ms) + self.limit + self.period - 1.0
        return _every(self.period, first, np.minimum(to_ms, observed))

    def firing(self, heads: F64, at_ms: F64) -> Firing:
        """Return what each user's deadline at ``at_ms`` is for."""
        silence = at_ms - self._coverage.last(heads, at_ms)
        is_observed = (heads[:, Rhythm.ACTIVE_DAYS] >= self.alert_days) & (silence < self.horizon)
        backstop = is_observed & (silence == self.backstop)
        check = is_observed & ((silence - heads[:, Column.PHASE] % self.check) % self.check == 0)
        return Firing(
            grid=(at_ms - heads[:, Column.PHASE]) % self.period == 0,
            scored=check | backstop,
            backstop=backstop,
            timer=(silence == self.horizon) | (silence == self.limit) | (self._due(heads) <= at_ms),
        )


def _every(span: float, first: F64, end: F64) -> Instants:
    """Return ``first, first + span, …`` up to ``end`` of each user."""
    counts = np.maximum(np.floor((end - first) / span) + 1.0, 0.0).astype(np.intp)
    places = np.repeat(np.arange(len(first)), counts)
    number = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
    return Instants(places, first[places] + number * span)
