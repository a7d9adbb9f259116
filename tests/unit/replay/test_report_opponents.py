"""Opponents know nothing of later, and are graded on the same questions; so is what is said."""

import numpy as np
import pasts
import pytest

from streams.replay.report.numbers import customers, date, days, interval, number, of_100, percent
from streams.replay.report.opponents import (
    BOOSTING,
    LOGISTIC,
    OURS,
    REFIT_MS,
    SILENCE,
    _months,
    compared,
)
from streams.replay.report.past import Past
from streams.replay.report.words import compared_said

H_MS = 20 * 86_400_000.0


def telling(knows: float) -> Past:
    """Return questions whose first feature tells half of the truth; ours ``knows`` the rest."""
    past = pasts.past(1_200, users=200, knows=knows)
    truth = pasts.past(1_200, users=200, knows=1.0).said
    past.rows[:, 0] = truth + np.random.default_rng(9).normal(0.0, 0.2, 1_200)
    return past


def test_a_batch_model_is_fitted_to_what_was_answered_before_its_month_begins() -> None:
    past = pasts.past(2_000)
    at_ms = past.people.at_ms
    asked: list[int] = []
    for pick, known in _months(past, H_MS):
        begin = at_ms[pick][0] // REFIT_MS * REFIT_MS
        assert (at_ms[known] + H_MS).max() <= begin
        assert at_ms[pick].max() < begin + REFIT_MS
        asked += range(pick.start, pick.stop)
    assert asked == list(range(asked[0], 2_000)), "every later question, each once, in order"


@pytest.mark.parametrize(("knows", "says"), [(1.0, "better than"), (0.0, "worse than")])
def test_who_is_better_is_said_with_an_interval(knows: float, says: str) -> None:
    shares: list[float] = []
    found = compared(telling(knows), H_MS, shares.append)
    names = [one.name for one in found.opponents]
    assert names == [OURS, LOGISTIC, BOOSTING, SILENCE]
    by_name = {one.name: one for one in found.opponents}
    assert by_name[LOGISTIC].auc > 0.65
    assert abs(by_name[SILENCE].auc - 0.5) < 0.05
    for name in (LOGISTIC, BOOSTING):
        ahead = by_name[name].ahead["auc"]
        assert ahead.low < ahead.value < ahead.high
        assert ahead.value == pytest.approx(by_name[OURS].auc - by_name[name].auc)
        assert (ahead.low > 0) if knows else (ahead.high < 0)
    assert by_name[SILENCE].brier is None
    assert says in compared_said(found)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) == found.fits


def test_a_log_too_short_for_a_batch_model_is_none() -> None:
    found = compared(pasts.past(150), H_MS, lambda _: None)
    assert found.opponents == ()
    assert "needs 200 answered questions" in found.cannot_say


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (of_100(0.447), "45 of 100"),
        (of_100(0.0034), "3 of 1,000"),
        (of_100(0.0), "0 of 100"),
        (of_100(1e-6), "fewer than 1 of 10,000"),
        (percent(0.067), "6.7%"),
        (percent(0.67), "67%"),
        (percent(None), "–"),
        (number(1234.5), "1,234"),
        (number(14.8), "15"),
        (number(0.321), "0.32"),
        (days(1.04), "1 day"),
        (days(6.58), "6.6 days"),
        (days(22.4), "22 days"),
        (customers(1), "1 customer"),
        (date(pasts.START_MS), "1 Jan 2017"),
        (interval(None), "–"),
    ],
)
def test_numbers_are_said_as_people_say_them(said: str, expected: str) -> None:
    assert said == expected
