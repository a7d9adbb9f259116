"""The features say what the formulas say, for every user and every instant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.feature_list import KIND_COLUMNS, columns_in_use
from models.feature_page import feature_page
from models.features import (
    BLOCK_ROWS,
    FEATURES,
    GROUPS,
    PLAIN_WIDTH,
    WIDTH,
    Rhythm,
    feature_columns,
    features,
    rhythm_columns,
)
from tests.oracles_models import features_of
from tests.oracles_rhythm import DAY_MS, KINDS, fold_event
from tests.unit.models.histories import HORIZON_MS, START_MS, crowd, users

NAMES = [feature.name for feature in FEATURES]


def one(head: list[float], at_ms: float, horizon_ms: float = HORIZON_MS) -> dict[str, float]:
    row = features(np.array([head]), np.array([at_ms]), horizon_ms)[0]
    return dict(zip(NAMES, row.tolist(), strict=True))


def test_there_are_40_features_with_names_of_their_own() -> None:
    assert WIDTH == len(set(NAMES)) == 40
    assert all(feature.formula and feature.unit and feature.why for feature in FEATURES)
    assert len(GROUPS) == 10
    assert {feature.group for feature in FEATURES[PLAIN_WIDTH:]} == {"kinds", "traits"}


@pytest.mark.parametrize(("kinds", "traits"), [(3, 0), (6, 0), (2, 1), (1, 5)])
def test_a_model_uses_all_40_only_where_more_is_configured(kinds: int, traits: int) -> None:
    assert columns_in_use(kinds, traits) == tuple(NAMES)
    assert columns_in_use(2, 0) == columns_in_use(1, 0) == tuple(NAMES[:31])


def test_a_newcomer_has_come_once_and_has_no_rhythm() -> None:
    seen = one(fold_event(None, START_MS, HORIZON_MS, amount=20.0), START_MS)

    assert seen["one"] == 1.0
    assert seen["alive"] == -3.0
    assert seen["lrec"] == 0.0
    assert seen["la4"] == pytest.approx(np.log1p(np.log1p(20.0)))


def test_silence_lowers_the_return_odds_and_raises_the_alarm() -> None:
    head = fold_event(None, START_MS, HORIZON_MS)
    for day in range(1, 20):
        head = fold_event(head, START_MS + day * DAY_MS, HORIZON_MS)
    now, later = one(head, head[Rhythm.LAST]), one(head, head[Rhythm.LAST] + 14 * DAY_MS)

    assert later["pr"] < now["pr"]
    assert later["z"] > now["z"]
    assert later["alive"] > now["alive"]
    assert later["b4"] == 0.0 < now["b4"]


@given(users())
def test_features_equal_the_formulas_of_the_slow_twin(user: tuple[list[float], float]) -> None:
    head, at_ms = user
    expected = features_of(head, at_ms, HORIZON_MS)

    assert list(one(head, at_ms).values()) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_every_kind_is_counted_alike_and_fades_with_the_horizon() -> None:
    head = fold_event(None, START_MS, HORIZON_MS)
    for place, column in enumerate(KIND_COLUMNS):
        assert column == KINDS[place]
        told = fold_event(head, START_MS, HORIZON_MS, kind=place)
        for silence, count in ((0, 1.0), (HORIZON_MS, 0.5)):
            seen = one(told, START_MS + silence)
            said = {name: seen[name] for name in NAMES if name.startswith("kd")}
            assert said.pop(f"kd{place}") == pytest.approx(np.log1p(count))
            assert set(said.values()) == {0.0}


def test_a_trait_counts_from_the_instant_at_which_it_was_told() -> None:
    """An example that was opened before must not know of it."""
    head = fold_event(None, START_MS, HORIZON_MS)
    head[Rhythm.TRAITS] = 0b00001_10100
    head[Rhythm.TRAITS_AT] = float(START_MS + DAY_MS)
    before, after = one(head, START_MS + DAY_MS - 1), one(head, START_MS + DAY_MS)

    assert [before[f"tr{place}"] for place in range(5)] == [1, 0, 0, 0, 0]
    assert [after[f"tr{place}"] for place in range(5)] == [0, 0, 1, 0, 1]


@given(users())
def test_the_first_31_are_the_same_whether_or_not_the_others_are_asked_for(
    user: tuple[list[float], float],
) -> None:
    rhythm, at_ms = rhythm_columns(np.array([user[0]])), np.array([user[1]])
    plain = feature_columns(rhythm, at_ms, HORIZON_MS)

    assert plain.shape == (31, 1)
    assert np.array_equal(feature_columns(rhythm, at_ms, HORIZON_MS, WIDTH)[:31], plain)


@given(st.lists(st.integers(0, 60 * DAY_MS), min_size=1, max_size=12), st.integers(1, 400))
def test_no_feature_trends_with_the_calendar(gaps_ms: list[int], shifts: int) -> None:
    """The same life some months later looks the same (15 d are whole days and whole slots)."""
    shift_ms = shifts * 15 * DAY_MS
    heads: list[list[float]] = []
    for start_ms in (START_MS, START_MS + shift_ms):
        at_ms, head = start_ms, fold_event(None, start_ms, HORIZON_MS, kind=0)
        for place, gap_ms in enumerate(gaps_ms):
            at_ms += gap_ms
            head = fold_event(head, at_ms, HORIZON_MS, amount=place, kind=place % 6)
        head[Rhythm.TRAITS], head[Rhythm.TRAITS_AT] = 0b01010_00111, at_ms + 3 * DAY_MS
        heads.append(head)
    then, later = (one(head, head[Rhythm.LAST] + 4 * DAY_MS) for head in heads)

    assert later == pytest.approx(then, rel=1e-9, abs=1e-9)


@given(users(), st.sampled_from((1, 10, 90, 365)))
def test_features_are_finite_without_a_warning(
    user: tuple[list[float], float], horizon_days: int
) -> None:
    head, at_ms = user
    with np.errstate(all="raise", under="ignore"):
        values = one(head, at_ms, horizon_days * DAY_MS).values()

    assert all(map(np.isfinite, values))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 17, 200])
def test_a_row_does_not_depend_on_its_neighbours(size: int) -> None:
    heads, at_ms = crowd(200)
    together = features(heads, at_ms, HORIZON_MS)
    some = np.random.default_rng(size).permutation(200)[:size]

    assert np.array_equal(features(heads[some], at_ms[some], HORIZON_MS), together[some])


def test_many_blocks_equal_one_row_at_a_time() -> None:
    heads, at_ms = crowd(100)
    times = 2 * BLOCK_ROWS // 100 + 1
    many = features(np.tile(heads, (times, 1)), np.tile(at_ms, times), HORIZON_MS)

    assert np.array_equal(many, np.tile(features(heads, at_ms, HORIZON_MS), (times, 1)))


def test_more_columns_than_the_rhythm_are_not_read() -> None:
    heads, at_ms = crowd(5)
    wide = np.hstack([heads, np.full((5, 9), np.nan)])

    assert np.array_equal(features(wide, at_ms, HORIZON_MS), features(heads, at_ms, HORIZON_MS))


def test_the_state_is_not_changed() -> None:
    heads, at_ms = crowd(5)
    before = heads.copy(), at_ms.copy()
    features(heads, at_ms, HORIZON_MS)

    assert np.array_equal(heads, before[0])
    assert np.array_equal(at_ms, before[1])


def test_the_page_of_features_is_current() -> None:
    page = Path(__file__).parents[3] / "docs" / "features.md"

    assert page.read_text() == feature_page(), "python -m models.feature_page > docs/features.md"
