"""Run a deployment on a real Kafka, feed it, and break it by plan."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from benchmarks.stand import Stand, Worker, wait_until
from tests.chaos.disk import Disk
from tests.chaos.oracle import Journal
from tests.chaos.proxy import CUT, FINE, Link, Links, Quality
from tests.chaos.schedule import LINKED, Fault, Planned

WORKERS_MIN: Final = 2
WORKERS_MAX: Final = 3
FEED_PATIENCE_S: Final = 300.0
DRAIN_PATIENCE_S: Final = 180.0
QUIET_S: Final = 5.0
"""So long nothing must have been left to read before a run is over."""
LINKS: Final = WORKERS_MAX + 1
STORM_TURNS: Final = 8
STORM_EVERY_S: Final = 1.0
DISK_PATIENCE_S: Final = 10.0
"""So long the disk stays full, if the broker does not give up before."""
POOR: Final = Quality(latency_s=0.1, bytes_per_s=256 << 10)
QUALITIES: Final = {
    Fault.CUT: (CUT, CUT), Fault.CUT_UP: (CUT, FINE), Fault.CUT_DOWN: (FINE, CUT),
    Fault.SLOW: (POOR, POOR),
}  # fmt: skip
"""What a link is like, up and down."""

Say = Callable[[str], None]


class Kafka(Protocol):
    """A Kafka that may be broken."""

    @property
    def bootstrap(self) -> str:
        """Its address for clients."""

    @property
    def is_running(self) -> bool:
        """Whether the broker that was broken last is there."""

    def kill(self) -> None:
        """Kill a broker with -9."""

    def stop(self) -> None:
        """Stop a broker as an operator would."""

    def start(self) -> None:
        """Start the broker that is away."""


class Means(NamedTuple):
    """What some faults need.

    Attributes:
        links: Ways to the broker, for those of the network.
        disk: Where the broker has its data, for a full disk.
    """

    links: Links | None = None
    disk: Disk | None = None


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
        undone: Faults that were not, because what they need was not there.
        crashes: Workers that ended by themselves, with the end of their log.
        seconds: From the first event until all was durable.
    """

    events: int
    events_per_s: float
    faults: int
    undone: list[str]
    crashes: list[str]
    seconds: float


