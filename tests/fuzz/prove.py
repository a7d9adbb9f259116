# ruff: noqa: T201 (it prints)
"""Fuzz every decoder for minutes, on all cores, and write down what came of it.

    python -m tests.fuzz.prove [--minutes 10] [--groups native,formats] [--seed winback] [--cores 2]

Each group of targets has so many minutes of CPU, shared evenly among its targets, in units of
five seconds that can be broken off and gone on with (benchmarks/ledger.py). Failures are printed
with a line that repeats them, and are kept in the corpus.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context
from typing import Any

from benchmarks import figures
from benchmarks.ledger import Ledger
from tests.fuzz import surfaces
from tests.fuzz.catalogue import GROUPS, TARGETS
from tests.fuzz.corpus import keep
from tests.fuzz.engine import fuzz
from tests.fuzz.surfaces import besiege

UNIT_S = 5.0
HTTP = "http"
SERVERS = {"http-sender": surfaces.sender, "http-worker": surfaces.worker}
"""What listens: of these it is seconds of the wall clock."""


def unit(name: str) -> dict[str, Any]:
    """Fuzz one target for a unit: ``<target>/<number>/<seed>``."""
    target, number, seed = name.split("/")
    before = time.process_time()
    if target in SERVERS:
        with SERVERS[target]() as port:
            statuses, wrong = besiege(port, f"{seed}/{number}", UNIT_S)
        return {
            "inputs": statuses.total(), "exceptions": len(wrong), "slow": 0, "ways": len(statuses),
            "slowest_ms": 0.0, "cpu_s": round(time.process_time() - before, 1), "told": wrong,
            "samples": [],
        }  # fmt: skip
    outcome = fuzz(TARGETS[target], f"{seed}/{number}", UNIT_S)
    return {
        "inputs": outcome.inputs,
        "exceptions": sum(failure.what != "! slow" for failure in outcome.failures),
        "slow": sum(failure.what == "! slow" for failure in outcome.failures),
        "ways": len(outcome.words),
        "slowest_ms": round(outcome.slowest_s * 1e3, 3),
        "cpu_s": round(time.process_time() - before, 1),
        "told": [str(failure) for failure in outcome.failures],
        "samples": [(failure.target, failure.sample, failure.what) for failure in outcome.failures],
    }


def units(groups: list[str], minutes: float, seed: str) -> Iterator[str]:
    """Yield units, targets in turns, so that a proof that is broken off has seen all of them."""
    named = {
        group: [name for name, target in TARGETS.items() if target.group == group]
        for group in groups
        if group != HTTP
    } | {group: list(SERVERS) for group in groups if group == HTTP}
    rounds = {
        group: max(1, round(minutes * 60 / UNIT_S / len(names))) for group, names in named.items()
    }
    for number in range(max(rounds.values())):
        for group, names in named.items():
            if number < rounds[group]:
                yield from (f"{name}/{number}/{seed}" for name in names)


def main() -> None:
    """Run what is left; exit code 1 = something failed."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=10.0, help="CPU of each group")
    asked.add_argument("--groups", default=",".join((*GROUPS, HTTP)))
    asked.add_argument("--seed", default="winback")
    asked.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    given = asked.parse_args()
    groups = given.groups.split(",")
    ledger = Ledger("fuzz", {"seed": given.seed, "unit_s": UNIT_S})
    wanted = list(units(groups, given.minutes, given.seed))
    left = list(ledger.left(wanted))
    print(
        f"python -m tests.fuzz.prove {' '.join(sys.argv[1:])}; {platform.platform()}, "
        f"{given.cores} cores, seed {given.seed!r}: {len(left)} of {len(wanted)} units left"
    )
    with get_context("spawn").Pool(given.cores) as pool:
        for name, result in pool.imap_unordered(_named, left):
            for target, sample, why in result.pop("samples"):
                keep(target, sample, why)
            ledger.done(name, result)
            print(
                f"{name:34} {result['inputs']:8,} inputs, {result['ways']:4} ways, slowest "
                f"{result['slowest_ms']:8.2f} ms  {len(ledger.entries)} done",
                flush=True,
            )
            for told in result["told"]:
                print(told, flush=True)
    sys.exit(_sum(ledger))


def _named(name: str) -> tuple[str, dict[str, Any]]:
    return name, unit(name)


def _sum(ledger: Ledger) -> bool:
    """Write the figures; return whether something failed."""
    figures.record("fuzz_inputs", ledger.total("inputs"), note=ledger.span)
    figures.record("fuzz_exceptions", ledger.total("exceptions"))
    figures.record("fuzz_slow", ledger.total("slow"))
    by_target: dict[str, float] = {}
    for entry in ledger.entries:
        target = entry.unit.split("/")[0]
        by_target[target] = by_target.get(target, 0) + entry.result["inputs"]
    for target, inputs in by_target.items():
        print(f"{target:28} {inputs:12,.0f} inputs")
    total = ledger.total("inputs")
    print(
        f"{total:,.0f} inputs over {len(by_target)} decoders in {ledger.total('cpu_s'):,.0f} s "
        f"of CPU: {ledger.total('exceptions'):.0f} exceptions, {ledger.total('slow'):.0f} slow"
    )
    return bool(ledger.total("exceptions") or ledger.total("slow"))


if __name__ == "__main__":
    main()
