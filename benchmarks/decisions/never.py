"""Small worlds by the thousand: what must never happen does not.

python -m benchmarks.decisions.worlds never [--worlds 20000] [--processes 2]
"""

from __future__ import annotations

import sys
from collections import Counter
from multiprocessing import get_context

from streams.simulation.small import Refereed, refereed

CHUNK = 25
SHOWN = 10


def measured(worlds: int, processes: int) -> dict[str, tuple[float, str]]:
    """Run small worlds and return what the referee saw, by figure."""
    touches = inputs = 0
    rules: Counter[str] = Counter()
    with get_context("spawn").Pool(processes) as pool:
        for seed, found in enumerate(pool.imap(refereed, range(worlds), CHUNK)):
            touches += found.touches
            inputs += found.inputs
            _show(seed, found, rules)
            if seed % 500 == 499:
                print(f"{seed + 1:,} worlds, {touches:,} touches", file=sys.stderr)
    broken = ", ".join(f"{name} {count}" for name, count in rules.items()) or "nothing broken"
    note = f"{worlds:,} worlds, {inputs:,} inputs, {touches:,} touches: {broken}"
    return {
        "never.violations": (float(rules.total()), note),
        "never.worlds": (float(worlds), ""),
        "never.touches": (float(touches), ""),
    }


def _show(seed: int, found: Refereed, rules: Counter[str]) -> None:
    for violation in found.violations:
        rules[violation.rule] += 1
        if rules.total() <= SHOWN:
            print(f"seed {seed}: {violation}", file=sys.stderr)
