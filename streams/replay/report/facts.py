"""What a run was: what stands in the first and the last lines of its report."""

import shlex
import sys
from importlib.metadata import version
from typing import Any

import msgspec

from streams.core.rules import Rules
from streams.core.time import DAY_MS
from streams.replay.gaps import Gaps


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was: for the first and the last lines of a report.

    Attributes:
        file: Name of the log.
        command: As it was typed.
        version: Of winback.
        horizon_days: H.
        min_active_days: Active days from which a customer is judged.
        threshold: P(this silence reaches H) from which an alert is sent.
        backstop_days: Silence that alerts whatever the model says.
        events: Events that were applied.
        events_rejected: Events that could not be.
        rows_skipped: Bad rows.
        users: Users of the log.
        first_ms: First event, epoch ms UTC.
        last_ms: Last event.
        seconds: How long it took.
        coverage: Known outages of the source, in words.
    """

    file: str
    command: str
    version: str
    horizon_days: float
    min_active_days: int
    threshold: float
    backstop_days: float
    events: int
    events_rejected: int
    rows_skipped: int
    users: int
    first_ms: float
    last_ms: float
    seconds: float
    coverage: tuple[str, ...] = ()


def facts_of(
    rules: Rules, gaps: Gaps, span_ms: tuple[float, float], summary: dict[str, Any], file: str
) -> Facts:
    """Return what a run was.

    Args:
        rules: The business rules.
        gaps: What was known to be missing.
        span_ms: The first and the last event, epoch ms UTC.
        summary: The summary of the back-test.
        file: Name of the log.
    """
    return Facts(
        file=file,
        command=shlex.join(["winback", *sys.argv[1:]]),
        version=version("winback"),
        horizon_days=rules.churn.horizon_ms / DAY_MS,
        min_active_days=rules.churn.min_active_days,
        threshold=rules.alert.probability,
        backstop_days=rules.alert.backstop_ms / DAY_MS,
        events=summary["events"],
        events_rejected=summary["events_rejected"],
        rows_skipped=summary["rows_skipped"],
        users=summary["users"],
        first_ms=span_ms[0],
        last_ms=span_ms[1],
        seconds=summary["seconds"],
        coverage=coverage(gaps),
    )


def coverage(gaps: Gaps) -> tuple[str, ...]:
    """Return what was known to be missing, in words."""
    if not gaps.outages and not gaps.pauses:
        return ()
    found = gaps.summary()
    said = f"{found['outages']:g} outages of the source, {found['outage_days']:g} days"
    if found["users_away"]:
        said += f"; {found['users_away']:g} users not observed for a while"
    return (said,)
