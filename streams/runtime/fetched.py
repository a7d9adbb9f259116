"""Fetched record batches, read straight into columns.

aiokafka builds a ConsumerRecord of twelve fields for every record. A lane needs four of them, so
this module reads the batches that aiokafka's fetcher has received straight into lists. It follows
``PartitionRecords._unpack_records`` rule by rule; a contract test compares the two.

Private fields of aiokafka 0.14.0 that this module reads (the contract test guards them):
    ``Fetcher``: ``_records _check_crcs _subscriptions _closed _notify _wait_consume_future
    _create_fetch_waiter``; ``FetchResult``: ``_partition_records _update_position``;
    ``PartitionRecords``: ``_records _tp _isolation_level _aborted_transactions next_fetch_offset``.
"""

import asyncio
from collections.abc import Callable, Container
from typing import Any, Final

from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult
from aiokafka.errors import CorruptRecordException, RecordTooLargeError

from streams.core.decoded import Headers
from streams.runtime.columns import Columns


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
    """
    fetched = result._partition_records  # noqa: SLF001 (guarded by the contract test)
    headers: list[Headers] | None = [] if with_headers else None
    columns = Columns(fetched.next_fetch_offset, 0, [], [], [], [], headers)
    if fetched._isolation_level == READ_COMMITTED and fetched._aborted_transactions:  # noqa: SLF001
        _copy_committed(fetched, columns)
    else:
        _copy_batches(fetched, columns, check_crcs=check_crcs)
    columns.next_offset = fetched.next_fetch_offset
    columns.unreadable = frozenset(fetched._records.unreadable)  # noqa: SLF001
    result._update_position()  # noqa: SLF001
    result._partition_records = None  # noqa: SLF001
    return columns


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
    "_DefaultRecordBatchPy": ("_buffer", "_pos", "_read_msg"),
    "BatchBuilder": ("_builder", "_relative_offset"),
    "AIOKafkaConsumer": (
        "_fetcher", "_fetch_min_bytes", "_fetch_max_wait_ms", "_isolation_level", "_client",
    ),
}  # fmt: skip
"""Private fields of aiokafka that the runtime reads; the contract test looks for each."""
