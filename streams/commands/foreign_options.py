"""What commands share that read other people's topics."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from streams.settings import Settings

if TYPE_CHECKING:
    from streams.replay.origins import Origin
    from winback_sender.cluster import Cluster


def kafka_of(settings: Settings, *, is_local: bool) -> "Cluster":
    """Return where Kafka is."""
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415 (quick --help)

    return resolve_cluster(settings, os.environ, is_local=is_local)


@contextmanager
def topic_origin(
    cluster: "Cluster", topic: str, count: int | None, *, is_oldest: bool = False
) -> "Iterator[Origin]":
    """Give the records of a topic; Kafka is left afterwards."""
    from streams.replay.origins import Origin  # noqa: PLC0415 (quick --help)
    from streams.runtime.topic_sample import TopicSample  # noqa: PLC0415

    with TopicSample(cluster, topic, count, is_oldest=is_oldest) as sample:
        yield Origin(topic, topic, sample, sample.partitions)
