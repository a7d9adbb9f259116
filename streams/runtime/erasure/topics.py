"""Searching topics: every record, also those of transactions that were aborted."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from streams.core.routed import direct
from streams.core.sources import Source
from streams.errors import Unavailable
from streams.runtime.erasure.files import joined
from streams.runtime.erasure.places import Place, Tally
from streams.runtime.erasure.traces import Tracker
from streams.runtime.retention import ErasedBy, gone_after_ms
from streams.runtime.topics import topics
from streams.settings import Settings
from winback_sender.cluster import Cluster

POLL_MS: Final = 500
PATIENCE_S: Final = 30.0
RECORDS_MAX: Final = 5_000


class Searched(NamedTuple):
    """A topic that is looked through.

    Attributes:
        name: Its name.
        erased_by: What ends a person's records there.
        configs: As they are.
    """

    name: str
    erased_by: ErasedBy
    configs: Mapping[str, str]


def to_search(
    client: Any, settings: Settings, sources: Sequence[Source], more: Iterable[str] = ()
) -> tuple[list[Searched], list[str]]:
    """Return the topics that winback writes or reads, and the names of those that are not there.

    Kafka does not tell whether a topic is not there or only not to be seen by whoever asks.

    Args:
        client: Of the administration.
        settings: Name our topics.
        sources: The company's, as the rules name them.
        more: Further topics to look through, the company's.
    """
    wanted = {topic.name: topic.erased_by for topic in topics(settings)}
    wanted |= {settings.router_changelog(source.topic): ErasedBy.NOBODY for source in sources}
    left_over = {settings.router_changelog(source.topic) for source in direct(sources)}
    for name in (*(source.topic for source in sources), *more):
        wanted.setdefault(name, ErasedBy.COMPANY)
    known = set(client.list_topics())
    names = [name for name in wanted if name in known]
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found = client.describe_configs(resources, config_filter="all")["topic"] if names else {}
    there = [
        Searched(name, wanted[name], {key: entry["value"] for key, entry in found[name].items()})
        for name in names
    ]
    return there, [name for name in wanted if name not in known | left_over]


class Scan:
    """Reads topics from their beginning to where they end now.

    Args:
        cluster: Where Kafka is.
        is_committed: Whether what was taken back is left out.
    """

    def __init__(self, cluster: Cluster, *, is_committed: bool = False) -> None:
        isolation = "read_committed" if is_committed else "read_uncommitted"
        self._consumer: Any = KafkaConsumer(
            **cluster.options(), auto_offset_reset="earliest", enable_auto_commit=False,
            isolation_level=isolation, fetch_max_wait_ms=100, metrics_enabled=False,
        )  # fmt: skip

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()

    def records(self, topic: str, partition: int | None = None) -> Iterator[Any]:
        """Yield the records of a topic, or of one of its partitions.

        Raises:
            Unavailable: Kafka stops answering.
        """
        consumer = self._consumer
        numbers = sorted(consumer.partitions_for_topic(topic) or ())
        parts = [TopicPartition(topic, number) for number in numbers if partition in (None, number)]
        ends = consumer.end_offsets(parts) if parts else {}
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        heard_s, left_before = time.monotonic(), -1
        while left := sum(max(end - consumer.position(part), 0) for part, end in ends.items()):
            if left != left_before:
                heard_s, left_before = time.monotonic(), left
            elif time.monotonic() - heard_s > PATIENCE_S:
                raise Unavailable(
                    f"Kafka stopped answering with {left:,} records of {topic} left to read",
                    "check that it runs: winback kafka status",
                )
            polled = consumer.poll(timeout_ms=POLL_MS, max_records=RECORDS_MAX)
            for part, records in polled.items():
                yield from (record for record in records if record.offset < ends[part])


def search(scan: Scan, topic: Searched, tracker: Tracker) -> Place:
    """Return what stands of a person on a topic, and when it will be gone.

    A record of a compacted topic that a later one has replaced goes with the next cleaning; the one
    that says last what is known of a key does not go by itself.
    """
    tally = Tally()
    found: list[tuple[tuple[int, bytes | None], int, int, Mapping[str, int]]] = []
    newest: dict[tuple[int, bytes | None], tuple[int, int, bool]] = {}
    is_compacted = "compact" in topic.configs.get("cleanup.policy", "delete")
    for record in scan.records(topic.name):
        data = joined(record.key, record.value, record.headers)
        tally.see(len(data))
        name = (record.partition, record.key)
        if is_compacted and record.key is not None and name in newest:
            newest[name] = (record.offset, record.timestamp, record.value is None)
        if traces := tracker.find(data):
            found.append((name, record.offset, record.timestamp, traces))
            newest[name] = (record.offset, record.timestamp, record.value is None)
    for name, offset, at_ms, traces in found:
        tally.note(traces, at_ms, _gone_ms(topic, offset, at_ms, newest[name]))
    is_theirs = topic.erased_by is ErasedBy.COMPANY
    return tally.place(
        "topic",
        topic.name,
        owner="company" if is_theirs else "winback",
        note=_NOTES[topic.erased_by],
    )


def _gone_ms(topic: Searched, offset: int, at_ms: int, newest: tuple[int, int, bool]) -> int | None:
    """Return when a record will be gone at the latest, epoch ms UTC; None = not by itself."""
    newest_offset, newest_ms, is_tombstone = newest
    is_compacted = "compact" in topic.configs.get("cleanup.policy", "delete")
    is_replaced = is_compacted and (newest_offset > offset or is_tombstone)
    if is_replaced:
        span_ms = gone_after_ms(topic.configs, ErasedBy.SERVICE)
        return None if span_ms is None else newest_ms + span_ms
    span_ms = gone_after_ms(topic.configs, ErasedBy.RETENTION)
    return None if span_ms is None else at_ms + span_ms


_NOTES: Final = {
    ErasedBy.COMPANY: "the company's own: its retention, or its owner, ends it",
    ErasedBy.SWEEP: "winback erase --sweep puts an end to it",
    ErasedBy.SERVICE: "the service writes tombstones when it has applied the erasure",
    ErasedBy.RETENTION: "goes by its age",
    ErasedBy.NOBODY: "nothing of a person should stand here: please report it",
}
