"""Points and grades of detection, from the log alone: what was asked, what came true.

A point is (user, instant): a midnight, weekly, at which the user has enough active days, one of
them within the last H. The label is known afterwards: no active day within the next H. Nothing of
this is seen by what is graded.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

DAY_S: Final = 86_400
STEP_DAYS: Final = 7
INSTANTS_MAX: Final = 120
WARM_SHARE: Final = 0.15
"""Share of the log before the first point."""
GRADED_FROM: Final = 0.6
"""Points after this share of the instants, and a horizon more, are graded."""
BINS: Final = 10


class Days(NamedTuple):
    """Active days of users, sorted by user and day; day 0 is the first of the log."""

    names: list[str]
    users: np.ndarray
    days: np.ndarray
    first_day: int


class Points(NamedTuple):
    """What is asked: user, day whose end is the instant, days since the last activity, outcome."""

    users: np.ndarray
    days: np.ndarray
    recency: np.ndarray
    churned: np.ndarray


class Grades(NamedTuple):
    """How good the answers were.

    Attributes:
        points: Graded points.
        base_rate: Share that left.
        auc: Of the answers.
        auc_recency: Of "who has been silent longer", on the same points.
        ece: Mean distance of said and seen over ten bins of equal size.
    """

    points: int
    base_rate: float
    auc: float
    auc_recency: float
    ece: float


def read_days(path: Path) -> Days:
    """Read a log of user_id,ts,event,amount."""
    names: dict[str, int] = {}
    keys: set[tuple[int, str]] = set()
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for row in csv.DictReader(lines):
            keys.add((names.setdefault(row["user_id"], len(names)), row["ts"][:10]))
    users = np.array([user for user, _ in keys])
    days = np.array([day for _, day in keys], "datetime64[D]").astype(np.int64)
    order = np.lexsort((days, users))
    first = int(days.min())
    return Days(list(names), users[order], days[order] - first, first)


def points(log: Days, horizon_days: int, min_active_days: int) -> Points:
    """Return every point of a log."""
    span = int(log.days.max())
    instants = np.arange(
        max(horizon_days, int(span * WARM_SHARE)), span - horizon_days + 1, STEP_DAYS
    )
    if len(instants) > INSTANTS_MAX:
        instants = instants[np.linspace(0, len(instants) - 1, INSTANTS_MAX).astype(int)]
    stride = span + 2
    keys = log.users * stride + log.days
    base = np.arange(len(log.names)) * stride
    begin = np.searchsorted(keys, base)
    parts = []
    for day in instants.tolist():
        upto = np.searchsorted(keys, base + day, side="right")
        seen = upto - begin
        recency = np.where(seen > 0, day - log.days[np.maximum(upto - 1, 0)], horizon_days)
        who = np.flatnonzero((seen >= min_active_days) & (recency < horizon_days))
        until = base[who] + min(day + horizon_days, stride - 1)
        later = np.searchsorted(keys, until, side="right") - upto[who]
        parts.append((who, np.full(len(who), day), recency[who], later == 0))
    return Points(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def write_points(asked: Points, log: Days, path: Path) -> None:
    """Write points as ``winback backtest`` reads them."""
    stamps = _stamps(asked.days, log.first_day)
    with path.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(("user_id", "at"))
        rows.writerows(
            (log.names[user], stamp)
            for user, stamp in zip(asked.users.tolist(), stamps, strict=True)
        )


def read_scores(asked: Points, log: Days, path: Path) -> np.ndarray:
    """Return the answers in the order of the points; every point must have one."""
    with path.open() as lines:
        said = {
            (row["user_id"], row["at"][:10]): float(row["probability"])
            for row in csv.DictReader(lines)
        }
    stamps = _stamps(asked.days, log.first_day)
    rows = zip(asked.users.tolist(), stamps, strict=True)
    return np.array([said[log.names[user], stamp[:10]] for user, stamp in rows])


def _stamps(days: np.ndarray, first_day: int) -> list[str]:
    """Return the midnights that end days."""
    midnights = (days + first_day + 1).astype("datetime64[D]")
    return [f"{midnight}T00:00:00Z" for midnight in midnights.tolist()]


def grade(asked: Points, said: np.ndarray, horizon_days: int) -> Grades:
    """Grade the later part of the points."""
    first, last = int(asked.days.min()), int(asked.days.max())
    late = asked.days > first + (last - first) * GRADED_FROM + horizon_days
    churned, said, recency = asked.churned[late], said[late], asked.recency[late]
    return Grades(
        int(late.sum()),
        float(churned.mean()),
        auc(churned, said),
        auc(churned, recency),
        ece(churned, said),
    )


def auc(outcome: np.ndarray, score: np.ndarray) -> float:
    """Return P(score of one that left > score of one that stayed), ties counted half.

    Source:
        Mann & Whitney (1947), Annals of Mathematical Statistics 18(1).
    """
    values, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    assert len(rank) == len(score) >= len(values)
    left = int(outcome.sum())
    stayed = len(outcome) - left
    return float((rank[outcome].sum() - left * (left + 1) / 2) / (left * stayed))


def ece(outcome: np.ndarray, said: np.ndarray) -> float:
    """Return the expected calibration error over bins of equal size."""
    parts = np.array_split(np.argsort(said, kind="stable"), BINS)
    off = [len(part) * abs(outcome[part].mean() - said[part].mean()) for part in parts if len(part)]
    return float(sum(off) / len(outcome))
