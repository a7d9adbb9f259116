"""An order to go live is worth no more than the keys of the worker that hears it.

A start with rules that say so is refused; an order reaches a worker that runs. It is refused before
it reaches the core: no journal and no state has it, so a replay knows nothing of it either.
"""

from typing import Final

from streams.core.controls import MODE, Mode
from streams.core.inputs import Directive
from streams.errors import UserError
from streams.own_keys import demand_own_keys
from streams.runtime.metrics import Metric, Metrics
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.logs import get_logger

log = get_logger(__name__)

GO_LIVE: Final = (MODE, Mode.LIVE)


class LiveOrders:
    """Lets orders through, but for those to go live with keys that everybody has.

    Args:
        settings: Have the keys.
        cluster: Where Kafka is.
        metrics: Where refusals are counted.

    Attributes:
        refused: Why the order of now is not followed; empty: all are.
    """

    def __init__(self, settings: Settings, cluster: Cluster, metrics: Metrics) -> None:
        self.refused = ""
        self._metrics = metrics
        self._complaint: UserError | None = None
        self._last: Directive | None = None
        try:
            demand_own_keys(settings, cluster)
        except UserError as error:
            self._complaint = error

    def allowed(self, orders: tuple[Directive, ...]) -> tuple[Directive, ...]:
        """Return the orders that may be followed; where none about the mode is left, the rules say.

        Args:
            orders: The whole set; each refusal is said once.
        """
        if self._complaint is None:
            return orders
        wanted = [order for order in orders if (order.key, order.value) == GO_LIVE]
        self.refused = f"mode live: {self._complaint.message}" if wanted else ""
        for order in wanted:
            if order != self._last:
                self._last = order
                self._metrics.add(Metric.CONTROLS_REFUSED)
                log.error(
                    "control_refused", what=order.key, value=order.value,
                    reason=self._complaint.message, next=self._complaint.hint,
                )  # fmt: skip
        return tuple(order for order in orders if order not in wanted)
