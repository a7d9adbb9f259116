"""``--compare``: what a nightly batch job would have said of the same questions.

Every 30 days logistic regression and gradient boosting are fitted anew to all questions that were
answered by then, on the same 31 features, and answer the questions of the next 30 days. That is
more than most batch jobs do, and nothing of the future.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.calibration import ece_floor
from streams.core.time import DAY_MS
from streams.pages.extras import needed
from streams.replay.report.estimates import Estimate, Graded, estimated, says_something
from streams.replay.report.past import Past
from streams.replay.report.ranking import auc_within

F64 = NDArray[np.float64]

REFIT_MS: Final = 30 * DAY_MS
ROWS_MIN: Final = 200
"""Answered questions, ten of either kind among them, before a batch job can be fitted."""
ROWS_MAX: Final = 150_000
"""Answered questions that a fit takes; more of them are drawn by chance."""
OURS: Final = "winback"
SILENCE: Final = "silence alone"
LOGISTIC: Final = "monthly logistic regression"
BOOSTING: Final = "monthly gradient boosting"


class Opponent(msgspec.Struct, frozen=True):
    """How one of them did.

    Attributes:
        name: In words.
        auc: Pooled over all questions.
        auc_within: Among those asked about at the same time.
        ap: Average precision.
        brier: Mean squared error; None for what gives no probability.
        ece: Calibration error; None likewise.
        ece_floor: What a perfect model would show; None likewise.
        ahead: Measure to ours less its own, with its interval; positive = ours is better.
    """

    name: str
    auc: float
    auc_within: float | None
    ap: float
    brier: float | None
    ece: float | None
    ece_floor: float | None
    ahead: dict[str, Estimate] = {}


class Comparison(msgspec.Struct, frozen=True):
    """All of them on the same questions.

    Attributes:
        cannot_say: Why there are no figures; empty if there are.
        asked: Questions that all have answered.
        from_ms: The first of them: before, no batch job could be fitted.
        fits: How often each batch job was fitted.
        opponents: Ours first.
    """

    cannot_say: str = ""
    asked: int = 0
    from_ms: float = 0.0
    fits: int = 0
    opponents: tuple[Opponent, ...] = ()


def compared(past: Past, horizon_ms: float, tick: Callable[[float], None]) -> Comparison:
    """Return ours beside batch jobs on the same questions.

    Args:
        past: Questions and answers.
        horizon_ms: H, ms.
        tick: Called with the share that is done.

    Raises:
        UserError: scikit-learn is not installed.
    """
    needed("--compare", "sklearn")
    batch = {LOGISTIC: _logistic, BOOSTING: _boosting}
    said = {name: np.full(past.asked, np.nan) for name in batch}
    fits = 0
    with _one_core():
        for pick, known in _months(past, horizon_ms):
            fits += 1
            for name, make in batch.items():
                model = make().fit(past.rows[known], past.left[known])
                said[name][pick] = model.predict_proba(past.rows[pick])[:, 1]
            tick(pick.stop / past.asked)
    spoke = ~np.isnan(said[LOGISTIC])
    if not says_something(past.left[spoke]):
        why = (
            f"a batch job needs {ROWS_MIN} answered questions before it can be fitted, and "
            "questions after that; the log is too short"
        )
        return Comparison(why)
    said |= {OURS: past.said, SILENCE: past.silence}
    return _graded(past, said, spoke, fits, horizon_ms)


def _months(past: Past, horizon_ms: float) -> Iterator[tuple[slice, NDArray[np.intp]]]:
    """Yield the questions of each month, and those that were answered before it begins."""
    at_ms = past.people.at_ms
    numbers = (at_ms // REFIT_MS).astype(np.intp)
    chance = np.random.default_rng(0)
    for number in np.unique(numbers).tolist():
        known = np.arange(int(np.searchsorted(at_ms, number * REFIT_MS - horizon_ms, "right")))
        if len(known) < ROWS_MIN or not says_something(past.left[known]):
            continue
        if len(known) > ROWS_MAX:
            known = np.sort(chance.choice(known, ROWS_MAX, replace=False))
        begin, end = np.searchsorted(numbers, [number, number + 1]).tolist()
        yield slice(begin, end), known


def _one_core() -> Any:
    """Return a context in which threads do not wait for each other: a fit is small."""
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 (comes with scikit-learn)

    return threadpool_limits(1)


def _logistic() -> Any:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 (an extra)
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, C=0.1))


def _boosting() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 (an extra)

    return HistGradientBoostingClassifier(
        max_iter=200,
        learning_rate=0.05,
        max_leaf_nodes=15,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    )


def _graded(
    past: Past, said: dict[str, F64], spoke: NDArray[np.bool_], fits: int, horizon_ms: float
) -> Comparison:
    left, users = past.left[spoke], past.people.users[spoke]
    numbers = past.spans(horizon_ms / 4)[spoke]
    everybody = np.ones(len(left))
    graded = {name: Graded(said[name][spoke], left) for name in (OURS, LOGISTIC, BOOSTING, SILENCE)}
    measures: dict[str, Callable[[F64], float]] = {}
    for name, other in graded.items():
        if name != OURS:
            measures |= _ahead(name, graded[OURS], other)
    ahead = estimated(users, measures)
    opponents = []
    for name, one in graded.items():
        is_probability = name != SILENCE
        opponents.append(
            Opponent(
                name=name,
                auc=one.auc(everybody),
                auc_within=auc_within(said[name][spoke], left, numbers),
                ap=one.ap(everybody),
                brier=one.brier(everybody) if is_probability else None,
                ece=one.ece(everybody) if is_probability else None,
                ece_floor=ece_floor(said[name][spoke]) if is_probability else None,
                ahead={
                    key.partition(" ")[0]: value
                    for key, value in ahead.items()
                    if key.partition(" ")[2] == name
                },
            )
        )
    first = float(past.people.at_ms[np.argmax(spoke)])
    return Comparison("", len(left), first, fits, tuple(opponents))


def _ahead(name: str, ours: Graded, other: Graded) -> dict[str, Callable[[F64], float]]:
    """Return by how much ours is better, by measure and name."""
    found: dict[str, Callable[[F64], float]] = {
        f"auc {name}": lambda weight: ours.auc(weight) - other.auc(weight),
        f"ap {name}": lambda weight: ours.ap(weight) - other.ap(weight),
    }
    if name != SILENCE:
        found[f"brier {name}"] = lambda weight: other.brier(weight) - ours.brier(weight)
        found[f"ece {name}"] = lambda weight: other.ece(weight) - ours.ece(weight)
    return found
