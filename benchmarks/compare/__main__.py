"""winback beside its floors and its peers: one command, one machine, one real Kafka.

    python -m benchmarks.compare [--only NAME ...] [--again] [--small]

Sections that were measured with the code as it is are not measured again, unless named or told.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import msgspec

from benchmarks import figures
from benchmarks.compare import page
from benchmarks.compare.reckoning import reckoned, record
from benchmarks.compare.results import DIRECTORY, Result, Section, is_done, read
from benchmarks.compare.sections import SECTIONS, SMALL, Size


def measure(name: str, size: Size, directory: Path) -> Result:
    """Measure a section and write down what came out."""
    section = Section(name, directory)
    SECTIONS[name](size, section)
    return section.done()


def say(result: Result) -> None:
    """Print the runs of a section, one line each."""
    print(f"{result.section}: {result.seconds:.0f} s")
    for run in result.runs:
        print(
            f"  {run.entrant:16} {run.workers} worker(s) {run.records:>9,} records "
            f"{run.cpu_us:8.2f} µs {run.broker_us:7.2f} µs of the broker "
            f"{run.records_per_s:>9,.0f}/s, loop {run.calibration_s:.3f} s"
            f"{'' if run.is_whole else ', not to the end'}"
        )
    for name, value in result.facts.items():
        print(f"  {name:40} {value:,.3f}")


def main() -> None:
    """Measure what is left, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=[])
    parser.add_argument("--again", action="store_true", help="Also what is done already.")
    parser.add_argument("--small", action="store_true", help="Shows that it works, in a minute.")
    args = parser.parse_args()
    size = SMALL if args.small else Size()
    directory = DIRECTORY / "small" if args.small else DIRECTORY
    for name in args.only or SECTIONS:
        if args.only or args.again or args.small or not is_done(name):
            say(measure(name, size, directory))
            sys.stdout.flush()
    results = {name: result for name in SECTIONS if (result := read(name, directory))}
    (directory / "compare.json").write_bytes(msgspec.json.encode(results))
    if args.small:
        print(json.dumps(reckoned(results)))
        return
    told = record(results)
    figures.show(told)
    page.write()
    (directory / "compare.md").write_text(page.table({each.name: each for each in told}, 0))


if __name__ == "__main__":
    main()
