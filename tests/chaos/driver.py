"""Run a deployment on a real Kafka, feed it, and break it by plan."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.stand import Stand, Worker, wait_until
from streams.runtime.embedded.fixture import EmbeddedKafka
from tests.chaos.oracle import Journal
from tests.chaos.schedule import Fault, Planned

WORKERS_MIN: Final = 2
WORKERS_MAX: Final = 3
FEED_PATIENCE_S: Final = 300.0
DRAIN_PATIENCE_S: Final = 180.0
QUIET_S: Final = 5.0
"""So long nothing must have been left to read before a run is over."""

Say = Callable[[str], None]


class Setting(NamedTuple):
    """What a run is made of.

    Attributes:
        log: The events, csv.
        rules: Business rules.
        model: A frozen model.
        rate: Events fed per second.
        session_s: Session time-out of the workers.
    """

    log: Path
    rules: Path
    model: Path
    rate: int
    session_s: float


class Ended(NamedTuple):
    """What a run came to, before anybody has looked at the results.

    Attributes:
        events: Events that were fed.
        events_per_s: The rate at which they were.
        faults: Faults that were done.
        crashes: Workers that ended by themselves, with the end of their log.
        seconds: From the first event until all was durable.
    """

    events: int
    events_per_s: float
    faults: int
    crashes: list[str]
    seconds: float


class Chaos:
    """A deployment under faults; ``run`` returns when everything that was fed is durable.

    Args:
        kafka: A broker that may be broken.
        directory: For logs and results.
        setting: What is run.
        say: Told every fault.
    """

    def __init__(self, kafka: EmbeddedKafka, directory: Path, setting: Setting, say: Say) -> None:
        self.kafka = kafka
        self.setting = setting
        self.say = say
        self.stand = Stand(
            kafka.bootstrap, directory, rules=setting.rules, model_file=setting.model,
            clock="event", session_timeout_s=setting.session_s,
        )  # fmt: skip
        self.crashes: list[str] = []
        self._began_s = 0.0
        self._broken_s = 0.0
        self._quiet_s = time.monotonic()
        self._paused: dict[Worker, float] = {}
        self._due: list[float] = []  # when a worker is to be started in the place of one that went
        self._gone: set[Worker] = set()

    def run(self, plan: list[Planned]) -> Ended:
        """Feed the log, do the faults, wait for the end."""
        with self.stand:
            self.stand.run("topics", "apply")
            for _ in range(WORKERS_MIN):
                self.stand.worker()
            for worker in self.stand.workers:
                worker.wait_ready()
            fed = self._feed(plan)
            journal = Journal(self.kafka.bootstrap)
            wait_until(
                "everything durable", lambda: self._tend() or journal.is_complete(),
                DRAIN_PATIENCE_S, poll_s=0.2,
            )  # fmt: skip
            wait_until(
                "nothing under way", lambda: self._tend() or self._is_settled(),
                DRAIN_PATIENCE_S, poll_s=0.5,
            )  # fmt: skip
            seconds = self._elapsed()
            journal.close()
            for worker in self.stand.running():
                worker.end()
        return Ended(fed["events"], fed["events_per_s"], len(plan), self.crashes, seconds)

    def _is_settled(self) -> bool:
        """Return whether no worker has anything to read, also of what the lanes tell each other.

        How far there is to go is asked for every two seconds.
        """
        running = self.stand.running()
        if self._paused or self._due:
            return False
        for worker in running:
            page = worker.page("/health")
            said = {} if page is None else json.loads(page)
            if said.get("lag_records") != 0 or said.get("pending_records") != 0:
                self._quiet_s = time.monotonic()
        return time.monotonic() - self._quiet_s > QUIET_S

    def _feed(self, plan: list[Planned]) -> dict[str, int]:
        feed = self.stand.start(
            "feed", self.setting.log, "--rate", str(self.setting.rate), "--quiet", "--json"
        )
        assert feed.stdout is not None
        self._began_s = time.monotonic()
        try:
            left = list(plan)
            while left or self._paused or feed.poll() is None:
                if left and self._elapsed() - self._broken_s >= left[0].at_s:
                    self._do(left.pop(0))
                self._tend()
                time.sleep(0.02)
                assert self._elapsed() < FEED_PATIENCE_S + plan[-1].at_s, "the feed does not end"
            said = feed.stdout.read()
        finally:
            feed.kill()
            feed.wait()
        assert feed.returncode == 0, f"the feed ended with {feed.returncode}"
        fed: dict[str, int] = json.loads(said)
        self._say(f"fed {fed['events']} events at {fed['events_per_s']}/s")
        return fed

    def _do(self, planned: Planned) -> None:
        running = [worker for worker in self.stand.running() if worker not in self._paused]
        worker = running[int(planned.choice * len(running))] if running else None
        match planned.fault:
            case Fault.BROKER_TERM | Fault.BROKER_KILL:
                self._bounce(planned)
            case Fault.JOIN if len(running) < WORKERS_MAX:
                self._say(f"join: {self.stand.worker().name}")
            case Fault.PAUSE if worker is not None:
                rest_s = 2 * self.setting.session_s
                self._say(f"pause: {worker.name} (SIGSTOP) for {rest_s:g} s")
                worker.send(signal.SIGSTOP)
                self._paused[worker] = time.monotonic() + rest_s
            case _ if worker is not None:
                number = signal.SIGKILL if planned.fault is Fault.KILL else signal.SIGTERM
                self._say(f"{planned.fault}: {worker.name} ({number.name})")
                self._gone.add(worker)
                worker.send(number)
                if planned.fault is not Fault.JOIN:
                    self._due.append(time.monotonic() + planned.rest_s)
            case _:
                self._say(f"{planned.fault}: there is no worker")

    def _bounce(self, planned: Planned) -> None:
        self._say(f"{planned.fault}: back after {planned.rest_s:.1f} s")
        began_s = self._elapsed()
        if planned.fault is Fault.BROKER_KILL:
            self.kafka.kill()
        else:
            self.kafka.stop()
        time.sleep(planned.rest_s)
        self.kafka.start()
        self._broken_s += self._elapsed() - began_s  # the plan goes on when the broker does
        self._say("broker is back")

    def _tend(self) -> None:
        """Wake who has slept enough, and start workers in the place of those that went."""
        now_s = time.monotonic()
        for worker, until_s in list(self._paused.items()):
            if now_s >= until_s:
                self._say(f"wake: {worker.name} (SIGCONT)")
                worker.send(signal.SIGCONT)
                del self._paused[worker]
        for worker in self.stand.workers:
            if not worker.is_running and worker not in self._gone:
                self._gone.add(worker)
                self._mourn(worker)
                self._due.append(now_s + 1.0)  # as a supervisor would
        for due_s in [due_s for due_s in self._due if now_s >= due_s]:
            self._due.remove(due_s)
            if len(self.stand.running()) < WORKERS_MAX:
                self._say(f"start: {self.stand.worker().name}")

    def _mourn(self, worker: Worker) -> None:
        lines = worker.log.read_text(errors="replace").splitlines()
        said = f"{worker.name} ended with {worker.process.returncode}: {' / '.join(lines[-3:])}"
        self.crashes.append(said)
        self._say(said)

    def _elapsed(self) -> float:
        return time.monotonic() - self._began_s

    def _say(self, what: str) -> None:
        self.say(f"{self._elapsed():7.2f} s  {what}")
