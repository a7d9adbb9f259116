"""The state of one user: typed for the rules, bytes in memory and in the changelog.

The bytes are ``head | ring | frozen | profile``; `versions.STATE` counts how they have changed.

head
    One little-endian float64 per `Column`: what is numeric. The heads of a chunk, joined, are the
    matrix that the model reads, so nothing is gathered.
ring
    `RING_IDS` digests of the last event ids, oldest first: the idempotency memory.
frozen
    The features of the pending example as float32, present only while ``FROZEN_AT`` is not 0.
profile
    The rest as msgpack: stage, consent, case.

Of a user who sleeps (`streams.core.sleepers`) they are packed into less than a head and a ring:
``PHASE | LAST | packed head and ring | what is behind them``.
"""

import struct
from collections.abc import Sequence
from enum import IntEnum
from operator import itemgetter
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.features import (
    FEATURES,
    RHYTHM_WIDTH,
    START_GAP_LOG_MEAN,
    START_GAP_LOG_SQUARE,
    START_GAP_MEAN,
    Rhythm,
)
from streams.core.journey_state import Profile
from streams.core.packed import pack, unpack

NEVER: Final = float("inf")
RING_IDS: Final = 8
DIGEST_BYTES: Final = 8
CASE_WAITS: Final = 2.0
"""BID of a user whose open case waits for a place."""


class BrokenStateError(Exception):
    """Bytes that are no state: somebody else wrote to the changelog, or some were lost."""


class Column(IntEnum):
    """Columns of the head behind those of `Rhythm`; every one a float64, instants in epoch ms."""

    # Written by the fold of every activity, together with the rhythm.
    EVENTS = RHYTHM_WIDTH  # activities applied
    VALUE_NET = RHYTHM_WIDTH + 1  # purchases less refunds, minor units, exact below 2^53
    VALUE_DECAYED = RHYTHM_WIDTH + 2  # the same, decayed with half-life 4H, as of LAST
    SCORED_AT = RHYTHM_WIDTH + 3  # last activity that asked for a score, 0 = none
    FROZEN_AT = RHYTHM_WIDTH + 4  # grid instant of the pending example, 0 = none
    # Written by decisions only.
    PHASE = RHYTHM_WIDTH + 5  # offset of the user's grid within a period, ms
    BAND = RHYTHM_WIDTH + 6  # risk band: 0 calm, 1 elevated, 2 high
    RISK = RHYTHM_WIDTH + 7  # P(this silence reaches H) when the band last moved
    DUE = RHYTHM_WIDTH + 8  # next action of the case, infinity = none
    CASE_AT = RHYTHM_WIDTH + 9  # when the open case was opened, 0 = none is open
    CLOSED_AT = RHYTHM_WIDTH + 10  # when the last case was closed, 0 = never
    TREATED_AT = RHYTHM_WIDTH + 11  # last touch that is not known to be unsent, 0 = none
    EXPOSED_AT = RHYTHM_WIDTH + 12  # last touch withheld for the holdout, 0 = none
    WAKES_AT = (
        RHYTHM_WIDTH + 13
    )  # number of active days from which an activity concerns the profile
    AWAY_FROM = RHYTHM_WIDTH + 14  # from here on the user is not observed, infinity = always is
    AWAY_TO = RHYTHM_WIDTH + 15  # until here, infinity = for good
    BID = RHYTHM_WIDTH + 16  # the risk that waits for a place, in steps of .05; 2 = the case does
    MATURES = RHYTHM_WIDTH + 17  # when the pending exposure is answered, infinity = none
    UNHEARD = RHYTHM_WIDTH + 18  # when a touch without a word is given up, infinity = none


WIDTH: Final = RHYTHM_WIDTH + len(Column)
LIVE_WIDTH: Final = Column.PHASE
HEAD: Final = struct.Struct(f"<{WIDTH}d")
LIVE: Final = struct.Struct(f"<{LIVE_WIDTH}d")  # what every activity changes
RING_START: Final = HEAD.size
RING_END: Final = RING_START + RING_IDS * DIGEST_BYTES
FROZEN_END: Final = RING_END + 4 * len(FEATURES)
EMPTY_RING: Final = bytes(RING_IDS * DIGEST_BYTES)

_PLACES: Final = {column.name: column.value for column in (*Rhythm, *Column)}
_PROFILE_OUT: Final = msgspec.msgpack.Encoder()
_PROFILE_IN: Final = msgspec.msgpack.Decoder(Profile)


