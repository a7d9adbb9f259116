"""The budget of the demo, day by day."""

from streams.core.messages import BudgetStatus
from streams.core.rules_file import parse_rules
from streams.core.time import DAY_MS, HOUR_MS
from streams.demo.places import Day, Kept, Places, kept

RULES = parse_rules("budget: {touches_per_day: 3, calls_per_day: 1, zone: UTC}")


def status(partition: int, day: str, used: int, *, is_fused: bool = False) -> BudgetStatus:
    return BudgetStatus(partition, day, {"message": used}, {"message": 2}, 5, 0.0, is_fused, "")


def test_a_day_is_over_when_every_partition_has_spoken() -> None:
    places = Places(partitions=2)
    assert places.newest() is None

    places.see(status(0, "2017-01-01", 1, is_fused=True))
    assert places.newest() is None
    places.see(status(0, "2017-01-02", 2))
    places.see(status(1, "2017-01-01", 2))
    assert places.newest() == Day("2017-01-01", {"message": 3}, {"message": 4}, 10)

    places.see(status(0, "2017-01-01", 2))  # The last word of a day counts.
    assert places.newest() == Day("2017-01-01", {"message": 4}, {"message": 4}, 10)
    assert places.fused == {"2017-01-01"}


def test_days_on_which_every_place_was_used_are_counted() -> None:
    places = Places(partitions=2)
    for day, used in (("2017-01-01", 2), ("2017-01-02", 1), ("2017-01-03", 2)):
        for partition in (0, 1):
            places.see(status(partition, day, used))

    assert places.full_days("message") == 2
    assert places.full_days("person") == 0


def test_what_left_is_held_against_the_budget() -> None:
    touches = [(hour * HOUR_MS, "sms") for hour in (9, 10, 11)]
    touches += [(DAY_MS + hour * HOUR_MS, "wechat") for hour in (9, 10, 11, 12)]
    touches += [(9 * HOUR_MS, "call")]

    found = kept(touches, Places(partitions=1), RULES)

    assert found["message"] == Kept(per_day=3, touches=7, most=4, days=2, full_days=0, over=1)
    assert found["person"] == Kept(per_day=1, touches=1, most=1, days=1, full_days=0, over=0)
