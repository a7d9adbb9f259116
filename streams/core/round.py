"""A round: inputs of different users, at most one of each, applied at once."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.features import Rhythm
from streams.core.batch import Batch
from streams.core.course import Course
from streams.core.examples import ROW_BYTES
from streams.core.inputs import (
    Erased,
    FeedbackReceived,
    Input,
    Linked,
    ObservationPaused,
    TraitsSet,
)
from streams.core.playbook import INSTANT
from streams.core.rhythm_rows import make_fold_rows
from streams.core.rules import Rules
from streams.core.signals import Signals
from streams.core.silence import Silence
from streams.core.state import RING_END, RING_START, Column, decode, encode, matrix
from streams.core.step import noticed

F64 = NDArray[np.float64]
Rows = NDArray[np.intp]


class Round:
    """Applies rounds to the users of a partition.

    Args:
        rules: The business rules.
        course: Users in time.
        silence: Fires their timers.

    Attributes:
        answers: Triggers that a playbook answers at once.
    """

    def __init__(self, rules: Rules, course: Course, silence: Silence) -> None:
        triggers = {name for book in rules.playbooks for name in book.match.triggers}
        self.answers = INSTANT & triggers
        self._rules, self._course, self._silence = rules, course, silence
        self._users, self._counts = course.users, course.counts
        self._fold = make_fold_rows(rules.churn)

    def cut(self, signals: Signals, start: int, end: int, reached: F64) -> int:
        """Return where a part ends that is to be applied at once, at ``end`` or before it.

        Where places are so few that not everybody who must be answered at once may find one, their
        order counts, so each of them is the last of its part.
        """
        if not self.answers or not self._rules.budget.per_day:
            return end
        is_risky = signals.acts.is_risky[start:end]
        asking = [
            place
            for place in (start + np.flatnonzero(is_risky)).tolist()
            if signals[place].trigger in self.answers
        ]
        if not asking:
            return end
        newest_ms = int(reached[end]) + self._rules.lateness_ms
        until_ms = max(newest_ms, *signals.acts.at_ms[asking].astype(int).tolist())
        if len(asking) <= self._course.gate.places_left(int(reached[start]), until_ms):
            return end
        return asking[0] + 1

    def run(self, signals: Signals, batch: Batch, picked: Rows) -> None:
        """Apply inputs of different users.

        Args:
            signals: Of the batch.
            batch: Them as columns.
            picked: Places of the inputs that are this round.
        """
        values = self._users.values
        digests = batch.acts.id_word[picked].view("V8").tolist()
        known = zip(batch.rows[picked].tolist(), digests, strict=True)
        kept = np.array(
            [values[row].find(digest, RING_START, RING_END) < 0 for row, digest in known]
        )
        kept |= ~batch.is_act[picked]
        self._counts["accepted"] += int(np.count_nonzero(kept))
        self._counts["duplicate"] += int(np.count_nonzero(~kept))
        picked = picked[kept]
        rows, bounds = batch.rows[picked], batch.bounds[picked]
        early = np.flatnonzero(self._users.deadlines[rows] <= bounds)
        if len(early):
            self._silence.fire_before(rows[early], bounds[early], batch.reached[picked[early]])
        is_act = batch.is_act[picked]
        for place in np.flatnonzero(~is_act).tolist():
            self._rare(signals[int(picked[place])], int(rows[place]), float(bounds[place]))
        acted = picked[is_act]
        if len(acted):
            self._activities(signals.only(acted), rows[is_act], bounds[is_act])

    def _rare(self, signal: Input, row: int, bound: float) -> None:
        """Apply an input that is not an activity."""
        if isinstance(signal, ObservationPaused):
            self._course.coverage.has_pauses = True
        if isinstance(signal, FeedbackReceived | ObservationPaused):
            signal = msgspec.structs.replace(signal, event_time_ms=int(bound))
        elif isinstance(signal, Erased):  # Before any watermark there is only its own time.
            at_ms = int(bound) or signal.event_time_ms
            signal = msgspec.structs.replace(signal, event_time_ms=at_ms)
        elif isinstance(signal, TraitsSet):
            signal = msgspec.structs.replace(signal, reached_ms=int(bound))
        elif isinstance(signal, Linked):
            at_ms = max(signal.event_time_ms, int(bound))
            signal = msgspec.structs.replace(signal, event_time_ms=at_ms)
        self._course.step(row, signal)
        if not isinstance(signal, Erased | Linked):  # A link has nothing due.
            rows = np.array([row])
            self._course.schedule.renew(rows, self._users.matrix(rows), np.array([bound]))

    def _activities(self, signals: Signals, rows: Rows, bounds: F64) -> None:
        """Fold activities of different users, then notice, score and schedule them."""
        users, at_ms = self._users, signals.acts.at_ms
        values = [users.values[row] for row in rows.tolist()]
        heads = matrix(values)
        frozen = self._freeze(rows, heads, at_ms)
        if not self._course.coverage.is_whole:
            values, heads = self._course.coverage.joined(values, heads, at_ms)
        folded, heads = self._fold(values, heads, signals.acts, frozen)
        for row, value in zip(rows.tolist(), folded, strict=True):
            users.values[row] = value
        users.dirty.update(rows.tolist())
        users.grid[rows] = self._course.schedule.timers.grid_of(heads)
        self._notice(signals, rows, at_ms, heads)
        asked = np.flatnonzero(heads[:, Column.SCORED_AT] == at_ms)
        if len(asked):
            heads = users.refreshed(rows, heads)
            self._course.score(rows[asked], at_ms[asked], heads[asked])
        self._course.schedule.renew(rows, heads, bounds)

    def _freeze(self, rows: Rows, heads: F64, at_ms: F64) -> dict[int, tuple[float, bytes]]:
        """Return, by place, grid instant and features of the examples that activities complete."""
        users, period = self._users, self._course.schedule.timers.period
        passed = np.flatnonzero(at_ms >= users.grid[rows] + period)
        if not len(passed):
            return {}
        heads = heads[passed]
        grid = self._course.schedule.timers.grid_at(heads, at_ms[passed])
        is_observed, joined = self._course.examples.freeze(heads, grid)
        return {
            place: (instant, joined[number * ROW_BYTES : (number + 1) * ROW_BYTES])
            for number, (place, instant, is_it) in enumerate(
                zip(passed.tolist(), grid.tolist(), is_observed.tolist(), strict=True)
            )
            if is_it
        }

    def _notice(self, signals: Signals, rows: Rows, at_ms: F64, heads: F64) -> None:
        """Tell the profiles that are concerned."""
        is_late = heads[:, Rhythm.LAST] > at_ms
        self._counts["late"] += int(np.count_nonzero(is_late))
        awake = heads[:, Rhythm.ACTIVE_DAYS] >= heads[:, Column.WAKES_AT]
        for place in np.flatnonzero(awake & ~is_late).tolist():
            row = int(rows[place])
            state = decode(self._users.values[row])
            transition = noticed(state, signals[place], self._rules)
            self._users.put(row, encode(transition.state))
            if transition.effects:
                self._course.outbox.add(transition.effects, self._counts)
        if not self.answers:
            return
        for place in np.flatnonzero(signals.acts.is_risky).tolist():
            signal = signals[place]
            if signal.trigger in self.answers:
                # A word that arrives behind a later one is answered as of now.
                now_ms = max(signal.event_time_ms, int(heads[place, Rhythm.LAST]))
                if now_ms - signal.event_time_ms <= self._rules.contact.stale_after_ms:
                    self._course.answer(int(rows[place]), signal, now_ms)
