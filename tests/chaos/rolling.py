"""A rolling restart under load: how long each partition stands still, and that nothing is lost.

    python -m tests.chaos.rolling [--rate N] [--users N]

Two workers, one after the other is asked to stop (SIGTERM), and another is started in its place,
while events are fed at a constant rate. The journal has a line for each commit: the longest time
between two lines of a partition, while it is fed, is its pause. State, touches and decisions are
those of the replay.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from benchmarks import figures
from benchmarks.core_stages import BUILD, RULES
from benchmarks.model import frozen_model
from benchmarks.stand import Worker, committed, wait_until
from benchmarks.workload import Shape, cached_csv
from streams.runtime.embedded.fixture import EmbeddedKafka
from tests.chaos.deployment import Setting
from tests.chaos.driver import Chaos
from tests.chaos.ending import ends_when_asked
from tests.chaos.oracle import JOURNAL, Journal, examine
from tests.chaos.schedule import Planned

SEED: Final = 17
WARM_S: Final = 3.0
"""A pause counts from so long after the first commits on; the first worker stops as much later."""


class Rolling(Chaos):
    """Every worker that there is in the beginning is replaced, one after the other.

    Attributes:
        took_s: How long each replacement took, from the signal until the new one is ready.
        span_ms: Begin and end of the feed, epoch ms UTC.
    """

    took_s: list[float]
    span_ms: tuple[float, float]

    def _feed(self, plan: list[Planned]) -> dict[str, int]:
        assert not plan
        rate = str(self.deployment.setting.rate)
        feed = self.stand.start("feed", self.deployment.setting.log, "--rate", rate, "--quiet",
                                "--json")  # fmt: skip
        assert feed.stdout is not None
        self.deployment.begin()
        journal = Journal(self.stand.bootstrap)
        wait_until("the first commit of each partition", lambda: _has_begun(journal), 60.0)
        journal.close()
        time.sleep(WARM_S)
        begin_ms = time.time() * 1_000
        time.sleep(WARM_S)
        self.took_s = [self._replace(worker) for worker in list(self.stand.running())]
        assert feed.poll() is None, "the feed was over before the workers were replaced"
        fed: dict[str, int] = json.loads(feed.stdout.read())
        self.span_ms = begin_ms, time.time() * 1_000
        assert feed.wait() == 0
        return fed

    def _replace(self, worker: Worker) -> float:
        began_s = time.monotonic()
        self.deployment.let_go(worker)
        code = worker.end()
        assert code == 0, f"{worker.name} ended with {code}"
        self.deployment.start().wait_ready()
        return time.monotonic() - began_s


def _has_begun(journal: Journal) -> bool:
    journal.is_complete()
    return all(journal.next.values())


def pauses(bootstrap: str, from_ms: float, to_ms: float) -> dict[int, float]:
    """Return the longest time between two commits of each partition in a span, s."""
    stamps: dict[int, list[float]] = {}
    for record in committed(bootstrap, JOURNAL):
        if from_ms <= record.timestamp <= to_ms:
            stamps.setdefault(record.partition, []).append(record.timestamp)
    return {
        number: max(later - sooner for sooner, later in pairwise(found)) / 1_000
        for number, found in sorted(stamps.items())
    }


def rolled(directory: Path, setting: Setting, say: Callable[[str], None]) -> dict[str, Any]:
    """Feed, replace the workers, compare; return what came of it."""
    with EmbeddedKafka() as kafka:
        chaos = Rolling(kafka, directory, setting, say)
        ended = chaos.run([])
        still_s = pauses(kafka.bootstrap, *chaos.span_ms)
        found = examine(chaos.stand, setting.log)
    for line in (*found.details, *ended.crashes):
        say(line[:400])
    return {
        "events": ended.events, "rate": ended.events_per_s, "touches": found.touches,
        "pause_s": round(max(still_s.values()), 2),
        "pauses_s": {number: round(pause, 2) for number, pause in still_s.items()},
        "took_s": [round(each, 1) for each in chaos.took_s],
        "differences": found.state + found.missing + found.extra + found.twice + found.decisions
        + found.journal,
        "crashes": len(ended.crashes), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Run, print and record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=120)
    args = parser.parse_args()
    ends_when_asked()
    log = cached_csv(Shape(args.users, args.days, SEED, life_days=70.0), BUILD)
    setting = Setting(log, RULES, frozen_model(RULES, BUILD), args.rate, 10.0)
    directory = Path(tempfile.mkdtemp(prefix="winback-rolling-"))
    found = rolled(directory, setting, say)
    say(json.dumps(found))
    note = (
        f"2 workers, {found['events']:,} events at {found['rate']:,}/s, {found['touches']:,} "
        f"touches, partitions {found['pauses_s']}, load {found['load']}"
    )
    figures.show(
        [
            figures.record("rolling_pause_s", found["pause_s"], note=note),
            figures.record("rolling_differences", found["differences"], note=note),
        ]
    )
    if not found["differences"]:
        shutil.rmtree(directory)
    sys.exit(bool(found["differences"]))


if __name__ == "__main__":
    main()
