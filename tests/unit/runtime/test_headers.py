"""What producers put into headers reaches decoders and dead letters as bytes, whatever it was."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from streams.errors import UserError
from streams.runtime.columns import read_columns

HERE = TopicPartition("in", 0)
READ_COMMITTED = 1


def fetched(*headers: list[tuple[str, bytes | None]], has_aborted: bool, bad: bytes = b"") -> Any:
    """Return what aiokafka holds of records after a fetch; ``bad`` is no text any more."""
    batch = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1,
        base_sequence=-1, batch_size=1_000,
    )  # fmt: skip
    for place, own in enumerate(headers):
        batch.append(place, 1, b"ada", b"{}", own)
    made = bytes(batch.build())
    if bad:
        made = made.replace(bad, b"\xff" * len(bad))
    aborted = [(7, 100)] if has_aborted else None
    records = PartitionRecords(
        HERE, MemoryRecords(made), aborted, 0, lambda key: key,
        lambda value: value, check_crcs=False, isolation_level=READ_COMMITTED,
    )  # fmt: skip
    return SimpleNamespace(_partition_records=records, _update_position=lambda: None)


@pytest.mark.parametrize("has_aborted", [False, True])
def test_a_header_without_a_value_is_an_empty_one(*, has_aborted: bool) -> None:
    result = fetched([("ce_id", b"1"), ("content-type", None)], has_aborted=has_aborted)
    columns = read_columns(result, check_crcs=False, with_headers=True)
    assert columns.headers == [[("ce_id", b"1"), ("content-type", b"")]]


@pytest.mark.parametrize("has_aborted", [False, True])
def test_a_name_that_is_no_text_is_told_when_what_stands_before_it_is_taken(
    *, has_aborted: bool
) -> None:
    result = fetched([], [("gbk!", b"1")], [], has_aborted=has_aborted, bad=b"gbk!")
    columns = read_columns(result, check_crcs=False)
    assert (columns.offsets, columns.next_offset) == ([0], 1)

    result = fetched([("gbk!", b"1")], [], has_aborted=has_aborted, bad=b"gbk!")
    with pytest.raises(UserError, match=r"in\[0\]: the record at offset 0 has a header") as refused:
        read_columns(result, check_crcs=False)
    assert "--skip-lost" in refused.value.hint
