"""A deployment that can be broken by plan: its workers, their links, the broker and its disk."""

import signal
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from benchmarks.stand import Stand, Worker
from tests.chaos.disk import Disk
from tests.chaos.proxy import CUT, FINE, Link, Links, Quality
from tests.chaos.schedule import LINKED, Fault, Planned

WORKERS_MIN: Final = 2
WORKERS_MAX: Final = 3
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
        replication: Copies of each topic.
    """

    log: Path
    rules: Path
    model: Path
    rate: int
    session_s: float
    replication: int = 1


class Deployment:
    """Workers on a Kafka, and what is done to them.

    Args:
        kafka: A broker that may be broken.
        directory: For logs and results.
        setting: What is run.
        say: Told every fault.
        means: What some faults need.

    Attributes:
        crashes: Workers that ended by themselves, with the end of their log.
        undone: Faults that were not done, because what they need was not there.
        spared: Workers that nothing is done to, but what is done to all.
    """

    def __init__(
        self, kafka: Kafka, directory: Path, setting: Setting, say: Say, means: Means
    ) -> None:
        self.kafka = kafka
        self.setting = setting
        self.stand = Stand(
            kafka.bootstrap, directory, rules=setting.rules, model_file=setting.model,
            clock="event", session_timeout_s=setting.session_s, replication=setting.replication,
        )  # fmt: skip
        self.crashes: list[str] = []
        self.undone: list[str] = []
        self.spared: Collection[Worker] = ()
        self._means = means
        self._tell = say
        self._began_s = time.monotonic()
        self._broken_s = 0.0
        self._paused: dict[Worker, float] = {}
        self._link_of: dict[Worker, Link] = {}
        self._poor: dict[Link, float] = {}  # until when
        self._turns = 0
        self._turn_s = 0.0
        self._due: list[float] = []  # when a worker is to be started in the place of one that went
        self._gone: set[Worker] = set()

    @property
    def has_victim(self) -> bool:
        """Whether there is a worker that something can be done to; else a fault waits for one."""
        return self._victim(0.0) is not None

    def begin(self) -> None:
        """Count time from now on."""
        self._began_s, self._broken_s = time.monotonic(), 0.0

    @property
    def elapsed_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began_s

    @property
    def planned_s(self) -> float:
        """The same for the plan, which stands still while the broker is away."""
        return self.elapsed_s - self._broken_s

    @property
    def is_broken(self) -> bool:
        """Whether a fault goes on."""
        return bool(self._paused or self._poor or self._turns)

    @property
    def is_whole(self) -> bool:
        """Whether no fault goes on, and nobody is to be started."""
        return not (self.is_broken or self._due)

    def start(self) -> Worker:
        """Start a worker, behind a link that nobody else uses."""
        bootstrap = ""
        if self._means.links is not None:
            used = {self._link_of[worker] for worker in self.stand.running()}
            link = next(each for each in self._means.links.all if each not in used)
            link.heal()
            self._poor.pop(link, None)
            bootstrap = link.bootstrap
        worker = self.stand.worker(bootstrap=bootstrap)
        if self._means.links is not None:
            self._link_of[worker] = link
        self.say(f"start: {worker.name}")
        return worker

    def do(self, planned: Planned) -> None:
        """Do a fault; those that last are ended by ``tend``."""
        worker = self._victim(planned.choice)
        match planned.fault:
            case Fault.BROKER_TERM | Fault.BROKER_KILL:
                self._bounce(planned)
            case Fault.DISK_FULL:
                self._fill_disk()
            case Fault.STORM:
                self.say(f"storm: for {STORM_TURNS} turns somebody comes or goes")
                self._turns, self._turn_s = STORM_TURNS, time.monotonic()
            case Fault.JOIN:
                self._join_or_leave(planned.choice)
            case _ if worker is None:
                self._undo(planned.fault, "there is no worker")
            case Fault.PAUSE:
                rest_s = 2 * self.setting.session_s
                self.say(f"pause: {worker.name} (SIGSTOP) for {rest_s:g} s")
                worker.send(signal.SIGSTOP)
                self._paused[worker] = time.monotonic() + rest_s
            case fault if fault in LINKED:
                self._spoil(worker, fault)
            case fault:
                number = signal.SIGKILL if fault is Fault.KILL else signal.SIGTERM
                self.say(f"{fault}: {worker.name} ({number.name})")
                self._gone.add(worker)
                worker.send(number)
                self._due.append(time.monotonic() + planned.rest_s)

    def _victim(self, choice: float) -> Worker | None:
        """Return one of those that are awake and are to stay."""
        found = [
            worker for worker in self.active()
            if worker not in self._paused and worker not in self.spared
        ]  # fmt: skip
        return found[int(choice * len(found))] if found else None

    def _join_or_leave(self, choice: float) -> None:
        """Start one worker more; where there are enough, let one go."""
        worker = self._victim(choice)
        if len(self.stand.running()) < WORKERS_MAX:
            self.start()
        elif worker is not None:
            self.say(f"leave: {worker.name} (SIGTERM)")
            self._gone.add(worker)
            worker.send(signal.SIGTERM)

    def _spoil(self, worker: Worker, fault: Fault) -> None:
        """Cut or slow down the link of a worker, for a while."""
        link = self._link_of.get(worker)
        if link is None:
            self._undo(fault, "there are no links")
            return
        rest_s = (3 if fault is Fault.SLOW else 2) * self.setting.session_s
        self.say(f"{fault}: {worker.name} for {rest_s:g} s")
        link.up, link.down = QUALITIES[fault]
        self._poor[link] = time.monotonic() + rest_s

    def _undo(self, fault: Fault, reason: str) -> None:
        self.undone.append(f"{fault}: {reason}")
        self.say(f"{fault}: not done, {reason}")

    def _bounce(self, planned: Planned) -> None:
        self.say(f"{planned.fault}: back after {planned.rest_s:.1f} s")
        began_s = self.elapsed_s
        if planned.fault is Fault.BROKER_KILL:
            self.kafka.kill()
        else:
            self.kafka.stop()
        time.sleep(planned.rest_s)
        self._restore_broker(began_s)

    def _fill_disk(self) -> None:
        """Fill the broker's disk until it gives up, then make room and start it again."""
        disk = self._means.disk
        if disk is None:
            self._undo(Fault.DISK_FULL, "there is no disk that may be filled")
            return
        began_s, before_s = self.elapsed_s, time.monotonic()
        disk.fill()
        self.say(f"disk-full: {disk.kind}")
        while self.kafka.is_running and time.monotonic() - before_s < DISK_PATIENCE_S:
            time.sleep(0.05)
        self.say("the broker gave up" if not self.kafka.is_running else "the broker bears it")
        disk.free()
        if not self.kafka.is_running:
            self._restore_broker(began_s)

    def _restore_broker(self, began_s: float) -> None:
        self.kafka.start()
        self._broken_s += self.elapsed_s - began_s  # the plan goes on when the broker does
        self.say("broker is back")

    def let_go(self, worker: Worker) -> None:
        """Take note that a worker ends because it was told to; nobody is started in its place."""
        self._gone.add(worker)

    def tend(self) -> None:
        """End what has lasted enough, and start workers in the place of those that went."""
        now_s = time.monotonic()
        self._mend(now_s)
        if self._turns and now_s >= self._turn_s:
            self._turns, self._turn_s = self._turns - 1, now_s + STORM_EVERY_S
            self._join_or_leave(now_s % 1.0)
        for worker in self.stand.workers:
            if not worker.is_running and worker not in self._gone:
                self._gone.add(worker)
                self._mourn(worker)
                self._due.append(now_s + 1.0)  # as a supervisor would
        due = [due_s for due_s in self._due if now_s >= due_s]
        self._due = [due_s for due_s in self._due if now_s < due_s]
        if not (due or self._due or self._turns) and len(self.active()) < WORKERS_MIN:
            due = [now_s]
        for _ in due:
            if len(self.stand.running()) < WORKERS_MAX:
                self.start()

    def _mend(self, now_s: float) -> None:
        """Wake who has slept enough, and heal links."""
        for worker, until_s in list(self._paused.items()):
            if now_s >= until_s:
                self.say(f"wake: {worker.name} (SIGCONT)")
                worker.send(signal.SIGCONT)
                del self._paused[worker]
        for link, until_s in list(self._poor.items()):
            if now_s >= until_s:
                self.say(f"heal: {link.name}")
                link.heal()
                del self._poor[link]

    def active(self) -> list[Worker]:
        """Return the workers that run and are to stay, the eldest first."""
        return [worker for worker in self.stand.running() if worker not in self._gone]

    def _mourn(self, worker: Worker) -> None:
        lines = worker.log.read_text(errors="replace").splitlines()
        said = f"{worker.name} ended with {worker.process.returncode}: {' / '.join(lines[-3:])}"
        self.crashes.append(said)
        self.say(said)

    def say(self, what: str) -> None:
        """Tell what happens, and when."""
        self._tell(f"{self.elapsed_s:7.2f} s  {what}")
