"""Millions of silent users on one worker: memory, tick, restart.

    python -m benchmarks.silence [--users 1000000] [--awake 200000] [--no-record]

States are those that users of a log really reached, whose senders answered; time passed until all
of them were silent beyond 2H. Each stands under many names; every copy is an object of its own.
Memory is how much the process grows from an empty partition to a restored one.
"""

from __future__ import annotations

import argparse
import gc
import json
import pickle
import statistics
import time
from typing import Any, Final

from benchmarks import figures
from benchmarks.core_stages import BUILD
from benchmarks.memory import resident_bytes
from benchmarks.service_days import Days, rules_of
from benchmarks.states import States, partition_record
from benchmarks.workload import Shape
from models.bgnbd import BgNbdScorer
from streams.core.partition import Partition
from streams.core.state import is_packed
from streams.core.time import DAY_MS, HOUR_MS

LIVED: Final = Shape(users=3_000, days=60, seed=11, life_days=70.0)
TICKS: Final = 101


def lived() -> dict[str, Any]:
    """Return values of users who are awake, and of users who sleep, with their watermarks."""
    path = BUILD / f"silence-{'-'.join(map(str, LIVED))}.pickle"
    if not path.exists():
        days = Days(rules_of(), LIVED, 3 * HOUR_MS)
        days.live_until(days.start_ms + LIVED.days * DAY_MS)
        awake = _values(days.partition, is_asleep=False), days.partition.watermark_ms
        days.step_ms = 6 * HOUR_MS
        days.live_until(days.now_ms + 100 * DAY_MS)
        asleep = _values(days.partition, is_asleep=True), days.partition.watermark_ms
        path.write_bytes(pickle.dumps({"awake": awake, "asleep": asleep}))
    found: dict[str, Any] = pickle.loads(path.read_bytes())  # our own, just written
    return found


def _values(partition: Partition, *, is_asleep: bool) -> list[bytes]:
    return [value for _, value in partition.values() if is_packed(value) == is_asleep]


def measured(values: list[bytes], watermark_ms: int, users: int) -> dict[str, float]:
    """Restore a partition of so many users and let time pass; return what that costs."""
    rules = rules_of()
    record = partition_record(rules, watermark_ms)
    partition = Partition(0, rules, BgNbdScorer(rules.churn.horizon_ms))
    before, began = resident_bytes(), time.process_time()
    partition.restore(States(values, users, record))
    restored_s = time.process_time() - began
    gc.collect()
    grown = resident_bytes() - before
    assert partition.users == users
    partition.advance(watermark_ms)
    partition.take()
    ticks = []
    for number in range(TICKS):
        began = time.perf_counter()
        partition.advance(watermark_ms + number)
        ticks.append(time.perf_counter() - began)
    return {
        "users": users,
        "value_bytes": statistics.mean(map(len, values)),
        "bytes_per_user": grown / users,
        "restore_s": restored_s,
        "restore_us_per_user": restored_s / users * 1e6,
        "tick_ms": statistics.median(ticks) * 1e3,
        "tick_ms_max": max(ticks) * 1e3,
    }


def main() -> None:
    """Measure, print JSON, record the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=1_000_000, help="silent beyond 2H")
    parser.add_argument("--awake", type=int, default=200_000, help="of the others")
    parser.add_argument("--no-record", action="store_true", help="print only")
    args = parser.parse_args()
    found = {}
    for name, users in (("awake", args.awake), ("asleep", args.users)):
        if not users:
            continue
        values, watermark_ms = lived()[name]
        found[name] = measured(values, watermark_ms, users)
        print(name, json.dumps({key: round(value, 3) for key, value in found[name].items()}))
        if not args.no_record:
            note = f"{users:,} users, values of {found[name]['value_bytes']:.0f} B"
            figures.record(f"bytes_per_user_{name}", found[name]["bytes_per_user"], note=note)
            figures.record(f"restore_us_{name}", found[name]["restore_us_per_user"], note=note)
    if "asleep" in found and not args.no_record:
        note = f"median of {TICKS} ticks over {args.users:,} users"
        figures.record("asleep_tick_ms", found["asleep"]["tick_ms"], note=note)


if __name__ == "__main__":
    main()
