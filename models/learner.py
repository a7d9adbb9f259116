"""Linear hazard models: matured examples in, weights out."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from river import compose, linear_model, optim
from river.utils import VectorDict

from models.feature_list import FEATURES, columns_in_use
from models.features import F64
from models.kernel.library import LearningKernel, learning_kernel
from models.scaler import FadingScaler
from models.scorer import LinearScorer, Scorer, fold
from models.second_order import SecondOrderLogisticRegression
from models.snapshot import Refusal, Snapshot, SnapshotRefused, check_model

if TYPE_CHECKING:
    from collections.abc import Sequence

WEIGHT_MAX: Final = 100.0  # 1/holdout share for a holdout of 1 %; a larger weight is a mistake.
VALUE_MAX: Final = 1e6  # No feature comes near; a larger one is a broken row.
ADAGRAD_RATE: Final = 0.02
BLOCK_ROWS: Final = 4_096  # Rows that are scaled at once.


class Learner(Protocol):
    """A model of the catalogue."""

    @property
    def name(self) -> str:
        """Name in the catalogue."""
        ...

    @property
    def examples(self) -> int:
        """Matured examples behind it; 0 for ever if it learns from nothing."""
        ...

    def learn(
        self, rows: NDArray[np.floating], active: NDArray[np.bool_], weight: NDArray[np.floating]
    ) -> None:
        """Learn matured examples in order: rows (n, 40), active within U (n,), weight (n,)."""
        ...

    def mature(
        self, rows: NDArray[np.floating], churned: NDArray[np.bool_], weight: NDArray[np.floating]
    ) -> None:
        """Learn outcomes over H: rows (n, 40) when asked, silent for all of H (n,), weight (n,)."""
        ...

    def scorer(self) -> Scorer | None:
        """Return what scores with the state of now; None while it has nothing to say."""
        ...

    def snapshot(self) -> Snapshot:
        """Return the whole state."""
        ...

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot; raise ``SnapshotRefused`` if it is not of this model."""
        ...


def sound(
    rows: NDArray[np.floating], weight: NDArray[np.floating], limit: float = WEIGHT_MAX
) -> NDArray[np.bool_]:
    """Return which rows may be learned: finite, of a sane size, with a positive weight."""
    may: NDArray[np.bool_] = (np.abs(rows) <= VALUE_MAX).all(axis=1)  # False for NaN, too.
    return may & (weight > 0) & (weight <= limit)


class LinearLearner(ABC):
    """A scaler and a linear classifier of River, fed by rows.

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
        self._scaler.reserve(self.columns)

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
        may = sound(chosen, weight)
        self.refused += int(np.count_nonzero(~may & (weight != 0)))
        for begin in range(0, len(chosen), BLOCK_ROWS):
            block = slice(begin, begin + BLOCK_ROWS)
            picked = may[block]
            scaled = self._scaler.learn_rows(chosen[block][picked])
            self._learn(scaled, active[block][picked], weight[block][picked].astype(np.float64))
        self.examples += int(np.count_nonzero(may))

    def mature(  # noqa: B027 (nothing to do is the rule; one learner has)
        self, rows: NDArray[np.floating], churned: NDArray[np.bool_], weight: NDArray[np.floating]
    ) -> None:
        """Leave outcomes over H alone: the hazard has learned them period by period."""

    def scorer(self) -> Scorer | None:
        """Return the scorer of now; None before the first example."""
        if not self.examples:
            return None
        weights = self._weights()
        folded = fold(self.columns, self._scaler.means, self._scaler.variances, weights)
        return LinearScorer(folded, self._version(weights), self.examples, self.horizon_ms)

    def snapshot(self) -> Snapshot:
        """Return the whole state; equal states have equal versions."""
        weights = self._weights()
        vectors = {
            "counts": self._scaler.counts,
            "means": self._scaler.means,
            "variances": self._scaler.variances,
            "weights": weights,
            **self._more(),
        }
        return Snapshot(
            name=self.name,
            version=self._version(weights),
            horizon_ms=self.horizon_ms,
            examples=self.examples,
            columns=self.columns,
            numbers={name: tuple(vector.tolist()) for name, vector in vectors.items()},
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot.

        Raises:
            SnapshotRefused: It is not of this model, or its vectors do not fit.
        """
        check_model(snapshot, name=self.name, horizon_ms=self.horizon_ms)
        if snapshot.columns != self.columns:
            raise SnapshotRefused(Refusal.OTHER_MODEL, "it uses other columns")
        mine = self.snapshot().numbers
        theirs = snapshot.numbers
        if {name: len(vector) for name, vector in mine.items()} != {
            name: len(vector) for name, vector in theirs.items()
        }:
            raise SnapshotRefused(Refusal.BROKEN_NUMBERS, "a vector has another length")
        self.examples = snapshot.examples
        self._scaler.counts = np.array(theirs["counts"])
        self._scaler.means = np.array(theirs["means"])
        self._scaler.variances = np.array(theirs["variances"])
        self._restore({name: np.array(vector) for name, vector in theirs.items()})

    def _version(self, weights: F64) -> str:
        digest = hashlib.sha256(weights.tobytes() + self._scaler.means.tobytes()).hexdigest()[:8]
        return f"{self.name}.{self.examples}.{digest}"

    @abstractmethod
    def _learn(self, scaled: F64, active: NDArray[np.bool_], weight: F64) -> None:
        """Learn scaled rows (n, columns) in order."""

    @abstractmethod
    def _weights(self) -> F64: ...

    @abstractmethod
    def _more(self) -> dict[str, F64]: ...

    @abstractmethod
    def _restore(self, numbers: dict[str, F64]) -> None: ...


