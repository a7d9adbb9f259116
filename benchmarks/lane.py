"""CPU of the lane alone per event: all of a worker but the core, on a backlog on a real Kafka.

    python -m benchmarks.lane [--users 50000] [--days 20] [--runs 3] [--against CHECKOUT]

Fetch, batches, columns, hand-over to Faust, commits, transactions and acks are those of a worker;
in place of the core is an engine that writes for each user of a commit a state of filler. Two
checkouts are measured in turn. CPU is that of the worker from its first durable commit until the
last event is durable, by thread: the event loop, and the consumer's with what aiokafka does there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import figures
from benchmarks.stand import Stand

if TYPE_CHECKING:
    from streams.runtime.columns import Chunk
    from streams.runtime.producer import Commit

VALUE: Final = bytes(range(256)) * 2 + bytes(range(88))
"""600 B, about what the state of a user of the workload has."""
TIMEOUT_S: Final = 600.0
MAIN, CONSUMER = "loop", "consumer"


class Filler:
    """An engine without a core.

    Args:
        journal: Topic of a short record a commit.
    """

    held: frozenset[str] = frozenset()

    def __init__(self, journal: str) -> None:
        self.applied: dict[str, int] = {}
        self.taken = self.records = 0
        self._journal = journal
        self._changed: dict[bytes, bytes | None] = {}

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        """There is nothing."""

    def apply(self, chunk: Chunk) -> None:
        """Note whose states are to be written."""
        self.records += len(chunk)
        self._changed.update(dict.fromkeys(filter(None, chunk.columns.keys), VALUE))

    def tick(self, _tick: object, _span_ms: int) -> bool:
        """Time passes."""
        return True

    def take(self) -> Commit:
        """Hand them over."""
        from streams.runtime.producer import Commit  # noqa: PLC0415 (of the checkout measured)
        from winback_sender.contract.messages import Output  # noqa: PLC0415 (as above)

        changed, self._changed = self._changed, {}
        self.taken = self.records
        return Commit([*changed.items()], {self._journal: [Output(None, b"{}", [])]})


def cpu_by_thread() -> dict[str, float]:
    """Return CPU seconds of the event loop's thread, and of all others together."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for task in Path("/proc/self/task").iterdir():
        spent = int((task / "schedstat").read_text().split()[0]) / 1e9
        seconds[MAIN if int(task.name) == threading.main_thread().native_id else CONSUMER] += spent
    return dict(seconds)


class Watch:
    """Notes CPU at the first durable commit, and when all is durable; then ends the worker.

    Args:
        meter: What a worker tells of its lanes.
        total: Records in all.
    """

    def __init__(self, meter: Any, total: int) -> None:
        self._meter, self._total = meter, total
        self.engines: list[Filler] = []
        self._first: tuple[dict[str, float], float, int] | None = None
        self._commits, self._is_done = 0, False

    def chunk_applied(self, partition: int, records: int, seconds: float) -> None:
        """Note that a chunk was applied."""
        self._meter.chunk_applied(partition, records, seconds)

    def restoring(self, left: int) -> None:
        """Note how many offsets of the changelog are still to be read."""
        self._meter.restoring(left)

    def restored(self, seconds: float) -> None:
        """Note that partitions were taken over."""
        self._meter.restored(seconds)

    def committed(
        self, partition: int, states: int, outputs: Mapping[str, int], seconds: float
    ) -> None:
        """Note that a commit is durable."""
        self._meter.committed(partition, states, outputs, seconds)
        self._commits += 1
        records = sum(engine.taken for engine in self.engines)
        if self._first is None:
            self._first = cpu_by_thread(), time.monotonic(), records
        elif records >= self._total and not self._is_done:
            self._is_done = True
            self._tell(records)
            os.kill(os.getpid(), signal.SIGTERM)

    def _tell(self, records: int) -> None:
        assert self._first is not None
        before, at_s, already = self._first
        now, events = cpu_by_thread(), records - already
        us = {name: (now[name] - before.get(name, 0.0)) / events * 1e6 for name in now}
        print(json.dumps({
            "us_per_event": sum(us.values()), **us, "events": events, "commits": self._commits,
            "events_per_s": events / (time.monotonic() - at_s),
        }))  # fmt: skip


