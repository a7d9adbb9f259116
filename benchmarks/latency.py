"""Event to touch: from the instant at which an event happens to the touch in a consumer's hands.

    python -m benchmarks.latency [--rate 5000] [--seconds 30]

Live: wall clock, one worker, 20,000 users with a month of history. Into a steady feed of ordinary
events go complaints of users who are not at risk; the model is made so that a complaint means
leaving, so each is scored at once, opens a case and requests a touch. Seconds later the same user
acts again, which revokes the touch. Both ways are measured: from the event's own time, which is
when the feed meant it to happen, to the arrival at a consumer that reads committed records only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from aiokafka import AIOKafkaConsumer

from benchmarks import figures
from benchmarks.core_stages import BUILD
from benchmarks.model import frozen_model
from benchmarks.stand import Stand, Worker, cpu_seconds, wait_until
from benchmarks.workload import DAY_S, Log, Shape, make_log, user_id, write_csv
from models.snapshot import Phase, Serving, load, sign
from streams.core.partitioner import Partitioner
from streams.replay.events import NativeEvent
from streams.runtime.embedded.fixture import EmbeddedKafka
from streams.runtime.publisher import Publisher
from streams.settings import DEVELOPMENT_KEY
from winback_sender.cluster import Cluster

RULES: Final = figures.ROOT / "benchmarks" / "latency_rules.yaml"
SHAPE: Final = Shape(users=20_000, days=28, seed=3, life_days=2_000.0)
BEAT_S: Final = 0.01
RETURN_AFTER_S: Final = 6.0
SETTLE_S: Final = 5.0
PROBES_PER_S: Final = 50
PARTITIONS: Final = 4
COMPLAINT_WEIGHT: Final = -4.0


class Probes(NamedTuple):
    """Users who complain and return, and those who make the ordinary traffic."""

    users: list[str]
    others: list[str]


class Seen(NamedTuple):
    """Latencies, ms."""

    touches: list[float]
    revocations: list[float]


def recent_log() -> Log:
    """Return a month of history that ends a few minutes ago."""
    log = make_log(SHAPE)
    shift = int(time.time()) - 300 - int(log.times_s[-1])
    return log._replace(times_s=log.times_s + shift)


def probes_of(log: Log, count: int) -> Probes:
    """Choose users with rhythm who came lately: nobody is at risk yet."""
    days = np.unique(log.users * 100_000 + log.times_s // DAY_S) // 100_000
    active = np.bincount(days, minlength=SHAPE.users)
    last = np.zeros(SHAPE.users)
    np.maximum.at(last, log.users, log.times_s)
    fit = np.flatnonzero((active >= 8) & (last > last.max() - 3 * DAY_S))
    assert len(fit) > 2 * count, "too few users with rhythm"
    chosen = np.random.default_rng(1).permutation(fit)
    names = [user_id(number) for number in chosen.tolist()]
    return Probes(names[:count], names[count:])


def complaint_model(directory: Path) -> Path:
    """Return the learned model with one weight of our own: a complaint means leaving."""
    model, path = frozen_model(RULES, directory), directory / "model-complaint.json"
    serving = load(model.read_bytes(), (DEVELOPMENT_KEY.encode(),), Serving)
    learned = serving.model
    assert learned is not None, "the school was too short to learn in"
    weights = list(learned.numbers["weights"])
    weights[1 + learned.columns.index("kd1")] = COMPLAINT_WEIGHT
    name = "complaint_means_leaving"
    numbers = learned.numbers | {"weights": tuple(weights)}
    learned = msgspec.structs.replace(learned, numbers=numbers, version=name)
    made = msgspec.structs.replace(
        serving, model=learned, version=name, phase=Phase.LEARNED, prior_weight=0.0, may_alert=True
    )
    path.write_bytes(sign(made, (DEVELOPMENT_KEY.encode(),)))
    return path


class Traffic:
    """The steady feed."""

    def __init__(self, publisher: Publisher, probes: Probes, rate: int) -> None:
        self.publisher, self.probes, self.rate = publisher, probes, rate
        self.sent = 0
        self.late_ms = 0.0
        self._partition = Partitioner(publisher.partitions)
        self._chance = np.random.default_rng(2)
        self._encode = msgspec.json.Encoder().encode
        self._returns: list[tuple[float, str]] = []

    async def run(self, seconds: float) -> None:
        """Feed: every beat the events that happened since the last one."""
        began, beats = time.time(), round(seconds / BEAT_S)
        complain_until = seconds - RETURN_AFTER_S - 1.0
        users = iter(self.probes.users)
        every = max(1, round(1 / (PROBES_PER_S * BEAT_S)))
        for beat in range(beats):
            at_s = began + beat * BEAT_S
            await asyncio.sleep(max(0.0, at_s - time.time()))
            self.late_ms = max(self.late_ms, (time.time() - at_s) * 1e3)
            rows = [(name, "view") for name in self._ordinary()]
            if beat % every == 0 and beat * BEAT_S < complain_until:
                name = next(users)
                rows.append((name, "complaint"))
                self._returns.append((at_s + RETURN_AFTER_S, name))
            while self._returns and self._returns[0][0] <= at_s:
                rows.append((self._returns.pop(0)[1], "view"))
            await self._send(rows, round(at_s * 1e3))

    def _ordinary(self) -> list[str]:
        picks = self._chance.integers(0, len(self.probes.others), round(self.rate * BEAT_S))
        return [self.probes.others[pick] for pick in picks]

    async def _send(self, rows: list[tuple[str, str]], at_ms: int) -> None:
        parts: defaultdict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
        for name, kind in rows:
            self.sent += 1
            event = NativeEvent(f"live:{self.sent}", name, kind, at_ms)
            parts[self._partition[name]].append((name.encode(), self._encode(event)))
        for partition, records in parts.items():
            await self.publisher.send(partition, records)


async def collect(bootstrap: str, users: set[str], seen: Seen, ready: asyncio.Event) -> None:
    """Note when touches of these users and any revocations arrive; the event's time is in them."""
    consumer = AIOKafkaConsumer(
        "win-back", bootstrap_servers=bootstrap, isolation_level="read_committed",
        auto_offset_reset="latest", group_id=None,
    )  # fmt: skip
    await consumer.start()
    await consumer.seek_to_end()
    for part in consumer.assignment():
        await consumer.position(part)
    ready.set()
    try:
        async for record in consumer:
            now_ms = time.time() * 1e3
            said: dict[str, Any] = msgspec.json.decode(record.value)
            if said["type"] == "touch.requested" and said["user_id"] in users and said["step"] == 1:
                seen.touches.append(now_ms - _at_ms(record))
            elif said["type"] == "touch.revoked":
                seen.revocations.append(now_ms - _at_ms(record))
    finally:
        await consumer.stop()


