"""The same driver and oracle against stock Faust: are errors seen where there are some?

    python -m tests.chaos.stock [--guarantee at_least_once exactly_once] [--seed N]

First without faults, where the peer must be exact, or it would not be the same logic; then under
kill -9, SIGSTOP beyond the session, joins and leaves, where it must not be, or the driver is blind.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from kafka import KafkaConsumer, TopicPartition

from benchmarks import figures
from benchmarks.core_stages import BUILD, RULES
from benchmarks.model import frozen_model
from benchmarks.stand import NotInTimeError
from benchmarks.workload import Shape, cached_csv
from streams.runtime.embedded.fixture import EmbeddedKafka
from tests.chaos.deployment import Setting
from tests.chaos.driver import Chaos
from tests.chaos.ending import ends_when_asked
from tests.chaos.oracle import ACTIVITY, Findings, examine
from tests.chaos.prove import say
from tests.chaos.schedule import Fault, Planned, plan

GROUP: Final = "winback"
KINDS: Final = (Fault.KILL, Fault.PAUSE, Fault.JOIN, Fault.KILL, Fault.PAUSE, Fault.JOIN)


class Commits:
    """Follows the commits of the group: how far Faust says that it is."""

    def __init__(self, bootstrap: str) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap, group_id=GROUP, enable_auto_commit=False
        )
        numbers = self._consumer.partitions_for_topic(ACTIVITY)
        self._sources = [TopicPartition(ACTIVITY, number) for number in sorted(numbers)]

    def is_complete(self) -> bool:
        """Whether everything that was fed is committed."""
        ends = self._consumer.end_offsets(self._sources)
        return all((self._consumer.committed(source) or 0) >= ends[source] for source in ends)

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()


def run(guarantee: str, shape: Shape, rate: int, kinds: tuple[Fault, ...]) -> Findings | None:
    """Run stock Faust under faults and return what was found; None = it came to a standstill."""
    log = cached_csv(shape, BUILD)
    setting = Setting(log, RULES, frozen_model(RULES, BUILD), rate, 4.0)
    with log.open("rb") as lines:
        events = sum(1 for _ in lines) - 1
    planned: list[Planned] = []
    if kinds:
        planned = plan(shape.seed, 5.0, 0.9 * events / rate, len(kinds), kinds)
    say(f"{guarantee}: {events:,} events at {rate:,}/s, faults: {', '.join(kinds) or 'none'}")
    directory = Path(tempfile.mkdtemp(prefix="winback-stock-"))
    with EmbeddedKafka() as kafka:
        chaos = Chaos(kafka, directory, setting, say)
        chaos.stand.command = (sys.executable, "-m", "benchmarks.peers.faust_stock", guarantee)
        chaos.follow = Commits
        try:
            ended = chaos.run(planned)
        except NotInTimeError as error:
            say(f"{guarantee}: {error}; logs: {directory}")
            return None
        found = examine(chaos.stand, log, has_journal=False)
    say(f"{guarantee}: {found._replace(details=[])}, {len(ended.crashes)} ended by themselves")
    shutil.rmtree(directory)
    return found


def main() -> None:
    """Run without and with faults; exit code 1 when the driver saw no error."""
    parser = argparse.ArgumentParser(description="Stock Faust under the same faults.")
    choices = ("at_least_once", "exactly_once")
    parser.add_argument("--guarantee", nargs="+", choices=choices, default=choices[:1])
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--users", type=int, default=140)
    parser.add_argument("--rate", type=int, default=60)
    args = parser.parse_args()
    ends_when_asked()
    shape = Shape(args.users, 100, args.seed, life_days=70.0)
    calm = run("at_least_once", Shape(30, 100, args.seed, life_days=70.0), args.rate, ())
    is_seen = calm is not None and calm.is_exact
    say(f"without faults it is {'the same' if is_seen else 'NOT the same'} as the replay")
    for guarantee in args.guarantee:
        found = run(guarantee, shape, args.rate, KINDS)
        note = f"{guarantee}, seed {args.seed}, {args.users:,} users, {len(KINDS)} faults"
        measured = {"stands_still": int(found is None)}
        if found is not None:
            measured["state_differences"] = found.state
            measured["touches_wrong"] = found.missing + found.extra
        figures.show(
            [
                figures.record(f"stock_{guarantee}_{name}", value, note=note)
                for name, value in measured.items()
            ]
        )
        is_seen &= found is None or bool(found.state and found.missing + found.extra)
    sys.exit(not is_seen)


if __name__ == "__main__":
    main()
