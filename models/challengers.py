"""Models that are no line: the refitted booster, a booster of somebody else, and the prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.bgnbd import BgNbdScorer
from models.boosted import MixedScorer, NewestExamples, Trees
from models.feature_list import FEATURES, PLAIN_WIDTH
from models.learner import sound
from models.scorer import LinearScorer, PathScorer, Scorer, by_group, linear_scorer
from models.snapshot import Refusal, Snapshot, SnapshotRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.boosted import Fit
    from models.features import F64
    from models.learner import SecondOrderLearner


class Silent:
    """What a model does with examples and outcomes that it does not learn from: nothing."""

    @property
    def examples(self) -> int:
        """Examples behind it: none."""
        return 0

    def learn(
        self, rows: NDArray[np.floating], active: NDArray[np.bool_], weight: NDArray[np.floating]
    ) -> None:
        """Leave examples alone."""

    def mature(
        self, rows: NDArray[np.floating], churned: NDArray[np.bool_], weight: NDArray[np.floating]
    ) -> None:
        """Leave outcomes over H alone."""


class MixedLearner(Silent):
    """Trees fitted anew to the newest examples, mixed with the online model.

    Args:
        name: Name in the catalogue.
        linear: The online model; it learns by itself.
    """

    def __init__(self, name: str, linear: SecondOrderLearner) -> None:
        self.name = name
        self.trees: Trees | None = None
        self._linear = linear
        width = PLAIN_WIDTH if len(linear.columns) <= PLAIN_WIDTH else len(FEATURES)
        self._newest = NewestExamples(width)
        self._edition = 0

    @property
    def examples(self) -> int:
        """Examples behind the online part; 0 as long as there are no trees."""
        return self._linear.examples if self.trees is not None else 0

    def learn(
        self, rows: NDArray[np.floating], active: NDArray[np.bool_], weight: NDArray[np.floating]
    ) -> None:
        """Keep examples for the next fit."""
        may = sound(rows, weight)
        self._newest.add(rows[may].astype(np.float32), active[may], weight[may].astype(np.float32))

    def due(self) -> Fit | None:
        """Return the fit that is due, to be run here or in another thread, or None."""
        return self._newest.take() if self._newest.is_due else None

    def adopt(self, trees: Trees) -> None:
        """Use newly fitted trees from now on."""
        self.trees = trees
        self._edition += 1

    def scorer(self) -> Scorer | None:
        """Return the mix of now; None before the first fit."""
        linear = self._linear.scorer()
        if self.trees is None or not isinstance(linear, LinearScorer):
            return None
        return MixedScorer(linear, self.trees, self._version(linear.version))

    def snapshot(self) -> Snapshot:
        """Return all that scores; learning goes on from the trees, not from their examples."""
        linear = self._linear.snapshot()
        kept = {name: linear.numbers[name] for name in ("means", "variances", "weights")}
        edition = {"edition": (float(self._edition), float(self._newest.fitted_to))}
        return Snapshot(
            name=self.name,
            version=self._version(linear.version),
            horizon_ms=linear.horizon_ms,
            examples=self.examples,
            columns=linear.columns,
            numbers=kept | edition,
            trees="" if self.trees is None else self.trees.text,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go on with the trees of a snapshot.

        Raises:
            SnapshotRefused: It is of another model.
        """
        if snapshot.name != self.name:
            raise SnapshotRefused(Refusal.OTHER_MODEL, f"{snapshot.name}, this is {self.name}")
        edition, fitted_to = snapshot.numbers["edition"]
        self._edition, self._newest.fitted_to = int(edition), int(fitted_to)
        self.trees = Trees(snapshot.trees) if snapshot.trees else None

    def _version(self, linear: str) -> str:
        return f"{self.name}.{self._edition}.{linear.partition('.')[2]}"


def mixed_scorer(snapshot: Snapshot) -> PathScorer:
    """Return the scorer of a snapshot of a mix."""
    return MixedScorer(linear_scorer(snapshot), Trees(snapshot.trees), snapshot.version)


class TreesScorer(PathScorer):
    """Trees alone: a challenger that somebody fitted elsewhere.

    Args:
        trees: Fitted to hazard examples: log-odds of being active within U.
        version: Name of the model.
        horizon_ms: H, ms.
    """

    examples = 0

    def __init__(self, trees: Trees, version: str, horizon_ms: float) -> None:
        self.trees, self.width = trees, trees.width
        self.version, self.horizon_ms = version, float(horizon_ms)

    def logit(self, columns: F64) -> F64:
        """Return the logits (n,) of activity of feature columns (width, n)."""
        return self.trees.logit(columns)

    def group_logits(self, columns: F64) -> F64:
        """Return what each group of features adds to the logit, shape (groups, n)."""
        return by_group(self.trees.contributions(columns))


class GuestLearner(Silent):
    """A booster of somebody else; it plays, and does not learn.

    Args:
        snapshot: Its text, and the name it plays under.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.name = snapshot.name
        self.restore(snapshot)

    def scorer(self) -> Scorer | None:
        """Return what it scores with."""
        return guest_scorer(self._snapshot)

    def snapshot(self) -> Snapshot:
        """Return what came in."""
        return self._snapshot

    def restore(self, snapshot: Snapshot) -> None:
        """Play on with another text under the same name."""
        self._snapshot = snapshot


def guest_scorer(snapshot: Snapshot) -> PathScorer:
    """Return the scorer of a guest."""
    return TreesScorer(Trees(snapshot.trees), snapshot.version, snapshot.horizon_ms)


class PriorLearner(Silent):
    """The prior as a model of the catalogue: it knows all it ever will.

    Args:
        name: Name in the catalogue.
        horizon_ms: H, ms.
    """

    def __init__(self, name: str, horizon_ms: int) -> None:
        self.name, self.horizon_ms = name, horizon_ms

    def scorer(self) -> Scorer | None:
        """Return the prior."""
        return BgNbdScorer(self.horizon_ms)

    def snapshot(self) -> Snapshot:
        """Return its name: there is nothing else."""
        return Snapshot(name=self.name, version=self.name, horizon_ms=self.horizon_ms, examples=0)

    def restore(self, snapshot: Snapshot) -> None:
        """Nothing to go on from."""
