"""A scaler that forgets: running mean and variance whose rate never falls below 1/memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from river import base

from models.hazard import CLIP, deviations
from models.kernel.library import learning_kernel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.features import F64


class FadingScaler(base.Transformer):
    """Standardise features by a running mean and variance that follow slow drift, then clip.

    The dict interface is River's. ``learn_rows`` is a fast door to the same numbers for rows whose
    columns were named by ``reserve`` and are all there in every row.

    Args:
        memory: Examples after which the rate stops falling: it is max(1/n, 1/memory).
    """

    def __init__(self, memory: int = 20_000) -> None:
        self.memory = memory
        self.columns: dict[Any, int] = {}
        self.counts: F64 = np.zeros(0)
        self.means: F64 = np.zeros(0)
        self.variances: F64 = np.zeros(0)

    def reserve(self, names: Iterable[Any]) -> None:
        """Give every new name the next column."""
        for name in names:
            self.columns.setdefault(name, len(self.columns))
        grown = len(self.columns) - len(self.means)
        if grown:
            self.counts = np.append(self.counts, np.zeros(grown))
            self.means = np.append(self.means, np.zeros(grown))
            self.variances = np.append(self.variances, np.zeros(grown))

    def learn_one(self, x: dict[Any, float]) -> None:
        """Fold one example into the mean and variance of the features that it has."""
        self.reserve(x)
        columns = [self.columns[name] for name in x]
        self._learn(columns, np.fromiter(x.values(), np.float64, len(x)))

    def transform_one(self, x: dict[Any, float]) -> dict[Any, float]:
        """Return the standardised features; one never seen is 0."""
        known = [name for name in x if name in self.columns]
        columns = [self.columns[name] for name in known]
        values = np.fromiter((x[name] for name in known), np.float64, len(known))
        scaled = dict(zip(known, self._transform(columns, values).tolist(), strict=True))
        return {name: scaled.get(name, 0.0) for name in x}

    def learn_rows(self, rows: F64) -> F64:
        """Fold rows (n, columns) one after the other; return each as it is scaled right after."""
        native = learning_kernel()
        if native is not None and rows.flags.c_contiguous:
            means, variances = self.means.copy(), self.variances.copy()
            seen = float(self.counts[0])
            scaled = native.scale(rows, means, variances, seen=seen, memory=self.memory)
            self.counts = self.counts + len(rows)
            self.means, self.variances = means, variances
            return scaled
        counts = self.counts[0] + 1.0 + np.arange(len(rows))
        rates = np.maximum(1.0 / counts, 1.0 / self.memory).tolist()
        means, variances = self.means, self.variances
        middle, spread = np.empty_like(rows), np.empty_like(rows)
        for place, rate in enumerate(rates):
            away = rows[place] - means
            step = rate * away
            means = means + step
            step *= away
            step += variances
            step *= 1.0 - rate
            variances = step
            middle[place], spread[place] = means, variances
        self.counts = self.counts + len(rows)
        self.means, self.variances = means, variances
        return _clipped(rows - middle, spread)

    def _learn(self, columns: Any, values: F64) -> None:
        counts = self.counts[columns] + 1.0
        rate = np.maximum(1.0 / counts, 1.0 / self.memory)
        away = values - self.means[columns]
        step = rate * away
        self.counts[columns] = counts
        self.means[columns] += step
        step *= away
        step += self.variances[columns]
        step *= 1.0 - rate
        self.variances[columns] = step

    def _transform(self, columns: Any, values: F64) -> F64:
        return _clipped(values - self.means[columns], self.variances[columns])


def _clipped(away: F64, variances: F64) -> F64:
    """Return distances from the mean in standard deviations, at most 5."""
    away /= deviations(variances)
    np.minimum(away, CLIP, out=away)
    np.maximum(away, -CLIP, out=away)
    return away
