"""Events of a population that stays as large as it is, for as long as one likes.

Each user is awake for a while, then silent for longer than the churn horizon, then back: after one
such cycle as many leave as return, states are as large as they get, cases open and close.
"""

import asyncio
import time
from typing import Final

import msgspec
import numpy as np

from benchmarks.workload import user_id
from streams.core.partitioner import partition_of
from streams.replay.events import NativeEvent
from streams.runtime.publisher import Publisher
from winback_sender.cluster import Cluster
from winback_sender.errors import Unavailable

START_MS: Final = 1_420_070_400_000  # 2015: event time must not be in the future.
DAY_MS: Final = 86_400_000
CYCLE_DAYS: Final = 75
AWAKE_SHARE: Final = 0.5
"""Awake for 37 days, silent for as many: more than the 30 of the horizon."""
DAYS_PER_S: Final = 0.5
"""So a cycle takes 150 s."""
BEAT_S: Final = 0.05
KINDS: Final = np.array(["view"] * 17 + ["purchase"] * 2 + ["complaint"])

_ENCODER: Final = msgspec.json.Encoder()


class Population:
    """A stream of events at a constant rate.

    Args:
        users: How many.
        partitions: Of the topic.
        rate: Events per second.
        seed: Same seed, same events.
    """

    def __init__(self, users: int, partitions: int, rate: int, seed: int) -> None:
        self.rate = rate
        self.fed = 0
        self._chance = np.random.default_rng(seed)
        self._names = [user_id(number) for number in range(users)]
        self._parts = [partition_of(name, partitions) for name in self._names]
        self._phases = self._chance.random(users)

    def records(self, count: int, at_s: float) -> dict[int, list[tuple[bytes, bytes]]]:
        """Return the events of an instant, by partition.

        Args:
            count: How many.
            at_s: Seconds of real time since the population began.
        """
        day = at_s * DAYS_PER_S
        at_ms = START_MS + int(day * DAY_MS)
        is_awake = (day / CYCLE_DAYS + self._phases) % 1.0 < AWAKE_SHARE
        chosen = self._chance.choice(np.flatnonzero(is_awake), count)
        kinds = self._chance.choice(KINDS, count)
        found: dict[int, list[tuple[bytes, bytes]]] = {}
        for who, kind in zip(chosen.tolist(), kinds.tolist(), strict=True):
            self.fed += 1
            name = self._names[who]
            paid = 20.0 + who % 50 if kind == "purchase" else None
            event = NativeEvent(f"s:{self.fed}", name, kind, at_ms, paid)
            found.setdefault(self._parts[who], []).append((name.encode(), _ENCODER.encode(event)))
        return found

    async def run(self, bootstrap: str, until: asyncio.Event) -> None:
        """Publish until told to stop; what an absent broker held up follows at once."""
        began_s = time.monotonic()
        while not until.is_set():
            try:
                await self._publish(bootstrap, until, began_s)
            except Unavailable:  # For longer than a batch may wait; what it held is not sent again.
                await asyncio.sleep(1.0)

    async def _publish(self, bootstrap: str, until: asyncio.Event, began_s: float) -> None:
        async with Publisher(Cluster((bootstrap,)), "user-activity") as publisher:
            while not until.is_set():
                at_s = time.monotonic() - began_s
                owed = min(int(at_s * self.rate) - self.fed, self.rate)
                if owed > 0:
                    for partition, records in self.records(owed, at_s).items():
                        await publisher.send(partition, records)
                await asyncio.sleep(BEAT_S)
