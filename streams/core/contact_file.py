"""What a rules file says of contact: the sections ``contact:`` and ``channels:``."""

from collections.abc import Mapping
from datetime import date, time
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
from msgspec import Meta

from streams.core.channels import (
    CATALOGUE,
    CONTACTS_KEPT_MS,
    FAILURES_MAX,
    Cap,
    Channel,
    Kind,
    Usual,
)
from streams.core.quiet_hours import HOLIDAYS_MAX, Closed, QuietHours
from streams.core.verdict import ContactPolicy

Count = Annotated[int, Meta(ge=1)]
NAME_MAX: Final = 32
"""Characters of a channel's name, in the rules as in the events."""


class CapFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of ``caps``."""

    touches: Count
    per: str


class QuietFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One window of ``contact.quiet_hours``."""

    start: str = "21:00"
    end: str = "09:00"


class HoursFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``hours`` of a channel: when it is allowed."""

    start: str
    end: str


class HolidaysFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``contact.holidays``."""

    dates: Annotated[tuple[Any, ...], Meta(max_length=HOLIDAYS_MAX)] = ()
    channels: tuple[str, ...] = ()


class UpliftFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``contact.uplift``."""

    least: Annotated[float, Meta(ge=-1.0, le=1.0)] = 0.0
    errors: Annotated[float, Meta(ge=0.0, le=10.0)] = 1.0
    explore: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.05


class ContactFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``contact:``."""

    consent_default: Literal["denied", "granted"] = "denied"
    caps: tuple[CapFile, ...] = (CapFile(touches=3, per="14d"),)
    quiet_hours: QuietFile | tuple[QuietFile, ...] = QuietFile()
    holidays: HolidaysFile = HolidaysFile()
    zone: str = "Asia/Shanghai"
    stale_after: str = "1d"
    unheard_after: str = "1d"
    opt_out: Literal["all", "channel"] = "all"
    uplift: UpliftFile = UpliftFile()


class ChannelFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of ``channels:``; what is left out is as usual for the channel."""

    kind: Kind | None = msgspec.field(default=None, name="class")
    cost: Annotated[float, Meta(ge=0.0)] | None = None
    hours: HoursFile | Literal["always"] | None = None
    reach: Literal["recorded", "any"] | None = None
    failures_max: Count | None = None
    caps: tuple[CapFile, ...] = ()


class Reader(Protocol):
    """Turns what stands in a file into numbers, or refuses it with its line."""

    def ms(self, path: str, text: str, default_ms: int = 0) -> int:
        """Return the milliseconds of a span, or the default of an empty one."""

    def clock(self, path: str, text: str) -> time:
        """Return a time of day."""

    def refuse(self, path: str, what: str) -> Exception:
        """Return the complaint about what stands at a path."""


def contact_of(
    contact: ContactFile,
    channels: Mapping[str, ChannelFile],
    reader: Reader,
    *,
    minor_units: int,
    exit_probability: float,
) -> ContactPolicy:
    """Return what the rules say of contact."""
    quiet = _quiet(contact, reader)
    dates = _dates(contact, reader)
    shut = contact.holidays.channels
    named = {
        name: _channel(name, channels.get(name, ChannelFile()), reader, minor_units)
        for name in (*CATALOGUE, *(name for name in channels if name not in CATALOGUE))
    }
    for place, name in enumerate(shut):
        if name not in named:
            what = f"{name!r} is no channel: {', '.join(named)}"
            raise reader.refuse(f"$.contact.holidays.channels[{place}]", what)
    for name, channel in named.items():
        closed = Closed(dates if not shut or name in shut else (), quiet, channel.closed.outside)
        if not closed.opens_daily():
            path = f"$.channels.{name}" if name in channels else "$.contact.quiet_hours"
            what = f"{name} never opens: its hours lie within the quiet hours"
            raise reader.refuse(path, what)
        named[name] = msgspec.structs.replace(channel, closed=closed)
    return ContactPolicy(
        is_consent_assumed=contact.consent_default == "granted",
        caps=_caps("$.contact", contact.caps, reader),
        quiet=quiet[0] if quiet else QuietHours(time(0), time(0)),
        stale_after_ms=reader.ms("$.contact.stale_after", contact.stale_after),
        exit_probability=exit_probability,
        channels=named,
        other=Channel(closed=Closed(() if shut else dates, quiet)),
        is_opt_out_of_all=contact.opt_out == "all",
        uplift_min=contact.uplift.least,
        uplift_errors=contact.uplift.errors,
        unheard_ms=reader.ms("$.contact.unheard_after", contact.unheard_after),
    )


def _channel(name: str, file: ChannelFile, reader: Reader, minor_units: int) -> Channel:
    """Return a channel with the hours of its own; the quiet hours of all come on top."""
    path = f"$.channels.{name}"
    if not 0 < len(name) <= NAME_MAX:
        raise reader.refuse("$.channels", f"the name of a channel has 1 to {NAME_MAX} characters")
    usual = CATALOGUE.get(name)
    if usual is None:
        if file.kind is None:
            raise reader.refuse(path, f"{name} is new: say its class, message or person")
        usual = Usual(file.kind)
    cost = usual.cost if file.cost is None else file.cost
    return Channel(
        kind=file.kind or usual.kind,
        cost_minor=round(cost * minor_units, 6),
        is_recorded=usual.is_recorded if file.reach is None else file.reach == "recorded",
        failures_max=file.failures_max or FAILURES_MAX,
        caps=_caps(path, file.caps, reader),
        closed=Closed(outside=_outside(path, file, usual, reader)),
    )


def _outside(path: str, file: ChannelFile, usual: Usual, reader: Reader) -> tuple[QuietHours, ...]:
    """Return the hours at which a channel is not allowed."""
    if file.hours == "always":
        return ()
    if isinstance(file.hours, HoursFile):
        start = reader.clock(f"{path}.hours.start", file.hours.start)
        end = reader.clock(f"{path}.hours.end", file.hours.end)
        return (QuietHours(end, start),)
    if usual.hours is None:
        return ()
    start, end = map(time.fromisoformat, usual.hours)
    return (QuietHours(end, start),)


def _caps(path: str, caps: tuple[CapFile, ...], reader: Reader) -> tuple[Cap, ...]:
    made = []
    for place, cap in enumerate(caps):
        where = f"{path}.caps[{place}].per"
        per_ms = reader.ms(where, cap.per)
        if not 0 < per_ms <= CONTACTS_KEPT_MS:
            raise reader.refuse(where, "a cap's window is longer than 0 and at most 30d")
        made.append(Cap(cap.touches, per_ms))
    return tuple(made)


def _quiet(contact: ContactFile, reader: Reader) -> tuple[QuietHours, ...]:
    windows = contact.quiet_hours
    is_one = isinstance(windows, QuietFile)
    made = []
    for place, window in enumerate((windows,) if isinstance(windows, QuietFile) else windows):
        path = "$.contact.quiet_hours" + ("" if is_one else f"[{place}]")
        start = reader.clock(f"{path}.start", window.start)
        made.append(QuietHours(start, reader.clock(f"{path}.end", window.end)))
    return tuple(hours for hours in made if hours.start != hours.end)


def _dates(contact: ContactFile, reader: Reader) -> tuple[date, ...]:
    """Return the holidays; YAML reads a day as a date by itself, in quotes it is a text."""
    made = []
    for place, written in enumerate(contact.holidays.dates):
        try:
            made.append(msgspec.convert(str(written), date))
        except msgspec.ValidationError:
            path = f"$.contact.holidays.dates[{place}]"
            what = f"{written} is no day: write it as in 2027-02-06"
            raise reader.refuse(path, what) from None
    return tuple(sorted(set(made)))
