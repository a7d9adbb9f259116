"""State larger than memory, or than patience: four roads compared on paper, for one worker."""

from typing import Final, NamedTuple

from streams.capacity.plan import DIRTY, Capacity, network_per_s, record_bytes

LSM_AMPLIFICATION: Final = 10.0
"""Bytes that an LSM tree with levels writes per byte put (RocksDB's own tuning guide: 10 to 30)."""
LSM_US: Final = 10.0
"""µs for a get and a put of 700 B through Python bindings, cache warm; assumed."""
DISK_MB_PER_S: Final = 250.0
"""Sequential reading of a network disk; assumed."""
OBJECT_MB_PER_S: Final = 400.0
"""Reading from object storage with many requests at once; assumed."""
CHECKPOINT_S: Final = 60.0
CHANGED_S: Final = 60.0
"""A snapshot on disk is so old when a worker dies."""


class Road(NamedTuple):
    """One way to keep state.

    Attributes:
        name: In words.
        start_s: Until a worker that restarts on the same host has its state.
        moved_s: Until another one has it.
        us_per_event: CPU that it costs per event, more than now.
        written_mb_per_s: Written by one worker at the peak, besides the changelog.
        memory_gb: Of one worker.
        verdict: What we think of it.
    """

    name: str
    start_s: float
    moved_s: float
    us_per_event: float
    written_mb_per_s: float
    memory_gb: float
    verdict: str


def roads(found: Capacity) -> list[Road]:
    """Return the roads for one worker of a deployment."""
    load, costs, workers = found.load, found.costs, found.workers
    users, record = workers.users_each, record_bytes(load, costs)
    network = network_per_s(load, costs, found.kafka)
    read_s = users / min(costs.restore_per_s, network)
    held_mb = users * record / 1e6
    changed = load.peak_per_s / workers.count * CHANGED_S
    load_s = users / (2 * costs.restore_per_s)
    disk_s = max(held_mb / DISK_MB_PER_S, load_s) + changed / costs.restore_per_s
    object_s = max(held_mb / OBJECT_MB_PER_S, load_s) + changed / costs.restore_per_s
    dirty_mb = load.peak_per_s / workers.count * costs.awake_record_bytes / 1e6
    cached = 0.1 * workers.gb_each
    return [
        Road("changelog only", read_s, read_s, 0.0, 0.0, workers.gb_each,
             "the ground of all the others; enough where a restart may take a minute"),
        Road("and a snapshot on the local disk, with its offset", disk_s, read_s, 0.0,
             held_mb / 600.0, workers.gb_each,
             "built: nothing on the event path; a lost disk costs what there was before"),
        Road("RocksDB or SQLite under the state", 1.0 + changed / costs.restore_per_s, read_s,
             LSM_US, dirty_mb * LSM_AMPLIFICATION, cached,
             "memory falls to a tenth, CPU per event rises; timers and restore still read "
             "every head; not built"),
        Road("incremental checkpoints to object storage", object_s, object_s, 0.3,
             dirty_mb, workers.gb_each,
             "a second truth beside the changelog, with its own fence; pays when the brokers' "
             "network is what a zone's loss waits for; not built"),
    ]  # fmt: skip


def largest_partition_gb(found: Capacity) -> float:
    """Return the state of a partition in the changelog, GB."""
    load = found.load
    users = load.users / found.workers.partitions
    return users * record_bytes(load, found.costs) * DIRTY / 1e9