def _at_ms(record: Any) -> float:
    """Return the event time that the touch answers."""
    stamp = dict(record.headers)["ce_time"].decode().replace("Z", "+00:00")
    return float(np.datetime64(stamp[:-6], "ms").astype(np.int64))


async def live(bootstrap: str, probes: Probes, rate: int, seconds: float) -> tuple[Seen, Traffic]:
    """Feed and listen."""
    seen, ready = Seen([], []), asyncio.Event()
    async with Publisher(Cluster.plain(bootstrap), "user-activity") as publisher:
        listening = asyncio.create_task(collect(bootstrap, set(probes.users), seen, ready))
        await ready.wait()
        traffic = Traffic(publisher, probes, rate)
        await traffic.run(seconds)
        await asyncio.sleep(2.0)
        listening.cancel()
        await asyncio.wait([listening])
    return seen, traffic


def settle(worker: Worker, records: int) -> None:
    """Wait until the history is durable and the timers up to now have fired."""

    def is_settled() -> bool:
        said = worker.metrics()
        done = said.get("winback_records_applied_total", 0) >= records
        return (
            done and not said.get("winback_pending_records") and not said.get("winback_lag_records")
        )

    wait_until("the history applied", is_settled, 300.0, poll_s=0.5)
    time.sleep(SETTLE_S)


def measure(rate: int, seconds: float) -> dict[str, float]:
    """Run once."""
    history = recent_log()
    path = BUILD / "latency.csv"
    events = write_csv(history, path)
    probes = probes_of(history, round(PROBES_PER_S * seconds))
    with EmbeddedKafka(jit="c2") as kafka:
        stand = Stand(
            kafka.bootstrap, BUILD / "latency", rules=RULES, model_file=complaint_model(BUILD),
            clock="wall", partitions=PARTITIONS,
        )  # fmt: skip
        with stand:
            stand.run("topics", "apply")
            stand.run("feed", path, "--quiet")
            worker = stand.worker()
            worker.wait_ready()
            settle(worker, events)
            before_s = cpu_seconds(worker.pid)
            seen, traffic = asyncio.run(live(kafka.bootstrap, probes, rate, seconds))
            cpu_s = cpu_seconds(worker.pid) - before_s
            worker.end()
    return {
        "touches": len(seen.touches),
        "revocations": len(seen.revocations),
        **{f"touch_p{p}": float(np.percentile(seen.touches, p)) for p in (50, 95, 99, 100)},
        **{f"revoke_p{p}": float(np.percentile(seen.revocations, p)) for p in (50, 95, 99, 100)},
        "events_per_s": traffic.sent / seconds,
        "feed_late_ms_max": traffic.late_ms,
        "worker_cores": cpu_s / seconds,
    }


def main() -> None:
    """Measure, print JSON, record the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    args = parser.parse_args()
    found = measure(args.rate, args.seconds)
    note = (
        "event time to arrival at a read_committed consumer, "
        f"{found['events_per_s']:,.0f} events/s, {found['touches']:,.0f} touches after a "
        f"complaint, {found['revocations']:,.0f} revocations"
    )
    figures.record("touch_latency_p99_ms", found["touch_p99"], note=note)
    figures.record("touch_latency_p50_ms", found["touch_p50"], note=note)
    figures.record("revoke_latency_p99_ms", found["revoke_p99"], note=note)
    print(json.dumps({name: round(value, 2) for name, value in found.items()}))


if __name__ == "__main__":
    main()
