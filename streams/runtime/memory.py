"""What a restore or a backlog has needed goes back to the system, where the C library can do so."""

import asyncio
import ctypes
from collections.abc import Callable
from typing import Final

GIVE_BACK_EVERY_S: Final = 60.0


def give_back() -> bool:
    """Return free pages to the system; False = this C library cannot (musl, macOS).

    glibc keeps what lies free between what is in use: after a few rebalances a worker would hold
    twice what it needs. Costs milliseconds for a hundred megabytes.
    """
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        return False
    trim(0)
    return True


async def keep_small() -> None:
    """Give back every minute, for ever."""
    while True:
        if not give_back():
            return
        await asyncio.sleep(GIVE_BACK_EVERY_S)
