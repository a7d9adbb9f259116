"""The closed loop: what users do goes through the core, what comes out changes what they do."""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from streams.core.decoded import Rejected, Several, Skipped
from streams.core.inputs import (
    Acted,
    ControlSet,
    Directive,
    FeedbackReceived,
    Input,
    ObservationPaused,
    OutageAnnounced,
    WatermarkPassed,
)
from streams.core.messages import Decision
from streams.core.native import decode_feedback, make_decode
from streams.core.outbox import DECISIONS, EXAMPLES, TOUCHES
from streams.core.partitioner import Partitioner
from streams.core.rules import Rules
from streams.core.scoring import Scorer
from streams.core.time import DAY_MS, HOUR_MS
from streams.replay.fleet import Fleet
from streams.simulation.answers import SenderCrew
from streams.simulation.law import instant_ms
from streams.simulation.run import (
    Applied,
    DecisionMessage,
    Exposed,
    Message,
    Run,
    Said,
    TouchMessage,
)
from streams.simulation.source import Record, Source
from streams.simulation.world import World
from winback_sender.contract.messages import Output, TouchRequested, TouchRevoked

_MESSAGES: Final = {
    TOUCHES: msgspec.json.Decoder(TouchMessage),
    DECISIONS: msgspec.json.Decoder(DecisionMessage),
}


class Student:
    """Learns from what the partitions taught, and looks around; this one does neither."""

    def receive(self, records: list[Output]) -> None:
        """Take what was taught."""

    def learn(self, fleet: Fleet, run: Run, at_ms: int) -> None:
        """Put in force what is known at an instant."""


class Loop:
    """One world, run through the service.

    Args:
        world: The world.
        rules: The business rules.
        scorer: The model in force at the beginning.
        student: Learns on the way.
        keeps: Whether every record is kept, for files.
    """

    def __init__(
        self,
        world: World,
        rules: Rules,
        scorer: Scorer,
        *,
        student: Student | None = None,
        keeps: bool = False,
    ) -> None:
        partitions = world.scenario.partitions
        self._world, self._rules, self._keeps = world, rules, keeps
        self.fleet = Fleet(rules, scorer, partitions=partitions, now_ms=world.end_ms)
        self._student = student or Student()
        self._decode = make_decode(rules)
        self._partitioner = Partitioner(partitions)
        self._reached = [0] * partitions
        self._orders = [
            (world.start_ms + round(day * DAY_MS), is_on)
            for begin, days in world.scenario.stops
            for day, is_on in ((begin, True), (begin + days, False))
        ]
        source = Source(world, rules.currency)
        self._cases: set[str] = set()
        self._run = Run(world, rules, source, SenderCrew(world, source), [], [], [], [], {}, {})

    def run(self, tell: Callable[[float], None] | None = None) -> Run:
        """Run the world from its begin to its end; ``tell`` hears how far it is, 0 to 1."""
        world, run = self._world, self._run
        step_ms = round(world.scenario.step_hours * HOUR_MS)
        for step, now_ms in enumerate(range(world.start_ms + step_ms, world.end_ms + 1, step_ms)):
            self._feed(step, run.source.until(now_ms), now_ms)
            self._harvest(step, now_ms)
            self._student.learn(self.fleet, run, now_ms)
            if tell is not None:
                tell((now_ms - world.start_ms) / (world.end_ms - world.start_ms))
        run.counts.update(self.fleet.counts)
        return run

    def _feed(self, step: int, records: list[Record], now_ms: int) -> None:
        """Apply what has arrived, and let every partition know how late it is."""
        fleet, applied = self.fleet, self._run.applied
        parts: list[list[Input]] = [[] for _ in fleet.partitions]
        for user_id, signal in self._signals(records, now_ms):
            places = [self._partitioner[user_id]] if user_id else range(len(parts))
            effective_ms = 0
            for place in places:
                effective_ms = max(effective_ms, self._effective(signal, place))
                parts[place].append(signal)
            applied.append(Applied(step, effective_ms, signal))
        if self._keeps:
            self._run.arrived.extend(records)
        watermark_ms = now_ms - self._rules.lateness_ms
        for place, (partition, inputs) in enumerate(zip(fleet.partitions, parts, strict=True)):
            self._reached[place] = max(self._reached[place], watermark_ms)
            inputs.append(WatermarkPassed(watermark_ms))
            partition.apply(inputs)

    def _signals(self, records: list[Record], now_ms: int) -> Iterator[tuple[str, Input]]:
        """Yield what operators ordered since the last step, and what has arrived, with its key."""
        while self._orders and self._orders[0][0] <= now_ms:
            at_ms, is_on = self._orders.pop(0)
            controls = (Directive("stop", "on", at_ms, at_ms),) if is_on else ()
            yield "", ControlSet(at_ms, controls)
        for record in records:
            signal = self._input(record)
            if signal is not None:
                yield record.user_id, signal

    def _input(self, record: Record) -> Input | None:
        decode = decode_feedback if record.is_feedback else self._decode
        key = record.user_id or "$coverage"
        signal = decode(key.encode(), record.value, record.at_ms)
        if isinstance(signal, Rejected | Skipped):
            self.fleet.counts[f"put_aside_{signal.reason}"] += 1
            return None
        assert not isinstance(signal, Several), "a native record says one thing"
        return signal

    def _effective(self, signal: Input, place: int) -> int:
        """Return from when an input counts, and note how far it moves the clock of a partition."""
        reached_ms = self._reached[place]
        if isinstance(signal, FeedbackReceived | ObservationPaused | ControlSet | OutageAnnounced):
            return reached_ms
        at_ms = signal.event_time_ms
        self._reached[place] = max(reached_ms, at_ms - self._rules.lateness_ms)
        return max(at_ms, reached_ms) if isinstance(signal, Acted) else reached_ms

    def _harvest(self, step: int, now_ms: int) -> None:
        """Read what the service wrote; hand the touches that still stand to the senders."""
        run, wanted = self._run, []
        for stream, partition, records in self.fleet.take():
            if stream == EXAMPLES:
                self._student.receive(records)
                continue
            decoder = _MESSAGES[stream]
            if self._keeps:
                run.written.setdefault(stream, []).extend(record.value for record in records)
            for record in records:
                message: Message = decoder.decode(record.value)
                run.said.append(Said(step, partition, message))
                if isinstance(message, TouchRequested):
                    wanted.append(message)
                elif isinstance(message, Decision):
                    self._note(message)
                elif isinstance(message, TouchRevoked):
                    gone = message.touch_id
                    wanted = [touch for touch in wanted if touch.touch_id != gone]
        for touch in wanted:
            run.crew.send(touch, now_ms)

    def _note(self, decision: Decision) -> None:
        """Note the truth of a case at its exposure; the touches of this step are not out yet."""
        is_held_out = decision.reason == "holdout"
        if decision.case_id in self._cases or not (is_held_out or decision.verdict == "send"):
            return
        self._cases.add(decision.case_id)
        life = self._run.source.lives[decision.user_id]
        at_ms = instant_ms(decision.decided_at)
        prospect = life.prospect(at_ms, decision.channel, self._world.horizon_ms)
        self._run.exposed.append(
            Exposed(decision.user_id, decision.case_id, decision.channel, at_ms, is_held_out,
                    prospect)
        )  # fmt: skip
