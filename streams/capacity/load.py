"""What is asked of a deployment, and what it may not be."""

from typing import Final

import msgspec

DAY_S: Final = 86_400.0
MONTH_S: Final = 30 * DAY_S


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment in numbers.

    Attributes:
        users: People with a state.
        events_per_day: Events of all of them.
        peak_factor: Busiest second over the mean one.
        awake_share: Share of users whose silence is under 2H.
        touches_per_user_month: Touches that leave, over all users.
        decisions_per_touch: Decisions on record for each of them.
        event_bytes: Of an event on the topic, as producers have compressed it.
        activity_days: So long activity is kept.
        decision_days: So long decisions are kept.
        journal_days: So long the journal is kept.
        replication: Copies of every partition.
        zones: Availability zones that clients and brokers are spread over.
        horizon_days: H.
        commit_s: A partition commits at most so often.
        busy_max: Share of a core that a worker may use at the peak; the rest catches up.
        restore_s: So long a worker may take to restore what it owns.
        session_s: Session time-out of the consumer group.
        worker_cores: Cores of the machine of one worker.
        worker_gb: Memory of it, GB.
        broker_cores: Cores of a broker.
        broker_gb: Memory of a broker, GB.
        broker_mb_per_s: What a broker takes in and hands out, MB/s each way.
        partitions: Partitions of the activity topic; 0 = as many as are right.
    """

    users: int = 200_000_000
    events_per_day: float = 5e9
    peak_factor: float = 3.0
    awake_share: float = 0.4
    touches_per_user_month: float = 0.3
    decisions_per_touch: float = 4.0
    event_bytes: float = 254.0
    activity_days: float = 7.0
    decision_days: float = 180.0
    journal_days: float = 30.0
    replication: int = 3
    zones: int = 3
    horizon_days: float = 30.0
    commit_s: float = 0.1
    busy_max: float = 0.6
    restore_s: float = 60.0
    session_s: float = 45.0
    worker_cores: int = 2
    worker_gb: float = 8.0
    broker_cores: int = 16
    broker_gb: float = 64.0
    broker_mb_per_s: float = 200.0
    partitions: int = 0

    @property
    def mean_per_s(self) -> float:
        """Events per second, mean."""
        return self.events_per_day / DAY_S

    @property
    def peak_per_s(self) -> float:
        """Events per second, at the peak."""
        return self.mean_per_s * self.peak_factor


BOUNDS: Final[dict[str, tuple[float, float]]] = {
    "users": (1, 1e11),
    "events_per_day": (1, 1e14),
    "peak_factor": (1, 1_000),
    "awake_share": (0, 1),
    "touches_per_user_month": (0, 100),
    "decisions_per_touch": (1, 1_000),
    "event_bytes": (16, 1e6),
    "activity_days": (0.01, 3_650),
    "decision_days": (0.01, 3_650),
    "journal_days": (0.01, 3_650),
    "replication": (1, 7),
    "zones": (1, 7),
    "horizon_days": (1, 3_650),
    "commit_s": (0.01, 60),
    "busy_max": (0.05, 0.95),
    "restore_s": (1, 86_400),
    "session_s": (1, 3_600),
    "worker_cores": (1, 512),
    "worker_gb": (1, 24_576),
    "broker_cores": (1, 512),
    "broker_gb": (4, 24_576),
    "broker_mb_per_s": (1, 100_000),
    "partitions": (0, 200_000),
}
"""Field to least and most."""


class ImpossibleLoadError(ValueError):
    """What is asked contradicts itself, or what winback can do."""


def checked(load: Load) -> Load:
    """Return the load.

    Raises:
        ImpossibleLoadError: A number is beyond its bounds; the message names it.
    """
    for name, (least, most) in BOUNDS.items():
        value = getattr(load, name)
        if not least <= value <= most:
            raise ImpossibleLoadError(f"{name} is {value:g}, must be {least:g} to {most:g}")
    if load.zones > 1 and load.replication < load.zones:
        raise ImpossibleLoadError(
            f"replication {load.replication} over {load.zones} zones: some zone would hold no copy"
        )
    return load
