"""Models that are no line: the refitted booster, a booster of somebody else, and the prior."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from models.bgnbd import BgNbdScorer
from models.boosted import BadTreesError, MixedScorer, Trees
from models.feature_list import FEATURES, PLAIN_WIDTH
from models.learner import sound
from models.newest import NewestExamples
from models.scorer import LinearScorer, PathScorer, Scorer, by_group, linear_scorer
from models.snapshot import Refusal, Snapshot, SnapshotRefused, check_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from models.boosted import Fit
    from models.features import F64
    from models.learner import SecondOrderLearner

Background: TypeAlias = "Callable[[Fit], Future[Trees]]"


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
        self.newest = NewestExamples(width)
        self._edition = 0
        self._fit: Future[Trees] | None = None

    @property
    def examples(self) -> int:
        """Examples behind the online part; 0 as long as there are no trees."""
        return self._linear.examples if self.trees is not None else 0

    def learn(
        self, rows: NDArray[np.floating], active: NDArray[np.bool_], weight: NDArray[np.floating]
    ) -> None:
        """Keep examples for the next fit."""
        may = sound(rows, weight)
        self.newest.add(rows[may].astype(np.float32), active[may], weight[may].astype(np.float32))

    def refit(self, background: Background | None = None) -> bool:
        """Adopt a fit that has ended meanwhile; fit anew when that is due.

        A fit that failed in another thread changes nothing; whoever ran it knows why.

        Args:
            background: Runs a fit in another thread; None = at once.

        Returns:
            Whether there are new trees.
        """
        before = self._edition
        if self._fit is not None and self._fit.done():
            if self._fit.exception() is None:
                self._adopt(self._fit.result())
            self._fit = None
        fit = self.newest.take() if self._fit is None and self.newest.is_due else None
        if fit is not None and background is not None:
            self._fit = background(fit)
        elif fit is not None:
            self._adopt(fit())
        return self._edition != before

    def _adopt(self, trees: Trees) -> None:
        self.trees = trees
        self._edition += 1

    def scorer(self) -> Scorer | None:
        """Return the mix of now; None before the first fit."""
        linear = self._linear.scorer()
        if self.trees is None or not isinstance(linear, LinearScorer):
            return None
        return MixedScorer(linear, self.trees, self._version(linear.version))

    def snapshot(self) -> Snapshot:
        """Return all that scores; the examples for the next fit are records of their own."""
        linear = self._linear.snapshot()
        kept = {name: linear.numbers[name] for name in ("means", "variances", "weights")}
        newest = self.newest
        edition = (float(self._edition), float(newest.fitted_to), float(newest.fitted_at))
        return Snapshot(
            name=self.name,
            version=self._version(linear.version),
            horizon_ms=linear.horizon_ms,
            examples=self.examples,
            columns=linear.columns,
            numbers=kept | {"edition": edition},
            trees="" if self.trees is None else self.trees.text,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go on with the trees of a snapshot.

        Raises:
            SnapshotRefused: It is not of this model, or its trees cannot be read.
        """
        check_model(snapshot, name=self.name, horizon_ms=self._linear.horizon_ms)
        edition = tuple(map(int, snapshot.numbers["edition"]))
        self._edition, self.newest.fitted_to, self.newest.fitted_at = edition
        self.trees = _trees(snapshot) if snapshot.trees else None

    def _version(self, linear: str) -> str:
        return f"{self.name}.{self._edition}.{linear.partition('.')[2]}"


def mixed_scorer(snapshot: Snapshot) -> PathScorer:
    """Return the scorer of a snapshot of a mix."""
    return MixedScorer(linear_scorer(snapshot), _trees(snapshot), snapshot.version)


def _trees(snapshot: Snapshot) -> Trees:
    try:
        return Trees(snapshot.trees)
    except BadTreesError as error:
        raise SnapshotRefused(Refusal.NOT_DECODABLE, str(error)) from error


class TreesScorer(PathScorer):
    """Trees alone: a challenger that somebody fitted elsewhere.

    Args:
        trees: Fitted to hazard examples: log-odds of being active within U.
        version: Name of the model.
        examples: How many it was fitted to.
        horizon_ms: H, ms.
    """

    def __init__(self, trees: Trees, version: str, examples: int, horizon_ms: float) -> None:
        self.trees, self.width = trees, trees.width
        self.version, self.examples, self.horizon_ms = version, examples, float(horizon_ms)

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
        horizon_ms: H, ms.

    Raises:
        SnapshotRefused: It is of other features or another horizon, or no booster.
    """

    def __init__(self, snapshot: Snapshot, horizon_ms: int) -> None:
        self.name, self.horizon_ms = snapshot.name, horizon_ms
        self.restore(snapshot)

    @property
    def examples(self) -> int:
        """Examples that it was fitted to."""
        return self._snapshot.examples

    def scorer(self) -> Scorer | None:
        """Return what it scores with."""
        return self._scorer

    def snapshot(self) -> Snapshot:
        """Return what came in."""
        return self._snapshot

    def restore(self, snapshot: Snapshot) -> None:
        """Play on with what came in before."""
        check_model(snapshot, name=self.name, horizon_ms=self.horizon_ms)
        self._snapshot, self._scorer = snapshot, guest_scorer(snapshot)


def guest_scorer(snapshot: Snapshot) -> PathScorer:
    """Return the scorer of a guest."""
    trees = _trees(snapshot)
    return TreesScorer(trees, snapshot.version, snapshot.examples, snapshot.horizon_ms)


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
        """See that it is the same: there is nothing to go on from."""
        check_model(snapshot, name=self.name, horizon_ms=self.horizon_ms)
