"""What is promised of the lane: CPU per event, latency, and what skew costs."""

from __future__ import annotations

from typing import Final

from benchmarks.promise import Promise

LANE: Final[dict[str, Promise]] = {
    "cpu_us_per_event": Promise(
        "whole pipeline, one worker, backlog: CPU per event", "µs", "<=", 12
    ),
    "events_per_s": Promise("the same run: throughput", "events/s"),
    "broker_cpu_us_per_event": Promise("the same run: CPU of the broker per event", "µs"),
    "lane_us_per_event": Promise(
        "the lane alone: a worker with filler in place of the core, CPU per event", "µs", "<=", 3.5
    ),
    "touch_latency_p99_ms": Promise(
        "event to touch on the topic, p99 at 10,000 events/s", "ms", "<=", 250
    ),
    "touch_latency_p50_ms": Promise("the same run: median", "ms"),
    "revoke_latency_p99_ms": Promise(
        "return of a user to touch.revoked, p99, same run", "ms", "<=", 500
    ),
}
