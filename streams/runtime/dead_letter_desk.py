"""The desk where dead letters are looked through, sent again, or discarded.

What is done to a letter is one transaction with the word that says so, of a producer whose name is
that of the deployment: of two operators the later one shuts the earlier one out, and reads what is
open only then. So whatever is broken off, or done twice, a letter is sent once.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from streams.core.partitioner import partition_of_key
from streams.core.time import iso
from streams.errors import Exit, Unavailable, UserError
from streams.runtime.letters import REPLAY_HEADER, Letter, Opened, Place, Word, read_record
from streams.runtime.letters import word_output as record_of
from streams.runtime.ticks import now_ms
from streams.runtime.topic_sample import TopicSample
from winback_sender.cluster import Cluster
from winback_sender.contract.messages import Output

LETTERS_MAX: Final = 200_000
"""Letters that are looked at together: some 100 MB."""
BATCH_LETTERS: Final = 200
BATCH_BYTES: Final = 4_000_000
"""Of a transaction: small enough to be seen soon, and to be thrown away when it breaks off."""
TRANSACTION_TIMEOUT_MS: Final = 60_000


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


EVERYWHERE: Final = -1


@dataclass(slots=True)
class Wanted:
    """Which letters are asked for; what is empty or None asks for all.

    Attributes:
        places: Names.
        reasons: Reasons.
        topics: Topics that the records stood on.
        partition: Of these.
        since_ms: Put aside at or after, epoch ms UTC.
        until_ms: Put aside before.
        text: Stands in the key or in the value: a user's id, an order's number.
    """

    places: frozenset[Place] = frozenset()
    reasons: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    partition: int | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    text: bytes = b""

    def holds(self, opened: Opened) -> bool:
        """Return whether a letter is asked for."""
        letter = opened.letter
        return (
            (not self.places or letter.place in self.places)
            and (not self.reasons or letter.reason in self.reasons)
            and (not self.topics or letter.place.topic in self.topics)
            and (self.partition is None or letter.place.partition == self.partition)
            and (self.since_ms is None or letter.aside_ms >= self.since_ms)
            and (self.until_ms is None or letter.aside_ms < self.until_ms)
            and (not self.text or self.text in (opened.key or b"") or self.text in opened.value)
        )

    @property
    def is_all(self) -> bool:
        """Whether nothing in particular is asked for."""
        return self == Wanted()


@dataclass(slots=True)
class Survey:
    """The letters that were asked for, and what became of them.

    Attributes:
        letters: By place, in the order in which they were read.
        keys: Keys of their records.
        words: What became of any letter, by place.
        sent: Place of a record that was sent again to the word that says so.
    """

    letters: dict[Place, Letter] = field(default_factory=dict)
    keys: dict[Place, bytes | None] = field(default_factory=dict)
    words: dict[Place, Word] = field(default_factory=dict)
    sent: dict[Place, Word] = field(default_factory=dict)

    def open(self) -> list[Letter]:
        """Return the letters of which nothing has become yet, oldest first."""
        found = [letter for place, letter in self.letters.items() if place not in self.words]
        return sorted(found, key=lambda letter: (letter.aside_ms, letter.place))

    def attempts(self, place: Place) -> int:
        """Return how often the record of a letter was sent before."""
        word = self.sent.get(place)
        return 0 if word is None else word.attempt

    def first(self, letter: Letter) -> tuple[str, str]:
        """Return why the record of a letter was put aside at first, and when."""
        word = self.sent.get(letter.place)
        if word is not None and word.first_reason:
            return word.first_reason, word.first_at
        return letter.reason, iso(letter.aside_ms)

    def reasons(self) -> Counter[str]:
        """Return how many letters are open, by reason and topic."""
        return Counter(f"{letter.reason} {letter.place.topic}" for letter in self.open())


Decide = Callable[[Opened], tuple[Send, ...] | None]
"""What a letter is sent as; None = it stays open."""


class Desk:
    """The dead letters of a deployment.

    Args:
        cluster: Where Kafka is.
        topic: Of the dead letters.
        name: Of the deployment.
    """

    def __init__(self, cluster: Cluster, topic: str, name: str) -> None:
        self._cluster = cluster
        self._topic = topic
        self._name = f"{name}-dead-letters"

    def survey(self, wanted: Wanted) -> Survey:
        """Read the whole topic.

        Raises:
            Unavailable: Kafka cannot be reached.
            UserError: There is no such topic, or there are too many letters to look at.
        """
        found = Survey()
        for read in self._read():
            if isinstance(read, Word):
                self._take_word(found, read)
            elif wanted.holds(read):
                found.letters[read.letter.place] = read.letter
                found.keys[read.letter.place] = read.key
                if len(found.letters) > LETTERS_MAX:
                    raise UserError(
                        f"there are more than {LETTERS_MAX:,} such letters",
                        "ask for fewer: --since, --topic, --reason",
                    )
        return found

    @staticmethod
    def _take_word(found: Survey, word: Word) -> None:
        found.words[Place.named(word.letter)] = word
        found.sent |= {Place.named(name): word for name in word.to}

    def opened(self, places: Iterable[Place]) -> Iterator[Opened]:
        """Yield letters with their bytes, each once."""
        left = set(places)
        for read in self._read():
            if isinstance(read, Opened) and read.letter.place in left:
                left.discard(read.letter.place)
                yield read

    def _read(self) -> Iterator[Opened | Word]:
        with TopicSample(self._cluster, self._topic, None) as sample:
            for record in sample:
                read = read_record(record)
                if read is not None:
                    yield read

    async def close_letters(
        self, places: Iterable[Place], what: str, decide: Decide, *, by: str, reason: str = ""
    ) -> list[Word]:
        """Do to letters what is decided, each once; return the words on them.

        Args:
            places: Their names; those that are not open any more are left.
            what: ``replayed`` or ``discarded``.
            decide: Says what each is sent as.
            by: Who orders it.
            reason: Why they are discarded.

        Raises:
            Unavailable: Kafka cannot be reached.
            UserError: Somebody else has begun the same meanwhile.
        """
        producer = AIOKafkaProducer(
            **self._cluster.options(), transactional_id=self._name,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        )  # fmt: skip
        done: list[Word] = []
        asyncio.get_running_loop().set_exception_handler(_ignore_fences)
        try:
            await producer.start()  # Whoever was at it before can write no more from here on.
            survey = await asyncio.to_thread(self.survey, Wanted(places=frozenset(places)))
            counts: dict[str, int] = {}
            for batch in self._batches(survey, decide):
                done += await self._write(producer, batch, _Note(what, by, reason, survey), counts)
        except (ProducerFenced, InvalidProducerEpoch):
            raise UserError(
                "somebody else has begun to work on the dead letters meanwhile; "
                f"{len(done)} were done here before that, and none is done twice",
                "look at what is left: winback dead-letters list",
                Exit.FAILED,
            ) from None
        except KafkaError as error:
            raise Unavailable(
                f"Kafka at {self._cluster} stopped answering: {error!r}; {len(done)} letters are "
                "done, and none is done twice", "try again",
            ) from None  # fmt: skip
        finally:
            await producer.stop()
        return done

    def _batches(
        self, survey: Survey, decide: Decide
    ) -> Iterator[list[tuple[Letter, tuple[Send, ...]]]]:
        batch: list[tuple[Letter, tuple[Send, ...]]] = []
        size = 0
        for opened in self.opened(letter.place for letter in survey.open()):
            sends = decide(opened)
            if sends is None:
                continue
            batch.append((opened.letter, sends))
            size += sum(len(send.output.value or b"") for send in sends)
            if len(batch) >= BATCH_LETTERS or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    async def _write(
        self,
        producer: Any,
        batch: list[tuple[Letter, tuple[Send, ...]]],
        note: "_Note",
        counts: dict[str, int],
    ) -> list[Word]:
        """Write one transaction: the records, then the words that say where they are."""
        for topic in {send.topic for _, sends in batch for send in sends}:
            counts[topic] = len(await producer.partitions_for(topic))
        await producer.begin_transaction()
        acks = [
            [
                await self._send(producer, send, partition, letter.place)
                for send in sends
                for partition in _partitions(send, counts)
            ]
            for letter, sends in batch
        ]
        words = []
        for (letter, _), waiting in zip(batch, acks, strict=True):
            written = await asyncio.gather(*waiting)
            to = tuple(str(Place(each.topic, each.partition, each.offset)) for each in written)
            words.append(note.word(letter, to))
        for (letter, _), word in zip(batch, words, strict=True):
            said = record_of(word)
            ack = await producer.send(
                self._topic, said.value, said.key, partition=letter.partition, headers=said.headers
            )
            ack.add_done_callback(_heard)
        await producer.commit_transaction()
        return words

    @staticmethod
    async def _send(
        producer: Any, send: Send, partition: int, place: Place
    ) -> "asyncio.Future[Any]":
        key, value, headers = send.output
        told = [*headers, (REPLAY_HEADER, str(place).encode())]
        ack: asyncio.Future[Any] = await producer.send(
            send.topic, value, key, partition=partition, timestamp_ms=send.timestamp_ms or None,
            headers=told,
        )  # fmt: skip
        ack.add_done_callback(_heard)
        return ack


class _Note(NamedTuple):
    """What the words of one order have in common."""

    what: str
    by: str
    reason: str
    survey: Survey

    def word(self, letter: Letter, to: tuple[str, ...]) -> Word:
        """Return the word on a letter."""
        first_reason, first_at = self.survey.first(letter)
        attempt = self.survey.attempts(letter.place) + 1
        return Word(
            str(letter.place), self.what, iso(now_ms()), self.by, self.reason, to, attempt,
            first_reason, first_at,
        )  # fmt: skip


def _ignore_fences(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say nothing of waiters inside the client that a fence has left behind."""
    if not isinstance(context.get("exception"), ProducerFenced | InvalidProducerEpoch):
        loop.default_exception_handler(context)


def _heard(ack: "asyncio.Future[Any]") -> None:
    """Take note of how a record fared; what went wrong is raised by the transaction."""
    if not ack.cancelled():
        ack.exception()


def _partitions(send: Send, counts: Mapping[str, int]) -> Iterable[int]:
    """Return where a record goes; a partition that is not there any more leaves it to the key."""
    count = counts[send.topic]
    if send.partition == EVERYWHERE:
        return range(count)
    if send.partition is not None and send.partition < count:
        return (send.partition,)
    return (partition_of_key(send.output.key or b"", count),)
