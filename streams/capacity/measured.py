"""What was measured, and what everything else is computed from.

Every cost names the figure it comes from (``docs/figures.md``, written by `make bench`); one
without was counted in a measurement that is named in its words. A deployment that has measured
itself gives its own numbers: ``winback capacity --figures DIR``.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """Costs of one unit of work, as `SOURCES` describes them."""

    pipeline_us: float = 30.4
    broker_us: float = 15.8
    roster_us: float = 136.0
    restore_per_s: float = 180_000.0
    failover_s: float = 0.77
    touches_per_s: float = 1_778.0
    asleep_bytes: float = 442.0
    awake_bytes: float = 1_031.0
    asleep_record_bytes: float = 275.0
    awake_record_bytes: float = 775.0
    changes_per_event: float = 0.96
    decision_bytes: float = 990.0
    touch_bytes: float = 1_540.0
    example_bytes: float = 206.0
    journal_bytes: float = 330.0
    process_bytes: float = 150e6


class Source(NamedTuple):
    """Where a cost comes from.

    Attributes:
        figure: Its name in ``docs/figures.md``; empty = it was counted elsewhere.
        unit: Its unit.
        what: In words.
    """

    figure: str
    unit: str
    what: str


SOURCES: Final[dict[str, Source]] = {
    "pipeline_us": Source(
        "cpu_us_per_event_many", "µs", "CPU of a worker per event, a million users, all it does"
    ),
    "broker_us": Source(
        "broker_cpu_us_per_event_many", "µs", "CPU of the brokers per event of those, one copy"
    ),
    "roster_us": Source("roster_us_per_example", "µs", "CPU of the learner per example"),
    "restore_per_s": Source("restore_users_per_s", "1/s", "users restored by a worker"),
    "failover_s": Source(
        "failover_beyond_session_s", "s", "kill -9 to durable, beyond the session time-out"
    ),
    "touches_per_s": Source("sender_touches_per_s", "1/s", "touches of a sender, 50 ms a call"),
    "asleep_bytes": Source("bytes_per_user_asleep", "B", "memory of a user silent beyond 2H"),
    "awake_bytes": Source("bytes_per_user_awake", "B", "memory of any other user, with timers"),
    "asleep_record_bytes": Source("", "B", "changelog value of a user silent beyond 2H"),
    "awake_record_bytes": Source("", "B", "changelog value of any other user, cases included"),
    "changes_per_event": Source("", "1", "changelog records per event at a commit every 0.1 s"),
    "decision_bytes": Source("", "B", "record of a decision"),
    "touch_bytes": Source("", "B", "record of a touch"),
    "example_bytes": Source("", "B", "example, 40 features as float32 with instants and weight"),
    "journal_bytes": Source("", "B", "journal entry of a commit"),
    "process_bytes": Source("", "B", "worker without a user"),
}
"""Field of `Costs` to where it comes from."""


def measured(figures: Mapping[str, float]) -> Costs:
    """Return the costs with those that a measurement of one's own says otherwise.

    Args:
        figures: Name of a figure to its value; others are passed over.
    """
    said = {
        field: figures[source.figure]
        for field, source in SOURCES.items()
        if source.figure in figures
    }
    return msgspec.structs.replace(Costs(), **said)
