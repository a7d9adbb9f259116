"""Memory of a user in state, and the cost of a tick over a million silent users.

    python -m benchmarks.memory [--users 200000]

Memory is how much the process grows from an empty partition to a restored one with its timers, per
user. The states are real ones, each under many names; every copy is an object of its own.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import time
from pathlib import Path
from typing import Final

from benchmarks import figures
from benchmarks.states import States, lived, partition_record
from models.bgnbd import BgNbdScorer
from streams.core.partition import Partition

PAGE: Final = os.sysconf("SC_PAGE_SIZE")
TICK_USERS: Final = 1_000_000
TICKS: Final = 101


def resident_bytes() -> int:
    """Return the resident memory of this process."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def measure(users: int) -> dict[str, float]:
    """Measure both."""
    rules, values, watermark_ms = lived()
    record = partition_record(rules, watermark_ms)
    scorer = BgNbdScorer(rules.churn.horizon_ms)
    before = resident_bytes()
    partition = Partition(0, rules, scorer)
    began = time.process_time()
    partition.restore(States(values, users, record))
    restored_s = time.process_time() - began
    grown = resident_bytes() - before
    del partition
    crowd = Partition(0, rules, scorer)
    crowd.restore(States(values, TICK_USERS, record))
    crowd.advance(watermark_ms)
    crowd.take()
    ticks = []
    for number in range(TICKS):
        began = time.perf_counter()
        crowd.advance(watermark_ms + number)
        ticks.append(time.perf_counter() - began)
    return {
        "bytes_per_user": grown / users,
        "value_bytes_mean": statistics.mean(map(len, values)),
        "restore_cpu_us_per_user": restored_s / users * 1e6,
        "idle_tick_ms": statistics.median(ticks) * 1e3,
        "idle_tick_ms_max": max(ticks) * 1e3,
    }


def main() -> None:
    """Measure, print JSON, record the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=200_000)
    args = parser.parse_args()
    found = measure(args.users)
    figures.record("bytes_per_user", found["bytes_per_user"],
                   note=f"growth of the process over {args.users:,} users, "
                        f"values of {found['value_bytes_mean']:.0f} B")  # fmt: skip
    figures.record("idle_tick_ms", found["idle_tick_ms"], note=f"median of {TICKS} ticks")
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


if __name__ == "__main__":
    main()
