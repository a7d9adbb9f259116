"""Instants as people write them in files: text to event time."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from streams.errors import UserError

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DIGITS: Final = re.compile(r"-?\d+")
MS_DIGITS_MIN: Final = 11
"""A number this long is epoch ms (after March 1973); ten digits are seconds by mistake."""
PLAIN: Final = len("2017-01-01T11:53:26Z")
LAST: Final = PLAIN - 1


class BadInstantError(ValueError):
    """A text is no instant; the message says why.

    Attributes:
        hint: What to do about it.
    """

    def __init__(self, message: str, hint: str = "write times like 2017-01-31T18:30:00Z") -> None:
        super().__init__(message)
        self.hint = hint


def instant_ms(text: str, zone: tzinfo | None = None) -> int:
    """Return one instant as epoch ms UTC.

    Args:
        text: ISO 8601 with a zone (``2017-01-01T11:53:26Z``, ``...+08:00``), or epoch ms.
        zone: The zone of times that name none; without it such times are refused.

    Raises:
        BadInstantError: The text is no instant, or names no zone.
    """
    if DIGITS.fullmatch(text):
        if len(text.lstrip("-")) < MS_DIGITS_MIN:
            raise BadInstantError(f"{text!r} is too short for epoch milliseconds")
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInstantError(f"{text!r} is no date: {error}") from None
    if at.tzinfo is None:
        if zone is None:
            hint = "write times like 2017-01-31T18:30:00Z, or name their zone with --timezone"
            raise BadInstantError(f"{text!r} names no time zone", hint)
        at = at.replace(tzinfo=zone)
    since = at - EPOCH
    return since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000


def instants_ms(texts: Sequence[str]) -> list[int] | None:
    """Return many instants at once, or None unless all are of the form ``2017-01-01T11:53:26Z``."""
    joined = "".join(texts)
    if set(map(len, texts)) != {PLAIN} or not joined.isascii():
        return None
    letters = np.frombuffer(joined.encode("ascii"), dtype=np.uint8).reshape(-1, PLAIN)
    if not ((letters[:, LAST] == ord("Z")).all() and (letters[:, 10] == ord("T")).all()):
        return None
    seconds = np.ascontiguousarray(letters[:, :LAST]).view(f"S{LAST}").ravel()
    try:
        times = seconds.astype("datetime64[s]").astype(np.int64)
    except ValueError:
        return None
    listed: list[int] = (times * 1_000).tolist()
    return listed


def short_iso(at_ms: int) -> str:
    """Return an instant as ISO 8601 UTC, with milliseconds only when there are some."""
    text = str(np.datetime64(at_ms, "ms"))
    return text.removesuffix(".000") + "Z"


def zone_named(name: str | None) -> tzinfo | None:
    """Return a zone by its name in the tz database.

    Raises:
        UserError: There is no such zone.
    """
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = "take a name of the tz database: UTC, Asia/Shanghai, Europe/Berlin"
        raise UserError(f"--timezone: there is no zone {name!r}", hint) from None


def option_ms(name: str, text: str | None) -> int | None:
    """Return the instant of a command line option; a day alone is its midnight UTC.

    Raises:
        UserError: The text is no instant.
    """
    if text is None:
        return None
    try:
        return instant_ms(text, UTC)
    except BadInstantError as error:
        raise UserError(f"{name}: {error}", "write it like 2017-06-30T00:00:00Z") from None
