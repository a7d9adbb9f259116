"""The connection of one process to the broker, which asks again when no answer comes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from aiokafka.errors import KafkaTimeoutError

from tests.deterministic.broker import BACK_OFF_S, Again, Broker, LostError
from tests.deterministic.loop import PROCESS, Process

T = TypeVar("T")

PATIENCE_S: Final = 60.0


class Client:
    """The connection of one process to the broker; stands for a `Cluster` of the product."""

    def __init__(self, broker: Broker, process: Process) -> None:
        self.broker, self.process = broker, process

    def options(self) -> dict[str, Any]:
        """Return what the doubles of aiokafka's clients are made with."""
        return {"client": self}

    async def call(self, do: Callable[[], T]) -> T:
        """Ask until an answer comes.

        Raises:
            KafkaTimeoutError: None came in a minute.
        """
        assert PROCESS.get() is self.process
        loop = asyncio.get_running_loop()
        until_s = loop.time() + PATIENCE_S
        while True:
            try:
                return await self.broker.ask(do)
            except Again:
                pass
            except LostError:
                if loop.time() > until_s:
                    raise KafkaTimeoutError("the broker is away") from None
            await asyncio.sleep(BACK_OFF_S)

    async def read(self, do: Callable[[], T | None], patience_s: float) -> T | None:
        """Ask for records; when there are none, the broker waits for some, but not for ever."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + patience_s
        while True:
            found = await self.call(do)
            if found is not None:
                return found
            while do() is None:
                left_s = until_s - loop.time()
                if left_s <= 0:
                    return None
                await _first(self.broker.news.wait(), left_s)


async def _first(waiting: Awaitable[object], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await waiting
    except TimeoutError:
        return
