"""Gradient boosting, fitted anew to the newest matured examples; alone it is not used.

Trees see what a line cannot, but where a population drifts their level is wrong. So they play only
together with the online model: the mean of both log-odds ranks better than either.

The trees travel as text, which LightGBM reads without running anything; never as a pickle.

Source:
    Ke et al. (2017), "LightGBM", NeurIPS; Lundberg et al. (2020), "From local explanations to
    global understanding with explainable AI for trees", Nature Machine Intelligence 2, for the
    contributions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import lightgbm
import numpy as np

from models.feature_list import FEATURES, PLAIN_WIDTH
from models.scorer import PathScorer, by_group

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.features import F64

TREES: Final = 120
PARAMETERS: Final[dict[str, Any]] = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 100,
    "lambda_l2": 1.0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 0,
    "verbosity": -1,
}


Fit: TypeAlias = "Callable[[], Trees]"
"""A fit that waits to be run, in this thread or another."""


class BadTreesError(ValueError):
    """A text is no model of ours; the message says why."""


class Trees:
    """A fitted booster over the first features of the list.

    Args:
        text: What ``Booster.model_to_string`` wrote.

    Raises:
        BadTreesError: It cannot be read, or asks for other features.
    """

    def __init__(self, text: str) -> None:
        try:
            self._booster = lightgbm.Booster(model_str=text)
        except (lightgbm.basic.LightGBMError, ValueError, TypeError) as error:
            raise BadTreesError(f"LightGBM cannot read it: {error}") from error
        self.text = text
        self.width = self._booster.num_feature()
        if self.width not in {PLAIN_WIDTH, len(FEATURES)}:
            what = f"it asks for {self.width} features; ours are {PLAIN_WIDTH} or {len(FEATURES)}"
            raise BadTreesError(what)
        names = self._booster.feature_name()
        ours = [feature.name for feature in FEATURES[: self.width]]
        if names not in (ours, [f"Column_{place}" for place in range(self.width)]):
            raise BadTreesError(f"its features are not ours in our order: {', '.join(ours)}")

    def logit(self, columns: F64) -> F64:
        """Return the log-odds of activity (n,) of feature columns (width, n)."""
        raw = self._booster.predict(columns.T, raw_score=True, num_threads=1)
        return np.asarray(raw, np.float64)

    def contributions(self, columns: F64) -> F64:
        """Return what each feature adds to the log-odds, shape (width, n); exact Shapley values."""
        if not columns.size:  # LightGBM divides by the number of rows.
            return np.empty(columns.shape)
        parts = self._booster.predict(columns.T, pred_contrib=True, num_threads=1)
        return np.asarray(parts, np.float64)[:, :-1].T


def fit(
    rows: NDArray[np.floating], active: NDArray[np.bool_], weight: NDArray[np.floating]
) -> Trees:
    """Return trees fitted to examples: rows (n, width), active (n,), weight (n,)."""
    data = lightgbm.Dataset(rows, active, weight=weight, params=PARAMETERS)
    booster = lightgbm.train(PARAMETERS, data, TREES)
    return Trees(booster.model_to_string())


class MixedScorer(PathScorer):
    """The mean of the log-odds of a linear scorer and of trees.

    Args:
        linear: The online model.
        trees: What they are mixed with.
        version: Name of the mix.
    """

    def __init__(self, linear: PathScorer, trees: Trees, version: str) -> None:
        self.linear, self.trees = linear, trees
        self.version = version
        self.examples = linear.examples
        self.horizon_ms = linear.horizon_ms
        self.width = max(linear.width, trees.width)

    def logit(self, columns: F64) -> F64:
        """Return the logits (n,) of activity of feature columns (width, n)."""
        total = self.linear.logit(columns[: self.linear.width])
        total += self.trees.logit(columns[: self.trees.width])
        total *= 0.5
        return total

    def group_logits(self, columns: F64) -> F64:
        """Return what each group of features adds to the logit, shape (groups, n)."""
        groups = self.linear.group_logits(columns[: self.linear.width])
        groups += by_group(self.trees.contributions(columns[: self.trees.width]))
        groups *= 0.5
        return groups
