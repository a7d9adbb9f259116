"""A scaler that forgets: running mean and variance whose rate never falls below 1/memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from river import base

from models.hazard import CLIP, deviations

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.features import F64


class FadingScaler(base.Transformer):
    """Standardise features by a running mean and variance that follow slow drift, then clip.

    The dict interface is River's. ``learn_row`` and ``transform_row`` are a fast door to the same
    numbers for rows whose columns were named by ``reserve``.

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

    def learn_row(self, row: F64) -> None:
        """Fold one row, shape (columns,), float64."""
        self._learn(slice(None), row)

    def transform_row(self, row: F64) -> F64:
        """Return one standardised row, shape (columns,)."""
        return self._transform(slice(None), row)

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
        scaled: F64 = values - self.means[columns]
        scaled /= deviations(self.variances[columns])
        np.minimum(scaled, CLIP, out=scaled)
        np.maximum(scaled, -CLIP, out=scaled)
        return scaled
