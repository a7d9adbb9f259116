"""Small worlds in which everything that can go wrong does: many of them, for the referee."""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from streams.core.rules import Rules
from streams.core.rules_file import parse_rules
from streams.simulation.known import KnownScorer
from streams.simulation.loop import Loop
from streams.simulation.referee import Referee, Violation
from streams.simulation.rulebook import sections_of, written
from streams.simulation.scenario import EVERYWHERE, Noise, Outage, Scenario, Senders, Wishes
from streams.simulation.world import make_world

CLOCK_CHANGES: Final = (
    "2024-02-22", "2024-03-05", "2024-03-22", "2024-04-01", "2024-04-20", "2024-09-01",
    "2024-09-22", "2024-10-01", "2024-10-20", "2024-10-28", "2025-02-22", "2028-02-20",
)  # fmt: skip
"""First days of small worlds: a clock changes, or a leap day comes, within them."""

_RULES: Final = (
    "",
    """
contact:
  consent_default: granted
  caps: [{touches: 1, per: 2d}]
  zone: Europe/London
  quiet_hours: {start: "20:00", end: "08:30"}
""",
    """
contact:
  consent_default: denied
  caps: [{touches: 2, per: 36h}, {touches: 4, per: 10d}]
  zone: America/New_York
  quiet_hours: {start: "12:30", end: "14:00"}
budget: {touches_per_day: 2, calls_per_day: 1, every: 1h}
""",
    """
contact:
  consent_default: granted
  caps: [{touches: 5, per: 3d}]
  zone: Pacific/Auckland
  quiet_hours: {start: "00:00", end: "10:00"}
budget: {touches_per_day: 1, every: 30m}
""",
)


def small_scenario(seed: int) -> Scenario:
    """Return the scenario of a small world in which everything that can go wrong does.

    A few users in every zone, around a change of the clocks, with disorder, duplicates, wrong
    clocks, opt-outs, erasures and senders that answer badly; rules and partitions take turns.
    """
    rng = np.random.default_rng([seed, 7])
    weight = rng.random(8)
    kinds = ("stable", "drifting", "seasonal", "one_time", "doomed", "persuadable",
             "sleeping_dog", "lost_cause")  # fmt: skip
    mix = dict(zip(kinds, (weight / weight.sum()).tolist(), strict=True))
    shares = rng.random(14).round(3).tolist()
    return Scenario(
        name="small", what="Everything that can go wrong, in a world of a few users.",
        users=8, days=18, horizon_days=4.0, gap=(0.25, 0.45), partitions=1 + seed % 2,
        start=CLOCK_CHANGES[seed % len(CLOCK_CHANGES)], zones=EVERYWHERE, mix=mix,
        step_hours=(12.0, 24.0)[seed // 2 % 2], rules=_RULES[seed // 4 % len(_RULES)],
        noise=Noise(shares[0] * 0.3, 1.0 + 8.0 * shares[1], shares[2] * 0.3, shares[3] * 0.5),
        wishes=Wishes(*(share * 0.3 for share in shares[4:10])),
        senders=Senders(shares[10] * 0.2, 0.1, shares[11] * 0.4, shares[12] * 0.4, 0.1, 0.1, 0.1,
                        shares[13] * 0.1),
        outages=(Outage(8.0, 2.0, is_announced=seed % 3 == 0),) if seed % 5 == 0 else (),
        campaigns=(6.0,) if seed % 7 == 0 else (),
        complaints=((9.0, 0.5),) if seed % 6 == 0 else (),
        stops=((12.0, 3.0),) if seed % 9 == 0 else (),
        bots=1 if seed % 50 == 0 else 0, bot_events=300,
    )  # fmt: skip


class Refereed(NamedTuple):
    """What became of a small world.

    Attributes:
        touches: That went out.
        inputs: That were taken.
        violations: What the referee saw.
    """

    touches: int
    inputs: int
    violations: list[Violation]


def refereed(seed: int) -> Refereed:
    """Run a small world and let the referee look at it."""
    scenario = small_scenario(seed)
    rules, sections = _rules_of(seed // 4 % len(_RULES))
    scorer = KnownScorer(float(rules.churn.horizon_ms))
    run = Loop(make_world(scenario, seed), rules, scorer).run()
    referee = Referee(rules, sections)
    referee.watch(run)
    return Refereed(referee.touches, len(run.applied), referee.violations)


@lru_cache
def _rules_of(number: int) -> tuple[Rules, dict[str, Any]]:
    """Return the rules of small worlds, read once."""
    sections = sections_of(small_scenario(4 * number))
    return parse_rules(written(sections), f"rules {number} of small worlds"), sections
