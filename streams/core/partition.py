"""All users of one partition: inputs in partition order in, records to write out.

Pure and deterministic: no clock, no chance, no IO. However the inputs are cut into chunks, the
result is the same, because

- a chunk is run in rounds: the n-th input of a user is round n;
- before an input of a user, the user's timers fire up to the input's event time or the watermark
  that the partition had reached before it, whichever is later;
- a timer fires *at its deadline*, however late it is noticed.

Rounds let one numpy call score many users; a user with many inputs runs ahead between them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.core.admission import admitted
from streams.core.clock_names import OWN
from streams.core.clocks import Clocks
from streams.core.controls import Controls
from streams.core.course import Course
from streams.core.coverage import Coverage
from streams.core.harvest import Harvest
from streams.core.identity import Message
from streams.core.input_fuse import FuseRecord
from streams.core.inputs import ControlSet, Erased, Input, OutageAnnounced
from streams.core.messages import BudgetStatus
from streams.core.outbox import EXAMPLES, Outbox
from streams.core.partition_record import PARTITION_KEY, record_of
from streams.core.reception import UNBOUNDED
from streams.core.relations import Relations, SentOn
from streams.core.restoring import Place, Restored, restored, resumed, stored_of
from streams.core.rules import Rules
from streams.core.scoring import Advisor, Observer, Scorer
from streams.core.signals import Signals
from streams.core.silence import Silence
from streams.core.sizes import Sizes, sizes_of
from streams.core.stored import Stored
from streams.core.stretch import Stretches
from streams.core.wrong_clocks import Refused

F64 = NDArray[np.float64]

APART: Final = frozenset({Erased, OutageAnnounced, ControlSet})
"""Inputs after which nothing is as it was for those behind them in the same chunk."""
KEEP_EVERY_MS: Final = 10_000
"""So often the partition's record is written while nothing but time passes."""


