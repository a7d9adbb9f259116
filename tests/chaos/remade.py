"""A topic is deleted, or gets more partitions, while it is read: who says so, and is it mended?

    python -m tests.chaos.remade [--users N] [--rate N] [--seed N]

Workers must stop by themselves with a word that names the topic, and nothing may be corrupted: when
the topic is made again and has its records again, the same state goes on, exactly.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from kafka.admin import KafkaAdminClient, NewPartitions

from benchmarks import figures
from benchmarks.core_stages import BUILD, RULES
from benchmarks.model import frozen_model
from benchmarks.stand import NotInTimeError, Stand, Worker, wait_until
from benchmarks.workload import Shape, cached_csv
from streams.runtime.embedded.fixture import EmbeddedKafka
from tests.chaos.deployment import WORKERS_MIN, Deployment, Setting
from tests.chaos.driver import Chaos
from tests.chaos.ending import ends_when_asked
from tests.chaos.oracle import ACTIVITY, Findings, examine
from tests.chaos.prove import WRONG, say

BEGIN_PATIENCE_S: Final = 60.0
BEFORE_S: Final = 5.0
STOP_PATIENCE_S: Final = 60.0
MAKE_PATIENCE_S: Final = 30.0
PARTITIONS: Final = 6


class Broken(NamedTuple):
    """What came of a topic that was broken.

    Attributes:
        said: What each worker said at its end; empty = it did not end by itself.
        found: The comparison with the replay, after the repair.
    """

    said: list[str]
    found: Findings

    @property
    def is_told(self) -> bool:
        """Whether every worker has named the topic, without a stack trace."""
        return all(ACTIVITY in words and "Traceback" not in words for words in self.said)


def delete(admin: Any) -> None:
    """Delete the topic."""
    admin.delete_topics([ACTIVITY])


def widen(admin: Any) -> None:
    """Add partitions to the topic."""
    admin.create_partitions({ACTIVITY: NewPartitions(PARTITIONS)})


BREAKS: Final[dict[str, Callable[[Any], None]]] = {"deleted": delete, "widened": widen}


def prove(kafka: EmbeddedKafka, directory: Path, setting: Setting, name: str) -> Broken:
    """Feed, break the topic, see the workers off, mend it, and compare."""
    chaos = Chaos(kafka, directory, setting, say)
    deployment, stand = chaos.deployment, chaos.stand
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    with stand:
        stand.run("topics", "apply")
        said = _see_off(deployment, lambda: BREAKS[name](admin))
        _make_anew(stand, admin)
        stand.run("feed", setting.log, "--quiet")
    admin.close()
    chaos = Chaos(kafka, directory / "mended", setting, say)
    chaos.go_on()
    return Broken(said, examine(chaos.stand, setting.log))


def _see_off(deployment: Deployment, break_topic: Callable[[], None]) -> list[str]:
    """Break the topic while it is fed and read; return what the workers say at their end."""
    stand, setting = deployment.stand, deployment.setting
    workers = [deployment.start() for _ in range(WORKERS_MIN)]
    for worker in workers:
        worker.wait_ready()
    feed = stand.start("feed", setting.log, "--rate", str(setting.rate), "--quiet", "--json")
    deployment.begin()
    wait_until("the feed has begun", lambda: any(map(_applied, workers)), BEGIN_PATIENCE_S)
    time.sleep(BEFORE_S)
    break_topic()
    deployment.say("the topic is broken")
    try:
        wait_until("they end", lambda: not stand.running(), STOP_PATIENCE_S, poll_s=0.2)
    except NotInTimeError:
        deployment.say(f"still running: {[worker.name for worker in stand.running()]}")
    deployment.say("they have ended")
    feed.kill()
    feed.wait()
    said = []
    for worker in workers:
        has_ended = not worker.is_running
        worker.end()
        lines = worker.log.read_text(errors="replace").splitlines()
        begin = next((n for n, line in enumerate(lines) if line.startswith("winback:")), -2)
        said.append("\n".join(lines[begin:]) if has_ended else "")
    return said


def _applied(worker: Worker) -> float:
    """Return how much a worker has read: a feed that begins later goes by the wrong partitions."""
    return worker.metrics().get("winback_records_applied_total", 0.0)


def _make_anew(stand: Stand, admin: Any) -> None:
    if ACTIVITY in admin.list_topics():
        admin.delete_topics([ACTIVITY])

    def is_made() -> bool:
        try:
            stand.run("topics", "apply")
        except subprocess.CalledProcessError:
            return False
        return ACTIVITY in admin.list_topics()

    wait_until("the topic is gone", lambda: ACTIVITY not in admin.list_topics(), MAKE_PATIENCE_S)
    wait_until("the topic is made", is_made, MAKE_PATIENCE_S, poll_s=0.5)


def main() -> None:
    """Break the topic in each way; exit code 1 when somebody kept silent or something differs."""
    parser = argparse.ArgumentParser(description="A topic is broken while it is read.")
    parser.add_argument("--users", type=int, default=1_600)
    parser.add_argument("--rate", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args()
    ends_when_asked()
    log = cached_csv(Shape(args.users, 100, args.seed, life_days=70.0), BUILD)
    setting = Setting(log, RULES, frozen_model(RULES, BUILD), args.rate, 4.0)
    silent = different = 0
    for name in BREAKS:
        directory = Path(tempfile.mkdtemp(prefix="winback-remade-"))
        with EmbeddedKafka() as kafka:
            broken = prove(kafka, directory, setting, name)
        for words in broken.said:
            say(f"{name}: {words or 'NOT ENDED'}")
        say(f"{name}: {broken.found}")
        silent += not broken.is_told
        different += sum(getattr(broken.found, kind) for kind in WRONG)
        if broken.is_told and broken.found.is_exact:
            shutil.rmtree(directory)
    note = f"{ACTIVITY} deleted, and widened, seed {args.seed}, {args.users:,} users"
    measured = {"chaos_topics_silent": silent, "chaos_topics_differences": different}
    figures.show([figures.record(name, value, note=note) for name, value in measured.items()])
    sys.exit(bool(silent or different))


if __name__ == "__main__":
    main()
