"""All users of one partition: inputs in partition order in, records to write out.

Pure and deterministic: no clock, no chance, no IO. However the inputs are cut into chunks, the
result is the same, because

- a chunk is run in rounds: the n-th input of a user is round n;
- before an input of a user, the user's timers fire up to the input's event time or the watermark
  that the partition had reached before it, whichever is later;
- a timer fires *at its deadline*, however late it is noticed.

Rounds let one numpy call score many users; a user with many inputs runs ahead between them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.features import Rhythm
from streams.core.batch import Batch, sorted_out
from streams.core.controls import Controls, Taken
from streams.core.course import Course
from streams.core.coverage import Coverage
from streams.core.examples import ROW_BYTES
from streams.core.inputs import (
    Acted,
    ControlSet,
    Erased,
    FeedbackReceived,
    Input,
    ObservationPaused,
    OutageAnnounced,
    TraitsSet,
    WatermarkPassed,
)
from streams.core.messages import Output, PartitionRecord
from streams.core.outages import NEVER
from streams.core.outbox import EXAMPLES, Outbox
from streams.core.rhythm_rows import Acts, columns_of, make_fold_rows
from streams.core.rounds import blocks
from streams.core.rules import Rules
from streams.core.runs import Runs
from streams.core.scoring import Observer, Scorer
from streams.core.state import (
    LAYOUT,
    RING_END,
    RING_START,
    Column,
    decode,
    encode,
    matrix,
)
from streams.core.step import noticed

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]

PARTITION_KEY: Final = b"\x00partition"
"""Key of the partition record in the changelog."""

OURS: Final = b"\x00"
"""Begin of the changelog keys that are no user's; no user id begins like that."""


APART: Final = frozenset({Erased, OutageAnnounced, ControlSet})
"""Inputs after which nothing is as it was for those behind them in the same chunk."""


class StateMismatchError(Exception):
    """The stored state was made with another churn definition than the rules in force."""


class Harvest(NamedTuple):
    """What a partition has to make durable, in one transaction.

    Attributes:
        changelog: Key and value of what changed, None = deleted; with the partition record.
        outputs: Records by the stream they belong to.
        counts: What happened since the last harvest, by name.
    """

    changelog: list[tuple[bytes, bytes | None]]
    outputs: dict[str, list[Output]]
    counts: Counter[str]


