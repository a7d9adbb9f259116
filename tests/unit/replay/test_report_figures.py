"""The figures of a report: each by hand, or against a slow twin."""

import math

import numpy as np
import pasts
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.inputs import Acted
from streams.replay.fleet import Accepted
from streams.replay.report.belief import belief
from streams.replay.report.budgets import budgets
from streams.replay.report.control import chance_error, dealt, users_of, verdict
from streams.replay.report.estimates import Graded, estimated, share
from streams.replay.report.lead import Trace, lead, quality
from streams.replay.report.money import MONTH_MS, money
from streams.replay.report.past import Past
from streams.replay.report.ranking import auc_within, period_days, ranking
from streams.replay.report.segments import Alerted, divisions
from streams.replay.report.short import in_short
from streams.replay.report.silences import Activities, Names, Silences
from streams.replay.rulebook import redefined, rules_at
from tests import oracles_report as twin

DAY_MS = 86_400_000
H_MS = 10 * DAY_MS
RULES = redefined(rules_at(""), horizon_days=10, min_active_days=2, kinds=("visit",))

said_and_left = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9]), st.booleans(), st.integers(0, 3)),
    min_size=4,
    max_size=40,
).filter(
    lambda rows: (
        any(left and w for _, left, w in rows) and any(not left and w for _, left, w in rows)
    )
)


@given(said_and_left)
def test_grades_under_weights_are_those_of_every_single_pair(
    rows: list[tuple[float, bool, int]],
) -> None:
    said, left, weight = (list(column) for column in zip(*rows, strict=True))
    graded = Graded(np.array(said), np.array(left))
    weights = np.array(weight, float)
    assert graded.auc(weights) == pytest.approx(twin.auc(said, left, weight))
    assert graded.ap(weights) == pytest.approx(twin.average_precision(said, left, weight))
    brier = sum(w * (p - y) ** 2 for p, y, w in rows) / sum(weight)
    assert graded.brier(weights) == pytest.approx(brier)


def test_a_user_drawn_twice_counts_twice() -> None:
    past = pasts.past(2_000, users=60)
    graded = Graded(past.said, past.left)
    found = estimated(past.people.users, {"auc": graded.auc})["auc"]
    assert found.low < found.value < found.high
    alone = estimated(np.arange(2_000, dtype=np.uint64), {"auc": graded.auc})["auc"]
    assert alone.value == found.value


@pytest.mark.parametrize(("hits", "of"), [(0, 20), (7, 50), (50, 50), (480, 1_000)])
def test_a_share_lies_within_its_interval(hits: int, of: int) -> None:
    found = share(hits, of)
    assert found is not None
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert found.high - found.low < 2.5 / math.sqrt(of)
    assert share(0, 0) is None


events = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 40 * 24)), min_size=1, max_size=60
).map(lambda rows: sorted((hour * DAY_MS // 24, user) for user, hour in rows))


def accepted(rows: list[tuple[int, int]]) -> Accepted:
    return Accepted(
        [Acted(str(user), "", at) for at, user in rows],
        [str(user) for _, user in rows],
        [at for at, _ in rows],
    )


@given(events)
def test_silences_are_those_between_the_events_of_each_user(rows: list[tuple[int, int]]) -> None:
    names = Names()
    activities = Activities(names)
    for cut in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
        activities.see(accepted(cut))
    newest = rows[-1][0]
    found = activities.silences(
        horizon_ms=H_MS, min_active_days=2, since_ms=5 * DAY_MS, newest_ms=newest
    )
    numbers = {int(name): number for number, name in enumerate(names.all())}
    slow = sorted(
        twin.silences([(user, at) for at, user in rows]),
        key=lambda silence: (numbers[silence.user], silence.start_ms),
    )
    assert found.start_ms.tolist() == [silence.start_ms for silence in slow]
    assert found.length_ms.tolist() == [silence.length_ms for silence in slow]
    assert found.inside.tolist() == [
        silence.active_days >= 2 and 5 * DAY_MS <= silence.start_ms <= newest - H_MS
        for silence in slow
    ]


def three_silences() -> Silences:
    """Ada is silent for 4 days, then for good; Bob for 12 days, then to the end of the log."""
    day = np.array([0.0, 4.0, 0.0, 12.0])
    length = np.array([4.0, np.inf, 12.0, np.inf])
    inside = np.array([True, True, True, False])
    return Silences(np.array([0, 0, 1, 1]), day * DAY_MS, length * DAY_MS, inside, float(H_MS))


def test_a_sighting_falls_into_the_silence_under_way() -> None:
    silences = three_silences()
    user = np.array([0, 0, 0, 1, 1, 1, 2])
    at = np.array([0.0, 3.9, 4.0, 9.9, 10.0, 13.0, 1.0]) * DAY_MS
    # Ten days after Bob's last activity he is lost already; his second silence does not count.
    assert silences.places(user, at).tolist() == [0, 0, 1, 2, -1, -1, -1]


def test_of_several_alerts_in_a_silence_the_first_counts() -> None:
    silences = three_silences()
    user = np.array([0, 0, 0, 1])
    at = np.array([6.0, 1.0, 5.0, 2.0]) * DAY_MS
    found = in_short(silences, user, at)
    assert found["cases_opened"] == 4
    assert found["silences_lost"] == 2
    assert found["project"] == {
        "alerts": 3, "precision": 0.6667, "recall": 1.0, "delay_days_median": 1.5,
    }  # fmt: skip


def test_alerts_by_risk_are_as_many_as_those_of_the_rule_and_as_early_as_can_be() -> None:
    silences = three_silences()
    user = np.array([0, 0, 0, 0, 1, 1])
    at = np.array([1.0, 3.0, 5.0, 7.0, 1.0, 8.0]) * DAY_MS
    reach = np.array([0.2, 0.3, 0.5, 0.9, 0.6, 0.8])
    trace = Trace(silences, user, at, reach)
    assert trace.peaks.tolist() == [0.9, 0.8, 0.3]
    places, delays = trace.first(trace.threshold(2))
    assert places.tolist() == [1, 2]
    # Any threshold above .3 gives two alerts; the lowest gives them soonest.
    assert (delays / DAY_MS).tolist() == [1.0, 1.0]
    assert trace.threshold(3) == 0.0


def test_the_rule_beside_sent_alerts_sends_exactly_as_many() -> None:
    silences = three_silences()
    trace = Trace(silences, np.array([1]), np.array([1.0]) * DAY_MS, np.array([0.9]))
    alerts = (np.array([0, 1]), np.array([5.0, 2.0]) * DAY_MS)
    found = lead(silences, trace, alerts, 2.0 * DAY_MS, 30.0 * DAY_MS)
    assert found.sent is not None
    assert (found.silences, found.lost) == (3, 2)
    assert found.sent.rule_days == 10.0
    assert found.sent.rule.alerts == found.sent.project.alerts == 2
    assert found.sent.by_silence == 0.5
    assert found.sent.earlier is None, "two right alerts have no median worth the name"


def test_nobody_lost_is_said_in_words() -> None:
    silences = three_silences()._replace(length_ms=np.full(4, 2.0 * DAY_MS))
    trace = Trace(silences, np.zeros(0, int), np.zeros(0), np.zeros(0))
    nobody = (np.zeros(0, int), np.zeros(0))
    assert "nobody" in lead(silences, trace, nobody, 1.0, 1e15).cannot_say
    assert quality(np.zeros(0), 0, 1.0).precision is None


def test_a_budget_takes_those_at_highest_risk_of_each_week() -> None:
    past = pasts.past(1_500)
    weeks = past.spans(7 * DAY_MS).tolist()
    found = budgets(past, 7 * DAY_MS)
    assert [each.contacts for each in found] == [1, 2, 5, 10]
    for each in found:
        slow = twin.budget(past.said.tolist(), past.left.tolist(), weeks, each.contacts)
        assert (each.leavers, each.contacted) == slow
    by_size = [each.precision.value for each in found]
    assert min(by_size) > float(past.left.mean()), "risk is known here, so contacts are not chance"


def test_ranking_within_a_period_is_blind_to_what_changes_over_time() -> None:
    past = pasts.past(3_000, knows=0.0)
    era = np.arange(3_000) >= 1_500
    rises = past._replace(said=0.1 * past.said + 0.8 * era, left=past.left | era)
    pooled = ranking(rises, 30 * DAY_MS).auc
    assert pooled is not None
    assert pooled.value > 0.8
    within = auc_within(past.said, past.left, past.spans(7 * DAY_MS))
    assert within == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("days", "expected"), [(0.5, 1), (20, 1), (120, 7), (340, 14), (365, 30), (7_782, 365)]
)
def test_periods_are_as_long_as_a_chart_can_show(days: float, expected: int) -> None:
    assert period_days(days * DAY_MS) == expected


def test_what_is_said_as_often_as_it_happens_is_believed() -> None:
    past = pasts.past(6_000)
    found = belief(past)
    assert found.ece is not None
    assert found.ece_floor is not None
    assert found.ece < found.ece_floor + 0.01
    boast = belief(past._replace(said=past.said**2))
    assert boast.ece is not None
    assert boast.ece > 0.05
    assert "at least" in belief(pasts.past(20)).cannot_say


def test_money_is_what_leavers_would_have_spent_while_they_stayed_away() -> None:
    who = pasts.people(3)
    who = who._replace(
        first_ms=who.at_ms - 2 * MONTH_MS, value_minor=np.array([20_000.0, 20_000.0, 90_000.0])
    )
    away = np.array([np.inf, 15.0 * DAY_MS, np.inf])
    left = np.array([True, True, False])
    found = money(who, away, left, currency="EUR", minor_units=100)
    # Each of the two brought 100 a month; the second was back after half a month.
    assert found.lost == pytest.approx({"1": 150.0, "3": 350.0, "6": 650.0, "12": 1_250.0})
    ten = next(each for each in found.outcomes if (each.wins, each.cost) == (0.10, 5.0))
    assert (ten.earned, ten.spent) == pytest.approx((65.0, 15.0))


def test_money_that_is_not_there_is_not_made_up() -> None:
    who = pasts.people(3)._replace(value_minor=np.zeros(3))
    left = np.ones(3, bool)
    assert "purchase" in money(who, left * 1.0, left, currency="EUR", minor_units=1).cannot_say
    nobody = who.picked(np.zeros(0, np.intp))
    none = np.zeros(0)
    said = money(nobody, none, none > 0, currency="EUR", minor_units=1).cannot_say
    assert said == "no alert whose outcome is known was sent"


def test_segments_cover_everybody_once_and_small_ones_are_marked() -> None:
    past = pasts.past(1_200)
    sources = {int(user): f"源{int(user) % 12}" for user in past.people.users.tolist()}
    alerted = Alerted(past.people.picked(np.arange(300)), past.left[:300])
    for division in divisions(past, alerted, RULES, sources):
        assert sum(segment.asked for segment in division.segments) == 1_200
        assert sum(segment.alerts for segment in division.segments) == 300
        for segment in division.segments:
            fewer = round(segment.asked * min(segment.left, 1 - segment.left))
            assert segment.is_small == (segment.asked < 200 or fewer < 20)
    by_source = next(d for d in divisions(past, alerted, RULES, sources) if d.by == "source")
    assert [segment.name for segment in by_source.segments][-1] == "others"
    assert len(by_source.segments) == 9


def test_chance_leaves_the_interval_of_the_control_once_in_a_hundred() -> None:
    past = pasts.past(900, knows=0.0)
    numbers = past.spans(7.5 * DAY_MS)
    error = chance_error(past.left, numbers)
    chance = np.random.default_rng(0)
    found = [auc_within(chance.random(900), past.left, numbers) for _ in range(400)]
    assert np.std([each for each in found if each is not None]) == pytest.approx(error, rel=0.12)


def test_the_control_speaks_when_something_was_found() -> None:
    nothing = verdict(pasts.past(3_000, knows=0.0), 30 * DAY_MS)
    assert nothing.is_sound is True
    leak: Past = pasts.past(3_000, knows=1.0)
    found = verdict(leak, 30 * DAY_MS)
    assert found.is_sound is False
    assert found.auc is not None
    assert found.high is not None
    assert found.auc > found.high
    assert verdict(pasts.past(0), 30 * DAY_MS).is_sound is None


def test_dealing_keeps_everything_but_who_it_was(small_log: str) -> None:
    from streams.replay.files import EventLog  # noqa: PLC0415

    users = users_of(EventLog(small_log).blocks())
    before = list(EventLog(small_log).blocks())
    after = list(dealt(iter(before), users))
    again = list(dealt(EventLog(small_log).blocks(), users))
    assert len(users) == 40
    assert after == again, "the same deal every time"
    for old, new in zip(before, after, strict=True):
        assert old._replace(user_ids=new.user_ids) == new
        assert old.user_ids != new.user_ids
    assert {user for block in after for user in block.user_ids} == set(users)
