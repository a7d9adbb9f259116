"""The effect of contact, measured through the whole pipeline, beside the truth of each world.

    python -m benchmarks.decisions.worlds effect [--worlds 100]

Events go through the core, the holdout withholds, episodes mature, and the interval is looked at
every day. It must hold the true effect at every look; where touches do nothing it must not say that
they do. `benchmarks.decisions.effect` asks the same of the interval alone, in a thousand worlds.
"""

from __future__ import annotations

import sys
from typing import Final

import msgspec
import numpy as np

from benchmarks.ledger import Ledger
from models.effect import EffectMeter
from streams.core.messages import Episode
from streams.core.time import DAY_MS
from streams.simulation.catalogue import LEAVERS
from streams.simulation.law import instant_ms
from streams.simulation.policies import Policy
from streams.simulation.run import Run
from streams.simulation.scenario import Scenario, Senders
from streams.simulation.simulate import Choices, simulated

RULES: Final = """
holdout: {share: 0.3, salt: effect}
playbooks:
  - name: one_message
    close_after: 2d
    steps: [{channel: sms, template_key: care, expires: 1d}]
"""
EFFECT: Final = Scenario(
    name="effect_world", what="One message, and what it changes is known.", users=250, days=48,
    horizon_days=4.0, gap=(0.15, 0.3), mix=LEAVERS, new_share=0.6, partitions=1, step_hours=12.0,
    senders=Senders(fail=0.0, opted_out=0.0), rules=RULES,
)  # fmt: skip


def looked(run: Run) -> tuple[bool, bool, bool]:
    """Return whether there was an interval, held the truth at every look, ever spoke of an effect.

    The truth at a look is the mean of the true effects of the exposures that have matured.
    """
    truths = {made.case_id: made.prospect.effect for made in run.exposed}
    episodes = [said.message for said in run.said if isinstance(said.message, Episode)]
    episodes.sort(key=lambda made: (made.matured_at, made.case_id))
    meter = EffectMeter()
    seen: list[float] = []
    is_there, is_held, is_told = False, True, False
    days: dict[int, list[Episode]] = {}
    for made in episodes:
        days.setdefault(instant_ms(made.matured_at) // DAY_MS, []).append(made)
    for _, matured in sorted(days.items()):
        meter.add(
            treated=np.array([not made.is_held_out for made in matured]),
            returned=np.array([made.returned for made in matured]),
            value=np.array([float(made.value_change) for made in matured]),
            propensity=1.0 - run.rules.holdout.share,
            users=[made.user_id for made in matured],
        )
        seen += [truths[made.case_id] for made in matured]
        found = meter.interval()
        if found.low is not None and found.high is not None:
            is_there = True
            is_held &= found.low <= float(np.mean(seen)) <= found.high
            is_told |= found.is_decided
    return is_there, is_held, is_told


def measured(worlds: int) -> dict[str, tuple[float, str]]:
    """Run worlds with an effect and without, and return how often the interval was right."""
    ledger = Ledger("effect-worlds")
    silent = msgspec.structs.replace(EFFECT, name="aa_world", effect=0.0)
    for seed in ledger.left(range(worlds)):
        is_there, is_held, is_decided = _world(EFFECT, int(seed))
        _, _, is_told = _world(silent, int(seed))
        ledger.done(seed, {
            "there": is_there, "held": is_held, "decided": is_decided, "told": is_told,
        })  # fmt: skip
        if len(ledger.entries) % 10 == 0:
            held, told = ledger.total("held"), ledger.total("told")
            print(
                f"{len(ledger.entries)} worlds: {held} held, {told} false alarms", file=sys.stderr
            )
    count = len(ledger.entries)
    said = f"{ledger.total('there')} had an interval, {ledger.total('decided')} told an effect"
    return {
        "worlds.covered": (ledger.total("held") / count, said),
        "worlds.false_alarm": (ledger.total("told") / count, "daily looks"),
        "worlds.count": (float(count), f"{EFFECT.users} users, {EFFECT.days} days"),
    }


def _world(scenario: Scenario, seed: int) -> tuple[bool, bool, bool]:
    return looked(simulated(scenario, seed, Choices(policy=Policy.UNGATED)).run)
