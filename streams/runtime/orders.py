"""Orders of operators, carried out on the models."""

from typing import Final

import msgspec

from models.catalogue import GUEST
from models.roster import Roster
from models.snapshot import FORMAT, Keys, Snapshot, SnapshotRefused
from streams.core.teaching import ModelOrder
from streams.core.time import iso
from streams.orders import KEPT, STALE_AFTER_MS, Action, Handled, Orders, given_ms, is_signed
from streams.runtime.metrics import Metric, Metrics
from winback_sender.logs import get_logger

log = get_logger(__name__)

GUESTS_MAX: Final = 4
"""Guests that may play: what is kept of each model has to fit into one record."""


class OrderRefusedError(Exception):
    """An order cannot be carried out; the message says why."""


class OrderBook:
    """Carries out orders, each of them once, and remembers what came of them.

    Args:
        roster: The models.
        keys: That orders may be signed with.
        metrics: Where they are counted.

    Attributes:
        orders: The newest.
    """

    def __init__(self, roster: Roster, keys: Keys, metrics: Metrics) -> None:
        self.orders = Orders()
        self._roster = roster
        self._keys = keys
        self._metrics = metrics

    def carry_out(self, order: ModelOrder, made_ms: int) -> None:
        """Carry out an order, or say why not.

        Args:
            order: As it stands on the topic.
            made_ms: Timestamp of its record, epoch ms UTC.
        """
        try:
            at_ms = self._timely_ms(order, made_ms)
        except OrderRefusedError as refused:  # Not from an operator of now: nobody waits for it.
            self._tell(order, str(refused), is_done=False)
            return
        try:
            is_done, said = True, self._done(order)
        except OrderRefusedError as refused:
            is_done, said = False, str(refused)
        handled = Handled(order.mac, order.action, order.name, order.ordered_at, is_done, said)
        self.orders = Orders(at_ms, (*self.orders.handled, handled)[-KEPT:])
        self._tell(order, said, is_done=is_done)

    def _tell(self, order: ModelOrder, said: str, *, is_done: bool) -> None:
        if is_signed(order, self._keys):
            tell = log.info if is_done else log.warning
            event = "order_carried_out" if is_done else "order_refused"
            tell(event, action=order.action, model=order.name, ordered_at=order.ordered_at,
                 said=said)  # fmt: skip
        else:
            log.warning("order_refused", said=said)  # What else it says is anybody's.
        action = order.action if order.action in set(Action) else "unknown"
        outcome = "done" if is_done else "refused"
        self._metrics.add(Metric.MODEL_ORDERS, action=action, outcome=outcome)

    def _timely_ms(self, order: ModelOrder, made_ms: int) -> int:
        """Return when an order was given.

        Raises:
            OrderRefusedError: It is not signed, or not of now.
        """
        if not is_signed(order, self._keys):
            raise OrderRefusedError("its signature is made with another key, or it was changed")
        try:
            at_ms = given_ms(order)
        except ValueError as error:
            raise OrderRefusedError(str(error)) from error
        if at_ms <= self.orders.last_ms:
            raise OrderRefusedError(f"one of {iso(self.orders.last_ms)} has been carried out")
        if abs(made_ms - at_ms) > STALE_AFTER_MS:
            raise OrderRefusedError(f"it came to the topic at {iso(made_ms)}")
        return at_ms

    def _done(self, order: ModelOrder) -> str:
        """Do what is ordered and return what has changed.

        Raises:
            OrderRefusedError: It cannot be done.
        """
        roster, before = self._roster, self._roster.champion
        why = f"ordered by an operator at {order.ordered_at}"
        try:
            match order.action:
                case Action.PROMOTE:
                    if order.name not in roster.models:
                        raise OrderRefusedError(f"no model is called {order.name}")
                    roster.promote(order.name, roster.queue.newest_ms, why)
                case Action.ROLLBACK:
                    roster.rollback(roster.queue.newest_ms)
                case Action.ADD:
                    return self._added(order)
                case _:
                    raise OrderRefusedError("there is no such order")
        except ValueError as error:
            raise OrderRefusedError(str(error)) from error
        if roster.champion == before:
            return f"{before} is the champion already"
        return f"{roster.champion} is the champion instead of {before}"

    def _added(self, order: ModelOrder) -> str:
        roster = self._roster
        others = roster.models.keys() - {order.name}
        if sum(name.startswith(GUEST) for name in others) >= GUESTS_MAX:
            raise OrderRefusedError(f"{GUESTS_MAX} guests play already")
        try:
            snapshot = msgspec.json.decode(order.body, type=Snapshot)
        except msgspec.DecodeError as error:
            raise OrderRefusedError(f"its model cannot be read: {error}") from error
        if (snapshot.name, snapshot.format) != (order.name, FORMAT):
            raise OrderRefusedError(f"its model is {snapshot.name}, format {snapshot.format}")
        try:
            roster.enter(snapshot)
        except SnapshotRefused as refused:
            raise OrderRefusedError(str(refused)) from refused
        return f"{order.name} plays"
