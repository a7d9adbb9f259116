"""Reception: whose an input is, and what becomes of one whose user is not known here."""

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
from streams.core.signals import Signals

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

    def rows(self, signals: Signals, reached_ms: F64) -> Rows:
        """Return the row of each input's user; -1 = nobody we may know."""
        rows = list(map(self._users.index.get, signals.user_ids))
        if None in rows:
            for position in [place for place, row in enumerate(rows) if row is None]:
                rows[position] = self._stranger(signals, position, int(reached_ms[position]))
        return np.array(rows, np.intp)

    def _stranger(self, signals: Signals, position: int, reached_ms: int) -> int:
        """Return the row of somebody who had none when the chunk began."""
        user_id = signals.user_ids[position]
        if not user_id:
            return -1
        row = self._course.find(user_id)
        if row is not None:
            return row
        if self._relations.stubs and self._relations.send_on(signals[position], reached_ms):
            return -1
        return self._admit(user_id, signals.odd.get(position), reached_ms)

    def _admit(self, user_id: str, signal: Input | None, reached_ms: int) -> int:
        """Return the row of a user of whom nothing is known yet; -1 = nobody we may know.

        Args:
            user_id: Of the user.
            signal: What is told; None = an activity.
            reached_ms: The watermark.
        """
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
