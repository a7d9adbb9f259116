"""Small worlds by the thousand: what must never happen does not.

Ten at a time share a service; the user id of a violation (``w123-u00004``) names the world.

python -m benchmarks.decisions.worlds never [--worlds 20000] [--processes 2]
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from multiprocessing import get_context
from typing import Any

from benchmarks.ledger import Ledger
from streams.simulation.small import TOGETHER, Refereed, refereed

CHUNK = 4
TOGETHER_IN_A_UNIT = 50
SHOWN = 10


def measured(worlds: int, processes: int) -> dict[str, tuple[float, str]]:
    """Run small worlds and return what the referee saw, by figure."""
    ledger = Ledger("never")
    groups = -(-worlds // TOGETHER)
    with get_context("spawn").Pool(processes) as pool:
        for first in ledger.left(range(0, groups, TOGETHER_IN_A_UNIT)):
            some = range(int(first), min(int(first) + TOGETHER_IN_A_UNIT, groups))
            unit = _run(pool.imap(refereed, some, CHUNK))
            ledger.done(first, {"worlds": len(some) * TOGETHER} | unit)
            print(f"{ledger.total('worlds'):,.0f} worlds", file=sys.stderr)
    rules: Counter[str] = Counter()
    for entry in ledger.entries:
        rules.update(entry.result["rules"])
    broken = ", ".join(f"{name} {count}" for name, count in rules.items()) or "nothing broken"
    done, touches = ledger.total("worlds"), ledger.total("touches")
    inputs = ledger.total("inputs")
    note = f"{done:,.0f} worlds, {inputs:,.0f} inputs, {touches:,.0f} touches: {broken}"
    return {
        "never.violations": (float(rules.total()), note),
        "never.worlds": (done, ledger.span),
        "never.touches": (touches, ""),
    }


def _run(groups: Iterable[Refereed]) -> dict[str, Any]:
    """Return what a unit came to."""
    touches = inputs = 0
    rules: Counter[str] = Counter()
    for found in groups:
        touches += found.touches
        inputs += found.inputs
        for violation in found.violations:
            rules[violation.rule] += 1
            if rules.total() <= SHOWN:
                print(violation, file=sys.stderr)
    return {"touches": touches, "inputs": inputs, "rules": dict(rules)}
