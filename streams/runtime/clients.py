"""aiokafka's clients, where a broker that goes away at the wrong moment is too much for them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, NodeNotReadyError

Lookup = Callable[[int, str], Awaitable[int]]
"""Kind and key of a coordinator to the number of its node."""


class PatientProducer(AIOKafkaProducer):
    """A producer that lives through a connection that closes while it asks for a coordinator.

    aiokafka waits for a node that is not ready, but gives up its sender, and all that it was to
    send, when the broker goes away between that question and the answer.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.client.coordinator_lookup = _patient(self.client.coordinator_lookup)


def _patient(lookup: Lookup) -> Lookup:
    async def look(kind: int, key: str) -> int:
        try:
            return await lookup(kind, key)
        except KafkaConnectionError as error:
            raise NodeNotReadyError(str(error)) from error

    return look


async def ended(ending: Awaitable[None]) -> bool:
    """Await the end of a consumer; False = it got stuck half-way, and its client is to be closed.

    aiokafka cancels its fetches and awaits them; one that was waiting to ask an absent broker again
    lets its cancellation out, where it looks as if we had been cancelled ourselves.
    """
    task = asyncio.current_task()
    assert task is not None
    try:
        await ending
    except asyncio.CancelledError:
        if task.cancelling():
            raise
        return False
    return True


class Reader(AIOKafkaConsumer):
    """A consumer whose end is never taken for a cancellation of whoever ends it."""

    async def know(self, topics: Iterable[str]) -> None:
        """Learn where topics lie; else each is learned of by a question that fails, and a pause."""
        await self._client.set_topics(topics)

    async def stop(self) -> None:
        """Disconnect."""
        if not await ended(super().stop()):
            await self._client.close()
