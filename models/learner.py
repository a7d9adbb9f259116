"""The hazard learner: matured examples in, weights and snapshots out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from river import compose

from models.feature_list import FEATURES, columns_in_use
from models.features import features_hash
from models.scaler import FadingScaler
from models.second_order import SecondOrderLogisticRegression
from models.snapshot import Refusal, Snapshot, SnapshotRefused, check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.features import F64

WEIGHT_MAX = 100.0  # 1/holdout share for a holdout of 1 %; a larger weight is a mistake.
VALUE_MAX = 1e6  # No feature comes near; a larger one is a broken row.


class Learner(Protocol):
    """A model of the catalogue: learns matured examples, predicts P(active within U)."""

    examples: int
    refused: int

    def predict(self, rows: NDArray[np.floating]) -> F64:
        """Return P(active within the next U), shape (n,), of feature rows (n, 40)."""
        ...

    def learn(
        self, rows: NDArray[np.floating], active: NDArray[np.bool_], weight: NDArray[np.floating]
    ) -> None:
        """Learn matured examples in order."""
        ...

    def snapshot(
        self,
        *,
        rules_hash: str = "",
        trained_to_ms: int = 0,
        applied: Mapping[str, Mapping[int, int]] | None = None,
        metrics: Mapping[str, float | None] | None = None,
    ) -> Snapshot:
        """Return the whole state."""
        ...

    def restore(self, snapshot: Snapshot, *, rules_hash: str = "") -> None:
        """Go on from a snapshot; raise ``SnapshotRefused`` if it is not of this model."""
        ...


class HazardLearner:
    """A River pipeline ``FadingScaler | SecondOrderLogisticRegression``, fed by rows.

    Args:
        name: Name in the catalogue.
        horizon_ms: H, ms.
        columns: Names of the features to use; the 31 that need no configuration by default.
    """

    def __init__(self, name: str, horizon_ms: int, columns: Sequence[str] = ()) -> None:
        names = tuple(feature.name for feature in FEATURES)
        self.name = name
        self.horizon_ms = horizon_ms
        self.columns = tuple(columns) or columns_in_use(kinds=0, traits=0)
        self.examples = 0
        self.refused = 0
        self._places = [names.index(column) for column in self.columns]
        self._scaler = FadingScaler()
        self._belief = SecondOrderLogisticRegression()
        self._scaler.reserve(self.columns)
        self._belief.reserve(self.columns)

    @property
    def pipeline(self) -> compose.Pipeline:
        """The same objects as a River pipeline, for River's tools."""
        return compose.Pipeline(self._scaler, self._belief)

    def learn(
        self, rows: NDArray[np.floating], active: NDArray[np.bool_], weight: NDArray[np.floating]
    ) -> None:
        """Learn matured examples in order; what is not sound is counted in ``refused``.

        Args:
            rows: Shape (n, 40), features at the instant the example was opened.
            active: Shape (n,), whether the user was active within U after it.
            weight: Shape (n,), 0 leaves an example out.
        """
        chosen = np.asarray(rows, np.float64)[:, self._places]
        sound = (np.abs(chosen) <= VALUE_MAX).all(axis=1)  # False for NaN, too.
        sound &= (weight >= 0) & (weight <= WEIGHT_MAX)
        self.refused += len(chosen) - int(np.count_nonzero(sound))
        for index in np.flatnonzero(sound & (weight > 0)).tolist():
            row = chosen[index]
            self._scaler.learn_row(row)
            scaled = self._scaler.transform_row(row)
            self._belief.learn_row(scaled, bool(active[index]), float(weight[index]))
            self.examples += 1

    def predict(self, rows: NDArray[np.floating]) -> F64:
        """Return P(active within the next U), shape (n,), of feature rows (n, 40)."""
        chosen = np.asarray(rows, np.float64)[:, self._places]
        scaled = (self._scaler.transform_row(row) for row in chosen)
        return np.array([self._belief.predict_row(row) for row in scaled], np.float64)

    def snapshot(
        self,
        *,
        rules_hash: str = "",
        trained_to_ms: int = 0,
        applied: Mapping[str, Mapping[int, int]] | None = None,
        metrics: Mapping[str, float | None] | None = None,
    ) -> Snapshot:
        """Return the whole state; equal states have equal versions."""
        weights = self._belief.mean
        digest = hashlib.sha256(weights.tobytes() + self._scaler.means.tobytes()).hexdigest()[:8]
        return Snapshot(
            name=self.name,
            version=f"{self.name}.{self.examples}.{digest}",
            horizon_ms=self.horizon_ms,
            features_hash=features_hash(),
            rules_hash=rules_hash,
            examples=self.examples,
            trained_to_ms=trained_to_ms,
            applied={topic: dict(offsets) for topic, offsets in (applied or {}).items()},
            columns=self.columns,
            counts=tuple(self._scaler.counts.tolist()),
            means=tuple(self._scaler.means.tolist()),
            variances=tuple(self._scaler.variances.tolist()),
            weights=tuple(weights.tolist()),
            covariance=tuple(map(tuple, self._belief.covariance.tolist())),
            metrics=dict(metrics or {}),
        )

    def restore(self, snapshot: Snapshot, *, rules_hash: str = "") -> None:
        """Go on from a snapshot.

        Raises:
            SnapshotRefused: It is of another model, feature list, horizon or set of rules.
        """
        check(snapshot, horizon_ms=self.horizon_ms, rules_hash=rules_hash)
        if (snapshot.name, snapshot.columns) != (self.name, self.columns):
            raise SnapshotRefused(Refusal.OTHER_MODEL, f"{snapshot.name}, this is {self.name}")
        self.examples = snapshot.examples
        self._scaler.counts = np.array(snapshot.counts)
        self._scaler.means = np.array(snapshot.means)
        self._scaler.variances = np.array(snapshot.variances)
        self._belief.mean = np.array(snapshot.weights)
        self._belief.covariance = np.array(snapshot.covariance)
