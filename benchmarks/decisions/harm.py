"""Contact that harms: users who come back by themselves, and leave when they are disturbed.

    python -m benchmarks.decisions.worlds harm [--worlds 1]

The same lives under policies of equal budget: the product's own; without asking what contact does;
the highest risk first; anybody at risk. What differs is the policy.
"""

from __future__ import annotations

import sys
from typing import Final

import msgspec

from streams.simulation.policies import Policy
from streams.simulation.run import Run
from streams.simulation.scenario import Scenario, Senders
from streams.simulation.simulate import Choices, Outcome, simulated

RULES: Final = """
holdout: {share: 0.15, salt: harm}
budget: {touches_per_day: 6}
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
    name="dogs", what="Those with the most value leave when disturbed; others can be held.",
    users=500, days=150, horizon_days=5.0, gap=(0.2, 0.35), new_share=0.85, partitions=1,
    mix={"stable": 0.2, "sleeping_dog": 0.3, "persuadable": 0.4, "lost_cause": 0.1},
    step_hours=12.0, senders=Senders(fail=0.0, opted_out=0.0), rules=RULES,
)  # fmt: skip
CAUSES: Final = msgspec.structs.replace(
    DOGS, name="causes",
    what="Some at risk can be held, some cannot, and some of these spend most.",
    mix={"stable": 0.25, "lost_cause": 0.15, "doomed": 0.2, "persuadable": 0.4},
    rules=RULES.replace("touches_per_day: 6", "touches_per_day: 2"),
)  # fmt: skip


def measured(worlds: int) -> dict[str, tuple[float, str]]:
    """Run the worlds under their policies; return net effect and value, by figure."""
    asks = (Policy.FULL, Policy.UNGATED)
    late, whole = dict.fromkeys(asks, 0.0), dict.fromkeys(asks, 0.0)
    value = dict.fromkeys((Policy.FULL, Policy.RISK_FIRST, Policy.RANDOM), 0.0)
    for seed in range(worlds):
        for policy in asks:
            outcome = _run(DOGS, seed, policy)
            whole[policy] += outcome.verdicts.harm.net_effect
            late[policy] += late_effect(outcome.run)
        for policy in value:
            value[policy] += _run(CAUSES, seed, policy).verdicts.harm.value_minor / 100
    said = ", ".join(f"{policy} {late[policy]:+.1f}" for policy in asks)
    said_whole = ", ".join(f"{policy} {whole[policy]:+.1f}" for policy in asks)
    earned = ", ".join(f"{policy} {yuan:+,.0f}" for policy, yuan in value.items())
    return {
        "harm.net_gated": (late[Policy.FULL], f"second half of {DOGS.days} days: {said}"),
        "harm.net_ungated": (late[Policy.UNGATED], ""),
        "harm.net_whole": (whole[Policy.FULL], f"all {DOGS.days} days: {said_whole}"),
        "harm.value_ratio": (_ratio(value[Policy.FULL], value[Policy.RISK_FIRST]), earned),
        "harm.random_ratio": (_ratio(value[Policy.FULL], value[Policy.RANDOM]), ""),
    }


def late_effect(run: Run) -> float:
    """Return the sum of the true effects of contacts in the second half, when much is learned."""
    middle_ms = (run.world.start_ms + run.world.end_ms) // 2
    return sum(
        made.prospect.effect
        for made in run.exposed
        if made.at_ms >= middle_ms and not made.is_held_out
    )


def _run(scenario: Scenario, seed: int, policy: Policy) -> Outcome:
    outcome = simulated(scenario, seed, Choices(policy=policy))
    print(f"{scenario.name} {seed} {policy}: {outcome.verdicts.harm}", file=sys.stderr)
    return outcome


def _ratio(ours: float, theirs: float) -> float:
    """Return how many times as much was earned; 99 where the other one lost."""
    if theirs <= 0.0:
        return 99.0 if ours > 0.0 else 0.0
    return min(ours / theirs, 99.0)
