"""Scenarios of detection: permanent ids, what is promised, and what it was.

A figure is called ``<scenario>.<metric>``. It fails when the promise is broken, and also when it is
worse than its reference by more than the tolerance. Ids are never changed; a reference is raised
when things became better for good, and lowered only with a reason in the commit.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from benchmarks.promise import Promise
from benchmarks.quality.measures import (
    Measure,
    alerts,
    cold,
    earliness,
    leak,
    opponents,
    quick,
    ranking,
)


class Check(NamedTuple):
    """One metric of a scenario.

    Attributes:
        metric: Its name in the measure.
        relation: ``<=``, ``>=`` or ``==``.
        bound: The promise.
        reference: What it was; None = nothing is remembered.
        tolerance: Worse by more than this is a regression.
    """

    metric: str
    relation: str
    bound: float
    reference: float | None = None
    tolerance: float = 0.0


class Scenario(NamedTuple):
    """One scenario.

    Attributes:
        set: Whose back-test is measured.
        what: In words.
        measure: How.
        checks: What is asked of it.
    """

    set: str
    what: str
    measure: Measure
    checks: tuple[Check, ...]


WHAT: Final = {
    "auc": "AUC",
    "auc_most": "the same from above",
    "ap": "average precision",
    "above_floor": "calibration error above that of a perfect model",
    "within": "AUC among users of the same day",
    "above_recency": "AUC above that of recency",
    "auc_30_45": "AUC on days 30-45 of the log",
    "auc_45_60": "AUC on days 45-60 of the log",
    "days_earlier": "median days earlier than the rule, at equal number",
    "recall": "recall of the alerts as they were sent",
    "below_hindsight": "precision below that of the threshold set afterwards, at equal number",
    "differences": "lines that change when the log ends earlier",
    "least_compared": "lines that were compared on the poorest cut",
    "cpu_s": "CPU time",
}
UNITS: Final = {"days_earlier": "d", "cpu_s": "s"}
SLACK: Final = 0.002
"""Ranking among users of the same day may be so far below that of the better batch job."""


def _sent(days_earlier: float | None = None, tolerance: float = 0.0) -> tuple[Check, ...]:
    return (
        Check("below_hindsight", "<=", 0.02),
        Check("recall", ">=", 0.99),
        Check("days_earlier", ">=", -1.0, days_earlier, tolerance),
    )


def _leak(compared: int) -> tuple[Check, ...]:
    return Check("differences", "==", 0), Check("least_compared", ">=", compared)


SCENARIOS: Final[dict[str, Scenario]] = {
    "cj-h30": Scenario(
        "complete_journey", "a year of baskets, H 30 d", ranking(),
        (
            Check("auc", ">=", 0.852, 0.8548, 0.003),
            Check("ap", ">=", 0.303, 0.3058, 0.006),
            Check("above_floor", "<=", 0.008, -0.0004, 0.004),
            Check("within", ">=", 0.8477 - SLACK, 0.8555, 0.003),
            Check("above_recency", ">=", 0.05, 0.1366, 0.006),
        ),
    ),
    "cj-h30-cold": Scenario(
        "complete_journey", "the first two months of the same", cold,
        (
            Check("auc_30_45", ">=", 0.83, 0.8342, 0.006),
            Check("auc_45_60", ">=", 0.85, 0.8722, 0.006),
        ),
    ),
    "cj-h30-earliness": Scenario(
        "complete_journey", 'the same beside "silent for more than 10 days"', earliness(10),
        (Check("days_earlier", ">=", 7.0, 7.9, 1),),
    ),
    "cj-h30-alerts": Scenario(
        "complete_journey", "alerts of the same", alerts, _sent(-0.3, 1),
    ),
    "cj-h30-batch": Scenario(
        "complete_journey", "the better batch job on the same", opponents,
        (Check("within", ">=", 0.8477 - 0.0005),),
    ),
    "cdnow-h90-2d": Scenario(
        "cdnow", "18 months of purchases, H 90 d, two active days", ranking(),
        (
            Check("auc", ">=", 0.722, 0.7251, 0.003),
            Check("ap", ">=", 0.711, 0.7143, 0.006),
            Check("above_floor", "<=", 0.020, 0.0116, 0.004),
            Check("within", ">=", 0.7273 - SLACK, 0.7303, 0.003),
            Check("above_recency", ">=", 0.05, 0.1272, 0.006),
        ),
    ),
    "cdnow-h90-2d-earliness": Scenario(
        "cdnow", 'the same beside "silent for more than 30 days"', earliness(30),
        (Check("days_earlier", ">=", 18.0, 19.4, 1),),
    ),
    "cdnow-h90-2d-alerts": Scenario(
        "cdnow", "alerts of the same", alerts, _sent(25, 3),
    ),
    "cdnow-h90-2d-batch": Scenario(
        "cdnow", "the better batch job on the same", opponents,
        (Check("within", ">=", 0.7273 - 0.0005),),
    ),
    "ansible-h90": Scenario(
        "ansible_git", "12 years of commits, H 90 d", ranking(),
        (
            Check("auc", ">=", 0.872, 0.8759, 0.003),
            Check("ap", ">=", 0.857, 0.8481, 0.006),
            Check("above_floor", "<=", 0.012, 0.0102, 0.004),
            Check("within", ">=", 0.8747 - SLACK, 0.8778, 0.003),
            Check("above_recency", ">=", 0.05, 0.0942, 0.006),
        ),
    ),
    "ansible-h90-earliness": Scenario(
        "ansible_git", 'the same beside "silent for more than 30 days"', earliness(30),
        (Check("days_earlier", ">=", 12.0, 16.3, 1),),
    ),
    "ansible-h90-alerts": Scenario(
        "ansible_git", "alerts of the same", alerts, _sent(2.7, 1),
    ),
    "ansible-h90-batch": Scenario(
        "ansible_git", "the better batch job on the same", opponents,
        (Check("within", ">=", 0.8747 - 0.0005),),
    ),
    "raku-h30": Scenario(
        "raku_irc", "21 years of chat, H 30 d", ranking(),
        (
            Check("auc", ">=", 0.875),
            Check("ap", ">=", 0.735),
            Check("above_floor", "<=", 0.008),
            Check("within", ">=", 0.8741 - SLACK),
            Check("above_recency", ">=", 0.05),
        ),
    ),
    "raku-h30-earliness": Scenario(
        "raku_irc", 'the same beside "silent for more than 14 days"', earliness(14),
        (Check("days_earlier", ">=", 4.0),),
    ),
    "raku-h30-alerts": Scenario(
        "raku_irc", "alerts of the same", alerts, _sent(),
    ),
    "raku-h30-batch": Scenario(
        "raku_irc", "the better batch job on the same", opponents,
        (Check("within", ">=", 0.8741 - 0.0005),),
    ),
    "raku-h30-cpu": Scenario(
        "raku_irc", "3.66 M events, scores alone, one process", quick,
        (Check("cpu_s", "<=", 240.0),),
    ),
    "kdd-official": Scenario(
        "kddcup2015_open", "course clicks, H 10 d, official label", ranking("official"),
        (
            Check("auc", ">=", 0.851, 0.8539, 0.003),
            Check("ap", ">=", 0.953, 0.9547, 0.006),
            Check("above_floor", "<=", 0.008, 0.0033, 0.004),
        ),
    ),
    "kdd-day20": Scenario(
        "kddcup2015_open", "the same on day 20 of the course", ranking("day20"),
        (
            Check("auc", ">=", 0.827, 0.8279, 0.003),
            Check("ap", ">=", 0.878, 0.8806, 0.006),
            Check("above_floor", "<=", 0.012, 0.0065, 0.004),
        ),
    ),
    "chance-h90": Scenario(
        "chance", "purchases dealt out to users by chance, H 90 d: nothing can be found",
        ranking(),
        (
            Check("auc", ">=", 0.48),
            Check("auc_most", "<=", 0.52),
            Check("above_floor", "<=", 0.02, 0.0164, 0.004),
        ),
    ),
    "leak-cj": Scenario("complete_journey", "three cuts", leak, _leak(100_000)),
    "leak-cdnow": Scenario("cdnow", "three cuts", leak, _leak(100_000)),
    "leak-ansible": Scenario("ansible_git", "three cuts", leak, _leak(20_000)),
    "leak-raku": Scenario("raku_irc", "three cuts", leak, _leak(100_000)),
    "leak-kdd": Scenario("kddcup2015_open", "three cuts", leak, _leak(10_000)),
    "leak-chance": Scenario("chance", "three cuts", leak, _leak(100_000)),
}  # fmt: skip
"""Id to scenario."""


def promises() -> dict[str, Promise]:
    """Return the promises of all figures of the scenarios, by name of the figure."""
    return {
        f"{name}.{check.metric}": Promise(
            f"{scenario.what}: {WHAT[check.metric]}", UNITS.get(check.metric, ""),
            check.relation, round(check.bound, 4), check.reference, check.tolerance,
        )
        for name, scenario in SCENARIOS.items()
        for check in scenario.checks
    }  # fmt: skip
