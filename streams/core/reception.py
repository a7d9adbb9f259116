"""Reception: whose an input is, and what becomes of one whose user is not known here."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.core.course import Course
from streams.core.inputs import (
    ControlSet,
    Erased,
    FeedbackReceived,
    Input,
    OptedOut,
    OutageAnnounced,
    WatermarkPassed,
)
from streams.core.relations import Relations

F64 = NDArray[np.float64]
Rows = NDArray[np.intp]

UNBOUNDED: Final = 1 << 40
FULL: Final = "skipped_full"
"""Counted: somebody new of whom nothing is kept, for the partition has as many users as it may."""
LAW_SHARE: Final = 4
"""A fourth more may come to say that they want to hear nothing, or to be forgotten."""

OF_NOBODY = WatermarkPassed | OutageAnnounced | ControlSet


class Reception:
    """Finds the rows of users; makes them for new ones.

    Args:
        course: Users in time.
        relations: Whose ids were given up.

    Attributes:
        users_max: Most users that there may be. Nobody who is known is forgotten for somebody new.
    """

    def __init__(self, course: Course, relations: Relations) -> None:
        self.users_max = UNBOUNDED
        self._course, self._relations = course, relations
        self._users, self._counts = course.users, course.counts

    def rows(self, inputs: Sequence[Input], reached_ms: F64) -> Rows:
        """Return the row of each input's user; -1 = nobody we may know."""
        index = self._users.index
        rows = [index.get(getattr(signal, "user_id", "")) for signal in inputs]
        if None in rows:
            for position, row in enumerate(rows):
                if row is None:
                    rows[position] = self._stranger(inputs[position], int(reached_ms[position]))
        return np.array(rows, np.intp)

    def _stranger(self, signal: Input, reached_ms: int) -> int:
        """Return the row of somebody who had none when the chunk began."""
        if isinstance(signal, OF_NOBODY):
            return -1
        row = self._course.find(signal.user_id)
        return self._admit(signal, reached_ms) if row is None else row

    def _admit(self, signal: Input, reached_ms: int) -> int:
        """Return the row of a user of whom nothing is known yet; -1 = nobody we may know."""
        assert not isinstance(signal, OF_NOBODY)
        user_id = signal.user_id
        if self._relations.send_on(signal, reached_ms):
            return -1
        if isinstance(signal, FeedbackReceived) and signal.status != "opted_out":
            self._counts["skipped_unknown_user"] += 1
            return -1
        if self._course.erasures.holds(user_id, reached_ms):
            self._counts["skipped_erased"] += 1
            if isinstance(signal, Erased):  # It counts from now on, as in `Round`.
                self._course.erasures.add(user_id, reached_ms or signal.event_time_ms)
            else:
                self._relations.was_erased(user_id, reached_ms)
            return -1
        is_law = isinstance(signal, FeedbackReceived | OptedOut | Erased)
        is_flood = isinstance(signal, Erased) and len(self._course.erasures) >= self.users_max
        if is_flood or len(self._users) >= self.users_max + self.users_max // LAW_SHARE * is_law:
            self._counts[FULL] += 1
            return -1
        return self._course.admit(user_id, reached_ms)
