"""What the last page says, and when it says that something is wrong."""

import pytest

from streams.demo.places import Kept
from streams.demo.report import line_of_chance, lines_of_budget
from streams.reporting.earned import Earned, Gain

KEPT = Kept(per_day=20, touches=900, most=20, days=60, full_days=40, over=0)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_budget_that_was_exceeded_on_one_day_is_a_failure(language: str) -> None:
    over = KEPT._replace(most=21, over=1)
    held, failed = lines_of_budget({"message": KEPT, "person": over}, language)

    assert held.startswith("✓")
    assert "20" in held
    assert failed.startswith("✗")
    assert "21" in failed


@pytest.mark.parametrize(
    ("returns", "mark"),
    [
        (Gain(5.0, -20.0, 30.0), "✓"),
        (Gain(-10.0, -20.0, 0.0), "✓"),
        (Gain(25.0, 20.0, 30.0), "!"),  # chance, in one run of twenty
        (Gain(-25.0, -30.0, -20.0), "!"),
        (None, "·"),
    ],
)
def test_an_effect_that_cannot_be_must_lie_in_the_interval(returns: Gain | None, mark: str) -> None:
    for language in ("en", "zh"):
        assert line_of_chance(Earned(returns=returns), language).startswith(mark)
