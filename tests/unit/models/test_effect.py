"""An interval of the effect that may be looked at every day: stories, laws, and small worlds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.decisions.effect import HARD, drawn, hard, is_fooled_by_wald, lived, watched
from models.effect import ALPHA, USERS_MIN, EffectMeter, Interval, critical, effects_by


def meter_of(
    treated: tuple[int, int], held_out: tuple[int, int], value: float = 100.0
) -> EffectMeter:
    """Return a meter that has seen (episodes, returns) of both arms; half were to be treated."""
    arms, came = [], []
    for is_treated, (count, returns) in ((True, treated), (False, held_out)):
        arms += [is_treated] * count
        came += [True] * returns + [False] * (count - returns)
    meter = EffectMeter()
    meter.add(np.array(arms), np.array(came), np.array(came) * value, 0.5)
    return meter


def ends(found: Interval) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def test_too_few_users_of_either_arm_say_nothing() -> None:
    least = USERS_MIN["return_rate"]
    found = meter_of((5_000, 900), (least - 1, 3)).interval()
    assert found == Interval(5_000, least - 1)
    assert not found.is_decided
    assert meter_of((5_000, 900), (least, 3)).interval().estimate is not None


def test_a_mean_value_of_a_handful_of_buyers_is_an_anecdote() -> None:
    assert meter_of((5_000, 900), (500, 7)).interval("net_value").estimate is None
    assert meter_of((5_000, 900), (500, 8)).interval("net_value").estimate is not None


def test_what_contact_earned_is_the_difference_of_the_means() -> None:
    meter = meter_of((2_000, 600), (2_000, 400))
    found = meter.interval()
    assert found.estimate == pytest.approx(0.1)
    assert meter.interval("net_value").estimate == pytest.approx(10.0)
    low, high = ends(found)
    assert 0.0 < low < 0.1 < high
    assert found.is_decided


def test_nobody_who_returned_is_no_certainty() -> None:
    """The usual standard error of 0 of 40 is 0."""
    low, high = ends(meter_of((40, 0), (40, 0)).interval())
    assert low < -0.1
    assert high > 0.1


def test_rare_arms_count_by_the_inverse_of_their_probability() -> None:
    """The holdout grew as returns got rarer; without weights that would look like an effect."""
    rng = np.random.default_rng(0)
    count = 40_000
    propensity = np.repeat((0.95, 0.5), count // 2)
    base = np.repeat((0.5, 0.1), count // 2)
    treated = rng.random(count) < propensity
    returned = rng.random(count) < base
    fair, naive = EffectMeter(), EffectMeter()
    fair.add(treated, returned, returned * 1.0, propensity)
    naive.add(treated, returned, returned * 1.0, 0.5)
    assert not fair.interval().is_decided
    assert naive.interval().is_decided


def test_a_covariate_takes_out_what_chance_gave_to_one_arm() -> None:
    rng = np.random.default_rng(1)
    worth = np.exp(rng.normal(0.0, 1.0, 4_000))
    treated = rng.random(4_000) < 0.5
    value = 10.0 * worth + 1.0 * treated + rng.normal(0.0, 1.0, 4_000)
    plain, adjusted = EffectMeter(), EffectMeter()
    plain.add(treated, value > 0.0, value, 0.5)
    adjusted.add(treated, value > 0.0, value, 0.5, covariate=worth)
    wide, narrow = ends(plain.interval("net_value")), ends(adjusted.interval("net_value"))
    assert (narrow[1] - narrow[0]) < 0.2 * (wide[1] - wide[0])
    assert narrow[0] < 1.0 < narrow[1]


def test_where_everybody_brings_the_same_the_arms_do_not_lend_each_other_too_little() -> None:
    """A held-out user brings 100, give or take 1; a treated one half of that, exactly."""
    rng = np.random.default_rng(8)
    treated = rng.random(2_000) < 0.9
    value = np.where(treated, 50.0, 100.0 + rng.normal(0.0, 1.0, 2_000))
    meter = EffectMeter()
    meter.add(treated, value > 0.0, value, 0.9)
    low, high = ends(meter.interval("net_value"))
    assert low < -50.0 < high
    assert high - low > 0.1


def test_a_user_who_comes_ten_times_is_one_user() -> None:
    """Ten copies of an episode are no more evidence than one."""
    once, often = EffectMeter(), EffectMeter()
    rng = np.random.default_rng(2)
    treated, returned = rng.random(500) < 0.5, rng.random(500) < 0.3
    names = [f"u{place}" for place in range(500)]
    once.add(treated, returned, returned * 1.0, 0.5, users=names)
    for _ in range(10):
        often.add(treated, returned, returned * 1.0, 0.5, users=names)
    for metric in USERS_MIN:
        assert ends(often.interval(metric)) == pytest.approx(ends(once.interval(metric)))
    assert often.interval().n_treated == 10 * once.interval().n_treated


def test_an_effect_in_every_group_and_a_decision_for_all_of_them_together() -> None:
    rng = np.random.default_rng(3)
    treated = rng.random(9_000) < 0.5
    keys = rng.choice(["call", "sms", "wechat"], 9_000).tolist()
    helps = np.array(keys) == "call"
    returned = rng.random(9_000) < 0.2 + 0.15 * (treated & helps)
    found = effects_by(keys, treated, returned, returned * 5.0, np.full(9_000, 0.5))
    assert list(found) == ["call", "sms", "wechat"]
    decided = {group: of["return_rate"].is_decided for group, of in found.items()}
    assert decided == {"call": True, "sms": False, "wechat": False}


def test_a_group_among_many_is_decided_later_than_alone() -> None:
    def clear(groups: int) -> bool:
        treated = np.tile((True, False), 1_000)
        returned = np.arange(2_000) // 2 % 100 < np.where(treated, 38, 30)
        keys = ["one"] * 2_000
        others = [f"group {name}" for name in range(groups) for _ in range(2)]
        treated = np.append(treated, np.tile((True, False), groups))
        returned = np.append(returned, np.zeros(2 * groups, bool))
        half = np.full(len(treated), 0.5)
        found = effects_by(keys + others, treated, returned, returned * 1.0, half)
        return found["one"]["return_rate"].is_decided

    assert clear(0)
    assert not clear(200)


@given(
    counts=st.lists(st.tuples(st.integers(30, 5_000), st.floats(0, 1)), min_size=2, max_size=2),
    alpha=st.floats(0.001, 0.2),
)
def test_an_interval_is_around_its_estimate_and_wider_for_the_careful(
    counts: list[tuple[int, float]], alpha: float
) -> None:
    (n1, r1), (n0, r0) = counts
    meter = meter_of((n1, int(r1 * n1)), (n0, int(r0 * n0)))
    found = meter.interval(alpha=alpha)
    low, high = ends(found)
    assert found.estimate is not None
    tiny = 1e-9
    assert -1.0 - tiny <= low <= found.estimate + tiny
    assert found.estimate - tiny <= high <= 1.0 + tiny
    careful = ends(meter.interval(alpha=alpha / 2))
    assert careful[0] <= low + tiny
    assert careful[1] >= high - tiny


@given(pairs=st.floats(10.0, 1e7))
def test_looking_often_costs_half_as_much_again_and_never_twice_where_it_matters(
    pairs: float,
) -> None:
    z = critical(pairs, ALPHA)
    assert z > 1.96
    if 50 <= pairs <= 50_000:
        assert z < 2.0 * 1.96


def test_small_worlds_keep_the_promise_where_the_usual_interval_does_not() -> None:
    """Of 120 worlds a promise of 5 % is broken by at most 12, but for one time in a hundred."""
    rng = np.random.default_rng(4)
    wrong, fooled = dict.fromkeys(USERS_MIN, 0), 0
    for place in range(120):
        world = drawn(rng, is_aa=place % 2 == 0)
        of = lived(world, rng)
        for metric, seen in watched(world, of).items():
            wrong[metric] += not seen.is_covered
        fooled += place % 2 == 0 and is_fooled_by_wald(world, of)
    assert max(wrong.values()) <= 12
    assert fooled >= 12


@pytest.mark.parametrize("kind", HARD)
def test_hard_worlds_are_not_forgotten(kind: str) -> None:
    assert min(hard(kind, 25).values()) >= 0.8
