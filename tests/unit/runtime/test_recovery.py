"""A restore believes a broker that answers, and no silence."""

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from streams.runtime import recovery
from streams.runtime.columns import Columns
from streams.runtime.recovery import SILENT_MAX, Read, _read_to

LOG = TopicPartition("users-changelog", 0)


class FakeConsumer:
    """ListOffsets works; fetches are answered (with nothing) when the test says so."""

    def __init__(self, *, answers: bool) -> None:
        self._fetcher: Any = None
        self._answers = answers
        self._polls = 0

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 10)

    async def position(self, _partition: TopicPartition) -> int:
        return 7

    def last_poll_timestamp(self, _partition: TopicPartition) -> int | None:
        self._polls += self._answers
        return self._polls or None

    def last_stable_offset(self, _partition: TopicPartition) -> int | None:
        return 10 if self._answers else None


def read(
    monkeypatch: pytest.MonkeyPatch, consumer: FakeConsumer, received: list[Columns]
) -> tuple[dict[bytes, bytes | None], int]:
    """Return what was read, and in how many rounds."""
    rounds = 0

    def take(_fetcher: object, _is_wanted: object) -> dict[TopicPartition, Columns]:
        return {LOG: received.pop(0)} if received else {}

    async def wait(_fetcher: object, _timeout_s: float) -> bool:
        nonlocal rounds
        rounds += 1
        return bool(received)

    monkeypatch.setattr(recovery, "take_fetched", take)
    monkeypatch.setattr(recovery, "wait_fetched", wait)
    found = Read({0: {}}, {0: 10}, {0: 0}, set())
    asyncio.run(_read_to(consumer, {LOG}, {LOG: 10}, found))
    return found.contents[0], rounds


def piece(start: int, next_offset: int) -> Columns:
    return Columns(start, next_offset, [b"ada"], [b"%d" % start], [start], [0])


@pytest.mark.parametrize("received", [[], [piece(0, 7)]], ids=["nothing", "half"])
def test_fetches_that_are_never_answered_do_not_make_a_state(
    monkeypatch: pytest.MonkeyPatch, received: list[Columns]
) -> None:
    """A lane that started empty, or with half of it, would write over what is good."""
    with pytest.raises(KafkaTimeoutError, match="no fetch was answered"):
        read(monkeypatch, FakeConsumer(answers=False), list(received))


def test_a_log_whose_end_is_gone_is_read_as_far_as_it_goes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    content, rounds = read(monkeypatch, FakeConsumer(answers=True), [piece(0, 7)])
    assert content == {b"ada": b"0"}
    assert rounds < SILENT_MAX
    assert "changelog_ends_early" in caplog.text


def test_what_is_read_to_its_end_needs_no_further_round(monkeypatch: pytest.MonkeyPatch) -> None:
    content, rounds = read(monkeypatch, FakeConsumer(answers=False), [piece(0, 7), piece(7, 10)])
    assert (content, rounds) == ({b"ada": b"7"}, 1)
