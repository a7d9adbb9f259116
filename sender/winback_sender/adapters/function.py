"""A sender's own function as an adapter: what `kit.serve` is given."""

from collections.abc import Callable

from winback_sender.adapter import Adapter, Limits, Sent
from winback_sender.addresses.book import AddressBook
from winback_sender.addresses.needed import asking
from winback_sender.contract.messages import TouchRequested
from winback_sender.receipt import Deliver, Receipt

Ask = Callable[[Sent], Receipt | None]
"""Asks the provider what became of a touch; None = it cannot say, or not yet."""


class FunctionAdapter(Adapter):
    """Wraps a function; called from several threads at once, as `Adapter.deliver` is.

    Args:
        deliver: Sends one touch.
        ask: Asks what became of one; None = the provider cannot be asked.
        name: Of the provider, for metrics, feedback and the channel law.
        limits: What the provider takes.

    Attributes:
        addresses: Where the functions' `address_for` looks, if it is not told.
    """

    addresses: AddressBook | None = None

    def __init__(
        self,
        deliver: Deliver,
        ask: Ask | None = None,
        *,
        name: str = "function",
        limits: Limits = Limits(),  # noqa: B008 (a tuple: nobody can change it)
    ) -> None:
        self.name = name
        self.limits = limits
        self.can_ask = ask is not None
        self._deliver = deliver
        self._ask = ask

    def deliver(self, touch: TouchRequested) -> Receipt:
        """Send one touch."""
        with asking(self.addresses):
            return self._deliver(touch)

    def ask(self, sent: Sent) -> Receipt | None:
        """Ask, if there is a way."""
        if self._ask is None:
            return None
        with asking(self.addresses):
            return self._ask(sent)
