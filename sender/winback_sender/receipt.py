"""The door of a sender: a function that takes a touch and says what became of it."""

from collections.abc import Callable
from typing import NamedTuple

from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import UNSENT, Status


class Receipt(NamedTuple):
    """What became of one touch, as far as it is known.

    Attributes:
        status: The furthest that the touch has come.
        outcome: What it comes to, one of `words.OUTCOMES` of the status.
        reason: Why, one of `words.Why` or a provider's own code (``isv.MOBILE_NUMBER_ILLEGAL``).
        ref: What the provider calls the touch, if it has a name of its own for it.
        address: Where it went. Never leaves the process: the journal keeps a keyed hash, so that a
            reply, which names no touch, can be matched.
    """

    status: Status
    outcome: str = ""
    reason: str = ""
    ref: str = ""
    address: str = ""


class NotSentError(Exception):
    """Raised by a deliverer when the touch surely did not leave; anything else means *unknown*.

    Args:
        reason: Why, as `Receipt.reason`.
        outcome: ``unsent``, or ``hard`` when the channel cannot reach this user at all.
        retry: Whether it may go better later: the kit tries again until the touch expires.
        after_s: The provider says to wait so long before.
    """

    def __init__(
        self, reason: str = "", outcome: str = UNSENT, *, retry: bool = False, after_s: float = 0.0
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.outcome = outcome
        self.retry = retry
        self.after_s = after_s


Deliver = Callable[[TouchRequested], Receipt]
"""Sends one touch. Hand ``touch_id`` to the provider: after a time-out it finds the touch again.

It is called from several threads at once, for one touch of a user at a time."""
