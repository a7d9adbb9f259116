"""The referee is not blind: each fault that is planted is seen, and nothing else."""

import pytest

from streams.core.inputs import (
    Acted,
    ConsentChanged,
    ControlSet,
    Directive,
    Erased,
    FeedbackReceived,
    OptedOut,
    TraitsSet,
)
from streams.core.time import DAY_MS, HOUR_MS, iso
from streams.simulation.run import Applied, Said
from tests.simulation.judging import at, closed, decided, rules_broken, took, touch
from winback_sender.contract.messages import TouchRevoked

ACT = took(0, Acted("ada", "e1", at(0)))


def test_a_touch_as_it_should_be_breaks_nothing() -> None:
    assert rules_broken([ACT], [decided(1, at(1)), touch(1, at(1), at(0))]) == []


@pytest.mark.parametrize(
    ("signal", "rule"),
    [
        (OptedOut("ada", at(0, 13)), "opted_out"),
        (OptedOut("ada", at(0, 13), "sms"), "consent"),
        (ConsentChanged("ada", at(0, 13), "sms", is_granted=False), "consent"),
        (FeedbackReceived("ada", at(0, 13), "t0", "opted_out"), "opted_out"),
        (Erased("ada", at(0, 13)), "erased"),
        (TraitsSet("ada", at(0, 13), zone="Asia/Tokyo"), "quiet_hours"),
        (ControlSet(at(0, 13), (Directive("stop", "on", at(0, 13), at(0, 13)),)), "stopped"),
    ],
)
def test_what_was_said_before_a_touch_holds(signal: object, rule: str) -> None:
    """The same, said after the touch in the same step, holds for later touches only."""
    story = [touch(1, at(1, 13), at(0))]

    said = rules_broken([ACT, took(0, signal, at(0, 13))], story)  # type: ignore[arg-type]
    later = rules_broken([ACT, took(1, signal, at(1, 14))], story)  # type: ignore[arg-type]

    assert rule in said
    assert rule not in later


def test_a_user_who_was_active_again_is_not_to_be_touched() -> None:
    back = took(1, Acted("ada", "e2", at(1)))

    assert "returned" in rules_broken([ACT, back], [touch(1, at(1, 13), at(0))])
    assert rules_broken([ACT, back], [touch(1, at(1, 11), at(0))]) == []


def test_an_older_activity_that_comes_after_a_newer_one_was_not_known_in_between() -> None:
    """The newer one lets the user's timers fire up to it, before anybody knows of the older."""
    newer, older = Acted("ada", "e3", at(1, 14)), Acted("ada", "e2", at(1, 12))
    story = [touch(1, at(1, 13), at(0))]

    assert rules_broken([ACT, took(1, newer), took(1, older)], story) == []
    assert rules_broken([ACT, took(1, older), took(1, newer)], story) == ["returned"]


def test_a_case_ends_in_the_step_of_the_return_and_takes_its_touches_back() -> None:
    back = took(2, Acted("ada", "e2", at(2)))
    story = [decided(1, at(1)), touch(1, at(1), at(0))]
    revoked = Said(2, 0, TouchRevoked("t1", "c1", "ada", "returned", iso(at(2))))

    assert rules_broken([ACT, back], [*story, revoked, closed(2, at(1.5))]) == []
    assert rules_broken([ACT, back], story) == ["outlived"]
    assert rules_broken([ACT, back], [*story, closed(2, at(1.5))]) == ["not_revoked"]
    delivered = took(1, FeedbackReceived("ada", at(1, 13), "t1", "delivered"))
    assert rules_broken([ACT, delivered, back], [*story, closed(2, at(1.5))]) == []


def test_hours_of_the_night_and_of_the_law() -> None:
    assert "quiet_hours" in rules_broken([ACT], [touch(1, at(1, 22), at(0))])
    assert "quiet_hours" in rules_broken([ACT], [touch(1, at(1, 8.9), at(0))])
    assert rules_broken([ACT], [touch(1, at(1, 9), at(0))]) == []
    assert rules_broken([ACT], [touch(1, at(1, 20.5), at(0))]) == ["legal_hours"]
    assert rules_broken([ACT], [touch(1, at(1, 20.5), at(0), channel="email")]) == []


def test_a_clock_that_changes_is_followed() -> None:
    """On 2024-03-10 New York goes from UTC-5 to UTC-4: 13:30 UTC is 08:30, then 09:30."""
    zone = took(0, TraitsSet("ada", at(0), zone="America/New_York"))

    assert rules_broken([ACT, zone], [touch(1, at(5, 13.5), at(0))]) == ["quiet_hours"]
    assert rules_broken([ACT, zone], [touch(1, at(6, 13.5), at(0))]) == []


def test_holidays_are_days_where_the_user_lives() -> None:
    """In Auckland, thirteen hours ahead, the fifth begins at 11:00 UTC of the fourth."""
    zone = took(0, TraitsSet("ada", at(0), zone="Pacific/Auckland"))
    night = {"start": "00:00", "end": "00:00"}
    shut = {
        "consent_default": "granted",
        "quiet_hours": night,
        "holidays": {"dates": ["2024-03-06"]},
    }
    channels = {"sms": {"hours": "always"}}

    def broken(hour: float) -> list[str]:
        story = [touch(1, at(1, hour), at(0))]
        return rules_broken([ACT, zone], story, contact=shut, channels=channels)

    assert broken(10.9) == []
    assert broken(11.1) == ["holiday"]


def test_caps_roll_and_the_budget_is_of_a_day() -> None:
    third = [touch(n, at(n, 12), at(0), n) for n in (1, 2, 3)]
    fourth = [touch(n, at(n, 12), at(0), n) for n in (1, 2, 4)]
    crowd = [touch(1, at(1), at(0), n, user_id=f"u{n}", case_id=f"c{n}") for n in range(3)]
    users: list[Applied] = [took(0, Acted(f"u{n}", f"e{n}", at(0))) for n in range(3)]

    assert rules_broken([ACT], third) == ["cap"]
    assert rules_broken([ACT], fourth) == []
    assert rules_broken(users, crowd) == ["budget"]


def test_nothing_twice_and_nothing_after_the_end() -> None:
    once = touch(1, at(1), at(0))
    again = touch(1, at(1, 13), at(0))

    assert rules_broken([ACT], [once, again]) == ["twice"]
    assert rules_broken([ACT], [closed(1, at(1)), touch(1, at(1), at(0))]) == ["case_closed"]
    assert rules_broken([ACT], [closed(1, at(1)), closed(2, at(2))]) == ["closed_twice"]


def test_the_held_out_and_the_observed_are_left_alone() -> None:
    story = [touch(1, at(1), at(0))]

    assert rules_broken([ACT], story, holdout={"share": 0.999, "salt": "all"}) == ["held_out"]
    assert rules_broken([ACT], story, mode="observe") == ["mode"]


def test_who_was_erased_is_a_stranger_after_the_hold() -> None:
    gone = took(0, Erased("ada", at(0)), at(0))
    again = took(1, Acted("ada", "e2", at(30)), at(30))

    assert "erased" in rules_broken([ACT, gone], [touch(1, at(20), at(0))])
    assert rules_broken([ACT, gone, again], [touch(2, at(31), at(30))]) == []
    assert at(30) - at(0) > 24 * DAY_MS > HOUR_MS
