"""Calibration on matured outcomes: measured always, corrected only behind a guard.

A calibrator learns from outcomes that are H old. It helps where a bias lasts longer than H, and
ruins where it does not. So the calibrated value is used only while what it *said at the time* has
been better than the raw value, on outcomes that nobody had seen then.

Source:
    Platt (1999), "Probabilistic outputs for support vector machines"; Naeini, Cooper & Hauskrecht
    (2015), AAAI, for the expected calibration error; here over bins of equal mass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from models.evidence import Evidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.features import F64

FIT_ROWS: Final = 2_000
GUARD_ROWS: Final = 3_000
FIT_ROWS_MIN: Final = 500
GUARD_ROWS_MIN: Final = 1_000
LOGIT_MAX: Final = 15.0
EXPONENT_MAX: Final = 700.0  # Of e, before it overflows.
RIDGE: Final = 1.0  # Pulls toward leaving the value alone, by about one row.
STEPS: Final = 16
HALVINGS: Final = 30
BINS: Final = 10


class Platt(NamedTuple):
    """calibrated = sigmoid(shift + slope logit(raw))."""

    shift: float = 0.0
    slope: float = 1.0

    def __call__(self, probability: F64) -> F64:
        """Return the calibrated probabilities, shape (n,); 0 and 1 stay what they are."""
        if self == IDENTITY:
            return probability
        said = sigmoid(self.shift + self.slope * logit(probability))
        return np.where((probability <= 0.0) | (probability >= 1.0), probability, said)


IDENTITY: Final = Platt()


def logit(probability: F64) -> F64:
    """Return log-odds, within +-15."""
    inside = np.minimum(np.maximum(probability, 1e-15), 1.0 - 1e-15)
    odds = np.log(inside) - np.log1p(-inside)
    limited: F64 = np.minimum(np.maximum(odds, -LOGIT_MAX), LOGIT_MAX)
    return limited


def sigmoid(logits: F64) -> F64:
    """Return probabilities of log-odds."""
    return 1.0 / (1.0 + np.exp(np.minimum(-logits, EXPONENT_MAX)))


def fit(probability: F64, happened: NDArray[np.bool_], weight: F64 | None = None) -> Platt:
    """Return the calibration of maximum likelihood, by Newton's method with a little ridge.

    It keeps the order: a slope that is not positive says that the order is wrong, and then there
    is nothing to calibrate.
    """
    z = logit(probability)
    y = happened.astype(np.float64)
    w = np.ones(len(z)) if weight is None else weight
    found = np.array([0.0, 1.0])
    cost = _cost(found, z, y, w)
    for _ in range(STEPS):
        said = sigmoid(found[0] + found[1] * z)
        off, curve = w * (said - y), w * said * (1.0 - said)
        gradient = np.array([off.sum(), off @ z]) + RIDGE * (found - (0.0, 1.0))
        cross = curve @ z
        hessian = np.array([[curve.sum() + RIDGE, cross], [cross, curve @ (z * z) + RIDGE]])
        step = np.linalg.solve(hessian, gradient)
        if (found - step == found).all():
            break  # Nothing would ever change again.
        before = cost
        for _ in range(HALVINGS):  # A whole step may overshoot where everything is nearly certain.
            cost = _cost(found - step, z, y, w)
            if cost <= before:
                break
            step *= 0.5
        else:
            cost = _cost(found - step, z, y, w)
        found -= step
    shift, slope = found.tolist()
    return Platt(shift, slope) if slope > 0.0 else IDENTITY


def _cost(found: F64, z: F64, y: F64, w: F64) -> float:
    """Return the negative log-likelihood with the ridge."""
    logits = found[0] + found[1] * z
    ridge = found[0] ** 2 + (found[1] - 1.0) ** 2
    return float((w * (np.logaddexp(0.0, logits) - y * logits)).sum() + 0.5 * RIDGE * ridge)


def ece(
    said: F64, happened: NDArray[np.bool_], bins: int = BINS, weight: F64 | None = None
) -> float:
    """Return the mean distance of said and seen over bins of equal numbers of rows."""
    order = np.argsort(said, kind="stable")
    weight = np.ones(len(said)) if weight is None else weight
    return float(_distances(said[order], happened[order][None, :], bins, weight[order])[0])


def ece_floor(said: F64, draws: int = 20, weight: F64 | None = None) -> float:
    """Return the error that a perfect model would show on so many rows, by chance alone."""
    order = np.argsort(said, kind="stable")
    ordered, weight = said[order], np.ones(len(said)) if weight is None else weight[order]
    happened = np.random.default_rng(0).random((draws, len(said))) < ordered
    return float(_distances(ordered, happened, BINS, weight).mean())


def _distances(said: F64, happened: NDArray[np.bool_], bins: int, weight: F64) -> F64:
    """Return the calibration error of each row of outcomes (k, n), said (n,) in order."""
    begins = [part[0] for part in np.array_split(np.arange(len(said)), bins) if len(part)]
    if not begins:
        return np.zeros(len(happened))
    off = np.add.reduceat(weight * (happened - said), begins, axis=1)
    distances: F64 = np.abs(off).sum(axis=1) / weight.sum()
    return distances


class Reliability(NamedTuple):
    """One bin of a reliability diagram."""

    said: float
    seen: float
    rows: int


def reliability(
    said: F64, happened: NDArray[np.bool_], bins: int = BINS, weight: F64 | None = None
) -> list[Reliability]:
    """Return bins of equal numbers of rows, lowest first."""
    weight = np.ones(len(said)) if weight is None else weight
    parts = np.array_split(np.argsort(said, kind="stable"), bins)
    return [
        Reliability(
            float(np.average(said[part], weights=weight[part])),
            float(np.average(happened[part], weights=weight[part])),
            len(part),
        )
        for part in parts
        if len(part)
    ]


class Calibrator:
    """Learns a calibration from matured outcomes and says whether it may be used.

    Attributes:
        platt: The calibration as it is now, in force or not.
        evidence: Brier score of the raw values less that of the calibrated ones, batch by batch.
    """

    def __init__(self) -> None:
        self.platt = IDENTITY
        self.evidence = Evidence()
        self.raw: F64 = np.zeros(0)
        self.said: F64 = np.zeros(0)
        self.happened: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.weight: F64 = np.zeros(0)

    def update(
        self, raw: F64, said: F64, happened: NDArray[np.bool_], weight: F64 | None = None
    ) -> None:
        """Add matured outcomes, in order.

        Args:
            raw: Shape (n,): what the model said when the question was opened.
            said: Shape (n,): what the calibration of that time made of it.
            happened: Shape (n,).
            weight: Shape (n,); all 1 by default.
        """
        weight = np.ones(len(raw)) if weight is None else weight
        self.weight = np.concatenate((self.weight, weight))[-GUARD_ROWS:]
        self.raw = np.concatenate((self.raw, raw))[-GUARD_ROWS:]
        self.said = np.concatenate((self.said, said))[-GUARD_ROWS:]
        self.happened = np.concatenate((self.happened, happened))[-GUARD_ROWS:]
        gain = (raw - happened) ** 2 - (said - happened) ** 2
        self.evidence.add(gain.tolist(), weight.tolist())

    def refit(self) -> None:
        """Close the batch, and fit to the newest outcomes if there are enough of both kinds."""
        self.evidence.close()
        newest = self.happened[-FIT_ROWS:]
        if len(newest) >= FIT_ROWS_MIN and 0 < np.count_nonzero(newest) < len(newest):
            self.platt = fit(self.raw[-FIT_ROWS:], newest, self.weight[-FIT_ROWS:])

    @property
    def gain(self) -> float | None:
        """By how much the calibrated values were better, in Brier score; None = not known yet."""
        if len(self.raw) < GUARD_ROWS_MIN:
            return None
        raw, said = self.raw - self.happened, self.said - self.happened
        return float(np.average(raw * raw - said * said, weights=self.weight))

    @property
    def in_force(self) -> Platt:
        """What may be used now: the calibration behind its guard, or the identity.

        It has to have been better for certain since it began, and better of late. The newest rows
        alone do not guard: a few weeks of outcomes share one season.
        """
        gain, interval = self.gain, self.evidence.interval()
        is_better = interval is not None and interval.low > 0.0
        return self.platt if is_better and gain is not None and gain > 0.0 else IDENTITY
