"""Contact that harms: users who come back by themselves, and leave when they are disturbed.

    python -m benchmarks.decisions.worlds harm [--worlds 1]

One world under four policies of equal budget: the product's own; without asking what contact does;
the highest risk first; anybody at risk. The lives are the same, so what differs is the policy.
"""

from __future__ import annotations

import sys
from typing import Final

from streams.simulation.policies import Policy
from streams.simulation.scenario import Scenario, Senders
from streams.simulation.simulate import Choices, simulated

RULES: Final = """
holdout: {share: 0.15, salt: harm}
budget: {touches_per_day: 10}
contact:
  consent_default: granted
  caps: [{touches: 2, per: 8d}]
  quiet_hours: {start: "21:00", end: "09:00"}
  zone: Asia/Shanghai
playbooks:
  - name: one_message
    close_after: 1d
    steps: [{channel: sms, template_key: care, expires: 1d}]
"""
DOGS: Final = Scenario(
    name="dogs", what="A third leaves when disturbed, another third can be held.", users=900,
    days=160, horizon_days=6.0, gap=(0.15, 0.3), new_share=0.85, partitions=1, step_hours=12.0,
    mix={"stable": 0.2, "sleeping_dog": 0.35, "persuadable": 0.35, "lost_cause": 0.1},
    senders=Senders(fail=0.0, opted_out=0.0), rules=RULES,
)  # fmt: skip


def measured(worlds: int) -> dict[str, tuple[float, str]]:
    """Run the world under every policy; return net effect and value, by figure."""
    net: dict[Policy, float] = dict.fromkeys(Policy, 0.0)
    value: dict[Policy, float] = dict.fromkeys(Policy, 0.0)
    said = []
    for seed in range(worlds):
        for policy in Policy:
            found = simulated(DOGS, seed, Choices(policy=policy)).verdicts
            net[policy] += found.harm.net_effect
            value[policy] += found.harm.value_minor / 100
            said.append(f"{policy} {found.harm.touches} touches")
            print(f"{seed} {policy}: {found.harm}", file=sys.stderr)
    note = ", ".join(f"{policy} {net[policy]:+.0f} returns {value[policy]:+,.0f} yuan"
                     for policy in Policy)  # fmt: skip
    return {
        "harm.net_gated": (net[Policy.FULL], note),
        "harm.net_ungated": (net[Policy.UNGATED], ", ".join(said[: len(Policy)])),
        "harm.value_ratio": (_ratio(value[Policy.FULL], value[Policy.RISK_FIRST]), ""),
        "harm.random_ratio": (_ratio(value[Policy.FULL], value[Policy.RANDOM]), ""),
    }


def _ratio(ours: float, theirs: float) -> float:
    """Return how many times as much was earned; 99 where the other one lost."""
    if theirs <= 0.0:
        return 99.0 if ours > 0.0 else 0.0
    return min(ours / theirs, 99.0)
