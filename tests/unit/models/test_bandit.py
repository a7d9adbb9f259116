"""How often each variant should be used: stories and laws."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import bandit, proba

from benchmarks.decisions.bandit import RATES, played, ratio, seasonal, steady
from models.bandit import BLOCK, EXPLORED, Book, Tally, odds

NAMES = ("a", "b", "c")
episodes = st.lists(
    st.tuples(st.sampled_from(NAMES), st.booleans(), st.floats(-1e4, 1e6)), max_size=500
)


def told(rates: dict[str, float], each: int, value: float = 1.0) -> Book:
    """Return a book of variants that were used in turn."""
    tally = Tally(Book("p"))
    for place in range(each):
        for variant, rate in rates.items():
            came = float(place % 100 < 100 * rate)
            tally.add(variant, came, came * value)
    return tally.book()


def test_of_an_unknown_playbook_nothing_is_known() -> None:
    assert odds(Book("p"), NAMES) == ()
    assert odds(told({"z": 0.5}, 300), NAMES) == ()


def test_variants_alike_get_equal_shares() -> None:
    found = odds(told(dict.fromkeys(NAMES, 0.2), 400), NAMES)
    assert found == pytest.approx((1 / 3,) * 3, abs=0.05)


def test_what_works_is_used_and_what_does_not_is_not_forgotten() -> None:
    found = odds(told({"a": 0.1, "b": 0.3, "c": 0.1}, 400), NAMES)
    assert found[1] > 0.9
    assert min(found) == pytest.approx(EXPLORED / 3, abs=1e-5)


def test_a_new_variant_is_believed_to_be_like_the_others() -> None:
    old = told({"a": 0.2, "b": 0.2}, 2_000)
    found = odds(old, NAMES)
    assert 0.2 < found[2] < 0.6
    assert found[0] == pytest.approx(found[1], abs=0.02)


def test_a_variant_that_was_taken_out_leaves_the_others_as_they_are() -> None:
    book = told({"a": 0.1, "b": 0.14, "c": 0.3}, 200)
    assert odds(book, ("a", "b"))[1] > 0.7
    assert odds(book, ("b",)) == (1.0,)


def test_odds_may_aim_at_value_instead_of_returns() -> None:
    """Variant b wins back fewer, but such that spend more."""
    tally = Tally(Book("p"))
    for place in range(1_000):
        tally.add("a", float(place % 10 < 3), 100.0 * (place % 10 < 3))
        tally.add("b", float(place % 10 < 2), 500.0 * (place % 10 < 2))
    assert odds(tally.book(), ("a", "b"), "returned")[0] > 0.9
    assert odds(tally.book(), ("a", "b"), "value")[1] > 0.9


def test_good_times_do_not_make_a_good_variant() -> None:
    """Both return equally often; b was used most while everybody came back."""
    tally = Tally(Book("p"))
    rng = np.random.default_rng(0)
    for rate, share in ((0.1, 0.2), (0.5, 0.8)):
        for _ in range(20):
            for place in range(BLOCK):
                variant = "b" if place < share * BLOCK else "a"
                tally.add(variant, float(rng.random() < rate), 0.0)
    found = odds(tally.book(), ("a", "b"))
    assert max(found) < 0.9
    naive = bandit.ThompsonSampling(proba.Beta(), seed=1)
    for variant, n, came in (("a", 4_800, 800), ("b", 4_800, 2_000)):
        for place in range(n):
            naive.update(variant, place < came)
    assert {naive.pull(["a", "b"]) for _ in range(100)} == {"b"}


def test_in_steady_times_the_odds_are_those_of_thompson_sampling() -> None:
    """River draws what is integrated here; the floor is taken out before they are compared."""
    book = told({"a": 0.2, "b": 0.23, "c": 0.25}, 300)
    river = bandit.ThompsonSampling(proba.Beta(), seed=5)
    for variant, rate in (("a", 0.2), ("b", 0.23), ("c", 0.25)):
        for place in range(300):
            river.update(variant, place % 100 < 100 * rate)
    pulls = [river.pull(list(NAMES)) for _ in range(4_000)]
    for name, share in zip(NAMES, odds(book, NAMES), strict=True):
        plain = (share - EXPLORED / 3) / (1.0 - EXPLORED)
        assert plain == pytest.approx(pulls.count(name) / 4_000, abs=0.05)


@given(episodes, st.sampled_from(["returned", "value"]))
def test_odds_are_odds(history: list[tuple[str, bool, float]], reward: str) -> None:
    tally = Tally(Book("p"))
    for variant, came, value in history:
        tally.add(variant, float(came), value)
    found = odds(tally.book(), NAMES, reward)
    if not history:
        assert found == ()
        return
    assert sum(found) == pytest.approx(1.0, abs=1e-5)
    assert min(found) >= EXPLORED / 3 - 1e-5


@given(episodes, st.integers(0, 500))
def test_a_book_goes_on_where_it_was_closed(
    history: list[tuple[str, bool, float]], cut: int
) -> None:
    whole, first = Tally(Book("p")), Tally(Book("p"))
    for variant, came, value in history:
        whole.add(variant, float(came), value)
    for variant, came, value in history[:cut]:
        first.add(variant, float(came), value)
    kept = msgspec.json.decode(msgspec.json.encode(first.book()), type=Book)
    second = Tally(kept)
    for variant, came, value in history[cut:]:
        second.add(variant, float(came), value)
    assert second.book() == whole.book()


@pytest.mark.parametrize(("world", "most"), [(steady, 0.45), (seasonal, 0.5)])
def test_less_is_lost_than_by_equal_shares(world: object, most: float) -> None:
    assert callable(world)
    found = [played(world(RATES[2]), np.random.default_rng(seed), 1_500) for seed in range(3)]
    assert ratio(found) < most
