"""Faust's consumer, delivering chunks: one event per partition and fetch, as columns.

What is replaced, and nothing else (Faust 0.15.3):
    ``AIOKafkaConsumerThread._create_worker_consumer``  reads committed, gathers 64 KB or 20 ms
    ``AIOKafkaConsumerThread._fetch_records``           columns instead of records
    ``Consumer._drain_messages``                        one message per chunk
    ``Consumer.perform_seek``                           to what the state has applied
    ``Consumer._new_offset``, ``_filter_tps_with_pending_acks``   one number per partition
Heartbeats, rebalances, the assignor and the commits to the group (for lag monitors) stay stock.
What is delivered, from where, and what is acknowledged, is decided in `delivery`.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

import faust
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage, ack_lock
from mode.utils.futures import notify

from streams.runtime.clients import ended
from streams.runtime.columns import Chunk, Columns
from streams.runtime.delivery import Delivery, Positions
from streams.runtime.fetched import take_fetched, wait_fetched
from streams.runtime.record_batches import read_every_name
from winback_sender.logs import LIBRARY

FETCH_BYTES_MIN: Final = 65_536
"""The broker gathers this much, or FETCH_WAIT_MS. Faust's 1 byte makes a chunk per event."""
FETCH_WAIT_MS: Final = 20
"""Every request on this connection waits behind an idle fetch; Faust's 1,500 ms is too long."""
FETCH_PATIENCE_S: Final = 1.0


class ChunkMessage(ConsumerMessage):
    """A Faust message that carries a chunk; its ack says that all before next_offset is done."""

    next_offset: int

    def on_final_ack(self, consumer: Any) -> bool:
        """Note the offset for the next commit to the group, unless the partition was lost."""
        with ack_lock:
            self.acked = True
            consumer._unacked_messages.discard(self)  # noqa: SLF001 (as stock Consumer.ack does)
            consumer.delivery.acknowledge(self.tp, self.generation_id, self.next_offset)
            notify(consumer._waiting_for_ack)  # noqa: SLF001
        return True

    def drop(self, consumer: Any) -> None:
        """Let go of a chunk that was not applied: a rebalance waits for none of it any more."""
        with ack_lock:
            self.acked = True
            consumer._unacked_messages.discard(self)  # noqa: SLF001 (as above)
            notify(consumer._waiting_for_ack)  # noqa: SLF001


class ChunkSchema(faust.Schema):
    """Hands the chunk to the agent as it is."""

    def loads_key(self, _app: Any, _message: Any, **_options: Any) -> None:
        """A chunk has no key."""

    def loads_value(self, _app: Any, message: Any, **_options: Any) -> Any:
        """Return the chunk."""
        return message.value


class LeanThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, with a fetch that yields columns."""

    logger = LIBRARY

    def _create_worker_consumer(self, transport: Any) -> Any:
        read_every_name()
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_min_bytes = FETCH_BYTES_MIN  # noqa: SLF001 (read when it starts)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001
        # Producers may use transactions; what they took back never happened. Costs nothing.
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        return consumer

    async def on_thread_stop(self) -> None:
        """Stop; what gets stuck half-way, while the broker is away, is closed."""
        if not await ended(super().on_thread_stop()) and self._consumer is not None:
            await self._consumer._client.close()  # noqa: SLF001 (as its own stop would)

    def _stopped_set(self) -> None:
        """Note that we stop; a thread that has ended by itself needs no telling."""
        if not self.thread_loop.is_closed():
            super()._stopped_set()

    def verify_event_path(self, _now: float, _tp: TP) -> None:
        """Faust's detector of stuck streams cannot tell; the worker's own progress does."""

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 (Faust's signature)
        max_records: int | None = None,  # noqa: ARG002 (Faust's signature)
    ) -> Mapping[Any, Columns]:
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher  # noqa: SLF001 (guarded by the contract test)
        if consumer._closed or fetcher._closed:  # noqa: SLF001
            raise driver.ConsumerStoppedError
        subscriptions = fetcher._subscriptions  # noqa: SLF001
        is_wanted = active_partitions.__contains__
        with subscriptions.fetch_context():
            if subscriptions.reassignment_in_progress:
                await subscriptions.wait_for_assignment()
            headers_of = self.consumer.headers_of
            taken = take_fetched(fetcher, is_wanted, headers_of)
            if taken or not timeout or not await wait_fetched(fetcher, timeout):
                return taken
            if subscriptions.reassignment_in_progress:
                return {}
            return take_fetched(fetcher, is_wanted, headers_of)


class FaustGroup:
    """What Faust knows of the worker's membership.

    Args:
        app: The worker's.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    @property
    def generation(self) -> int:
        """The newest generation that it is a member of."""
        generation: int = self._app.consumer_generation_id
        return generation

    @property
    def is_rebalancing(self) -> bool:
        """Whether partitions are on the move."""
        return bool(self._app.rebalancing)

    @property
    def is_stopping(self) -> bool:
        """Whether the worker is on its way out."""
        return bool(self._app.should_stop)


