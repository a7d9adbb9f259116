"""Small worlds by the thousand: what must never happen does not.

Ten at a time share a service; the user id of a violation (``w123-u00004``) names the world.

python -m benchmarks.decisions.worlds never [--worlds 20000] [--processes 2]
"""

from __future__ import annotations

import sys
from collections import Counter
from multiprocessing import get_context

from streams.simulation.small import TOGETHER, Refereed, refereed

CHUNK = 4
SHOWN = 10


def measured(worlds: int, processes: int) -> dict[str, tuple[float, str]]:
    """Run small worlds and return what the referee saw, by figure."""
    touches = inputs = 0
    rules: Counter[str] = Counter()
    groups = -(-worlds // TOGETHER)
    with get_context("spawn").Pool(processes) as pool:
        for group, found in enumerate(pool.imap(refereed, range(groups), CHUNK), start=1):
            touches += found.touches
            inputs += found.inputs
            _show(found, rules)
            if group % 50 == 0:
                print(f"{group * TOGETHER:,} worlds, {touches:,} touches", file=sys.stderr)
    worlds = groups * TOGETHER
    broken = ", ".join(f"{name} {count}" for name, count in rules.items()) or "nothing broken"
    note = f"{worlds:,} worlds, {inputs:,} inputs, {touches:,} touches: {broken}"
    return {
        "never.violations": (float(rules.total()), note),
        "never.worlds": (float(worlds), ""),
        "never.touches": (float(touches), ""),
    }


def _show(found: Refereed, rules: Counter[str]) -> None:
    for violation in found.violations:
        rules[violation.rule] += 1
        if rules.total() <= SHOWN:
            print(violation, file=sys.stderr)
