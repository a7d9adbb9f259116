"""What a restore or a backlog has needed goes back to the system, where the C library can do so."""

import asyncio
import ctypes
import sys
from collections.abc import Callable
from typing import Final

GIVE_BACK_EVERY_S: Final = 60.0
BLOCK_BYTES: Final = 80
"""Of a small object, on average: 597,179 of a worker under load had 47,992,448 B."""


class _Allocated(ctypes.Structure):
    """What glibc says of its memory (malloc.h, ``struct mallinfo2``)."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
            "fordblks", "keepcost",
        )
    )  # fmt: skip


def in_use_bytes() -> int | None:
    """Return how much memory is in use; None = this C library does not say (musl).

    What is resident also has room that lies free between what is in use: it grows to what the
    largest backlog took and stays there, so a leak does not show in it for hours. Small objects,
    which Python keeps in arenas of its own, are counted at `BLOCK_BYTES` each.
    """
    look = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if look is None:
        return None
    look.restype = _Allocated
    found = look()
    return int(found.uordblks) + int(found.hblkhd) + BLOCK_BYTES * sys.getallocatedblocks()


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