class Chaos:
    """A deployment under faults; ``run`` returns when everything that was fed is durable.

    Args:
        kafka: A broker that may be broken.
        directory: For logs and results.
        setting: What is run.
        say: Told every fault.
        means: What some faults need.
    """

    def __init__(
        self, kafka: Kafka, directory: Path, setting: Setting, say: Say, means: Means | None = None
    ) -> None:
        self.kafka = kafka
        self.means = means or Means()
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
        self._link_of: dict[Worker, Link] = {}
        self._poor: dict[Link, float] = {}  # until when
        self._storm: list[float] = []
        self._undone: list[str] = []
        self._due: list[float] = []  # when a worker is to be started in the place of one that went
        self._gone: set[Worker] = set()

    def run(self, plan: list[Planned]) -> Ended:
        """Feed the log, do the faults, wait for the end."""
        with self.stand:
            self.stand.run("topics", "apply")
            for _ in range(WORKERS_MIN):
                self._start()
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
        done = len(plan) - len(self._undone)
        return Ended(
            fed["events"], fed["events_per_s"], done, self._undone, self.crashes, seconds
        )  # fmt: skip

    def _is_settled(self) -> bool:
        """Return whether no worker has anything to read, also of what the lanes tell each other.

        How far there is to go is asked for every two seconds.
        """
        running = self.stand.running()
        if self._is_broken or self._due:
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
            while left or self._is_broken or feed.poll() is None:
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

    @property
    def _is_broken(self) -> bool:
        """Whether a fault goes on."""
        return bool(self._paused or self._poor or self._storm)

    def _start(self) -> None:
        """Start a worker, behind a link that nobody else uses."""
        bootstrap = ""
        if self.means.links is not None:
            used = {self._link_of[worker] for worker in self.stand.running()}
            link = next(each for each in self.means.links.all if each not in used)
            link.heal()
            self._poor.pop(link, None)
            bootstrap = link.bootstrap
        worker = self.stand.worker(bootstrap=bootstrap)
        if self.means.links is not None:
            self._link_of[worker] = link
        self._say(f"start: {worker.name}")

    def _do(self, planned: Planned) -> None:
        running = [worker for worker in self.stand.running() if worker not in self._paused]
        worker = running[int(planned.choice * len(running))] if running else None
        match planned.fault:
            case Fault.BROKER_TERM | Fault.BROKER_KILL:
                self._bounce(planned)
            case Fault.DISK_FULL:
                self._fill_disk()
            case Fault.STORM:
                self._say(f"storm: for {STORM_TURNS} turns somebody comes or goes")
                now_s = time.monotonic()
                self._storm = [now_s + turn * STORM_EVERY_S for turn in range(STORM_TURNS)]
            case Fault.JOIN:
                self._join_or_leave(planned.choice)
            case _ if worker is None:
                self._undo(planned.fault, "there is no worker")
            case Fault.PAUSE:
                rest_s = 2 * self.setting.session_s
                self._say(f"pause: {worker.name} (SIGSTOP) for {rest_s:g} s")
                worker.send(signal.SIGSTOP)
                self._paused[worker] = time.monotonic() + rest_s
            case fault if fault in LINKED:
                self._spoil(worker, fault)
            case fault:
                number = signal.SIGKILL if fault is Fault.KILL else signal.SIGTERM
                self._say(f"{fault}: {worker.name} ({number.name})")
                self._gone.add(worker)
                worker.send(number)
                self._due.append(time.monotonic() + planned.rest_s)

    def _join_or_leave(self, choice: float) -> None:
        """Start one worker more; where there are enough, let one go."""
        running = self.stand.running()
        awake = [worker for worker in running if worker not in self._paused]
        if len(running) < WORKERS_MAX:
            self._start()
        elif awake:
            worker = awake[int(choice * len(awake))]
            self._say(f"leave: {worker.name} (SIGTERM)")
            self._gone.add(worker)
            worker.send(signal.SIGTERM)

    def _spoil(self, worker: Worker, fault: Fault) -> None:
        """Cut or slow down the link of a worker, for a while."""
        link = self._link_of.get(worker)
        if link is None:
            self._undo(fault, "there are no links")
            return
        rest_s = (3 if fault is Fault.SLOW else 2) * self.setting.session_s
        self._say(f"{fault}: {worker.name} for {rest_s:g} s")
        link.up, link.down = QUALITIES[fault]
        self._poor[link] = time.monotonic() + rest_s

    def _undo(self, fault: Fault, reason: str) -> None:
        self._undone.append(f"{fault}: {reason}")
        self._say(f"{fault}: not done, {reason}")

    def _bounce(self, planned: Planned) -> None:
        self._say(f"{planned.fault}: back after {planned.rest_s:.1f} s")
        began_s = self._elapsed()
        if planned.fault is Fault.BROKER_KILL:
            self.kafka.kill()
        else:
            self.kafka.stop()
        time.sleep(planned.rest_s)
        self._restore_broker(began_s)

    def _fill_disk(self) -> None:
        """Fill the broker's disk until it gives up, then make room and start it again."""
        disk = self.means.disk
        if disk is None:
            self._undo(Fault.DISK_FULL, "there is no disk that may be filled")
            return
        began_s, before_s = self._elapsed(), time.monotonic()
        disk.fill()
        self._say(f"disk-full: {disk.kind}")
        while self.kafka.is_running and time.monotonic() - before_s < DISK_PATIENCE_S:
            time.sleep(0.05)
        self._say("the broker gave up" if not self.kafka.is_running else "the broker bears it")
        disk.free()
        if not self.kafka.is_running:
            self._restore_broker(began_s)

    def _restore_broker(self, began_s: float) -> None:
        self.kafka.start()
        self._broken_s += self._elapsed() - began_s  # the plan goes on when the broker does
        self._say("broker is back")

    def _tend(self) -> None:
        """End what has lasted enough, and start workers in the place of those that went."""
        now_s = time.monotonic()
        self._mend(now_s)
        while self._storm and now_s >= self._storm[0]:
            self._join_or_leave(self._storm.pop(0) % 1.0)
        for worker in self.stand.workers:
            if not worker.is_running and worker not in self._gone:
                self._gone.add(worker)
                self._mourn(worker)
                self._due.append(now_s + 1.0)  # as a supervisor would
        due = [due_s for due_s in self._due if now_s >= due_s]
        self._due = [due_s for due_s in self._due if now_s < due_s]
        if not (due or self._due or self._storm) and len(self._active()) < WORKERS_MIN:
            due = [now_s]
        for _ in due:
            if len(self.stand.running()) < WORKERS_MAX:
                self._start()

    def _mend(self, now_s: float) -> None:
        """Wake who has slept enough, and heal links."""
        for worker, until_s in list(self._paused.items()):
            if now_s >= until_s:
                self._say(f"wake: {worker.name} (SIGCONT)")
                worker.send(signal.SIGCONT)
                del self._paused[worker]
        for link, until_s in list(self._poor.items()):
            if now_s >= until_s:
                self._say(f"heal: {link.name}")
                link.heal()
                del self._poor[link]

    def _active(self) -> list[Worker]:
        return [worker for worker in self.stand.running() if worker not in self._gone]

    def _mourn(self, worker: Worker) -> None:
        lines = worker.log.read_text(errors="replace").splitlines()
        said = f"{worker.name} ended with {worker.process.returncode}: {' / '.join(lines[-3:])}"
        self.crashes.append(said)
        self._say(said)

    def _elapsed(self) -> float:
        return time.monotonic() - self._began_s

    def _say(self, what: str) -> None:
        self.say(f"{self._elapsed():7.2f} s  {what}")
