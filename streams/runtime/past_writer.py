"""A past goes into the topics of a deployment, all of a piece in one transaction.

While it is written, the fence of every partition and of the learner is held: a worker that still
runs is refused by Kafka, and one that starts finds the note that a history is being read in.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, NamedTuple

from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from streams.core.messages import JournalEntry
from streams.core.partition_record import PAST_KEY
from streams.core.rules import Rules
from streams.errors import Exit, Unavailable, UserError
from streams.runtime.journal import PAST, line_of
from streams.runtime.live_state import partition_count
from streams.runtime.producer import NO_HEADERS, PartitionProducer
from streams.runtime.recovery import read_changelog
from streams.settings import Settings
from winback_sender.cluster import Cluster

GO_ON: Final = "run the same command again: it goes on where it stopped"


class Contents(NamedTuple):
    """What lies in the topics of a deployment.

    Attributes:
        states: Partition to the content of its changelog.
        models: The content of the topic of models.
    """

    states: dict[int, dict[bytes, bytes]]
    models: dict[bytes, bytes]

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever written."""
        return not (self.models or any(self.states.values()))

    @property
    def is_under_way(self) -> bool:
        """Whether a bootstrap has begun here and not ended."""
        return any(PAST_KEY in content for content in self.states.values())


class PastWriter(PartitionProducer):
    """Writes the pieces of a bootstrap; there is one at a time.

    Args:
        settings: Name the topics.
        cluster: Where Kafka is.
        partitions: How many there are.
        rules_hash: Of the rules in force.
    """

    def __init__(
        self, settings: Settings, cluster: Cluster, partitions: int, rules_hash: str
    ) -> None:
        counts = {settings.topic_models: 1, settings.topic_journal: partitions}
        super().__init__(
            cluster, f"{settings.app_id}-bootstrap", 0, counts, settings.topic_users_changelog
        )
        self.partitions = partitions
        self._settings, self._cluster, self._rules_hash = settings, cluster, rules_hash

    async def contents(self) -> Contents:
        """Return what lies there now; whoever calls it holds the fences."""
        changelog, models = self._settings.topic_users_changelog, self._settings.topic_models
        states = await read_changelog(self._cluster, changelog, range(self.partitions))
        return Contents(states, (await read_changelog(self._cluster, models, [0]))[0])

    async def write_piece(
        self,
        changelog: Mapping[int, Mapping[bytes, bytes | None]],
        models: Mapping[bytes, bytes | None],
        history: str = "",
    ) -> None:
        """Write a piece, all of it or nothing.

        Args:
            changelog: Partition to key and value; None deletes.
            models: The same of the topic of models.
            history: What was read in, where it is the last piece; the journal says so.

        Raises:
            UserError: Another bootstrap has begun.
            KafkaError: The broker was away for too long, or refused.
        """
        try:
            await self._producer.begin_transaction()
            acks: list[asyncio.Future[Any]] = []
            for number, changes in changelog.items():
                states = ((key, value, NO_HEADERS) for key, value in changes.items())
                await self._append(self._changelog_topic, states, acks, number)
                if history:
                    step = (f"{PAST}{history}", 0, 0)
                    entry = JournalEntry(number, (step,), 0, "", self._rules_hash)
                    line = [line_of(entry)]
                    await self._append(self._settings.topic_journal, line, acks, number)
            learned = ((key, value, NO_HEADERS) for key, value in models.items())
            await self._append(self._settings.topic_models, learned, acks, 0)
            await asyncio.gather(*acks)
            await self._producer.commit_transaction()
        except (ProducerFenced, InvalidProducerEpoch) as error:
            raise UserError(
                "another bootstrap of this deployment has begun", "Let it end.", Exit.FAILED
            ) from error


@asynccontextmanager
async def past_writer(
    settings: Settings, cluster: Cluster, rules: Rules
) -> AsyncIterator[PastWriter]:
    """Hold all fences of a deployment, and give who writes its past.

    Raises:
        Unavailable: Kafka stopped answering.
        UserError: The topics are not there.
    """
    partitions = await partition_count(cluster, settings.topic_users_changelog)
    await partition_count(cluster, settings.topic_models)
    changelog = settings.topic_users_changelog
    fences = [(f"{settings.app_id}-users-{number}", number) for number in range(partitions)]
    fences.append((f"{settings.app_id}-learner-models-0", 0))
    try:
        async with AsyncExitStack() as stack:
            for name, number in fences:
                fence = PartitionProducer(cluster, name, number, {}, changelog)
                await fence.start()
                stack.push_async_callback(fence.stop)
            writer = PastWriter(settings, cluster, partitions, rules.hash)
            await writer.start()
            stack.push_async_callback(writer.stop)
            yield writer
    except KafkaError as error:
        raise Unavailable(f"Kafka at {cluster} stopped answering: {error!r}", GO_ON) from error
