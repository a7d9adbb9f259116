"""What is promised of speed beside floors and peers; what a worker costs stands in `LANE`."""

from typing import Final

from benchmarks.promise import Promise

FLOOR: Final = "columns"
"""The floor that winback is held against."""
LEAST: Final = {"bytewax": 1.5, "quix": 4.0, "faust": 20.0}
"""Peer to how many times winback's CPU per event it has to take at least."""
OTHERS: Final = ("quix-prompt", "quix-singly", "faust-singly")
"""Ways of the same peers that nothing is promised of."""

OURS: Final = {"peers": "peer_us:winback", "singly": "peer_us:winback-singly"}
"""Section of peers to the figure of winback on their log, which decides what an event costs."""


def _peer(name: str) -> Promise:
    what = f"CPU per event of {name} over winback's, the same log in the same run"
    return Promise(what, "×", ">=", LEAST[name]) if name in LEAST else Promise(what, "×")


SPEED: Final[dict[str, Promise]] = {
    "changelog_bytes_per_event": Promise("bytes of states written per event, 50,000 users", "B"),
    "first_event_s": Promise("start of a worker to its first durable event, no state yet", "s"),
    "cpu_us_per_event_few": Promise("whole pipeline, backlog, 1,000 users: CPU per event", "µs"),
    "cpu_us_per_event_many": Promise("the same with a million users", "µs", "<=", 14),
    "broker_cpu_us_per_event_many": Promise("the same run: CPU of the broker per event", "µs"),
    "first_event_many_s": Promise("start to the first durable event, a million users", "s"),
    "worker_bytes_per_user": Promise("resident memory of that worker per user", "B"),
    "floor_distance": Promise(f"CPU per event over that of the floor, {FLOOR}", "×", "<=", 2.5),
    **{
        f"floor_us:{kind}": Promise(f"CPU per event of a bare loop, {kind}", "µs")
        for kind in ("columns", "aiokafka", "confluent")
    },
    **{f"peer_ratio:{name}": _peer(name) for name in (*LEAST, *OTHERS)},
    **{f"peer_us:{name}": Promise(f"CPU per event of {name}", "µs") for name in (*LEAST, *OTHERS)},
    "peer_us:winback": Promise("CPU per event of winback, the log of the peers in batches", "µs"),
    "peer_us:winback-singly": Promise("the same, the log of the peers event by event", "µs"),
    "workers_cpu": Promise("two workers over one: CPU per event", "×", "<=", 1.15),
    "workers_wall": Promise(
        "two workers over one: throughput, the broker on the same cores", "×", ">=", 1.35
    ),
    "skew_hot": Promise(
        "one user with a fifth of all events: throughput over that of a uniform log", "×", ">=", 0.8
    ),
    "skew_zipf": Promise("Zipf 1.5 over users: the same", "×"),
    "skew_partition": Promise("one partition with ten times the others: the same", "×"),
    "touch_latency_p999_ms": Promise("event to touch, p99.9 at 10,000 events/s", "ms"),
    **{
        f"paced_{share}_{name}": promise
        for share in (10, 50, 80)
        for name, promise in {
            "p50_ms": Promise(f"event to touch at {share} % of the maximum, median", "ms"),
            "p99_ms": Promise(f"event to touch at {share} % of the maximum, p99", "ms")
            if share != 50
            else Promise("event to touch at half of the maximum, p99", "ms", "<=", 1_000),
            "p999_ms": Promise("the same: p99.9", "ms"),
            "cpu_us": Promise("the same: CPU per event", "µs"),
        }.items()
    },
    "calibration_s": Promise("CPU of a fixed loop beside the runs, for other machines", "s"),
}
"""Name of a figure to its promise."""
