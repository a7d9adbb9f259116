"""Many users' states without living through them: real states, each under many names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from benchmarks.core_stages import BUILD, RULES, Service, Stages, chunks
from benchmarks.model import frozen_model
from benchmarks.workload import Shape, cached_csv
from streams.core.messages import PartitionRecord
from streams.core.partition_record import PARTITION_KEY
from streams.core.partitioner import partition_of
from streams.core.rules import Rules
from streams.core.versions import LAYOUT
from streams.replay.rulebook import rules_at

CLONE: Final = b"clone-"
LIVED: Final = Shape(users=5_000, days=60, seed=7)


class States(Mapping[bytes, bytes]):
    """The changelog of one partition: a copy of a value is made whenever it is read.

    Args:
        values: States that users really reached.
        users: How many users to have.
        record: The partition's own record.
    """

    def __init__(self, values: list[bytes], users: int, record: bytes) -> None:
        self._values, self._users, self._record = values, users, record

    def __getitem__(self, key: bytes) -> bytes:
        if key == PARTITION_KEY:
            return self._record
        value = self._values[int(key.removeprefix(CLONE)) % len(self._values)]
        return bytes(memoryview(value))  # a new object

    def __iter__(self) -> Iterator[bytes]:
        yield PARTITION_KEY
        for number in range(self._users):
            yield b"%b%09d" % (CLONE, number)

    def __len__(self) -> int:
        return self._users + 1


def lived() -> tuple[Rules, list[bytes], int]:
    """Return rules, the states after two months of a log, and the watermark they stand at."""
    rules = rules_at(str(RULES))
    service = Service(rules, frozen_model(RULES, BUILD), 1)
    service.run(chunks(cached_csv(LIVED, BUILD), 1, None), Stages())
    partition = service.partitions[0]
    return rules, [value for _, value in partition.values()], partition.watermark_ms


def partition_record(rules: Rules, watermark_ms: int, users: int = 0) -> bytes:
    """Return the record of a partition that has applied nothing of its sources yet."""
    record = PartitionRecord({}, watermark_ms, watermark_ms, rules.hash, LAYOUT, users=users)
    return msgspec.json.encode(record)


def changelog(users: int, partitions: int) -> dict[int, list[tuple[bytes, bytes]]]:
    """Return the compacted changelog of so many users, by partition."""
    rules, values, watermark_ms = lived()
    parts: defaultdict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
    record = partition_record(rules, watermark_ms)
    for number in range(partitions):
        parts[number].append((PARTITION_KEY, record))
    for number in range(users):
        name = f"clone-{number:09d}"
        parts[partition_of(name, partitions)].append((name.encode(), values[number % len(values)]))
    return parts
