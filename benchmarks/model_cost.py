"""What models cost: µs of CPU per user that is scored, and per example that is learned.

    python -m benchmarks.model_cost

Users and examples are those of the baskets of ``complete_journey``, in the order of their time. All
models of the roster learn; what scores is what is in force at the end.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np

from benchmarks import figures
from models.catalogue import CATALOGUE, MIX, Setup
from models.questions import Examples, Openings, Outcomes
from models.roster import Roster
from models.scorer import Scorer
from streams.core.outbox import EXAMPLES
from streams.core.rules import Rules
from streams.core.time import DAY_MS
from streams.lessons import Lesson, block_of, lesson_of
from streams.replay.files import EventLog
from streams.replay.fleet import Fleet, drive
from streams.replay.mute import Mute, muted
from streams.replay.rulebook import most_frequent_kinds, redefined, rules_at

LOG: Final = figures.ROOT / "data" / "complete_journey.csv.gz"
HORIZON_DAYS: Final = 30
NOW_MS: Final = 4_000_000_000_000
ROUND_ROWS: Final = (1_000, 4_000)
REPEATS: Final = 30


class Week(NamedTuple):
    """What came in before an instant."""

    until_ms: int
    lessons: list[Lesson]


class Weeks:
    """Runs the log through the core and keeps what it teaches, week by week; a ``Cuts``."""

    def __init__(self, rules: Rules) -> None:
        self.weeks: list[Week] = []
        self._rules = rules
        self._fleet = Fleet(muted(rules), Mute(), partitions=1, now_ms=NOW_MS, is_shadow=True)
        self._came: list[Lesson] = []

    def run(self, log: EventLog) -> list[Week]:
        drive(self._fleet, log.blocks(), self, self._cut, lambda _: self._collect())
        return self.weeks

    def after(self, at_ms: int, *, is_over: bool = False) -> int | None:
        week_ms = 7 * DAY_MS
        return None if is_over else (at_ms // week_ms + 1) * week_ms

    def _cut(self, at_ms: int) -> None:
        self._collect()
        self.weeks.append(Week(at_ms, self._came))
        self._came = []

    def _collect(self) -> None:
        self._came += [
            lesson_of(block_of(record.value), self._rules.hash)
            for stream, _, records in self._fleet.take()
            if stream == EXAMPLES
            for record in records
        ]


def rules_of_log() -> Rules:
    plain = rules_at("")
    kinds = most_frequent_kinds(EventLog(str(LOG)).head(), plain)
    return redefined(plain, horizon_days=HORIZON_DAYS, min_active_days=5, kinds=kinds)


def roster_us(roster: Roster, weeks: list[Week]) -> float:
    """Let a roster live through the weeks; return CPU per example, all that it does counted."""
    began = time.process_time()
    for week in weeks:
        for lesson in week.lessons:
            match lesson:
                case Examples():
                    roster.receive(examples=lesson)
                case Openings():
                    roster.receive(openings=lesson)
                case Outcomes():
                    roster.receive(outcomes=lesson)
        roster.advance(week.until_ms)
    return (time.process_time() - began) / roster.examples * 1e6


def learning_us(rules: Rules, weeks: list[Week]) -> dict[str, float]:
    """Return the CPU per example of each model that learns, fits of trees left out."""
    parts = [lesson for week in weeks for lesson in week.lessons if isinstance(lesson, Examples)]
    count = sum(len(part.active) for part in parts)
    found, models = {}, {}
    for name, entry in CATALOGUE.items():
        models[name] = entry.make(Setup(rules.churn.horizon_ms, rules.columns, models))
        began = time.process_time()
        for part in parts:
            models[name].learn(part.rows, part.active, part.weight)
        found[name] = (time.process_time() - began) / count * 1e6
    return found


def users(weeks: list[Week]) -> tuple[np.ndarray, np.ndarray]:
    """Return the heads of users that were asked about last, and the instants."""
    asked = [lesson for week in weeks for lesson in week.lessons if isinstance(lesson, Openings)]
    heads, at_ms = (
        np.concatenate([getattr(part, name) for part in asked]) for name in ("heads", "at_ms")
    )
    return heads[-max(ROUND_ROWS) :], at_ms[-max(ROUND_ROWS) :]


def asking_us(ask: Callable[[np.ndarray, np.ndarray], object], heads: np.ndarray,
              at_ms: np.ndarray) -> dict[int, float]:  # fmt: skip
    """Return the CPU per user by the number of rows of a round, the median of many rounds."""
    return {rows: float(np.median(list(_rounds(ask, heads[:rows], at_ms[:rows]))))
            for rows in ROUND_ROWS}  # fmt: skip


def _rounds(
    ask: Callable[[np.ndarray, np.ndarray], object], heads: np.ndarray, at_ms: np.ndarray
) -> Iterator[float]:
    for _ in range(REPEATS):
        began = time.process_time()
        ask(heads, at_ms)
        yield (time.process_time() - began) / len(heads) * 1e6


def main() -> None:
    """Measure and record."""
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    rules = rules_of_log()
    weeks = Weeks(rules).run(EventLog(str(LOG)))
    roster = Roster(rules.churn.horizon_ms, columns=rules.columns)
    whole = roster_us(roster, weeks)
    learning = learning_us(rules, weeks)
    heads, at_ms = users(weeks)
    scorer: Scorer = roster.scorer()
    path, step = asking_us(scorer.reach, heads, at_ms), asking_us(scorer.hazard, heads, at_ms)
    mix = roster.models[MIX].scorer()
    assert mix is not None, "its trees are fitted"
    mixed = asking_us(mix.reach, heads, at_ms)
    facts = {
        "in_force": scorer.version, "examples": roster.examples, "learning_us": learning,
        "path_us": path, "step_us": step, "mix_path_us": mixed,
    }  # fmt: skip
    print(json.dumps(facts, indent=1))
    rounds = f"{scorer.version.partition('.')[0]}, rounds of {min(ROUND_ROWS):,} users"
    figures.show([
        figures.record("path_us_per_user", path[min(ROUND_ROWS)], note=rounds),
        figures.record("step_us_per_user", step[min(ROUND_ROWS)], note=rounds),
        figures.record("mix_path_us_per_user", mixed[min(ROUND_ROWS)], note=mix.version),
        figures.record("learn_us_per_example", sum(learning.values()),
                       note=f"{len(learning)} models, {roster.examples:,} examples"),
        figures.record("roster_us_per_example", whole,
                       note="questions, answers, comparison and fits of trees included"),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
