"""What the stories of clocks are told with: topics of several progress, and a slow twin of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from streams.core.clock_names import OWN, lateness_of, topic_of
from streams.core.inputs import FeedbackReceived, Input, WatermarkPassed
from streams.core.partition import Partition
from streams.core.routed import clock_name
from streams.core.rules import Rules
from streams.core.sources import Form, KeyedBy, Source
from streams.core.time import HOUR_MS
from tests.unit.core.stories import RULES, ToldScorer, by_silence

ORDERS, CRM, APP = "orders", "crm", clock_name("app", 0)
"""Two topics that are read directly, and a clock of the router."""

LATE = {ORDERS: 6 * HOUR_MS, CRM: HOUR_MS, "app": 0}


def of_topics(rules: Rules = RULES) -> Rules:
    """Return rules under which orders may be six hours late, and the CRM one."""
    sources = tuple(
        Source(topic=topic, form=Form.JSON, lateness_ms=late_ms,
               keyed_by=KeyedBy.ANYTHING if topic == "app" else KeyedBy.USER)
        for topic, late_ms in LATE.items()
    )  # fmt: skip
    return msgspec.structs.replace(rules, sources=sources)


def partition_of(*clocks: str, rules: Rules | None = None) -> Partition:
    """Return an empty partition that waits for these clocks."""
    return Partition(0, rules or of_topics(), ToldScorer(by_silence), clocks=clocks or (OWN,))


class Came(NamedTuple):
    """Records of one topic."""

    clock: str | None
    inputs: tuple[Input, ...]


class Ticked(NamedTuple):
    """Everything that had arrived by then was read."""

    at_ms: int


class Told(NamedTuple):
    """It is so late."""

    at_ms: int


class FellIdle(NamedTuple):
    """A topic has said nothing for long."""

    clock: str


Step = Came | Ticked | Told | FellIdle


def play(partition: Partition, steps: Iterable[Step]) -> None:
    """Do what a worker does."""
    for step in steps:
        match step:
            case Came(clock, inputs):
                partition.apply(inputs, clock)
            case Ticked(at_ms):
                partition.tick(at_ms)
            case Told(at_ms):
                partition.clocks.tell(at_ms)
            case FellIdle(clock):
                partition.fall_idle(clock)


@dataclass
class SlowClocks:
    """Clocks one by one, as plain as can be: the slow twin."""

    rules: Rules
    names: tuple[str, ...]
    watermark: int = 0
    told: int = 0
    marks: dict[str, int] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    idle: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.marks = dict.fromkeys(self.names, 0)
        self.idle = {OWN} if APP in self.names else set()

    def play(self, step: Step) -> None:
        """Take one step."""
        match step:
            case Came(clock, inputs):
                for signal in inputs:
                    if clock is not None:
                        self._hear(clock, signal)
            case Told(at_ms):
                self.told = max(self.told, at_ms)
            case FellIdle(clock):
                self.idle.add(clock)
                self._raise()
            case Ticked(at_ms):
                self.told = max(self.told, at_ms)
                for name in self.marks:
                    if topic_of(name) == name:
                        self._move(name, at_ms - lateness_of(name, self.rules))
                self._raise()

    def _hear(self, clock: str, signal: Input) -> None:
        at_ms = signal.event_time_ms
        has_router = any(topic_of(name) != name for name in self.marks)
        if clock == OWN and has_router:  # What the router writes there is of several topics.
            self.idle = self.idle | {OWN}
            if not getattr(signal, "clock", ""):
                self._raise()
                return
        if isinstance(signal, FeedbackReceived):
            return
        if isinstance(signal, WatermarkPassed):
            clock = signal.clock or clock
            mark = at_ms
        else:
            mark = at_ms - lateness_of(clock, self.rules)
        if self.told and at_ms > self.told + HOUR_MS and not getattr(signal, "clock", ""):
            return
        is_idle = isinstance(signal, WatermarkPassed) and signal.is_idle
        self.idle = self.idle | {clock} if is_idle else self.idle - {clock}
        heard = self.heard[clock] = max(self.heard.get(clock, 0), mark)
        limit = self.told - lateness_of(clock, self.rules) if self.told else heard
        self._move(clock, min(heard, limit))
        self._raise()

    def _move(self, name: str, mark: int) -> None:
        self.marks[name] = max(self.marks.get(name, 0), mark)

    def _raise(self) -> None:
        awake = [mark for name, mark in self.marks.items() if name not in self.idle]
        self.watermark = max(self.watermark, min(awake) if awake else max(self.marks.values()))
