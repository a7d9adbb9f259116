"""A sender on a topic that gets more partitions while it runs."""

from collections.abc import Callable
from typing import Any

import pytest
from kafka.admin import NewPartitions

from tests.integration.sender.deployment import Deployment
from tests.integration.sender.test_sender import until
from winback_sender.cluster import Cluster
from winback_sender.doorstep import admin_client
from winback_sender.engine import reader
from winback_sender.engine.news import Assigned, Leaving
from winback_sender.engine.reader import Reader

pytestmark = pytest.mark.kafka


def test_new_partitions_are_read_although_the_poll_ends_while_it_joins(
    deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "POLL_MS", 5)  # far shorter than a join takes
    monkeypatch.setattr(reader, "METADATA_MS", 500)
    settings = deploy().settings
    news: list[Any] = []

    def tell(one: Any) -> None:
        news.append(one)
        if isinstance(one, Leaving):
            reading.let_go({})

    reading = Reader(
        Cluster.plain(settings.kafka_bootstrap), f"{settings.app_id}-grows",
        settings.topic_touches, 6.0, "journal", adopts=False, tell=tell,
    )  # fmt: skip

    def owned() -> set[int]:
        return {one.partition for one in news if isinstance(one, Assigned)}

    reading.start()
    try:
        until(lambda: owned() == {0, 1, 2, 3})
        with admin_client(Cluster.plain(settings.kafka_bootstrap)) as client:
            client.create_partitions({settings.topic_touches: NewPartitions(6)})
        until(lambda: owned() == {0, 1, 2, 3, 4, 5})
    finally:
        reading.stop(20)
