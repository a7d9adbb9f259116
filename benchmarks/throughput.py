"""CPU of the whole pipeline per event: a backlog on a real Kafka, one worker, frozen model.

    python -m benchmarks.throughput [--users 50000] [--days 60] [--partitions 4] [--chunk-max N]

The log is on the topic before the worker starts. CPU is that of the worker's process, all threads,
from its first durable commit until the last event is durable; the broker's is told apart. Wall
clock rates depend on who else uses the machine, CPU per event hardly.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Final, NamedTuple

from benchmarks import figures
from benchmarks.core_stages import BUILD, RULES
from benchmarks.model import frozen_model
from benchmarks.stand import Stand, Worker, cpu_seconds
from benchmarks.workload import Shape, cached_csv
from streams.runtime.embedded.fixture import EmbeddedKafka

LOOK_EVERY_S: Final = 0.5
TIMEOUT_S: Final = 600.0


class Look(NamedTuple):
    """The worker at one instant."""

    at_s: float
    cpu_s: float
    broker_s: float
    applied: float
    pending: float
    commits: float


def look(worker: Worker, broker_pid: int) -> Look | None:
    """Return what the worker says of itself, or None when it does not answer yet."""
    said = worker.metrics()
    if not said:
        return None
    return Look(
        time.monotonic(), cpu_seconds(worker.pid), cpu_seconds(broker_pid),
        said.get("winback_records_applied_total", 0.0), said.get("winback_pending_records", 0.0),
        said.get("winback_commits_total", 0.0),
    )  # fmt: skip


def watch(worker: Worker, broker_pid: int, records: int) -> tuple[Look, Look]:
    """Return the worker at its first durable commit, and when everything is durable."""
    first: Look | None = None
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline and worker.is_running:
        time.sleep(LOOK_EVERY_S if first else 0.1)
        seen = look(worker, broker_pid)
        if seen is None or not seen.commits:
            continue
        first = first or seen
        if seen.applied >= records and not seen.pending:
            return first, seen
    raise SystemExit(f"the backlog was not done; see {worker.log}")


def measure(args: argparse.Namespace) -> dict[str, float]:
    """Run once."""
    model = frozen_model(RULES, BUILD)
    log = cached_csv(Shape(args.users, args.days, 1), BUILD)
    with EmbeddedKafka(jit="c2") as kafka:
        chunk_max = {} if args.chunk_max is None else {"chunk_max": args.chunk_max}
        stand = Stand(
            kafka.bootstrap, BUILD / "throughput", rules=RULES, model_file=model, clock="event",
            partitions=args.partitions, **chunk_max,
        )  # fmt: skip
        with stand:
            stand.run("topics", "apply")
            fed = json.loads(stand.run("feed", log, "--quiet", "--json"))
            records = fed["events"] + args.partitions  # a watermark each
            worker = stand.worker()
            first, last = watch(worker, kafka.pid, records)
            worker.end()
    events = last.applied - first.applied
    return {
        "cpu_us_per_event": (last.cpu_s - first.cpu_s) / events * 1e6,
        "events_per_s": events / (last.at_s - first.at_s),
        "broker_cpu_us_per_event": (last.broker_s - first.broker_s) / events * 1e6,
        "events": events,
        "records": records,
        "commits": last.commits - first.commits,
        "seconds": last.at_s - first.at_s,
        "cores_of_worker": (last.cpu_s - first.cpu_s) / (last.at_s - first.at_s),
        "feed_events_per_s": fed["events_per_s"],
    }


def main() -> None:
    """Measure, print JSON, record the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument(
        "--chunk-max", type=int, default=None, help="Default: that of the settings."
    )
    args = parser.parse_args()
    found = measure(args)
    note = f"{found['records']:,.0f} records, {args.users:,} users, {args.partitions} partitions"
    for name in ("cpu_us_per_event", "events_per_s", "broker_cpu_us_per_event"):
        figures.record(name, found[name], note=note)
    facts = {name: round(value, 2) for name, value in found.items()}
    facts |= {"machine": figures.machine(), "versions": figures.versions()}
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
