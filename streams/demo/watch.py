"""Watching a run: what the topics, the workers and the ends of the sources say, as one moment."""

import time
from collections import deque
from collections.abc import Mapping
from typing import Final

from streams.demo.children import Child
from streams.demo.observed import Observed
from streams.demo.summary import Log
from streams.demo.view import Frame, WorkerState
from streams.demo.workers import SILENT, Answer, ask, routed
from streams.runtime.topic_reader import TopicReader
from streams.settings import Settings

SETTLED_S: Final = 15.0
LOOK_EVERY_S: Final = 0.5
RATE_OVER_S: Final = 5.0


class Watch:
    """Keeps what was last heard.

    Args:
        settings: Name the topics.
        log: What is fed.
        reader: Reads the topics.
        activity: The topic on which the users' events come to the workers.

    Attributes:
        observed: What the topics have said.
        workers: Every worker that was started, by name.
        router: Who brings the events there, if somebody does.
        just_ends: The log ends without a watermark.
    """

    def __init__(self, settings: Settings, log: Log, reader: TopicReader, activity: str) -> None:
        self.observed = Observed(settings)
        self.workers: dict[str, Child] = {}
        self.router: Child | None = None
        self.just_ends = False
        self._unanswered = 0, 0.0
        self._activity = activity
        self._log = log
        self._reader = reader
        self._answers: dict[str, Answer] = {}
        self._users: dict[int, int] = {}
        self._ends: Mapping[tuple[str, int], int] = {}
        self._recent: deque[tuple[float, int]] = deque()
        self._looked_s = 0.0

    def turn(self, now_s: float, poll_ms: int) -> None:
        """Read what is new, and now and then ask workers and sources how they are."""
        for record in self._reader.poll(poll_ms):
            self.observed.see(record.topic, record.value, record.timestamp_ms)
        if now_s - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now_s
        self._ends = self._reader.source_ends()
        for name, worker in self.workers.items():
            self._answers[name] = ask(worker) or self.answer(name)  # Busy ones are as they were.
            self._users.update(self._answers[name].users)
        self._recent.append((now_s, self._applied))
        while now_s - self._recent[0][0] > RATE_OVER_S:
            self._recent.popleft()

    def answer(self, name: str) -> Answer:
        """Return what a worker said last."""
        return self._answers.get(name, SILENT)

    def busiest(self) -> tuple[str, tuple[int, ...]]:
        """Return the worker that owns most partitions, and which."""
        name = max(self.workers, key=lambda name: len(self.answer(name).partitions))
        return name, self.answer(name).partitions

    @property
    def share(self) -> float:
        """How much of the log's time has passed, 0 … 1."""
        passed_ms = self.observed.newest_ms - self._log.times_ms[0]
        return min(1.0, max(0.0, passed_ms / max(1, self._log.span_ms)))

    @property
    def _applied(self) -> int:
        return self.observed.applied_of(self._activity)

    def frame(self, now_s: float) -> Frame:
        """Return the moment."""
        observed, applied = self.observed, self._applied
        begin_s, begin = self._recent[0] if self._recent else (now_s, 0)
        passed_s = max(now_s - begin_s, LOOK_EVERY_S)
        end = sum(end for (topic, _), end in self._ends.items() if topic == self._activity)
        return Frame(
            at_ms=observed.newest_ms, share=self.share, applied=applied,
            lag=max(0, end - applied), rate=(applied - begin) / passed_s,
            users=sum(self._users.values()), at_risk=observed.spells.now,
            cases=len(observed.cases), touches=len(observed.touch_ids),
            returns=observed.returned, held_out=len(observed.held_out),
            day=observed.places.newest(), model=observed.model,
            workers=tuple(self._state(name, worker) for name, worker in self.workers.items()),
        )  # fmt: skip

    def _state(self, name: str, worker: Child) -> WorkerState:
        answer = self.answer(name)
        if not worker.is_alive:
            return WorkerState(name, "✝" if worker.was_killed else "■", ())
        return WorkerState(name, "●" if answer.is_ready else "○", answer.partitions)

    # -- conditions

    def are_ready(self) -> bool:
        """Return whether every worker owns partitions and has their state."""
        answers = [self.answer(name) for name in self.workers]
        return all(answer.is_ready and answer.partitions for answer in answers)

    def is_applied(self) -> bool:
        """Return whether the whole log is durable in the state."""
        if self.router is not None and routed(self.router) < len(self._log.times_ms):
            return False
        ends = self._reader.source_ends()
        return all(
            self.observed.applied[key] >= end
            for key, end in ends.items()
            if key[0] == self._activity
        )

    def _are_answers_due(self) -> bool:
        """Return whether a touch waits for its answer.

        Our own log ends with a watermark. A topic of somebody else's just ends: touches that are
        due after its last record are not sent, and are left when nothing happens any more.
        """
        unanswered = len(self.observed.touch_ids.keys() - self.observed.reported)
        if unanswered != self._unanswered[0]:
            self._unanswered = unanswered, time.monotonic()
        is_settled = time.monotonic() - self._unanswered[1] > SETTLED_S
        return unanswered > 0 and not (self.just_ends and is_settled)

    def left(self) -> str:
        """Return what is not drained, in words: for when it takes too long."""
        observed = self.observed
        unanswered = len(observed.touch_ids.keys() - observed.reported)
        behind = {
            f"{topic}/{partition}": end - observed.applied[topic, partition]
            for (topic, partition), end in self._reader.source_ends().items()
            if end > observed.applied[topic, partition]
        }
        return f"{unanswered:,} touches without an answer, records not applied: {behind or 'none'}"

    def is_drained(self) -> bool:
        """Return whether every touch is reported, and every report durable in the state."""
        observed = self.observed
        if not self._reader.is_at_end() or self._are_answers_due():
            return False
        return all(observed.applied[key] >= end for key, end in self._reader.source_ends().items())
