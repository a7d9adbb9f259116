"""What is to be tested, and how the provider of a run behaves."""

from pathlib import Path
from typing import NamedTuple

from winback_sender.clock import now_ms
from winback_sender.cluster import Cluster
from winback_sender.conformance.plan import Plan, Story
from winback_sender.conformance.stands import Stand
from winback_sender.conformance.wire import Topics
from winback_sender.standins.stand_in import Fate, Turn


class Order(NamedTuple):
    """What to test.

    Attributes:
        command: Starts the sender; empty = it runs elsewhere, and is only watched.
        cluster: Where Kafka is.
        topics: Those to use; None = its own, made and deleted.
        name: Of this run; no other has it.
        plan: What to do to it.
        stand: The provider.
        instances: Processes of the sender at the start.
        folder: For the sender's state and logs.
        port: Of the provider; 0 = any.
    """

    command: str
    cluster: Cluster
    topics: Topics | None
    name: str
    plan: Plan
    stand: Stand
    instances: int
    folder: Path
    port: int = 0

    @property
    def group(self) -> str:
        """The consumer group of the sender."""
        return f"{self.name}-sender"


class Mood:
    """How the provider behaves: as planned.

    Args:
        plan: Of the run.
        start_ms: When it begins, epoch ms UTC.
    """

    def __init__(self, plan: Plan, start_ms: int) -> None:
        self._touches = {touch.touch_id: touch for touch in plan.touches}
        self._start_ms = start_ms
        self._turned_away: dict[str, int] = {}

    def turn(self, touch_id: str, tried: int) -> Turn:
        """Return what a call meets: turned away for a while, then what is planned, then well."""
        touch = self._touches.get(touch_id)
        if touch is None:
            return Turn()
        if touch.closed_s and now_ms() < self._start_ms + touch.closed_s * 1_000:
            self._turned_away[touch_id] = tried + 1
            return touch.turn._replace(fate=Fate.THROTTLED)
        if tried == self._turned_away.get(touch_id, 0):
            return touch.turn
        return touch.turn._replace(fate=Fate.OK)


def address_book(plan: Plan, stand: Stand) -> dict[str, str]:
    """Return whose address is what, as the company's system has it; who is missing has none."""
    forms = stand.addresses
    book = {}
    for touch in plan.touches:
        address = forms.of(touch.number)
        if touch.story is Story.ODD_ADDRESS and forms.odd is not None:
            address = forms.odd(touch.number)
        elif touch.story is Story.BAD_ADDRESS:
            address = forms.bad
        if touch.story is not Story.NO_ADDRESS:
            book[touch.user_id] = address
    return book
