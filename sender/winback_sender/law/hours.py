"""When a provider and a country let marketing out: the first instant from a given one on."""

from collections.abc import Iterator
from datetime import date, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from winback_sender.contract.instants import DAY_MS
from winback_sender.law.rules import COUNTRIES, OURS, Law, Rule, country_of
from winback_sender.law.wall_time import edges, is_there

SPANS_MAX: Final = 16
"""More closed spans than this never follow one another in hours that leave some time."""

_EPOCH: Final = date(1970, 1, 1).toordinal()
_NOON_TO_NOON: Final = (-2, -1, 0, 1)


def earliest_ms(provider: str, channel: str, zone: str, at_ms: int, law: Law) -> int:
    """Return the first instant from ``at_ms`` on at which marketing may go out.

    A user's country follows from the time zone. Of a country whose law is not here the strictest
    of all hours hold; of a zone that there is not, besides, on the clock of ``winback.zone``.

    Args:
        provider: Who carries it.
        channel: Through which channel.
        zone: IANA time zone of the user.
        at_ms: From when on, epoch ms UTC.
        law: The rules in force.
    """
    clock = known_zone(zone, law)
    windows = tuple(sorted({rule.value for rule in rules_of(provider, channel, zone, law)}))
    for _ in range(SPANS_MAX):
        until_ms = _closed_until(at_ms, clock, windows)
        if until_ms is None:
            return at_ms
        at_ms = until_ms
    raise AssertionError("hours that never open were not refused when the law was read")


def rules_of(provider: str, channel: str, zone: str, law: Law) -> tuple[Rule, ...]:
    """Return the rules whose hours all have to hold."""
    country = country_of(zone)
    asked = [country] if country else list(COUNTRIES)
    found = [law.rule(provider, "hours"), law.rule(provider, f"hours.{channel}")]
    found += [law.rule(code, f"hours.{channel}") for code in asked]
    return tuple(rule for rule in found if rule is not None)


def known_zone(zone: str, law: Law) -> str:
    """Return a zone if there is one of that name, else that of ``winback.zone``."""
    return zone if is_zone(zone) else str(law.value(OURS, "zone", "Asia/Shanghai"))


@lru_cache(maxsize=1_024)
def is_zone(zone: str) -> bool:
    """Return whether there is a time zone of this name."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):  # no such name, no name at all, a directory
        return False
    return True


def opens_daily(windows: tuple[str, ...]) -> bool:
    """Return whether windows have some time in common."""
    pairs = [_minutes(window) for window in windows]
    return not pairs or max(start for start, _ in pairs) < min(end for _, end in pairs)


def _minutes(window: str) -> tuple[int, int]:
    """Return the first minute of a window, and the first one after it."""
    start, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in window.split("-"))
    return start, end


def _closed_until(at_ms: int, zone: str, windows: tuple[str, ...]) -> int | None:
    """Return the end of a closed span that holds an instant, or None when it is open."""
    for start_ms, end_ms in _closed(zone, windows, at_ms // DAY_MS):
        if start_ms <= at_ms < end_ms:
            return end_ms
    return None


@lru_cache(maxsize=2_048)
def _closed(zone: str, windows: tuple[str, ...], day: int) -> tuple[tuple[int, int], ...]:
    """Return the closed spans around a day of UTC."""
    return tuple(_spans(ZoneInfo(zone), windows, date.fromordinal(_EPOCH + day)))


def _spans(zone: ZoneInfo, windows: tuple[str, ...], day: date) -> Iterator[tuple[int, int]]:
    for local in (day + timedelta(days=shift) for shift in _NOON_TO_NOON):
        if is_there(local, zone):
            for window in windows:
                opens, closes = (_clock(minute) for minute in _minutes(window))
                if (opens, closes) != (time(0), time(0)):
                    yield edges(local, closes, opens, zone)


def _clock(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)
