"""From a load and measured costs to a deployment: workers, brokers, disk, recovery, money."""

from math import ceil
from typing import Final

import msgspec

from streams.capacity.load import DAY_S, MONTH_S, ImpossibleLoadError, Load, checked
from streams.capacity.measured import Costs
from streams.capacity.prices import HOURS_A_MONTH, Prices

GB: Final = 1e9
STATE_SHARE: Final = 0.6
"""Of a worker's memory; the rest is chunks, rebalances and what the allocator does not return."""
PER_WORKER: Final = 4
"""Partitions of a worker: a fourth of its work moves at a time, and load is evened out."""
PER_PARTITION: Final = 1_000_000
"""Most users of a partition, so that one of them is restored in seconds."""
DIRTY: Final = 1.3
"""Size of a compacted topic over its newest records: cleaned at a tenth dirty, open segments."""
DISK_SHARE: Final = 0.6
"""Of a disk that may be full."""
EXAMPLE_DAYS: Final = 7.0
"""Examples are kept so long, for the learner that was away."""
TOUCH_DAYS: Final = 7.0
"""Touches are kept so long, for a sender that was away."""
GRID_PER_HORIZON: Final = 4.0
HOT_SHARE: Final = 0.5
"""Of a worker that the mean partition may need at the peak, so that one may be twice as hot."""


class Workers(msgspec.Struct, frozen=True, kw_only=True):
    """The pipeline.

    Attributes:
        partitions: Of every co-partitioned topic.
        count: Processes, a machine each.
        by: What asks for so many: ``cpu``, ``memory``, ``restore`` or ``failure`` (two at least).
        cores_mean, cores_peak: Of all of them, used.
        users_each: Users of each.
        gb_each: State and process, GB.
        busy_peak: Share of a core that each uses at the peak.
    """

    partitions: int
    count: int
    by: str
    cores_mean: float
    cores_peak: float
    users_each: float
    gb_each: float
    busy_peak: float


class Kafka(msgspec.Struct, frozen=True, kw_only=True):
    """The brokers; bytes per second are at the peak, MB.

    Attributes:
        brokers: How many.
        by: What asks for so many: ``network``, ``cpu`` or ``replication``.
        in_mb, replicated_mb, out_mb: Written, copied, read.
        cores_peak: Used by all of them.
        disk_gb: By topic, copies included.
        commits_per_s: Transactions of all partitions, most.
    """

    brokers: int
    by: str
    in_mb: float
    replicated_mb: float
    out_mb: float
    cores_peak: float
    disk_gb: dict[str, float]
    commits_per_s: float


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds.

    Attributes:
        one_worker_s: kill -9 of one: until its partitions are durable elsewhere, time-out included.
        a_zone_s: The same for all workers of a zone.
        everything_s: All workers start anew.
        network_s: The same, if the brokers' network were the only limit.
        day_s: Until a day of downtime is caught up with, all workers at work.
    """

    one_worker_s: float
    a_zone_s: float
    everything_s: float
    network_s: float
    day_s: float


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around the pipeline.

    Attributes:
        examples_per_s: For the learner.
        learner_cores: Share of a core.
        touches_per_s: In the twelve hours in which people may be written to.
        senders: Processes.
    """

    examples_per_s: float
    learner_cores: float
    touches_per_s: float
    senders: int


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """An answer.

    Attributes:
        dollars: By what is paid, a month.
        dollars_per_million: Users, a month.
    """

    load: Load
    costs: Costs
    prices: Prices
    workers: Workers
    kafka: Kafka
    recovery: Recovery
    around: Around
    dollars: dict[str, float]
    dollars_per_million: float


def plan(load: Load, costs: Costs | None = None, prices: Prices | None = None) -> Capacity:
    """Return the deployment that carries a load.

    Raises:
        ImpossibleLoadError: The load contradicts itself.
    """
    costs, prices, load = costs or Costs(), prices or Prices(), checked(load)
    workers = workers_of(load, costs)
    kafka = kafka_of(load, costs, workers)
    around = around_of(load, costs)
    dollars = dollars_of(load, prices, workers, kafka, around)
    return Capacity(
        load=load, costs=costs, prices=prices, workers=workers, kafka=kafka, around=around,
        recovery=recovery_of(load, costs, workers, kafka), dollars=dollars,
        dollars_per_million=sum(dollars.values()) / load.users * 1e6,
    )  # fmt: skip


def user_bytes(load: Load, costs: Costs) -> float:
    """Return the mean memory of a user, bytes."""
    return load.awake_share * costs.awake_bytes + (1 - load.awake_share) * costs.asleep_bytes


def record_bytes(load: Load, costs: Costs) -> float:
    """Return the mean changelog record of a user, bytes."""
    asleep = (1 - load.awake_share) * costs.asleep_record_bytes
    return load.awake_share * costs.awake_record_bytes + asleep


def workers_of(load: Load, costs: Costs) -> Workers:
    """Return how many workers it takes, and why."""
    cores_peak = load.peak_per_s * costs.pipeline_us / 1e6
    room = load.worker_gb * GB * STATE_SHARE - costs.process_bytes
    needed = {
        "cpu": ceil(cores_peak / load.busy_max),
        "memory": ceil(load.users * user_bytes(load, costs) / room),
        "restore": ceil(load.users / (load.restore_s * costs.restore_per_s)),
        "failure": 2,
    }
    by = max(needed, key=lambda name: needed[name])
    count = needed[by]
    partitions = load.partitions or _rounded(
        max(PER_WORKER * count, load.users / PER_PARTITION, cores_peak / HOT_SHARE)
    )
    if count > partitions:
        raise ImpossibleLoadError(
            f"{partitions:,} partitions are too few for the {count:,} workers that {by} asks for: "
            f"a partition has one worker"
        )
    return Workers(
        partitions=partitions, count=count, by=by,
        cores_mean=load.mean_per_s * costs.pipeline_us / 1e6, cores_peak=cores_peak,
        users_each=load.users / count,
        gb_each=(load.users / count * user_bytes(load, costs) + costs.process_bytes) / GB,
        busy_peak=cores_peak / count,
    )  # fmt: skip


