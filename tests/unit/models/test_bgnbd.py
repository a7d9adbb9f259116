"""The prior says what a simulation of its users says."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bgnbd import (
    LEAVES,
    RATE_SCALE,
    RATE_SHAPE,
    STAYS,
    BgNbdScorer,
    Visits,
    left_logit,
    quiet_logit,
    visits,
)
from models.features import Rhythm
from tests.oracles_rhythm import DAY_MS, fold_event
from tests.unit.models.histories import HORIZON_MS, START_MS, crowd, users

UNIT_MS: Final = HORIZON_MS / 4
LIVES: Final = 400_000
HORIZON: Final = 4.0


class Lives(NamedTuple):
    """Simulated users, each of shape (n,); times in U after the first visit.

    Attributes:
        left: Whether the user had left for good by the age at which it is looked at.
        repeats: Visits after the first until then.
        last: Of the newest of them.
        next: Of the first visit after that age; infinite = never.
    """

    left: np.ndarray
    repeats: np.ndarray
    last: np.ndarray
    next: np.ndarray


def live(age: float) -> Lives:
    """Simulate users who come at random and may leave after each visit, the first included."""
    rng = np.random.default_rng(7)
    rate = rng.gamma(RATE_SHAPE, 1.0 / RATE_SCALE, LIVES)
    leaves = rng.beta(LEAVES, STAYS, LIVES)
    left = rng.random(LIVES) < leaves
    repeats, last = np.zeros(LIVES), np.zeros(LIVES)
    next_ = np.full(LIVES, np.inf)
    on = np.flatnonzero(~left)
    while len(on):
        at = last[on] + rng.exponential(1.0 / rate[on])
        late = at >= age
        next_[on[late]] = at[late]
        on, at = on[~late], at[~late]
        repeats[on] += 1
        last[on] = at
        left[on] = rng.random(len(on)) < leaves[on]
        on = on[~left[on]]
    return Lives(left, repeats, last, next_)


@pytest.mark.parametrize("age", [2.0, 9.0])
@pytest.mark.parametrize("repeats", [0, 1, 3])
def test_it_equals_the_simulation(age: float, repeats: int) -> None:
    """Of all who were seen to come so often and so lately: who has left, and who stays away."""
    of, compared = live(age), 0
    for low, high in ((0.0, 0.35), (0.35, 0.75), (0.75, 1.0)):
        seen = (of.repeats == repeats) & (of.last >= low * age) & (of.last <= high * age)
        count = int(seen.sum())
        if count < 2_000:
            continue
        compared += 1
        known = Visits(of.repeats[seen], of.last[seen], np.full(count, age))
        odds, quiet = np.exp(left_logit(known)), np.exp(quiet_logit(known, HORIZON))
        stays_away = of.next[seen] >= age + HORIZON
        error = 5 * 0.5 / np.sqrt(count)

        assert np.mean(odds / (1 + odds)) == pytest.approx(of.left[seen].mean(), abs=error)
        assert np.mean(quiet / (1 + quiet)) == pytest.approx(stays_away.mean(), abs=error)
    assert compared == (3 if repeats else 1)


def seen(days: list[float], silence_days: float) -> tuple[np.ndarray, np.ndarray]:
    head = None
    for day in days:
        head = fold_event(head, START_MS + day * DAY_MS, HORIZON_MS)
    assert head is not None
    return np.array([head]), np.array([head[Rhythm.LAST] + silence_days * DAY_MS])


def test_who_came_once_is_not_held_for_alive() -> None:
    """That nobody can leave after the first visit is the fault of the unmodified model."""
    prior = BgNbdScorer(HORIZON_MS)
    asked = [seen([0.0], silence) for silence in (0, 15, 60, 365, 3_650)]
    left = [left_logit(visits(*one, HORIZON_MS))[0] for one in asked]
    quiet = [prior.quiet(*one)[0] for one in asked]

    assert np.all(np.diff(left) > 0)
    assert np.all(np.diff(quiet) > 0)
    assert left[0] == pytest.approx(np.log(LEAVES / STAYS))
    assert quiet[-1] > 0.97


def test_a_silence_weighs_more_for_who_came_often() -> None:
    prior = BgNbdScorer(HORIZON_MS)
    often, seldom = [float(day) for day in range(0, 60, 2)], [0.0, 20.0, 40.0, 58.0]
    just_now = [prior.quiet(*seen(days, 1))[0] for days in (often, seldom)]
    long_ago = [prior.quiet(*seen(days, 28))[0] for days in (often, seldom)]

    assert just_now[0] < just_now[1]
    assert long_ago[0] > long_ago[1]


def test_days_are_counted_not_events() -> None:
    once = seen([0.0, 0.1, 0.2, 0.3], 10)

    assert visits(*once, HORIZON_MS).repeats[0] == 0
    assert visits(*once, HORIZON_MS).age[0] == pytest.approx(10.3 * DAY_MS / UNIT_MS)


@given(users(), st.floats(0, 8), st.floats(0, 8))
def test_a_longer_span_is_quiet_less_often(
    user: tuple[list[float], float], one: float, other: float
) -> None:
    known = visits(np.array([user[0]]), np.array([user[1]]), HORIZON_MS)
    short, long = sorted((one, other))

    assert quiet_logit(known, long)[0] <= quiet_logit(known, short)[0] + 1e-9


def test_it_is_a_prior_and_never_a_reason_to_alert() -> None:
    prior = BgNbdScorer(HORIZON_MS)

    assert (prior.version, prior.examples, prior.may_alert) == ("bgnbd_v1", 0, False)
    assert {code for code, _ in prior.explain(*crowd(1))[0]} == {"frequency", "silence", "base"}
