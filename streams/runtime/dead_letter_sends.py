"""What dead letters are sent as, and how many of them are one transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from streams.core.partitioner import partition_of_key
from streams.runtime.letters import REPLAY_HEADER, Letter, Opened, Place
from winback_sender.contract.messages import Headers, Output

EVERYWHERE: Final = -1
BATCH_LETTERS: Final = 200
BATCH_BYTES: Final = 4_000_000
"""Of a transaction: small enough to be seen soon, and to be thrown away when it breaks off."""
RECORD_BYTES_MAX: Final = 1_048_576
"""What a client sends; a broker, or a topic, may take less."""


class Send(NamedTuple):
    """A record that a letter is sent as.

    Attributes:
        topic: Where to.
        partition: Of it; None = that of its key; EVERYWHERE = all of them.
        output: Key, value, headers.
        timestamp_ms: That of the record as it came.
    """

    topic: str
    partition: int | None
    output: Output
    timestamp_ms: int

    def headers(self, place: Place) -> Headers:
        """Return the headers with which it is sent: they name its letter."""
        return [*self.output.headers, (REPLAY_HEADER, str(place).encode())]

    def size(self, place: Place) -> int:
        """Return its bytes, as clients and brokers count them."""
        key, value, _ = self.output
        headers = self.headers(place)
        return int(DefaultRecordBatchBuilder.estimate_size_in_bytes(key, value, headers))

    def partitions(self, counts: Mapping[str, int]) -> Iterable[int]:
        """Return where it goes; a partition that is not there any more leaves it to the key.

        Args:
            counts: How many partitions each topic has.
        """
        count = counts[self.topic]
        if self.partition == EVERYWHERE:
            return range(count)
        if self.partition is not None and self.partition < count:
            return (self.partition,)
        return (partition_of_key(self.output.key or b"", count),)


Decide = Callable[[Opened], tuple[Send, ...] | None]
"""What a letter is sent as; None = it stays open."""

Batch = list[tuple[Letter, tuple[Send, ...]]]
"""Letters of one transaction, each with what it is sent as."""


class Sizes:
    """Learns what is too large to be sent: a broker says only that something of a batch is."""

    def __init__(self) -> None:
        self._refused: dict[str, int] = {}
        self._alone: set[Place] = set()

    def refuse(self, batch: Batch) -> None:
        """Note that a broker has refused a batch for its size."""
        if len(batch) > 1:
            self._alone.update(letter.place for letter, _ in batch)
            return
        ((letter, sends),) = batch
        for topic in {send.topic for send in sends}:
            size = max(send.size(letter.place) for send in sends if send.topic == topic)
            self._refused[topic] = min(size, self._refused.get(topic, size))

    def has_room(self, letter: Letter, sends: Iterable[Send]) -> bool:
        """Return whether the records of a letter may be sent, as far as is known."""
        return all(
            send.size(letter.place) < self._refused.get(send.topic, RECORD_BYTES_MAX + 1)
            for send in sends
        )

    def batches(
        self, letters: Iterable[Opened], decide: Decide, too_large: list[Place]
    ) -> Iterator[Batch]:
        """Yield what is to be written together; what stood in a refused batch comes alone.

        Args:
            letters: With their bytes.
            decide: Says what each is sent as.
            too_large: Gets the names of those that cannot be sent.
        """
        batch: Batch = []
        size = 0
        for opened in letters:
            letter, sends = opened.letter, decide(opened)
            if sends is None:
                continue
            if not self.has_room(letter, sends):
                too_large.append(letter.place)
                continue
            if letter.place in self._alone:
                yield [(letter, sends)]
                continue
            batch.append((letter, sends))
            size += sum(len(send.output.value or b"") for send in sends)
            if len(batch) >= BATCH_LETTERS or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch
