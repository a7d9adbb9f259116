"""Restore and failover with 200,000 users.

    python -m benchmarks.failover [--users 200000] [--session-s 4]

The changelog holds one record a user, as after compaction. Restore: users per second inside the
worker, from the fence to the last timer. Failover: two workers under light traffic, SIGKILL to one;
from the kill until every partition has new durable commits, less the session time-out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import time
from typing import Final

import msgspec

from benchmarks import figures
from benchmarks.core_stages import BUILD, RULES
from benchmarks.model import frozen_model
from benchmarks.stand import Stand, Worker, wait_until
from benchmarks.states import changelog
from benchmarks.workload import START
from streams.core.partitioner import partition_of
from streams.replay.events import NativeEvent
from streams.runtime.embedded.fixture import EmbeddedKafka
from streams.runtime.publisher import Publisher
from tests.chaos.oracle import Journal
from winback_sender.cluster import Cluster

PARTITIONS: Final = 4
RESTARTS: Final = 3
TRAFFIC_PER_S: Final = 500
TRAFFIC_USERS: Final = 2_000
IN_FLIGHT_S: Final = 0.5
"""Commits of the killed worker that were on their way may still become durable."""
OWNED: Final = re.compile(r"partitions_owned .*restored_records=(\d+) seconds=([\d.]+)")


async def publish(bootstrap: str, topic: str, parts: dict[int, list[tuple[bytes, bytes]]]) -> None:
    """Write records to the partitions they belong to."""
    async with Publisher(Cluster.plain(bootstrap), topic) as publisher:
        for partition, records in parts.items():
            await publisher.send(partition, records)


def restored(worker: Worker) -> list[tuple[int, float]]:
    """Return (users, seconds) of each restore that the worker logged."""
    found = OWNED.findall(worker.log.read_text())
    return [(int(users), float(seconds)) for users, seconds in found if int(users)]


class Traffic:
    """A little of it on every partition, for as long as it takes."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._count = 0
        self._at_ms = int(START.astype("datetime64[ms]").astype(int)) + 61 * 86_400_000
        names = [f"clone-{number:09d}" for number in range(TRAFFIC_USERS)]
        self._users = [(name, partition_of(name, PARTITIONS)) for name in names]

    async def run(self, until: asyncio.Event) -> None:
        """Publish until told to stop."""
        encode = msgspec.json.Encoder().encode
        async with Publisher(Cluster.plain(self._bootstrap), "user-activity") as publisher:
            while not until.is_set():
                parts: dict[int, list[tuple[bytes, bytes]]] = {}
                for _ in range(TRAFFIC_PER_S // 20):
                    self._count += 1
                    name, partition = self._users[self._count % TRAFFIC_USERS]
                    at_ms = self._at_ms + self._count
                    event = NativeEvent(f"t:{self._count}", name, "view", at_ms)
                    parts.setdefault(partition, []).append((name.encode(), encode(event)))
                for partition, records in parts.items():
                    await publisher.send(partition, records)
                await asyncio.sleep(0.05)


def first_progress(journal: Journal, since_s: float) -> dict[int, float]:
    """Return when each partition had its first durable commit after an instant."""
    found: dict[int, float] = {}
    before = dict(journal.next)

    def have_all() -> bool:
        journal.is_complete()
        now_s = time.monotonic()
        if now_s - since_s < IN_FLIGHT_S:
            before.update(journal.next)
        for partition, offset in journal.next.items():
            if offset > before[partition]:
                found.setdefault(partition, now_s)
        return len(found) == PARTITIONS

    wait_until("commits on every partition", have_all, 120.0, poll_s=0.0)
    return found


async def kill_one(stand: Stand, bootstrap: str, session_s: float) -> float:
    """Return the seconds from SIGKILL to durable everywhere, beyond the session time-out."""
    stop = asyncio.Event()
    traffic = asyncio.create_task(Traffic(bootstrap).run(stop))
    loop = asyncio.get_running_loop()

    def at_work() -> float:
        victim, survivor = stand.running()
        wait_until("two owners", lambda: all(
            worker.metrics().get("winback_partitions_owned") == PARTITIONS / 2
            for worker in (victim, survivor)
        ), 60.0, poll_s=0.5)  # fmt: skip
        journal = Journal(bootstrap)
        wait_until(
            "traffic is durable", lambda: journal.is_complete() or all(journal.next.values()), 60
        )
        time.sleep(2.0)
        journal.is_complete()
        victim.send(signal.SIGKILL)
        killed_s = time.monotonic()
        durable = first_progress(journal, killed_s)
        journal.close()
        return max(durable.values()) - killed_s - session_s

    try:
        return await loop.run_in_executor(None, at_work)
    finally:
        stop.set()
        await traffic


def measure(users: int, session_s: float) -> dict[str, float]:
    """Run once."""
    with EmbeddedKafka(jit="c2") as kafka:
        stand = Stand(
            kafka.bootstrap, BUILD / "failover", rules=RULES, partitions=PARTITIONS,
            model_file=frozen_model(RULES, BUILD), clock="event", session_timeout_s=session_s,
        )  # fmt: skip
        with stand:
            stand.run("topics", "apply")
            states = changelog(users, PARTITIONS)
            size = sum(len(value) for part in states.values() for _, value in part)
            asyncio.run(publish(kafka.bootstrap, "winback-users-changelog", states))
            rates = []
            for _ in range(RESTARTS):
                worker = stand.worker()
                worker.log.write_bytes(b"")
                worker.wait_ready()
                rates += [count / seconds for count, seconds in restored(worker)]
                worker.end()
            for _ in range(2):
                stand.worker().wait_ready()
            beyond_s = asyncio.run(kill_one(stand, kafka.bootstrap, session_s))
            survivor = stand.running()[0]
            last = restored(survivor)[-1]
            survivor.end()
    return {
        "restore_users_per_s": sorted(rates)[len(rates) // 2],
        "restore_users_per_s_max": max(rates),
        "restore_mb_per_s": sorted(rates)[len(rates) // 2] * size / users / 1e6,
        "failover_beyond_session_s": beyond_s,
        "failover_restored_users": last[0],
        "failover_restore_s": last[1],
    }


def main() -> None:
    """Measure, print JSON, record the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--session-s", type=float, default=4.0)
    args = parser.parse_args()
    found = measure(args.users, args.session_s)
    figures.record("restore_users_per_s", found["restore_users_per_s"],
                   note=f"{args.users:,} users, fence and timers included, "
                        f"median of {RESTARTS} starts")  # fmt: skip
    figures.record("restore_mb_per_s", found["restore_mb_per_s"], note=f"{args.users:,} users")
    figures.record("failover_beyond_session_s", found["failover_beyond_session_s"],
                   note=f"{args.users:,} users on two workers, "
                        f"session time-out {args.session_s:g} s")  # fmt: skip
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


if __name__ == "__main__":
    main()
