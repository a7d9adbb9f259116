"""What is asked, and what came true, from the log alone: nothing of it is seen by what is graded.

A point is (user, instant): a midnight, weekly, at which the user has enough active days, one of
them within the last H. The outcome is known afterwards: no active day within the next H.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from benchmarks.quality.logs import DAY_MS, Days, Log, instants_ms, opened, stamp

STEP_DAYS: Final = 7
INSTANTS_MAX: Final = 120
WARM_SHARE: Final = 0.15
"""Share of the log before the first point."""
GRADED_FROM: Final = 0.6
"""Points after this share of the instants, and a horizon more, are graded."""
COURSE_HORIZON_DAYS: Final = 10
LABELS_MIN: Final = 1_000
"""A point of a course is graded when so many labels were known before."""


class Points(NamedTuple):
    """What is asked, by instant; every column has the shape (n,).

    Attributes:
        users: User ids.
        at_ms: When.
        recency: Days since the last activity (nan where nobody knows).
        churned: What came true.
        is_graded: Whether it counts.
    """

    users: np.ndarray
    at_ms: np.ndarray
    recency: np.ndarray
    churned: np.ndarray
    is_graded: np.ndarray

    def only(self, picked: np.ndarray) -> Points:
        """Return some of them."""
        return Points(*(column[picked] for column in self))


def instants(span: int, horizon_days: int, step: int, from_day: int | None) -> np.ndarray:
    """Return the days after which is asked, so that every outcome lies inside the log."""
    first = max(horizon_days, int(span * WARM_SHARE)) if from_day is None else from_day
    days = np.arange(first, span - horizon_days + 1, step)
    if len(days) > INSTANTS_MAX:
        days = days[np.linspace(0, len(days) - 1, INSTANTS_MAX).astype(int)]
    return days


def points(
    log: Days,
    horizon_days: int,
    min_active_days: int,
    *,
    step: int = STEP_DAYS,
    from_day: int | None = None,
) -> Points:
    """Return every point of a log; ``from_day``: the first, in days after the log begins."""
    span = int(log.days.max())
    days = instants(span, horizon_days, step, from_day)
    stride = span + 2
    keys = log.users * stride + log.days
    base = np.arange(len(log.names)) * stride
    begin = np.searchsorted(keys, base)
    names = np.array(log.names)
    graded_after = days[0] + (days[-1] - days[0]) * GRADED_FROM + horizon_days
    parts = []
    for day in days.tolist():
        upto = np.searchsorted(keys, base + day, side="right")
        seen = upto - begin
        recency = np.where(seen > 0, day - log.days[np.maximum(upto - 1, 0)], horizon_days)
        who = np.flatnonzero((seen >= min_active_days) & (recency < horizon_days))
        until = base[who] + min(day + horizon_days, stride - 1)
        later = np.searchsorted(keys, until, side="right") - upto[who]
        at_ms = np.full(len(who), (log.first_day + day + 1) * DAY_MS)
        graded = np.full(len(who), day > graded_after)
        parts.append(Points(names[who], at_ms, recency[who].astype(float), later == 0, graded))
    return Points(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def course_points(log: Log, labels: Path, day: int | None) -> Points:
    """Return one point for each enrolment in a course.

    Args:
        log: Its users are enrolments.
        labels: csv with user_id, first_day, last_day, label_dropout.
        day: Day of the course, and those are asked about who were there in the ten days before;
            None = the day after the last, all are asked about, and the label is the official one.
    """
    with opened(labels) as lines:
        rows = list(csv.DictReader(lines))
    users = np.array([row["user_id"] for row in rows])
    first, last = (instants_ms([row[name] for row in rows]) for name in ("first_day", "last_day"))
    if day is None:
        at_ms = last + DAY_MS
        churned = np.array([row["label_dropout"] == "1" for row in rows])
    else:
        at_ms = first + day * DAY_MS
        place = {name: place for place, name in enumerate(users.tolist())}
        of_event = np.array([place.get(name, -1) for name in log.names])[log.users]
        assert (of_event >= 0).all(), "an event of nobody who is enrolled"
        span_ms = COURSE_HORIZON_DAYS * DAY_MS
        point_ms, start_ms = at_ms[of_event], first[of_event] + span_ms
        active_ms = log.at_ms // DAY_MS * DAY_MS
        before, after = np.zeros(len(users), bool), np.zeros(len(users), bool)
        before[of_event[(active_ms >= start_ms) & (active_ms < point_ms)]] = True
        after[of_event[(active_ms >= point_ms) & (active_ms < point_ms + span_ms)]] = True
        users, at_ms, churned = users[before], at_ms[before], ~after[before]
    order = np.lexsort((users, at_ms))
    users, at_ms, churned = users[order], at_ms[order], churned[order]
    known = np.searchsorted(at_ms + COURSE_HORIZON_DAYS * DAY_MS, at_ms, side="right")
    return Points(users, at_ms, np.full(len(users), np.nan), churned, known >= LABELS_MIN)


def write_points(asked: list[Points], path: Path) -> None:
    """Write points as ``winback backtest`` reads them, each once."""
    rows = {row: None for part in asked for row in zip(*_keys(part), strict=True)}
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("user_id", "at"))
        writer.writerows(rows)


def answers(asked: Points, path: Path) -> np.ndarray:
    """Return the probabilities of a file in the order of the points; every point must have one."""
    with path.open(newline="") as lines:
        said = {
            (row["user_id"], row["at"]): float(row["probability"]) for row in csv.DictReader(lines)
        }
    found = np.array([said[key] for key in zip(*_keys(asked), strict=True)])
    assert ((found >= 0) & (found <= 1)).all(), "no probability"
    return found


def _keys(asked: Points) -> tuple[list[str], list[str]]:
    stamps = {at_ms: stamp(at_ms) for at_ms in np.unique(asked.at_ms).tolist()}
    return asked.users.tolist(), [stamps[at_ms] for at_ms in asked.at_ms.tolist()]
