"""Records of ours never lie ahead: topics that hold people refuse what does."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import InvalidTimestampError

from streams.errors import Exit, UserError
from streams.runtime import dead_letter_desk
from streams.runtime.dead_letter_desk import Desk
from streams.runtime.dead_letter_sends import Send
from streams.runtime.letters import Place
from streams.runtime.worker import readable
from winback_sender.contract.messages import Output

NOW_MS = 1_800_000_000_000


class Dated:
    """A producer that remembers the dates it was given."""

    def __init__(self) -> None:
        self.dates: list[int | None] = []

    async def send(self, *_: object, timestamp_ms: int | None, **__: object) -> Any:
        self.dates.append(timestamp_ms)
        return asyncio.get_running_loop().create_future()


def test_a_letter_that_was_dated_ahead_is_replayed_as_of_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dead_letter_desk, "now_ms", lambda: NOW_MS)
    producer, place = Dated(), Place("dead", 0, 1)

    async def story() -> None:
        for at_ms in (NOW_MS + 86_400_000, NOW_MS - 5, 0):
            send = Send("win-back-feedback", 0, Output(b"ada", b"{}", []), at_ms)
            await Desk._send(producer, send, 0, place)

    asyncio.run(story())
    assert producer.dates == [NOW_MS, NOW_MS - 5, None]


def test_a_worker_whose_clock_is_far_ahead_is_told_and_has_lost_nothing() -> None:
    """The refusal is not weather: it is not tried again for ever."""
    error = InvalidTimestampError()
    error.add_note("topic win-back")
    said = readable(error)
    assert isinstance(said, UserError)
    assert said.exit_code == Exit.FAILED
    assert "InvalidTimestampError" in said.message
    assert "topic win-back" in said.message
    assert "Nothing is lost" in said.hint
