"""Doubles of aiokafka's clients, so that the product's own code writes and reads through them.

They stand in for the two classes by name, in `streams.runtime.producer` and `.recovery`.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, auto
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import InvalidProducerEpoch, ProducerFenced

from streams.runtime.columns import Columns
from tests.deterministic.client import Client
from tests.deterministic.logs import Place, Said
from tests.deterministic.loop import PROCESS

FETCH_MAX: Final = 40
"""Entries of a fetch."""


def now_ms() -> int:
    """Stands for `ticks.now_ms`: what the process of now takes for the time."""
    process = PROCESS.get()
    assert process is not None
    return process.clock_ms()


class Batch:
    """Records of one request, as `BatchBuilder` gathers them."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self._builder = self
        self._relative_offset = 0

    def append(
        self, _number: int, at_ms: int, key: bytes | None, value: bytes | None, headers: Any
    ) -> bool:
        """Take a record; there is always room."""
        self.said.append((key, value, list(headers), at_ms))
        return True

    def close(self) -> None:
        """Nothing more comes."""


class Written(NamedTuple):
    """The answer to a batch; an offset below 0 = the broker has had it before."""

    offset: int


class Stage(Enum):
    """How far a producer's transaction has come; aiokafka asserts its steps in the same way."""

    READY = auto()
    OPEN = auto()
    COMMITTING = auto()


