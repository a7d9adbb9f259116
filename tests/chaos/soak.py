"""Soak: hours under load and faults, and whether anything grows.

    python -m tests.chaos.soak [--minutes 60] [--rate N] [--users N] [--seed N]

Workers on a real Kafka, a population that stays as it is, and a fault a minute: kill -9, SIGTERM,
join or leave, SIGSTOP beyond the session, broker stopped, broker killed. One worker is only touched
by what is done to the broker; its memory, coroutines, threads, handles and lag are what is judged.
Exit code 1 when one of them grows, or when the journal has a hole or an overlap.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks import figures
from benchmarks.core_stages import BUILD, RULES
from benchmarks.model import frozen_model
from benchmarks.stand import Worker, wait_until
from streams.runtime.embedded.fixture import EmbeddedKafka
from tests.chaos.deployment import WORKERS_MIN, Deployment, Means, Setting
from tests.chaos.ending import ends_when_asked
from tests.chaos.judgement import Judgement, Sample, judge
from tests.chaos.oracle import journal_faults
from tests.chaos.population import Population
from tests.chaos.schedule import Planned, plan

PARTITIONS: Final = 4
SAMPLE_EVERY_S: Final = 5.0
TELL_EVERY_S: Final = 60.0
QUIET_BEGIN_S: Final = 20.0
FAULT_EVERY_S: Final = 60.0
SESSION_S: Final = 6.0
DRAIN_S: Final = 120.0


class Soaked(NamedTuple):
    """What a soak came to.

    Attributes:
        events: Events that were fed.
        faults: Faults that were done.
        lives: Samples of each worker that was watched, one after the other.
        crashes: Workers that ended by themselves.
        journal: Holes and overlaps in what the journal says was applied.
    """

    events: int
    faults: int
    lives: list[list[Sample]]
    crashes: list[str]
    journal: list[str]


class Feeding:
    """A population that is published by a thread of its own."""

    def __init__(self, population: Population, bootstrap: str) -> None:
        self.failure: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(
            target=self._run, args=(population, bootstrap), daemon=True, name="feeding"
        )
        self._thread.start()

    def _run(self, population: Population, bootstrap: str) -> None:
        try:
            self._loop.run_until_complete(population.run(bootstrap, self._stop))
        except BaseException as error:  # noqa: BLE001 (raised where somebody sees it)
            self.failure = error

    def end(self) -> None:
        """Stop publishing."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60.0)


def sample(worker: Worker, at_s: float) -> Sample | None:
    """Look at a worker; None when it does not answer."""
    said = worker.metrics()
    try:
        lines = Path(f"/proc/{worker.pid}/status").read_text().splitlines()
        handles = len(list(Path(f"/proc/{worker.pid}/fd").iterdir()))
    except OSError:
        return None
    status = dict(line.split(":", 1) for line in lines)
    if "winback_tasks" not in said or "VmRSS" not in status:
        return None
    return Sample(
        at_s, said["winback_memory_in_use_bytes"] / 2**20, int(status["VmRSS"].split()[0]) / 1024,
        said["winback_tasks"],
        int(status["Threads"]), handles, said.get("winback_lag_records", 0.0),
        int(said["winback_partitions_owned"]), int(said.get("winback_users", 0)),
    )  # fmt: skip


