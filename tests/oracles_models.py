"""Slow twins of the models: the same formulas, one user at a time, in plain Python."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from models.features import Rhythm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.hazard import Weights

EDGES: Final = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 32.0)
PRIOR: Final = (0.45, 0.12, 0.12, 0.10, 0.08, 0.06, 0.07)


def gaps_longer(head: Sequence[float], silence: float) -> float:
    """Return S(silence): the weight of gaps longer than a silence in units of U."""
    total = 0.0
    for j in range(7):
        weight = head[Rhythm.GAP_0 + j] + 2 * PRIOR[j]
        low, high = EDGES[j], EDGES[j + 1]
        if silence <= low:
            total += weight
        elif silence < high:
            total += weight * (high - silence) / (high - low)
    return total


def features_of(head: Sequence[float], at_ms: float, horizon_ms: float) -> list[float]:
    """Return the 40 features of one user, formula by formula."""
    unit_ms = horizon_ms / 4
    recency_ms = max(at_ms - head[Rhythm.LAST], 0.0)
    rec, ten = recency_ms / unit_ms, (at_ms - head[Rhythm.FIRST]) / unit_ms
    span = (head[Rhythm.LAST] - head[Rhythm.FIRST]) / unit_ms
    nd = head[Rhythm.ACTIVE_DAYS]

    def decayed(column: int, of_horizon: float) -> float:
        return head[column] * math.exp(-math.log(2) * recency_ms / (of_horizon * horizon_ms))

    day_sums = {
        h: decayed(c, h) for c, h in zip(range(3, 10), (1 / 30, 0.1, 0.5, 1, 2, 4, 8), strict=True)
    }
    held = int(head[Rhythm.TRAITS])
    traits = held % 32 if at_ms >= head[Rhythm.TRAITS_AT] else held // 32
    mlg, mg = head[Rhythm.GAP_LOG_MEAN], head[Rhythm.GAP_MEAN]
    slg = math.sqrt(max(head[Rhythm.GAP_LOG_SQUARE] - mlg**2, 0.05))
    z = min(6.0, (math.log(max(rec, 0.02)) - mlg) / slg)
    pr = 1 - (gaps_longer(head, rec + 1) + 0.1) / (gaps_longer(head, rec) + 0.15)
    lpr = math.log((pr + 0.01) / (1.01 - pr))
    slot_ms = horizon_ms / 32
    passed = max(0, math.floor(at_ms / slot_ms) - math.floor(head[Rhythm.LAST] / slot_ms))
    mask = (int(head[Rhythm.SLOTS]) << min(passed, 64)) & 0xFFFF
    lg4, lg6 = math.log(day_sums[1] + 0.02), math.log(day_sums[4] + 0.02)
    lrec, lten = math.log1p(8 * rec), math.log1p(8 * min(ten, 16.0))
    b16 = math.log1p(mask.bit_count())
    lnd = math.log(min(nd, 256.0))
    ew = math.log1p(head[Rhythm.DAY_EVENTS]) if nd == 1 else head[Rhythm.DAY_LOG_MEAN]
    x = min(nd - 1, 60.0)
    alive = -3.0
    if x > 0:
        odds = math.log(0.7 / (2.2 + max(x - 1, 0)))
        alive = min(8.0, max(-8.0, odds + (0.5 + x) * math.log((1 + ten) / (1 + span))))
    return [
        math.log1p(day_sums[0.5]),
        math.log(day_sums[1 / 30] + 0.02),
        math.log1p(decayed(Rhythm.AMOUNT_4, 4)),
        math.log(day_sums[8] + 0.02),
        lpr,
        z,
        math.log1p(decayed(Rhythm.EVENTS_30TH, 1 / 30)),
        lten,
        math.log1p(day_sums[0.1]),
        math.log1p(decayed(Rhythm.EVENTS_8, 8)),
        math.log(day_sums[0.5] + 0.02),
        math.log(day_sums[2] + 0.02),
        math.log1p(rec / mg),
        slg,
        float(nd == 1),
        math.log1p((mask & 0b1111).bit_count()),
        math.log(mg),
        pr,
        alive,
        math.log1p(decayed(Rhythm.KIND0, 1)),
        lrec,
        math.log1p(decayed(Rhythm.AMOUNT_1, 1)),
        math.log1p(decayed(Rhythm.KIND1, 1)),
        (mlg + 0.57) * (z - 0.58),
        (lg4 - 0.69) * (lpr + 0.49),
        (lrec - 2.5) * (lg6 - 1.47),
        (lten - 4.12) * (lg4 - 0.69),
        (mlg + 0.57) * (b16 - 0.62),
        (lnd - 1.97) * (ew - 1.1),
        (slg - 1.22) ** 2,
        (lrec - 2.5) * (slg - 1.22),
        math.log1p(decayed(Rhythm.KIND2, 1)),
        math.log1p(decayed(Rhythm.KIND3, 1)),
        math.log1p(decayed(Rhythm.KIND4, 1)),
        math.log1p(decayed(Rhythm.KIND5, 1)),
        *(float(bit) for bit in reversed(f"{traits:05b}")),
    ]


def step_hazard(logit: float) -> float:
    """Return P(active within the next U) of a logit that is kept within +-15."""
    return 1 / (1 + math.exp(-min(max(logit, -15.0), 15.0)))


def linear_logit(weights: Weights, row: Sequence[float]) -> float:
    """Return the folded linear model's logit of the features that it asks for."""
    total = weights.b
    for value, w, middle, reach in zip(
        row[: weights.width],
        weights.w[:, 0].tolist(),
        weights.middle[:, 0].tolist(),
        weights.reach[:, 0].tolist(),
        strict=True,
    ):
        total += w * min(max(value - middle, -reach), reach)
    return total


