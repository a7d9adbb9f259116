"""The desk where dead letters are looked through, sent again, or discarded.

What is done to a letter is one transaction with the word that says so, of a producer whose name is
that of the deployment: of two operators the later one shuts the earlier one out, and reads what is
open only then. So whatever is broken off, or done twice, a letter is sent once.
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.errors import MessageSizeTooLargeError as SizeError

from streams.core.time import iso
from streams.errors import Exit, Unavailable, UserError
from streams.runtime.dead_letter_sends import Batch, Decide, Send, Sizes
from streams.runtime.dead_letter_survey import Survey, Wanted
from streams.runtime.letters import TEXT_MAX, Letter, Opened, Place, Word, read_record
from streams.runtime.letters import word_output as record_of
from streams.runtime.ticks import now_ms
from streams.runtime.topic_sample import TopicSample
from winback_sender.cluster import Cluster

TRANSACTION_TIMEOUT_MS: Final = 60_000


class Closed(NamedTuple):
    """What became of the letters of one order.

    Attributes:
        words: On those that were sent or discarded.
        too_large: Names of those that no broker would take; they stay open.
    """

    words: list[Word]
    too_large: list[Place]


class _TooLargeError(Exception):
    """A broker has refused records for their size."""


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

        Where a letter stands among others' is only known when all were read, so it is read twice.

        Raises:
            Unavailable: Kafka cannot be reached.
            UserError: There is no such topic, or there are too many letters to look at.
        """
        found = Survey()
        for read in self._read():
            if isinstance(read, Word):
                found.close(read)
            elif wanted.holds(read):
                found.put(read)
        if found.letters:
            for read in self._read():
                if isinstance(read, Word):
                    found.trace(read)
        return found

    def opened(self, places: Iterable[Place]) -> Iterator[Opened]:
        """Yield letters with their bytes, each once."""
        left = set(places)
        for read in self._read():
            if isinstance(read, Opened) and read.letter.place in left:
                left.discard(read.letter.place)
                yield read

    def _opened(self, survey: Survey) -> Iterator[Opened]:
        return self.opened(letter.place for letter in survey.open())

    def _read(self) -> Iterator[Opened | Word]:
        with TopicSample(self._cluster, self._topic, None) as sample:
            for record in sample:
                read = read_record(record)
                if read is not None:
                    yield read

    async def close_letters(
        self, places: Iterable[Place], what: str, decide: Decide, *, by: str, reason: str = ""
    ) -> Closed:
        """Do to letters what is decided, each once.

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
        asyncio.get_running_loop().set_exception_handler(_ignore_fences)
        closed, sizes = Closed([], []), Sizes()
        try:
            while not await self._close(frozenset(places), what, decide, by, reason, closed, sizes):
                pass  # What a broker refuses leaves a gap; only a new producer can go on.
        except (ProducerFenced, InvalidProducerEpoch):
            raise UserError(
                "somebody else has begun to work on the dead letters meanwhile; "
                f"{len(closed.words)} were done here before that, and none is done twice",
                "look at what is left: winback dead-letters list",
                Exit.FAILED,
            ) from None
        except KafkaError as error:
            raise Unavailable(
                f"Kafka at {self._cluster} stopped answering: {error!r}; {len(closed.words)} "
                "letters are done, and none is done twice", "try again",
            ) from None  # fmt: skip
        return closed

    async def _close(
        self,
        places: frozenset[Place],
        what: str,
        decide: Decide,
        by: str,
        reason: str,
        closed: Closed,
        sizes: Sizes,
    ) -> bool:
        """Go on as far as no record is refused for its size; return whether that is to the end."""
        producer = AIOKafkaProducer(
            **self._cluster.options(), transactional_id=self._name,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        )  # fmt: skip
        try:
            await producer.start()  # Whoever was at it before can write no more from here on.
            survey = await asyncio.to_thread(self.survey, Wanted(places=places))
            note, counts = _Note(what, by, reason, survey), dict[str, int]()
            closed.too_large.clear()  # They are all met again.
            for batch in sizes.batches(self._opened(survey), decide, closed.too_large):
                try:
                    closed.words.extend(await self._write(producer, batch, note, counts))
                except _TooLargeError:
                    sizes.refuse(batch)
                    return False
        finally:
            await producer.stop()
        return True

    async def _write(
        self, producer: Any, batch: Batch, note: "_Note", counts: dict[str, int]
    ) -> list[Word]:
        """Write one transaction: the records, then the words that say where they are.

        Raises:
            _TooLargeError: One of the records is, or a few of them together.
        """
        for topic in {send.topic for _, sends in batch for send in sends}:
            counts[topic] = len(await producer.partitions_for(topic))
        await producer.begin_transaction()
        acks = [
            [
                await self._send(producer, send, partition, letter.place)
                for send in sends
                for partition in send.partitions(counts)
            ]
            for letter, sends in batch
        ]
        words = []
        for (letter, _), waiting in zip(batch, acks, strict=True):
            try:
                written = await asyncio.gather(*waiting)
            except SizeError as error:
                raise _TooLargeError from error
            to = tuple(str(Place(each.topic, each.partition, each.offset)) for each in written)
            words.append(note.word(letter, to))
        said = [
            await self._say(producer, letter, word)
            for (letter, _), word in zip(batch, words, strict=True)
        ]
        await asyncio.gather(*said)
        await producer.commit_transaction()
        return words

    async def _say(self, producer: Any, letter: Letter, word: Word) -> "asyncio.Future[Any]":
        key, value, headers = record_of(word)
        return _heard(
            await producer.send(
                self._topic, value, key, partition=letter.partition, headers=headers
            )
        )

    @staticmethod
    async def _send(
        producer: Any, send: Send, partition: int, place: Place
    ) -> "asyncio.Future[Any]":
        key, value, _ = send.output
        return _heard(
            await producer.send(
                send.topic, value, key, partition=partition,
                # Its topic may refuse what lies ahead (retention.AHEAD).
                timestamp_ms=min(send.timestamp_ms, now_ms()) or None, headers=send.headers(place),
            )
        )  # fmt: skip


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
            str(letter.place), self.what, iso(now_ms()), self.by[:TEXT_MAX],
            self.reason[:TEXT_MAX], to, attempt,
            first_reason, first_at,
        )  # fmt: skip


def _ignore_fences(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say nothing of waiters inside the client that a fence has left behind."""
    if not isinstance(context.get("exception"), ProducerFenced | InvalidProducerEpoch):
        loop.default_exception_handler(context)


def _heard(ack: "asyncio.Future[Any]") -> "asyncio.Future[Any]":
    """Return an acknowledgement of which nobody complains that it was not waited for."""
    ack.add_done_callback(lambda done: done.cancelled() or done.exception())
    return ack
