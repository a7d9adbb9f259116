"""What Avro says by bytes and numbers, as JSON would say it: instants, dates, decimals, bytes.

Source:
    https://avro.apache.org/docs/1.12.0/specification/#logical-types
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, Final
from uuid import UUID

Convert = Callable[[Any], Any]

UUID_BYTES: Final = 16
SCALE_MAX: Final = 1_000
"""Databases stop far below; a value that says more would take as much memory as it says."""
_LOCAL_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 (the zone is what it does not say)
_MINUTES: Final = tuple(f"{minute // 60:02}:{minute % 60:02}:" for minute in range(1440))
_DAY_ZERO: Final = date(1970, 1, 1)


def converter_of(kind: str, schema: Mapping[str, Any]) -> Convert | None:
    """Return what makes a value of what the bytes say; None = it is one."""
    logical = schema.get("logicalType")
    if logical == "decimal" and kind in {"bytes", "fixed"}:
        return partial(decimal_text, scale=int(schema.get("scale", 0)))
    if logical == "uuid" and kind == "fixed" and schema["size"] == UUID_BYTES:
        return lambda raw: str(UUID(bytes=raw))
    if kind in {"bytes", "fixed"}:
        return BASE64
    return _OF_NUMBERS.get((kind, str(logical)))


def decimal_text(raw: bytes, *, scale: int) -> str:
    """Return a decimal as text, exactly; its digits are a number in two's complement.

    Raises:
        ValueError: Its scale or its size are of no decimal that is in use.
    """
    if not 0 <= scale <= SCALE_MAX:
        raise ValueError(f"a decimal of scale {scale}")
    number = int.from_bytes(raw, signed=True)
    digits = str(abs(number)).zfill(scale + 1)
    sign = "-" if number < 0 else ""
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale > 0 else f"{sign}{digits}"


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()


def _local(number: int, *, unit: str, divisor: int = 1) -> str:
    return (_LOCAL_EPOCH + timedelta(**{unit: number // divisor})).isoformat()


def _millis(number: int) -> str:
    day, rest = divmod(number, 86_400_000)
    minute, rest = divmod(rest, 60_000)
    return f"{_date(day)}T{_MINUTES[minute]}{rest // 1000:02}.{rest % 1000:03}Z"


def instant_text(number: int) -> str:
    """Return an instant as text, by microseconds since 1970."""
    millis, rest = divmod(number, 1_000)
    return f"{_millis(millis)[:-1]}{rest:03}Z"


@lru_cache(4096)
def _date(number: int) -> str:
    return (_DAY_ZERO + timedelta(days=number)).isoformat()


def _time(number: int, *, unit: str) -> str:
    return (_LOCAL_EPOCH + timedelta(**{unit: number})).time().isoformat()


BASE64: Final[Convert] = _base64
_OF_NUMBERS: Final[dict[tuple[str, str], Convert]] = {
    ("long", "timestamp-millis"): _millis,
    ("long", "timestamp-micros"): instant_text,
    ("long", "timestamp-nanos"): lambda number: instant_text(number // 1000),
    ("long", "local-timestamp-millis"): partial(_local, unit="milliseconds"),
    ("long", "local-timestamp-micros"): partial(_local, unit="microseconds"),
    ("long", "local-timestamp-nanos"): partial(_local, unit="microseconds", divisor=1000),
    ("int", "date"): _date,
    ("int", "time-millis"): partial(_time, unit="milliseconds"),
    ("long", "time-micros"): partial(_time, unit="microseconds"),
}
