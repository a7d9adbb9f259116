"""What the rules forbid, read by the referee from the rules file itself, not from the core."""

from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from streams.core.time import DAY_MS, span_ms

PERSONS: Final = frozenset({"call", "wecom"})
"""Channels that cost a person's time; all others are messages."""

DAYTIME: Final = {name: {"start": "08:00", "end": "20:00"} for name in ("sms", "call")}
"""Hours of channels of which the rules say nothing."""

Clock = tuple[time, time]


class Law(NamedTuple):
    """Bounds of what may go out.

    Attributes:
        is_live: Whether anything may go out at all.
        quiet: Local hours in which nobody is contacted; each may span midnight.
        hours: Channel to the only local hours in which it is allowed.
        caps: Touches and span of every cap over all channels.
        channel_caps: The same by channel.
        holidays: Days on which nobody is contacted.
        holiday_channels: Channels of which that is true; none = of all.
        zone: Where users live of whom it is not known.
        is_consent_assumed: What an unknown consent means.
        budget: Class of channels to the touches of a day.
        budget_zone: Where that day is counted.
        hold_ms: How long an erased user stays unknown.
    """

    is_live: bool
    quiet: tuple[Clock, ...]
    hours: dict[str, Clock]
    caps: tuple[tuple[int, int], ...]
    channel_caps: dict[str, tuple[tuple[int, int], ...]]
    holidays: frozenset[date]
    holiday_channels: frozenset[str]
    zone: str
    is_consent_assumed: bool
    budget: dict[str, int]
    budget_zone: str
    hold_ms: int

    def class_of(self, channel: str) -> str:
        """Return whether a channel sends messages or takes a person."""
        return "person" if channel in PERSONS else "message"


def law_of(sections: dict[str, Any]) -> Law:
    """Return the law of a rules file, given as YAML reads it."""
    contact, channels = sections.get("contact", {}), sections.get("channels", {})
    quiet = contact.get("quiet_hours", {"start": "21:00", "end": "09:00"})
    windows = [quiet] if isinstance(quiet, dict) else quiet
    holidays = contact.get("holidays", {})
    budget = sections.get("budget", {})
    named = (("message", "touches_per_day"), ("person", "calls_per_day"))
    zone = contact.get("zone", "Asia/Shanghai")
    return Law(
        is_live=sections.get("mode", "observe") == "live",
        quiet=tuple(_clock(window) for window in windows if window["start"] != window["end"]),
        hours={
            name: _clock(hours)
            for name in (*DAYTIME, *channels)
            if isinstance(hours := channels.get(name, {}).get("hours", DAYTIME.get(name)), dict)
        },
        caps=_caps(contact.get("caps", [{"touches": 3, "per": "14d"}])),
        channel_caps={name: _caps(said.get("caps", [])) for name, said in channels.items()},
        holidays=frozenset(date.fromisoformat(str(day)) for day in holidays.get("dates", ())),
        holiday_channels=frozenset(holidays.get("channels", ())),
        zone=zone,
        is_consent_assumed=contact.get("consent_default") == "granted",
        budget={kind: budget[key] for kind, key in named if budget.get(key) is not None},
        budget_zone=budget.get("zone") or zone,
        hold_ms=2 * span_ms(sections.get("churn", {}).get("horizon", "30d")),
    )


def is_closed(law: Law, channel: str, at_ms: int, zone: str) -> bool:
    """Return whether an instant lies on a holiday of a channel, where the user lives."""
    if law.holiday_channels and channel not in law.holiday_channels:
        return False
    return day_of(at_ms, zone) in law.holidays


def _clock(window: dict[str, str]) -> Clock:
    return time.fromisoformat(window["start"]), time.fromisoformat(window["end"])


def _caps(caps: list[dict[str, Any]]) -> tuple[tuple[int, int], ...]:
    return tuple((cap["touches"], span_ms(cap["per"])) for cap in caps)


def is_within(window: Clock, clock: time) -> bool:
    """Return whether a local time lies in a daily window, which may span midnight."""
    start, end = window
    return start <= clock < end if start < end else clock >= start or clock < end


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local(at_ms: int, zone: str) -> datetime:
    """Return what a clock on the wall of a zone shows at an instant."""
    return datetime.fromtimestamp(at_ms / 1_000, _zone(zone))


def day_of(at_ms: int, zone: str) -> date:
    """Return the day of an instant in a zone."""
    return local(at_ms, zone).date()


def days_of(start_ms: int, end_ms: int, zone: str) -> list[date]:
    """Return every whole day of a zone within a span, in order."""
    first = day_of(start_ms + DAY_MS - 1, zone)
    days = [date.fromordinal(first.toordinal() + n) for n in range((end_ms - start_ms) // DAY_MS)]
    last = day_of(end_ms, zone)
    return [day for day in days if day < last]


def instant_ms(text: str) -> int:
    """Return the instant of a message, epoch ms UTC."""
    return round(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1_000)
