"""What was earned, by whom: figures find the effects that the world has, and no others."""

import msgspec
import numpy as np
import pytest
import worlds
from test_facts import COSTS, read, told

from streams.core.messages import Episode
from streams.core.time import DAY_MS, iso
from streams.reporting.advice import Action
from streams.reporting.calendar import Span
from streams.reporting.figures import Asked, Figures, Group, figures
from winback_sender.contract.messages import to_json


@pytest.fixture(scope="module")
def found() -> Figures:
    return told(read(worlds.world(days=120, a_day=80)))


def group(found: Figures, by: str, value: str) -> Group:
    division = next(one for one in found.divisions if one.by == by)
    return next(one for one in division.groups if one.value == value)


def test_intervals_hold_what_is_true(found: Figures) -> None:
    for playbook, variants in worlds.VARIANTS.items():
        for name, _, _, lift in variants:
            gain = group(found, "variant", f"{playbook} / {name}").advice.earned.returns
            assert gain is not None
            assert gain.low < 1_000 * lift < gain.high


def test_what_harms_is_to_be_stopped_and_what_helps_is_not(found: Figures) -> None:
    advice = {(one.dimension, one.value): one.action for one in found.advice}
    assert advice["playbook", "discount"] is Action.STOP
    assert advice["variant", "会员关怀 / a"] in {Action.KEEP, Action.INCREASE}
    assert ("variant", "discount / a") not in advice  # its playbook has said it
    order = [list(Action).index(one.action) for one in found.advice]
    assert order == sorted(order)


def test_every_dimension_adds_up_to_the_whole(found: Figures) -> None:
    for division in found.divisions:
        if division.by != "cohort":
            assert sum(one.cases for one in division.groups) == found.risk.cases
            assert sum(one.stake for one in division.groups) == found.risk.stake
        if division.by not in {"cohort", "trigger"}:
            assert sum(one.touches for one in division.groups) == found.done.touches
        if division.by != "variant":  # where all who were held out of a playbook stand beside each
            both = [one.advice.earned for one in division.groups]
            whole = found.whole.earned
            assert sum(one.treated for one in both) == whole.treated
            assert sum(one.held_out for one in both) == whole.held_out


def test_an_effect_becomes_known_over_time(found: Figures) -> None:
    widths = [point.gain.high - point.gain.low for point in found.trace if point.gain is not None]
    assert widths[-1] < widths[len(widths) // 2] < widths[0]
    last = found.trace[-1].gain
    assert last is not None
    assert found.whole.earned.returns is not None
    assert last.value == pytest.approx(found.whole.earned.returns.value)


def test_a_week_stands_beside_the_week_before() -> None:
    facts = read(worlds.world(days=60))
    week = told(facts, is_week=True)
    days = [day for day in facts.days if week.first_day <= _iso(day) <= week.last_day]
    assert len(days) == 7
    now = {one.name: one.now for one in week.compared}
    before = figures(facts, Asked(Span(min(days) - 7, min(days) - 1), is_week=False, costs=COSTS))
    assert {one.name: one.before for one in week.compared}["touches"] == before.done.touches
    assert now["touches"] == week.done.touches
    assert week.whole_before is not None
    assert week.whole_before.treated < week.whole.earned.treated


def _iso(day: int) -> str:
    return str(np.datetime64("0001-01-01") + np.timedelta64(day - 1, "D"))


def test_without_a_holdout_nothing_is_claimed() -> None:
    found = told(read(worlds.world(days=30, holdout=0.0)))
    assert found.whole.action is Action.UNKNOWABLE
    assert found.whole.earned.returns is None
    assert found.advice == ()


def test_without_money_the_return_rate_decides() -> None:
    found = told(read(worlds.world(days=120, a_day=80, value=0)))
    assert found.whole.earned.money is None
    stopped = next(one for one in found.advice if one.value == "discount")
    assert (stopped.action, stopped.by_money) == (Action.STOP, False)


def test_foreign_money_is_counted_and_not_added() -> None:
    streams = worlds.world(days=40, a_day=60)
    ours = told(read(streams))
    for number in range(300):
        at = worlds.START_MS + number * 3_600_000
        streams["decisions"].append(to_json(Episode(
            user_id=f"x{number}", case_id=f"x{number}", playbook="会员关怀", playbook_version="v1",
            variant="a", channel="wechat", is_held_out=number % 2 == 0, propensity=0.5,
            probability=0.7, returned=True, value_change=10**9, currency="USD",
            exposed_at=iso(at), matured_at=iso(at + 9 * DAY_MS), dimensions={},
        )))  # fmt: skip
    theirs = told(read(streams))
    assert theirs.currency == "CNY"
    assert theirs.source.foreign_money == 300
    assert theirs.whole.earned.money == ours.whole.earned.money
    assert theirs.whole.earned.treated == ours.whole.earned.treated + 150


def test_if_everybody_got_one_variant(found: Figures) -> None:
    """A bandit would say the same: each is what its own users did, and the better one is known."""
    shares = {one.variant: one.share for one in found.choices}
    assert {one.playbook for one in found.choices} == {"会员关怀"}  # the only one with a choice
    assert sum(shares.values()) == pytest.approx(1.0)
    for one in found.choices:
        lift = {"a": 0.12, "b": 0.02}[one.variant]
        assert one.returned.low < 1_000 * (0.3 + lift) < one.returned.high
        assert one.money is not None
    better, worse = sorted(found.choices, key=lambda one: -one.returned.value)
    assert (better.variant, worse.variant, worse.is_best) == ("a", "b", False)


def test_figures_are_json() -> None:
    found = told(read(worlds.world(days=20)))
    again = msgspec.json.decode(msgspec.json.encode(found))
    assert again["done"]["touches"] == found.done.touches
    assert again["whole"]["action"] in list(Action)


def test_nothing_at_all_is_said_to_be_nothing() -> None:
    found = figures(read({}), Asked(Span(739_000, 739_006), is_week=True, costs=COSTS))
    assert found.is_empty
    assert found.divisions == ()
    assert found.whole.action is Action.UNKNOWABLE
