"""Hours and days on which a channel is closed: midnight, zones, clock changes, holidays."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.quiet_hours import Closed, QuietHours, closed_until
from streams.core.rulings import Ruling
from streams.core.time import DAY_MS, HOUR_MS, MINUTE_MS

NIGHT = QuietHours(time(21), time(9))
NOON = QuietHours(time(12), time(14))
NOT_BY_SMS = QuietHours(time(20), time(8))

ZONES = (
    "UTC", "Asia/Shanghai", "Asia/Tokyo", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tehran",
    "Europe/Berlin", "America/New_York", "America/St_Johns", "America/Sao_Paulo",
    "Africa/Casablanca", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham",
)  # fmt: skip


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000)


def until(at: str, zone: str, *quiet: QuietHours, holidays: tuple[date, ...] = ()) -> int | None:
    found = closed_until(ms(at), zone, Closed(holidays, quiet))
    return None if found is None else found[0]


@pytest.mark.parametrize(
    ("at", "zone", "quiet", "end"),
    [
        ("2017-06-01T22:00+08:00", "Asia/Shanghai", NIGHT, "2017-06-02T09:00+08:00"),
        ("2017-06-02T03:00+08:00", "Asia/Shanghai", NIGHT, "2017-06-02T09:00+08:00"),
        ("2017-06-02T21:00+08:00", "Asia/Shanghai", NIGHT, "2017-06-03T09:00+08:00"),
        ("2017-06-02T09:00+08:00", "Asia/Shanghai", NIGHT, None),
        ("2017-06-02T20:59+08:00", "Asia/Shanghai", NIGHT, None),
        ("2017-06-02T13:00+00:00", "UTC", NOON, "2017-06-02T14:00+00:00"),
        ("2017-06-02T14:00+00:00", "UTC", NOON, None),
        ("2017-06-02T12:00+00:00", "UTC", QuietHours(time(9), time(9)), None),
        ("2020-02-28T23:00+00:00", "UTC", NIGHT, "2020-02-29T09:00+00:00"),
        ("2020-02-29T23:00+00:00", "UTC", NIGHT, "2020-03-01T09:00+00:00"),
        ("2019-12-31T23:30+14:00", "Pacific/Kiritimati", NIGHT, "2020-01-01T09:00+14:00"),
    ],
)
def test_the_end_is_the_next_local_one(
    at: str, zone: str, quiet: QuietHours, end: str | None
) -> None:
    assert until(at, zone, quiet) == (None if end is None else ms(end))


def test_an_end_that_the_clock_skips_is_read_as_the_later_instant() -> None:
    """On 2017-03-26 Berlin has no 02:30."""
    quiet = QuietHours(time(22), time(2, 30))
    assert until("2017-03-26T00:30+01:00", "Europe/Berlin", quiet) == ms("2017-03-26T03:30+02:00")


def test_an_end_that_the_clock_shows_twice_is_the_later_one() -> None:
    """The half hour between the two is no time to write either: the quiet comes back."""
    quiet, end = QuietHours(time(22), time(2, 30)), ms("2017-10-29T02:30+01:00")
    assert until("2017-10-29T01:00+02:00", "Europe/Berlin", quiet) == end
    assert until("2017-10-29T02:45+02:00", "Europe/Berlin", quiet) == end


def test_half_an_hour_of_summer_time_is_enough() -> None:
    """Lord Howe goes from 02:00 to 01:30 on the first Sunday of April."""
    quiet, end = QuietHours(time(23), time(1, 45)), ms("2017-04-02T01:45+10:30")
    assert until("2017-04-02T01:35+11:00", "Australia/Lord_Howe", quiet) == end


def test_a_date_that_does_not_happen_is_left_out() -> None:
    """Samoa crossed the date line: 29 December 2011 was followed by the 31st."""
    evening = "2011-12-29T22:00-10:00"
    assert until(evening, "Pacific/Apia", NIGHT) == ms("2011-12-31T09:00+14:00")
    assert until("2011-12-29T15:00-10:00", "Pacific/Apia", NOON) is None
    skipped = (date(2011, 12, 30),)
    assert until("2011-12-29T15:00-10:00", "Pacific/Apia", holidays=skipped) is None


def test_what_opens_is_open_for_every_reason() -> None:
    """The night runs into a holiday, and that into a morning on which SMS begin at 10."""
    law = (QuietHours(time(20), time(10)),)
    closed = Closed((date(2017, 10, 1), date(2017, 10, 2)), (NIGHT,), law)
    opens = ms("2017-10-03T10:00+08:00")
    for at, ruling in (
        ("2017-09-30T20:30+08:00", Ruling.CHANNEL_HOURS),
        ("2017-09-30T22:00+08:00", Ruling.QUIET_HOURS),
        ("2017-10-01T12:00+08:00", Ruling.HOLIDAY),
        ("2017-10-01T22:00+08:00", Ruling.HOLIDAY),
        ("2017-10-03T09:30+08:00", Ruling.CHANNEL_HOURS),
    ):
        assert closed_until(ms(at), "Asia/Shanghai", closed) == (opens, ruling)
    assert closed_until(opens, "Asia/Shanghai", closed) is None


def test_a_holiday_is_one_of_the_user_s_own_days() -> None:
    new_year = Closed((date(2018, 1, 1),))
    noon_utc = ms("2017-12-31T12:00+00:00")
    assert closed_until(noon_utc, "Asia/Shanghai", new_year) is None
    assert closed_until(noon_utc, "Pacific/Kiritimati", new_year) == (
        ms("2018-01-02T00:00+14:00"), Ruling.HOLIDAY,
    )  # fmt: skip


def test_hours_that_leave_no_minute_are_known() -> None:
    day = QuietHours(time(9), time(21))
    assert Closed(quiet=(NIGHT,)).opens_daily()
    assert not Closed(quiet=(NIGHT, day)).opens_daily()
    assert not Closed(
        quiet=(NIGHT,), outside=(QuietHours(time(20, 30), time(20)), day)
    ).opens_daily()


@lru_cache
def changes(zone: str) -> tuple[int, ...]:
    """Return the days around which a zone changes its clocks, epoch ms."""
    tz, start = ZoneInfo(zone), ms("2010-01-01T00:00+00:00")
    offsets = [
        datetime.fromtimestamp((start + day * DAY_MS) / 1_000, tz).utcoffset()
        for day in range(16 * 366)
    ]
    return tuple(
        start + day * DAY_MS for day, (one, next_) in enumerate(pairwise(offsets)) if one != next_
    )


def is_closed(at_ms: int, zone: str, closed: Closed) -> bool:
    """Return whether a channel is closed by the clock on the wall: the slow and simple twin."""
    wall = datetime.fromtimestamp(at_ms // 1_000, UTC).astimezone(ZoneInfo(zone))
    minute = wall.hour * 60 + wall.minute
    if wall.date().isoformat() in {holiday.isoformat() for holiday in closed.holidays}:
        return True
    for hours in (*closed.quiet, *closed.outside):
        start = hours.start.hour * 60 + hours.start.minute
        length = (hours.end.hour * 60 + hours.end.minute - start) % 1_440
        if (minute - start) % 1_440 < length:
            return True
    return False


clocks = st.builds(time, st.integers(0, 23), st.sampled_from((0, 15, 30, 45)))
windows = st.lists(st.builds(QuietHours, clocks, clocks), max_size=2).map(tuple)


@st.composite
def moments(draw: st.DrawFn) -> tuple[int, str, Closed]:
    """Minutes in any zone, mostly around a change of its clocks, and rules for them."""
    zone = draw(st.sampled_from(ZONES))
    around = [*changes(zone), ms("2012-02-28T12:00+00:00"), ms("2017-06-01T00:00+00:00")]
    at_ms = draw(st.sampled_from(around)) + draw(st.integers(-3_000, 4_500)) * MINUTE_MS
    day = datetime.fromtimestamp(at_ms / 1_000, UTC).date()
    shifts = draw(st.lists(st.integers(-2, 3), max_size=3))
    holidays = tuple(day + timedelta(days=shift) for shift in shifts)
    closed = Closed(holidays, draw(windows), draw(windows))
    return at_ms, zone, closed if closed.opens_daily() else Closed(holidays, (NIGHT,))


@given(moments())
def test_nothing_is_sent_when_the_clock_on_the_wall_says_no(
    moment: tuple[int, str, Closed],
) -> None:
    at_ms, zone, closed = moment
    found = closed_until(at_ms, zone, closed)
    if found is None:
        assert not is_closed(at_ms, zone, closed)
        return
    until_ms, _ = found
    assert at_ms < until_ms
    assert not is_closed(until_ms, zone, closed)
    assert closed_until(until_ms, zone, closed) is None
    assert closed_until(until_ms - 1, zone, closed) is not None


@given(moments())
def test_away_from_clock_changes_it_is_the_clock_on_the_wall_exactly(
    moment: tuple[int, str, Closed],
) -> None:
    """The first open minute is found; nobody waits longer than the rules ask."""
    at_ms, zone, closed = moment
    at_ms += 20 * DAY_MS  # Behind the change and all that it concerns.
    if any(abs(at_ms - change) < 8 * DAY_MS for change in changes(zone)):
        at_ms = ms("2017-06-10T00:00+00:00") + at_ms % DAY_MS
    found = closed_until(at_ms, zone, closed)
    assert (found is not None) == is_closed(at_ms, zone, closed)
    if found is not None:
        waits = range(at_ms, found[0], MINUTE_MS)
        assert len(waits) <= 8 * DAY_MS // MINUTE_MS
        assert all(is_closed(minute, zone, closed) for minute in waits)


@given(moments())
def test_a_clock_change_costs_no_more_than_two_hours(moment: tuple[int, str, Closed]) -> None:
    """Reading both instants of an edge makes nobody wait a day longer."""
    at_ms, zone, _ = moment
    night = Closed(quiet=(NIGHT,), outside=(NOT_BY_SMS,))
    found = closed_until(at_ms, zone, night)
    assert found is None or found[0] - at_ms <= 15 * HOUR_MS
