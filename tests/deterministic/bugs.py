"""Bugs that are planted on purpose: worlds have to find each of them, or they find nothing.

Each is a mistake that somebody could make in the lane, the ownership, the delivery or the engine;
the judge's replay runs without it.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from itertools import count
from typing import Any, Final
from unittest.mock import patch

import msgspec
import numpy as np

from streams.core import partition, round, runs  # noqa: A004 (the module's name)
from streams.core.partition import Partition
from streams.core.state import DIGEST_BYTES, RING_START
from streams.runtime import lane, lanes, recovery
from streams.runtime.columns import Chunk, Columns
from streams.runtime.delivery import Delivery
from streams.runtime.journal import MODEL, Journal
from streams.runtime.lane import Lane
from streams.runtime.lanes import Lanes
from streams.runtime.pipeline import PipelineEngine
from streams.runtime.producer import Commit, PartitionProducer
from streams.runtime.restore import Restored
from tests.deterministic import bugs_of_files
from tests.deterministic.broker import Broker
from tests.deterministic.logs import Log, Said, State
from tests.deterministic.planting import Bug, both, of

# -- the lane


async def _ack_first(self: Lane) -> None:
    for ack in self._acks:
        ack()
    self._acks = []
    await _COMMIT(self)


async def _halt_and_forget(self: Lane) -> None:
    await _HALT(self)
    self._is_committing = False


_COMMIT: Final = Lane._commit
_HALT: Final = Lane.halt


# -- ownership

_NUMBERS: Final = count()


def _own_fence(self: Lanes, number: int) -> PartitionProducer:
    options = self._options
    name = f"{self._fence}-{number}-{next(_NUMBERS)}"
    return PartitionProducer(
        options.cluster, name, number, options.partition_counts, options.changelog
    )


async def _restore_first(self: Lanes, partitions: list[int], generation: int) -> int:
    found = await _RESTORE(self, partitions)

    async def known(_self: Lanes, _partitions: list[int]) -> dict[int, Restored]:
        return found

    self._restore = known.__get__(self)  # type: ignore[method-assign]
    try:
        return await _OPEN(self, partitions, generation)
    finally:
        self.__dict__.pop("_restore", None)


_OPEN: Final = Lanes._open
_RESTORE: Final = Lanes._restore


def _kept_in_order(held: Lane, partitions: set[int], generation: int) -> bool:
    return held.partition in partitions and held.generation + 1 == generation


async def _ready_each_alone(self: Lanes, chunk: Chunk) -> bool:
    ready = self._options.ready
    return ready is None or await ready(chunk, lambda: self._is_wanted(chunk))


# -- delivery


async def _seek_once_in_a_life(self: Delivery) -> None:
    if not hasattr(self, "has_sought"):
        self.has_sought = True  # type: ignore[attr-defined]
        await _SEEK(self)


_SEEK: Final = Delivery.seek


async def _seek_one_before(self: Delivery) -> None:
    before = {place: max(0, offset - 1) for place, offset in self._positions().items()}
    assigned = self._source.assignment()
    await self._source.seek({place: before[place] for place in before if place in assigned})


# -- the producer


async def _outputs_outside(self: PartitionProducer, commit: Commit) -> None:
    client = self._producer._client  # type: ignore[attr-defined]
    for topic, outputs in commit.outputs.items():
        said: list[Said] = [(key, value, list(heads), 0) for key, value, heads in outputs]
        place = (topic, self._partition)
        await client.call(lambda: client.broker.put(place, said))  # noqa: B023 (awaited here)
    await _WRITE(self, Commit(commit.changelog, {}, commit.keyed, commit.everywhere))


_WRITE: Final = PartitionProducer.write


def _append_again(
    self: Broker, name: str, epoch: int, number: int, place: Any, batch: int, said: Any
) -> int:
    fence = self.fences[name]
    if fence.transaction is not None and fence.transaction.state is State.OPEN:
        fence.done.discard((epoch, number, place, batch))
    return _PRODUCE(self, name, epoch, number, place, batch, said)


_PRODUCE: Final = Broker.produce


# -- restore


async def _read_not_quite(
    consumer: Any, left: set[Any], ends: Mapping[Any, int], read: Any, *more: Any
) -> None:
    nearly = {place: end - 3 for place, end in ends.items()}
    await _READ_TO(consumer, {p for p in left if nearly[p] > 0}, nearly, read, *more)


_READ_TO: Final = recovery._read_to


def _with_what_was_aborted(
    self: Log, offset: int, count: int, *, with_headers: bool = False
) -> Columns:
    is_changelog = any(entry and entry.said and entry.said[0] == b"\0partition"
                       for entry in self.entries)  # fmt: skip
    if not is_changelog:
        return _READ(self, offset, count, with_headers=with_headers)
    with patch.object(Log, "_committed", lambda log, at: log.entries[at] and log.entries[at].said):
        return _READ(self, offset, count, with_headers=with_headers)


_READ: Final = Log.read


def _forget_timers(self: Partition, records: Mapping[bytes, bytes]) -> None:
    _RESTORE_CORE(self, records)
    self._users.deadlines[:] = np.inf


_RESTORE_CORE: Final = Partition.restore


def _stale_offsets(*args: Any) -> Any:
    course, rules, applied, *rest = args
    stale = {topic: max(0, offset - 1) for topic, offset in applied.items()}
    return _RECORD_OF(course, rules, stale, *rest)


_RECORD_OF: Final = partition.record_of


def _no_clocks(*args: Any) -> Any:
    return msgspec.structs.replace(_RECORD_OF(*args), watermark_ms=0, fired_ms=0, clocks=())


# -- the engine


def _quiet_about_models(self: Journal, name: str, start: int = 0, end: int = 0) -> None:
    if not (name.startswith(MODEL) and self._steps):
        _NOTE(self, name, start, end)


_NOTE: Final = Journal.note


def _no_tombstones(self: PipelineEngine) -> Commit:
    commit = _TAKE(self)
    kept = [(key, value) for key, value in commit.changelog if value is not None]
    return Commit(kept, commit.outputs, commit.keyed, commit.everywhere)


_TAKE: Final = PipelineEngine.take


def _short_ring() -> AbstractContextManager[object]:
    """In the twin: what is compiled cannot be patched."""
    end = RING_START + DIGEST_BYTES
    return both(
        of(runs, "kernel", lambda: None), of(round, "RING_END", end), of(runs, "RING_END", end)
    )()


BUGS: Final[dict[str, Bug]] = {
    "ack_before_commit": of(Lane, "_commit", _ack_first),
    "halted_commit_is_clean": of(Lane, "halt", _halt_and_forget),
    "tick_before_the_end_is_read": of(Lane, "has_read_to", lambda *_: True),
    "replays_are_applied": both(
        of(lane, "unseen", lambda columns, _applied: columns),
        of(Delivery, "seek", _seek_one_before),
    ),
    "no_fence": of(Lanes, "_producer", _own_fence),
    "restore_before_fence": of(Lanes, "_open", _restore_first),
    "dirty_lane_kept": of(lanes, "_is_kept", _kept_in_order),
    "hole_behind_a_dropped_chunk": of(Lanes, "_is_ready", _ready_each_alone),
    "no_seek_after_rebalance": of(Delivery, "seek", _seek_once_in_a_life),
    "outputs_outside_of_the_transaction": of(PartitionProducer, "write", _outputs_outside),
    "lost_ack_sends_again": of(Broker, "produce", _append_again),
    "restore_stops_early": of(recovery, "_read_to", _read_not_quite),
    "restore_reads_what_was_aborted": of(Log, "read", _with_what_was_aborted),
    "timers_lost_at_restore": of(Partition, "restore", _forget_timers),
    "offsets_of_before_the_chunk": of(partition, "record_of", _stale_offsets),
    "clocks_not_in_the_record": of(partition, "record_of", _no_clocks),
    "dedupe_window_of_one": _short_ring,
    "model_without_a_note": of(Journal, "note", _quiet_about_models),
    "deleted_users_stay": of(PipelineEngine, "take", _no_tombstones),
    **bugs_of_files.BUGS,
}
"""Name to what plants it."""
