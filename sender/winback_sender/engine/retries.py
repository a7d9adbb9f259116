"""When something is tried again: back-off with full jitter, and the schedule of questions."""

from collections.abc import Callable
from typing import Final

from winback_sender.contract.words import Status

RETRY_BASE_S: Final = 0.5
RETRY_MAX_S: Final = 60.0

ASK_AFTER_S: Final[dict[Status, tuple[float, ...]]] = {
    Status.UNKNOWN: (5.0, 30.0, 120.0, 600.0, 3_600.0),
    Status.ACCEPTED: (600.0, 3_600.0, 21_600.0),  # receipts get lost
}
"""A touch of which no more is known is asked about after such pauses; the last one repeats."""


def jittered_s(attempt: int, base_s: float, max_s: float, chance: Callable[[], float]) -> float:
    """Return how long to wait after a failed attempt: evenly from 0 to a bound that doubles.

    Args:
        attempt: 0 after the first failure.
        base_s: The first bound.
        max_s: The last bound.
        chance: Returns a number in [0, 1).

    Source:
        Brooker (2015), "Exponential Backoff and Jitter", AWS Architecture Blog: full jitter.
    """
    return chance() * min(max_s, base_s * 2.0 ** min(attempt, 60))


def next_ask_ms(
    schedule_s: tuple[float, ...], asked: int, now_ms: int, begun_ms: int, give_up_s: float
) -> int | None:
    """Return when a touch is asked about next, epoch ms UTC; None = not any more.

    Args:
        schedule_s: Pauses.
        asked: How often it was asked about.
        now_ms: Epoch ms UTC.
        begun_ms: When it was begun.
        give_up_s: So long after that it is left as it is.
    """
    at_ms = now_ms + round(1_000 * schedule_s[min(asked, len(schedule_s) - 1)])
    return at_ms if at_ms <= begun_ms + 1_000 * give_up_s else None
