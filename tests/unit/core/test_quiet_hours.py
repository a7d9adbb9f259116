"""Quiet hours over midnight, zones and clock changes."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.quiet_hours import QuietHours, quiet_until_ms

NIGHT = QuietHours(time(21), time(9))
NOON = QuietHours(time(12), time(14))


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000)


@pytest.mark.parametrize(
    ("at", "zone", "quiet", "until"),
    [
        ("2017-06-01T22:00+08:00", "Asia/Shanghai", NIGHT, "2017-06-02T09:00+08:00"),
        ("2017-06-02T03:00+08:00", "Asia/Shanghai", NIGHT, "2017-06-02T09:00+08:00"),
        ("2017-06-02T09:00+08:00", "Asia/Shanghai", NIGHT, None),
        ("2017-06-02T20:59+08:00", "Asia/Shanghai", NIGHT, None),
        ("2017-06-02T13:00+00:00", "UTC", NOON, "2017-06-02T14:00+00:00"),
        ("2017-06-02T14:00+00:00", "UTC", NOON, None),
        ("2017-06-02T12:00+00:00", "UTC", QuietHours(time(9), time(9)), None),
    ],
)
def test_the_end_is_the_next_local_one(
    at: str, zone: str, quiet: QuietHours, until: str | None
) -> None:
    assert quiet_until_ms(ms(at), zone, quiet) == (None if until is None else ms(until))


def test_an_end_that_the_clock_skips_is_read_as_the_later_instant() -> None:
    """On 2017-03-26 Berlin has no 02:30."""
    quiet = QuietHours(time(22), time(2, 30))
    until = quiet_until_ms(ms("2017-03-26T00:30+01:00"), "Europe/Berlin", quiet)
    assert until == ms("2017-03-26T03:30+02:00")


def test_an_end_that_the_clock_shows_twice_is_the_later_one() -> None:
    quiet = QuietHours(time(22), time(2, 30))
    until = quiet_until_ms(ms("2017-10-29T01:00+02:00"), "Europe/Berlin", quiet)
    assert until == ms("2017-10-29T02:30+01:00")


@given(
    st.integers(ms("2016-01-01T00:00+00:00"), ms("2020-01-01T00:00+00:00")),
    st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"]),
    st.times(),
    st.times(),
)
def test_the_end_lies_ahead_within_a_day_and_outside_of_the_quiet(
    at_ms: int, zone: str, start: time, end: time
) -> None:
    quiet = QuietHours(start.replace(microsecond=0), end.replace(microsecond=0))
    until = quiet_until_ms(at_ms, zone, quiet)
    if until is None:
        clock = datetime.fromtimestamp(at_ms / 1_000, UTC).astimezone(ZoneInfo(zone)).time()
        is_inside = quiet.start <= clock < quiet.end
        is_over_midnight = quiet.start > quiet.end and (clock >= quiet.start or clock < quiet.end)
        assert not is_inside
        assert not is_over_midnight
    else:
        assert at_ms < until <= at_ms + 26 * 3_600_000
