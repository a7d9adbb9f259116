"""What a sender does when its partitions go to another one."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError

from streams.settings import load_settings
from tests.unit.sender.letters import letters, touch
from winback_sender.contract.words import Status
from winback_sender.desk import Desk
from winback_sender.feedback import Feedback
from winback_sender.receipt import Receipt
from winback_sender.worker import Rebalance, Sender

MakeDesk = Callable[..., tuple[Desk, list[str]]]
OURS = [TopicPartition("win-back", 0)]


def test_what_is_finished_is_committed_before_it_is_forgotten(make_desk: MakeDesk) -> None:
    desk, _ = make_desk()
    list(desk.handle(letters(touch("t1"))))
    committed: list[dict[int, int]] = []

    async def commit() -> None:
        committed.append(desk.take_finished())

    asyncio.run(Rebalance(desk, commit).on_partitions_revoked(OURS))
    assert committed == [{0: 1}]
    assert desk.take_finished() == {}


def test_a_commit_that_fails_keeps_nothing_on_the_desk(make_desk: MakeDesk) -> None:
    async def commit() -> None:
        raise KafkaTimeoutError

    desk, _ = make_desk()
    list(desk.handle(letters(touch("t1"))))
    asyncio.run(Rebalance(desk, commit).on_partitions_revoked(OURS))
    assert desk.take_finished() == {}


def test_lost_partitions_are_not_committed(make_desk: MakeDesk) -> None:
    async def commit() -> None:
        pytest.fail("they are not ours")

    desk, _ = make_desk()
    list(desk.handle(letters(touch("t1"))))
    asyncio.run(Rebalance(desk, commit).on_partitions_lost(OURS))
    assert desk.take_finished() == {}


class NoKafka:
    """A consumer with one touch, and a producer that cannot write."""

    def __init__(self) -> None:
        self.committed: list[Any] = []

    def poll(self, **_: object) -> dict[str, list[Any]]:
        return {}

    def send(self, *_: object, **__: object) -> None:
        raise KafkaTimeoutError

    def commit(self, offsets: Any) -> None:
        self.committed.append(offsets)

    async def commit_async(self, offsets: Any) -> None:
        self.committed.append(offsets)


def test_a_sender_that_owes_feedback_commits_nothing(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing the consumer revokes the partitions: whoever reads on must find the touch again."""
    desk, _ = make_desk()
    list(desk.handle(letters(touch("t1"))))
    monkeypatch.setattr(
        desk, "handle", lambda *_: iter([Feedback("t1", "ada", Receipt(Status.DELIVERED), 1)])
    )
    sender, kafka = Sender(load_settings({}), "127.0.0.1:1", "console", desk), NoKafka()
    with pytest.raises(KafkaTimeoutError):
        sender._turn(kafka, kafka, lambda: False)
    asyncio.run(sender._commit_last(kafka))
    sender._commit(kafka)
    assert kafka.committed == []
