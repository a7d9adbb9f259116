"""The same logic on Bytewax 0.21: a dataflow with its Kafka connectors, state and recovery.

    WINBACK_... python -m benchmarks.peers.bytewax_flow DIRECTORY

In its own idiom: ``KafkaSource`` to ``KafkaSink`` by operators. What was chosen, and why:

- ``flat_map_batch`` groups what the source has read by partition, so that an item is a batch. Its
  documentation recommends it "when processing multiple items at once has much reduced overhead":
  the core takes a batch at once, as in our lane, and no operator touches single events. Keyed by
  user, the core would be called for each event: thirty times the cost.
- ``stateful_batch`` keyed by partition keeps the core in memory; ``snapshot`` gives a copy of all
  its states at the end of each epoch. Bytewax knows no smaller one. With 12,500 users a partition
  that is 8 MB every 10 s; with 250,000 it would be the greater part of the work.
- ``batch_size=6_000`` (1,000 by default): bigger rounds for the core.
- ``tail=False``: it ends with the log, so that it does not poll while we wait for an epoch to end.
- Epochs of 10 s, its default. winback commits every 0.1 s.

What it guarantees: states in SQLite on the local disk, no copy elsewhere; after a crash it goes on
from the last epoch, and what was sent since then is sent again: up to 10 s of duplicates. Nothing
fences a worker that was paused. Partitions are assigned at start; another number of workers takes a
restart. Timers fire when a record moves event time, as the core has it; with no records none do.
"""

import signal
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from benchmarks.peers.desk import Desk

BATCH: Final = 6_000
EPOCH: Final = timedelta(seconds=10)
Snapshot = tuple[int, dict[bytes, bytes], int]
"""Partition, content of its changelog, records applied."""


class Core(StatefulBatchLogic):  # type: ignore[misc] # Bytewax is not among our own libraries
    """The core of one partition; which, the first batch says."""

    def __init__(self, desk: Desk, progress: "Progress", snapshot: Snapshot | None) -> None:
        self._desk, self._progress = desk, progress
        self._content: dict[bytes, bytes] = {}
        self._applied = 0
        self._core: Any = None
        if snapshot is not None:
            number, self._content, self._applied = snapshot
            self._core = desk.core(number, self._content)

    def on_batch(self, values: list[list[Any]]) -> tuple[Iterable[Any], bool]:
        """Apply a batch; return what is to be sent."""
        messages = [message for value in values for message in value]
        if self._core is None:
            self._core = self._desk.core(messages[0].partition, {})
        states, records = self._desk.work(
            self._core,
            [message.key for message in messages],
            [message.value for message in messages],
            [message.timestamp[1] for message in messages],
        )
        for key, state in states:
            if state is None:
                self._content.pop(key, None)
            else:
                self._content[key] = state
        self._applied += len(messages)
        return [
            KafkaSinkMessage(record.key, record.value, record.topic, record.headers)
            for record in records
        ], self.RETAIN

    def snapshot(self) -> Snapshot:
        """Return a copy of everything."""
        self._progress.note(self._core.number, self._applied)
        return self._core.number, dict(self._content), self._applied


class Progress:
    """Tells whoever measures how many records are in a snapshot."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._applied: dict[int, int] = {}

    def note(self, number: int, applied: int) -> None:
        """Write down how many records of a partition were applied."""
        self._applied[number] = applied
        self._path.write_text(str(sum(self._applied.values())))


def by_partition(messages: list[Any]) -> Iterable[tuple[str, list[Any]]]:
    """Yield the messages of each partition, under its number."""
    found: dict[int, list[Any]] = {}
    for message in messages:
        found.setdefault(message.partition, []).append(message)
    return ((str(number), part) for number, part in found.items())


def flow_of(desk: Desk, progress: Progress) -> Dataflow:
    """Return the dataflow."""
    settings = desk.settings
    brokers = [settings.kafka_bootstrap]
    source = KafkaSource(brokers, [settings.topic_activity], tail=False, batch_size=BATCH)
    sink = KafkaSink(brokers, None, {"partitioner": "murmur2_random"})
    flow = Dataflow("winback")
    messages = op.input("activity", flow, source)
    batches = op.flat_map_batch("by_partition", messages, by_partition)
    outputs = op.stateful_batch("core", batches, lambda snapshot: Core(desk, progress, snapshot))
    op.output("sent", op.key_rm("unkeyed", outputs), sink)
    return flow


def main() -> None:
    """Run to the end of the log, then wait to be told to stop."""
    directory = Path(sys.argv[1])
    recovery = directory / "recovery"
    if not recovery.exists():
        recovery.mkdir(parents=True)
        init_db_dir(recovery, 1)
    progress = Progress(directory / "progress")
    cli_main(
        flow_of(Desk(), progress), epoch_interval=EPOCH,
        recovery_config=RecoveryConfig(recovery, timedelta(0)),
    )  # fmt: skip
    signal.pause()


if __name__ == "__main__":
    main()
