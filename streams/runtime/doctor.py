"""Looking at a whole deployment from outside, quickly: nothing but ends of topics is read."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    KafkaError,
)

from streams.core.clock_names import IDLE_AFTER_MS, OWN, expected_clocks
from streams.core.input_fuse import FuseRecord
from streams.core.messages import PartitionRecord
from streams.core.native import WATERMARK_KEY
from streams.core.partition_record import PARTITION_KEY
from streams.core.partitioner import partition_of_key
from streams.core.routed import direct, routed
from streams.core.rules import Rules
from streams.core.sources import Encoding, Source
from streams.errors import Unavailable
from streams.runtime.doctor_around import around
from streams.runtime.doctor_seen import Group, Seen, Stray, Stretch
from streams.runtime.letters import WORD
from streams.runtime.routed_record import lane_record
from streams.runtime.ticks import now_ms
from streams.runtime.topic_admin import plan_topics
from streams.runtime.topics import Step
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.doorstep import admin_client

TAILS: Final = (5_000, 200_000)
"""Offsets before the end in which the record of a partition is looked for, if it is not in the
sample of its changelog."""
SAMPLE: Final = 200
"""Newest records of a partition that are looked at."""
POLL_MS: Final = 100
TRIES: Final = 10
TRY_AGAIN_S: Final = 0.5
POLLS_MAX: Final = 200
KEYS_OF_ALL: Final = frozenset({WATERMARK_KEY, b"$coverage"})
"""Keys of records that stand on every partition."""


class Dry(NamedTuple):
    """What was found without Kafka, as `doctor_seen.Around` has it; and whose rights to look at."""

    playbooks: tuple[tuple[str, str], ...] = ()
    senders: tuple[tuple[str, str], ...] = ()
    role: str = ""


def look(settings: Settings, rules: Rules, cluster: Cluster, dry: Dry = Dry()) -> Seen:  # noqa: B008 (a tuple: nobody can change it)
    """Return what there is to see of a deployment now.

    Args:
        settings: The operator's.
        rules: The business rules.
        cluster: Where Kafka is.
        dry: What was found without it.

    Raises:
        Unavailable: Kafka is not reachable, or stops answering.
        UserError: Kafka refuses what is asked.
    """
    sources = rules.sources
    with admin_client(cluster) as client:
        steps = plan_topics(client, settings, sources)
        groups = _groups(client, settings, [source.topic for source in routed(sources)])
    tails = _Tails(cluster)
    try:
        keyed = [settings.topic_activity, *(source.topic for source in direct(sources))]
        counts = tails.counts([*keyed, *(source.topic for source in routed(sources))])
        read = [*keyed, settings.topic_feedback, settings.topic_identity]
        own = counts.get(settings.topic_activity, 0)
        missing = {source.topic for source in routed(sources)} - counts.keys()
        known = [source for source in sources if source.topic not in missing]
        idle_after = {source.topic: source.idle_after_ms for source in sources}
        changelog, letters = settings.topic_users_changelog, settings.topic_dead_letters
        lanes = {settings.router_changelog(source.topic): source.topic for source in routed(known)}
        newest = tails.newest([*keyed, changelog, letters, settings.topic_models, *lanes])
        with admin_client(cluster) as client:
            seen = around(client, settings, rules, dry.role, newest)
        return Seen(
            now_ms=now_ms(),
            is_live=settings.clock == "wall",
            rules_hash=rules.hash,
            topics=tuple((step.topic.name, step.action.value, _why(step)) for step in steps),
            groups=groups,
            records=tails.records(changelog, own, newest[changelog]),
            stretches=tails.stretches(read),
            clocks=expected_clocks(known, counts),
            idle_after_ms={OWN: IDLE_AFTER_MS, **idle_after},
            strays=tuple(_strays(topic, own, newest[topic]) for topic in keyed if topic in counts),
            dead_letters=_by_reason(newest[letters]),
            activity=settings.topic_activity,
            read=tuple(_places(tails.stretches(lanes.values()), newest, lanes)),
            held=tuple(_held(newest, lanes)),
            users_max=settings.users_max,
            registry=_registry_away(settings, sources),
            around=msgspec.structs.replace(seen, playbooks=dry.playbooks, senders=dry.senders),
            is_consent_assumed=rules.contact.is_consent_assumed,
        )
    except KafkaError as error:
        raise Unavailable(f"Kafka stopped answering: {error!r}", "is the broker well?") from None
    finally:
        tails.close()


def _registry_away(settings: Settings, sources: Iterable[Source]) -> str:
    """Return why the schema registry cannot be asked, if a topic needs it."""
    url = settings.schema_registry_url
    if not url or all(source.encoding is Encoding.JSON for source in sources):
        return ""
    from streams.intake.wire.registry import Registry, RegistryAwayError  # noqa: PLC0415 (few)

    async def ask() -> str:
        async with Registry(url, settings.schema_registry_auth) as registry:
            try:
                await registry.fetch(1)
            except RegistryAwayError as error:
                return str(error)
        return ""

    return asyncio.run(ask())


def _places(
    stretches: Iterable[Stretch], newest: Mapping[str, list[Any]], lanes: Mapping[str, str]
) -> Iterator[tuple[Stretch, int]]:
    """Yield partitions of routed topics with how far they were read, as the routers' topics say."""
    places = {
        (topic, record.partition): lane_record(record.value).next_offset
        for changelog, topic in lanes.items()
        for record in newest[changelog]
        if record.key == topic.encode() and record.value is not None
    }
    for part in stretches:
        if (part.topic, part.partition) in places:
            yield part, places[part.topic, part.partition]