class Partition:
    """The users of one partition, their timers, and what is not durable yet."""

    def __init__(
        self,
        number: int,
        rules: Rules,
        scorer: Scorer,
        *,
        app_id: str = "winback",
        is_shadow: bool = False,
        observer: Observer | None = None,
    ) -> None:
        """Make an empty partition.

        Args:
            number: Its number.
            rules: The business rules.
            scorer: The model in force.
            app_id: Name of the deployment, the source of its messages.
            is_shadow: Decide, but treat nobody: a back-test.
            observer: Watches the scores and alerts.
        """
        self.number, self.rules = number, rules
        self.applied: dict[str, int] = {}
        self.watermark_ms = 0
        self._fired_ms = 0
        self._taken: dict[str, int] | None = {}
        self._fold = make_fold_rows(rules.churn)
        self._outbox = Outbox(f"/{app_id}")
        self._course = Course(rules, scorer, self._outbox, is_shadow=is_shadow, observer=observer)
        self._users, self._counts = self._course.users, self._course.counts
        self._runs = Runs(rules, self._course)

    @property
    def users(self) -> int:
        """Number of users with a state."""
        return len(self._users)

    @property
    def coverage(self) -> Coverage:
        """What the source missed."""
        return self._course.coverage

    @property
    def controls(self) -> Controls:
        """The orders of operators that were taken."""
        return self._course.controls

    @property
    def scorer(self) -> Scorer:
        """The model in force."""
        return self._course.assessor.scorer

    def use(self, scorer: Scorer) -> None:
        """Score with another model from now on."""
        self._course.assessor.scorer = scorer

    def adopt(self, rules: Rules) -> None:
        """Go by changed rules from the watermark of now on; their hash must be the same."""
        assert rules.hash == self.rules.hash, "the state was made with other rules"
        self.advance(self.watermark_ms)
        self.rules = rules
        self._course.adopt(rules, self.watermark_ms)
        self._runs = Runs(rules, self._course)

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        """Take over the content of the changelog; every timer that is not derived anew is due.

        Without a user in it nothing was made with rules, so those of its record bind nobody.

        Raises:
            StateMismatchError: The rules are not those that the users' state was made with.
        """
        ours = {key: value for key, value in records.items() if key.startswith(OURS)}
        raw = records.get(PARTITION_KEY)
        if raw is not None:
            record = msgspec.json.decode(raw, type=PartitionRecord)
            if len(ours) < len(records):
                self._check(record)
            self.applied, self._taken = dict(record.applied), dict(record.applied)
            self.watermark_ms, self._fired_ms = record.watermark_ms, record.fired_ms
            self._course.coverage.announce(
                {start: NEVER if end is None else end for start, end in record.outages}
            )
            self._course.controls = Controls(Taken(*order) for order in record.controls)
        self._course.erasures.load(ours)
        users = self._users
        users.load({key: records[key] for key in records if key not in ours} if ours else records)
        self._course.schedule_all(float(self._fired_ms))

    def _check(self, record: PartitionRecord) -> None:
        """Refuse a state that was made otherwise."""
        for what, made, in_force in (
            ("rules", record.rules_hash, self.rules.hash),
            ("layout of the state", record.layout, LAYOUT),
        ):
            if made != in_force:
                text = (
                    f"partition {self.number}: the state was made with {what} {made}, "
                    f"in force is {in_force}"
                )
                raise StateMismatchError(text)

    def values(self) -> Iterator[tuple[str, bytes]]:
        """Yield every user id and changelog value."""
        return self._users.items()

    def value(self, user_id: str) -> bytes | None:
        """Return a user's changelog value, or None for an unknown user."""
        row = self._users.index.get(user_id)
        return None if row is None else self._users.values[row]

    # -- inputs

    def apply(self, inputs: Sequence[Input]) -> None:
        """Apply inputs in partition order, then fire what the watermark has reached."""
        start = 0
        if not APART.isdisjoint(map(type, inputs)):
            for position, signal in enumerate(inputs):
                if type(signal) is Erased:  # Whoever comes after it finds a user that is gone.
                    self._apply(inputs[start : position + 1])
                    start = position + 1
                elif type(signal) is OutageAnnounced:
                    self._apply(inputs[start:position])
                    self._announce(signal)
                    start = position + 1
                elif type(signal) is ControlSet:
                    self._apply(inputs[start:position])
                    self._control(signal)
                    start = position + 1
        self._apply(inputs[start:] if start else inputs)
        self.advance(self.watermark_ms)

    def advance(self, watermark_ms: int) -> None:
        """Raise the watermark, if it is higher, and fire every timer that it has reached."""
        self.watermark_ms = max(self.watermark_ms, watermark_ms)
        users, reached = self._users, float(self.watermark_ms)
        due = np.flatnonzero(users.deadlines[: len(users.values)] <= reached)
        for rows in blocks(due):
            self._course.fire(rows, np.full(len(rows), reached))
        self._fired_ms = self.watermark_ms

    def _announce(self, signal: OutageAnnounced) -> None:
        """Take note of an outage: it counts from the watermark of now on."""
        self.advance(self.watermark_ms)
        self._course.coverage.announce({signal.from_ms: signal.to_ms})
        self._course.schedule_all(float(self.watermark_ms))
        self._counts["accepted"] += 1

    def _control(self, signal: ControlSet) -> None:
        """Take over the orders of operators as they stand."""
        self.advance(self.watermark_ms)
        if self._course.control(signal.controls, self.watermark_ms):
            self._taken = None  # The partition's record has news.
        self._counts["accepted"] += 1

    def _apply(self, inputs: Sequence[Input]) -> None:
        if not inputs:
            return
        batch = self._batch(inputs)
        for picked in self._runs.rounds(batch):
            self._round(inputs, batch, picked)

    def _batch(self, inputs: Sequence[Input]) -> Batch:
        """Return inputs as columns, raise the watermark, and admit whom we did not know."""
        at_ms = np.array([signal.event_time_ms for signal in inputs], np.float64)
        acts, is_act, marks = sorted_out(inputs, at_ms, self.rules.lateness_ms)
        reached = np.maximum.accumulate(np.concatenate(([float(self.watermark_ms)], marks)))
        self.watermark_ms = int(reached[-1])
        # Only activity is waited for: what else comes takes effect at the watermark.
        bounds = np.maximum(np.where(is_act, at_ms, 0.0), reached[:-1])
        return Batch(self._rows(inputs, reached), is_act, bounds, columns_of(acts, at_ms))

    def _rows(self, inputs: Sequence[Input], reached_ms: F64) -> Rows:
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
        if isinstance(signal, WatermarkPassed | OutageAnnounced | ControlSet):
            return -1
        row = self._users.index.get(signal.user_id)
        return self._admit(signal, reached_ms) if row is None else row

    def _admit(self, signal: Input, reached_ms: int) -> int:
        """Return the row of a user of whom nothing is known yet; -1 = nobody we may know."""
        assert not isinstance(signal, WatermarkPassed | OutageAnnounced | ControlSet)
        user_id = signal.user_id
        if isinstance(signal, FeedbackReceived):
            self._counts["skipped_unknown_user"] += 1
            return -1
        if self._course.erasures.holds(user_id, reached_ms):
            self._counts["skipped_erased"] += 1
            return -1
        self._counts["users_new"] += 1
        return self._users.admit(user_id)

    def _round(self, inputs: Sequence[Input], batch: Batch, picked: Rows) -> None:
        """Apply inputs of different users."""
        values, digests = self._users.values, batch.acts.digests
        places = zip(picked.tolist(), batch.rows[picked].tolist(), strict=True)
        kept = np.array(
            [values[row].find(digests[place], RING_START, RING_END) < 0 for place, row in places]
        )
        kept |= ~batch.is_act[picked]
        self._counts["accepted"] += int(np.count_nonzero(kept))
        self._counts["duplicate"] += int(np.count_nonzero(~kept))
        picked = picked[kept]
        rows, bounds = batch.rows[picked], batch.bounds[picked]
        early = np.flatnonzero(self._users.deadlines[rows] <= bounds)
        if len(early):
            self._course.fire(rows[early], bounds[early])
        is_act = batch.is_act[picked]
        for place in np.flatnonzero(~is_act).tolist():
            self._rare(inputs[picked[place]], int(rows[place]), float(bounds[place]))
        acted = picked[is_act]
        if len(acted):
            signals = [inputs[position] for position in acted.tolist()]
            self._activities(signals, batch.acts.only(acted), rows[is_act], bounds[is_act])

    def _rare(self, signal: Input, row: int, bound: float) -> None:
        """Apply an input that is not an activity."""
        if isinstance(signal, ObservationPaused):
            self._course.coverage.has_pauses = True
        if isinstance(signal, FeedbackReceived | Erased | ObservationPaused):
            signal = msgspec.structs.replace(signal, event_time_ms=int(bound))
        elif isinstance(signal, TraitsSet):
            signal = msgspec.structs.replace(signal, reached_ms=int(bound))
        self._course.step(row, signal)
        if not isinstance(signal, Erased):
            rows = np.array([row])
            self._course.schedule(rows, self._users.matrix(rows), np.array([bound]))

    def _activities(self, signals: Sequence[Input], acts: Acts, rows: Rows, bounds: F64) -> None:
        """Fold activities of different users, then notice, score and schedule them."""
        users, at_ms = self._users, acts.at_ms
        values = [users.values[row] for row in rows.tolist()]
        heads = matrix(values)
        frozen = self._freeze(rows, heads, at_ms)
        if not self._course.coverage.is_whole:
            values, heads = self._course.coverage.joined(values, heads, at_ms)
        folded, heads = self._fold(values, heads, acts, frozen)
        for row, value in zip(rows.tolist(), folded, strict=True):
            users.values[row] = value
        users.dirty.update(rows.tolist())
        users.grid[rows] = self._course.timers.grid_of(heads)
        self._notice(signals, rows, at_ms, heads)
        asked = np.flatnonzero(heads[:, Column.SCORED_AT] == at_ms)
        if len(asked):
            heads = users.refreshed(rows, heads)
            self._course.score(rows[asked], at_ms[asked], heads[asked])
        self._course.schedule(rows, heads, bounds)

    def _freeze(self, rows: Rows, heads: F64, at_ms: F64) -> dict[int, tuple[float, bytes]]:
        """Return, by place, grid instant and features of the examples that activities complete."""
        users, period = self._users, self._course.timers.period
        passed = np.flatnonzero(at_ms >= users.grid[rows] + period)
        if not len(passed):
            return {}
        heads = heads[passed]
        grid = self._course.timers.grid_at(heads, at_ms[passed])
        is_observed, joined = self._course.examples.freeze(heads, grid)
        return {
            place: (instant, joined[number * ROW_BYTES : (number + 1) * ROW_BYTES])
            for number, (place, instant, is_it) in enumerate(
                zip(passed.tolist(), grid.tolist(), is_observed.tolist(), strict=True)
            )
            if is_it
        }

    def _notice(self, signals: Sequence[Input], rows: Rows, at_ms: F64, heads: F64) -> None:
        """Tell the profiles that are concerned."""
        is_late = heads[:, Rhythm.LAST] > at_ms
        self._counts["late"] += int(np.count_nonzero(is_late))
        awake = heads[:, Rhythm.ACTIVE_DAYS] >= heads[:, Column.WAKES_AT]
        for place in np.flatnonzero(awake & ~is_late).tolist():
            row = int(rows[place])
            state = decode(self._users.values[row])
            signal = signals[place]
            assert isinstance(signal, Acted)
            transition = noticed(state, signal, self.rules)
            self._users.put(row, encode(transition.state))
            if transition.effects:
                self._outbox.add(transition.effects, self._counts)

    def heads(self, user_ids: Sequence[str]) -> F64:
        """Return the numbers of known users, shape (users, WIDTH).

        Raises:
            KeyError: A user has no state.
        """
        index = self._users.index
        return self._users.matrix(np.array([index[user_id] for user_id in user_ids], np.intp))

    def heads_at(self, user_ids: Sequence[str], at_ms: F64) -> F64:
        """Return the numbers of known users as a model has to see them, shape (users, WIDTH).

        Args:
            user_ids: Shape (users,).
            at_ms: Shape (users,): when each is looked at.

        Raises:
            KeyError: A user has no state.
        """
        return self._course.coverage.moved(self.heads(user_ids), at_ms)

    # -- out

    def take(self) -> Harvest:
        """Return what is not durable yet, and forget it."""
        changelog = self._users.take_dirty()
        outputs = self._outbox.take()
        taught = self._course.take()
        if taught:
            outputs[EXAMPLES] = [self._outbox.examples(block, self.number) for block in taught]
        if changelog or outputs or self.applied != self._taken:
            changelog += self._course.erasures.take(self.watermark_ms)
            record = PartitionRecord(
                self.applied,
                self.watermark_ms,
                self._fired_ms,
                self.rules.hash,
                LAYOUT,
                self._course.coverage.record(),
                self._course.controls.record(),
            )
            changelog.append((PARTITION_KEY, msgspec.json.encode(record)))
            self._taken = dict(self.applied)
        counts = self._counts.copy()
        self._counts.clear()
        return Harvest(changelog, outputs, counts)
