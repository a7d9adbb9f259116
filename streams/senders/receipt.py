"""The door of a sender: a function that takes a touch and says what became of it."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from streams.core.messages import TouchRequested


class Status(StrEnum):
    """What a sender can say of a touch; the words of ``win-back-feedback``."""

    ACCEPTED = "accepted"  # the provider took it; whether it arrived is not known yet
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"  # it surely did not reach the user
    CLICKED = "clicked"
    REPLIED = "replied"
    OPTED_OUT = "opted_out"
    HANDLED = "handled"  # a person dealt with it; the outcome says how
    UNKNOWN = "unknown"  # it may or may not have left, so it is never sent again


class Receipt(NamedTuple):
    """What became of one touch, as far as it is known.

    Attributes:
        status: The furthest that the touch has come.
        outcome: Why, or with which result: a code for people and reports, never for the reader.
    """

    status: Status
    outcome: str = ""


class NotSentError(Exception):
    """Raised by a deliverer when the touch surely did not leave; anything else means *unknown*."""


Deliver = Callable[[TouchRequested], Receipt]
"""Sends one touch. Hand ``touch_id`` to the provider: after a time-out it finds the touch again."""
