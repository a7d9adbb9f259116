"""The demo itself: start everything, feed a year, kill a worker on the way, prove, sum up."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from streams.demo.children import Child
from streams.demo.foreign import Foreign
from streams.demo.proof import Proof, accounts, prove
from streams.demo.script import Cue, Script
from streams.demo.stage import SESSION_TIMEOUT_S, Stage
from streams.demo.summary import Log
from streams.demo.view import Screen, day
from streams.demo.watch import Watch
from streams.errors import Exit, Unavailable, UserError
from streams.reporting.figures import Figures
from streams.runtime.ticks import now_ms
from streams.runtime.topic_reader import TopicReader
from streams.settings import Settings
from winback_sender.cluster import Cluster

POLL_MS: Final = 250
FEED_PATIENCE: Final = 10.0
"""So many times the planned duration may the feed take, and the same again what is behind it."""
START_PATIENCE_S: Final = 60.0
DRAIN_PATIENCE_S: Final = 60.0
STOP_PATIENCE_S: Final = 20.0
ANSWER_RATE: Final = 0.25
REPORT: Final = "report.html"
LAST_NICENESS: Final = 15


class Play:
    """One performance.

    Args:
        stage: With Kafka up.
        settings: Of the deployment on it.
        log_path: What is fed.
        log: The same, as columns.
        screen: Where it is shown.
        foreign: The topic of somebody else's that it is fed on; None = our own.

    Attributes:
        observed: What the topics have said.
        rate: Events per second that became durable, over the feed.
    """

    def __init__(
        self,
        stage: Stage,
        settings: Settings,
        log_path: Path,
        log: Log,
        screen: Screen,
        foreign: Foreign | None = None,
    ) -> None:
        self.rate = 0.0
        self._stage, self._settings = stage, settings
        self._log_path, self._log = log_path, log
        self._screen = screen
        self._children = stage.children
        self._foreign = foreign
        is_direct = foreign is not None and not foreign.is_routed
        activity = foreign.topic if foreign and is_direct else settings.topic_activity
        self._reader = TopicReader(
            Cluster.plain(settings.kafka_bootstrap),
            (settings.topic_touches, settings.topic_decisions, settings.topic_feedback,
             settings.topic_models, settings.topic_journal),
            (activity, settings.topic_feedback),
        )  # fmt: skip
        self._watch = Watch(settings, log, self._reader, activity)
        self._watch.just_ends = foreign is not None
        self.observed = self._watch.observed
        self._script = Script(SESSION_TIMEOUT_S * 1_000)
        self._is_playing = False

    def run(self, seconds: float) -> tuple[Proof, Figures]:
        """Play, and return the proof and the figures of the report, which lies beside the logs.

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
            others = self._start_foreign()
            self._until(self._watch.are_ready, START_PATIENCE_S, "two workers were not ready")
            self._feed(seconds)
            self._screen.tell("draining")
            self._until(self._watch.is_drained, DRAIN_PATIENCE_S, "not everything became durable")
            self._children.stop(
                sender, learner, *others, *self._alive(), patience_s=STOP_PATIENCE_S
            )
            self._until(self._reader.is_at_end, START_PATIENCE_S, "the topics were not read")
        return self._end()

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
            "feed", "feed", str(self._log_path), "--speed", f"{speed:.3f}", "--quiet",
            *self._how_to_feed(),
        )  # fmt: skip
        self._children.start(
            "replay", "replay", str(self._log_path), "--quiet", "--state",
            str(self._stage.directory / "replay.jsonl"), niceness=LAST_NICENESS,
        )  # fmt: skip
        self._is_playing = True
        self._until(lambda: not feeder.is_alive, FEED_PATIENCE * seconds, "the feed did not end")
        screen.tell("fed")
        self._until(
            self._watch.is_applied, FEED_PATIENCE * seconds, "the log did not become durable"
        )
        self.rate = len(log.times_ms) / (time.monotonic() - begin_s)
        self._until(self._is_script_over, START_PATIENCE_S, "the new worker was not ready")
        self._is_playing = False

    def _follow_script(self) -> None:
        """Kill a worker, see that the other takes over, start one in its place."""
        cue = self._script.cue(self._watch.share, now_ms(), self.observed.moved_ms)
        if cue is Cue.KILL:
            self._kill(*self._watch.busiest())
        elif cue is Cue.TAKEN_OVER:
            self._screen.tell("taken_over", seconds=(self._script.takeover_ms or 0) / 1_000,
                              timeout=SESSION_TIMEOUT_S)  # fmt: skip
        elif cue is Cue.REPLACE:
            self._start_worker("worker-3")
            self._screen.tell("replaced", name="worker-3")

    def _is_script_over(self) -> bool:
        """Whether the worker was killed and replaced; the log may be over before that."""
        is_replaced = "worker-3" in self._watch.workers
        return is_replaced and self._watch.answer("worker-3").is_ready

    def _kill(self, name: str, partitions: tuple[int, ...]) -> None:
        self._children.kill(self._watch.workers[name])
        self._script.killed(partitions, now_ms())
        self._screen.tell("killed", name=name, partitions=" ".join(map(str, partitions)))

    def _end(self) -> tuple[Proof, Figures]:
        """Compare the state with that of the replay, and let the report be written."""
        self._screen.tell("proving")
        directory = self._stage.directory
        live = directory / "live.jsonl"
        export = self._children.start("export", "state", "export", "--out", str(live))
        report = self._children.start(
            "report", "report", "--json", "--lang", self._screen.language, "--out",
            str(directory / REPORT),
        )  # fmt: skip
        for child in (export, report, self._children.named("replay")):
            while child.is_alive:
                self._stage.interrupts.check()
                time.sleep(POLL_MS / 1_000)
        self._children.demand_alive()
        figures = msgspec.json.decode((directory / "report.txt").read_bytes(), type=Figures)
        touches = self.observed.touch_ids.values()
        return prove(accounts(live), accounts(directory / "replay.jsonl"), touches), figures

    # -- the run

    def _start_worker(self, name: str) -> None:
        self._watch.workers[name] = self._children.start(name, "run", "--role", "pipeline")

    def _start_sender(self) -> Child:
        return self._children.start(
            "sender", "sender", "--channel", "console", "--clock", "event",
            WINBACK_SENDER_STATE=str(self._stage.directory / "sender"),
            WINBACK_SENDER_CONSOLE_LANGUAGE=self._screen.language,
            WINBACK_SENDER_CONSOLE_ANSWER_RATE=str(ANSWER_RATE),
            WINBACK_SENDER_WEB_PORT="0",
        )  # fmt: skip

    def _start_foreign(self) -> list[Child]:
        """Start who brings foreign records home, if they do not come to the right place."""
        foreign = self._foreign
        if foreign is None:
            return []
        self._screen.tell(
            "foreign_routed" if foreign.is_routed else "foreign_direct",
            format=foreign.source.form.value, topic=foreign.topic,
        )  # fmt: skip
        if not foreign.is_routed:
            return []
        self._watch.router = self._children.start("router", "run", "--role", "router")
        return [self._watch.router]

    def _how_to_feed(self) -> list[str]:
        foreign = self._foreign
        return [] if foreign is None else ["--as", foreign.tongue.name, "--topic", foreign.topic]

    def _turn(self) -> None:
        """Read what is new and show the moment."""
        self._stage.interrupts.check()
        self._stage.demand_kafka()  # Everybody else fails when it does.
        self._children.demand_alive()
        now_s = time.monotonic()
        try:
            self._watch.turn(now_s, POLL_MS)
        except Unavailable:
            self._stage.demand_kafka()
            raise
        if self._is_playing:
            self._follow_script()
        self._screen.show(self._watch.frame(now_s), now_s)

    def _alive(self) -> list[Child]:
        return [worker for worker in self._watch.workers.values() if worker.is_alive]

    def _until(self, is_so: Callable[[], bool], patience_s: float, fault: str) -> None:
        end_s = time.monotonic() + patience_s
        while not is_so():
            if time.monotonic() > end_s:
                raise UserError(
                    f"{fault} within {patience_s:.0f} s ({self._watch.left()})",
                    f"see the logs in {self._stage.directory}",
                    Exit.FAILED,
                )
            self._turn()
