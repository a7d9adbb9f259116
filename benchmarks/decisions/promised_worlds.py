"""What the proofs in simulated worlds have to show."""

from __future__ import annotations

from typing import Final

from benchmarks.promise import Promise

WORLDS: Final[dict[str, Promise]] = {
    "never.violations": Promise(
        "never: touches in quiet hours, over a cap, to the opted-out, held-out, erased or returned",
        "touches", "==", 0,
    ),
    "never.worlds": Promise("the same: small worlds", "worlds"),
    "never.touches": Promise("the same: touches that the referee looked at", "touches"),
    "budget.least": Promise(
        "budget: least use of a day with demand, once warm, over all scenarios", "", ">=", 0.95
    ),
    "budget.most": Promise("the same: greatest use", "", "<=", 1.0),
    "budget.staff_most": Promise("budget: greatest use of the staff's day", "", "<=", 1.0),
    "budget.days": Promise("the same: days with more demand than places", "days"),
    "storm.over_budget": Promise(
        "storm: days over budget, ansible_git 2019-07 to 2020-12", "days", "==", 0
    ),
    "storm.violations": Promise(
        "the same: touches to users who had come back, and other faults", "touches", "==", 0
    ),
    "storm.fused_days": Promise("the same: days on which the fuse was seen", "days", ">=", 1),
    "storm.touches": Promise("the same: touches", "touches"),
    "storm.outage_over": Promise(
        "storm: days over budget in the simulated outage", "days", "==", 0
    ),
    "storm.outage_fuse_hours": Promise(
        "the same: from the first silence too long to the fuse", "h"
    ),
    "worlds.covered": Promise(
        "effect through the whole pipeline: worlds whose interval held the truth at every look",
        "", ">=", 0.94,
    ),
    "worlds.false_alarm": Promise("the same: A/A worlds ever told of an effect", "", "<=", 0.06),
    "worlds.count": Promise("the same: worlds of each kind", "worlds"),
    "harm.net_gated": Promise(
        "harm: sleeping dogs, net effect with the uplift gate, once learned", "returns", ">=", 0.001
    ),
    "harm.net_ungated": Promise("the same without it", "returns", "<=", -0.001),
    "harm.net_whole": Promise("the same with it, from the first day on", "returns"),
    "harm.value_ratio": Promise(
        "harm: value earned against contacting the highest risk first", "×", ">=", 1.5
    ),
    "harm.random_ratio": Promise("the same against contacting anybody at risk", "×"),
}  # fmt: skip
"""Name of a figure to its promise."""
