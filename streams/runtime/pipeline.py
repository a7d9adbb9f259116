"""The pipeline's engine: the pure core on one owned partition.

Records become inputs, inputs go to the core, and what the core wants made durable becomes a commit,
together with the dead letters and a line of the journal: which inputs were taken, in which order,
with which ticks and models between them. With the journal a run can be replayed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from streams.core import consent
from streams.core.coverage import TOO_MANY_OUTAGES
from streams.core.decoded import Rejected
from streams.core.feedback import Heard
from streams.core.identity import decode_identity
from streams.core.input_fuse import FuseRecord
from streams.core.inputs import ControlSet, Directive, FeedbackReceived
from streams.core.outbox import IDENTITY, TOUCHES
from streams.core.partition import Partition
from streams.core.partition_record import StateMismatchError
from streams.core.reception import FULL
from streams.core.signals import kinds_of, odd_of
from streams.core.stored import Stored
from streams.core.time import iso
from streams.errors import Exit, UserError
from streams.runtime.columns import Chunk
from streams.runtime.dead_letters import DeadLetters, Notices
from streams.runtime.engine_topics import Streams
from streams.runtime.in_force import InForce
from streams.runtime.input_fuse import InputFuse, no_fuse, pardons
from streams.runtime.journal import (
    AWAKE,
    CONTROL,
    IDLE,
    MODEL,
    POLICY,
    PRESENT,
    RULES,
    TICK,
    Journal,
)
from streams.runtime.metrics import Metric, Metrics
from streams.runtime.producer import Commit
from streams.runtime.sorted_out import sorted_out
from streams.runtime.standing import count_decisions, count_feedback
from streams.runtime.ticks import Tick
from streams.runtime.touch_meter import TouchMeter
from streams.runtime.unheard_notice import UnheardNotice
from winback_sender.contract.messages import Output
from winback_sender.logs import get_logger

log = get_logger(__name__)

TELL_EVERY_MS: Final = 1000
"""So often the core is told what time it is while records come."""
SKIPPED: Final = frozenset({
    "duplicate", "late", "skipped_erased", "skipped_unknown_user", FULL, TOO_MANY_OUTAGES,
    consent.LATE, *Heard,
})  # fmt: skip
"""Counts of the core that are inputs which rightly changed little or nothing."""


class PipelineEngine:
    """The core of one partition, driven by a lane.

    Args:
        core: An empty partition.
        board: Says what is in force.
        streams: Where records go.
        metrics: Where measures go.
        notices: What the worker has said of dead letters so far.
        now_ms: The wall clock; None = there is only event time.
        fuse: Says how much of a chunk may be taken; None = all of it.
    """

    def __init__(
        self,
        core: Partition,
        board: Callable[[], InForce],
        streams: Streams,
        metrics: Metrics,
        notices: Notices,
        now_ms: Callable[[], int] | None = None,
        *,
        fuse: InputFuse | None = None,
    ) -> None:
        self.core = core
        self._fuse = fuse or no_fuse(core.number)
        self._now_ms = now_ms
        self._board = board
        self._in_force = board()._replace(orders=None, policy=None)
        self._streams = streams
        self._metrics = metrics
        self._is_full = False
        self._unheard = UnheardNotice(streams.of_core[TOUCHES], core.number)
        self._journal = Journal()
        self._dead_letters = DeadLetters(notices, metrics)
        self._touches = TouchMeter(metrics)

    @property
    def applied(self) -> dict[str, int]:
        """Next offset by source topic."""
        return self.core.applied

    @property
    def held(self) -> dict[str, FuseRecord]:
        """Topics that are not read on."""
        return self._fuse.held

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        """Take over the content of the changelog.

        Raises:
            UserError: It was made with other rules or keys, or by a newer version.
        """
        try:
            self.core.restore(records)
        except StateMismatchError as error:
            raise _refused(error) from error
        self._begin()

    def resume(self, stored: Stored, changes: Mapping[bytes, bytes | None]) -> None:
        """Take over what was stored of the changelog, and what has changed in it since.

        Raises:
            StaleStartError: Together they are not its content.
        """
        self.core.resume(stored, changes)
        self._begin()

    def stored(self) -> Stored:
        """Return what lies in the changelog when what was taken is durable."""
        return self.core.stored()

    @property
    def users(self) -> int:
        """How many there are."""
        return self.core.users

    def _begin(self) -> None:
        if self.core.is_redrawn:
            self._tell_redrawn()
        self._fuse.load(self.core.fuses)
        # Whoever had the partition before may have gone by others.
        self._journal.note(f"{RULES}{self._in_force.rules_version}")
        self._journal.note(f"{MODEL}{self.core.scorer.version}")
        self._journal.note(POLICY)
        if self._now_ms is None and self.core.clocks.told_ms:
            # Who had the wall clock is gone; a present that stands still would refuse all to come.
            self._journal.note(PRESENT)
            self.core.clocks.tell(0)

    def _tell_redrawn(self) -> None:
        log.warning(
            "holdout_redrawn", partition=self.core.number,
            next="another salt holds out others: compare from now on only (report --since)",
        )  # fmt: skip

    def apply(self, chunk: Chunk) -> int | None:
        """Decode records and hand them to the core, in order, as far as the fuse lets them in."""
        self.refresh()
        if self._now_ms is not None:
            self._tell(self._now_ms())
        self._touches.by_time(self.core.touches)
        stopped = self._applied(chunk)
        self._touches.by_records(self.core.touches, chunk.columns.timestamps_ms[0])
        return stopped

    def _applied(self, chunk: Chunk) -> int | None:
        if chunk.topic == self._streams.of_core[IDENTITY]:
            self._journal.note(chunk.topic, chunk.columns.start, chunk.columns.next_offset)
            self._relate(chunk)
            return None
        decoded: Sequence[Any] = chunk.columns.read(self._in_force.decoders[chunk.topic])
        part, stopped = self._fuse.part(chunk, decoded)
        if part.columns.next_offset > part.columns.start:
            self._journal.note(chunk.topic, part.columns.start, part.columns.next_offset)
        self._take(part, decoded[: len(part)])
        if stopped is not None:
            self._hold(chunk.topic)
        return stopped

    def _hold(self, topic: str) -> None:
        """Let nobody take it for silence that a topic is not read on."""
        clock = self._streams.clocks.get(topic, topic)
        if clock is not None and self.core.clocks.wake(clock):
            self._journal.note(f"{AWAKE}{clock}")

    def _take(self, chunk: Chunk, decoded: Sequence[Any]) -> None:
        """Hand what was decoded to the core."""
        inputs, places, skipped = sorted_out(
            decoded, lambda rejected, place: self._dead_letters.put(rejected, chunk, place)
        )
        if FeedbackReceived in kinds_of(inputs):  # On its own topic, or told by a mapping.
            said = [signal for _, signal in odd_of(inputs)]
            count_feedback(self._metrics, said)
            self._unheard.hear(said)
        if inputs:
            clock = self._streams.clocks.get(chunk.topic, chunk.topic)
            arrived_ms = chunk.columns.timestamps_ms
            if len(places) != len(arrived_ms) or not isinstance(places, range):
                arrived_ms = [arrived_ms[place] for place in places]
            for refused in self.core.apply(inputs, clock, arrived_ms):
                rejected, place = Rejected(refused.reason, refused.detail), places[refused.place]
                self._fuse.refuse(place, rejected)
                self._dead_letters.put(rejected, chunk, place)
        for reason, count in skipped.items():
            self._metrics.add(Metric.RECORDS_SKIPPED, count, topic=chunk.topic, reason=reason)
        self._fuse.settle(chunk)

    def _relate(self, chunk: Chunk) -> None:
        """Hand what partitions say of ids to the core.

        Raises:
            UserError: A newer version has handed over a state.
        """
        columns = chunk.columns
        records = zip(columns.keys, columns.values, columns.timestamps_ms, strict=True)
        messages = []
        for place, (key, value, at_ms) in enumerate(records):
            message = decode_identity(key, value, at_ms)
            if isinstance(message, Rejected):
                self._dead_letters.put(message, chunk, place)
            else:
                messages.append(message)
        try:
            self.core.relate(messages)
        except StateMismatchError as error:  # The worker stops, so a newer one reads it again.
            raise _refused(error) from error

    def tick(self, tick: Tick, span_ms: int) -> bool:
        """Let time pass towards the instant of a tick, less what the rules allow for lateness.

        Args:
            tick: The clock's.
            span_ms: At most so much event time is passed; whoever has no users has no timers.

        Returns:
            Whether the instant is reached.
        """
        self.refresh()
        at_ms = self.core.within(tick.at_ms, span_ms)
        if at_ms < tick.at_ms:
            self._tell(tick.at_ms)
        self._journal.note(TICK, at_ms, at_ms)
        self.core.tick(at_ms)
        return at_ms == tick.at_ms

    def _tell(self, at_ms: int) -> None:
        """Say what time it is, unless that was said just now."""
        if at_ms - self.core.clocks.told_ms >= TELL_EVERY_MS:
            self._journal.note(PRESENT, at_ms, at_ms)
            self.core.clocks.tell(at_ms)

    def fall_idle(self, clock: str) -> None:
        """Wait for a clock no longer, until its topic says something again."""
        self.refresh()
        self._journal.note(f"{IDLE}{clock}")
        self.core.fall_idle(clock)
        log.info("clock_idle", partition=self.core.number, clock=clock)

    def refresh(self) -> None:
        """Take over what has come into force since the last look."""
        now, before = self._board(), self._in_force
        if now is before:
            return
        self._in_force = now
        if now.decoders is not before.decoders:
            self._fuse.judge_anew()
        if now.scorer is not before.scorer:
            self._journal.note(f"{MODEL}{now.scorer.version}")
            self.core.use(now.scorer)
        if now.rules is not before.rules:
            self._journal.note(f"{RULES}{now.rules_version}")
            if now.rules.holdout.salt != self.core.rules.holdout.salt:
                self._tell_redrawn()
            self.core.adopt(now.rules)
        if now.policy is not None and now.policy is not before.policy:
            self._journal.note(f"{POLICY}{now.policy.version}")
            self.core.advise(now.policy)
        if now.orders is not None and now.orders != before.orders:
            self._control(now.orders)

    def _control(self, orders: tuple[Directive, ...]) -> None:
        """Take over what operators have ordered; the journal tells from which instant on."""
        self._fuse.pardon(pardons(orders))
        before = self.core.controls.record()
        self.core.apply([ControlSet(self.core.watermark_ms, orders)])
        for taken in self.core.controls.record():
            if taken not in before:
                name = f"{CONTROL}{taken.key}={taken.value}"
                self._journal.note(name, taken.at_ms, taken.ordered_ms)
                log.info(
                    "control_taken", partition=self.core.number, what=taken.key,
                    value=taken.value, at=iso(taken.at_ms),
                )  # fmt: skip

    def take(self) -> Commit:
        """Hand over what is not durable yet."""
        is_news = self._fuse.has_news
        self.core.keep_fuses(self._fuse.record(), is_news=is_news)
        harvest = self.core.take()
        outputs: dict[str, list[Output]] = {
            self._streams.of_core[stream]: records for stream, records in harvest.outputs.items()
        }
        keyed = {self._streams.of_core[stream]: sent for stream, sent in harvest.keyed.items()}
        if letters := self._dead_letters.take():
            outputs[self._streams.dead_letters] = letters
        for reason in SKIPPED & harvest.counts.keys():
            count = harvest.counts[reason]
            self._metrics.add(Metric.RECORDS_SKIPPED, count, topic="", reason=reason)
        if harvest.counts[FULL] and not self._is_full:
            log.error(
                "users_full", partition=self.core.number, users=self.core.users,
                next="new users are not taken in; raise WINBACK_USERS_MAX if there is memory, or "
                "use more partitions; look first for a producer that makes users up",
            )  # fmt: skip
        self._is_full |= bool(harvest.counts[FULL])
        count_decisions(self._metrics, harvest.counts)
        if self.core.rules.contact.unheard_ms is not None:
            self._unheard.see(harvest.counts, self.core.watermark_ms)
        if harvest.changelog or outputs:
            outputs[self._streams.journal] = [
                self._journal.take(self.core, self._in_force.rules_version)
            ]
        told = self._touches.take(harvest.outputs.get(TOUCHES, ()))
        return Commit(harvest.changelog, outputs, keyed, when_durable=told)


def _refused(error: StateMismatchError) -> UserError:
    return UserError(str(error), error.hint, Exit.FAILED)
