"""The other way to learn the effect of a contact: residuals on residuals (Nie & Wager, 2021)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.feature_list import WIDTH
from models.hazard import CLIP, deviations
from models.scaler import FadingScaler
from models.second_order import SecondOrderLogisticRegression
from models.uplift import unknown

F64 = NDArray[np.float64]

PRIOR: Final = np.array([0.1**2, *[0.03**2] * WIDTH])
"""Variances of the effect on the average user, and of what a deviation of a feature changes."""
VARIANCE_MIN: Final = 0.01


class Residuals:
    """Regresses what a model of the return did not expect on treated less propensity."""

    def __init__(self) -> None:
        self._scaler, self._outcome = FadingScaler(), SecondOrderLogisticRegression()
        self._scaler.reserve(range(WIDTH))
        self._outcome.reserve(range(WIDTH))
        self._effect, self._covariance = np.zeros(WIDTH + 1), np.diag(PRIOR)
        self._is_new = True

    def learn(
        self, row: NDArray[np.float32], returned: float, treated: float, propensity: float
    ) -> None:
        scaled = self._scaler.learn_rows(row[None, :].astype(np.float64))[0]
        expected = self._outcome.predict_row(scaled)
        self._outcome.learn_row(scaled, bool(returned))
        along = (treated - propensity) * np.concatenate(((1.0,), scaled))
        spread = self._covariance @ along
        noise = max(expected * (1.0 - expected), VARIANCE_MIN)
        gain = spread / (noise + float(along @ spread))
        self._effect += gain * (returned - expected - float(along @ self._effect))
        self._covariance -= np.multiply.outer(gain, spread)
        self._is_new = False

    def lift(self, rows: NDArray[np.float32]) -> tuple[F64, F64]:
        if self._is_new:
            return unknown(len(rows))
        scale = deviations(self._scaler.variances)
        scaled = np.clip((rows - self._scaler.means) / scale, -CLIP, CLIP)
        columns = np.column_stack((np.ones(len(rows)), scaled))
        variance = ((columns @ self._covariance) * columns).sum(axis=1)
        return columns @ self._effect, np.sqrt(variance)
