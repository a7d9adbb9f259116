"""The console sender: prints each touch instead of sending it, and answers for the user."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from winback_sender.adapters.wording import Language, line
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status
from winback_sender.receipt import Deliver, Receipt

OPT_OUT_SHARE: Final = 0.1
"""Of those who answer, so many want no more messages."""


def console(write: Callable[[str], None], language: Language, answer_rate: float) -> Deliver:
    """Return a deliverer that prints.

    Args:
        write: Takes one line.
        language: Of the words.
        answer_rate: Share of touches that get an answer, 0 … 1: a reply, or now and then an
            opt-out. The touch's id decides, so it is the same in every run.
    """

    def deliver(touch: TouchRequested) -> Receipt:
        receipt = Receipt(answer(touch.touch_id, answer_rate))
        write(line(touch, str(receipt.status), language))
        return receipt

    return deliver


def answer(touch_id: str, rate: float) -> Status:
    """Return what the user of a touch answers, if anything."""
    digest = blake2b(touch_id.encode(), digest_size=8, person=b"answer").digest()
    drawn = int.from_bytes(digest, "little") / 2**64
    if drawn < rate * OPT_OUT_SHARE:
        return Status.OPTED_OUT
    return Status.REPLIED if drawn < rate else Status.DELIVERED
