"""A stretch of a chunk: inputs between which no place is handed out, applied in rounds."""

import numpy as np
from numpy.typing import NDArray

from streams.core.batch import Batch
from streams.core.course import Course
from streams.core.reception import Reception
from streams.core.relations import Relations
from streams.core.round import Round
from streams.core.rules import Rules
from streams.core.runs import Runs
from streams.core.signals import Signals
from streams.core.silence import Silence

F64 = NDArray[np.float64]


class Stretches:
    """Applies stretches to the users of a partition.

    Args:
        rules: The business rules.
        course: Users in time.
        silence: Fires their timers.
        relations: Of ids that are one person.
        users_max: Most users that the partition may have.
    """

    def __init__(
        self, rules: Rules, course: Course, silence: Silence, relations: Relations, *,
        users_max: int,
    ) -> None:  # fmt: skip
        self._course, self._silence = course, silence
        self.reception = Reception(course, relations)
        self.reception.users_max = users_max
        self.adopt(rules)

    def adopt(self, rules: Rules) -> None:
        """Go by changed rules from now on."""
        self._runs = Runs(rules, self._course, self._silence)
        self.round = Round(rules, self._course, self._silence)

    def cut(self, signals: Signals, start: int, end: int, reached: F64) -> int:
        """Return where a stretch ends, at ``end`` or before it; see `Round.cut`."""
        return self.round.cut(signals, start, end, reached)

    def apply(self, signals: Signals, reached: F64, *, has_clock: bool) -> None:
        """Apply a stretch.

        Args:
            signals: Its inputs.
            reached: Shape (inputs + 1,): the watermark before each, and behind the last.
            has_clock: Their topic has a clock.
        """
        # Only activity is waited for: what else comes takes effect at the watermark, and so
        # does what another partition has sent on, which may be far ahead of this one.
        waited, before = signals.is_act & has_clock, reached[:-1]
        bounds = np.maximum(np.where(waited, signals.acts.at_ms, 0.0), before)
        rows = self.reception.rows(signals, reached)
        batch = Batch(rows, signals.is_act, bounds, before, signals.acts)
        for picked in self._runs.rounds(batch):
            self.round.run(signals, batch, picked)