def _rounded(partitions: float) -> int:
    """Return the next number that many numbers of workers divide."""
    steps = [base << power for power in range(20) for base in (4, 6)]
    return next(step for step in sorted(steps) if step >= partitions)


def kafka_of(load: Load, costs: Costs, workers: Workers) -> Kafka:
    """Return what Kafka has to carry."""
    commits = min(workers.partitions / load.commit_s, load.peak_per_s)
    touches = load.users * load.touches_per_user_month / MONTH_S
    per_s = {  # bytes written a second, mean
        "activity": load.mean_per_s * load.event_bytes,
        "changelog": load.mean_per_s * costs.changes_per_event * costs.awake_record_bytes,
        "decisions": touches * load.decisions_per_touch * costs.decision_bytes,
        "touches": touches * costs.touch_bytes,
        "examples": _examples_per_s(load) * costs.example_bytes,
        "journal": commits * costs.journal_bytes / load.peak_factor,
    }
    kept_days = {
        "activity": load.activity_days, "decisions": load.decision_days,
        "touches": TOUCH_DAYS, "examples": EXAMPLE_DAYS, "journal": load.journal_days,
    }  # fmt: skip
    disk = {name: per_s[name] * days * DAY_S for name, days in kept_days.items()}
    disk["changelog"] = load.users * record_bytes(load, costs) * DIRTY
    written = sum(per_s.values()) * load.peak_factor / 1e6
    copied = written * (load.replication - 1)
    read = (sum(per_s.values()) - per_s["changelog"]) * load.peak_factor / 1e6
    cores = load.peak_per_s * costs.broker_us * load.replication / 1e6
    needed = {
        "network": ceil(max(written + copied, read + copied) / load.broker_mb_per_s),
        "cpu": ceil(cores / (load.broker_cores * load.busy_max)),
        "replication": max(load.replication, load.zones),
    }
    by = max(needed, key=lambda name: needed[name])
    return Kafka(
        brokers=-(-needed[by] // load.zones) * load.zones, by=by, in_mb=written,
        replicated_mb=copied, out_mb=read, cores_peak=cores, commits_per_s=commits,
        disk_gb={name: size * load.replication / GB for name, size in disk.items()},
    )  # fmt: skip


def _examples_per_s(load: Load) -> float:
    observed = load.users * load.awake_share
    return observed * GRID_PER_HORIZON / (load.horizon_days * DAY_S)


def network_per_s(load: Load, costs: Costs, kafka: Kafka) -> float:
    """Return how many users the brokers can hand out in a second."""
    return kafka.brokers * load.broker_mb_per_s * 1e6 / (record_bytes(load, costs) * DIRTY)


def recovery_of(load: Load, costs: Costs, workers: Workers, kafka: Kafka) -> Recovery:
    """Return how long it takes to stand up again: a worker restores, or the network is full."""
    beyond = max(costs.failover_s - 200_000 / costs.restore_per_s, 0.0)
    network = network_per_s(load, costs, kafka)

    def moved_s(lost: int) -> float:
        """Return how long the survivors take over what so many workers had."""
        parts = ceil(workers.partitions / workers.count) * lost
        most = ceil(parts / (workers.count - lost))
        users = load.users / workers.partitions
        restoring = max(most * users / costs.restore_per_s, parts * users / network)
        return load.session_s + beyond + restoring

    lost = min(ceil(workers.count / load.zones), workers.count - 1)
    able = workers.count * 1e6 / costs.pipeline_us
    network_s = load.users / network
    return Recovery(
        one_worker_s=moved_s(1), a_zone_s=moved_s(lost) if load.zones > 1 else float("inf"),
        everything_s=beyond + max(workers.users_each / costs.restore_per_s, network_s),
        network_s=network_s, day_s=load.mean_per_s * DAY_S / max(able - load.mean_per_s, 1e-9),
    )  # fmt: skip


def around_of(load: Load, costs: Costs) -> Around:
    """Return what learner and senders have to do."""
    examples = _examples_per_s(load)
    touches = load.users * load.touches_per_user_month / MONTH_S * 2.0
    return Around(
        examples_per_s=examples, learner_cores=examples * costs.roster_us / 1e6,
        touches_per_s=touches, senders=max(2, ceil(touches / (costs.touches_per_s / 2.0))),
    )  # fmt: skip


def dollars_of(
    load: Load, prices: Prices, workers: Workers, kafka: Kafka, around: Around
) -> dict[str, float]:
    """Return what is paid a month, by what it is paid for."""
    cores = workers.count * max(load.worker_cores, load.worker_gb / 4.0)
    others = 2.0 + around.senders * 2.0
    brokers = kafka.brokers * max(load.broker_cores, load.broker_gb / 4.0)
    elsewhere = 1.0 - 1.0 / load.zones
    crossing = kafka.replicated_mb + (kafka.in_mb + kafka.out_mb) * elsewhere
    gigabytes = crossing * (load.zones > 1) / load.peak_factor * MONTH_S / 1e3
    return {
        "workers": cores * prices.core_hour * HOURS_A_MONTH,
        "learner and senders": others * prices.core_hour * HOURS_A_MONTH,
        "brokers": brokers * prices.core_hour * HOURS_A_MONTH,
        "disks": sum(kafka.disk_gb.values()) / DISK_SHARE * prices.disk_gb_month,
        "between zones": gigabytes * prices.zone_gb,
    }
