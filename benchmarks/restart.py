"""Restart of a worker with millions of users on the same host: from its start to the first commit.

    python -m benchmarks.restart [--users 5000000] [--tail 200000]

The changelog and the state files of a stopped worker are written directly, with states that users
really reached; then so many of them change, as if the worker had been killed a while after its last
files. Measured from the start of the process until an event of every partition, which waits on the
topic, is durably applied: from the files; from those that the worker itself has written when it was
stopped; and without files. Needs a GB of memory and two of disk for a million users.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from benchmarks import figures
from benchmarks.core_stages import BUILD, RULES
from benchmarks.failover import publish, restored
from benchmarks.model import frozen_model
from benchmarks.stand import Stand, Worker, cpu_seconds, wait_until
from benchmarks.states import lived, partition_record
from streams.core.partition_record import PARTITION_KEY
from streams.core.partitioner import partition_of
from streams.core.stored import Stored
from streams.replay.events import NativeEvent
from streams.runtime.embedded.fixture import EmbeddedKafka
from streams.runtime.state_folder import SUFFIX, DiskFolder, state_directory
from streams.runtime.state_format import Head, frame, payloads
from streams.runtime.ticks import now_ms
from streams.runtime.topic_id import topic_id
from tests.chaos.oracle import Journal
from winback_sender.cluster import Cluster

PARTITIONS: Final = 4
PIECE: Final = 20_000
CHANGELOG: Final = "winback-users-changelog"
APP: Final = "winback"


class Start(NamedTuple):
    """How a worker started.

    Attributes:
        first_event_s: From its start until an event of every partition was durable.
        own_s: Of that: from owning the partitions until they were restored.
        cpu_s: What it had cost by then.
        peak_mb: Most memory that it had needed.
        users: How many were restored.
    """

    first_event_s: float
    own_s: float
    cpu_s: float
    peak_mb: float
    users: int


class Crowd:
    """Users with states, by partition.

    Args:
        users: How many.
    """

    def __init__(self, users: int) -> None:
        rules, self._values, self.watermark_ms = lived()
        self._rules = rules
        self.mean_bytes = statistics.mean(map(len, self._values))
        self.names: list[list[str]] = [[] for _ in range(PARTITIONS)]
        for number in range(users):
            name = f"clone-{number:09d}"
            self.names[partition_of(name, PARTITIONS)].append(name)

    def record(self, partition: int) -> bytes:
        """Return the record of a partition."""
        return partition_record(self._rules, self.watermark_ms, len(self.names[partition]))

    def values(self, start: int, count: int) -> list[bytes]:
        """Return so many states, each an object of its own."""
        values = self._values
        return [bytes(memoryview(values[at % len(values)])) for at in range(start, start + count)]

    def pieces(self, partition: int) -> Iterator[tuple[list[str], list[bytes]]]:
        """Yield the users of a partition."""
        names = self.names[partition]
        for start in range(0, len(names), PIECE):
            part = names[start : start + PIECE]
            yield part, self.values(start, len(part))


async def fill(bootstrap: str, crowd: Crowd) -> dict[int, int]:
    """Write the changelog, and return where each partition of it ends."""
    for partition in range(PARTITIONS):
        for names, values in crowd.pieces(partition):
            records = list(zip((name.encode() for name in names), values, strict=True))
            await publish(bootstrap, CHANGELOG, {partition: records})
        record = [(PARTITION_KEY, crowd.record(partition))]
        await publish(bootstrap, CHANGELOG, {partition: record})
    return {partition: len(crowd.names[partition]) + 1 for partition in range(PARTITIONS)}


async def change(bootstrap: str, crowd: Crowd, count: int) -> None:
    """Write so many states anew."""
    share = count // PARTITIONS
    for partition in range(PARTITIONS):
        names = crowd.names[partition][:share]
        records = list(
            zip((name.encode() for name in names), crowd.values(1, len(names)), strict=True)
        )
        records.append((PARTITION_KEY, crowd.record(partition)))
        await publish(bootstrap, CHANGELOG, {partition: records})


def write_files(folder: DiskFolder, bootstrap: str, crowd: Crowd, ends: dict[int, int]) -> float:
    """Write the state files as they would be at these offsets; return what that costs in CPU."""
    cpu_s = 0.0
    found = topic_id(Cluster.plain(bootstrap), CHANGELOG)
    for partition, end in ends.items():
        head = Head(
            topic=CHANGELOG, topic_id=found, partition=partition, offset=end, made_ms=now_ms()
        )
        stored = Stored({PARTITION_KEY: crowd.record(partition)}, list(crowd.pieces(partition)))
        began_s = time.process_time()
        draft = folder.draft(f"{partition}{SUFFIX}")
        for payload in payloads(head, stored):
            draft.write(frame(payload))
            draft.write(payload)
        draft.finish()
        cpu_s += time.process_time() - began_s
    return cpu_s


class Events:
    """One event for each partition, whenever they are asked for."""

    def __init__(self, bootstrap: str, crowd: Crowd) -> None:
        self._bootstrap, self._crowd = bootstrap, crowd
        self._count = 0

    def send(self) -> None:
        """Write them."""
        self._count += 1
        encode = msgspec.json.Encoder().encode
        parts = {}
        for partition, names in enumerate(self._crowd.names):
            at_ms = self._crowd.watermark_ms + self._count
            event = NativeEvent(f"r{partition}:{self._count}", names[0], "view", at_ms)
            parts[partition] = [(names[0].encode(), encode(event))]
        asyncio.run(publish(self._bootstrap, "user-activity", parts))


def peak_mb(worker: Worker) -> float:
    """Return the most memory that a process has needed."""
    lines = Path(f"/proc/{worker.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def start(stand: Stand, bootstrap: str, events: Events) -> tuple[Worker, Start]:
    """Start a worker, and measure until it has applied what waits for it."""
    events.send()
    journal = Journal(bootstrap)
    began_s = time.monotonic()
    worker = stand.worker()
    worker.log.write_bytes(b"")
    wait_until("the first events are durable", journal.is_complete, 600.0, poll_s=0.0)
    first_s = time.monotonic() - began_s
    journal.close()
    users, own_s = restored(worker)[0]
    cpu_s = cpu_seconds(worker.pid)
    return worker, Start(first_s, own_s, cpu_s, peak_mb(worker), users)


def measure(users: int, tail: int) -> dict[str, float]:
    """Run once."""
    directory = BUILD / "restart"
    shutil.rmtree(directory, ignore_errors=True)
    data = directory / "data"
    folder = DiskFolder(state_directory(str(data), {}) / APP)
    crowd = Crowd(users)
    with EmbeddedKafka(jit="c2") as kafka:
        stand = Stand(
            kafka.bootstrap, directory, rules=RULES, partitions=PARTITIONS, data_dir=data,
            model_file=frozen_model(RULES, BUILD), clock="event", session_timeout_s=6,
            users_max=100_000_000,
        )  # fmt: skip
        with stand:
            stand.run("topics", "apply")
            ends = asyncio.run(fill(kafka.bootstrap, crowd))
            write_s = write_files(folder, kafka.bootstrap, crowd, ends)
            asyncio.run(change(kafka.bootstrap, crowd, tail))
            events = Events(kafka.bootstrap, crowd)
            worker, killed = start(stand, kafka.bootstrap, events)
            began_s = time.monotonic()
            worker.end(timeout_s=300.0)
            stop_s = time.monotonic() - began_s
            worker, stopped = start(stand, kafka.bootstrap, events)
            worker.end(signal.SIGKILL)
            shutil.rmtree(state_directory(str(data), {}))
            time.sleep(7.0)  # The group forgets who was killed.
            worker, without = start(stand, kafka.bootstrap, events)
            worker.end(signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)
    found = {
        "value_bytes_mean": crowd.mean_bytes, "stop_s": stop_s,
        "write_us_per_user": write_s / users * 1e6,
    }  # fmt: skip
    return found | _told(crowd, killed, stopped, without)


def _told(crowd: Crowd, killed: Start, stopped: Start, without: Start) -> dict[str, float]:
    found = {}
    for name, each in (("killed", killed), ("stopped", stopped), ("without", without)):
        found |= {f"{name}_{field}": value for field, value in each._asdict().items()}
        found[f"{name}_users_per_s"] = each.users / each.own_s
        found[f"{name}_mb_per_s"] = each.users * crowd.mean_bytes / each.own_s / 1e6
    return found


def main() -> None:
    """Measure, print JSON, record the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=5_000_000)
    parser.add_argument("--tail", type=int, default=200_000)
    args = parser.parse_args()
    found = measure(args.users, args.tail)
    said = f"{args.users:,} users of {found['value_bytes_mean']:.0f} B"
    figures.record("restart_first_event_s", found["killed_first_event_s"],
                   note=f"{said}, {args.tail:,} of them changed since the files")  # fmt: skip
    figures.record("restart_stopped_first_event_s", found["stopped_first_event_s"], note=said)
    figures.record("restart_without_files_s", found["without_first_event_s"], note=said)
    figures.record("restart_peak_mb", found["killed_peak_mb"], note=said)
    figures.record("state_file_cpu_us_per_user", found["write_us_per_user"], note=said)
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


if __name__ == "__main__":
    main()
