"""Publishing many records at full speed: batches built by us, one stream of them per partition."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    TopicAuthorizationFailedError,
)

from streams.errors import Unavailable, UserError
from streams.runtime.ticks import now_ms
from winback_sender.cluster import Cluster
from winback_sender.doorstep import forbidden

BATCH_BYTES_MAX: Final = 500_000
"""Few big batches: aiokafka has one batch of a partition in flight. Brokers take 1 MB."""
REQUEST_TIMEOUT_MS: Final = 60_000
"""How long a broker may be away before we give up."""


class Publisher:
    """Writes records to one topic, idempotently; ``async with`` connects and flushes.

    Args:
        cluster: Where Kafka is.
        topic: Where to; it must exist.

    Attributes:
        partitions: Number of partitions of the topic, known once connected.
    """

    def __init__(self, cluster: Cluster, topic: str) -> None:
        self.cluster = cluster
        self.topic = topic
        self.partitions = 0
        self._acks: set[asyncio.Future[Any]] = set()
        self._failure: BaseException | None = None
        self._producer = AIOKafkaProducer(
            **cluster.options(),
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES_MAX,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            Unavailable: Kafka cannot be reached.
            UserError: There is no such topic.
        """
        # What goes wrong is raised; without a handler the client would also print it.
        logging.getLogger("aiokafka").addHandler(logging.NullHandler())
        try:
            await self._producer.start()
            metadata = await self._producer.client.fetch_all_metadata()
        except (ClusterAuthorizationFailedError, TopicAuthorizationFailedError) as error:
            await self._producer.stop()
            raise forbidden(self.cluster, error) from None
        except (KafkaConnectionError, KafkaError) as error:
            await self._producer.stop()
            raise Unavailable(
                f"Kafka at {self.cluster} cannot be reached ({error})",
                "check that it runs: winback kafka status",
            ) from None
        self.partitions = len(metadata.partitions_for_topic(self.topic) or ())
        if not self.partitions:
            await self._producer.stop()
            raise UserError(
                f"there is no topic {self.topic} on {self.cluster}",
                f"make the topics: winback topics apply{self.cluster.or_hidden}",
            )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for what is under way, and disconnect."""
        try:
            if kind is None:
                await self.flush()
        finally:
            await self._producer.stop()

    async def send(
        self,
        partition: int,
        records: Iterable[tuple[bytes, bytes]],
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        """Hand records (key, value) of one partition over, in order; waits while much is under way.

        Args:
            partition: Where to.
            records: Key and value.
            headers: Of each of them.

        Raises:
            Unavailable: An earlier record could not be written.
        """
        self._check()
        at_ms = now_ms()
        batch = self._producer.create_batch()
        append = batch.append
        told = list(headers)  # aiokafka takes nothing else.
        for key, value in records:
            if append(timestamp=at_ms, key=key, value=value, headers=told) is None:
                await self._submit(batch, partition)
                batch = self._producer.create_batch()
                append = batch.append
                append(timestamp=at_ms, key=key, value=value, headers=told)  # It always fits.
        if batch.record_count():
            await self._submit(batch, partition)

    async def flush(self) -> None:
        """Return when the brokers have everything that was handed over.

        Raises:
            Unavailable: Something could not be written.
        """
        if self._acks:
            await asyncio.wait(self._acks)
        self._check()

    async def _submit(self, batch: Any, partition: int) -> None:
        batch.close()
        try:
            ack = await self._producer.send_batch(batch, self.topic, partition=partition)
        except KafkaError as error:
            self._failure = error
            self._check()
        else:
            self._acks.add(ack)
            ack.add_done_callback(self._acked)

    def _acked(self, ack: asyncio.Future[Any]) -> None:
        self._acks.discard(ack)
        self._failure = self._failure or ack.exception()

    def _check(self) -> None:
        if self._failure is not None:
            raise Unavailable(
                f"Kafka at {self.cluster} took no more records of {self.topic}: {self._failure}",
                "part of the log may be on the topic; make the topic anew before feeding it again",
            )
