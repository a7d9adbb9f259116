"""A lane: one provider with its limits and its breaker, whatever channels it carries."""

import random
from collections.abc import Callable, Mapping
from typing import Final

from winback_sender.adapter import Adapter
from winback_sender.adapters.function import FunctionAdapter
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Why
from winback_sender.engine.breaker import Breaker
from winback_sender.engine.limits import Gate
from winback_sender.engine.retries import ASK_AFTER_S, next_ask_ms
from winback_sender.engine.tray import Waiting
from winback_sender.errors import UserError
from winback_sender.receipt import Receipt
from winback_sender.routes import EVERY

Earliest = Callable[[str, TouchRequested, int], int]
"""``(provider, touch, now_ms) -> ms``: from when on the touch may be sent; now = at once."""


def earliest_always(provider: str, touch: TouchRequested, now_ms: int) -> int:
    """Return that it may be sent now."""
    del provider, touch
    return now_ms


class Lane:
    """The way to one provider.

    Args:
        adapter: Speaks with it.
        chance: Of pauses.
        ask_for_s: So long it is asked about a touch that is unknown; 0 = never.
    """

    def __init__(self, adapter: Adapter, chance: random.Random, ask_for_s: float) -> None:
        self.adapter = adapter
        self.name: Final = adapter.name
        self.gate = Gate(adapter.limits)
        self.breaker = Breaker(chance.random)
        self.channels: list[str] = []
        can_ask = (
            adapter.can_ask
            if isinstance(adapter, FunctionAdapter)
            else type(adapter).ask is not Adapter.ask
        )
        self._ask_for_s = ask_for_s if can_ask else 0.0

    def wait_s(self, now_s: float) -> float:
        """Return how long to wait before anything is begun, seconds; 0.0 = now."""
        return self.breaker.wait_s(now_s) or self.gate.account_wait_s(now_s)

    def begin(self, template_key: str) -> None:
        """Note that a touch is begun."""
        self.breaker.begin()
        self.gate.take(template_key)

    def held_by(self, waiting: Waiting, now_s: float) -> str:
        """Return why a touch has not left that nothing of its own held back."""
        if waiting.held_by != Why.EXPIRED:
            return waiting.held_by
        if self.breaker.is_open:
            return Why.UNAVAILABLE
        return Why.OVER_LIMIT if self.gate.account_wait_s(now_s) else Why.EXPIRED

    def ask_ms(self, receipt: Receipt, asked: int, begun_ms: int, now_ms: int) -> int | None:
        """Return when the provider is asked about a touch next, epoch ms UTC; None = never.

        Args:
            receipt: What is known of the touch.
            asked: How often it was asked about with that known.
            begun_ms: When it was begun, epoch ms UTC.
            now_ms: Epoch ms UTC.
        """
        schedule_s = ASK_AFTER_S.get(receipt.status)
        if schedule_s is None or not self._ask_for_s:
            return None
        return next_ask_ms(schedule_s, asked, now_ms, begun_ms, self._ask_for_s)


class Lanes:
    """Channel to lane; an adapter that carries several channels has one lane.

    Args:
        routes: Channel to adapter; ``*`` stands for every other channel.
        chance: Of pauses.
        ask_for_s: So long a provider is asked about a touch that is unknown; 0 = never.

    Raises:
        UserError: Two adapters have the same name.
    """

    def __init__(
        self, routes: Mapping[str, Adapter], chance: random.Random, ask_for_s: float = 0.0
    ) -> None:
        made: dict[int, Lane] = {}
        self._of: dict[str, Lane] = {}
        for channel, adapter in routes.items():
            lane = made.setdefault(id(adapter), Lane(adapter, chance, ask_for_s))
            lane.channels.append(channel)
            self._of[channel] = lane
        self.all: Final = tuple(made.values())
        self._by_name: Final = {lane.name: lane for lane in self.all}
        if len(self._by_name) < len(self.all):
            raise UserError("two adapters have the same name", "give each provider a name")

    def carrying(self, channel: str) -> Lane | None:
        """Return the lane of a channel; None = it is another sender's."""
        return self._of.get(channel) or self._of.get(EVERY)

    def named(self, provider: str) -> Lane | None:
        """Return the lane of a provider; None = this sender has none."""
        return self._by_name.get(provider)