class Producer:
    """Stands for `aiokafka.AIOKafkaProducer` with a transactional id."""

    def __init__(self, *, client: Client, transactional_id: str, **_options: object) -> None:
        self._client, self._name = client, transactional_id
        self._epoch = -1
        self._number = self._batches = 0
        self._state = Stage.READY
        self._sending: set[asyncio.Task[Written]] = set()
        self._committing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raise the fence."""
        broker = self._client.broker
        self._epoch = await self._client.call(lambda: broker.begin_epoch(self._name))

    async def stop(self) -> None:
        """Leave when what was sent is answered; what is open stays so until the fence is raised."""
        if self._sending:
            await asyncio.wait(self._sending)
        if self._committing is not None:
            self._committing.cancel()

    async def begin_transaction(self) -> None:
        """Begin; the broker hears of it with the first batch."""
        assert self._state is Stage.READY, f"a transaction begins in {self._state}"
        self._state = Stage.OPEN
        self._number += 1
        self._batches = 0

    def create_batch(self) -> Batch:
        """Return an empty batch."""
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Any:
        """Send a batch; the answer comes later, and it is sent whoever waits for that."""
        assert self._state is Stage.OPEN, f"a batch is sent in {self._state}"
        self._batches += 1
        place, batches, number = (topic, partition), self._batches, self._number
        broker, name, epoch = self._client.broker, self._name, self._epoch

        async def send() -> Written:
            return Written(
                await self._client.call(
                    lambda: broker.produce(name, epoch, number, place, batches, batch.said)
                )
            )

        task = asyncio.create_task(send())
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        task.add_done_callback(_hear)
        return asyncio.shield(task)

    async def commit_transaction(self) -> None:
        """Ask for the decision; that is done although nobody should wait for it any more.

        Raises:
            ProducerFenced: Somebody else has raised the fence.
        """
        assert self._state is Stage.OPEN, f"a transaction is committed in {self._state}"
        self._state = Stage.COMMITTING
        self._client.broker.on_commit(self._client.process)
        self._committing = asyncio.create_task(self._commit())
        self._committing.add_done_callback(_hear)
        await asyncio.shield(self._committing)

    async def _commit(self) -> None:
        broker, name, epoch, number = self._client.broker, self._name, self._epoch, self._number
        try:
            if self._batches:
                await self._client.call(lambda: broker.commit(name, epoch, number))
        except InvalidProducerEpoch as error:
            raise ProducerFenced(str(error)) from error
        self._state = Stage.READY


def _hear(task: asyncio.Task[Any]) -> None:
    """Take note of a failure, for nobody may be waiting for the task any more."""
    if not task.cancelled():
        task.exception()


class Consumer:
    """Stands for `aiokafka.AIOKafkaConsumer` without a group; reads what is committed."""

    def __init__(self, *, client: Client, **_options: object) -> None:
        self._client = client
        self._positions: dict[Place, int] = {}
        self._fetcher = self

    async def start(self) -> None:
        """Connect."""
        await self._client.call(lambda: None)

    async def stop(self) -> None:
        """Disconnect."""

    async def know(self, _topics: Iterable[str]) -> None:
        """Learn where topics lie."""
        await self._client.call(lambda: None)

    def assign(self, places: Iterable[TopicPartition]) -> None:
        """Read these."""
        self._positions = {tuple(place): 0 for place in places}

    async def seek_to_beginning(self, *places: TopicPartition) -> None:
        """Begin with the oldest record."""
        self._positions |= await self.beginning_offsets(places)

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Go on from an offset."""
        self._positions[place] = offset

    async def position(self, place: TopicPartition) -> int:
        """Return where it goes on."""
        return self._positions[place]

    async def beginning_offsets(self, places: Iterable[TopicPartition]) -> dict[Any, int]:
        """Return the first offset of each."""
        logs, wanted = self._client.broker.logs, list(places)
        return await self._client.call(lambda: {place: logs[place].begin for place in wanted})

    async def end_offsets(self, places: Iterable[TopicPartition]) -> dict[Any, int]:
        """Return up to where each may be read."""
        logs, wanted = self._client.broker.logs, list(places)
        ends = await self._client.call(lambda: {place: logs[place].stable_end for place in wanted})
        for topic in {place[0]: None for place in wanted}:
            self._client.broker.on_ends(topic)
        return ends

    def last_poll_timestamp(self, _place: TopicPartition) -> int:
        """Return when something was answered last, ms."""
        return round(asyncio.get_running_loop().time() * 1000)

    def last_stable_offset(self, place: TopicPartition) -> int:
        """Return up to where the last answer said that records are decided."""
        return self._client.broker.logs[place].stable_end

    async def getmany(self, *places: TopicPartition, timeout_ms: int) -> dict[Any, list[Any]]:
        """Return records, at once or when there are some."""
        columns = await self._fetched(places, timeout_ms / 1000)
        return {place: _rows(found) for place, found in columns.items()}

    # -- what `recovery` asks of the fetcher

    def take(self, is_wanted: Callable[[Any], bool]) -> Mapping[Any, Columns]:
        """Return what was fetched."""
        return {place: found for place, found in self._taken.items() if is_wanted(place)}

    async def wait(self, seconds: float) -> bool:
        """Fetch; False when nothing came."""
        self._taken = await self._fetched(self._positions, seconds)
        return bool(self._taken)

    _taken: Mapping[Any, Columns] = {}

    async def _fetched(self, places: Iterable[Place], seconds: float) -> dict[Any, Columns]:
        wanted = list(places)
        found = await self._client.read(lambda: self._read(wanted), seconds) or {}
        for place, columns in found.items():
            self._positions[place] = columns.next_offset
        return found

    def _read(self, places: Iterable[Place]) -> dict[Any, Columns] | None:
        found = {}
        for place in places:
            columns = self._client.broker.logs[place].read(self._positions[place], FETCH_MAX)
            if columns.next_offset > self._positions[place]:
                found[TopicPartition(*place)] = columns
        return found or None


class _Row:
    """A record, as `getmany` returns it."""

    def __init__(self, offset: int, key: bytes | None, value: bytes | None) -> None:
        self.offset, self.key, self.value = offset, key, value


def _rows(columns: Columns) -> list[Any]:
    rows = zip(columns.offsets, columns.keys, columns.values, strict=True)
    return [_Row(*row) for row in rows]


def take_fetched(fetcher: Consumer, is_wanted: Callable[[Any], bool]) -> Mapping[Any, Columns]:
    """Stands for `columns.take_fetched`."""
    taken = fetcher.take(is_wanted)
    fetcher._taken = {}
    return taken


async def wait_fetched(fetcher: Consumer, seconds: float) -> bool:
    """Stands for `columns.wait_fetched`."""
    return await fetcher.wait(seconds)
