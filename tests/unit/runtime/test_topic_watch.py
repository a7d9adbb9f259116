"""A topic that is deleted, or widened, under a worker."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from streams.errors import Unavailable, UserError
from streams.runtime import topic_check, topic_watch
from streams.runtime.topic_check import HIDDEN, found_counts, partition_counts
from streams.runtime.topic_watch import watch_topics
from winback_sender.cluster import Cluster

COUNTS = {"user-activity": 4, "win-back": 4}
GONE = COUNTS | {"user-activity": 0}
UNSEEN = COUNTS | {"user-activity": HIDDEN}
WIDENED = COUNTS | {"user-activity": 6}


class OverError(Exception):
    """Nothing more is to be seen."""


def watched(monkeypatch: pytest.MonkeyPatch, *looks: dict[str, int] | Exception) -> None:
    left: Iterator[dict[str, int] | Exception] = iter(looks)

    async def found(_cluster: Cluster, topics: list[str]) -> dict[str, int]:
        assert topics == list(COUNTS)
        look = next(left, OverError())
        if isinstance(look, Exception):
            raise look
        return look

    monkeypatch.setattr(topic_watch, "found_counts", found)
    monkeypatch.setattr(topic_watch, "LOOK_EVERY_S", 0.0)
    asyncio.run(watch_topics(Cluster.plain("nowhere:1"), COUNTS))


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (GONE, "user-activity is gone: it was deleted"),
        (UNSEEN, "user-activity is hidden: .* may not see it any more"),
        (WIDENED, "has 6 partitions, but had 4"),
    ],
)
def test_what_is_seen_twice_stops_the_worker(
    seen: dict[str, int], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=words) as caught:
        watched(monkeypatch, COUNTS, seen, seen)
    assert caught.value.exit_code == 1


def test_what_is_seen_once_and_a_broker_that_is_away_are_borne(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(OverError):
        watched(monkeypatch, GONE, COUNTS, Unavailable("away", ""), GONE, WIDENED, COUNTS)


def test_kafkas_no_is_not_taken_for_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a name that is asked for, Kafka says 29 to who may not see it, whether it is there."""

    async def described(_cluster: Cluster, _topics: list[str]) -> list[dict[str, Any]]:
        return [
            {"topic": "seen", "error_code": 0, "partitions": [0, 1]},
            {"topic": "none", "error_code": 3, "partitions": []},
            {"topic": "secret", "error_code": 29, "partitions": []},
        ]

    monkeypatch.setattr(topic_check, "_described", described)
    cluster, names = Cluster.plain("nowhere:1"), ("seen", "none", "secret")
    found = asyncio.run(found_counts(cluster, list(names)))
    assert found == {"seen": 2, "none": 0, "secret": HIDDEN}
    with pytest.raises(UserError, match="does not let this user see topic secret") as refused:
        asyncio.run(partition_counts(cluster, (), names, alone=()))
    assert "winback topics acls" in refused.value.hint
