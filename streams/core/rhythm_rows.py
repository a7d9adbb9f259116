"""The fold of `streams.core.rhythm` for one activity each of many users: numbers as columns.

Half the cost of the straight fold from a few dozen users on, and the same to the last bit, so that
it does not matter how many users happen to be in a round. What may not be reordered is said there:
every sum is taken in the order of the straight fold.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_digest

from models.feature_list import KIND_COLUMNS, PLAIN_KINDS
from models.features import GAP_EDGES, GAP_LEAST, SLOTS_KEPT, SLOTS_PER_HORIZON, Rhythm
from streams.core.inputs import Acted
from streams.core.rhythm import DAY_RATE_LEAST, GAP_FADE, GAP_RATE_LEAST, make_fold
from streams.core.rules import Churn
from streams.core.state import (
    DIGEST_BYTES,
    FROZEN_END,
    HEAD,
    LIVE_WIDTH,
    RING_END,
    RING_START,
    Column,
    matrix,
)
from streams.core.time import DAY_MS

F64 = NDArray[np.float64]
Frozen = Mapping[int, tuple[float, bytes]]

ROWS_MIN: Final = 16  # Fewer users than this cost less one by one.


class Acts(NamedTuple):
    """Activities as columns, each of shape (activities,).

    Attributes:
        at_ms: Event time, epoch ms.
        log_amount: log1p of the amount.
        money: Change of the net value, minor units.
        slot: Which kind it is: its place in the rules, or -1.
        is_risky: Ask for a score however short ago the last was.
        id_word: What stands for the event id, 8 bytes as a word.
    """

    at_ms: F64
    log_amount: F64
    money: F64
    slot: NDArray[np.int8]
    is_risky: NDArray[np.bool_]
    id_word: NDArray[np.uint64]

    @property
    def digests(self) -> list[bytes]:
        """What stands for the event ids, 8 bytes each."""
        found: list[bytes] = self.id_word.view("V8").tolist()
        return found

    def only(self, picked: NDArray[np.intp] | slice) -> "Acts":
        """Return some of the activities."""
        return Acts(
            self.at_ms[picked], self.log_amount[picked], self.money[picked], self.slot[picked],
            self.is_risky[picked], self.id_word[picked],
        )  # fmt: skip


def columns_of(acts: Sequence[Acted], at_ms: F64) -> Acts:
    """Return activities as columns."""
    return Acts(
        at_ms,
        np.log1p(np.array([act.amount for act in acts], np.float64)),
        np.array([act.money_minor for act in acts], np.float64),
        np.array([act.slot for act in acts], np.int8),
        np.array([act.is_risky for act in acts], bool),
        np.frombuffer(b"".join([xxh3_64_digest(act.event_id.encode()) for act in acts]), np.uint64),
    )


FoldRows = Callable[[list[bytes], F64, Acts, Frozen], tuple[list[bytes], F64]]
"""``fold_rows(values, heads, acts, frozen)``: the next value and head of each user."""

_NOTHING: Final = (0.0, b"")
_SECOND: Final = RING_START + DIGEST_BYTES  # the oldest event id leaves the ring
_DECAYS: Final = slice(Rhythm.DAYS_30TH, Rhythm.DAYS_8 + 1)
_GAPS: Final = slice(Rhythm.GAPS, Rhythm.GAP_6 + 1)
_HISTOGRAM: Final = Rhythm.GAP_0 - Rhythm.GAPS
_EDGES: Final = np.array(GAP_EDGES)


def make_fold_rows(churn: Churn) -> FoldRows:
    """Return the fold of many users for a churn definition.

    The fold takes changelog values of different users, their heads (users, WIDTH), one activity of
    each, and by place what the activity freezes.
    """
    fold = make_fold(churn)
    columns = _Columns(churn)

    def one(place: int, value: bytes, acts: Acts, frozen: Frozen) -> bytes:
        grid_ms, features = frozen.get(place, _NOTHING)
        return fold(
            value, acts.at_ms.item(place), acts.log_amount.item(place), int(acts.money[place]),
            acts.slot.item(place), acts.is_risky.item(place), acts.digests[place],
            grid_ms, features,
        )  # fmt: skip

    def fold_rows(
        values: list[bytes], heads: F64, acts: Acts, frozen: Frozen
    ) -> tuple[list[bytes], F64]:
        if len(values) < ROWS_MIN:
            alone = [one(place, value, acts, frozen) for place, value in enumerate(values)]
            return alone, matrix(alone)
        frozen_at = np.zeros(len(values))
        for place, (grid_ms, _) in frozen.items():
            frozen_at[place] = grid_ms
        is_late = (heads[:, Rhythm.LAST] > acts.at_ms) & (heads[:, Column.EVENTS] > 0.0)
        next_heads = columns.folded(heads, acts, frozen_at)
        joined, size = next_heads.tobytes(), HEAD.size
        folded = [
            b"".join(
                (joined[begin : begin + size], value[_SECOND:RING_END], digest, value[RING_END:])
            )
            for begin, value, digest in zip(
                range(0, size * len(values), size), values, acts.digests, strict=True
            )
        ]
        for place, (_, features) in frozen.items():
            kept = FROZEN_END if heads[place, Column.FROZEN_AT] else RING_END
            folded[place] = b"".join((folded[place][:RING_END], features, values[place][kept:]))
        late = np.flatnonzero(is_late)
        if len(late):
            for place in late.tolist():
                folded[place] = one(place, values[place], acts, frozen)
            next_heads[late] = matrix([folded[place] for place in late.tolist()])
        return folded, next_heads

    return fold_rows


class _Columns:
    """The numbers of the fold, for activities that are not late."""

    def __init__(self, churn: Churn) -> None:
        self._slow = 1.0 / (8.0 * float(churn.horizon_ms))
        self._unit = float(churn.period_ms)
        self._slot_ms = float(churn.horizon_ms) / SLOTS_PER_HORIZON
        self._rescore = churn.rescore_ms
        kinds = max(len(churn.kinds), PLAIN_KINDS)
        self._kinds = tuple(enumerate(KIND_COLUMNS[:kinds]))

    def folded(self, heads: F64, acts: Acts, frozen_at: F64) -> F64:
        """Return the next heads, shape (users, WIDTH)."""
        at = acts.at_ms
        c = heads[:, :LIVE_WIDTH].T.copy()
        fresh = c[Column.EVENTS] == 0.0
        last = np.where(fresh, at, c[Rhythm.LAST])
        np.copyto(c[Rhythm.FIRST], at, where=fresh)
        since = at - last
        new_day = np.floor(at / DAY_MS) != np.floor(last / DAY_MS)
        new_day |= c[Rhythm.ACTIVE_DAYS] == 0.0
        self._sum(c, since, acts)
        self._gap(c, since, np.flatnonzero(new_day & (c[Rhythm.ACTIVE_DAYS] > 0.0)))
        c[_DECAYS] += new_day
        c[Rhythm.ACTIVE_DAYS] += new_day
        c[Rhythm.DAY_EVENTS] *= ~new_day
        c[Rhythm.DAY_EVENTS] += 1.0
        passed = np.floor_divide(at, self._slot_ms) - np.floor_divide(last, self._slot_ms)
        slots = c[Rhythm.SLOTS].astype(np.int64)
        slots <<= np.clip(passed, 0, SLOTS_KEPT).astype(np.int64)
        c[Rhythm.SLOTS] = slots & ((1 << SLOTS_KEPT) - 1) | 1
        c[Rhythm.LAST] = at
        asked = at - c[Column.SCORED_AT] >= self._rescore
        asked |= acts.is_risky
        np.copyto(c[Column.SCORED_AT], at, where=asked)
        np.copyto(c[Column.FROZEN_AT], frozen_at, where=frozen_at != 0.0)
        out = heads.copy()
        out[:, :LIVE_WIDTH] = c.T
        return out

    def _sum(self, c: F64, since: F64, acts: Acts) -> None:
        """Let the sums decay and add the activity."""
        x8 = np.exp2(-np.abs(since) * self._slow)
        x4 = x8 * x8
        x2 = x4 * x4
        x1 = x2 * x2
        xhalf = x1 * x1
        x10th = xhalf * xhalf
        x10th = x10th * (x10th * xhalf)
        x30th = x10th * x10th * x10th
        c[_DECAYS] *= np.stack((x30th, x10th, xhalf, x1, x2, x4, x8))
        for column, decay, more in (
            (Rhythm.EVENTS_30TH, x30th, 1.0), (Rhythm.EVENTS_8, x8, 1.0),
            (Rhythm.AMOUNT_1, x1, acts.log_amount), (Rhythm.AMOUNT_4, x4, acts.log_amount),
            *((column, x1, acts.slot == slot) for slot, column in self._kinds),
            (Column.VALUE_DECAYED, x4, acts.money),
        ):  # fmt: skip
            c[column] *= decay
            c[column] += more
        c[Column.VALUE_NET] += acts.money
        c[Column.EVENTS] += 1.0

    def _gap(self, c: F64, since: F64, places: NDArray[np.intp]) -> None:
        """Take note of the gap before a new active day, and of the day before it."""
        if not len(places):
            return
        gap = np.maximum(since[places] / self._unit, GAP_LEAST)
        log_gap = np.log(gap)
        g = c[_GAPS, places]
        g[0] += 1.0
        rate = np.maximum(1.0 / (g[0] + 1.0), GAP_RATE_LEAST)
        g[1] += rate * (log_gap - g[1])
        g[2] += rate * (log_gap * log_gap - g[2])
        g[3] += rate * (gap - g[3])
        g[_HISTOGRAM:] *= GAP_FADE
        g[_HISTOGRAM + np.searchsorted(_EDGES, gap, side="right"), np.arange(len(places))] += 1.0
        c[_GAPS, places] = g
        was = c[Rhythm.DAY_LOG_MEAN, places]
        rate = np.maximum(1.0 / c[Rhythm.ACTIVE_DAYS, places], DAY_RATE_LEAST)
        day = np.log1p(c[Rhythm.DAY_EVENTS, places])
        c[Rhythm.DAY_LOG_MEAN, places] = was + rate * (day - was)