def _held(
    newest: Mapping[str, list[Any]], lanes: Mapping[str, str]
) -> Iterator[tuple[int, FuseRecord]]:
    """Yield partitions of routed topics that are not read on, as the routers' topics say."""
    found = {
        (topic, record.partition): lane_record(record.value).fuse
        for changelog, topic in lanes.items()
        for record in newest[changelog]
        if record.key == topic.encode() and record.value is not None
    }
    for (_, partition), fuse in found.items():
        if fuse is not None and fuse.is_held:
            yield partition, fuse


def _why(step: Step) -> str:
    changes = ", ".join(f"{key} should be {value}" for key, value in step.changes.items())
    grown = f"it should have {step.partitions} partitions" if step.partitions else ""
    return step.reason or ", ".join(part for part in (grown, changes) if part)


def _groups(client: Any, settings: Settings, topics: Iterable[str]) -> tuple[Group, ...]:
    """Return how many workers each role has."""
    names = {settings.app_id: "pipeline"}
    names |= {settings.router_id(topic): f"router {topic}" for topic in topics}
    found = described_groups(client, list(names))
    return tuple(
        Group(role, len((found.get(name) or {}).get("members") or ()))
        for name, role in names.items()
    )


def described_groups(client: Any, names: list[str]) -> Mapping[str, Any]:
    """Describe groups; a Kafka that has never had one needs a while before it can say so."""
    for _ in range(TRIES):
        try:
            described: Mapping[str, Any] = client.describe_groups(names)
        except (CoordinatorNotAvailableError, CoordinatorLoadInProgressError):
            time.sleep(TRY_AGAIN_S)
        else:
            return described
    return {}


