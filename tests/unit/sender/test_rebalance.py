"""What a sender does when its partitions go to another one."""

import asyncio
from collections.abc import Iterator, Mapping
from threading import Event
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError

from winback_sender.engine import rebalance
from winback_sender.engine.news import Gone, Leaving
from winback_sender.engine.rebalance import Rebalance

OURS = [TopicPartition("win-back", 0)]


class Kafka:
    """Takes commits, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.committed: list[Mapping[int, int]] = []
        self.news: list[Leaving | Gone] = []
        self.stopping = Event()
        self._error = error
        self.listener = Rebalance(self.commit, self.news.append, self.stopping)

    async def commit(self, offsets: Mapping[int, int]) -> None:
        self.committed.append(offsets)
        if self._error is not None:
            raise self._error


def step(coroutine: Any, turns: int) -> bool:
    """Run a coroutine of the client's own event loop for some pauses; return whether it ended."""
    awaiting: Iterator[Any] = coroutine.__await__()
    return any(next(awaiting, None) is None for _ in range(turns))


def test_what_is_done_is_committed_before_the_partition_goes() -> None:
    kafka = Kafka()
    leaving = kafka.listener.on_partitions_revoked(OURS)
    awaiting = leaving.__await__()
    next(awaiting)
    assert kafka.news == [Leaving(frozenset({0}))]
    next(awaiting)  # a touch is under way: it waits, and the client's heartbeats go on

    kafka.listener.let_go({0: 7})
    assert next(awaiting, None) is None
    assert kafka.committed == [{0: 7}]
    assert kafka.news == [Leaving(frozenset({0})), Gone(frozenset({0}))]


def test_a_provider_that_hangs_does_not_hold_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebalance, "HANDOVER_S", 0.05)
    kafka = Kafka()
    assert step(kafka.listener.on_partitions_revoked(OURS), 1_000_000)
    assert kafka.committed == []
    assert kafka.news[-1] == Gone(frozenset({0}))


def test_a_commit_that_fails_lets_go_all_the_same() -> None:
    kafka = Kafka(KafkaTimeoutError())
    awaiting = kafka.listener.on_partitions_revoked(OURS).__await__()
    next(awaiting)
    kafka.listener.let_go({0: 7})
    assert next(awaiting, None) is None
    assert kafka.news[-1] == Gone(frozenset({0}))


def test_lost_partitions_are_not_committed() -> None:
    kafka = Kafka()
    asyncio.run(kafka.listener.on_partitions_assigned([*OURS, TopicPartition("win-back", 1)]))
    asyncio.run(kafka.listener.on_partitions_lost(OURS))
    assert kafka.committed == []
    assert kafka.listener.take_fresh() == {TopicPartition("win-back", 1)}
    assert kafka.listener.take_fresh() == set()


def test_a_sender_that_ends_has_committed_already() -> None:
    kafka = Kafka()
    kafka.stopping.set()
    asyncio.run(kafka.listener.on_partitions_revoked(OURS))
    assert (kafka.news, kafka.committed) == ([], [])


def test_it_knows_how_long_the_group_has_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    kafka, now_s = Kafka(), 0.0
    monkeypatch.setattr("winback_sender.engine.rebalance.time.monotonic", lambda: now_s)
    assert kafka.listener.joining_s == 0.0
    kafka.listener.joins()
    now_s = 7.0
    assert kafka.listener.joining_s == 7.0
    asyncio.run(kafka.listener.on_partitions_assigned([]))
    assert kafka.listener.joining_s == 0.0
    asyncio.run(kafka.listener.on_partitions_revoked([]))  # one without partitions joins again
    now_s = 9.0
    assert kafka.listener.joining_s == 2.0