class SecondOrderLearner(LinearLearner):
    """``FadingScaler | SecondOrderLogisticRegression``."""

    def __init__(self, name: str, horizon_ms: int, columns: Sequence[str] = ()) -> None:
        super().__init__(name, horizon_ms, columns)
        self._belief = SecondOrderLogisticRegression()
        self._belief.reserve(self.columns)

    @property
    def pipeline(self) -> compose.Pipeline:
        """The same objects as a River pipeline, for River's tools."""
        return compose.Pipeline(self._scaler, self._belief)

    def _learn(self, scaled: F64, active: NDArray[np.bool_], weight: F64) -> None:
        self._belief.learn_rows(scaled, active, weight)

    def _weights(self) -> F64:
        return self._belief.mean

    def _more(self) -> dict[str, F64]:
        return {"covariance": self._belief.covariance.ravel()}

    def _restore(self, numbers: dict[str, F64]) -> None:
        size = len(self.columns) + 1
        self._belief.mean = numbers["weights"]
        self._belief.covariance = numbers["covariance"].reshape(size, size)


class AdaGradLearner(LinearLearner):
    """``FadingScaler |`` River's logistic regression by AdaGrad."""

    def __init__(self, name: str, horizon_ms: int, columns: Sequence[str] = ()) -> None:
        super().__init__(name, horizon_ms, columns)
        self._optimizer = optim.AdaGrad(ADAGRAD_RATE)
        self._model = linear_model.LogisticRegression(optimizer=self._optimizer)

    def _learn(self, scaled: F64, active: NDArray[np.bool_], weight: F64) -> None:
        native = learning_kernel()
        if native is not None and len(scaled):
            self._learn_natively(native, scaled, active, weight)
            return
        for row, label, heavy in zip(
            scaled.tolist(), active.tolist(), weight.tolist(), strict=True
        ):
            self._model.learn_one(dict(zip(self.columns, row, strict=True)), label, heavy)

    def _learn_natively(
        self, native: LearningKernel, scaled: F64, active: NDArray[np.bool_], weight: F64
    ) -> None:
        """Do what ``learn_one`` does, and leave River's objects as it would."""
        optimizer, model = self._optimizer, self._model
        steps = optimizer.n_iterations
        rates = (optimizer.lr.get(steps), optimizer.eps, model.intercept_lr.get(steps))
        state = np.concatenate((self._weights(), self._squares()))
        numbers = np.array((*rates, model.clip_gradient))
        native.adagrad((scaled, active, weight), numbers, state)
        self._set(state, steps + len(scaled))

    def _weights(self) -> F64:
        weights = self._model.weights
        found = [float(weights.get(name, 0.0)) for name in self.columns]
        return np.array([float(self._model.intercept), *found])

    def _squares(self) -> F64:
        squares = self._optimizer.g2
        return np.array([float(squares.get(name, 0.0)) for name in self.columns])

    def _more(self) -> dict[str, F64]:
        return {
            "squares": self._squares(),
            "steps": np.array([float(self._optimizer.n_iterations)]),
        }

    def _restore(self, numbers: dict[str, F64]) -> None:
        state = np.concatenate((numbers["weights"], numbers["squares"]))
        self._set(state, int(numbers["steps"][0]))

    def _set(self, state: F64, steps: int) -> None:
        """Take over intercept, weights and sums of squares after so many examples."""
        intercept, *found = state.tolist()
        width = len(self.columns)
        self._model.intercept = intercept
        # River has no public way to set weights.
        self._model._weights = VectorDict(dict(zip(self.columns, found[:width], strict=True)))  # noqa: SLF001
        self._optimizer.g2.update(zip(self.columns, found[width:], strict=True))
        self._optimizer.n_iterations = steps
