"""Who sleeps: users without a timer, packed, by id.

Beyond 2H of silence nothing happens to a user until somebody says something. Such users have no
row, no deadline and no place in any matrix, so time that passes costs nothing for them; whoever is
spoken of is woken. What a user is and does is the same, asleep or awake.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.features import Rhythm
from streams.core.rounds import BLOCK, blocks
from streams.core.state import (
    NEVER,
    PACKED_START,
    RING_END,
    WIDTH,
    BrokenStateError,
    Column,
)

F64 = NDArray[np.float64]

_WORDS: Final = RING_END // 8
_LEAST: Final = PACKED_START + (_WORDS + 1) // 2
_SIZES: Final = np.array([*range(9), *[0] * 7])


class LookedAt(NamedTuple):
    """What can be read of sleepers without unpacking; shape (users,).

    Attributes:
        user_ids: Who they are.
        phase: Offset of the grid, ms.
        last: Last activity, epoch ms.
    """

    user_ids: list[str]
    phase: F64
    last: F64


class Sleepers(dict[str, bytes]):
    """User id to packed changelog value."""

    def load(self, user_ids: list[str], values: list[bytes]) -> tuple[list[str], list[bytes]]:
        """Take those who sleep, and return the others.

        Raises:
            BrokenStateError: A value is shorter than it says.
        """
        lengths = np.fromiter(map(len, values), np.intp, len(values))
        is_asleep = lengths < RING_END
        if not is_asleep.any():
            return user_ids, values
        for places in blocks(np.flatnonzero(is_asleep)):
            packed = [values[place] for place in places.tolist()]
            _check(packed, lengths[places])
            self.update(zip([user_ids[place] for place in places.tolist()], packed, strict=True))
        awake = np.flatnonzero(~is_asleep).tolist()
        return [user_ids[place] for place in awake], [values[place] for place in awake]

    def looked_at(self) -> Iterator[LookedAt]:
        """Yield all of them, in parts."""
        for user_ids in _parts(self):
            joined = b"".join([self[user_id][:PACKED_START] for user_id in user_ids])
            phase, last = np.frombuffer(joined, "<f8").reshape(-1, 2).T
            yield LookedAt(user_ids, phase, last)


def may_sleep(head: F64, limit_ms: float, fired_ms: float) -> bool:
    """Return whether a user without a deadline is one of whom nothing is open.

    Args:
        head: Shape (WIDTH,).
        limit_ms: 2H.
        fired_ms: Every timer up to here has fired.
    """
    assert head.shape == (WIDTH,)
    is_silent = not head[Column.EVENTS] or head[Rhythm.LAST] + limit_ms <= fired_ms
    is_done = not head[Column.BID] and not head[Column.CASE_AT]
    return bool(is_silent and is_done and head[Column.AWAY_FROM] == NEVER)


def _check(values: list[bytes], lengths: NDArray[np.intp]) -> None:
    shortest = int(lengths.min())
    if shortest < _LEAST:
        raise BrokenStateError(f"the state of a user has {shortest} bytes: too few")
    joined = b"".join([value[PACKED_START:_LEAST] for value in values])
    codes = np.frombuffer(joined, np.uint8).reshape(len(values), -1)
    sizes = _SIZES[codes >> 4].sum(1) + _SIZES[codes & 15].sum(1)
    if (_LEAST + sizes >= lengths).any():
        raise BrokenStateError("the state of a user has fewer bytes than it says")


def _parts(user_ids: Iterable[str]) -> Iterator[list[str]]:
    """Yield ids in parts of at most `BLOCK`."""
    every = iter(user_ids)
    while part := list(islice(every, BLOCK)):
        yield part