class Soak:
    """A deployment that is fed, broken and watched."""

    def __init__(self, deployment: Deployment, population: Population) -> None:
        self._deployment = deployment
        self._population = population
        self._lives: list[list[Sample]] = []
        self._watched: Worker | None = None
        self._sample_s = self._tell_s = 0.0

    def run(self, minutes: float, faults: list[Planned]) -> Soaked:
        """Feed, break and watch for so long."""
        deployment, left = self._deployment, list(faults)
        with deployment.stand as stand:
            stand.run("topics", "apply")
            for _ in range(WORKERS_MIN):
                deployment.start().wait_ready()
            feeding = Feeding(self._population, stand.bootstrap)
            deployment.begin()
            try:
                while deployment.elapsed_s < minutes * 60 or deployment.is_broken:
                    self._watch()
                    if left and deployment.planned_s >= left[0].at_s:
                        deployment.do(left.pop(0))
                    deployment.tend()
                    if feeding.failure is not None:
                        raise feeding.failure
                    time.sleep(0.05)
            finally:
                feeding.end()
            wait_until("nothing left to read", self._is_drained, DRAIN_S, poll_s=0.5)
            for worker in stand.running():
                worker.end()
        return Soaked(
            self._population.fed, len(faults) - len(left), self._lives, deployment.crashes,
            journal_faults(stand.bootstrap),
        )  # fmt: skip

    def _is_drained(self) -> bool:
        self._deployment.tend()
        pages = [worker.page("/health") for worker in self._deployment.stand.running()]
        return bool(pages) and all(
            page is not None and json.loads(page).get("lag_records") == 0 for page in pages
        )

    def _watch(self) -> None:
        """Look at the watched worker; when it is gone, watch the eldest of the others."""
        deployment = self._deployment
        if self._watched is None or not self._watched.is_running:
            self._watched = next(iter(deployment.active()), None)
            if self._watched is None:
                return
            deployment.spared = (self._watched,)
            deployment.say(f"watched: {self._watched.name}")
            self._lives.append([])
        if deployment.elapsed_s < self._sample_s:
            return
        self._sample_s = deployment.elapsed_s + SAMPLE_EVERY_S
        seen = sample(self._watched, deployment.elapsed_s)
        if seen is not None:
            self._lives[-1].append(seen)
            if seen.at_s >= self._tell_s:
                self._tell_s = seen.at_s + TELL_EVERY_S
                deployment.say(f"{self._watched.name}: {seen}")


def main() -> None:
    """Soak, judge, record the figures."""
    parser = argparse.ArgumentParser(description="Hours under load and faults: does it grow?")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=0, help="events/s; half the maximum by default")
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    ends_when_asked()
    rate, source = (args.rate, "given") if args.rate else half_of_maximum()
    seconds = args.minutes * 60
    end_s = seconds - min(FAULT_EVERY_S, seconds / 4)
    faults = plan(args.seed, QUIET_BEGIN_S, end_s, max(1, round(seconds / FAULT_EVERY_S)))
    directory = Path(tempfile.mkdtemp(prefix="winback-soak-"))
    say(f"seed {args.seed}: {args.users:,} users, {rate:,} events/s ({source}), {directory}")
    with EmbeddedKafka(jit="c2") as kafka:
        setting = Setting(directory, RULES, frozen_model(RULES, BUILD), rate, SESSION_S)
        deployment = Deployment(kafka, directory / "run", setting, say, Means())
        population = Population(args.users, PARTITIONS, rate, args.seed)
        soaked = Soak(deployment, population).run(args.minutes, faults)
    life = max(soaked.lives, key=len)
    judged = judge(life, rate)
    note = (
        f"{(life[-1].at_s - life[0].at_s) / 60:.0f} of {args.minutes:g} minutes at "
        f"{soaked.events / seconds:,.0f} events/s ({source}), {args.users:,} users, seed "
        f"{args.seed}, {soaked.faults} faults, {judged.samples} samples"
    )
    report(judged, soaked, note)
    (BUILD / "soak.json").write_text(json.dumps([sample._asdict() for sample in life]))
    if not judged.is_flat or soaked.journal:
        say(f"logs: {directory / 'run'}")
        sys.exit(1)
    shutil.rmtree(directory)


def half_of_maximum() -> tuple[int, str]:
    """Return half of what one worker was measured to do, and where that stands."""
    path = figures.FIGURES / "events_per_s.json"
    if not path.exists():
        sys.exit("measure the maximum first (python -m benchmarks.throughput), or give --rate")
    measured: dict[str, Any] = json.loads(path.read_bytes())
    return int(measured["value"] / 2), f"half of events_per_s, {measured['value']:,.0f}/s"


def report(judged: Judgement, soaked: Soaked, note: str) -> None:
    """Print what was found and record the figures."""
    measured = {
        "soak_slope_mb_per_h": judged.slope_mb_per_h,
        "soak_tasks_more": max(judged.tasks_more, judged.threads_more),
        "soak_handles_more": judged.handles_more,
        "soak_lag_more_s": judged.lag_more_s,
        "soak_journal_faults": len(soaked.journal),
    }
    figures.show([figures.record(name, value, note=note) for name, value in measured.items()])
    say(
        f"memory at the end: {judged.used_mb:.1f} MB in use, {judged.resident_mb:.1f} MB resident "
        f"(its floor: {judged.resident_mb_per_h:+.1f} MB/h)"
    )
    say(f"workers that ended by themselves, and were replaced: {len(soaked.crashes)}")
    for line in [*soaked.journal[:3], *soaked.crashes]:
        say(line)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
