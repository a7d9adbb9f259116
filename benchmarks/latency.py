"""Event to touch: from the instant at which an event happens to the touch in a consumer's hands.

    python -m benchmarks.latency [--rate 10000] [--seconds 20] [--runs 5]

Live: wall clock, one worker, 20,000 users with a month of history. Into a steady feed of ordinary
events go complaints of users who are not at risk; the model is made so that a complaint means
leaving, so each is scored at once, opens a case and requests a touch. Seconds later the same user
acts again, which revokes the touch. Both ways are measured: from the event's own time, which is
when the feed meant it to happen, to the arrival at a consumer that reads committed records only.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from aiokafka import AIOKafkaConsumer

from benchmarks import figures
from benchmarks.core_stages import BUILD
from benchmarks.feeder import BEAT_S, Feeder, Rows
from benchmarks.model import frozen_model
from benchmarks.stand import Stand, Worker, cpu_seconds, wait_until
from benchmarks.workload import DAY_S, Log, Shape, make_log, user_id, write_csv
from models.snapshot import Phase, Serving, load, sign
from streams.runtime.embedded.fixture import EmbeddedKafka
from streams.settings import DEVELOPMENT_KEY

RULES: Final = figures.ROOT / "benchmarks" / "latency_rules.yaml"
SHAPE: Final = Shape(users=20_000, days=28, seed=3, life_days=2_000.0)
RETURN_AFTER_S: Final = 6.0
SETTLE_S: Final = 5.0
LOOKS_MAX: Final = 15
PROBES_PER_S: Final = 25
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


def recent_log(users: int) -> Log:
    """Return a month of history that ends a few minutes ago."""
    log = make_log(SHAPE._replace(users=users))
    shift = int(time.time()) - 300 - int(log.times_s[-1])
    return log._replace(times_s=log.times_s + shift)


def probes_of(log: Log, count: int) -> Probes:
    """Choose users with rhythm who came lately: nobody is at risk yet."""
    days = np.unique(log.users * 100_000 + log.times_s // DAY_S) // 100_000
    users = int(log.users.max()) + 1
    active, last = np.bincount(days, minlength=users), np.zeros(users)
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


def traffic(probes: Probes, rate: int, seconds: float, seed: int) -> Iterator[Rows]:
    """Yield what happens at each beat: ordinary events, complaints, and who complained again."""
    chance = np.random.default_rng(seed)
    returns: deque[tuple[float, str]] = deque()
    users = iter(probes.users)
    every = max(1, round(1 / (PROBES_PER_S * BEAT_S)))
    for beat in range(round(seconds / BEAT_S)):
        at_s = beat * BEAT_S
        picks = chance.integers(0, len(probes.others), round(rate * BEAT_S))
        rows = [(probes.others[pick], "view") for pick in picks.tolist()]
        if beat % every == 0 and at_s < seconds - RETURN_AFTER_S - 1.0:
            name = next(users)
            rows.append((name, "complaint"))
            returns.append((at_s + RETURN_AFTER_S, name))
        while returns and returns[0][0] <= at_s:
            rows.append((returns.popleft()[1], "view"))
        yield rows


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


async def live(bootstrap: str, probes: Probes, rate: int, seconds: float) -> tuple[Seen, Feeder]:
    """Feed and listen."""
    seen, ready = Seen([], []), asyncio.Event()
    async with Feeder(bootstrap, "user-activity", PARTITIONS) as feeder:
        listening = asyncio.create_task(collect(bootstrap, set(probes.users), seen, ready))
        await ready.wait()
        planned = traffic(probes, rate, seconds, seed=len(probes.others))
        beats = feeder.build(planned, int(rate * seconds))
        gc.freeze()  # A million records that lie ready are not looked through again and again.
        await feeder.run(beats)
        await silence(seen)
        if not listening.cancel():
            listening.result()  # It has failed.
        await asyncio.wait([listening])
    gc.unfreeze()
    return seen, feeder


async def silence(seen: Seen) -> None:
    """Return when nothing more arrives."""
    before = -1
    for _ in range(LOOKS_MAX):
        await asyncio.sleep(2.0)
        came = len(seen.touches) + len(seen.revocations)
        if came and came == before:
            return
        before = came


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


class Live(NamedTuple):
    """A worker that has taken in the history.

    Attributes:
        bootstrap: Its Kafka.
        worker: It.
        probes: Users who are taken for runs, each once.
    """

    bootstrap: str
    worker: Worker
    probes: Probes

    def run(self, rate: int, seconds: float) -> dict[str, float]:
        """Run once, with probes of its own."""
        mine = [self.probes.users.pop() for _ in range(round(PROBES_PER_S * seconds) + 1)]
        before_s = cpu_seconds(self.worker.pid)
        probes = Probes(mine, self.probes.others)
        seen, feeder = asyncio.run(live(self.bootstrap, probes, rate, seconds))
        cpu_s = cpu_seconds(self.worker.pid) - before_s
        shares = (50, 95, 99, 99.9)
        return {
            "touches": len(seen.touches),
            "revocations": len(seen.revocations),
            **{f"touch_p{p}": float(np.percentile(seen.touches, p)) for p in shares},
            **{f"revoke_p{p}": float(np.percentile(seen.revocations, p)) for p in shares},
            "events_per_s": feeder.sent / seconds,
            "feed_late_ms_max": feeder.late_ms,
            "worker_cores": cpu_s / seconds,
            "cpu_us_per_event": cpu_s / feeder.sent * 1e6,
        }


@contextmanager
def lived(probes: int, users: int) -> Iterator[Live]:
    """Yield a worker that has known users for a month, and some of them to probe."""
    history = recent_log(users)
    path = BUILD / "latency.csv"
    events = write_csv(history, path)
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
            yield Live(kafka.bootstrap, worker, probes_of(history, probes))
            worker.end()


def measure(rate: int, seconds: float, runs: int, users: int = SHAPE.users) -> dict[str, float]:
    """Run several times with one worker and return medians."""
    with lived((round(PROBES_PER_S * seconds) + 1) * runs, users) as there:
        found = [there.run(rate, seconds) for _ in range(runs)]
    return {name: statistics.median(run[name] for run in found) for name in found[0]}


def main() -> None:
    """Measure, print JSON, record the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    found = measure(args.rate, args.seconds, args.runs)
    record(found, args.runs)
    print(json.dumps({name: round(value, 2) for name, value in found.items()}))


def record(found: dict[str, float], runs: int) -> None:
    """Record the figures."""
    note = (
        "event time to arrival at a read_committed consumer, "
        f"{found['events_per_s']:,.0f} events/s, {found['touches']:,.0f} touches after a "
        f"complaint, {found['revocations']:,.0f} revocations, median of {runs} runs"
    )
    figures.record("touch_latency_p99_ms", found["touch_p99"], note=note)
    figures.record("touch_latency_p50_ms", found["touch_p50"], note=note)
    figures.record("revoke_latency_p99_ms", found["revoke_p99"], note=note)


if __name__ == "__main__":
    main()
