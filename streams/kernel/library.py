"""The kernel as Python sees it: a library that is loaded once, if it is there and not unwanted.

Without it nothing is missing but speed: who asks for the kernel has a twin in Python that does the
same, to the last bit. ``WINBACK_NATIVE=off`` asks for the twins.
"""

import ctypes
from collections.abc import Sequence
from ctypes import byref, c_double, c_int64, c_void_p
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.kernel.loading import address, function, loaded
from streams.kernel.build import ROOM

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
Rows = NDArray[np.intp]

TAKEN, TWICE, LATE, NEW_DAY, ASKS, FREEZES = 1, 2, 4, 8, 16, 32
"""As in ``fold.c``: what an activity is."""
ASK, ACT, IGNORED = 0, 1, 2
"""As in ``read.c``: of what kind an event is."""
DONE, TIMER, MORE = 0, 1, 2
"""As in ``fold.c``: why a user gets no further."""


class RuleNumbers(ctypes.Structure):
    """The numbers of the rules, as in ``fold.c``."""

    _fields_ = (
        *((name, c_double) for name in (
            "unit", "slot_ms", "rescore", "period", "horizon", "limit", "check", "backstop",
            "alert_days",
        )),
        ("kinds", c_int64),
        ("answers", c_int64),
    )  # fmt: skip


class Table:
    """Columns whose addresses a C structure of pointers holds, in its order."""

    def __init__(self, *columns: Any) -> None:
        self._columns = columns  # They live as long as their addresses.
        self.addresses = (c_void_p * len(columns))(*map(address, columns))


class Followed(NamedTuple):
    """What users came to; by place in the order of inputs, or by user.

    Attributes:
        what: By place: what the activity is; 0 = it was not reached.
        since: By place: ms after the last one.
        day: By place: events that the active day had before.
        deadline: By user, epoch ms.
        grid: By user, epoch ms.
        taken: By user: inputs that were done.
        why: By user: why no more.
    """

    what: U8
    since: F64
    day: F64
    deadline: F64
    grid: F64
    taken: I64
    why: U8


class Group(NamedTuple):
    """Users, and which inputs are theirs.

    Attributes:
        order: Places of inputs, user by user.
        starts: Shape (users + 1,): where each one's begin in the order.
        value_starts: Shape (users,): where each one's changelog value begins among ``values``.
        values: Changelog values, one behind the other.
    """

    order: I64
    starts: I64
    value_starts: I64
    values: U8


class Kernel:
    """The functions of the library."""

    def __init__(self, library: ctypes.CDLL) -> None:
        follows = (c_void_p, c_void_p, c_int64, *[c_void_p] * 12)
        self._follow = function(library, "follow", *follows)
        self._fold = function(library, "fold", *follows)
        self._read = function(library, "read", c_void_p, c_int64, *[c_void_p] * 6)
        self._deadlines = function(library, "deadlines", c_void_p, c_int64, *[c_void_p] * 3)

    def follow(
        self, rules: RuleNumbers, inputs: Table, group: Group, most_taken: I64, deadline: F64,
        grid: F64,
    ) -> Followed:  # fmt: skip
        """Find out how far users get, and what their activities are."""
        count, places = len(group.value_starts), len(group.order)
        found = Followed(
            np.zeros(places, np.uint8), np.zeros(places), np.zeros(places), deadline.copy(),
            grid.copy(), np.empty(count, np.int64), np.empty(count, np.uint8),
        )  # fmt: skip
        self._follow(
            byref(rules), inputs.addresses, count, *map(address, group), address(most_taken),
            address(found.deadline), address(found.grid), address(found.what),
            address(found.since), address(found.day), address(found.taken),
            address(found.why),
        )  # fmt: skip
        return found

    def fold(
        self, rules: RuleNumbers, inputs: Table, group: Group, found: Followed,
        powers: tuple[F64, F64, F64], width: int,
    ) -> tuple[F64, F64]:  # fmt: skip
        """Do the sums of what was followed, in the values of the group.

        Args:
            rules: Their numbers.
            inputs: Columns of a chunk.
            group: Users; changed.
            found: What `follow` found.
            powers: By place: 2^(-|since|/8H), logarithm of the gap, log1p of the day.
            width: Numbers of a head.

        Returns:
            Heads behind what asks for a score, and before what freezes an example, in the order.
        """
        asked = np.empty((int(np.count_nonzero(found.what & ASKS)), width))
        frozen = np.empty((int(np.count_nonzero(found.what & FREEZES)), width))
        self._fold(
            byref(rules), inputs.addresses, len(group.value_starts), *map(address, group),
            address(found.taken), address(found.what), address(found.since),
            *map(address, powers), address(asked), address(frozen),
        )  # fmt: skip
        return asked, frozen

    def deadlines(self, rules: RuleNumbers, heads: F64, after_ms: F64) -> F64:
        """Return the next deadline of users of whom nothing is missing, shape (users,)."""
        found = np.empty(len(heads))
        self._deadlines(byref(rules), len(heads), address(heads), address(after_ms), address(found))
        return found

    def read(
        self, plans: "Plans", keys: Sequence[bytes], values: Sequence[bytes], stamps_ms: I64
    ) -> "Told":
        """Read native events into columns."""
        count = len(values)
        told = Told(
            np.zeros(count), np.zeros(count), np.zeros(count), np.full(count, -1, np.int64),
            np.zeros(count, np.uint64), np.empty(count, np.uint8),
        )  # fmt: skip
        key_texts, key_ends = _joined(keys), _ends(keys)
        texts, ends = _joined(values), _ends(values)
        self._read(
            byref(plans.structure), count, address(key_texts), address(key_ends),
            address(texts), address(ends), address(stamps_ms), Table(*told).addresses,
        )  # fmt: skip
        return told


