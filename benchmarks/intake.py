"""What a format costs: decoding and mapping a record, as a multiple of a native one.

    python -m benchmarks.intake [--events 20000] [--rounds 9]

One history of visits and purchases is told in every format, and read in chunks, as a worker reads
it, native records as well: with the look for keys that stand twice. Reading is timed in turns, so
that a noisy machine is noisy for all of them, and the median of the ratios counts.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from benchmarks import figures
from streams.core.decoded import Rejected, Skipped
from streams.core.rules_file import parse_rules
from streams.demo.tongues import SCHEMA_ID, TONGUES, Record, Tongue
from streams.intake.bulk import Bulk, bulk_decode, bulk_native, bulk_tell
from streams.intake.wire.schemas import Schema, Schemas
from streams.replay.events import NativeEvent

START_MS: Final = 1_735_689_600_000
FAR_MS: Final = 4_000_000_000_000
"""Record timestamp of every event: no event lies in its future."""
CHUNK: Final = 4_000
"""Records that a lane applies together."""
TIMED: Final = ("segment", "sensors", "cloudevents", "debezium", "canal", "json", "avro")


def history(count: int) -> list[NativeEvent]:
    """Return visits and purchases, one in four with money."""
    chance = random.Random(3)
    return [
        NativeEvent(f"m-{place:012d}", f"user-{chance.randrange(5_000):06d}",
                    "visit" if place % 4 else "purchase", START_MS + place * 977,
                    None if place % 4 else round(chance.uniform(1, 500), 2),
                    None if place % 4 else "CNY")
        for place in range(count)
    ]  # fmt: skip


def reader_of(tongue: Tongue) -> Bulk[Any]:
    """Return what reads the records of a tongue: to inputs, or as far as the router reads them."""
    rules = parse_rules(tongue.rules)
    (source,) = rules.sources
    schemas = Schemas()
    schemas.learn(SCHEMA_ID, Schema(source.encoding.value.upper(), tongue.schema))
    make: Callable[..., Bulk[Any]] = bulk_decode if source.keyed_by == "user" else bulk_tell
    return make(source, rules, schemas)


def columns_of(records: list[Record]) -> tuple[Any, ...]:
    """Return records as a lane has them."""
    keys, values, headers = zip(*records, strict=True)
    has_headers = any(headers)
    return list(keys), list(values), [FAR_MS] * len(keys), list(headers) if has_headers else None


def cpu_us(bulk: Bulk[Any], chunks: list[tuple[Any, ...]], count: int) -> float:
    """Return the CPU of reading a record, µs."""
    began = time.process_time()
    for chunk in chunks:
        bulk.all(*chunk)
    return (time.process_time() - began) / count * 1e6


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    events = history(asked.events)
    native = [Record(event.user_id.encode(), msgspec.json.encode(event)) for event in events]
    reads = {"native": bulk_native(parse_rules(""))}
    reads |= {name: reader_of(TONGUES[name]) for name in TIMED}
    records = {name: [TONGUES[name].write(event) for event in events] for name in TIMED}
    records["native"] = native
    chunks = {
        name: [columns_of(told[low : low + CHUNK]) for low in range(0, len(told), CHUNK)]
        for name, told in records.items()
    }
    for name, bulk in reads.items():
        for chunk in chunks[name]:
            assert not any(isinstance(each, Rejected | Skipped) for each in bulk.all(*chunk)), name
    costs: dict[str, list[float]] = {name: [] for name in reads}
    gc.collect()
    gc.freeze()
    for _ in range(asked.rounds):
        for name, bulk in reads.items():
            costs[name].append(cpu_us(bulk, chunks[name], len(records[name])))
    medians = {name: round(statistics.median(told), 3) for name, told in costs.items()}
    sizes = {name: statistics.mean(len(record.value) for record in records[name]) for name in TIMED}
    print(json.dumps({"us_per_event": medians, "bytes_per_record": sizes}, indent=1))
    figures.show([
        figures.record(
            f"intake_{name}_over_native",
            statistics.median(
                cost / base for cost, base in zip(costs[name], costs["native"], strict=True)
            ),
            note=f"{medians[name]} µs over {medians['native']} µs, {sizes[name]:.0f} B a record",
        )
        for name in TIMED
    ])  # fmt: skip


if __name__ == "__main__":
    main()
