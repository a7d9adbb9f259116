"""What is measured of the back-tests of a set: each measure is a dict of metrics by name."""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.quality.grade import Grades, auc, grade
from benchmarks.quality.logs import DAY_MS, days_of, instants_ms, read_log, stamp
from benchmarks.quality.opponents import refitted
from benchmarks.quality.points import Points, answers
from benchmarks.quality.runs import COLD, SETS, Bench, Run
from benchmarks.quality.silences import (
    Said,
    Silences,
    at_equal_number,
    days_earlier,
    first_of_each,
    read_said,
    silences,
)

Metrics = dict[str, float]
Measure = Callable[[Bench, str], Metrics]


def ranking(which: str = "") -> Measure:
    """Ranking and calibration of the answers to points.

    ``above_recency`` is there where recency is known of the points.
    """

    def measure(bench: Bench, name: str) -> Metrics:
        asked = bench.asked(name).points[which]
        found = grade(asked, answers(asked, bench.run(name).scores))
        return _of(asked, found)

    return measure


def quick(bench: Bench, name: str) -> Metrics:
    """CPU time of a back-test that is asked for scores alone."""
    return {"cpu_s": bench.run(name, is_quick=True).cpu_s}


def cold(bench: Bench, name: str) -> Metrics:
    """Ranking of the first weeks, by days since the log began."""
    asked = bench.asked(name).points[COLD]
    said = answers(asked, bench.run(name).scores)
    day = asked.at_ms // DAY_MS - days_of(bench.asked(name).log).first_day - 1
    out = {}
    for first, last in ((30, 45), (45, 60)):
        now = (day >= first) & (day < last)
        out[f"auc_{first}_{last}"] = auc(asked.churned[now], said[now])
    return out


def earliness(silent_days: float) -> Measure:
    """Days earlier than "silent for x days" at equal number, the median."""

    def measure(bench: Bench, name: str) -> Metrics:
        return {"days_earlier": days_earlier(*_risk(bench, name), silent_days)}

    return measure


def alerts(bench: Bench, name: str) -> Metrics:
    """The alerts as they were sent: beside hindsight, and beside the rule of equal number."""
    quiet, risk = _risk(bench, name)
    sent = first_of_each(quiet, read_said(bench.run(name).alerts, quiet))
    best = at_equal_number(quiet, risk, len(sent.silence))
    lost = quiet.days >= quiet.horizon_days
    rule_days = float(np.sort(quiet.days)[::-1][len(sent.silence) - 1])
    return {
        "days_earlier": float(np.median(rule_days - sent.delay[lost[sent.silence]])),
        "precision": sent.precision,
        "recall": float(lost[sent.silence].sum() / lost.sum()),
        "below_hindsight": best.precision - sent.precision,
    }


def opponents(bench: Bench, name: str) -> Metrics:
    """Ranking of the better batch job within a snapshot."""
    asked = bench.asked(name)
    found = refitted(days_of(asked.log), asked.points[""], SETS[name].horizon_days)
    return {"within": max(grades.within for grades in found.values())}


def leak(bench: Bench, name: str) -> Metrics:
    """How many answers, risks and alerts change when the log ends earlier."""
    cuts = SETS[name].cuts[: bench.cuts]
    for until in cuts:
        bench.begin(name, until)
    found = [differences(bench.run(name), bench.run(name, until), until) for until in cuts]
    return {
        "differences": float(sum(differ for _, differ in found)),
        "least_compared": float(min(compared for compared, _ in found)),
    }


def differences(whole: Run, part: Run, until: str) -> tuple[int, int]:
    """Return how many lines were compared, and how many are in one run alone.

    Answers are compared up to the cut; risks and alerts, which come with events and their silence,
    up to the newest event of the shorter log: what is later was not due there.
    """
    newest_ms = int(read_log(part.log).at_ms[-1])
    until_ms = int(instants_ms([until])[0])
    compared = differ = 0
    for name, last_ms in (("scores", until_ms), ("risk", newest_ms), ("alerts", newest_ms)):
        ours, theirs = (_rows(getattr(run, name), last_ms) for run in (whole, part))
        compared += len(ours)
        differ += len(ours ^ theirs)
    return compared, differ


def _of(asked: Points, found: Grades) -> Metrics:
    out = {
        "auc": found.auc, "auc_most": found.auc, "within": found.within, "ap": found.ap,
        "ece": found.ece, "above_floor": found.ece - found.floor,
    }  # fmt: skip
    recency, churned = asked.recency[asked.is_graded], asked.churned[asked.is_graded]
    if not np.isnan(recency).any():
        out["above_recency"] = found.auc - auc(churned, recency)
    return out


@cache
def _risk(bench: Bench, name: str) -> tuple[Silences, Said]:
    chosen, asked = SETS[name], bench.asked(name)
    graded = asked.points[""].only(asked.points[""].is_graded)
    since = stamp(int(graded.at_ms.min()))  # Silences of the time in which points are graded.
    assert since >= chosen.since, "what is graded has been written"
    quiet = silences(asked.log, since, chosen.horizon_days, chosen.min_active_days)
    return quiet, read_said(bench.run(name).risk, quiet)


def _rows(path: Path, last_ms: int) -> set[tuple[str, ...]]:
    with path.open(newline="") as file:
        _, *rows = map(tuple, csv.reader(file))
    at_ms = instants_ms([row[1] for row in rows]) if rows else np.empty(0, int)
    return {row for row, at in zip(rows, at_ms.tolist(), strict=True) if at <= last_ms}
