"""The troubles of a run: what is done to the sender and to its provider while they work."""

import time
from collections.abc import Callable
from typing import Final

from winback_sender.clock import now_ms
from winback_sender.conformance.evidence import Away
from winback_sender.conformance.fleet import Fleet
from winback_sender.conformance.order import Order
from winback_sender.conformance.plan import Due, Trouble
from winback_sender.conformance.wire import reset_offsets
from winback_sender.standins.stand_in import StandIn

GAP_S: Final = 1.0
"""Between two troubles, so that each meets a sender at work."""
IMPATIENCE_S: Final = 6.0
"""A sender that stands still for so long gets the next trouble all the same."""
DOWN_S_MAX: Final = 2.0
GROUP_GRACE_S: Final = 10.0
"""Kafka takes who was killed for alive until the session is over, and then a little longer."""


class Havoc:
    """Does what is planned when its time has come.

    Args:
        order: What is tested.
        fleet: The sender.
        stand_in: The provider.
        topic: Of the touches.
        session_s: Session time-out of the group.
        say: Tells what is done.
    """

    def __init__(
        self,
        order: Order,
        fleet: Fleet,
        stand_in: StandIn,
        *,
        topic: str,
        session_s: float,
        say: Callable[[str], None],
    ) -> None:
        self._order, self._fleet, self._stand_in = order, fleet, stand_in
        self._topic, self._session_s, self._say = topic, session_s, say
        self._due = list(order.plan.troubles)
        self._last_s = time.monotonic()
        self._joined = 0
        self._back_s: float | None = None
        self.notes: list[str] = []
        self.away: list[Away] = []
        self._deeds: Final[dict[Trouble, Callable[[float], None]]] = {
            Trouble.KILL: self._kill,
            Trouble.RESTART: self._restart,
            Trouble.JOIN: self._join,
            Trouble.LEAVE: self._leave,
            Trouble.PROVIDER_AWAY: self._provider_away,
            Trouble.REDELIVER: self._redeliver,
        }

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be done."""
        return not self._due and self._back_s is None

    def beat(self, share: float, still_s: float) -> None:
        """Do what is due when a share of the work is done; the sender stood still for so long."""
        now_s = time.monotonic()
        if self._back_s is not None and now_s >= self._back_s:
            self._back_s = None
            self._stand_in.come_back()
            self.away[-1] = self.away[-1]._replace(to_ms=now_ms())
        if not self._due or self._back_s is not None or now_s - self._last_s < GAP_S:
            return
        if share >= self._due[0].share or min(still_s, now_s - self._last_s) >= IMPATIENCE_S:
            self._do(self._due.pop(0))
            self._last_s = time.monotonic()

    def _do(self, due: Due) -> None:
        self._say(due.trouble)
        self._deeds[due.trouble](due.chance)

    def _kill(self, chance: float) -> None:
        if names := self._fleet.names:
            name = names[int(chance * len(names))]
            self._fleet.kill(name)
            self._fleet.start(name, DOWN_S_MAX * chance)

    def _restart(self, chance: float) -> None:
        if names := self._fleet.names:
            name = names[int(chance * len(names))]
            self._fleet.stop(name)
            self._fleet.start(name, DOWN_S_MAX * chance)  # As soon as it has ended.

    def _join(self, chance: float) -> None:
        del chance
        self._joined += 1
        name = f"joined-{self._joined}"
        self._stand_in.callback_urls = (
            *self._stand_in.callback_urls, self._fleet.callback_url(name)
        )  # fmt: skip
        self._fleet.start(name)

    def _leave(self, chance: float) -> None:
        names = self._fleet.names
        if len(names) > 1:
            self._fleet.stop(names[int(chance * len(names))])

    def _provider_away(self, chance: float) -> None:
        self.away.append(Away(now_ms(), now_ms()))
        self._stand_in.go_away()
        self._back_s = time.monotonic() + DOWN_S_MAX * chance

    def _redeliver(self, chance: float) -> None:
        names = self._fleet.names
        self._fleet.kill_all()
        within_s = self._session_s + GROUP_GRACE_S
        problem = reset_offsets(
            self._order.cluster, self._order.group, self._topic, chance, within_s
        )
        if problem:
            self.notes.append(problem)
        for name in names:
            self._fleet.start(name)
