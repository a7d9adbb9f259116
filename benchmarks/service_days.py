"""A service in its days, without Kafka: events in order of time, senders that answer, wall ticks.

What is driven is one partition of the real core with a frozen model. Every step of event time the
events that have arrived are applied, what senders say of the touches of before comes in, and the
wall clock is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from benchmarks import figures
from benchmarks.core_stages import BUILD, RULES
from benchmarks.model import frozen_model
from benchmarks.workload import KINDS, START, Shape, make_log, user_id
from streams.core.harvest import Harvest
from streams.core.inputs import Acted, FeedbackReceived, Input
from streams.core.outbox import DECISIONS, EXAMPLES, TOUCHES
from streams.core.partition import Partition
from streams.core.rules import Rules
from streams.core.time import HOUR_MS
from streams.replay.rulebook import rules_at
from streams.replay.run import model_at
from streams.settings import DEVELOPMENT_KEY

CHUNK: Final = 6_000
ANSWER_MS: Final = 60_000
PURCHASE, COMPLAINT = KINDS.index("purchase"), KINDS.index("complaint")


class Made(NamedTuple):
    """What was published at one commit.

    Attributes:
        wall_ms: When, by the wall clock of the run.
        touch_ms: Event time of each touch.
        examples: How many.
        decisions: How many.
        timers: How many fired.
    """

    wall_ms: int
    touch_ms: list[int]
    examples: int
    decisions: int
    timers: int


def rules_of(more: str = "") -> Rules:
    """Return the rules of the measurements, with more lines."""
    if not more:
        return rules_at(str(RULES))
    path = BUILD / "service_days.yaml"
    path.write_text(RULES.read_text("utf-8") + more, "utf-8")
    return rules_at(str(path))


def partition_of(rules: Rules) -> Partition:
    """Return an empty partition with a model in force."""
    model = frozen_model(figures.ROOT / RULES, BUILD)
    return Partition(0, rules, model_at(str(model), (DEVELOPMENT_KEY.encode(),), rules))


def inputs_of(shape: Shape) -> tuple[list[Acted], np.ndarray]:
    """Return the events of a log, and their event times, shape (events,)."""
    log = make_log(shape)
    times_ms = log.times_s * 1_000
    paid = np.round(log.amounts * 100.0).astype(np.int64)
    rows = zip(
        log.users.tolist(), times_ms.tolist(), log.kinds.tolist(), paid.tolist(), strict=True
    )
    acts = [
        Acted(
            user_id(who), f"e{number}", at_ms, money / 100.0, money if kind == PURCHASE else 0,
            {PURCHASE: 0, COMPLAINT: 1}.get(kind, -1), kind == COMPLAINT,
            "complaint" if kind == COMPLAINT else "",
        )
        for number, (who, at_ms, kind, money) in enumerate(rows)
    ]  # fmt: skip
    return acts, times_ms


class Days:
    """A partition in time.

    Args:
        rules: The business rules.
        shape: Of the log that it reads.
        step_ms: So often it commits.
    """

    def __init__(self, rules: Rules, shape: Shape, step_ms: int = HOUR_MS) -> None:
        self.partition = partition_of(rules)
        self.made: list[Made] = []
        self.step_ms, self.now_ms = step_ms, int(START.astype(np.int64)) * 1_000
        self.start_ms = self.now_ms
        self._acts, self._times_ms = inputs_of(shape)
        self._read = 0
        self._answers: list[tuple[int, FeedbackReceived]] = []

    def live_until(self, end_ms: int) -> None:
        """Read what arrives, step by step."""
        while self.now_ms < end_ms:
            self.now_ms += self.step_ms
            self._catch_up(self.now_ms)

    def sleep_until(self, end_ms: int) -> None:
        """Be away; what arrives meanwhile is read at once when the time has come."""
        self.now_ms = end_ms
        self.partition.clocks.told_ms = end_ms  # The lane tells the present when it begins.
        self._catch_up(end_ms)

    def _catch_up(self, now_ms: int) -> None:
        """Read all that has arrived in chunks, each a commit; then time is told."""
        end = int(np.searchsorted(self._times_ms, now_ms))
        self._apply(self._said(now_ms))
        for start in range(self._read, end, CHUNK):
            self._apply(self._acts[start : min(start + CHUNK, end)])
        self._read = end
        self.partition.tick(now_ms)
        self._take()

    def _apply(self, inputs: Sequence[Input]) -> None:
        if inputs:
            clock = None if isinstance(inputs[0], FeedbackReceived) else "own"
            self.partition.apply(inputs, *(() if clock else (None,)))
            self._take()

    def _said(self, now_ms: int) -> list[FeedbackReceived]:
        said = [answer for at_ms, answer in self._answers if at_ms <= now_ms]
        self._answers = [each for each in self._answers if each[0] > now_ms]
        return said

    def _take(self) -> None:
        harvest = self.partition.take()
        touches = list(_touches(harvest))
        for touch_id, who, _ in touches:
            at_ms = self.now_ms + ANSWER_MS
            self._answers.append((at_ms, FeedbackReceived(who, at_ms, touch_id, "delivered")))
        examples = sum(1 for _ in harvest.outputs.get(EXAMPLES, ()))
        counts: Counter[str] = harvest.counts
        self.made.append(
            Made(
                self.now_ms, [at_ms for _, _, at_ms in touches],
                counts.get("examples", examples), len(harvest.outputs.get(DECISIONS, ())),
                counts["timers"],
            )
        )  # fmt: skip


class _Touch(msgspec.Struct):
    touch_id: str
    user_id: str = ""


def _touches(harvest: Harvest) -> Iterator[tuple[str, str, int]]:
    """Yield id, user and release of each touch that was requested."""
    for key, value, headers in harvest.outputs.get(TOUCHES, ()):
        told = dict(headers)
        if told["ce_type"].endswith(b"touch.requested"):
            touch = msgspec.json.decode(value, type=_Touch)
            at_ms = int(np.datetime64(told["ce_time"].decode().rstrip("Z"), "ms").astype(np.int64))
            yield touch.touch_id, (key or b"").decode(), at_ms
