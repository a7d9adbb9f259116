"""Record batches in which a header's name may be no text.

Kafka says that names are UTF-8, and brokers take whatever comes. aiokafka's batches stop at such a
record for good. So, while a batch is whole, it is read by aiokafka; if that fails, it is read anew
here: the name is escaped, and the offset of its record is noted, for the record is to be refused.

Private names of aiokafka 0.14.0 (the contract test guards them): ``fetcher.MemoryRecords``, which
is replaced; ``_DefaultRecordBatchPy``: ``_buffer _pos _read_msg``.
"""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy, _DefaultRecordPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint

_HEAD: Final = struct.Struct(">qi")
"""Base offset, and the length of what follows."""


class RecordBatches:
    """The batches of one fetch; stands for aiokafka's ``MemoryRecords``.

    Args:
        data: As it came.

    Attributes:
        unreadable: Offsets of records of which a header's name is no text, of the batches that
            were read so far.
    """

    def __init__(self, data: bytes) -> None:
        self._records: Any = MemoryRecords(data)
        self._data = memoryview(data)
        self._begin = 0
        self.unreadable: set[int] = set()

    def size_in_bytes(self) -> int:
        """Return how much there is."""
        return len(self._data)

    def has_next(self) -> bool:
        """Return whether there is a whole batch left."""
        return bool(self._records.has_next())

    def next_batch(self) -> "Batch | None":
        """Return the next batch; None = there is none."""
        batch = self._records.next_batch()
        if batch is None:
            return None
        begin = self._begin
        _, length = _HEAD.unpack_from(self._data, begin)
        self._begin = begin + _HEAD.size + length
        return Batch(batch, self._data[begin : self._begin], self.unreadable)


class Batch:
    """One of them.

    Args:
        batch: As aiokafka has it.
        data: Its bytes.
        unreadable: Where offsets are noted.
    """

    def __init__(self, batch: Any, data: memoryview, unreadable: set[int]) -> None:
        self._batch = batch
        self._data = data
        self._unreadable = unreadable

    def __getattr__(self, name: str) -> Any:
        """Return what aiokafka knows of the batch."""
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        """Return the next record of a batch that markers stand in."""
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        """Yield its records.

        One at a time: the garbage collector would look through a list of them again and again.
        """
        count = 0
        try:
            for record in self._batch:
                yield record
                count += 1
        except UnicodeDecodeError:
            yield from islice(_EscapingBatch(self._data, self._unreadable), count, None)


class _EscapingBatch(_DefaultRecordBatchPy):
    """A batch that is read slowly, and to its end."""

    _pos: int

    def __init__(self, data: memoryview, unreadable: set[int]) -> None:
        super().__init__(data)
        self._unreadable = unreadable

    def _read_msg(self, _decode_varint: Any = None) -> _DefaultRecordPy:
        """Read one record; the layout is that of Kafka's record format 2."""
        buffer = self._buffer
        _length, pos = decode_varint(buffer, self._pos)
        _attributes, pos = decode_varint(buffer, pos)
        delta_ms, pos = decode_varint(buffer, pos)
        delta, pos = decode_varint(buffer, pos)
        key, pos = _nullable(buffer, pos)
        value, pos = _nullable(buffer, pos)
        count, pos = decode_varint(buffer, pos)
        offset, headers = self.base_offset + delta, []
        for _ in range(count):
            raw, pos = _nullable(buffer, pos)
            said, pos = _nullable(buffer, pos)
            name = (raw or b"").decode(errors="backslashreplace")
            if name.encode() != raw:
                self._unreadable.add(offset)
            headers.append((name, said))
        self._pos = pos
        is_brokers = self.timestamp_type == self.LOG_APPEND_TIME
        at_ms = self.max_timestamp if is_brokers else self.first_timestamp + delta_ms
        return _DefaultRecordPy(offset, at_ms, self.timestamp_type, key, value, headers)


def _nullable(buffer: bytearray, pos: int) -> tuple[bytes | None, int]:
    length, pos = decode_varint(buffer, pos)
    return (None, pos) if length < 0 else (bytes(buffer[pos : pos + length]), pos + length)


def read_every_name() -> None:
    """Have all consumers of aiokafka in this process go on behind such records."""
    fetcher.MemoryRecords = RecordBatches
