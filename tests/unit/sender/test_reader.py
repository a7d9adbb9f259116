"""The reader, where the client of Kafka forgets that it was joining."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from winback_sender.cluster import Cluster
from winback_sender.engine import reader
from winback_sender.engine.news import News
from winback_sender.engine.reader import Reader

JOINS_MAX_S = 0.1


class Client:
    """A consumer without partitions; the group answers the second one alone."""

    made: list["Client"]

    def __init__(self, **_: Any) -> None:
        self.made.append(self)
        self.is_closed = False
        self.polls = 0
        self._coordinator = SimpleNamespace(rejoining=False)

    def subscribe(self, _topics: list[str], listener: Any) -> None:
        self._listener = listener

    def partitions_for_topic(self, topic: str) -> None:
        pass

    def poll(self, **_: Any) -> dict[Any, Any]:
        if self is not self.made[0] and not self.polls:
            asyncio.run(self._listener.on_partitions_assigned([]))
        self.polls += 1
        time.sleep(0.01)
        return {}

    def close(self, *, autocommit: bool) -> None:
        assert not autocommit
        self.is_closed = True


def test_a_group_that_does_not_answer_is_joined_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[News | Exception] = []
    Client.made = []
    monkeypatch.setattr(reader, "KafkaConsumer", Client)
    monkeypatch.setattr(reader, "HANDOVER_S", JOINS_MAX_S)
    cluster = Cluster.plain("kafka:9092")
    reading = Reader(cluster, "group", "win-back", 0.0, "journal", adopts=False, tell=told.append)
    reading.start()
    time.sleep(5 * JOINS_MAX_S)
    reading.stop(5.0)

    first, second = Client.made  # the second one had its answer, and is kept
    assert (first.is_closed, second.is_closed, told) == (True, True, [])
    assert second.polls > first.polls
