"""What the router costs: CPU per event, beside that of the pipeline that reads what it wrote.

    python -m benchmarks.router [--events 200000] [--partitions 4]

Segment's records, keyed by message, lie on a topic of an odd number of partitions. One router takes
them to user-activity; then one worker of the pipeline reads them there. CPU is that of the process,
all threads, from its first durable commit until the last record is durable.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaProducer
from kafka.admin import KafkaAdminClient

from benchmarks import figures
from benchmarks.core_stages import BUILD
from benchmarks.intake import history
from benchmarks.stand import Stand
from benchmarks.throughput import Look, watch
from streams.demo.tongues import TONGUES
from streams.runtime.embedded.fixture import EmbeddedKafka

ORIGIN_PARTITIONS: Final = 3
BATCH: Final = 5_000


async def publish(bootstrap: str, topic: str, events: int) -> float:
    """Write the records; return their mean size in bytes."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=500_000)
    await producer.start()
    size = 0
    try:
        told, write = history(events), TONGUES["segment"].write
        for begin in range(0, events, BATCH):
            acks = []
            for place, event in enumerate(told[begin : begin + BATCH], begin):
                value = write(event).value
                size += len(value)
                key = event.event_id.encode()
                acks.append(
                    await producer.send(topic, value, key, partition=place % ORIGIN_PARTITIONS)
                )
            await asyncio.gather(*acks)
    finally:
        await producer.stop()
    return size / events


def rules_of(directory: Path) -> tuple[Path, str]:
    """Return a rules file whose topic is routed, and the topic."""
    tongue = TONGUES["segment"]
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "rules.yaml"
    routed = tongue.rules.replace("keyed_by: user", "keyed_by: anything")
    assert routed != tongue.rules
    path.write_text(routed, encoding="utf-8")
    return path, tongue.topic


def cost_us(first: Look, last: Look) -> float:
    """Return CPU per record, µs."""
    return (last.cpu_s - first.cpu_s) / (last.applied - first.applied) * 1e6


def measure(events: int, partitions: int) -> dict[str, float]:
    """Route everything, then read it."""
    directory = BUILD / "router"
    shutil.rmtree(directory, ignore_errors=True)
    rules, topic = rules_of(directory)
    with EmbeddedKafka(jit="c2") as kafka:
        stand = Stand(kafka.bootstrap, directory, rules=rules, clock="event", partitions=partitions)
        client = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        client.create_topics(
            {topic: {"num_partitions": ORIGIN_PARTITIONS, "replication_factor": 1}}
        )
        client.close()
        with stand:
            stand.run("topics", "apply")
            size = asyncio.run(publish(kafka.bootstrap, topic, events))
            router = stand.worker(role="router")
            begun, routed = watch(router, kafka.pid, events)
            router.end()
            pipeline = stand.worker(role="pipeline")
            started, read = watch(pipeline, kafka.pid, events)
            pipeline.end()
    return {
        "router_us_per_event": cost_us(begun, routed),
        "router_events_per_s": (routed.applied - begun.applied) / (routed.at_s - begun.at_s),
        "pipeline_us_per_event": cost_us(started, read),
        "bytes_per_record": size,
    }


def main() -> None:
    """Measure, print JSON, record the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--partitions", type=int, default=4)
    args = parser.parse_args()
    found = measure(args.events, args.partitions)
    size = found["bytes_per_record"]
    note = f"{args.events:,} records of Segment, {size:.0f} B, {ORIGIN_PARTITIONS} partitions"
    ratio = found["router_us_per_event"] / found["pipeline_us_per_event"]
    figures.record("router_us_per_event", found["router_us_per_event"], note=note)
    figures.record(
        "router_over_pipeline", ratio,
        note=f"a worker that reads what it wrote: {found['pipeline_us_per_event']:.1f} µs",
    )  # fmt: skip
    print(json.dumps({name: round(value, 2) for name, value in found.items()}))


if __name__ == "__main__":
    main()
