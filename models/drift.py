"""Drift: is the world still the one that was learned? Alarms have names, and seasons are none.

What is compared are windows of whole weeks, so weekdays cancel, and of two at least, so that a week
of holidays is never most of two; the reference is the four windows before; and only what lasts for
two windows is an alarm, so that a holiday or a sale is none.

Source:
    Population stability index: Siddiqi (2006), "Credit Risk Scorecards", ch. 6 (.25 = shifted).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from models.feature_list import FEATURES, PLAIN_WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.features import F64
    from models.questions import Examples

WEEK_MS: Final = 7 * 86_400_000
WEEKS_MIN: Final = 2
REFERENCE: Final = 4
"""Windows that the newest is compared with."""
LASTS: Final = 2
"""Windows that a shift must last to be an alarm."""
PSI_ALARM: Final = 0.25
RATE_ALARM: Final = 0.5
"""Change of the log-odds of the outcome rate: .30 becomes .41."""
RATE_SIGMA: Final = 4.0
ROWS_MIN: Final = 300
"""Fewer rows in a window say nothing."""
FIRST_ROWS: Final = 500
"""Rows that the bins are laid around."""
BINS: Final = 8
SHARE_MIN: Final = 1e-3
REACH: Final = 3.0
"""Bins end at so many standard deviations of the first window."""


class Alarm(msgspec.Struct, frozen=True):
    """Something has shifted.

    Attributes:
        name: ``inputs:<group>``, ``outcome_rate``, ``error`` or ``calibration``.
        since_ms: Event time of the window that raised it, epoch ms UTC.
        value: What was measured.
        limit: From where it is an alarm.
    """

    name: str
    since_ms: int
    value: float
    limit: float


class Window(msgspec.Struct):
    """What was seen in one window, by weight: an example of a held-out user stands for others.

    Attributes:
        counts: Histogram of each feature.
        rows: Weight of what is in the histograms.
        active: Weight of the examples of users who were active.
        examples: Weight of all.
        square: Sum of the squares of the weights.
    """

    counts: list[list[float]]
    rows: float = 0.0
    active: float = 0.0
    examples: float = 0.0
    square: float = 0.0

    @property
    def worth(self) -> float:
        """How many examples of weight 1 tell as much as one of these by its weight."""
        return self.examples / self.square if self.square else 1.0


class Drift(msgspec.Struct):
    """Watches inputs and outcome rate.

    Attributes:
        span_ms: Length of a window: whole weeks, two at least, and at least H/4.
        first: The first rows, until the bins are laid.
        edges: Per feature the inner edges of its bins.
        past: The windows before, oldest first, with one that may be under suspicion.
        now: The window under way; None before the first row.
        until_ms: When it ends.
        strikes: How many windows in a row each measure has been beyond its limit.
        alarms: Those that stand, by name.
        shifts: How far each feature group of the last window had moved; empty without a reference.
    """

    span_ms: int
    first: list[list[float]] = []
    edges: list[list[float]] = []
    past: list[Window] = []
    now: Window | None = None
    until_ms: int = 0
    strikes: dict[str, int] = {}
    alarms: dict[str, Alarm] = {}
    shifts: dict[str, float] = {}

    @classmethod
    def of(cls, horizon_ms: int) -> Drift:
        """Return a watch for a horizon."""
        return cls(WEEK_MS * max(WEEKS_MIN, math.ceil(horizon_ms / 4 / WEEK_MS)))

    def see(self, examples: Examples) -> None:
        """Take examples in the order in which they matured."""
        rows = np.asarray(examples.rows[:, :PLAIN_WIDTH], np.float64)
        while len(rows):
            at_ms = float(examples.matured_at_ms[len(examples.rows) - len(rows)])
            while self.now is not None and at_ms >= self.until_ms:
                self._close()
            if self.now is None:
                self.until_ms = int(at_ms // self.span_ms + 1) * self.span_ms
                self.now = Window([])
            rest = examples.matured_at_ms[-len(rows) :]
            count = int(np.searchsorted(rest, self.until_ms))
            active, weight = examples.active[-len(rows) :], examples.weight[-len(rows) :]
            self._add(rows[:count], active[:count], weight[:count].astype(np.float64))
            rows = rows[count:]

    def _add(self, rows: F64, active: NDArray[np.bool_], weight: F64) -> None:
        """Count rows into the window under way, one by one: how they are cut must not matter."""
        assert self.now is not None
        for is_active, each in zip(active.tolist(), weight.tolist(), strict=True):
            self.now.examples += each
            self.now.active += each * is_active
            self.now.square += each * each
        if not self.edges:
            need = FIRST_ROWS - len(self.first)
            self.first += rows[:need].tolist()
            rows, weight = rows[need:], weight[need:]
            if len(self.first) < FIRST_ROWS:
                return
            self._cut(np.array(self.first))
            self.first = []
        if not len(rows):
            return
        counts = np.array(self.now.counts or np.zeros((rows.shape[1], BINS)))
        _count(counts, rows, self.edges, weight)
        self.now.counts = counts.tolist()
        for each in weight.tolist():
            self.now.rows += each

    def _cut(self, rows: F64) -> None:
        """Lay the bins of each feature around its mean."""
        middle, spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
        places = np.linspace(-REACH, REACH, BINS + 1)[1:-1]
        self.edges = (middle[:, None] + spread[:, None] * places[None, :]).tolist()

    def _close(self) -> None:
        """End the window under way and compare it with those before."""
        window, self.now = self.now, None
        assert window is not None
        at_ms = self.until_ms
        self.until_ms += self.span_ms
        if window.rows * window.worth < ROWS_MIN:
            return
        before, self.shifts = self._before(), {}
        if len(before) == REFERENCE:
            self.shifts = self._shifts(window, before)
            for group, value in self.shifts.items():
                self._judge(f"inputs:{group}", value, PSI_ALARM, at_ms)
            self._judge("outcome_rate", self._rate_shift(window, before), RATE_ALARM, at_ms)
        self.past = [*self.past, window][-REFERENCE - LASTS + 1 :]

    def _before(self) -> list[Window]:
        """Return the windows to compare with; one that is under suspicion is not among them."""
        is_open = any(0 < strikes < LASTS for strikes in self.strikes.values())
        return (self.past[: 1 - LASTS] if is_open else self.past)[-REFERENCE:]

    def _shifts(self, window: Window, before: list[Window]) -> dict[str, float]:
        """Return the mean population stability index of each feature group."""
        reference = np.sum([w.counts for w in before], axis=0)
        found = psi(np.array(window.counts), reference)
        groups: dict[str, list[float]] = {}
        for feature, value in zip(FEATURES[:PLAIN_WIDTH], found.tolist(), strict=True):
            groups.setdefault(feature.group, []).append(value)
        return {group: sum(values) / len(values) for group, values in groups.items()}

    def _rate_shift(self, window: Window, before: list[Window]) -> float:
        """Return the change of the log-odds of being active, 0 where it may be chance.

        While the alarm stands, its own windows are not taken for chance.
        """
        rates = [_log_odds(w) for w in before]
        mean = sum(rates) / len(rates)
        spread = math.sqrt(sum((rate - mean) ** 2 for rate in rates) / len(rates))
        fewer = min(window.active, window.examples - window.active) * window.worth
        noise = 1.0 / math.sqrt(max(fewer, 1.0))
        off = _log_odds(window) - mean
        spread = 0.0 if "outcome_rate" in self.alarms else spread
        is_chance = abs(off) < RATE_SIGMA * math.hypot(spread, noise)
        return 0.0 if is_chance else abs(off)

    def _judge(self, name: str, value: float, limit: float, at_ms: int) -> None:
        beyond = value > limit
        self.strikes[name] = self.strikes.get(name, 0) + 1 if beyond else 0
        if self.strikes[name] >= LASTS and name not in self.alarms:
            self.alarms[name] = Alarm(name, at_ms, round(value, 4), limit)
        elif not beyond:
            self.alarms.pop(name, None)


def psi(counts: NDArray[np.number], reference: NDArray[np.number]) -> F64:
    """Return the population stability index of each row of bins, shapes (features, bins)."""
    p = np.maximum(counts / counts.sum(axis=1, keepdims=True), SHARE_MIN)
    q = np.maximum(reference / reference.sum(axis=1, keepdims=True), SHARE_MIN)
    found: F64 = ((p - q) * np.log(p / q)).sum(axis=1)
    return found


def _count(counts: F64, rows: F64, edges: list[list[float]], weight: F64) -> None:
    """Add rows to the histogram of each feature, shape (features, BINS), in their order."""
    for column, inner in enumerate(edges):
        np.add.at(counts[column], np.searchsorted(inner, rows[:, column]), weight)


def _log_odds(window: Window) -> float:
    return math.log((window.active + 0.5) / (window.examples - window.active + 0.5))
