"""Strides: how much is done before the event loop gets its turn.

A commit under way, a heartbeat and ``/health`` wait for the end of a stride. Results do not depend
on where one ends. Where timers are many, a record or a minute can cost a thousand times the usual.
"""

import asyncio
from typing import Final

TURNS: Final = 5
"""Turns of the event loop after each stride: a commit under way needs a few for a round trip."""
STRIDE_S: Final = 0.1


class Stride:
    """The amount that takes about STRIDE_S of CPU: records, or milliseconds of event time.

    Args:
        size_min: Less costs more for each: the core's rounds have a fixed price.
        size_max: More could hold the event loop for too long when it was easy until now.
        size: To begin with.
    """

    def __init__(self, size_min: int, size_max: int, size: int) -> None:
        assert 0 < size_min <= size <= size_max
        self.size = size
        self._size_min, self._size_max = size_min, size_max

    def adapt(self, done: int, seconds: float) -> None:
        """Learn from so much that took so much CPU; change by a factor of two at most."""
        if done:
            fitting = int(done * STRIDE_S / max(seconds, 1e-6))
            wanted = min(max(fitting, self.size // 2), self.size * 2)
            self.size = min(max(wanted, self._size_min), self._size_max)


async def give_turns() -> None:
    """Let everything else that is ready go on."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def wait_at_most(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, or until the time is over."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