class UserState(msgspec.Struct, frozen=True):
    """Everything that decides about one user.

    Attributes:
        head: Numbers by `Rhythm` and `Column`.
        ring: Digests of the last event ids.
        frozen: Features of the pending example, float32, or empty.
        profile: What is not numeric.
    """

    head: tuple[float, ...]
    ring: bytes = EMPTY_RING
    frozen: bytes = b""
    profile: Profile = Profile()

    def __getitem__(self, column: Rhythm | Column) -> float:
        """Return one number of the head."""
        return self.head[column]

    def having(self, profile: Profile | None = None, **numbers: float) -> "UserState":
        """Return this state with a new profile and new numbers, named by column."""
        head = list(self.head)
        for name, number in numbers.items():
            head[_PLACES[name]] = number
        return msgspec.structs.replace(
            self, head=tuple(head), profile=self.profile if profile is None else profile
        )


def blank(phase_ms: float, *, wakes_at: float = 0.0) -> UserState:
    """Return the state of a user of whom nothing is known yet."""
    head = [0.0] * WIDTH
    head[Rhythm.GAP_LOG_MEAN] = START_GAP_LOG_MEAN
    head[Rhythm.GAP_LOG_SQUARE] = START_GAP_LOG_SQUARE
    head[Rhythm.GAP_MEAN] = START_GAP_MEAN
    head[Column.PHASE] = phase_ms
    head[Column.DUE] = head[Column.MATURES] = head[Column.UNHEARD] = NEVER
    head[Column.WAKES_AT] = wakes_at
    head[Column.AWAY_FROM] = head[Column.AWAY_TO] = NEVER
    return UserState(tuple(head))


def dozing(state: UserState) -> UserState:
    """Return a user who has been silent for 2H, without what can matter no more.

    The pending example was completed long ago, and an event as old as those in the ring is refused
    for its age.
    """
    if state.ring == EMPTY_RING and not state.frozen:
        return state
    return msgspec.structs.replace(state.having(FROZEN_AT=0.0), ring=EMPTY_RING, frozen=b"")


def encode(state: UserState) -> bytes:
    """Return the changelog value of a state."""
    head = HEAD.pack(*state.head)
    assert bool(state.frozen) == bool(state.head[Column.FROZEN_AT])
    return head + state.ring + state.frozen + _PROFILE_OUT.encode(state.profile)


def decode(value: bytes) -> UserState:
    """Return the state that `encode` wrote.

    Raises:
        BrokenStateError: It wrote no such bytes.
    """
    try:
        value = full(value)
        head = HEAD.unpack_from(value)
        end = FROZEN_END if head[Column.FROZEN_AT] else RING_END
        profile = _PROFILE_IN.decode(value[end:])
    except (struct.error, ValueError, RecursionError) as error:  # msgspec's are ValueErrors
        raise BrokenStateError(f"the state of a user cannot be read: {error}") from error
    return UserState(head, value[RING_START:RING_END], value[RING_END:end], profile)


_LOOKED_AT: Final = (Column.PHASE, Rhythm.LAST)
"""What of a packed value stands before all else, to be read without unpacking."""
PACKED_START: Final = 8 * len(_LOOKED_AT)


def packed(value: bytes) -> bytes:
    """Return a value in fewer bytes; the same value where it would not become shorter enough."""
    looked_at = [value[8 * column : 8 * column + 8] for column in _LOOKED_AT]
    words = value[:RING_END]
    for column in _LOOKED_AT:
        words = words[: 8 * column] + bytes(8) + words[8 * column + 8 :]
    short = b"".join((*looked_at, pack(words, _USUAL), value[RING_END:]))
    return short if is_packed(short) else value


def is_packed(value: bytes) -> bool:
    """Return whether a changelog value is packed: no other one is that short."""
    return len(value) < RING_END


def full(value: bytes) -> bytes:
    """Return a changelog value as it is while its user is awake.

    Raises:
        BrokenStateError: It is no changelog value of a user.
    """
    if not is_packed(value):
        return value
    try:
        words, end = unpack(value, PACKED_START, _USUAL)
    except ValueError as error:
        raise BrokenStateError(f"the state of a user cannot be read: {error}") from error
    for place, column in enumerate(_LOOKED_AT):
        word = value[8 * place : 8 * place + 8]
        words = words[: 8 * column] + word + words[8 * column + 8 :]
    return words + value[end:]


_head_of: Final = itemgetter(slice(HEAD.size))


def matrix(values: Sequence[bytes]) -> NDArray[np.float64]:
    """Return the heads of many changelog values, shape (users, WIDTH), cut out of their bytes."""
    joined = b"".join(map(_head_of, values))
    assert len(joined) == HEAD.size * len(values), "a changelog value is shorter than its head"
    return np.frombuffer(joined, "<f8").reshape(-1, WIDTH)


def frozen_rows(values: Sequence[bytes]) -> NDArray[np.float32]:
    """Return the pending features of values that have some, shape (users, features)."""
    joined = b"".join([value[RING_END:FROZEN_END] for value in values])
    return np.frombuffer(joined, "<f4").reshape(-1, len(FEATURES))


_USUAL: Final = encode(blank(0.0))[:RING_END]
