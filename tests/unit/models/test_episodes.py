"""Episodes as columns: cut apart and joined they are the same."""

import numpy as np

from models.episodes import Episodes, joined, only
from models.features import FEATURES
from streams.lessons import block_of, lesson_of
from tests.unit.runtime.teaching import RULES, episodes


def some(seed: int) -> Episodes:
    found = lesson_of(block_of(episodes(20, seed)), RULES.hash)
    assert isinstance(found, Episodes)
    return found


def test_episodes_that_are_picked_apart_and_joined_are_the_same() -> None:
    whole = some(3)
    places = np.arange(20)
    again = joined([only(whole, places[:7]), only(whole, places[7:])])
    for before, after in zip(whole, again, strict=True):
        assert np.array_equal(before, after)
    assert again.rows.shape == (20, len(FEATURES))
    assert only(whole, places[::-1]).variants == whole.variants[::-1]
