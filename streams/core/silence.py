"""Silence: what time alone does to users.

Many users at once where only numbers are looked at; one user at a time where something is decided.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.core.course import Course
from streams.core.rounds import blocks

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]

LOOK_AHEAD: Final = 16
"""Checks of one user that are done at once: more would only cost memory."""


class Silence:
    """Fires the timers of the users of a partition.

    Args:
        course: Users in time.
    """

    def __init__(self, course: Course) -> None:
        self._course, self._users = course, course.users

    def fire_due(self, until_ms: float) -> None:
        """Fire every timer up to an instant."""
        users = self._users
        due = np.flatnonzero(users.deadlines[: len(users.values)] <= until_ms)
        for rows in blocks(due):
            self.fire(rows, np.full(len(rows), until_ms))

    def fire_before(self, rows: Rows, bounds: F64, reached_ms: F64) -> None:
        """Fire the timers of users who are about to act, each up to its bound.

        Args:
            rows: Different users.
            bounds: When each acts, or the watermark if that is further.
            reached_ms: The watermark before.
        """
        course = self._course
        if course.clocks.told_ms or course.clocks.are_several:
            until = zip(reached_ms.tolist(), bounds.tolist(), strict=True)
            course.acting = dict(zip(rows.tolist(), until, strict=True))
        self.fire(rows, bounds)
        course.acting = {}

    def fire(self, rows: Rows, bounds: F64) -> None:
        """Fire the timers of different users up to their bound, each at its deadline, in order.

        What only looks (checks and grid instants) is done for many instants at once, up to the
        first one at which a user has to take a step.
        """
        users, schedule = self._users, self._course.schedule
        timers = schedule.timers
        while True:
            from_ms = users.deadlines[rows]
            picked = np.flatnonzero(from_ms <= bounds)
            if not len(picked):
                return
            rows, from_ms, bounds = rows[picked], from_ms[picked], bounds[picked]
            heads = users.matrix(rows)
            step_ms = timers.steps(heads, from_ms)
            until_ms = np.minimum(bounds, timers.until(heads, from_ms))
            to_ms = np.minimum(until_ms, from_ms + LOOK_AHEAD * timers.check)
            looked_to, went = self._look(rows, heads, from_ms, np.minimum(to_ms, step_ms - 1.0))
            stepping = np.flatnonzero(~went & (looked_to == step_ms - 1.0) & (step_ms <= until_ms))
            if len(stepping):
                looked_to[stepping] = step_ms[stepping]
                self._stop(rows[stepping], heads[stepping], step_ms[stepping])
            schedule.renew(rows, heads, looked_to)

    def _look(self, rows: Rows, heads: F64, from_ms: F64, to_ms: F64) -> tuple[F64, Flags]:
        """Do the checks and grid instants of users; return how far each got, and who took a step.

        A user whom a score makes take a step gets no further than that check.
        """
        course, timers = self._course, self._course.schedule.timers
        checks = timers.checks(heads, from_ms, to_ms)
        places, at_ms = checks.places, checks.at_ms
        looked_at, whom = heads[places], rows[places]
        found = course.assessor.assess(looked_at, at_ms)
        reached, whose = to_ms.copy(), places[found.seen]
        np.minimum.at(reached, whose[found.steps], at_ms[found.seen[found.steps]])
        found = found.only(np.flatnonzero(at_ms[found.seen] <= reached[whose]))
        course.note(whom, looked_at, at_ms, found)
        grid = timers.grid_instants(heads, from_ms, reached)
        course.counts["timers"] += len(places) + len(grid.places)
        if len(grid.places):
            self._teach(rows[grid.places], heads[grid.places], grid.at_ms)
        stepping = found.only(np.flatnonzero(found.steps))
        course.take_steps(whom, looked_at, at_ms, stepping)
        went = np.zeros(len(rows), bool)
        went[places[stepping.seen]] = True
        return reached, went

    def _stop(self, rows: Rows, heads: F64, at_ms: F64) -> None:
        """Do everything that users have at an instant at which they take a step in any case."""
        course = self._course
        firing = course.schedule.timers.firing(heads, at_ms)
        course.counts["timers"] += len(rows)
        if firing.grid.any():
            on_grid = np.flatnonzero(firing.grid)
            self._teach(rows[on_grid], heads[on_grid], at_ms[on_grid])
        if firing.scored.any():
            scored = np.flatnonzero(firing.scored)
            course.score(rows[scored], at_ms[scored], heads[scored], firing.backstop[scored])
        if firing.timer.any():
            timed = np.flatnonzero(firing.timer)
            course.time_out(rows[timed], at_ms[timed])

    def _teach(self, rows: Rows, heads: F64, at_ms: F64) -> None:
        """Complete the examples of users at grid instants; ask about them at every fourth."""
        course, users = self._course, self._users
        values = [users.values[row] for row in rows.tolist()]
        course.examples.complete(heads, values, at_ms)
        asked = np.flatnonzero(course.schedule.timers.asks(heads, at_ms))
        if len(asked):
            course.outcomes.ask(users.names_of(rows[asked]), heads[asked], at_ms[asked])
