"""``docs/scale.md``: the words are in ``scale_page.md``, the numbers are computed here.

python -m benchmarks.scale_page > docs/scale.md
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from streams.capacity.limits import MEMBERS, TRANSACTIONS_PER_BROKER, limits
from streams.capacity.load import Load
from streams.capacity.measured import SOURCES
from streams.capacity.plan import Capacity, plan
from streams.capacity.prices import PRICE_SOURCES
from streams.capacity.roads import (
    CHANGED_S,
    DISK_MB_PER_S,
    LSM_AMPLIFICATION,
    LSM_US,
    OBJECT_MB_PER_S,
    roads,
)
from streams.capacity.text import said
from streams.capacity.workers import (
    JOIN_S,
    START_S,
    TROUBLES,
    Outcome,
    Protocol,
    fleet_of,
    lived,
)

WORDS: Final = Path(__file__).with_suffix(".md")
HUNDRED: Final = 100
SEED: Final = 1
NEAR_S: Final = 10.0
ON_DISK: Final = 0.99
TROUBLE: Final = {trouble.name: trouble for trouble in TROUBLES}


def page() -> str:
    """Return the page."""
    load = Load()
    found = plan(load)
    big = plan(
        msgspec.structs.replace(
            load, users=load.users * HUNDRED, events_per_day=load.events_per_day * HUNDRED
        )
    )
    fields = _answer(found) | _ground(found) | _hours(big) | _ends(found, big) | _state(found)
    return WORDS.read_text("utf-8").format(**fields)


def _answer(found: Capacity) -> dict[str, Any]:
    load, workers, dollars = found.load, found.workers, sum(found.dollars.values())

    def otherwise(**differing: float) -> Capacity:
        return plan(msgspec.structs.replace(load, **differing))

    return {
        "answer": said(found, limits(found)).partition("\ncomputed from")[0].rstrip(),
        "users_m": load.users / 1e6, "peak": load.peak_per_s, "cores": workers.cores_peak,
        "workers": workers.count, "busy": workers.busy_peak, "each_m": workers.users_each / 1e6,
        "zones_share": found.dollars["between zones"] / dollars,
        "disks_share": found.dollars["disks"] / dollars,
        "workers_share": found.dollars["workers"] / dollars,
        "dollars": found.dollars_per_million, "session": load.session_s,
        "one_zone": otherwise(zones=1).dollars_per_million,
        "asleep": found.costs.asleep_bytes, "awake": found.costs.awake_bytes,
        "all_awake": otherwise(awake_share=1.0).workers.count,
        "few_awake": otherwise(awake_share=0.1).workers.count,
    }  # fmt: skip


def _ground(found: Capacity) -> dict[str, Any]:
    ground, prices = [], []
    for name, source in SOURCES.items():
        value, unit = getattr(found.costs, name), source.unit.replace("1/s", "/s")
        where = f"`{source.figure}`" if source.figure else "counted over `benchmarks/service_days`"
        ground.append(f"| {source.what} | {value:,.6g} {unit.strip('1')} | {where} |")
    for name, (what, where) in PRICE_SOURCES.items():
        prices.append(f"| `{name}` | {getattr(found.prices, name):g} | {what} | {where} |")
    return {"ground": "\n".join(ground), "prices": "\n".join(prices)}


def _hours(big: Capacity) -> dict[str, Any]:
    fleet, rows = fleet_of(big), []
    for trouble in TROUBLES:
        eager = fleet._replace(protocol=Protocol.EAGER, is_static=False)
        one, other = lived(eager, trouble, SEED), lived(fleet, trouble, SEED)
        told = (_pair(one, other, name) for name in ("durable_s", "lag_s", "drained_s"))
        rows.append(
            f"| {trouble.name} | {' | '.join(told)} | {one.affected:.1%} / {other.affected:.1%} |"
        )
    near = lived(fleet._replace(session_s=NEAR_S), TROUBLE["a zone lost"], SEED)
    kept = lived(fleet._replace(snapshot_share=ON_DISK), TROUBLE["everything restarts"], SEED)
    return {
        "troubles": "\n".join(rows), "seed": SEED, "near": near.durable_s,
        "snapshot": kept.durable_s, "join": JOIN_S, "start": START_S,
        "big_workers": big.workers.count, "big_partitions": big.workers.partitions,
        "big_peak_m": big.load.peak_per_s / 1e6, "big_users_b": big.load.users / 1e9,
    }  # fmt: skip


def _pair(one: Outcome, other: Outcome, name: str) -> str:
    def told(value: float) -> str:
        return "never" if value == float("inf") else f"{value:,.0f}"

    return f"{told(getattr(one, name))} / {told(getattr(other, name))}"


def _ends(found: Capacity, big: Capacity) -> dict[str, Any]:
    there = {end.what: end.times for end in limits(big)}
    rows = [
        f"| {end.what} | {end.times:,.1f} × | {there[end.what]:,.1f} × | {end.plan} |"
        for end in limits(found)
    ]
    return {
        "ends": "\n".join(rows), "transactions": TRANSACTIONS_PER_BROKER, "members": MEMBERS,
    }  # fmt: skip


def _state(found: Capacity) -> dict[str, Any]:
    rows = [
        f"| {road.name} | {road.start_s:,.0f} | {road.moved_s:,.0f} | {road.us_per_event:g} | "
        f"{road.written_mb_per_s:,.0f} | {road.memory_gb:,.1f} | {road.verdict} |"
        for road in roads(found)
    ]
    return {
        "roads": "\n".join(rows), "lsm_more": LSM_US / found.costs.pipeline_us, "lsm_us": LSM_US,
        "changed": CHANGED_S, "disk_mb": DISK_MB_PER_S, "object_mb": OBJECT_MB_PER_S,
        "lsm_times": LSM_AMPLIFICATION,
    }  # fmt: skip


def main() -> None:
    """Print the page."""
    sys.stdout.write(page())


if __name__ == "__main__":
    main()
