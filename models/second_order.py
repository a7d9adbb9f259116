"""Online logistic regression of second order: an extended Kalman filter without a learning rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from river import base

from models.kernel.library import learning_kernel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from models.features import F64

CURVATURE_MIN: Final = 1e-4  # Of p(1 - p): a certain model must still be able to learn.
LOGIT_MAX: Final = 30.0  # Beyond it a sigmoid is 0 or 1 to the last bit that matters.

_ONE: Final = np.ones(1)


def sigmoid(logit: float) -> float:
    """Return the probability of a logit, never exactly 0 or 1."""
    return 1.0 / (1.0 + math.exp(-min(max(logit, -LOGIT_MAX), LOGIT_MAX)))


class SecondOrderLogisticRegression(base.Classifier):
    """Logistic regression that keeps a Gaussian belief over its weights (extended Kalman filter).

    Every weight has its own certainty, so each example moves each weight as much as it should; a
    little noise per example keeps the model able to follow drift. Expects standardised features.

    The dict interface is River's. ``learn_rows``, ``learn_row`` and ``predict_row`` are a fast door
    to the same numbers for rows whose columns were named by ``reserve``; component 0 is the
    intercept.

    Args:
        noise: Variance added to every weight per example, while its variance is below the prior.
        prior: Variance of a weight before the first example.
        prior_intercept: The same for the intercept.

    Source:
        Penny & Roberts (1999), "Dynamic logistic regression", IJCNN;
        McCormick, Raftery, Madigan & Burd (2012), "Dynamic logistic regression and dynamic model
        averaging for binary classification", Biometrics 68(1).
    """

    def __init__(
        self, noise: float = 1e-7, prior: float = 0.02, prior_intercept: float = 10.0
    ) -> None:
        self.noise = noise
        self.prior = prior
        self.prior_intercept = prior_intercept
        self.columns: dict[Any, int] = {}
        self.mean: F64 = np.zeros(1)
        self.covariance: F64 = np.full((1, 1), prior_intercept)
        self._variance_max: F64 = np.array([prior_intercept])

    @property
    def _multiclass(self) -> bool:
        return False

    def reserve(self, names: Iterable[Any]) -> None:
        """Give every new name the next component of the weights, after the intercept."""
        for name in names:
            self.columns.setdefault(name, len(self.columns) + 1)
        old, size = len(self.mean), len(self.columns) + 1
        if size > old:
            covariance = np.diag(np.full(size, self.prior))
            covariance[:old, :old] = self.covariance
            self.mean = np.append(self.mean, np.zeros(size - old))
            self.covariance = covariance
            self._variance_max = np.append(self._variance_max, np.full(size - old, self.prior))

    def learn_one(self, x: dict[Any, float], y: bool, w: float = 1.0) -> None:  # noqa: FBT001 - River's signature
        """Learn one example of weight ``w``; a feature that is absent counts as 0."""
        self.reserve(x)
        self._learn(self._vector(x), y, w)

    def predict_proba_one(self, x: dict[Any, float]) -> dict[bool, float]:
        """Return the probability of either class."""
        probability = sigmoid(float(self.mean @ self._vector(x)))
        return {False: 1.0 - probability, True: probability}

    def learn_row(self, row: F64, y: bool, w: float = 1.0) -> None:  # noqa: FBT001 - as learn_one
        """Learn one row, shape (columns,), float64."""
        self._learn(np.concatenate((_ONE, row)), y, w)

    def learn_rows(self, rows: F64, y: NDArray[np.bool_], w: F64) -> None:
        """Learn rows (n, columns) one after the other, of classes (n,) and weights (n,)."""
        native = learning_kernel()
        if native is not None:
            belief = self._variance_max, self.mean, self.covariance
            native.believe((rows, y, w), belief, self.noise)
            return
        for row, label, weight in zip(rows, y.tolist(), w.tolist(), strict=True):
            self.learn_row(row, label, weight)

    def predict_row(self, row: F64) -> float:
        """Return the probability of class True for one row, shape (columns,)."""
        return sigmoid(float(self.mean[0] + self.mean[1:] @ row))

    def _vector(self, x: dict[Any, float]) -> F64:
        vector = np.zeros(len(self.mean))
        vector[0] = 1.0
        for name, value in x.items():
            column = self.columns.get(name)
            if column is not None:
                vector[column] = value
        return vector

    def _learn(self, vector: F64, y: bool, w: float) -> None:  # noqa: FBT001 - as learn_one
        if w <= 0.0:
            return
        gain = self.covariance @ vector
        probability = sigmoid(float(self.mean @ vector))
        curvature = max(probability * (1.0 - probability), CURVATURE_MIN) * w
        shrink = 1.0 / (1.0 + curvature * float(vector @ gain))
        self.mean += gain * ((y - probability) * w * shrink)
        gain *= math.sqrt(curvature * shrink)
        self.covariance -= np.multiply.outer(gain, gain)
        variances = self.covariance.reshape(-1)[:: len(vector) + 1]
        variances += self.noise
        np.minimum(variances, self._variance_max, out=variances)
