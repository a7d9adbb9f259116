"""Seasons are no alarm; a lasting shift is one, with a name, until it has become normal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pytest

from models.drift import PSI_ALARM, RATE_ALARM, WEEK_MS, Drift, psi
from models.features import FEATURES, PLAIN_WIDTH
from models.questions import Examples
from tests.oracles_rhythm import DAY_MS
from tests.unit.models.cast import PLACES, lessons

if TYPE_CHECKING:
    from collections.abc import Callable


EPOCH_MS: Final = 1_500_000_000_000 // (6 * WEEK_MS) * 6 * WEEK_MS
"""A window of one, two or three weeks begins here."""
RATE: Final = 0.4
PER_DAY: Final = 60
SILENCE: Final = ("lrec", "z", "over")
Days = "NDArray[np.float64]"


class Season(NamedTuple):
    """How days are: day to P(active) that day, and day to how far features are off, in deviations.

    Attributes:
        rate: P(active within the next U), were every day like this one.
        off: By name of the feature.
    """

    rate: Callable[[Days], Days] = lambda day: np.full(len(day), RATE)
    off: dict[str, Callable[[Days], Days]] = {}  # noqa: RUF012 (never changed)


def alarms(
    season: Season, *, horizon_days: float = 7.0, days: int = 180, seed: int = 0
) -> dict[str, tuple[int, int]]:
    """Return by alarm the first and the last day on which it stood.

    A label is about the H/4 that ended when it matured, so it is as all those days were.
    """
    rng = np.random.default_rng(seed)
    drift, period = Drift.of(int(horizon_days * DAY_MS)), horizon_days / 4
    count = days * PER_DAY
    matured = np.sort(rng.uniform(0, days, count))
    rows = lessons(2_500).rows[rng.integers(0, 2_500, count)]
    rates = np.mean([season.rate(matured - period * s) for s in np.linspace(0, 1, 15)], axis=0)
    for name, off in season.off.items():
        column = rows[:, PLACES[name]]
        column += (off(matured - period) * column.std()).astype(np.float32)
    active = rng.random(count) < rates
    ones, at_ms = np.ones(count, np.float32), EPOCH_MS + np.floor(matured * DAY_MS)
    found: dict[str, tuple[int, int]] = {}
    for day in range(days):
        now = slice(*np.searchsorted(matured, (day, day + 1)))
        drift.see(
            Examples(at_ms[now] - period * DAY_MS, at_ms[now], active[now], ones[now], rows[now])
        )
        for name in drift.alarms:
            found[name] = found.get(name, (day, day))[0], day
    return found


def between(
    begin: float, end: float, inside: float, outside: float = 0.0
) -> Callable[[Days], Days]:
    return lambda day: np.where((day >= begin) & (day < end), inside, outside)


def test_nothing_happens_nothing_is_said() -> None:
    assert alarms(Season()) == {}


@pytest.mark.parametrize("horizon_days", [3.0, 7.0, 30.0, 90.0])
def test_a_week_is_not_a_shift(horizon_days: float) -> None:
    def weekend(day: Days) -> Days:
        return (day % 7.0 >= 5.0).astype(float)

    season = Season(
        rate=lambda day: RATE - 0.3 * weekend(day),
        off={name: lambda day: 1.5 * weekend(day) for name in (*SILENCE, "la4")},
    )

    assert alarms(season, horizon_days=horizon_days) == {}


@pytest.mark.parametrize("begin", range(100, 114, 3))
@pytest.mark.parametrize("horizon_days", [7.0, 14.0, 30.0])
def test_a_week_of_holidays_is_not_a_shift(horizon_days: float, begin: int) -> None:
    """Hardly anybody comes for a week, wherever in the windows it lies."""
    season = Season(
        rate=between(begin, begin + 7, 0.05, RATE),
        off={name: between(begin + 1, begin + 8, 1.0) for name in SILENCE},
    )

    assert alarms(season, horizon_days=horizon_days) == {}


@pytest.mark.parametrize("begin", [100, 105, 111])
def test_a_sale_of_one_day_is_not_a_shift(begin: int) -> None:
    season = Season(
        rate=between(begin - 1, begin + 1, 0.95, RATE),
        off={name: between(begin, begin + 2, 4.0) for name in ("la4", "kd0", "le0")},
    )

    assert alarms(season, horizon_days=4.0) == {}


@pytest.mark.parametrize("after", [0.15, 0.75])
def test_another_rate_for_good_is_an_alarm_until_it_is_normal(after: float) -> None:
    found = alarms(Season(rate=between(98, 1_000, after, RATE)), days=260)

    assert set(found) == {"outcome_rate"}
    first, last = found["outcome_rate"]
    assert 98 + 14 < first <= 98 + 3 * 14 + 2
    assert first <= last < 98 + 8 * 14


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("value", ("la16", "la4")),
        ("kinds", ("kd0", "kd1")),
        ("intensity", ("le0", "le7", "lnd_ew")),
    ],
)
def test_a_shift_of_inputs_is_named_by_its_group(group: str, names: tuple[str, ...]) -> None:
    found = alarms(Season(off={name: between(98, 1_000, 1.5) for name in names}), days=260)

    assert set(found) == {f"inputs:{group}"}
    first, last = found[f"inputs:{group}"]
    assert 98 + 14 < first <= 98 + 3 * 14 + 2
    assert first < last < 98 + 8 * 14


def test_what_goes_back_is_over() -> None:
    found = alarms(Season(rate=between(98, 98 + 36, 0.1, RATE)), days=260)

    assert found["outcome_rate"][1] < 98 + 36 + 2 * 14


def test_an_alarm_says_since_when_and_by_how_much() -> None:
    rng, rows = np.random.default_rng(0), lessons(2_500).rows
    drift = Drift.of(7 * DAY_MS)
    for day in range(140):
        chosen = rows[rng.integers(0, 2_500, PER_DAY)]
        chosen[:, PLACES["la4"]] += 9.0 * (day >= 98)
        chosen[:, PLACES["la16"]] += 9.0 * (day >= 98)
        at_ms = EPOCH_MS + day * DAY_MS + np.arange(PER_DAY, dtype=float)
        active = rng.random(PER_DAY) < (RATE if day < 98 else 0.9)
        drift.see(Examples(at_ms - 1.0, at_ms, active, np.ones(PER_DAY, np.float32), chosen))
    rate, value = drift.alarms["outcome_rate"], drift.alarms["inputs:value"]

    assert (rate.name, rate.limit, value.limit) == ("outcome_rate", RATE_ALARM, PSI_ALARM)
    assert rate.since_ms == value.since_ms == EPOCH_MS + (98 + 28) * DAY_MS
    assert value.value > PSI_ALARM
    assert rate.value == pytest.approx(np.log(9) - np.log(RATE / (1 - RATE)), abs=0.25)


def test_how_examples_come_in_does_not_matter() -> None:
    rng, rows = np.random.default_rng(1), lessons(2_500).rows
    at_ms = EPOCH_MS + np.sort(rng.uniform(0, 80 * DAY_MS, 3_000)).round()
    all_ = Examples(
        at_ms - 1.0, at_ms, rng.random(3_000) < RATE, np.ones(3_000, np.float32),
        rows[rng.integers(0, 2_500, 3_000)],
    )  # fmt: skip
    whole, parts = Drift.of(7 * DAY_MS), Drift.of(7 * DAY_MS)
    whole.see(all_)
    for start in range(0, 3_000, 77):
        parts.see(Examples._make(column[start : start + 77] for column in all_))

    assert parts == whole
    assert len(whole.past) > 3


def test_a_gap_in_the_log_is_no_window() -> None:
    drift, rows = Drift.of(7 * DAY_MS), lessons(2_500).rows
    for day in (*range(60), *range(400, 460)):
        at_ms = np.full(100, float(EPOCH_MS + day * DAY_MS))
        active = np.arange(100) < 40
        drift.see(Examples(at_ms, at_ms, active, np.ones(100, np.float32), rows[day : day + 100]))

    assert drift.alarms == {}
    assert all(window.rows > 300 for window in drift.past)


def test_too_few_rows_say_nothing() -> None:
    drift, rows = Drift.of(7 * DAY_MS), lessons(2_500).rows
    for day in range(300):
        at_ms = np.full(10, float(EPOCH_MS + day * DAY_MS))
        active = np.full(10, day > 150)
        drift.see(Examples(at_ms, at_ms, active, np.ones(10, np.float32), rows[day : day + 10]))

    assert (drift.past, drift.alarms) == ([], {})


def test_the_index_is_that_of_the_book() -> None:
    now, before = np.array([[30, 70]]), np.array([[50, 50]])
    expected = (0.3 - 0.5) * np.log(0.3 / 0.5) + (0.7 - 0.5) * np.log(0.7 / 0.5)

    assert psi(now, before)[0] == pytest.approx(expected)
    assert psi(before, before)[0] == 0.0
    assert np.isfinite(psi(np.array([[0, 5]]), np.array([[5, 0]]))).all()


def test_a_window_is_whole_weeks() -> None:
    spans = [Drift.of(int(days * DAY_MS)).span_ms / WEEK_MS for days in (1, 30, 56, 57, 90, 365)]

    assert spans == [2, 2, 2, 3, 4, 14]
    assert len({feature.group for feature in FEATURES[:PLAIN_WIDTH]}) > 5
