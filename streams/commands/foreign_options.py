"""What commands share that read other people's topics."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from streams.settings import Settings

if TYPE_CHECKING:
    from streams.replay.origins import Origin


def bootstrap_of(settings: Settings, *, is_local: bool) -> str:
    """Return where Kafka is."""
    from streams.runtime.bootstrap import resolve_bootstrap  # noqa: PLC0415 (quick --help)

    return resolve_bootstrap(settings, os.environ, is_local=is_local)


@contextmanager
def topic_origin(
    bootstrap: str, topic: str, count: int | None, *, is_oldest: bool = False
) -> "Iterator[Origin]":
    """Give the records of a topic; Kafka is left afterwards."""
    from streams.replay.origins import Origin  # noqa: PLC0415 (quick --help)
    from streams.runtime.topic_sample import TopicSample  # noqa: PLC0415

    with TopicSample(bootstrap, topic, count, is_oldest=is_oldest) as sample:
        yield Origin(topic, topic, sample, sample.partitions)
