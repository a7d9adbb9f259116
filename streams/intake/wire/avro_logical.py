"""What Avro says by bytes and numbers: instants and dates are such, the rest is as JSON has it.

Source:
    https://avro.apache.org/docs/1.12.0/specification/#logical-types
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

Convert = Callable[[Any], Any]

UUID_BYTES: Final = 16
SCALE_MAX: Final = 1_000
"""Databases stop far below; a value that says more would take as much memory as it says."""
_LOCAL_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 (the zone is what it does not say)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
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


def _millis(number: int) -> datetime:
    return _EPOCH + timedelta(0, 0, 0, number)


def instant(micros: int) -> datetime:
    """Return an instant, by microseconds since 1970."""
    return _EPOCH + timedelta(0, 0, micros)


def _local(number: int, *, unit: str, divisor: int = 1) -> datetime:
    return _LOCAL_EPOCH + timedelta(**{unit: number // divisor})


def _date(number: int) -> date:
    return _DAY_ZERO + timedelta(number)


def _time(number: int, *, unit: str) -> str:
    return (_LOCAL_EPOCH + timedelta(**{unit: number})).time().isoformat()


BASE64: Final[Convert] = _base64
_OF_NUMBERS: Final[dict[tuple[str, str], Convert]] = {
    ("long", "timestamp-millis"): _millis,
    ("long", "timestamp-micros"): instant,
    ("long", "timestamp-nanos"): lambda number: instant(number // 1000),
    ("long", "local-timestamp-millis"): partial(_local, unit="milliseconds"),
    ("long", "local-timestamp-micros"): partial(_local, unit="microseconds"),
    ("long", "local-timestamp-nanos"): partial(_local, unit="microseconds", divisor=1000),
    ("int", "date"): _date,
    ("int", "time-millis"): partial(_time, unit="milliseconds"),
    ("long", "time-micros"): partial(_time, unit="microseconds"),
}
