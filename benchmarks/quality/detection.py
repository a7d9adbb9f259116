"""Detection through ``winback backtest``, graded by a grader that shares no code with it.

    python -m benchmarks.quality.detection [SCENARIO ...] [--jobs N]

The scenarios of ``benchmarks.quality.scenarios``; those of the committed logs always, the others
when WINBACK_DATA names a directory with ``<set>/events.csv.gz``.
"""

from __future__ import annotations

import argparse
import fnmatch

from benchmarks import figures
from benchmarks.core_stages import BUILD
from benchmarks.figures import Figure
from benchmarks.quality.runs import SETS, Bench, located
from benchmarks.quality.scenarios import SCENARIOS


def measure(bench: Bench, name: str) -> list[Figure]:
    """Measure one scenario."""
    scenario = SCENARIOS[name]
    found = scenario.measure(bench, scenario.set)
    how = f"python -m benchmarks.quality.detection {name}"
    return [
        figures.record(f"{name}.{check.metric}", found[check.metric], how=how)
        for check in scenario.checks
    ]


def chosen(patterns: list[str]) -> list[str]:
    """Return the scenarios that patterns like ``cj-*`` name; all of them without any."""
    return [
        name for name in SCENARIOS if any(fnmatch.fnmatch(name, each) for each in patterns or "*")
    ]


def main() -> None:
    """Measure every scenario whose log is here."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument("--jobs", type=int, default=1, help="Back-tests at once. Default: 1.")
    args = parser.parse_args()
    bench = Bench(BUILD / "quality", jobs=args.jobs)
    names = chosen(args.scenarios)
    if not names:
        parser.error(f"no such scenario; there are {', '.join(SCENARIOS)}")
    absent = [name for name in names if located(SETS[SCENARIOS[name].set]) is None]
    for name in names:
        if name not in absent:
            figures.show(measure(bench, name))
    for name in absent:
        log = SETS[SCENARIOS[name].set].log
        print(f"- {name:32} NOT MEASURED: no {log}/events.csv.gz under WINBACK_DATA")


if __name__ == "__main__":
    main()
