"""The models by name. Names are permanent: a changed model is a new name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from models.scorer import linear_scorer
from models.snapshot import Refusal, SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from models.learner import Learner
    from models.scorer import Scorer
    from models.snapshot import Snapshot

CHAMPION: Final = "hazard_logistic_v1"
"""In force until evidence or an operator promotes another one."""
MIX: Final = "hazard_mix_v1"
MATURED: Final = "matured_logistic_v1"
"""Knows one span and no path through it: a person may promote it, evidence does not."""
PRIOR: Final = "bgnbd_v1"
FLOOR: Final = "recency_v1"
GUEST: Final = "guest_"
"""Names of models that somebody else entered begin like that."""


class Setup(NamedTuple):
    """What a model is made for.

    Attributes:
        horizon_ms: H, ms.
        columns: Names of the features it may use; empty = those that need no configuration.
        others: The models made before it, by name.
    """

    horizon_ms: int
    columns: Sequence[str] = ()
    others: Mapping[str, Learner] = {}


class Entry(NamedTuple):
    """A model of the catalogue.

    Attributes:
        make: Makes one that has learned nothing.
        scorer_of: Makes a scorer of a snapshot.
        what: In a line.
    """

    make: Callable[[Setup], Learner]
    scorer_of: Callable[[Snapshot], Scorer]
    what: str


def _logistic(setup: Setup) -> Learner:
    from models.learner import SecondOrderLearner  # noqa: PLC0415 (workers never learn)

    return SecondOrderLearner(CHAMPION, setup.horizon_ms, setup.columns)


def _adagrad(setup: Setup) -> Learner:
    from models.learner import AdaGradLearner  # noqa: PLC0415

    return AdaGradLearner("hazard_adagrad_v1", setup.horizon_ms, setup.columns)


def _mix(setup: Setup) -> Learner:
    from models.challengers import MixedLearner  # noqa: PLC0415
    from models.learner import SecondOrderLearner  # noqa: PLC0415

    linear = setup.others.get(CHAMPION) or _logistic(setup)
    assert isinstance(linear, SecondOrderLearner)
    return MixedLearner(MIX, linear)


def _matured(setup: Setup) -> Learner:
    from models.matured import MaturedLearner  # noqa: PLC0415

    return MaturedLearner(MATURED, setup.horizon_ms, setup.columns)


def _prior(setup: Setup) -> Learner:
    from models.challengers import PriorLearner  # noqa: PLC0415

    return PriorLearner(PRIOR, setup.horizon_ms)


def _recency(setup: Setup) -> Learner:
    from models.learner import SecondOrderLearner  # noqa: PLC0415

    return SecondOrderLearner(FLOOR, setup.horizon_ms, ("lrec",))


def _mixed_scorer(snapshot: Snapshot) -> Scorer:
    from models.challengers import mixed_scorer  # noqa: PLC0415 (LightGBM takes a second)

    return mixed_scorer(snapshot)


def _matured_scorer(snapshot: Snapshot) -> Scorer:
    from models.matured import MaturedScorer  # noqa: PLC0415

    return MaturedScorer(linear_scorer(snapshot))


def _prior_scorer(snapshot: Snapshot) -> Scorer:
    from models.bgnbd import BgNbdScorer  # noqa: PLC0415

    return BgNbdScorer(snapshot.horizon_ms)


def _guest_scorer(snapshot: Snapshot) -> Scorer:
    from models.challengers import guest_scorer  # noqa: PLC0415

    return guest_scorer(snapshot)


CATALOGUE: Final[dict[str, Entry]] = {
    CHAMPION: Entry(_logistic, linear_scorer, "hazard, second-order online logistic regression"),
    "hazard_adagrad_v1": Entry(_adagrad, linear_scorer, "hazard, River's logistic by AdaGrad"),
    MIX: Entry(_mix, _mixed_scorer, "the first, mixed with boosting refitted to the newest"),
    MATURED: Entry(_matured, _matured_scorer, "outcomes over H, learned when over"),
    PRIOR: Entry(_prior, _prior_scorer, "no learning: frequency, age and silence (MBG/NBD)"),
    FLOOR: Entry(_recency, linear_scorer, "the floor: silence alone"),
}


def scorer_of(snapshot: Snapshot) -> Scorer:
    """Return the scorer of a snapshot of any model.

    Raises:
        SnapshotRefused: The catalogue has no such model, or its state is not whole.
    """
    if snapshot.name.startswith(GUEST):
        return _guest_scorer(snapshot)
    entry = CATALOGUE.get(snapshot.name)
    if entry is None:
        raise SnapshotRefused(Refusal.OTHER_MODEL, f"the catalogue has no {snapshot.name}")
    return entry.scorer_of(snapshot)