class _Tails:
    """The ends of topics, read committed.

    Args:
        cluster: Where Kafka is.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._consumer: Any = KafkaConsumer(
            **cluster.options(), enable_auto_commit=False,
            auto_offset_reset="earliest", isolation_level="read_committed", fetch_max_wait_ms=50,
            metrics_enabled=False,
        )  # fmt: skip
        self._there: set[str] = self._consumer.topics()

    def close(self) -> None:
        """Leave Kafka."""
        self._consumer.close()

    def counts(self, topics: Iterable[str]) -> dict[str, int]:
        """Return how many partitions those topics have that are there."""
        there = self._there.intersection(topics)
        return {topic: len(self._consumer.partitions_for_topic(topic) or ()) for topic in there}

    def _parts(self, topic: str) -> list[TopicPartition]:
        if not self.counts([topic]):
            return []
        return [TopicPartition(topic, n) for n in self._consumer.partitions_for_topic(topic)]

    def _ranges(self, parts: list[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        if not parts:
            return {}
        begins = self._offsets(self._consumer.beginning_offsets, parts)
        ends = self._offsets(self._consumer.end_offsets, parts)
        return {part: (begins[part], ends[part]) for part in parts}

    def _offsets(
        self, ask: Callable[[list[TopicPartition]], dict[TopicPartition, int]],
        parts: list[TopicPartition],
    ) -> dict[TopicPartition, int]:  # fmt: skip
        """Ask for offsets; kafka-python 3.0 fails on a partition whose leader it does not know yet.

        Raises:
            Unavailable: Kafka does not say.
        """
        for _ in range(TRIES):
            try:
                return ask(parts)
            except KeyError:
                time.sleep(TRY_AGAIN_S)
        raise Unavailable("Kafka does not say where its topics end", "see the broker's log")

    def stretches(self, topics: Iterable[str]) -> tuple[Stretch, ...]:
        """Return begin and end of every partition of the topics."""
        parts = [part for topic in topics for part in self._parts(topic)]
        return tuple(
            Stretch(part.topic, part.partition, begin, end)
            for part, (begin, end) in self._ranges(parts).items()
        )

    def _newest(self, parts: list[TopicPartition], count: int) -> list[Any]:
        """Return the records of the last so many offsets of each partition."""
        ranges = {part: span for part, span in self._ranges(parts).items() if span[0] < span[1]}
        if not ranges:
            return []
        self._consumer.assign(list(ranges))
        for part, (begin, end) in ranges.items():
            self._consumer.seek(part, max(begin, end - count))
        found: list[Any] = []
        for _ in range(POLLS_MAX):
            for records in self._consumer.poll(timeout_ms=POLL_MS, max_records=5_000).values():
                found += records
            left = [part for part in ranges if self._consumer.position(part) < ranges[part][1]]
            if not left:
                return found
        return found

    def newest(self, topics: Iterable[str]) -> dict[str, list[Any]]:
        """Return the newest records of topics, a sample of each partition."""
        found: dict[str, list[Any]] = {topic: [] for topic in topics}
        for record in self._newest(
            [part for topic in found for part in self._parts(topic)], SAMPLE
        ):
            found[record.topic].append(record)
        return found

    def records(
        self, changelog: str, partitions: int, newest: Iterable[Any]
    ) -> dict[int, PartitionRecord | None]:
        """Return the newest record of each partition; it stands near the end of the changelog."""
        found: dict[int, PartitionRecord | None] = dict.fromkeys(range(partitions))
        _note_records(found, newest)
        for count in TAILS:
            left = [part for part in self._parts(changelog) if found.get(part.partition) is None]
            if left:
                _note_records(found, self._newest(left, count))
        return found


def _note_records(found: dict[int, PartitionRecord | None], records: Iterable[Any]) -> None:
    for record in records:
        if record.key == PARTITION_KEY and record.value is not None:
            found[record.partition] = msgspec.json.decode(record.value, type=PartitionRecord)


def _strays(topic: str, partitions: int, newest: Iterable[Any]) -> Stray:
    """Return how many of the newest records do not stand where their key belongs."""
    keyed = [record for record in newest if record.key and record.key not in KEYS_OF_ALL]
    strays = sum(partition_of_key(record.key, partitions) != record.partition for record in keyed)
    return Stray(topic, len(keyed), strays)


def _by_reason(newest: Iterable[Any]) -> dict[str, int]:
    """Return how many dead letters there are, by reason and topic."""
    found: Counter[str] = Counter()
    for record in newest:
        headers = dict(record.headers)
        if WORD in headers:  # What became of another one.
            continue
        reason = headers.get("__connect.errors.exception.class.name", b"unknown").decode()
        found[f"{reason} {headers.get('__connect.errors.topic', b'').decode()}"] += 1
    return dict(found)
