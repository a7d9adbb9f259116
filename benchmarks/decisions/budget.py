"""A day's budget in every scenario: used whole where enough users are at risk, never above.

python -m benchmarks.decisions.worlds budget [--worlds 1]
"""

from __future__ import annotations

import sys
from collections import defaultdict
from datetime import date, timedelta
from typing import NamedTuple

import msgspec

from streams.core.messages import BudgetStatus
from streams.core.time import DAY_MS
from streams.simulation.catalogue import SCENARIOS
from streams.simulation.law import day_of
from streams.simulation.run import Run
from streams.simulation.scenario import Scenario
from streams.simulation.simulate import Choices, simulated

MESSAGES, CALLS = 20, 3
"""Places a day; one partition, so that this is its share."""
USERS, DAYS, HORIZON_DAYS = 1_400, 28, 6.0
QUEUE = 1.5
"""A day has more demand than places when so many times its share wait already as it begins."""
LEFT_OUT = frozenset({"observe", "one_timers"})
"""Scenarios in which nothing goes out, or nobody is ever at risk."""


class Use(NamedTuple):
    """How a day's budget was used.

    Attributes:
        day: Of the operator.
        share: Touches requested of the places there were.
        staff: The same of calls.
        has_demand: Whether more than enough users waited.
    """

    day: str
    share: float
    staff: float
    has_demand: bool


def stressed(scenario: Scenario) -> Scenario:
    """Return a scenario with many users and few days; what happens in it happens on day 18."""
    return msgspec.structs.replace(
        scenario, users=USERS, days=DAYS, horizon_days=HORIZON_DAYS, partitions=1,
        outages=tuple(msgspec.structs.replace(gap, begin=18.0, days=2.0)
                      for gap in scenario.outages),
        holidays=tuple((18.0, 4.0) for _ in scenario.holidays),
        campaigns=tuple((15.0, 20.0)[: len(scenario.campaigns)]),
        exits=tuple((18.0, share) for _, share in scenario.exits),
        complaints=tuple((18.0, share) for _, share in scenario.complaints),
        stops=tuple((18.0, 3.0) for _ in scenario.stops),
    )  # fmt: skip


def uses(run: Run) -> list[Use]:
    """Return how the budget was used on each whole day, once warm, without stopped days."""
    found: defaultdict[str, list[BudgetStatus]] = defaultdict(list)
    for said in run.said:
        if isinstance(said.message, BudgetStatus):
            found[said.message.day].append(said.message)
    world, zone = run.world, run.rules.budget.zone
    warm = day_of(world.start_ms + round(2 * world.horizon_ms), zone)
    stopped = {
        day_of(world.start_ms + round((begin + at) * DAY_MS), zone).isoformat()
        for begin, days in world.scenario.stops
        for at in range(-1, int(days) + 2)
    }
    made = []
    for day in sorted(found):
        before = found.get((date.fromisoformat(day) - timedelta(days=1)).isoformat())
        if day < warm.isoformat() or before is None or day in stopped:
            continue
        last = found[day][-1]
        waiting, places = before[-1].waiting, last.share["message"]
        made.append(
            Use(day, last.used["message"] / places, last.used["person"] / last.share["person"],
                waiting >= QUEUE * places)
        )  # fmt: skip
    return made[:-1]  # The world may end within its last day.


def measured(worlds: int) -> dict[str, tuple[float, str]]:
    """Run every scenario and return the least and greatest use of a day, by figure."""
    budget = {"budget": {"touches_per_day": MESSAGES, "calls_per_day": CALLS}}
    busy: list[tuple[float, str, str]] = []
    most = staff = 0.0
    broken = 0
    for name, scenario in SCENARIOS.items():
        if name in LEFT_OUT:
            continue
        for seed in range(worlds):
            outcome = simulated(stressed(scenario), seed, Choices(sections=budget))
            made = uses(outcome.run)
            busy += [(use.share, name, use.day) for use in made if use.has_demand]
            most = max([most, *(use.share for use in made)])
            staff = max([staff, *(use.staff for use in made)])
            broken += len(outcome.verdicts.violations)
            days = [use.share for use in made if use.has_demand]
            said = f"{min(days):.2f} to {max(days):.2f}" if days else "no day with enough demand"
            print(f"{name:17} {len(days):3} busy days, {said}; {broken} faults", file=sys.stderr)
    least, where, day = min(busy, default=(0.0, "", ""))
    names = len({name for _, name, _ in busy})
    return {
        "budget.least": (least, f"in {where} on {day}; {names} scenarios, {broken} faults"),
        "budget.most": (most, ""),
        "budget.staff_most": (staff, f"{CALLS} calls a day"),
        "budget.days": (float(len(busy)), f"{MESSAGES} touches a day"),
    }
