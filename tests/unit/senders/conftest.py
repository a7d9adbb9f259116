"""A desk with a journal on disk, and what it delivered."""

from collections.abc import Callable
from pathlib import Path

import pytest

from streams.core.messages import TouchRequested
from streams.senders.clock import Clock, EventClock
from streams.senders.desk import Desk
from streams.senders.journal import Journal
from streams.senders.receipt import Receipt, Status

MakeDesk = Callable[..., tuple[Desk, list[str]]]


@pytest.fixture
def make_desk(tmp_path: Path) -> MakeDesk:
    """Return a maker of desks that share one journal, as a sender and its next start do."""

    def make(
        deliver: Callable[[TouchRequested], Receipt] | None = None,
        clock: Clock | None = None,
    ) -> tuple[Desk, list[str]]:
        sent: list[str] = []

        def send(touch: TouchRequested) -> Receipt:
            sent.append(touch.touch_id)
            return Receipt(Status.DELIVERED) if deliver is None else deliver(touch)

        return Desk(send, Journal(tmp_path / "journal.sqlite"), clock or EventClock()), sent

    return make
