"""Who was at risk: how many from day to day, of which kind, and what was at stake."""

from collections import defaultdict

import msgspec

from streams.reporting.calendar import Span, iso_day
from streams.reporting.facts import Facts
from streams.reporting.tally import ALL, Tally

HIGH = "high"


class RiskDay(msgspec.Struct, frozen=True):
    """A day: users who came to be at high risk, who no longer are, and who are at its end."""

    day: str
    came: int
    went: int
    standing: int


class Part(msgspec.Struct, frozen=True):
    """Users at high risk now, of a tier; ``stake`` is their net value × risk, minor units."""

    tier: str
    users: int
    stake: int


class ByReason(msgspec.Struct, frozen=True):
    """A reason, and how often it was the foremost one, by acquisition source."""

    reason: str
    cases: int
    sources: dict[str, int]


class AtRisk(msgspec.Struct, frozen=True):
    """Who was at risk.

    Attributes:
        cases: Cases opened in the period.
        stake: Expected loss of those cases, minor units.
        bands: Band to users, at the end of the period.
        days: Day by day.
        tiers: Of those at high risk at the end, by value tier.
        reasons: Foremost reasons of the cases, most frequent first.
    """

    cases: int
    stake: int
    bands: dict[str, int]
    days: tuple[RiskDay, ...]
    tiers: tuple[Part, ...]
    reasons: tuple[ByReason, ...]


def at_risk(facts: Facts, span: Span, tally: Tally) -> AtRisk:
    """Return who was at risk in a period."""
    users: defaultdict[str, int] = defaultdict(int)
    stake: defaultdict[str, int] = defaultdict(int)
    for user in facts.standing.high():
        users[user.value_tier] += 1
        stake[user.value_tier] += round(max(user.value_net, 0) * user.probability)
    tiers = sorted(users, key=lambda tier: -stake[tier])
    return AtRisk(
        cases=tally.opened[ALL],
        stake=tally.stake[ALL],
        bands=dict(facts.standing.bands()),
        days=_days(facts, span),
        tiers=tuple(Part(tier, users[tier], stake[tier]) for tier in tiers),
        reasons=_reasons(tally),
    )


def _days(facts: Facts, span: Span) -> tuple[RiskDay, ...]:
    """Return the days; they need not come in order, so what is standing is summed at the end."""
    standing = 0
    found = []
    for day in sorted(facts.days):
        moved = facts.days[day].moved
        standing += moved[HIGH, "+"] - moved[HIGH, "-"]
        if span.holds(day):
            found.append(RiskDay(iso_day(day), moved[HIGH, "+"], moved[HIGH, "-"], standing))
    return tuple(found) if any(day.came or day.standing for day in found) else ()


def _reasons(tally: Tally) -> tuple[ByReason, ...]:
    sources: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (source, reason), cases in tally.reasons_by_source.items():
        if reason:
            sources[reason][source] = cases
    found = [ByReason(reason, sum(by.values()), by) for reason, by in sources.items()]
    return tuple(sorted(found, key=lambda one: (-one.cases, one.reason)))