def quiet_of(weights: Weights, head: Sequence[float], at_ms: float, horizon_ms: float) -> float:
    """Return P(no activity within the next H): four quiet steps."""
    quiet = 1.0
    for step in range(4):
        row = features_of(head, at_ms + step * horizon_ms / 4, horizon_ms)
        quiet *= 1 - step_hazard(linear_logit(weights, row))
    return quiet


def reach_of(weights: Weights, head: Sequence[float], at_ms: float, horizon_ms: float) -> float:
    """Return P(this silence reaches H): whole steps, then the part of a step that is left."""
    unit_ms = horizon_ms / 4
    left_ms = horizon_ms - max(at_ms - head[Rhythm.LAST], 0.0)
    quiet, now_ms = 1.0, at_ms
    while left_ms > 0:
        share = min(left_ms / unit_ms, 1.0)
        row = features_of(head, now_ms, horizon_ms)
        quiet *= (1 - step_hazard(linear_logit(weights, row))) ** share
        now_ms += unit_ms
        left_ms -= unit_ms
    return quiet


class SlowFilter:
    """The extended Kalman filter of logistic regression, as it is written in books."""

    def __init__(self, size: int, *, noise: float, prior: float, prior_intercept: float) -> None:
        self.noise = noise
        self.ceiling = [prior_intercept] + [prior] * size
        self.mean = [0.0] * (size + 1)
        self.covariance = [[0.0] * (size + 1) for _ in self.mean]
        for place, variance in enumerate(self.ceiling):
            self.covariance[place][place] = variance

    def predict(self, row: Sequence[float]) -> float:
        """Return P(True) of one row."""
        logit = sum(m * z for m, z in zip(self.mean, (1.0, *row), strict=True))
        return 1 / (1 + math.exp(-logit))

    def learn(self, row: Sequence[float], y: bool, w: float) -> None:  # noqa: FBT001 - as the fast one
        """Learn one row."""
        vector = (1.0, *row)
        gain = [sum(p * z for p, z in zip(line, vector, strict=True)) for line in self.covariance]
        probability = self.predict(row)
        curvature = max(probability * (1 - probability), 1e-4) * w
        scale = 1 + curvature * sum(z * g for z, g in zip(vector, gain, strict=True))
        for i, line in enumerate(self.covariance):
            for j in range(len(line)):
                line[j] -= gain[i] * gain[j] * curvature / scale
            line[i] = min(line[i] + self.noise, self.ceiling[i])
            self.mean[i] += gain[i] * (y - probability) * w / scale
