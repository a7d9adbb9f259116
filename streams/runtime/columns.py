"""Fetched record batches as columns: no object per record.

aiokafka builds a ConsumerRecord of twelve fields for every record. A lane needs four of them, so
this module reads the batches that aiokafka's fetcher has received straight into lists. It follows
``PartitionRecords._unpack_records`` rule by rule; a contract test compares the two.

Private fields of aiokafka 0.14.0 that this module reads (the contract test guards them):
    ``Fetcher``: ``_records _check_crcs _subscriptions _closed _notify _wait_consume_future
    _create_fetch_waiter``; ``FetchResult``: ``_partition_records _update_position``;
    ``PartitionRecords``: ``_records _tp _isolation_level _aborted_transactions next_fetch_offset``.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult
from aiokafka.errors import CorruptRecordException, RecordTooLargeError

from streams.core.decoded import Headers
from streams.errors import Exit, UserError


@dataclass(slots=True)
class Columns:
    """Consecutive records of one partition, and how far the reader has come.

    Attributes:
        start: Offset at which the read began; a hole between two reads is records lost.
        next_offset: Where the next read begins; beyond the last record when markers of
            transactions or compacted records follow it.
        keys: Raw keys.
        values: Raw values; None is a tombstone.
        offsets: Offset of each record, ascending.
        timestamps_ms: Record timestamp of each record, epoch ms UTC.
        headers: Headers of each record; None = they are not needed of this topic.
    """

    start: int
    next_offset: int
    keys: list[bytes | None]
    values: list[bytes | None]
    offsets: list[int]
    timestamps_ms: list[int]
    headers: list[Headers] | None = None

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def size(self) -> int:
        """Bytes of the values."""
        return sum(len(value) for value in self.values if value)

    def head(self, count: int) -> "Columns":
        """Return the first records, fewer than all; the next one is where a read would go on."""
        return Columns(
            self.start, self.offsets[count], self.keys[:count], self.values[:count],
            self.offsets[:count], self.timestamps_ms[:count],
            None if self.headers is None else self.headers[:count],
        )  # fmt: skip

    def pieces(self, size_max: int) -> Iterator["Columns"]:
        """Cut into pieces of at most ``size_max`` records; together they cover the same offsets."""
        count = len(self.offsets)
        if count <= size_max:
            yield self
            return
        start = self.start
        for low in range(0, count, size_max):
            high = low + size_max
            next_offset = self.next_offset if high >= count else self.offsets[high]
            yield Columns(
                start, next_offset, self.keys[low:high], self.values[low:high],
                self.offsets[low:high], self.timestamps_ms[low:high],
                None if self.headers is None else self.headers[low:high],
            )  # fmt: skip
            start = next_offset


@dataclass(slots=True)
class Chunk:
    """Consecutive records of one partition of a source topic.

    Attributes:
        topic: Its name.
        partition: Number of the partition.
        columns: The records.
        generation: Of the group in which they were fetched.
        seek: How often the consumer had sought until then.
    """

    topic: str
    partition: int
    columns: Columns
    generation: int
    seek: int = 0

    def __len__(self) -> int:
        return len(self.columns)


class LostRecordsError(Exception):
    """Records were deleted from the source before they were read."""


def unseen(columns: Columns, applied: int) -> Columns:
    """Return what lies at or beyond the applied offset.

    Raises:
        LostRecordsError: There is a hole between what was applied and these records.
    """
    if columns.start > applied:
        raise LostRecordsError(
            f"applied up to {applied}, but the next read began at {columns.start}"
        )
    if columns.start == applied:
        return columns
    first = bisect_left(columns.offsets, applied)
    return Columns(
        applied, max(columns.next_offset, applied), columns.keys[first:], columns.values[first:],
        columns.offsets[first:], columns.timestamps_ms[first:],
        None if columns.headers is None else columns.headers[first:],
    )  # fmt: skip


def read_columns(result: Any, *, check_crcs: bool, with_headers: bool = False) -> Columns:
    """Empty one ``FetchResult`` into columns and move the consumer's position behind it.

    Args:
        result: What aiokafka's fetcher holds for one partition; it has records left.
        check_crcs: Whether to verify the checksum of each batch.
        with_headers: Whether the headers are needed.

    Returns:
        The records a ``getmany`` would have returned.

    Raises:
        CorruptRecordException: A batch does not match its checksum.
        UserError: The next record cannot be read by the client; those before it are returned first.
    """
    fetched = result._partition_records  # noqa: SLF001 (guarded by the contract test)
    headers: list[Headers] | None = [] if with_headers else None
    columns = Columns(fetched.next_fetch_offset, 0, [], [], [], [], headers)
    try:
        if fetched._isolation_level == READ_COMMITTED and fetched._aborted_transactions:  # noqa: SLF001
            _copy_committed(fetched, columns)
        else:
            _copy_batches(fetched, columns, check_crcs=check_crcs)
    except UnicodeDecodeError as error:
        if not columns.offsets:
            raise _no_name(fetched._tp, fetched.next_fetch_offset) from error  # noqa: SLF001
        fetched.next_fetch_offset = columns.offsets[-1] + 1
    columns.next_offset = fetched.next_fetch_offset
    result._update_position()  # noqa: SLF001
    result._partition_records = None  # noqa: SLF001
    return columns


def _no_name(place: Any, offset: int) -> UserError:
    return UserError(
        f"{place.topic}[{place.partition}]: the record at offset {offset} has a header whose name "
        "is not UTF-8; no client in Python can read it",
        "Have its producer mended. To go on behind it: kafka-delete-records up to "
        f"{offset + 1}, then winback run --skip-lost",
        Exit.FAILED,
    )


def _copy_committed(fetched: Any, columns: Columns) -> None:
    """Rare path: something was aborted here, so let aiokafka skip it."""
    for record in fetched:
        columns.keys.append(record.key)
        columns.values.append(record.value)
        columns.offsets.append(record.offset)
        columns.timestamps_ms.append(record.timestamp)
        if columns.headers is not None:
            columns.headers.append(_headers(record))


def _copy_batches(fetched: Any, columns: Columns, *, check_crcs: bool) -> None:
    key, value = columns.keys.append, columns.values.append
    offset, timestamp = columns.offsets.append, columns.timestamps_ms.append
    headers = None if columns.headers is None else columns.headers.append
    batches, position = fetched._records, columns.start  # noqa: SLF001
    while batches.has_next():
        batch = batches.next_batch()
        if check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {fetched._tp}")  # noqa: SLF001
        if not batch.is_control_batch:
            for record in batch:
                at = record.offset
                if at >= position:  # a batch may begin before the position
                    key(record.key)
                    value(record.value)
                    offset(at)
                    timestamp(record.timestamp)
                    if headers is not None:
                        headers(_headers(record))
        fetched.next_fetch_offset = batch.next_offset


def _headers(record: Any) -> Headers:
    """Return the headers of a record; one without a value has an empty one."""
    return [(name, value or b"") for name, value in record.headers]


def take_fetched(
    fetcher: Any, is_wanted: Callable[[Any], bool], headers_of: Container[str] = ()
) -> dict[Any, Columns]:
    """Take what the fetcher has received for the wanted partitions, without waiting.

    Args:
        fetcher: Of aiokafka.
        is_wanted: Whether the records of a partition are to be taken.
        headers_of: Topics of which the headers are needed.

    A partition of which only markers came is in the answer too, with no records: its reader has
    come further.

    Raises:
        KafkaError: The broker refused the fetch; raised when nothing else is to be taken.
    """
    taken: dict[Any, Columns] = {}
    received = fetcher._records  # noqa: SLF001
    for partition in list(received):
        if not is_wanted(partition):
            if not fetcher._subscriptions.is_assigned(partition):  # noqa: SLF001
                del received[partition]
            continue
        result = received[partition]
        if _is_cut_off(result):
            del received[partition]
            _read_again(fetcher, partition, result)
            continue
        if type(result) is not FetchResult and taken:
            return taken
        del received[partition]
        fetcher._notify(fetcher._wait_consume_future)  # noqa: SLF001
        if type(result) is not FetchResult:
            result.check_raise()
        elif result.check_assignment(partition) and result.has_more():
            taken[partition] = read_columns(
                result,
                check_crcs=fetcher._check_crcs,  # noqa: SLF001
                with_headers=partition.topic in headers_of,
            )
    return taken


def _is_cut_off(result: Any) -> bool:
    """Return whether a broker has sent the begin of a batch and no more of it."""
    return isinstance(getattr(result, "_error", None), RecordTooLargeError)


def _read_again(fetcher: Any, partition: Any, result: Any) -> None:
    """Fetch the same batch again; aiokafka would go on behind its first record and lose that."""
    fetcher._notify(fetcher._wait_consume_future)  # noqa: SLF001
    assigned = fetcher._subscriptions.subscription  # noqa: SLF001
    if assigned is None or assigned.assignment is None:
        return
    state = assigned.assignment.state_value(partition)
    offset = result._error.args[2]  # noqa: SLF001
    if state is not None and state.position == offset + 1:
        state.consumed_to(offset)


async def wait_fetched(fetcher: Any, timeout_s: float) -> bool:
    """Wait until the fetcher has received something; False when the time is over.

    Raises:
        KafkaError: The client may not read here.
    """
    waiter = fetcher._create_fetch_waiter()  # noqa: SLF001
    done, _ = await asyncio.wait([waiter], timeout=timeout_s)
    if not done:
        waiter.cancel()
        return False
    waiter.result()
    return True


PRIVATE_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "Fetcher": (
        "_records", "_check_crcs", "_subscriptions", "_closed", "_notify",
        "_wait_consume_future", "_create_fetch_waiter",
    ),
    "FetchResult": ("_partition_records", "_update_position"),
    "FetchError": ("_error",),
    "PartitionRecords": ("_records", "_tp", "_isolation_level", "_aborted_transactions"),
    "BatchBuilder": ("_builder", "_relative_offset"),
    "AIOKafkaConsumer": ("_fetcher", "_fetch_min_bytes", "_fetch_max_wait_ms", "_isolation_level"),
}  # fmt: skip
"""Private fields of aiokafka that the runtime reads; the contract test looks for each."""
