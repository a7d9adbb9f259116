"""Users and models go over to rules that define churn otherwise, while no worker runs.

Each partition is one transaction of the producer that its owner would have: whoever still runs is
fenced by it and stops, and whoever starts in the middle stops us. So a partition is carried over or
it is not; to begin again does what is left.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.core.carry_over import CannotCarryError, CarriedOver, carried_over
from streams.core.definition import definition_of
from streams.core.history import History
from streams.core.kinship import Kinship
from streams.core.messages import JournalEntry, PartitionRecord
from streams.core.migrations.chain import brought_up
from streams.core.partition_record import OURS, PARTITION_KEY, StateMismatchError
from streams.core.partitioner import partition_of_key
from streams.core.rules import Rules
from streams.errors import Exit, Unavailable, UserError
from streams.runtime.journal import CARRIED, line_of
from streams.runtime.lanes import log_range
from streams.runtime.live_state import partition_count
from streams.runtime.producer import Commit, FencedError, PartitionProducer
from streams.runtime.recovery import read_changelog
from streams.settings import Settings
from winback_sender.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Part(NamedTuple):
    """What is known of one partition before it is carried over.

    Attributes:
        number: Its number.
        users: How many it has.
        rules_hash: Of the rules that it was made with; empty = nothing was ever written.
        heard_ms: Newest event time that was applied.
        into: Ids that were given up, and under which one each is known.
        under_way: Messages of other partitions that it has not read yet.
    """

    number: int
    users: int
    rules_hash: str
    heard_ms: int
    into: dict[str, str]
    under_way: int


class Done(NamedTuple):
    """What became of one partition: nothing in ``counts`` if it had these rules already."""

    part: Part
    counts: Counter[str]


class Migration:
    """One run of the migration.

    Args:
        settings: The operator's.
        cluster: Where Kafka is.
        rules: The new rules.
        was: The rules before, as far as known, for states that do not say what they were made with.
    """

    def __init__(self, settings: Settings, cluster: Cluster, rules: Rules, was: Rules) -> None:
        self._settings, self._cluster = settings, cluster
        self._rules, self._was = rules, was
        self._changelog = settings.topic_users_changelog
        self._producers: dict[int, PartitionProducer] = {}

    @asynccontextmanager
    async def fenced(self, *, is_dry_run: bool) -> "AsyncIterator[None]":
        """Hold the fences of every partition; a dry run holds none.

        Raises:
            Unavailable: Kafka stopped answering.
            UserError: Another owner has come.
        """
        self.partitions = await partition_count(self._cluster, self._changelog)
        counts = {self._settings.topic_journal: self.partitions}
        async with AsyncExitStack() as stack:
            for number in range(0 if is_dry_run else self.partitions):
                name = f"{self._settings.app_id}-users-{number}"
                producer = PartitionProducer(self._cluster, name, number, counts, self._changelog)
                await producer.start()
                stack.push_async_callback(producer.stop)
                self._producers[number] = producer
            try:
                yield
            except FencedError as error:
                raise UserError(
                    f"a worker has started meanwhile and owns {error}",
                    "Stop every worker, then run the same command again: it does what is left.",
                    Exit.FAILED,
                ) from error
            except KafkaError as error:
                raise Unavailable(
                    f"Kafka at {self._cluster} stopped answering: {error!r}",
                    "run the same command again: it does what is left",
                ) from error

    async def survey(self) -> list[Part]:
        """Return what there is, partition by partition.

        Raises:
            UserError: A newer version has written there.
        """
        sources = [TopicPartition(self._settings.topic_identity, number)
                   for number in range(self.partitions)]  # fmt: skip
        _, ends = await log_range(self._cluster, sources)
        return [
            self._part(source.partition, await self._content(source.partition), ends[source])
            for source in sources
        ]

    def _part(self, number: int, content: Mapping[bytes, bytes], end: int) -> Part:
        raw = content.get(PARTITION_KEY)
        users = sum(not key.startswith(OURS) for key in content)
        if raw is None:
            return Part(number, users, "", 0, {}, 0)
        record = msgspec.json.decode(raw, type=PartitionRecord)
        heard = (clock.heard_ms + clock.lateness_ms for clock in record.clocks)
        kinship = Kinship(0)
        kinship.load(content)
        under_way = end - record.applied.get(self._settings.topic_identity, end)
        return Part(
            number, users, record.rules_hash, max([record.watermark_ms, *heard]),
            kinship.known(), under_way,
        )  # fmt: skip

    async def _content(self, number: int) -> Mapping[bytes, bytes]:
        content = (await read_changelog(self._cluster, self._changelog, [number]))[number]
        try:
            return brought_up(content).records
        except StateMismatchError as error:
            raise UserError(f"partition {number}: {error}", error.hint, Exit.FAILED) from error

    def history(self, parts: Iterable[Part]) -> History:
        """Return a history that knows who is who, and what was applied."""
        parts = list(parts)
        into = {one: other for part in parts for one, other in part.into.items()}
        heard = [float(part.heard_ms) for part in parts]

        def person(user_id: str) -> str:
            seen = {user_id}
            while (other := into.get(user_id)) is not None and other not in seen:
                seen.add(other)
                user_id = other
            return user_id

        def until_ms(user_id: str) -> float:
            return heard[partition_of_key(user_id.encode(), len(heard))]

        return History(self._rules, person, until_ms)

    async def carry(self, part: Part, history: History | None) -> Done:
        """Carry one partition over; without its fence nothing is written.

        Raises:
            FencedError: It has an owner by now.
            UserError: It cannot be carried over.
        """
        content = await self._content(part.number)
        was = definition_of(self._was) if part.rules_hash == self._was.hash else None
        try:
            found = carried_over(content, self._rules, history, was)
        except CannotCarryError as error:
            raise UserError(
                f"partition {part.number}: {error}",
                "Let WINBACK_RULES name the rules that it was made with, and --rules the new ones.",
                Exit.FAILED,
            ) from error
        producer = self._producers.get(part.number)
        if producer is not None and found.changelog:
            await producer.write(self._commit(part, found))
        return Done(part, found.counts)

    def _commit(self, part: Part, found: CarriedOver) -> Commit:
        entry = JournalEntry(
            part.number, ((f"{CARRIED}{part.rules_hash}", 0, 0),), 0, "", self._rules.hash
        )
        return Commit(found.changelog, {self._settings.topic_journal: [line_of(entry)]})

    async def begin_learning_anew(self, *, is_dry_run: bool) -> int:
        """Take away what was learned under other rules; return how many records that is.

        What is known of contacts, playbook by playbook, does not depend on features and stays; so
        does what came of operators' orders.

        Raises:
            UserError: What lies there was signed with another key, or a learner has started.
        """
        from streams.runtime.relearning import begun_anew  # noqa: PLC0415 (models are heavy)

        topic = self._settings.topic_models
        found = (await read_changelog(self._cluster, topic, [0]))[0]
        changed = begun_anew(found, self._rules.hash, self._settings.model_keys)
        if is_dry_run or not changed:
            return len(changed)
        name = f"{self._settings.app_id}-learner-models-0"
        producer = PartitionProducer(self._cluster, name, 0, {}, topic)
        await producer.start()
        try:
            await producer.write(Commit(changed, {}))
        finally:
            await producer.stop()
        return len(changed)


def workers_of(settings: Settings, cluster: Cluster) -> dict[str, int]:
    """Return how many members the groups of the roles have that own users and models.

    Raises:
        Unavailable: Kafka cannot be reached.
    """
    from streams.runtime.doctor import described_groups  # noqa: PLC0415 (the other client)
    from winback_sender.doorstep import admin_client  # noqa: PLC0415

    roles = {settings.app_id: "pipeline", f"{settings.app_id}-learner": "learner"}
    with admin_client(cluster) as client:
        found = described_groups(client, list(roles))
    return {role: len((found.get(name) or {}).get("members") or ()) for name, role in roles.items()}


async def migrate(
    migration: Migration,
    *,
    is_dry_run: bool,
    read: Callable[[History], None] | None,
    tell: Callable[[Done], None],
) -> int:
    """Carry every partition over, then let learning begin anew; return how many records went.

    Args:
        migration: Of what, to what.
        is_dry_run: Write nothing, and take no fence.
        read: Fills a history; None = there is none.
        tell: Called after each partition.

    Raises:
        Unavailable: Kafka stopped answering; what is done is done.
        UserError: Something that an operator can mend.
    """
    async with migration.fenced(is_dry_run=is_dry_run):
        parts = await migration.survey()
        under_way = sum(part.under_way for part in parts)
        if under_way and not is_dry_run:
            raise UserError(
                f"{under_way} messages about ids that are one person are under way between "
                "partitions, with states of the old rules in them",
                "Let the workers run with the old rules for some seconds more, then stop them.",
                Exit.FAILED,
            )
        history = None
        if read is not None:
            history = migration.history(parts)
            await asyncio.to_thread(read, history)
        for part in parts:
            tell(await migration.carry(part, history))
        return await migration.begin_learning_anew(is_dry_run=is_dry_run)
