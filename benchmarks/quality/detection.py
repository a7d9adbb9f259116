"""Detection through ``winback backtest``, graded by a grader that shares no code with it.

    python -m benchmarks.quality.detection [SET ...]

The committed logs always; more when WINBACK_DATA names a directory with ``<set>/events.csv.gz``.
The set ``chance`` is a log in which users were dealt out anew at random: nothing can be found.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import time
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from benchmarks import figures
from benchmarks.core_stages import BUILD
from benchmarks.figures import Figure, Promise
from benchmarks.quality.grade import grade, points, read_days, read_scores, write_points
from benchmarks.stand import Stand

DATA: Final = figures.ROOT / "data"
ECE: Final = Promise("calibration error of the same answers", "", "<=", 0.05)
LEAD: Final = Promise("AUC above that of recency, same points", "", ">=", 0.0)


class Set(NamedTuple):
    """A log and what is asked of it.

    Attributes:
        path: Under ``data`` or WINBACK_DATA.
        horizon_days: H.
        min_active_days: Who is asked about.
        figure: Name of its AUC among the figures.
        is_dealt: Users are dealt out by chance first.
    """

    path: str
    horizon_days: int
    min_active_days: int
    figure: str
    is_dealt: bool = False


SETS: Final = {
    "complete_journey": Set("complete_journey.csv.gz", 30, 5, "auc_complete_journey_h30"),
    "cdnow": Set("cdnow.csv.gz", 90, 2, "auc_cdnow_h90"),
    "raku_irc": Set("raku_irc/events.csv.gz", 30, 5, "auc_raku_irc_h30"),
    "ansible_git": Set("ansible_git/events.csv.gz", 90, 5, "auc_ansible_git_h90"),
    "chance": Set("retail_txn_125k/events.csv.gz", 30, 5, "auc_chance", is_dealt=True),
}


def located(chosen: Set) -> Path | None:
    """Return the file of a set, or None when it is not here."""
    places = [DATA, *map(Path, filter(None, [os.environ.get("WINBACK_DATA")]))]
    return next((place / chosen.path for place in places if (place / chosen.path).exists()), None)


def dealt(path: Path) -> Path:
    """Return a copy of a log with the same times and amounts, its users dealt out by chance."""
    out = BUILD / "dealt.csv"
    with gzip.open(path, "rt") as lines:
        rows = list(csv.reader(lines))
    head, body = rows[0], rows[1:]
    column = head.index("user_id")
    deal = np.random.default_rng(0).permutation(len(body))
    users = [body[place][column] for place in deal.tolist()]
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for row, user in zip(body, users, strict=True):
            row[column] = user
            writer.writerow(row)
    return out


def measure(name: str, chosen: Set, path: Path) -> list[Figure]:
    """Back-test one set and grade it."""
    path = dealt(path) if chosen.is_dealt else path
    log = read_days(path)
    asked = points(log, chosen.horizon_days, chosen.min_active_days)
    questions, answers = BUILD / f"{name}-points.csv", BUILD / f"{name}-scores.csv"
    write_points(asked, log, questions)
    began = time.perf_counter()
    Stand("127.0.0.1:1", BUILD).run(  # a back-test needs no Kafka
        "backtest", path, "--horizon-days", str(chosen.horizon_days), "--points", questions,
        "--scores", answers, "--min-active-days", str(chosen.min_active_days), "--quiet",
    )  # fmt: skip
    seconds = time.perf_counter() - began
    found = grade(asked, read_scores(asked, log, answers), chosen.horizon_days)
    print(json.dumps({"set": name, "seconds": round(seconds, 1), **found._asdict()}))
    note = f"{found.points:,} points, {found.base_rate:.0%} left, recency {found.auc_recency:.4f}"
    if chosen.is_dealt:
        return [
            figures.record("auc_chance_low", found.auc, note=note),
            figures.record("auc_chance_high", found.auc, note=note),
        ]
    known = figures.PROMISES.get(chosen.figure)
    fact = Promise(f"AUC, {name}, H {chosen.horizon_days} d", "")
    lead = found.auc - found.auc_recency
    return [
        figures.record(chosen.figure, found.auc, note=note, promise=known or fact),
        figures.record(f"lead:{name}", lead, note=f"{name}: {LEAD.what}", promise=LEAD),
        figures.record(f"ece:{name}", found.ece, note=f"{name}: {ECE.what}", promise=ECE),
    ]


def main() -> None:
    """Measure every set that is here."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "sets", nargs="*", metavar="SET", help=f"Default: all of {', '.join(SETS)}."
    )
    args = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in args.sets or SETS:
        path = located(SETS[name])
        if path is None:
            print(f"{name}: not here; set WINBACK_DATA to a directory that has {SETS[name].path}")
            continue
        figures.show(measure(name, SETS[name], path))


if __name__ == "__main__":
    main()