class Told(NamedTuple):
    """What records say, by place.

    Attributes:
        at_ms: Event time.
        amount: Size of the activity.
        money: Change of the net value, minor units.
        plan: Number of the event's name; behind all names: it is another one.
        id_word: What stands for the event id.
        kind: `ASK`, `ACT` or `IGNORED`; of what is to be asked, nothing else is said.
    """

    at_ms: F64
    amount: F64
    money: F64
    plan: I64
    id_word: NDArray[np.uint64]
    kind: U8


class Plans:
    """What the rules say of the names of events, as ``read.c`` takes it.

    Args:
        names: Of events, in UTF-8.
        kinds: Of each, and behind them of all others: `ASK`, `ACT` or `IGNORED`.
        signs: Likewise: the sign of its money; 0 = its amount is a count.
        minor_units: Of one major unit.
        far_ms: No event lies beyond.
        currency: That of the rules, in UTF-8.
    """

    class _Structure(ctypes.Structure):
        _fields_ = (
            ("names", c_int64), ("texts", c_void_p), ("ends", c_void_p), ("kinds", c_void_p),
            ("signs", c_void_p), ("minor_units", c_double), ("far_ms", c_int64),
            ("currency", c_void_p), ("currency_size", c_int64),
        )  # fmt: skip

    def __init__(
        self, names: Sequence[bytes], kinds: Sequence[int], signs: Sequence[float],
        minor_units: float, far_ms: int, currency: bytes,
    ) -> None:  # fmt: skip
        self._columns = (
            np.frombuffer(b"".join(names), np.uint8), _ends(names), np.array(kinds, np.uint8),
            np.array(signs, np.float64), np.frombuffer(currency, np.uint8),
        )  # fmt: skip
        texts, ends, each, sign, money = map(address, self._columns)
        self.structure = self._Structure(
            len(names), texts, ends, each, sign, minor_units, far_ms, money, len(currency)
        )


def laid(values: Sequence[bytes]) -> tuple[I64, U8]:
    """Return where each value begins among all of them, and them, to be written to."""
    ends = _ends(values)
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
    return starts, np.frombuffer(bytearray().join(values), np.uint8)


def _joined(texts: Sequence[bytes]) -> U8:
    return np.frombuffer(b"".join(texts), np.uint8)


def _ends(texts: Sequence[bytes]) -> I64:
    return np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))


@cache
def _loaded() -> tuple[Kernel | None, str]:
    library, why = loaded(ROOM)
    return (None if library is None else Kernel(library)), why


def kernel() -> Kernel | None:
    """Return the kernel; None = the twins do its work."""
    return _loaded()[0]


def why_not() -> str:
    """Return why there is no kernel; empty = there is one."""
    return _loaded()[1]
