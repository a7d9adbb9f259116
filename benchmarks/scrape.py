"""What a scrape costs: /metrics of a worker with every series that it can have.

    python -m benchmarks.scrape [--partitions 64] [--scrapes 300]

Every metric of the catalogue has every value of its labels: a worker that owns all partitions of
five topics with three clocks, has seen every reason, and shows the models of a learner as well. It
is asked over HTTP as Prometheus asks, in OpenMetrics. The answer is made on the event loop of the
worker, so its time is time in which nothing else is done.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from itertools import product
from typing import Final
from urllib.request import Request, urlopen

from benchmarks import figures
from models.catalogue import CATALOGUE
from models.snapshot import Phase
from streams.core.controls import Mode
from streams.core.decoded import RejectReason
from streams.core.rulings import Ruling
from streams.core.sizes import ASLEEP, BANDS
from streams.runtime.health import Health, HealthServer
from streams.runtime.metrics import METRICS, Metrics
from streams.runtime.model_meter import ALARMS
from streams.runtime.pipeline import SKIPPED

ACCEPT: Final = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
TOPICS: Final = tuple(f"topic-{number}" for number in range(5))
CHANNELS: Final = ("sms", "wechat", "wecom", "call", "push", "mail")
MEASURES: Final = ("base_rate", "mean", "auc", "ap", "brier", "log_loss", "ece", "ece_floor")
LABELS: Final[dict[str, tuple[object, ...]]] = {
    "topic": TOPICS, "clock": TOPICS[:3], "channel": CHANNELS, "mode": tuple(Mode),
    "band": (*BANDS, ASLEEP), "model": (*CATALOGUE, "served"), "measure": MEASURES,
    "phase": tuple(Phase), "alarm": ALARMS, "bin": tuple(range(10)), "arm": ("treated", "held_out"),
    "playbook": tuple(f"playbook-{number}" for number in range(8)), "variant": ("a", "b", "c"),
    "kind": ("opening", "outcome", "episode"), "version": ("1",), "service": ("pipeline",),
    "outcome": ("returned", "converted", "exhausted", "opted_out", "erased", "expired"),
    "status": ("accepted", "sent", "delivered", "failed", "clicked", "replied", "opted_out",
               "handled", "unknown"),
    "what": tuple(f"what-{number}" for number in range(12)), "part": ("a", "b", "c", "d"),
    "result": ("written", "used", "ignored", "failed"), "action": ("promote", "rollback", "reset"),
}  # fmt: skip
REASONS: Final[dict[str, tuple[object, ...]]] = {
    "winback_records_rejected_total": tuple(RejectReason),
    "winback_records_skipped_total": tuple(SKIPPED),
    "winback_decisions_total": tuple(Ruling),
    "winback_model_snapshots_refused_total": tuple(f"reason-{number}" for number in range(8)),
}


def filled(partitions: int) -> Metrics:
    """Return the instruments of a worker that has seen everything."""
    metrics = Metrics()
    values = LABELS | {"partition": tuple(range(partitions))}
    for metric, spec in METRICS.items():
        names = [REASONS[metric] if label == "reason" else values[label] for label in spec.labels]
        for found in product(*names):
            labels = dict(zip(spec.labels, found, strict=True))
            if spec.kind == "histogram":
                assert not labels
                metrics.observe_of(metric, 0.3, touch_id="t" * 32)
            elif spec.kind == "counter":
                metrics.add(metric, 12_345.0, **labels)
            else:
                metrics.set(metric, 1_700_000_000.123, **labels)
    return metrics


def asked(port: int, scrapes: int) -> tuple[list[float], int]:
    """Return the milliseconds of each scrape, and how many series a page has."""
    request = Request(f"http://127.0.0.1:{port}/metrics", None, {"Accept": ACCEPT})
    took_ms, page = [], ""
    for _ in range(scrapes):
        began_s = time.perf_counter()
        with urlopen(request) as answer:
            page = answer.read().decode()
        took_ms.append((time.perf_counter() - began_s) * 1e3)
        time.sleep(0.005)
    return took_ms, sum(not line.startswith("#") for line in page.splitlines())


async def measured(metrics: Metrics, scrapes: int) -> tuple[list[float], int, float]:
    """Return what `asked` does, and the CPU of the event loop for one scrape, ms."""
    health = Health(is_ready=True, is_waiting=False, progress=1, facts={})
    server = HealthServer("127.0.0.1", 0, "", metrics, lambda: health)
    port = await server.start()
    began_s = time.thread_time()
    took_ms, series = await asyncio.to_thread(asked, port, scrapes)
    cpu_ms = (time.thread_time() - began_s) * 1e3 / scrapes
    await server.stop()
    return took_ms, series, cpu_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--partitions", type=int, default=64)
    parser.add_argument("--scrapes", type=int, default=300)
    given = parser.parse_args()
    metrics = filled(given.partitions)
    took_ms, series, cpu_ms = asyncio.run(measured(metrics, given.scrapes))
    note = (
        f"{given.partitions} partitions, {len(TOPICS)} topics, {given.scrapes} scrapes, "
        f"p99 {statistics.quantiles(took_ms, n=100)[98]:.1f} ms"
    )
    figures.show([
        figures.record("scrape_ms", statistics.median(took_ms), note=note),
        figures.record("scrape_cpu_ms", cpu_ms, note=note),
        figures.record("scrape_series", series, note=note),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
