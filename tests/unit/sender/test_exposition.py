"""The text of a scrape is to the byte what Prometheus' own library makes of the same registry."""

import math

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.openmetrics.exposition import generate_latest

from winback_sender.exposition import open_metrics

texts = st.text(max_size=12)
numbers = st.floats(allow_nan=False, width=64)


@given(
    st.text(min_size=1, max_size=30),
    st.dictionaries(st.tuples(texts, texts), numbers, max_size=6),
    st.lists(st.floats(0, 1e9), max_size=6),
    st.from_regex(r"[A-Z2-7]{1,32}", fullmatch=True),
)
def test_it_is_what_the_library_writes(
    says: str, gauges: dict[tuple[str, str], float], seen: list[float], touch_id: str
) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("winback_users", says, ("topic", "partition"), registry=registry)
    for (topic, partition), value in gauges.items():
        gauge.labels(topic=topic, partition=partition).set(value)
    counter = Counter("winback_records_total", "Records.", ("reason",), registry=registry)
    histogram = Histogram("winback_seconds", "Seconds.", registry=registry, buckets=(0.5, 1.0, 5.0))
    for value in seen:
        counter.labels("bad").inc(value)
        histogram.observe(value, {"touch_id": touch_id})
    for value in (math.inf, -math.inf, math.nan):
        gauge.labels("edge", str(value)).set(value)
    assert open_metrics(registry) == generate_latest(registry)
