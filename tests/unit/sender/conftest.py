"""A desk with a journal on disk, and what it delivered."""

from collections.abc import Callable
from pathlib import Path

import pytest

from winback_sender.clock import Clock, EventClock
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status
from winback_sender.desk import Desk
from winback_sender.journal import Journal
from winback_sender.receipt import Receipt

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
