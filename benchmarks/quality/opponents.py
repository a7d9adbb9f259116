"""Batch jobs that answer the same questions: refitted every month on all labels known by then.

    python -m benchmarks.quality.opponents LOG --horizon-days H [--min-active-days N]

Logistic regression and gradient boosting over 24 counts, gaps and windows of the active days.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.quality.grade import Grades, grade
from benchmarks.quality.logs import DAY_MS, Days, days_of, read_log
from benchmarks.quality.points import Points, points

WINDOWS_DAYS: Final = (1, 3, 7, 14, 30, 60, 90, 180)
MONTH_DAYS: Final = 30
ROWS_MAX: Final = 150_000

Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Rows and labels of the past, rows of now; returns P(left) of now."""


def features(log: Days, asked: Points) -> np.ndarray:
    """Return what a batch job knows of a point, shape (points, 24)."""
    place = {name: number for number, name in enumerate(log.names)}
    users = np.array([place[name] for name in asked.users.tolist()])
    day = asked.at_ms // DAY_MS - log.first_day - 1
    stride = int(log.days.max()) + 1 + max(WINDOWS_DAYS)
    keys = log.users * stride + log.days
    total = np.append(0, np.cumsum(log.events))
    begin = np.searchsorted(keys, users * stride)
    upto = np.searchsorted(keys, users * stride + day, side="right")
    active, last = upto - begin, log.days[upto - 1]
    gap = np.diff(log.days, prepend=0).astype(float)
    gap[np.searchsorted(keys, np.arange(len(log.names)) * stride)] = 0.0
    gaps, squares = (np.append(0.0, np.cumsum(gap**power)) for power in (1, 2))
    count = np.maximum(active - 1, 1)
    mean = (gaps[upto] - gaps[begin]) / count
    spread = np.sqrt(np.maximum((squares[upto] - squares[begin]) / count - mean**2, 0.0))
    few = np.minimum(5, active - 1)
    newest = (last - log.days[upto - 1 - few]) / np.maximum(few, 1)
    silent = day - last
    columns = [silent, active, day - log.days[begin], mean, spread]
    columns += [silent / np.maximum(mean, 0.5), newest, silent / np.maximum(newest, 0.5)]
    for window in WINDOWS_DAYS:
        since = np.maximum(np.searchsorted(keys, users * stride + day - window, "right"), begin)
        columns += [upto - since, total[upto] - total[since]]
    return np.stack(columns, axis=1).astype(float)


def logistic(past: np.ndarray, left: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Logistic regression on logarithms."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 (only who compares pays)
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    line: Any = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, C=0.1))
    line.fit(np.log1p(past), left)
    return np.asarray(line.predict_proba(np.log1p(now))[:, 1])


def boosting(past: np.ndarray, left: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Gradient boosting."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 (as above)

    trees: Any = HistGradientBoostingClassifier(
        max_iter=200, learning_rate=0.05, max_leaf_nodes=15, l2_regularization=1.0,
        early_stopping=False, random_state=0,
    )  # fmt: skip
    return np.asarray(trees.fit(past, left).predict_proba(now)[:, 1])


FITS: Final[dict[str, Fit]] = {"logistic": logistic, "boosting": boosting}


def refitted(log: Days, asked: Points, horizon_days: int) -> dict[str, Grades]:
    """Return the grades of every batch job on the points that are graded."""
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 (comes with scikit-learn)

    with threadpool_limits(1):  # On a busy machine threads that wait for each other take hours.
        return _refitted(log, asked, horizon_days)


def _refitted(log: Days, asked: Points, horizon_days: int) -> dict[str, Grades]:
    rows, day = features(log, asked), asked.at_ms // DAY_MS - log.first_day - 1
    said = {name: np.zeros(len(day)) for name in FITS}
    chance = np.random.default_rng(0)
    for month in np.unique(day[asked.is_graded] // MONTH_DAYS).tolist():
        known = np.flatnonzero(day <= month * MONTH_DAYS - horizon_days)
        if len(known) > ROWS_MAX:
            known = np.sort(chance.choice(known, ROWS_MAX, replace=False))
        now = asked.is_graded & (day // MONTH_DAYS == month)
        for name, fit in FITS.items():
            said[name][now] = fit(rows[known], asked.churned[known], rows[now])
    return {name: grade(asked, answer) for name, answer in said.items()}


def main() -> None:
    """Print the grades of the batch jobs on a log."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("log", type=Path)
    parser.add_argument("--horizon-days", type=int, required=True)
    parser.add_argument("--min-active-days", type=int, default=5)
    args = parser.parse_args()
    log = days_of(read_log(args.log))
    asked = points(log, args.horizon_days, args.min_active_days)
    for name, found in refitted(log, asked, args.horizon_days).items():
        print(json.dumps({"opponent": name, **found._asdict()}))


if __name__ == "__main__":
    main()
