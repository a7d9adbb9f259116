"""Poisoned data: what garbage and hostile users do to the answers about everybody else.

    python -m benchmarks.quality.poison [--share .05] [--seed 1] [--kind KIND ...]

The log of ``complete_journey`` is back-tested as it is, and once more with garbage and with the
events of hostile users mixed into it, as many of each as the share says. Both are asked about the
same honest users at the same instants, and both are graded by the same grader.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from benchmarks import figures
from benchmarks.core_stages import BUILD
from benchmarks.quality.grade import Grades, grade
from benchmarks.quality.logs import DAY_MS, days_of, opened, read_log, stamp
from benchmarks.quality.points import answers, points, write_points
from benchmarks.quality.runs import SETS, WINBACK, located

SHARE: Final = 0.05
SEED: Final = 1
SET: Final = "complete_journey"

Row = tuple[str, str, str, str]
"""user_id, ts, event, amount, as they stand in the log."""


class Span(NamedTuple):
    """The time that a log covers, epoch ms UTC."""

    start_ms: int
    end_ms: int

    def drawn(self, chance: np.random.Generator, count: int) -> list[int]:
        """Return instants in it, by chance."""
        found: list[int] = chance.integers(self.start_ms, self.end_ms, count).tolist()
        return found


Make = Callable[[np.random.Generator, Span, int], Iterator[Row]]
"""Yields so many rows, in any order."""


def garbage(chance: np.random.Generator, span: Span, count: int) -> Iterator[Row]:
    """Rows that no producer should write."""
    amounts = ("nan", "-inf", "1e999", "-17.5", "abc", "", "0x10", "１２", "1,5", "-0", "9" * 400)
    for place, at_ms in enumerate(span.drawn(chance, count)):
        at, amount = stamp(at_ms), amounts[place % len(amounts)]
        yield (
            (f"garbage-{place}", at, "purchase", amount),
            ("", at, "purchase", "1"),
            (f"\u202egarbage\u200b-{place}", at, f"\u202e{'x' * 300}", amount),
            (f"garbage-{place}", at[:-4] + "99Z", "purchase", "1"),
            (f"garbage-{place % 7}", at, f"name-{place}", "1e18"),
        )[place % 5]


def hot(chance: np.random.Generator, span: Span, count: int) -> Iterator[Row]:
    """One key, in ten bursts of an hour."""
    for burst in np.array_split(np.arange(count), 10):
        begin_ms = span.drawn(chance, 1)[0]
        for at_ms in (begin_ms + chance.integers(0, 3_600_000, len(burst))).tolist():
            yield "hot", stamp(at_ms), "purchase", "1"


def crowd(chance: np.random.Generator, span: Span, count: int) -> Iterator[Row]:
    """New users with one event each, most of them within one day."""
    begin_ms = (span.start_ms + span.end_ms) // 2
    for place in range(count):
        wide = span.drawn(chance, 1)[0]
        at_ms = wide if place % 4 == 0 else begin_ms + int(chance.integers(0, DAY_MS))
        yield f"crowd-{place}", stamp(at_ms), "purchase", f"{chance.lognormal(3, 1):.2f}"


def liars(chance: np.random.Generator, span: Span, count: int) -> Iterator[Row]:
    """Users as busy as the best who stop without a sign, and come back 31 days later, in step."""
    period, busy = 62, 31
    days = (span.end_ms - span.start_ms) // DAY_MS
    active = [day for day in range(days) if day % period < busy]
    users = max(1, count // len(active))
    for place in range(count):
        user, day = place % users, active[place // users % len(active)]
        at_ms = span.start_ms + day * DAY_MS + int(chance.integers(0, DAY_MS))
        yield f"liar-{user}", stamp(min(at_ms, span.end_ms)), "purchase", "50"


def opposites(chance: np.random.Generator, span: Span, count: int) -> Iterator[Row]:
    """Users who do the opposite of everybody: the busier they were, the surer they are gone."""
    per_user = 24
    for user in range(count // per_user + 1):
        begin_ms = span.drawn(chance, 1)[0]
        is_bursting = user % 2 == 0
        for place in range(per_user):
            gap_ms = DAY_MS if is_bursting else 29 * DAY_MS
            at_ms = begin_ms + place * gap_ms + int(chance.integers(0, DAY_MS // 2))
            if at_ms < span.end_ms:
                yield f"opposite-{user}", stamp(at_ms), "purchase", "20"


def rich(chance: np.random.Generator, span: Span, count: int) -> Iterator[Row]:
    """Ordinary rhythms with amounts from another world."""
    amounts = ("1e12", "0.0001", "99999999.99", "0", "123456789012")
    for place, at_ms in enumerate(span.drawn(chance, count)):
        yield f"rich-{place % 60}", stamp(at_ms), "purchase", amounts[place % len(amounts)]


KINDS: Final[dict[str, tuple[Make, ...]]] = {
    "garbage": (garbage,),
    "hot": (hot,),
    "crowd": (crowd,),
    "liars": (liars,),
    "opposites": (opposites,),
    "rich": (rich,),
    "hostile": (hot, crowd, liars, opposites, rich),
}
"""What can be mixed in; ``hostile`` is equal parts of all that are users."""
MIXED: Final = ("garbage", "hostile")


def mixed(log: Path, out: Path, kinds: tuple[str, ...], share: float, seed: int) -> int:
    """Write a log with more rows in it, in order of time; return how many."""
    with opened(log) as lines:
        head, *rows = [tuple(row) for row in csv.reader(lines)]
    stamps = [row[1] for row in rows]
    span, added = Span(_ms(min(stamps)), _ms(max(stamps))), []
    chance = np.random.default_rng(seed)
    for kind in kinds:
        makes = KINDS[kind]
        for make in makes:
            added += list(make(chance, span, int(share * len(rows)) // len(makes)))
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(sorted([*rows, *added], key=lambda row: row[1]))
    return len(added)


def _ms(text: str) -> int:
    return int(np.datetime64(text.rstrip("Z"), "ms").astype(np.int64))


def measure(kinds: tuple[str, ...], share: float, seed: int) -> tuple[Grades, Grades]:
    """Return the grades of the answers without and with what is mixed in."""
    folder = BUILD / "quality" / "poison"
    folder.mkdir(parents=True, exist_ok=True)
    chosen = SETS[SET]
    path = located(chosen)
    assert path is not None
    asked = points(days_of(read_log(path)), chosen.horizon_days, chosen.min_active_days)
    write_points([asked], folder / "points.csv")
    dirty = folder / "dirty.csv"
    mixed(path, dirty, kinds, share, seed)
    found = []
    for name, log in (("clean", path), ("poisoned", dirty)):
        scores = folder / f"{name}.csv"
        command = [
            WINBACK, "backtest", log, "--horizon-days", str(chosen.horizon_days),
            "--min-active-days", str(chosen.min_active_days), "--points", folder / "points.csv",
            "--scores", scores, "--on-bad-row", "skip", "--quiet",
        ]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found.append(grade(asked, answers(asked, scores)))
    return found[0], found[1]


def main() -> None:
    """Measure, and record the figures of what is mixed by default."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--share", type=float, default=SHARE)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--kind", action="append", choices=list(KINDS), dest="kinds")
    args = parser.parse_args()
    kinds = tuple(args.kinds or MIXED)
    clean, poisoned = measure(kinds, args.share, args.seed)
    for name, found in (("clean", clean), ("poisoned", poisoned)):
        print(f"{name:9} auc {found.auc:.4f} within {found.within:.4f} ap {found.ap:.4f} "
              f"ece-floor {found.ece - found.floor:+.4f}")  # fmt: skip
    if kinds == MIXED:
        how = f"python -m benchmarks.quality.poison --share {args.share:g} --seed {args.seed}"
        figures.show([
            figures.record("poison_auc_lost", clean.auc - poisoned.auc, how=how),
            figures.record("poison_within_lost", clean.within - poisoned.within, how=how),
        ])  # fmt: skip


if __name__ == "__main__":
    main()