class Partition:
    """The users of one partition, their timers, and what is not durable yet.

    Attributes:
        is_redrawn: Others are held out than when the state that was restored was made.
    """

    def __init__(
        self,
        number: int,
        rules: Rules,
        scorer: Scorer,
        *,
        of: int = 1,
        app_id: str = "winback",
        is_shadow: bool = False,
        observer: Observer | None = None,
        clocks: Sequence[str] = (OWN,),
        users_max: int = UNBOUNDED,
    ) -> None:
        """Make an empty partition.

        Args:
            number: Its number.
            rules: The business rules.
            scorer: The model in force.
            of: How many partitions there are, for its share of the budget.
            app_id: Name of the deployment, the source of its messages.
            is_shadow: Decide, but treat nobody: a back-test.
            observer: Watches the scores and alerts.
            clocks: Names of those that are waited for; `clocks.expected_clocks`.
            users_max: Most users that it may have.
        """
        self.number, self.rules = number, rules
        self._clock: str | None = OWN
        self._refused: list[Refused] = []
        self._arrived_ms: Sequence[int] = ()
        self.applied: dict[str, int] = {}
        self.is_redrawn = False
        self.fuses: tuple[FuseRecord, ...] = ()
        self.watermark_ms = self._fired_ms = self._kept_ms = 0
        self._taken: dict[str, int] | None = {}
        self._record = b""
        self._outbox = Outbox(f"/{app_id}", is_shadow=is_shadow)
        self._course = Course(
            rules, scorer, self._outbox, number=number, of=of, is_shadow=is_shadow,
            observer=observer, clocks=Clocks(rules, clocks),
        )  # fmt: skip
        self.clocks = self._course.clocks
        self._users, self._counts = self._course.users, self._course.counts
        self._silence = Silence(self._course)
        self.relations = Relations(rules, self._course, self._silence)
        self._stretches = Stretches(
            rules, self._course, self._silence, self.relations, users_max=users_max
        )

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
        return self._course.book.controls

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
        self.clocks.adopt(rules)
        self._course.adopt(rules, self.watermark_ms)
        self._stretches.adopt(rules)

    def advise(self, advisor: Advisor) -> None:
        """Go by what was learned of contacts from now on."""
        self._course.advise(advisor)

    @property
    def cases(self) -> int:
        """Number of users with an open case."""
        return self._users.cases

    @property
    def budget(self) -> BudgetStatus:
        """How the partition stands with its budget."""
        return self._course.gate.status()

    @property
    def touches(self) -> int:
        """How many were requested since the last harvest."""
        return self._counts["touches"]

    def sizes(self, now_ms: int) -> Sizes:
        """Return how large the partition is; ``now_ms``: by which deadlines count as passed."""
        return sizes_of(self._users, float(now_ms))

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        """Take over the content of the changelog; every timer that is not derived anew is due.

        What an older version wrote is written anew with the next harvest.

        Raises:
            StateMismatchError: It was made with other rules or keys, or by a newer version; or
                one of its records cannot be read.
        """
        self._stand(restored(self._place, records))

    def resume(self, stored: Stored, changes: Mapping[bytes, bytes | None]) -> None:
        """Take over what was stored of the changelog, and what has changed in it since.

        Raises:
            StaleStartError: Together they are not its content.
        """
        self._stand(resumed(self._place, stored, changes))

    def stored(self) -> Stored:
        """Return what lies in the changelog when what was taken is durable; later it is not so."""
        return stored_of(self._place, self._record)

    @property
    def _place(self) -> Place:
        return Place(self.number, self.rules, self._course, self.relations.stubs)

    def _stand(self, found: Restored) -> None:
        record, self._record = found.record, found.raw
        if record is not None:
            self.applied, self.fuses = dict(record.applied), record.fuses
            self._taken = None if found.is_outdated else dict(record.applied)
            self.watermark_ms, self._fired_ms = record.watermark_ms, record.fired_ms
            self.is_redrawn = record.holdout_salt not in {"", self.rules.holdout.salt}

    def values(self) -> Iterator[tuple[str, bytes]]:
        """Yield every user id and changelog value."""
        return self._users.items(float(self._fired_ms))

    def value(self, user_id: str) -> bytes | None:
        """Return a user's changelog value, or None for an unknown user."""
        return self._users.value(user_id)

    # -- inputs

    def apply(
        self, inputs: Sequence[Input], clock: str | None = OWN, arrived_ms: Sequence[int] = ()
    ) -> list[Refused]:
        """Apply inputs in partition order, then fire what the watermark has reached.

        Args:
            inputs: Of one topic.
            clock: The clock of the topic; None = it has none (feedback, identities).
            arrived_ms: Record timestamp of each, beyond which it moves no clock; empty = not known.

        Returns:
            Those that could not be applied, in order: their clocks are wrong.
        """
        self._clock, self._refused, self._arrived_ms = clock, [], arrived_ms
        signals, start = inputs if isinstance(inputs, Signals) else Signals.of(inputs), 0
        if not APART.isdisjoint(signals.kinds):
            for position, signal in signals.odd.items():
                if type(signal) is Erased:  # Whoever comes after it finds a user that is gone.
                    self._apply(signals[start : position + 1], start)
                    start = position + 1
                elif type(signal) is OutageAnnounced:
                    self._apply(signals[start:position], start)
                    self._announce(signal)
                    start = position + 1
                elif type(signal) is ControlSet:
                    self._apply(signals[start:position], start)
                    self._control(signal)
                    start = position + 1
        self._apply(signals[start:], start)
        self.advance(self.watermark_ms)
        return self._refused

    def relate(self, messages: Sequence[Message]) -> None:
        """Apply what partitions say of ids that are one person; no clock is moved."""
        self._clock, self._refused, self._arrived_ms = None, [], ()
        for part in self.relations.parts(messages):
            if isinstance(part, SentOn):
                self.relations.path = part.path
                self._apply(Signals.of(part.signals), 0)
                self.relations.path = ()
            else:
                self.relations.take(part, self.watermark_ms)
        self.advance(self.watermark_ms)

    def advance(self, watermark_ms: int) -> None:
        """Raise the watermark, if it is higher, and fire every timer that it has reached."""
        self.watermark_ms = max(self.watermark_ms, watermark_ms)
        gate = self._course.gate
        while gate.last_ms and (border_ms := gate.next_ms(self._fired_ms)) <= self.watermark_ms:
            self._fire(border_ms)
            self._course.pass_border(border_ms)
        self._fire(self.watermark_ms)

    # -- the wall clock

    def within(self, at_ms: int, span_ms: int) -> int:
        """Return an instant, or the last one before it up to which no more event time would pass.

        Whoever has no users has no timers.
        """
        if not self.users:
            return at_ms
        # Where a topic has not spoken nothing is reached yet: from 1970 to now it would be some
        # 137,000 strides, and records wait for the last of them.
        from_ms = self.watermark_ms or self._users.first_due_ms(at_ms)
        return self.clocks.tick_to(at_ms, from_ms + span_ms)

    def tick(self, at_ms: int) -> None:
        """Let time pass to an instant before which everything that arrived has been read.

        What is read directly comes to it, less its lateness.
        """
        self.clocks.tick(at_ms)
        self.advance(self.clocks.watermark_ms)
        if at_ms - self._kept_ms >= KEEP_EVERY_MS:
            self._taken = None  # Whoever looks from outside sees that time passes here.

    def fall_idle(self, clock: str) -> None:
        """Wait for a clock no longer, until it speaks again."""
        self.clocks.fall_idle(clock)
        self.advance(self.clocks.watermark_ms)
        self._taken = None  # The partition's record has news.

    def keep_fuses(self, fuses: tuple[FuseRecord, ...], *, is_news: bool) -> None:
        """Keep how the fuses of its topics stand; nothing here depends on it."""
        self.fuses = fuses
        if is_news:
            self._taken = None  # The partition's record is written in any case.

    def _fire(self, until_ms: int) -> None:
        self._silence.fire_due(float(until_ms))
        self._fired_ms = until_ms

    def _announce(self, signal: OutageAnnounced) -> None:
        """Take note of an outage: it counts from the watermark of now on."""
        self.advance(self.watermark_ms)
        self._course.announce(signal, self.watermark_ms)

    def _control(self, signal: ControlSet) -> None:
        """Take over the orders of operators as they stand."""
        self.advance(self.watermark_ms)
        if self._course.control(signal.controls, self.watermark_ms):
            self._taken = None  # The partition's record has news.
        self._counts["accepted"] += 1

    def _apply(self, signals: Signals, place: int) -> None:
        """Apply inputs, cut wherever the watermark passes a border of the gate.

        Behind such an input, and before the next one, places are handed out: at the same point of
        the stream, however it is cut into chunks.

        Args:
            signals: A part of the inputs of a chunk.
            place: Of the first of them in the chunk.
        """
        if not signals:
            return
        arrived_ms = self._arrived_ms[place : place + len(signals)]
        signals, reached, refused = admitted(
            signals, arrived_ms, self.clocks, self._clock, self.watermark_ms,
            limit_ms=self.rules.churn.limit_ms, place=place,
        )  # fmt: skip
        self._refused += refused
        gate, start, count = self._course.gate, 0, len(signals)
        gate.begin(int(reached[int(np.argmax(reached > 0.0))]))
        while start < count:
            border_ms = gate.border(max(gate.last_ms, int(reached[start])))
            end = int(np.searchsorted(reached, border_ms, side="left"))
            end = self._stretches.cut(signals, start, max(start + 1, min(end, count)), reached)
            self.watermark_ms = int(reached[end])
            part, has_clock = signals[start:end], self._clock is not None
            self._stretches.apply(part, reached[start : end + 1], has_clock=has_clock)
            if end < count:
                self.advance(self.watermark_ms)
            start = end

    def heads(self, user_ids: Sequence[str]) -> F64:
        """Return the numbers of known users, shape (users, WIDTH).

        Raises:
            KeyError: A user has no state.
        """
        return self._users.heads_of(user_ids)

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
        changelog = self._users.take_changed(float(self._fired_ms))
        outputs, keyed = self._outbox.take(), self._outbox.take_keyed()
        taught = self._course.take()
        if taught:
            outputs[EXAMPLES] = [self._outbox.examples(block, self.number) for block in taught]
        if changelog or outputs or keyed or self.applied != self._taken:
            changelog += self._course.erasures.take(self.watermark_ms)
            changelog += self.relations.stubs.take(self.watermark_ms)
            record = record_of(
                self._course, self.rules, self.applied, self.watermark_ms, self._fired_ms,
                self.fuses,
            )  # fmt: skip
            self._record = msgspec.json.encode(record)
            changelog.append((PARTITION_KEY, self._record))
            self._taken, self._kept_ms = dict(self.applied), self.clocks.told_ms
        counts = self._counts.copy()
        self._counts.clear()
        return Harvest(changelog, outputs, counts, keyed)
