"""Reading instants: of every unit, and with the zone that the rules give to what names none."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from streams.core.decoded import RejectReason
from streams.core.sources import Unit, When
from streams.intake.mapping_values import Body, shown, wrong
from streams.intake.shape import getter

_NUMBER: Final = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")
_DAY: Final = len("2017-05-01")
ZONE_APART: Final = -len(" +00:00")
"""Where the blank stands that some write before the zone."""
_EPOCH: Final = date(1970, 1, 1)
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS_MAX: Final = 100_000
_MS_OF: Final = {
    Unit.SECONDS: Decimal(1_000),
    Unit.MILLISECONDS: Decimal(1),
    Unit.MICROSECONDS: Decimal("0.001"),
    Unit.NANOSECONDS: Decimal("0.000001"),
}
_WHOLE: Final = {
    Unit.SECONDS: (1_000, 1),
    Unit.MILLISECONDS: (1, 1),
    Unit.MICROSECONDS: (1, 1_000),
    Unit.NANOSECONDS: (1, 1_000_000),
}
"""Milliseconds of so many units: the same without decimals, for whole numbers."""
_MS: Final = timedelta(milliseconds=1)


def make_time(when: When) -> Callable[[Body], int]:
    """Return what reads an instant, epoch ms UTC."""
    get, instant_of = getter(when.path), make_instant(when)
    return lambda body: instant_of(get(body))


def make_instant(when: When) -> Callable[[Any], int]:
    """Return what takes a value for an instant, epoch ms UTC; it raises WrongError."""
    path, unit, line = when.path, when.unit, when.line
    zone: tzinfo | None = UTC if when.zone == "UTC" else ZoneInfo(when.zone) if when.zone else None
    take = {Unit.ISO: _iso, Unit.DAY: _day}.get(unit)
    is_plain = unit is Unit.MILLISECONDS and zone is None

    def instant_of(value: Any) -> int:
        if is_plain and value.__class__ is int:
            return value
        if value is None:
            raise wrong(RejectReason.BAD_PROPERTY, "missing or null", path, line)
        try:
            return take(value, zone) if take else _counted(value, unit, zone)
        except (ValueError, OverflowError, ArithmeticError) as error:
            what = f"{shown(value)}: {error}"
            raise wrong(RejectReason.BAD_TIME, what, path, line) from None

    return instant_of


def _iso(value: object, zone: tzinfo | None) -> int:
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str) and len(value) > _DAY:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = _spaced(value.strip())
    elif isinstance(value, str):
        raise ValueError("a day, not an instant; if days are all there is, say unit: day")
    else:
        raise ValueError("no text of ISO 8601; if it is a number, say its unit: s, ms, us, ns")
    if moment.tzinfo is None:
        if zone is None:
            raise ValueError("it names no zone, and the rules give none: zone: Asia/Shanghai")
        moment = datetime.combine(moment, moment.time(), zone)  # Quicker than replace.
    return round(moment.timestamp() * 1_000)


def _spaced(text: str) -> datetime:
    """Return a moment whose zone stands apart: ``2021-05-17 07:22:42 +00:00``."""
    is_apart = text[ZONE_APART:-6] == " "
    return datetime.fromisoformat(f"{text[:ZONE_APART]}{text[-6:]}" if is_apart else text)


def _day(value: object, zone: tzinfo | None) -> int:
    if isinstance(value, str) and len(value) <= _DAY:
        day = date.fromisoformat(value.strip())
    elif type(value) is int and abs(value) <= _DAYS_MAX:
        day = _EPOCH + timedelta(days=value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        day = value
    else:
        raise ValueError("no day: a date as 2017-05-01, or days since 1970")
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1_000)


def _counted(value: object, unit: Unit, zone: tzinfo | None) -> int:
    if type(value) is int:
        return _utc(_whole(value, unit), zone)
    if isinstance(value, datetime):
        return _iso(value, zone)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        number = Decimal(value)
    elif isinstance(value, float):
        number = Decimal(repr(value))
    elif isinstance(value, Decimal):
        number = value
    else:
        raise ValueError(f"no number of {unit}")
    return _utc(int((number * _MS_OF[unit]).to_integral_value(ROUND_HALF_EVEN)), zone)


def _whole(value: int, unit: Unit) -> int:
    """Return whole units in milliseconds, rounded half to even as the others are."""
    times, step = _WHOLE[unit]
    at_ms, rest = divmod(value * times, step)
    return at_ms + (2 * rest > step or (2 * rest == step and at_ms % 2 == 1))


def _utc(at_ms: int, zone: tzinfo | None) -> int:
    """Return when the wall clock of a zone shows what would be that instant in UTC."""
    if zone is None:
        return at_ms
    offset = zone.utcoffset(_START + timedelta(milliseconds=at_ms))
    return at_ms - (offset or timedelta()) // _MS
