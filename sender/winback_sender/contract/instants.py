"""Instants: epoch milliseconds UTC inside, ISO 8601 in every message."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS


@lru_cache(maxsize=1_024)
def iso(at_ms: float) -> str:
    """Return an instant as ISO 8601 in UTC with milliseconds, as every message carries it."""
    moment = datetime.fromtimestamp(at_ms / 1_000, UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def instant_ms(text: str) -> int:
    """Return epoch ms of an ISO 8601 instant with a zone.

    Raises:
        ValueError: It is none.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    return round(moment.timestamp() * 1_000)
