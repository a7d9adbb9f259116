"""Taking in a state file: read and checked in a thread, decoded where the engines are."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

from streams.core.stored import Part, Stored
from streams.runtime.state_format import BrokenFileError, Reading, ours_of, part_of

Run = Callable[..., Coroutine[Any, Any, Any]]
"""Runs what waits for the disk, as `asyncio.to_thread` does."""


async def rest_of(reading: Reading, run: Run) -> Stored:
    """Return what stands in a file behind its head.

    Decoded here and not in the thread: what a thread makes lies in an arena of its own, for which
    the system is asked page by page; that is half as much again, and others wait for it.

    Raises:
        BrokenFileError: It is not whole.
        OSError: It cannot be read.
    """
    parts: list[Part] = []
    count = 0
    async with aclosing(_payloads(reading, run)) as frames:
        ours = ours_of(await anext(frames))
        async for payload in frames:
            part = part_of(payload, count)
            if part is None:
                return Stored(ours, parts)
            parts.append(part)
            count += len(part[0])
    raise BrokenFileError("it ends early")


def _note(task: asyncio.Task[memoryview]) -> None:
    if not task.cancelled():
        task.exception()  # The frame before it was broken already.


async def _payloads(reading: Reading, run: Run) -> AsyncGenerator[memoryview, None]:
    """Yield what is in the frames, each while the next one is read."""
    ahead: asyncio.Task[memoryview] | None = asyncio.create_task(run(reading.payload))
    try:
        while ahead is not None:
            payload = await ahead
            ahead = asyncio.create_task(run(reading.payload)) if reading.has_more else None
            yield payload
    finally:
        if ahead is not None:
            ahead.cancel()
            ahead.add_done_callback(_note)
