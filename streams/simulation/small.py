"""Small worlds in which everything that can go wrong does: many of them, for the referee."""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from streams.core.rules import Rules
from streams.core.rules_file import parse_rules
from streams.simulation.known import KnownScorer
from streams.simulation.loop import Loop
from streams.simulation.referee import Referee, Violation
from streams.simulation.rulebook import sections_of, written
from streams.simulation.scenario import EVERYWHERE, Noise, Outage, Scenario, Senders, Wishes
from streams.simulation.world import World, make_world

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
budget: {touches_per_day: 8, calls_per_day: 2, every: 1h}
""",
    """
contact:
  consent_default: granted
  caps: [{touches: 5, per: 3d}]
  zone: Pacific/Auckland
  quiet_hours: {start: "00:00", end: "10:00"}
budget: {touches_per_day: 4, every: 30m}
""",
)


TOGETHER: Final = 10
"""Small worlds that run through one service at a time: they share its rules and its weather."""

KINDS: Final = (
    "stable", "drifting", "seasonal", "one_time", "doomed", "persuadable", "sleeping_dog",
    "lost_cause",
)  # fmt: skip


def small_scenario(group: int) -> Scenario:
    """Return what a group of small worlds shares: everything that can go wrong does.

    A few users in every zone, around a change of the clocks, with disorder, duplicates, wrong
    clocks, opt-outs, erasures and senders that answer badly; rules and partitions take turns.
    """
    rng = np.random.default_rng([group, 7])
    shares = rng.random(8).round(3).tolist()
    return Scenario(
        name="small", what="Everything that can go wrong, in a world of a few users.",
        users=8, days=18, horizon_days=4.0, gap=(0.25, 0.45), partitions=1 + group % 2,
        start=CLOCK_CHANGES[group % len(CLOCK_CHANGES)], zones=EVERYWHERE,
        step_hours=(12.0, 24.0)[group // 2 % 2], rules=_RULES[group // 4 % len(_RULES)],
        noise=Noise(shares[0] * 0.3, 1.0 + 8.0 * shares[1], shares[2] * 0.3, shares[3] * 0.5),
        senders=Senders(shares[4] * 0.2, 0.1, shares[5] * 0.4, shares[6] * 0.4, 0.1, 0.1, 0.1,
                        shares[7] * 0.1),
        outages=(Outage(8.0, 2.0, is_announced=group % 3 == 0),) if group % 5 == 0 else (),
        campaigns=(6.0,) if group % 7 == 0 else (),
        complaints=((9.0, 0.5),) if group % 6 == 0 else (),
        stops=((12.0, 3.0),) if group % 9 == 0 else (),
        bots=1 if group % 50 == 0 else 0, bot_events=300,
    )  # fmt: skip


def small_worlds(group: int) -> World:
    """Return ten small worlds, each with a mix of users and wishes of its own, side by side."""
    shared, people = small_scenario(group), []
    for seed in range(group * TOGETHER, (group + 1) * TOGETHER):
        rng = np.random.default_rng([seed, 8])
        weight = rng.random(len(KINDS))
        mix = dict(zip(KINDS, (weight / weight.sum()).tolist(), strict=True))
        wishes = Wishes(*(rng.random(6) * 0.3).tolist())
        own = make_world(msgspec.structs.replace(shared, mix=mix, wishes=wishes), seed)
        people += [
            msgspec.structs.replace(person, user_id=f"w{seed}-{person.user_id}")
            for person in own.people
        ]
    return msgspec.structs.replace(make_world(shared, group), people=tuple(people))


class Refereed(NamedTuple):
    """What became of a group of small worlds.

    Attributes:
        touches: That went out.
        inputs: That were taken.
        violations: What the referee saw.
    """

    touches: int
    inputs: int
    violations: list[Violation]


def refereed(group: int) -> Refereed:
    """Run a group of small worlds and let the referee look at it."""
    rules, sections = _rules_of(group // 4 % len(_RULES))
    run = Loop(small_worlds(group), rules, KnownScorer(float(rules.churn.horizon_ms))).run()
    referee = Referee(rules, sections)
    referee.watch(run)
    return Refereed(referee.touches, len(run.applied), referee.violations)


@lru_cache
def _rules_of(number: int) -> tuple[Rules, dict[str, Any]]:
    """Return the rules of small worlds, read once."""
    sections = sections_of(small_scenario(4 * number))
    return parse_rules(written(sections), f"rules {number} of small worlds"), sections
