"""Detection quality of one hazard model alone: no Kafka, no lane, honest delay.

    python benchmarks/quality/offline.py EVENTS.csv.gz POINTS.csv --horizon-days H --scores OUT.csv

Folds a log with the slow twin of the rhythm, draws examples on each user's grid, learns each when
it has matured, and scores the points with what was known at their instant: events with ts < at,
examples matured before at. Grade the scores with an independent judge of the same points.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import sys
import time
from array import array
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

from models.bgnbd import BgNbdScorer
from models.catalogue import CATALOGUE, CHAMPION, FLOOR, PRIOR, Setup
from models.features import RHYTHM_WIDTH, features
from models.prequential import Grades, grades
from models.scorer import PathScorer, Scorer

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.oracles_rhythm import DAY_MS, fold_event

KIND_SAMPLE = 1_000
PERIODS = 4
MODELS = (CHAMPION, "hazard_adagrad_v1", FLOOR, PRIOR)
"""Those that learn from examples alone, and the prior."""


class Event(NamedTuple):
    at_ms: float
    kind: int | None
    amount: float


class Rows(NamedTuple):
    """Heads (n x 36) and what belongs to each row."""

    heads: array[float]
    at_ms: array[float]
    active: array[int]


def epoch_ms(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1000


def read_events(path: Path) -> tuple[dict[str, list[Event]], float]:
    users: dict[str, list[Event]] = defaultdict(list)
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        rows = csv.DictReader(lines)
        head = list(islice(rows, KIND_SAMPLE))
        common = [kind for kind, _ in Counter(row["event"] for row in head).most_common(2)]
        kinds = {kind: place for place, kind in enumerate(common)}
        at_ms = 0.0
        for part in (head, rows):
            for row in part:
                at_ms = epoch_ms(row["ts"])
                amount = float(row["amount"] or 0)
                users[row["user_id"]].append(Event(at_ms, kinds.get(row["event"]), amount))
    return users, at_ms


def read_points(path: Path) -> dict[str, list[float]]:
    points: dict[str, list[float]] = defaultdict(list)
    with path.open() as lines:
        for row in csv.DictReader(lines):
            points[row["user_id"]].append(epoch_ms(row["at"]))
    return {user: sorted(instants) for user, instants in points.items()}


def read_ends(path: Path | None) -> dict[str, float]:
    """Return the instant to which each user was observed; nobody is named if there is no file."""
    if path is None:
        return {}
    with gzip.open(path, "rt") as lines:
        rows = csv.DictReader(lines)
        return {row["user_id"]: epoch_ms(row["last_day"] + "T00:00:00Z") + DAY_MS for row in rows}


def walk(
    user: str,
    events: list[Event],
    instants: list[float],
    end_ms: float,
    horizon_ms: float,
    examples: Rows,
    wanted: Rows,
) -> None:
    """Append the user's examples and the heads at the wanted instants."""
    period_ms = horizon_ms / PERIODS
    digest = hashlib.blake2b(user.encode(), digest_size=8).digest()
    phase_ms = int.from_bytes(digest, "big") % int(period_ms)
    head: list[float] | None = None
    points = iter(instants)
    point = next(points, None)
    for place, event in enumerate(events):
        after_ms = events[place + 1].at_ms if place + 1 < len(events) else float("inf")
        head = fold_event(head, event.at_ms, horizon_ms, amount=event.amount, kind=event.kind)
        while point is not None and point <= after_ms:
            if point > event.at_ms:
                wanted.heads.extend(head)
                wanted.at_ms.append(point)
            point = next(points, None)
        if after_ms == event.at_ms:
            continue
        grid_ms = phase_ms + -(-(event.at_ms - phase_ms) // period_ms) * period_ms
        limit_ms = min(after_ms, event.at_ms + 2 * horizon_ms)
        while grid_ms < limit_ms and grid_ms + period_ms <= end_ms:
            examples.heads.extend(head)
            examples.at_ms.append(grid_ms)
            examples.active.append(after_ms <= grid_ms + period_ms)
            grid_ms += period_ms


class Followed(NamedTuple):
    """What a model came to.

    Attributes:
        said: P(no activity in H) of the wanted rows, as known then.
        examples: Learned.
        learn_us: Time to learn one, µs.
        prequential: Grades of P(active within U), each said before the example was learned.
    """

    said: NDArray[np.float64]
    examples: int
    learn_us: float
    prequential: Grades


def follow(model: str, examples: Rows, wanted: Rows, horizon_ms: float) -> Followed:
    """Learn in order of maturity; score the wanted rows with what was known then."""
    opened_ms = np.frombuffer(examples.at_ms)
    rows = features(np.frombuffer(examples.heads).reshape(-1, RHYTHM_WIDTH), opened_ms, horizon_ms)
    matured_ms = opened_ms + horizon_ms / PERIODS
    order = np.argsort(matured_ms, kind="stable")
    rows, matured_ms = rows.astype(np.float32)[order], matured_ms[order]
    active = np.frombuffer(examples.active, np.int8)[order].astype(bool)
    weight = np.ones(len(order), np.float32)
    heads = np.frombuffer(wanted.heads).reshape(-1, RHYTHM_WIDTH)
    at_ms = np.frombuffer(wanted.at_ms)
    said, stays = np.empty(len(at_ms)), np.full(len(order), np.nan)
    learner = CATALOGUE[model].make(Setup(int(horizon_ms)))
    learned = 0
    learning = 0.0
    for instant in np.unique(at_ms):
        part = slice(learned, int(np.searchsorted(matured_ms, instant, side="left")))
        scorer = learner.scorer()
        if isinstance(scorer, PathScorer):
            logit = scorer.logit(rows[part, : scorer.width].astype(np.float64).T)
            stays[part] = 1.0 / (1.0 + np.exp(-logit))
        start = time.perf_counter()
        learner.learn(rows[part], active[part], weight[part])
        learning += time.perf_counter() - start
        learned = part.stop
        now = at_ms == instant
        in_force: Scorer = learner.scorer() or BgNbdScorer(horizon_ms)
        said[now] = in_force.quiet(heads[now], at_ms[now])
    spoke = ~np.isnan(stays)
    learn_us = round(learning / max(learned, 1) * 1e6, 1)
    return Followed(said, learned, learn_us, grades(stays[spoke], active[spoke]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", type=Path)
    parser.add_argument("points", type=Path)
    parser.add_argument("--horizon-days", type=float, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--model", choices=MODELS, default=CHAMPION)
    parser.add_argument("--ends", type=Path, help="csv.gz with user_id,last_day: observed so long")
    args = parser.parse_args()
    horizon_ms = args.horizon_days * DAY_MS
    began = time.perf_counter()

    users, end_ms = read_events(args.events)
    ends = read_ends(args.ends)
    points = read_points(args.points)
    examples = Rows(array("d"), array("d"), array("b"))
    wanted = Rows(array("d"), array("d"), array("b"))
    names: list[str] = []
    for user, events in users.items():
        before = len(wanted.at_ms)
        instants, until_ms = points.get(user, []), ends.get(user, end_ms)
        walk(user, events, instants, until_ms, horizon_ms, examples, wanted)
        names += [user] * (len(wanted.at_ms) - before)
    folded = time.perf_counter()

    found = follow(args.model, examples, wanted, horizon_ms)
    with args.scores.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("user_id", "at", "probability"))
        for user, instant, probability in zip(names, wanted.at_ms, found.said, strict=True):
            stamp = datetime.fromtimestamp(instant / 1000, UTC).isoformat()
            writer.writerow((user, stamp, repr(float(probability))))
    facts = {
        "examples": found.examples,
        "learn_us": found.learn_us,
        "prequential": asdict(found.prequential),
        "events": sum(map(len, users.values())),
        "points": len(found.said),
        "fold_s": round(folded - began, 1),
        "all_s": round(time.perf_counter() - began, 1),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
