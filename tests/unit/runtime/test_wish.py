"""The wish to be erased finds its user, whatever the settings of whoever types it say."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from streams.core.partitioner import partition_of
from streams.runtime.erasure import wish
from streams.settings import Settings
from tests.unit.core.stories import RULES
from winback_sender.cluster import Cluster

PARTITIONS = 12


class Writer:
    """A producer of a topic with twelve partitions that keeps what it is given."""

    sent: list[tuple[bytes, int]]

    def __init__(self, **_options: object) -> None:
        type(self).sent = []

    def partitions_for(self, _topic: str) -> Iterable[int]:
        return set(range(PARTITIONS))

    def send(self, _topic: str, *, key: bytes, value: bytes, partition: int) -> Any:
        assert b"erasure" in value
        self.sent.append((key, partition))
        return SimpleNamespace(get=lambda **_: SimpleNamespace(partition=partition, offset=6))

    def flush(self, timeout: float) -> None: ...

    def close(self) -> None: ...


def test_it_goes_to_the_partition_of_the_user_of_as_many_as_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wish, "KafkaProducer", Writer)
    users = [f"user-{number}" for number in range(20)]
    settings = Settings(partitions=4)
    behind = wish.publish(Cluster.plain("127.0.0.1:1"), settings, users, RULES, 1_500_000_000_000)

    assert Writer.sent == [(user.encode(), partition_of(user, PARTITIONS)) for user in users]
    assert behind == dict.fromkeys((place for _, place in Writer.sent), 7)
