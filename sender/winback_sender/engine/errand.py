"""An errand: one call of a provider, and what came of it."""

from typing import Final, NamedTuple

from winback_sender.addresses.away import AWAY, NO_BOOK
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status, Why
from winback_sender.engine.lane import Lane
from winback_sender.engine.tray import Tray, Waiting
from winback_sender.receipt import NotSentError, Receipt

WITHOUT_A_CALL: Final = frozenset({
    Why.REVOKED, Why.EXPIRED, Why.NO_ADDRESS, Why.BAD_ADDRESS, Why.NO_TEMPLATE, Why.BAD_VARIABLES,
    Why.NOT_READABLE, Why.OUT_OF_HOURS, Why.NO_WINDOW, AWAY, NO_BOOK,
})  # fmt: skip
"""Reasons that are found before a provider is called, and so say nothing of it."""


class Errand(NamedTuple):
    """A touch whose intent is on disk since ``begun_s`` (monotonic seconds): deliver it."""

    tray: Tray
    waiting: Waiting
    touch: TouchRequested
    lane: Lane
    begun_s: float


class Done(NamedTuple):
    """What came of an errand.

    Attributes:
        errand: Which.
        receipt: What became of the touch; None: it did not leave.
        error: Why it did not leave, if it is to be tried again; None: it was not tried.
        call_s: How long the provider took, seconds; 0.0 = it was not called.
        pickup_s: From Kafka to the call, seconds; None: it had to wait for its hour.
    """

    errand: Errand
    receipt: Receipt | None
    error: NotSentError | None = None
    call_s: float = 0.0
    pickup_s: float | None = None

    def tell_breaker(self, now_s: float) -> None:
        """Count a failure of the provider; what it refuses it has answered.

        What ended without a call says nothing: the provider may be away all the same.

        Args:
            now_s: A monotonic instant, seconds.
        """
        breaker = self.errand.lane.breaker
        said = self.error or self.receipt
        is_away = self.error is not None and self.error.reason in {"", Why.UNAVAILABLE}
        is_unclear = self.receipt is not None and self.receipt.status == Status.UNKNOWN
        if is_away or is_unclear:
            breaker.fail(now_s)
        elif said is None or said.reason in WITHOUT_A_CALL:
            breaker.withdraw()
        else:
            breaker.succeed()


class Pick(NamedTuple):
    """A touch that is to begin; or, with an ending, that ends without."""

    tray: Tray
    waiting: Waiting
    touch: TouchRequested
    lane: Lane
    ending: Receipt | None
