"""All figures of a report; the page shows them, ``--json`` prints them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from streams.reporting.advice import LEVERS, Action, Advice, advised, cost_per_1000
from streams.reporting.calendar import Span, iso_day
from streams.reporting.choices import Choice, choices
from streams.reporting.done import Compared, Done, Passed, compared, done_in, passed_over
from streams.reporting.earned import Columns, Earned, Gain, earned, earned_by_variant, trace
from streams.reporting.facts import Facts
from streams.reporting.numbers import Money, money_of
from streams.reporting.risk import AtRisk, at_risk
from streams.reporting.standing import BudgetDay
from streams.reporting.tally import ALL, DIMENSIONS, Tally

ROWS_MAX = 14
"""More values of a dimension are shown as one: the rest."""


class Asked(NamedTuple):
    """What is wanted of a report.

    Attributes:
        span: The days it tells of.
        is_week: Whether it is a week, to be held beside the one before.
        costs: Channel to what a touch costs, minor units.
        minor_units: Currency to its minor units, where they are not as ISO 4217 says.
        currency: What money is in where no message says it.
    """

    span: Span
    is_week: bool
    costs: Mapping[str, float]
    minor_units: Mapping[str, int] = {}
    currency: str = ""


class Group(msgspec.Struct, frozen=True):
    """One value of a dimension: planned, done, earned.

    Attributes:
        value: The value; empty = not known.
        cases: Cases opened.
        stake: Expected loss of those cases, minor units.
        contacted: Cases in which somebody was contacted.
        touches: Touches requested.
        advice: What it earned, and what to do about it.
    """

    value: str
    cases: int
    stake: int
    contacted: int
    touches: int
    advice: Advice


class Division(msgspec.Struct, frozen=True):
    """The groups of a dimension, the largest first; ``rest`` counts those that are not shown."""

    by: str
    groups: tuple[Group, ...]
    rest: int


class Point(msgspec.Struct, frozen=True):
    """The effect on the return rate as it was known on a day."""

    day: str
    gain: Gain | None


class Source(msgspec.Struct, frozen=True):
    """What was read, and what could not be.

    Attributes:
        messages: Stream to messages understood.
        broken: Stream to messages not understood.
        first_broken: Where, and why, of the first few.
        missing: Streams that were not there.
        foreign_money: Messages in another currency than that of the report.
    """

    messages: dict[str, int]
    broken: dict[str, int]
    first_broken: tuple[str, ...]
    missing: tuple[str, ...]
    foreign_money: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a report says in numbers; days are ISO 8601, money is in minor units.

    Attributes:
        first_day: First day of the period.
        last_day: Last day of the period.
        currency: Of all money.
        minor_units: Of the currency.
        modes: Mode to decisions made in it.
        risk: Who was at risk.
        budget: How the days stood with the budget.
        done: What was done.
        passed: Why others were not contacted.
        whole: The effect of all contacts, and what to do.
        whole_before: The effect as it was known a week before.
        trace: How the effect became known.
        divisions: By dimension.
        choices: What would be if everybody got one variant.
        advice: What to stop, increase, keep: what is most certain first.
        compared: This week beside the week before.
        source: What was read.
    """

    first_day: str
    last_day: str
    currency: str
    minor_units: int
    modes: dict[str, int]
    risk: AtRisk
    budget: tuple[BudgetDay, ...]
    done: Done
    passed: tuple[Passed, ...]
    whole: Advice
    whole_before: Earned | None
    trace: tuple[Point, ...]
    divisions: tuple[Division, ...]
    choices: tuple[Choice, ...]
    advice: tuple[Advice, ...]
    compared: tuple[Compared, ...]
    source: Source

    @property
    def money(self) -> Money:
        """The currency with its minor units."""
        return Money(self.currency, self.minor_units)

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to tell of."""
        return not sum(self.source.messages.values())


def figures(facts: Facts, asked: Asked, missing: Sequence[str] = ()) -> Figures:
    """Return the figures of a period."""
    currency = facts.currencies.most_common(1)[0][0] if facts.currencies else asked.currency
    columns = Columns.of(facts.episodes, currency, DIMENSIONS)
    span, tally = asked.span, facts.within(asked.span)
    # An effect needs time: of a week all is told that is known by its end.
    known = Span(1, span.last) if asked.is_week else span
    pick = columns.within(known)
    divisions = tuple(_division(by, columns, known, tally, asked.costs) for by in DIMENSIONS)
    before = span.before()
    return Figures(
        first_day=iso_day(span.first),
        last_day=iso_day(span.last),
        currency=currency,
        minor_units=money_of(currency, asked.minor_units.get(currency)).minor_units,
        modes=dict(tally.modes),
        risk=at_risk(facts, span, tally),
        budget=tuple(day for day in facts.budgets.days()
                     if iso_day(span.first) <= day.day <= iso_day(span.last)),
        done=done_in(facts, span, tally),
        passed=passed_over(tally),
        whole=advised(earned(columns, pick), cost_per_1000(tally, ALL, asked.costs)),
        whole_before=(
            earned(columns, columns.within(Span(1, before.last))) if asked.is_week else None
        ),
        trace=tuple(
            Point(day, None if found.estimate is None or found.low is None or found.high is None
                  else Gain(found.estimate * 1_000, found.low * 1_000, found.high * 1_000))
            for day, found in trace(columns, pick)
        ),
        divisions=tuple(division for division in divisions if division.groups),
        choices=choices(columns, pick),
        advice=_advice(divisions),
        compared=compared(facts.within(before), tally) if asked.is_week else (),
        source=Source(
            messages=dict(facts.read),
            broken=dict(facts.broken),
            first_broken=tuple(facts.first_broken),
            missing=tuple(missing),
            foreign_money=facts.currencies.total() - facts.currencies[currency],
        ),
    )  # fmt: skip


def _division(
    by: str, columns: Columns, known: Span, tally: Tally, costs: Mapping[str, float]
) -> Division:
    """Return a dimension's groups: the newest months of a cohort, else those with most cases."""
    pick = columns.within(known)
    answered = columns.cells[by][pick].tolist()
    seen = {value for name, value in tally.opened if name == by} | set(answered)
    seen |= {value for name, value, _ in tally.touches if name == by}
    if not any(seen):
        return Division(by, (), 0)  # Nobody said anything of this dimension.
    sizes = {value: (tally.opened[by, value], answered.count(value)) for value in seen}
    order = sorted(seen, key=lambda value: (*(-size for size in sizes[value]), value))
    if by == "cohort":
        order = sorted(seen, reverse=True)
    groups = []
    for value in order[:ROWS_MAX]:
        cell = by, value
        own = pick & (columns.cells[by] == value)
        found = (
            earned_by_variant(columns, pick, value, len(order))
            if by == "variant" and value
            else earned(columns, np.asarray(own, np.bool_), len(order))
        )
        groups.append(Group(
            value=value,
            cases=tally.opened[cell],
            stake=tally.stake[cell],
            contacted=tally.contacted[cell],
            touches=tally.touched(cell),
            advice=advised(found, cost_per_1000(tally, cell, costs), by, value),
        ))  # fmt: skip
    return Division(by, tuple(groups), len(order) - len(groups))


def _advice(divisions: Sequence[Division]) -> tuple[Advice, ...]:
    """Return what is to be done about levers: stop, increase, keep, wait; the surest first."""
    ranks = {action: rank for rank, action in enumerate(Action)}
    levers = {name: rank for rank, name in enumerate(LEVERS)}
    found = [
        group.advice
        for division in divisions
        if division.by in levers
        for group in division.groups
        if group.advice.action is not Action.UNKNOWABLE and _is_choice(group, division)
    ]
    return tuple(
        sorted(found, key=lambda one: (ranks[one.action], levers[one.dimension], one.value))
    )


def _is_choice(group: Group, division: Division) -> bool:
    """Return whether there is something beside a group: else it says what its whole says."""
    if division.by == "variant":
        book = group.value.rpartition(" / ")[0]
        return sum(one.value.rpartition(" / ")[0] == book for one in division.groups) > 1
    return bool(group.value) and (division.by == "playbook" or len(division.groups) > 1)
