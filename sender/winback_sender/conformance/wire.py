"""Kafka for a run: its topics, the publisher of touches, and the reader of what is said of them."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import groupby
from threading import Event, Thread
from typing import Any, Final, NamedTuple

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError
from kafka.partitioner import murmur2
from kafka.structs import OffsetAndMetadata

from winback_sender.clock import now_ms
from winback_sender.cluster import Cluster
from winback_sender.conformance.evidence import Said
from winback_sender.conformance.letters import Kind, Letter
from winback_sender.contract.messages import Feedback
from winback_sender.contract.words import Status
from winback_sender.doorstep import admin_client

PARTITIONS: Final = 4
TIMEOUT_MS: Final = 10_000
SESSION_S: Final = 6.0
"""The least that a broker allows by default (``group.min.session.timeout.ms``)."""
SESSION_S_MIN: Final = 4.0
"""More than the 3 s between the heartbeats of most clients."""


class Topics(NamedTuple):
    """Names of the topics of a run."""

    touches: str
    feedback: str
    dead_letters: str


@contextmanager
def topics_of_its_own(cluster: Cluster, topics: Topics, group: str) -> Iterator[None]:
    """Make topics; at the end delete them, and the group that has read them.

    Raises:
        UserError: Kafka cannot be reached, or refuses.
    """
    with admin_client(cluster) as client:
        made = {name: {"num_partitions": PARTITIONS, "replication_factor": -1} for name in topics}
        client.create_topics(made, timeout_ms=TIMEOUT_MS)
        client.wait_for_topics(list(topics), timeout_ms=TIMEOUT_MS)
    try:
        yield
    finally:
        with admin_client(cluster) as client:
            client.delete_topics(list(topics), timeout_ms=TIMEOUT_MS)
            with suppress(KafkaError):  # It was never there, or somebody hung in it.
                client.delete_groups([group])


def session_timeout_s(cluster: Cluster) -> float:
    """Return the shortest session that clients and broker allow."""
    with admin_client(cluster) as client:
        try:
            broker = str(client.describe_cluster()["brokers"][0]["broker_id"])
            resource = ConfigResource(ConfigResourceType.BROKER, broker)
            configs = client.describe_configs([resource], config_filter="all")["broker"][broker]
            return max(SESSION_S_MIN, int(configs["group.min.session.timeout.ms"]["value"]) / 1_000)
        except (KafkaError, KeyError, IndexError, TypeError, ValueError):
            return SESSION_S


class Publisher:
    """Writes the letters of a run, each at its time, in transactions as winback does.

    Attributes:
        at_ms: Touch id to when it was on the topic for sure; the first time.
        revoked_ms, unreadable_ms: The same of committed revocations, and of what is unreadable.
    """

    def __init__(self, cluster: Cluster, topic: str, name: str, letters: Sequence[Letter]) -> None:
        self._topic = topic
        self._letters = list(letters)
        self._stop = Event()
        self._thread: Thread | None = None
        self.at_ms: dict[str, int] = {}
        self.revoked_ms: dict[str, int] = {}
        self.unreadable_ms: dict[str, int] = {}
        self._producer = KafkaProducer(
            **cluster.options(), transactional_id=name, acks="all",
            metrics_enabled=False,
        )  # fmt: skip
        self._producer.init_transactions()

    @property
    def is_done(self) -> bool:
        """Whether all is written."""
        return not self._letters

    def publish(self, until_s: float) -> None:
        """Write what is due by a time of the plan."""
        due = [letter for letter in self._letters if letter.at_s <= until_s]
        for is_committed, group in groupby(due, key=lambda letter: letter.is_committed):
            self._transaction(list(group), is_committed=is_committed)
        self._letters = self._letters[len(due) :]

    def begin(self, start_ms: int) -> None:
        """Write the rest at its time, beside everything else; the plan begins at an instant."""

        def work() -> None:
            while self._letters and not self._stop.wait(0.02):
                self.publish((now_ms() - start_ms) / 1_000)

        self._thread = Thread(target=work, name="publisher", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop writing."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._producer.close(timeout=TIMEOUT_MS / 1_000)

    def _transaction(self, letters: list[Letter], *, is_committed: bool) -> None:
        self._producer.begin_transaction()
        for letter in letters:
            self._producer.send(self._topic, key=letter.key, value=letter.value,
                                headers=letter.headers)  # fmt: skip
        if is_committed:
            self._producer.commit_transaction()
        else:
            self._producer.flush(timeout=TIMEOUT_MS / 1_000)
            self._producer.abort_transaction()
        found_ms = now_ms()
        books = {Kind.TOUCH: self.at_ms, Kind.UNREADABLE: self.unreadable_ms}
        if is_committed:
            books[Kind.REVOCATION] = self.revoked_ms
        for letter in letters:
            if letter.kind in books:
                books[letter.kind].setdefault(letter.touch_id, found_ms)


class Reader:
    """Reads feedback and dead letters, beside everything else, from where they end now.

    Attributes:
        said: What was said.
        dead: Values of dead letters.
    """

    def __init__(self, cluster: Cluster, topics: Topics) -> None:
        self.said: list[Said] = []
        self.dead: list[bytes] = []
        self._topics = topics
        self._stop = Event()
        self._consumer = KafkaConsumer(
            **cluster.options(), isolation_level="read_committed",
            auto_offset_reset="earliest", fetch_max_wait_ms=100, metrics_enabled=False,
        )  # fmt: skip
        partitions = [
            TopicPartition(topic, number)
            for topic in (topics.feedback, topics.dead_letters)
            for number in self._consumer.partitions_for_topic(topic) or ()
        ]
        self._partitions = len(self._consumer.partitions_for_topic(topics.feedback) or ())
        self._consumer.assign(partitions)
        for partition, offset in self._consumer.end_offsets(partitions).items():
            self._consumer.seek(partition, offset)
        self._thread = Thread(target=self._work, name="reader", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def _work(self) -> None:
        while not self._stop.is_set():
            for partition, records in self._consumer.poll(timeout_ms=100).items():
                for record in records:
                    if partition.topic == self._topics.feedback:
                        self.said.append(read(record, self._partitions))
                    else:
                        self.dead.append(record.value or b"")


def read(record: Any, partitions: int) -> Said:
    """Return one record of feedback, with what is wrong with its form."""
    try:
        word = msgspec.json.decode(record.value or b"", type=Feedback)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Said("", "", "", "", "", None, record.timestamp, f"not of the contract: {error}")
    at_ms = word.at if isinstance(word.at, int) else _ms(word.at)
    key = word.user_id.encode()
    flaw = ""
    if word.status not in set(Status):
        flaw = f"{word.status!r} is no status"
    elif record.key != key:
        flaw = "its key is not the user_id"
    elif record.partition != (murmur2(key) & 0x7FFFFFFF) % partitions:
        flaw = f"on partition {record.partition}, where murmur2 would not put it"
    return Said(word.touch_id, word.user_id, word.status, word.outcome, word.reason, at_ms,
                record.timestamp, flaw)  # fmt: skip


def _ms(at: datetime) -> int | None:
    return None if at.tzinfo is None else round(at.timestamp() * 1_000)


def reset_offsets(cluster: Cluster, group: str, topic: str, chance: float, within_s: float) -> str:
    """Take the offsets of a group back by a share of what they are, as a mistaken operator does.

    What stands beside an offset stays: it is the sender's own.

    Args:
        cluster: Where Kafka is.
        group: Nobody is in it but those who were killed.
        topic: Of the touches.
        chance: 0 = to the beginning, 1 = not at all.
        within_s: So long Kafka may take those who were killed for alive.

    Returns:
        Why it could not be done; empty if it was.
    """
    consumer: Any = KafkaConsumer(
        **cluster.options(), group_id=group, enable_auto_commit=False,
        metrics_enabled=False,
    )  # fmt: skip
    try:
        found = {}
        for number in consumer.partitions_for_topic(topic) or ():
            partition = TopicPartition(topic, number)
            committed = consumer.committed(partition, metadata=True)
            if committed is not None:
                found[partition] = OffsetAndMetadata(int(committed.offset * chance),
                                                     committed.metadata, -1)  # fmt: skip
        if not found:
            return f"group {group} has committed nothing: no offsets were reset"
        end_s = time.monotonic() + within_s
        while True:
            try:
                consumer.commit(found)
            except KafkaError as error:
                if time.monotonic() > end_s:
                    return f"group {group}: offsets could not be reset: {error!r}"
                time.sleep(0.2)
            else:
                return ""
    finally:
        consumer.close(autocommit=False)
