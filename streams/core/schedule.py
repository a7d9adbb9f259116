"""The schedule: when each user is looked at next, from the states and the rules in force."""

import numpy as np
from numpy.typing import NDArray

from streams.core.coverage import Coverage
from streams.core.rounds import blocks
from streams.core.rules import Rules
from streams.core.timers import Timers
from streams.core.users import Users

F64 = NDArray[np.float64]
Rows = NDArray[np.intp]


class Schedule:
    """The deadlines of the users of a partition.

    Args:
        rules: The business rules.
        users: Of the partition; keep their deadlines.
        coverage: What the source missed.

    Attributes:
        timers: What the deadlines are.
    """

    def __init__(self, rules: Rules, users: Users, coverage: Coverage) -> None:
        self._users, self._coverage = users, coverage
        self.adopt(rules)

    def adopt(self, rules: Rules) -> None:
        """Go by changed rules from now on; the deadlines stay until they are renewed."""
        self.timers = Timers(rules, self._coverage)

    def renew(self, rows: Rows, heads: F64, after_ms: F64) -> None:
        """Set the next deadlines; ``heads`` may be older than the steps that were taken since."""
        users = self._users
        heads = users.refreshed(rows, heads)
        users.schedule(rows, self.timers.deadlines(heads, after_ms))

    def renew_all(self, fired_ms: float) -> None:
        """Set every deadline anew, from the states: every timer up to an instant has fired."""
        self._stir(fired_ms)
        for rows in blocks(self._users.rows()):
            self._plan(rows, self._users.matrix(rows), fired_ms)

    def begin(self, fired_ms: float) -> None:
        """Look at all users, who were restored, and set every deadline."""
        self._stir(fired_ms)
        self._users.survey(lambda rows, heads: self._plan(rows, heads, fired_ms))

    def _plan(self, rows: Rows, heads: F64, fired_ms: float) -> None:
        users = self._users
        users.grid[rows] = self.timers.grid_of(heads)
        self._coverage.look_for_pauses(heads)
        users.schedule(rows, self.timers.deadlines(heads, np.full(len(rows), fired_ms)))

    def _stir(self, fired_ms: float) -> None:
        """Wake who may have a timer again: of an outage that was no silence after all."""
        if not self._coverage.has_outages:
            return
        silent_ms, stirred = self.timers.limit + self.timers.period, []
        for part in self._users.asleep.looked_at():
            silence = fired_ms - part.last - self._coverage.outage_ms(part.last, fired_ms)
            places = np.flatnonzero((part.last > 0.0) & (silence < silent_ms))
            stirred += [part.user_ids[place] for place in places.tolist()]
        for user_id in stirred:
            self._users.wake(user_id)
