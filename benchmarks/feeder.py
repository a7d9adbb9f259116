"""A feeder that costs next to nothing: all batches lie ready before the first one is sent.

Event times are the instants at which the batches will be sent, so the begin is set beforehand, far
enough ahead that everything is encoded by then.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, Self

import msgspec
from aiokafka import AIOKafkaProducer

from streams.core.partitioner import Partitioner
from streams.replay.events import NativeEvent

BEAT_S: Final = 0.01
LEAD_S: Final = 3.0
LEAD_US: Final = 15.0
"""For each event, on a busy core."""
BATCH_BYTES: Final = 900_000

Rows = list[tuple[str, str]]
"""User and kind of event."""


class Beat(NamedTuple):
    """What is sent at one instant: closed batches, with their partitions."""

    at_s: float
    batches: list[tuple[int, Any]]


class Feeder:
    """Sends what it was given, beat by beat; ``async with`` connects.

    Attributes:
        partitions: Of the topic.
        sent: Events sent so far.
        late_ms: By how much the latest beat was late.
    """

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self._topic, self.partitions = topic, partitions
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks=1, max_batch_size=BATCH_BYTES
        )
        self._partition = Partitioner(partitions)
        self._encode = msgspec.json.Encoder().encode
        self._count = 0
        self.sent, self.late_ms = 0, 0.0

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._producer.stop()

    def build(self, beats: Iterable[Rows], events: int) -> list[Beat]:
        """Return beats ready to be sent, the first one soon.

        Args:
            beats: What happens at each.
            events: How many about, in all.

        Raises:
            TimeoutError: The machine is so busy that the first is late.
        """
        lead_s = LEAD_S + events * LEAD_US / 1e6
        began_s = time.time() + lead_s
        built = [self._beat(began_s + number * BEAT_S, rows) for number, rows in enumerate(beats)]
        if time.time() > began_s:
            raise TimeoutError(f"{events:,} events were not encoded within {lead_s:.0f} s")
        return built

    def _beat(self, at_s: float, rows: Rows) -> Beat:
        at_ms = round(at_s * 1e3)
        parts: defaultdict[int, Any] = defaultdict(self._producer.create_batch)
        for user, kind in rows:
            self._count += 1
            value = self._encode(NativeEvent(f"live:{self._count}", user, kind, at_ms))
            batch = parts[self._partition[user]]
            fits = batch.append(key=user.encode(), value=value, timestamp=at_ms)
            assert fits is not None, "a beat is no more than a batch"
        for batch in parts.values():
            batch.close()
        return Beat(at_s, list(parts.items()))

    async def run(self, beats: list[Beat]) -> None:
        """Send each beat at its instant."""
        for at_s, batches in beats:
            await asyncio.sleep(max(0.0, at_s - time.time()))
            self.late_ms = max(self.late_ms, (time.time() - at_s) * 1e3)
            for partition, batch in batches:
                self.sent += batch.record_count()
                await self._producer.send_batch(batch, self._topic, partition=partition)