class FaustSource:
    """Fetches and hands over by means of Faust's consumer.

    Args:
        consumer: The worker's.
    """

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer

    @property
    def is_flowing(self) -> bool:
        """Whether Faust's flow control lets records through."""
        return bool(self._consumer.flow_active)

    def assignment(self) -> Collection[Any]:
        """Return what this member of the group may read."""
        assigned: Collection[Any] = self._consumer.assignment()
        return assigned

    async def seek(self, positions: Positions) -> None:
        """Fetch from these offsets from now on."""
        wanted = {TP(*place): offset for place, offset in positions.items()}
        await self._consumer._thread.seek_wait(wanted)  # noqa: SLF001
        self._consumer._read_offset.update(wanted)  # noqa: SLF001

    async def fetch(self, without: Collection[Any] = ()) -> Mapping[Any, Columns] | None:
        """Return what has come; None when every partition is paused."""
        consumer = self._consumer
        active = {
            tp for tp in consumer._get_active_partitions() | consumer._buffered_partitions  # noqa: SLF001
            if not consumer._is_changelog_tp(tp) and tp not in without  # noqa: SLF001
        }  # fmt: skip
        if not active:
            return None
        found: Mapping[Any, Columns] = await consumer._getmany(  # noqa: SLF001
            active_partitions=active, timeout=FETCH_PATIENCE_S
        )
        return found

    async def hand(self, chunk: Chunk) -> None:
        """Put a chunk into the agent's queue; when that is full, until the flow is stopped."""
        consumer, tp = self._consumer, TP(chunk.topic, chunk.partition)
        next_offset = chunk.columns.next_offset
        message = ChunkMessage(
            tp.topic, tp.partition, next_offset - 1, 0.0, 0, (), None, chunk, None, 0, 0, tp,
            generation_id=chunk.generation,
        )  # fmt: skip
        message.next_offset = next_offset
        delivery = consumer.callback(message)
        channels = consumer.app.topics._tp_index.get(tp, ())  # noqa: SLF001
        if any(channel.queue.full() for channel in channels):
            await consumer.wait_first(delivery, consumer.suspend_flow.wait())
        else:
            await delivery
        consumer._read_offset[tp] = next_offset - 1  # noqa: SLF001


class ChunkConsumer(driver.Consumer):
    """Faust's consumer, delivering chunks from where the state stands.

    Attributes:
        delivery: Decides what.
    """

    logger = LIBRARY

    chunk_max = 8000
    """Records per chunk: bounds how long the event loop is held."""
    headers_of: frozenset[str] = frozenset()
    """Topics of which the headers are needed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.delivery = Delivery(
            FaustGroup(self.app), FaustSource(self), self.app.lanes.positions, self.chunk_max,
            held=self.app.lanes.held, must_read_again=self.app.lanes.must_read_again,
        )  # fmt: skip

    def _new_consumer_thread(self) -> LeanThread:
        return LeanThread(self, loop=self.loop, beacon=self.beacon)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> list[Any]:
        return [
            tp for tp in self.delivery.acknowledged()
            if topics is None or tp in topics or tp.topic in topics
        ]  # fmt: skip

    def _new_offset(self, tp: TP) -> int | None:
        return self.delivery.take_acknowledged(tp)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let the lanes finish and commit (stock drops the acks before its last commit)."""
        self.delivery.begin_revoke()
        self.app.lanes.hurry()
        try:
            await super().on_partitions_revoked(revoked)
        finally:
            self.delivery.end_revoke()

    async def perform_seek(self) -> None:
        """Seek every source partition to what the state has applied."""
        await self.delivery.seek()

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):  # noqa: SLF001
                await self.delivery.turn()
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.app.should_stop:
                raise


def chunk_transport(
    app: Any, urls: Iterable[Any], chunk_max: int, headers_of: frozenset[str] = frozenset()
) -> Any:
    """Return the transport to be set as ``app.transport``."""
    fields = {"chunk_max": chunk_max, "headers_of": headers_of}
    consumer = type("SizedChunkConsumer", (ChunkConsumer,), fields)
    make: Callable[..., Any] = type("ChunkTransport", (driver.Transport,), {"Consumer": consumer})
    return make(list(urls), app)
