"""The demo itself: start everything, feed a year, kill a worker on the way, prove, sum up."""

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from streams.demo.children import Child
from streams.demo.observed import Observed
from streams.demo.proof import Proof, accounts, prove
from streams.demo.script import Cue, Script
from streams.demo.stage import SESSION_TIMEOUT_S, Stage
from streams.demo.summary import Log
from streams.demo.view import Frame, Screen, WorkerState, day
from streams.demo.workers import SILENT, Answer, ask
from streams.errors import Exit, UserError
from streams.runtime.ticks import now_ms
from streams.runtime.topic_reader import TopicReader
from streams.settings import Settings

POLL_MS: Final = 250
LOOK_EVERY_S: Final = 0.5
"""How often the ends of topics and a worker are asked for."""
RATE_OVER_S: Final = 5.0
FEED_PATIENCE: Final = 10.0
"""So many times the planned duration may the feed take, and the same again what is behind it."""
START_PATIENCE_S: Final = 60.0
DRAIN_PATIENCE_S: Final = 60.0
STOP_PATIENCE_S: Final = 20.0
ANSWER_RATE: Final = 0.25
LAST_NICENESS: Final = 15


class Play:
    """One performance.

    Args:
        stage: With Kafka up.
        settings: Of the deployment on it.
        log_path: What is fed.
        log: The same, as columns.
        screen: Where it is shown.

    Attributes:
        observed: What the topics have said.
        rate: Events per second that became durable, over the feed.
    """

    def __init__(
        self, stage: Stage, settings: Settings, log_path: Path, log: Log, screen: Screen
    ) -> None:
        self.observed = Observed(settings)
        self.rate = 0.0
        self._stage, self._settings = stage, settings
        self._log_path, self._log = log_path, log
        self._screen = screen
        self._children = stage.children
        self._reader = TopicReader(
            settings.kafka_bootstrap,
            (settings.topic_touches, settings.topic_decisions, settings.topic_feedback,
             settings.topic_models, settings.topic_journal),
            (settings.topic_activity, settings.topic_feedback),
        )  # fmt: skip
        self._workers: dict[str, Child] = {}
        self._answers: dict[str, Answer] = {}
        self._users: dict[int, int] = {}
        self._ends: dict[tuple[str, int], int] = {}
        self._recent: deque[tuple[float, int]] = deque()
        self._looked_s = 0.0
        self._script = Script(SESSION_TIMEOUT_S * 1_000)
        self._is_playing = False

    def run(self, seconds: float) -> Proof:
        """Play, and return the proof.

        Args:
            seconds: How long the feed shall take.

        Raises:
            KeyboardInterrupt: The end was asked for.
            UserError: Something did not come up, ended by itself, or did not finish.
        """
        with self._reader:
            self._screen.tell("starting")
            for name in ("worker-1", "worker-2"):
                self._start_worker(name)
            learner = self._children.start("learner", "run", "--role", "learner")
            sender = self._start_sender()
            self._until(self._are_ready, START_PATIENCE_S, "two workers were not ready")
            self._feed(seconds)
            self._screen.tell("draining")
            self._until(self._is_drained, DRAIN_PATIENCE_S, "not everything became durable")
            self._children.stop(sender, learner, *self._alive(), patience_s=STOP_PATIENCE_S)
            self._until(self._reader.is_at_end, START_PATIENCE_S, "the topics were not read")
        return self._prove()

    # -- acts

    def _feed(self, seconds: float) -> None:
        """Feed the log in about so many seconds, and follow the script."""
        log, screen = self._log, self._screen
        screen.tell("feeding", events=len(log.times_ms), users=len(set(log.user_ids)),
                    first=day(log.times_ms[0]), last=day(log.times_ms[-1]),
                    seconds=round(seconds))  # fmt: skip
        speed = max(1.0, log.span_ms / 1_000 / seconds)
        begin_s = time.monotonic()
        feeder = self._children.start(
            "feed", "feed", str(self._log_path), "--speed", f"{speed:.3f}", "--quiet"
        )
        self._children.start(
            "replay", "replay", str(self._log_path), "--quiet", "--state",
            str(self._stage.directory / "replay.jsonl"), niceness=LAST_NICENESS,
        )  # fmt: skip
        self._is_playing = True
        self._until(lambda: not feeder.is_alive, FEED_PATIENCE * seconds, "the feed did not end")
        screen.tell("fed")
        self._until(self._is_applied, FEED_PATIENCE * seconds, "the log did not become durable")
        self.rate = len(log.times_ms) / (time.monotonic() - begin_s)
        self._until(self._is_script_over, START_PATIENCE_S, "the new worker was not ready")
        self._is_playing = False

    def _follow_script(self) -> None:
        """Kill a worker, see that the other takes over, start one in its place."""
        cue = self._script.cue(self._share(), now_ms(), self.observed.moved_ms)
        if cue is Cue.KILL:
            self._kill("worker-1")
        elif cue is Cue.TAKEN_OVER:
            self._screen.tell("taken_over", seconds=(self._script.takeover_ms or 0) / 1_000,
                              timeout=SESSION_TIMEOUT_S)  # fmt: skip
        elif cue is Cue.REPLACE:
            self._start_worker("worker-3")
            self._screen.tell("replaced", name="worker-3")

    def _is_script_over(self) -> bool:
        """Whether the worker was killed and replaced; the log may be over before that."""
        is_replaced = "worker-3" in self._workers
        return is_replaced and self._answers.get("worker-3", SILENT).is_ready

    def _kill(self, name: str) -> None:
        worker = self._workers[name]
        partitions = ask(worker).partitions or self._answers.get(name, SILENT).partitions
        self._children.kill(worker)
        self._script.killed(partitions, now_ms())
        self._screen.tell("killed", name=name, partitions=" ".join(map(str, partitions)))

    def _prove(self) -> Proof:
        self._screen.tell("proving")
        directory = self._stage.directory
        live = directory / "live.jsonl"
        export = self._children.start("export", "state", "export", "--out", str(live))
        for child in (export, self._children.named("replay")):
            while child.is_alive:
                self._stage.interrupts.check()
                time.sleep(POLL_MS / 1_000)
        self._children.demand_alive()
        touches = self.observed.touch_ids.values()
        return prove(accounts(live), accounts(directory / "replay.jsonl"), touches)

    # -- the run

    def _start_worker(self, name: str) -> None:
        self._workers[name] = self._children.start(name, "run", "--role", "pipeline")

    def _start_sender(self) -> Child:
        journal = self._stage.directory / "sender.sqlite"
        return self._children.start(
            "sender", "sender", "--channel", "console", "--clock", "event", "--lang",
            self._screen.language, "--answer", str(ANSWER_RATE), "--journal", str(journal),
        )  # fmt: skip

    def _turn(self) -> None:
        """Read what is new and show the moment."""
        self._stage.interrupts.check()
        self._children.demand_alive()
        found = self._reader.poll(POLL_MS)
        now_s = time.monotonic()
        for record in found:
            self.observed.see(record.topic, record.value, record.timestamp_ms)
        if now_s - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = now_s
            self._look(now_s)
        if self._is_playing:
            self._follow_script()
        self._screen.show(self._frame(now_s), now_s)

    def _look(self, now_s: float) -> None:
        self._ends = self._reader.source_ends()
        for name, worker in self._workers.items():
            self._answers[name] = ask(worker)
            self._users.update(self._answers[name].users)
        self._recent.append((now_s, self._applied()))
        while now_s - self._recent[0][0] > RATE_OVER_S:
            self._recent.popleft()

    def _frame(self, now_s: float) -> Frame:
        observed = self.observed
        begin_s, begin = self._recent[0] if self._recent else (now_s, 0)
        passed_s = max(now_s - begin_s, LOOK_EVERY_S)
        end = sum(end for (topic, _), end in self._ends.items() if self._is_activity(topic))
        applied = self._applied()
        return Frame(
            at_ms=observed.newest_ms, share=self._share(), applied=applied,
            lag=max(0, end - applied), rate=(applied - begin) / passed_s,
            users=sum(self._users.values()), at_risk=observed.open_cases,
            alerts=len(observed.cases), touches=len(observed.touch_ids),
            returns=observed.returned, held_out=len(observed.held_out), model=observed.model,
            workers=tuple(self._state(name, worker) for name, worker in self._workers.items()),
        )  # fmt: skip

    def _state(self, name: str, worker: Child) -> WorkerState:
        answer = self._answers.get(name, SILENT)
        if not worker.is_alive:
            return WorkerState(name, "✝", ())
        return WorkerState(name, "●" if answer.is_ready else "○", answer.partitions)

    def _share(self) -> float:
        """Return how much of the log's time has passed, 0 … 1."""
        passed_ms = self.observed.newest_ms - self._log.times_ms[0]
        return min(1.0, max(0.0, passed_ms / max(1, self._log.span_ms)))

    def _applied(self) -> int:
        return self.observed.applied_of(self._settings.topic_activity)

    def _is_activity(self, topic: str) -> bool:
        return topic == self._settings.topic_activity

    def _alive(self) -> list[Child]:
        return [worker for worker in self._workers.values() if worker.is_alive]

    # -- conditions

    def _are_ready(self) -> bool:
        answers = [self._answers.get(name, SILENT) for name in self._workers]
        return all(answer.is_ready and answer.partitions for answer in answers)

    def _is_applied(self) -> bool:
        """Whether the whole log is durable in the state."""
        ends = self._reader.source_ends()
        return all(
            self.observed.applied[key] >= end
            for key, end in ends.items()
            if self._is_activity(key[0])
        )

    def _is_drained(self) -> bool:
        """Whether every touch is reported, and every report durable in the state."""
        observed = self.observed
        if not self._reader.is_at_end() or observed.touch_ids.keys() - observed.reported:
            return False
        return all(observed.applied[key] >= end for key, end in self._reader.source_ends().items())

    def _until(self, is_so: Callable[[], bool], patience_s: float, fault: str) -> None:
        end_s = time.monotonic() + patience_s
        while not is_so():
            if time.monotonic() > end_s:
                raise UserError(
                    f"{fault} within {patience_s:.0f} s",
                    f"see the logs in {self._stage.directory}",
                    Exit.FAILED,
                )
            self._turn()
