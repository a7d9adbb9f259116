"""Traits that the model tells apart: they count from when they are told, and never before."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.features import FEATURES, Rhythm, features
from streams.core.inputs import Input, TraitsSet, WatermarkPassed
from streams.core.partition import Partition
from streams.core.rules import Rules
from streams.core.state import decode
from streams.core.time import DAY_MS, HOUR_MS
from tests.unit.core.lessons import lessons_of
from tests.unit.core.stories import ADA, ToldScorer, act, by_silence, day, rules_of, run

RULES = rules_of(
    traits="[plan]",
    traits_told_apart="[plan=trial, plan=pro, acquisition_source=ads, zone=Asia/Tokyo, pet=cat]",
)
FIRST_TRAIT = [feature.name for feature in FEATURES].index("tr0")
PERIOD_MS = RULES.churn.period_ms
GRID_MS = -(-(day(30) - RULES.phase_ms(ADA)) // PERIOD_MS) * PERIOD_MS + RULES.phase_ms(ADA)
"""A grid instant of Ada's."""


def told(at_ms: int, **traits: str) -> TraitsSet:
    """Return what was told of Ada."""
    zone, source = traits.pop("zone", ""), traits.pop("acquisition_source", "")
    return TraitsSet(ADA, at_ms, zone, source, traits)


def fresh(rules: Rules = RULES) -> Partition:
    return Partition(0, rules, ToldScorer(by_silence, rules.churn.horizon_ms))


def held(partition: Partition, at_ms: float) -> list[int]:
    """Return which traits Ada has in the eyes of the model at an instant."""
    row = features(partition.heads([ADA]), np.array([float(at_ms)]), float(RULES.churn.horizon_ms))
    return np.flatnonzero(row[0, FIRST_TRAIT:]).tolist()


def learned(history: list[Input], rules: Rules = RULES) -> dict[float, list[int]]:
    """Return grid instant to the traits that the example which was opened then knows."""
    partition = fresh(rules)
    return {
        row[0]: [place for place in range(5) if row[3 + FIRST_TRAIT + place]]
        for harvest in run(partition, history, [1] * len(history))
        for record in harvest.outputs.get("examples", [])
        for kind, rows in [lessons_of(record)]
        if kind == "example"
        for row in rows
    }


def test_traits_of_every_kind_are_told_apart() -> None:
    partition = fresh()
    partition.apply([act(day(0)), told(day(1), plan="trial", pet="cat")])
    assert held(partition, day(1)) == [0, 4]

    partition.apply([told(day(2), plan="pro", zone="Asia/Tokyo")])
    assert held(partition, day(2)) == [1, 3, 4], "another value takes the place of the first"
    partition.apply([told(day(3), acquisition_source="ads", pet="")])
    assert held(partition, day(3)) == [1, 2, 3]


def test_only_what_the_rules_keep_is_kept_in_words() -> None:
    partition = fresh()
    partition.apply([told(day(1), plan="pro", pet="cat")])
    value = partition.value(ADA)

    assert value is not None
    assert decode(value).profile.traits == {"plan": "pro"}


def test_what_is_told_twice_changes_nothing() -> None:
    partition = fresh()
    partition.apply([told(day(1), plan="pro")])
    once = partition.value(ADA)
    partition.apply([told(day(4), plan="pro")])

    assert partition.value(ADA) == once


def test_an_example_knows_nothing_of_what_was_told_after_it_was_opened() -> None:
    """Whether it ends in silence or in activity: both are completed after the telling."""
    acts = [act(GRID_MS - 3 * HOUR_MS)]
    after = [told(GRID_MS + HOUR_MS, plan="pro"), told(GRID_MS + 2 * HOUR_MS, plan="trial")]
    for then in ([], [act(GRID_MS + 3 * HOUR_MS)]):
        found = learned([*acts, *after, *then, WatermarkPassed(GRID_MS + 3 * PERIOD_MS)])
        assert found[GRID_MS] == []
        assert found[GRID_MS + PERIOD_MS] == [0]

    before = told(GRID_MS - HOUR_MS, plan="pro")
    found = learned([*acts, before, *after, WatermarkPassed(GRID_MS + 3 * PERIOD_MS)])
    assert found[GRID_MS] == [1]
    assert found[GRID_MS + PERIOD_MS] == [0]


def test_old_news_count_from_the_watermark_at_which_they_came() -> None:
    """A trait with an event time of long ago was not known then."""
    history = [act(GRID_MS - HOUR_MS), WatermarkPassed(GRID_MS + HOUR_MS)]
    news = told(GRID_MS - 9 * DAY_MS, plan="pro")
    found = learned([*history, news, WatermarkPassed(GRID_MS + 3 * PERIOD_MS)])

    assert found[GRID_MS] == []
    assert found[GRID_MS + PERIOD_MS] == [1]


def test_an_activity_leaves_the_traits_as_they_are() -> None:
    partition = fresh()
    partition.apply([told(day(1), plan="pro"), *(act(day(n)) for n in range(2, 9))])

    assert held(partition, day(9)) == [1]
    assert partition.heads([ADA])[0, Rhythm.TRAITS_AT] == day(1)


@given(
    st.lists(st.integers(0, 60 * 24), min_size=1, max_size=20),
    st.lists(st.integers(0, 60 * 24), max_size=5),
)
def test_no_example_ever_knows_what_was_told_later(acted: list[int], telling: list[int]) -> None:
    """Also where the watermark lags behind whole periods, since nothing else happens."""
    names = ["plan=a", "plan=b", "plan=c", "plan=d", "plan=e"]
    rules = rules_of(traits_told_apart=f"[{', '.join(names)}]")
    news = [told(day(0, hour), plan="abcde"[n]) for n, hour in enumerate(sorted(telling))]
    history: list[Input] = [*(act(day(0, hour)) for hour in set(acted)), *news]
    history.sort(key=lambda signal: signal.event_time_ms)
    found = learned([*history, WatermarkPassed(day(150))], rules)

    for opened, traits in found.items():
        known = [[n] for n, signal in enumerate(news) if signal.event_time_ms <= opened]
        assert traits in ([], *known)
        if len(known) == len(news) and known and opened > history[-1].event_time_ms:
            assert traits == known[-1]
