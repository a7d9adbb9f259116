"""From what sections came to, to figures."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping

from benchmarks import figures
from benchmarks.compare.promised import FLOOR, LEAST, OTHERS, OURS
from benchmarks.compare.results import Result, median
from benchmarks.compare.sections import PACES

Found = Iterator[tuple[str, float]]
CHANGELOG = "users-changelog"


def reckoned(results: Mapping[str, Result]) -> dict[str, float]:
    """Return the figures that sections come to; what was not measured is left out."""
    found: dict[str, float] = {}
    for name, reckon in RECKONINGS.items():
        if name in results:
            found |= {key: value for key, value in reckon(results[name]) if math.isfinite(value)}
    loops = [run.calibration_s for result in results.values() for run in result.runs]
    if loops:
        found["calibration_s"] = statistics.median(loops)
    return found


def record(results: Mapping[str, Result]) -> list[figures.Figure]:
    """Record the figures of sections and return them."""
    return [
        figures.record(name, value, how="python -m benchmarks.compare", note=_note(name, results))
        for name, value in reckoned(results).items()
    ]


def _note(name: str, results: Mapping[str, Result]) -> str:
    if name == "cpu_us_per_event" and "floors" in results:
        runs = [run for run in results["floors"].runs if run.entrant == "winback"]
        loop_s = statistics.median(run.calibration_s for run in runs)
        return f"{runs[0].records:,} records, median of {len(runs)}, the loop {loop_s:.3f} s"
    return ""


def _floors(result: Result) -> Found:
    runs = result.runs
    ours = median(runs, "cpu_us", "winback")
    yield "cpu_us_per_event", ours
    yield "events_per_s", median(runs, "records_per_s", "winback")
    yield "broker_cpu_us_per_event", median(runs, "broker_us", "winback")
    yield "first_event_s", median(runs, "first_s", "winback")
    written = [run.volumes[CHANGELOG] for run in runs if CHANGELOG in run.volumes]
    if written:
        yield (
            "changelog_bytes_per_event",
            statistics.median(volume.records * volume.bytes_each for volume in written),
        )
    for kind in ("columns", "aiokafka", "confluent"):
        yield f"floor_us:{kind}", median(runs, "cpu_us", f"floor-{kind}")
    yield "floor_distance", ours / median(runs, "cpu_us", f"floor-{FLOOR}")


def _peers(result: Result) -> Found:
    ours = median(result.runs, "cpu_us", "winback")
    yield OURS[result.section], ours
    for name in (*LEAST, *OTHERS):
        theirs = median(result.runs, "cpu_us", name)
        yield f"peer_us:{name}", theirs
        yield f"peer_ratio:{name}", theirs / ours


def _workers(result: Result) -> Found:
    one, two = (
        {name: median(result.runs, name, "winback", workers=count)
         for name in ("cpu_us", "records_per_s")}
        for count in (1, 2)
    )  # fmt: skip
    yield "workers_cpu", two["cpu_us"] / one["cpu_us"]
    yield "workers_wall", two["records_per_s"] / one["records_per_s"]


def _users(result: Result) -> Found:
    yield "cpu_us_per_event_few", median(result.runs, "cpu_us", "few")
    yield "cpu_us_per_event_many", median(result.runs, "cpu_us", "many")
    yield "broker_cpu_us_per_event_many", median(result.runs, "broker_us", "many")
    yield "first_event_many_s", median(result.runs, "first_s", "many")
    yield (
        "worker_bytes_per_user",
        median(result.runs, "rss_mb", "many") * 1e6 / result.facts.get("many", math.nan),
    )


def _skew(result: Result) -> Found:
    alike = median(result.runs, "records_per_s", "uniform")
    for kind in ("hot", "zipf", "partition"):
        yield f"skew_{kind}", median(result.runs, "records_per_s", kind) / alike


def _latency(result: Result) -> Found:
    facts = result.facts
    yield "touch_latency_p50_ms", facts["rate.touch_p50"]
    yield "touch_latency_p99_ms", facts["rate.touch_p99"]
    yield "touch_latency_p999_ms", facts["rate.touch_p99.9"]
    yield "revoke_latency_p99_ms", facts["rate.revoke_p99"]


def _paced(result: Result) -> Found:
    for share in PACES:
        for name, field in (
            ("p50_ms", "touch_p50"), ("p99_ms", "touch_p99"), ("p999_ms", "touch_p99.9"),
            ("cpu_us", "cpu_us_per_event"),
        ):  # fmt: skip
            yield f"paced_{share}_{name}", result.facts[f"at{share}.{field}"]


RECKONINGS = {
    "floors": _floors, "peers": _peers, "singly": _peers, "workers": _workers, "users": _users,
    "skew": _skew, "latency": _latency, "paced": _paced,
}  # fmt: skip
"""Section to what follows from it."""
