"""The pure core on its own: µs of CPU per event by stage, no Kafka.

    python -m benchmarks.core_stages [--users 50000] [--days 60] [--events N] [--profile OUT.prof]

Records as they lie on the topic go through decode, apply and take of every partition in chunks, as
in the lane. Stages are exclusive: what a stage calls of another one is counted there.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks import figures
from benchmarks.model import frozen_model
from benchmarks.workload import Shape, cached_csv
from streams.core.harvest import Harvest
from streams.core.partition import Partition
from streams.core.partitioner import Partitioner
from streams.core.rules import Rules
from streams.intake.bulk import bulk_native
from streams.replay.events import encoded
from streams.replay.files import EventLog
from streams.replay.rulebook import rules_at
from streams.replay.run import model_at
from streams.settings import DEVELOPMENT_KEY

BUILD: Final = figures.ROOT / "build" / "bench"
RULES: Final = figures.ROOT / "benchmarks" / "rules.yaml"
CHUNK: Final = 6_000
FAR_MS: Final = 4_000_000_000_000
"""Record timestamp of every event: no event lies in its future."""
TAKE_EVERY: Final = 1
"""Chunks of a partition between two commits, about what a lane under load does."""

Record = tuple[bytes, bytes]
Part = tuple[int, list[bytes], list[bytes]]
"""Number of a partition; keys and values of records."""


class Stages:
    """CPU time by stage, exclusive."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.calls: defaultdict[str, int] = defaultdict(int)
        self._running: list[str] = ["other"]
        self._since = time.thread_time()

    def _turn(self) -> None:
        now = time.thread_time()
        self.seconds[self._running[-1]] += now - self._since
        self._since = now

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._turn()
        self._running.append(name)
        self.calls[name] += 1
        try:
            yield
        finally:
            self._turn()
            self._running.pop()


OF_PARTITION: Final = {
    "apply": "apply",
    "advance": "timers",
    "take": "take",
}
"""Method of a partition to the stage it is."""

OF_RECEPTION: Final = {"rows": "rows"}
"""Method of what finds the users of inputs to the stage it is."""

OF_ROUND: Final = {
    "run": "round",
    "_activities": "activities",
    "_freeze": "freeze",
    "_fold": "fold",
    "_notice": "notice",
}
"""Method of its rounds to the stage it is."""

OF_COURSE: Final = {"score": "score", "step": "step"}
"""Method of a partition's course to the stage it is."""

OF_SCHEDULE: Final = {"renew": "schedule"}
"""Method of its course's schedule to the stage it is."""

OF_SILENCE: Final = {"fire": "timers"}
"""Method of its silence to the stage it is."""


def timed(partition: Any, stages: Stages) -> None:
    """Let the methods of a partition be timed."""
    parts = (
        (partition, OF_PARTITION),
        (partition._stretches.reception, OF_RECEPTION),  # noqa: SLF001 (stages are its inside)
        (partition._stretches.round, OF_ROUND),  # noqa: SLF001
        (partition._course, OF_COURSE),  # noqa: SLF001
        (partition._course.schedule, OF_SCHEDULE),  # noqa: SLF001
        (partition._silence, OF_SILENCE),  # noqa: SLF001
    )
    for part, methods in parts:
        for method, stage in methods.items():
            setattr(part, method, _timed(getattr(part, method), stage, stages))


def _timed(call: Any, stage: str, stages: Stages) -> Any:
    def run(*args: Any) -> Any:
        with stages.stage(stage):
            return call(*args)

    return run


def chunks(path: Path, partitions: int, limit: int | None) -> list[Part]:
    """Return the records of a log in the order in which a worker would meet them."""
    partitioner = Partitioner(partitions)
    waiting: list[list[Record]] = [[] for _ in range(partitions)]
    found: list[Part] = []
    count = 0
    for block in EventLog(str(path)).blocks():
        for user_id, value in zip(block.user_ids, encoded(block), strict=True):
            number = partitioner[user_id]
            records = waiting[number]
            records.append((user_id.encode(), value))
            if len(records) == CHUNK:
                found.append(_part(number, records))
                waiting[number] = []
        count += len(block.user_ids)
        if limit is not None and count >= limit:
            break
    return found + [_part(number, records) for number, records in enumerate(waiting) if records]


def _part(number: int, records: list[Record]) -> Part:
    keys, values = zip(*records, strict=True)
    return number, list(keys), list(values)


class Service:
    """The partitions of one worker, without Kafka."""

    def __init__(self, rules: Rules, model: Path, partitions: int) -> None:
        scorer = model_at(str(model), (DEVELOPMENT_KEY.encode(),), rules)
        self.partitions = [Partition(number, rules, scorer) for number in range(partitions)]
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.records = self.bytes = 0
        self._decode = bulk_native(rules)
        self._seen = [0] * partitions

    def run(self, parts: list[Part], stages: Stages) -> None:
        for number, keys, values in parts:
            with stages.stage("decode"):
                inputs = self._decode.all(keys, values, [FAR_MS] * len(keys))
            self.partitions[number].apply(inputs)
            self._seen[number] += 1
            if self._seen[number] % TAKE_EVERY == 0:
                self._note(self.partitions[number].take())
        for partition in self.partitions:
            self._note(partition.take())

    def _note(self, harvest: Harvest) -> None:
        for name, count in harvest.counts.items():
            self.counts[name] += count
        self.records += len(harvest.changelog)
        self.bytes += sum(len(value or b"") for _, value in harvest.changelog)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--events", type=int, default=None)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--profile", type=Path)
    args = parser.parse_args()
    rules = rules_at(str(RULES))
    model = frozen_model(RULES, BUILD)
    path = cached_csv(Shape(args.users, args.days, 1), BUILD)
    parts = chunks(path, args.partitions, args.events)
    events = sum(len(keys) for _, keys, _ in parts)
    service, stages = Service(rules, model, args.partitions), Stages()
    if args.profile is None:
        for partition in service.partitions:
            timed(partition, stages)
    profile = cProfile.Profile()
    began = time.process_time()
    if args.profile is not None:
        profile.enable()
    service.run(parts, stages)
    profile.disable()
    seconds = time.process_time() - began
    if args.profile is not None:
        profile.dump_stats(args.profile)
    us = {name: round(s / events * 1e6, 3) for name, s in stages.seconds.items()}
    facts = {
        "events": events,
        "us_per_event": round(seconds / events * 1e6, 2),
        "stages_us": dict(sorted(us.items(), key=lambda item: -item[1])),
        "calls": dict(stages.calls),
        "counts_per_event": {
            name: round(count / events, 4) for name, count in sorted(service.counts.items())
        },
        "changelog_records_per_event": round(service.records / events, 3),
        "changelog_bytes_per_event": round(service.bytes / events),
    }
    print(json.dumps(facts, indent=1))
    if args.profile is None and args.events is None:
        note = f"{events:,} events, {args.users:,} users, {args.days} days"
        figures.record("core_us_per_event", seconds / events * 1e6, note=note)


if __name__ == "__main__":
    main()