async def work_off(total: int) -> None:
    """Run a worker with lanes of filler until all is durable."""
    from streams.runtime.app import make_app  # noqa: PLC0415 (of the checkout measured)
    from streams.runtime.lane import Pace  # noqa: PLC0415 (as above)
    from streams.runtime.lanes import LaneOptions  # noqa: PLC0415 (as above)
    from streams.runtime.metrics import LaneMeter, Metrics  # noqa: PLC0415 (as above)
    from streams.runtime.topic_check import partition_counts  # noqa: PLC0415 (as above)
    from streams.runtime.worker import work  # noqa: PLC0415 (as above)
    from streams.settings import load_settings  # noqa: PLC0415 (as above)
    from winback_sender.cluster import Cluster  # noqa: PLC0415 (as above)

    settings = load_settings(os.environ)
    cluster = Cluster.plain(settings.kafka_bootstrap)
    watch = Watch(LaneMeter(Metrics()), total)

    def engine(_partition: int) -> Any:
        watch.engines.append(Filler(settings.topic_journal))
        return watch.engines[-1]

    topics = (settings.topic_activity, settings.topic_users_changelog, settings.topic_journal)
    options = LaneOptions(
        cluster=cluster, sources=(settings.topic_activity,),
        changelog=settings.topic_users_changelog, make_engine=engine, observer=watch,
        pace=Pace(interval_s=settings.commit_interval_s),
        partition_counts=await partition_counts(cluster, topics, (), alone=()),
    )  # fmt: skip
    app = make_app(settings, app_id=settings.app_id, table="users", options=options)

    async def nothing() -> None:
        pass

    await work(app, nothing, nothing)


def run_once(stand: Stand, checkout: Path, total: int) -> dict[str, float]:
    """Work off a backlog with the code of a checkout."""
    environ = {**stand.environ, "PYTHONPATH": f"{checkout}:{checkout / 'sender'}"}
    command = [sys.executable, "-P", __file__, "--work-off", str(total)]
    done = subprocess.run(
        command, env=environ, stdout=subprocess.PIPE, timeout=TIMEOUT_S, check=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def compare(args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Measure each checkout as often as is wanted, in turn; return medians."""
    from benchmarks.compare.ground import Ground  # noqa: PLC0415 (not of a checkout measured)
    from benchmarks.core_stages import BUILD  # noqa: PLC0415 (as above)
    from benchmarks.workload import Shape, cached_csv  # noqa: PLC0415 (as above)

    checkouts = {"ours": figures.ROOT} | ({"theirs": args.against} if args.against else {})
    found: defaultdict[str, list[dict[str, float]]] = defaultdict(list)
    with Ground(BUILD / "lane") as ground:
        total = ground.feed("log", cached_csv(Shape(args.users, args.days, 1), BUILD))
        for turn in range(args.runs):
            for label, checkout in checkouts.items():
                name = f"{label}-{turn}"
                found[label].append(run_once(ground.stand(name, "log"), checkout, total))
                ground.clear(name)
                print(label, json.dumps(found[label][-1]), file=sys.stderr)
    return {
        label: {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        for label, runs in found.items()
    }


def main() -> None:
    """Measure, print JSON, record the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--against", type=Path, help="Another checkout, measured in turn.")
    parser.add_argument("--work-off", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work_off is not None:
        asyncio.run(work_off(args.work_off))
        return
    found = compare(args)
    note = f"{found['ours']['events']:,.0f} events, {args.users:,} users, median of {args.runs}"
    figures.record("lane_us_per_event", found["ours"]["us_per_event"], note=note)
    print(json.dumps({label: {k: round(v, 3) for k, v in each.items()}
                      for label, each in found.items()}))  # fmt: skip


if __name__ == "__main__":
    main()
