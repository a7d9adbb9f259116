"""What a format costs: decoding and mapping a record, as a multiple of a native one.

    python -m benchmarks.intake [--events 20000] [--rounds 9]

One history of visits and purchases is told in every format; reading is timed in turns, so that a
noisy machine is noisy for all of them, and the median of the ratios counts.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable
from typing import Final

import msgspec

from benchmarks import figures
from streams.core.decoded import Decode, Rejected, Skipped
from streams.core.native import make_decode
from streams.core.rules_file import parse_rules
from streams.demo.tongues import SCHEMA_ID, TONGUES, Record, Tongue
from streams.intake.decoder import make_source_decode, make_tell
from streams.intake.wire.catalogue import parse_as_of
from streams.intake.wire.schemas import Schema, Schemas
from streams.replay.events import NativeEvent

START_MS: Final = 1_735_689_600_000
FAR_MS: Final = 4_000_000_000_000
"""Record timestamp of every event: no event lies in its future."""
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


def reader_of(tongue: Tongue) -> Decode | Callable[..., object]:
    """Return what reads the records of a tongue: to inputs, or as far as the router reads them."""
    rules = parse_rules(tongue.rules)
    (source,) = rules.sources
    schemas = Schemas()
    schemas.learn(SCHEMA_ID, Schema(source.encoding.value.upper(), tongue.schema))
    parse_as = parse_as_of(source.encoding, schemas)
    make = make_source_decode if source.keyed_by == "user" else make_tell
    return make(source, rules, parse_as)


def cpu_us(read: Callable[..., object], records: list[Record]) -> float:
    """Return the CPU of reading a record, µs."""
    began = time.process_time()
    for key, value, headers in records:
        read(key, value, FAR_MS, headers)
    return (time.process_time() - began) / len(records) * 1e6


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    events = history(asked.events)
    native = [Record(event.user_id.encode(), msgspec.json.encode(event)) for event in events]
    reads = {name: reader_of(TONGUES[name]) for name in TIMED}
    records = {name: [TONGUES[name].write(event) for event in events] for name in TIMED}
    for name, read in reads.items():
        key, value, headers = records[name][0]
        assert not isinstance(read(key, value, FAR_MS, headers), Rejected | Skipped), name
    decode = make_decode(parse_rules(""))
    costs: dict[str, list[float]] = {name: [] for name in ("native", *TIMED)}
    for _ in range(asked.rounds):
        costs["native"].append(cpu_us(decode, native))
        for name in TIMED:
            costs[name].append(cpu_us(reads[name], records[name]))
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
