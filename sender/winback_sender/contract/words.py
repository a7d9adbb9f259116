"""The words of feedback: what senders can say of a touch, and what follows from it."""

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """What a sender can say of a touch."""

    ACCEPTED = "accepted"  # the provider took it; whether it arrived is not known yet
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"  # it surely did not reach the user
    CLICKED = "clicked"
    REPLIED = "replied"
    OPTED_OUT = "opted_out"
    HANDLED = "handled"  # a person dealt with it; the outcome says how
    UNKNOWN = "unknown"  # it may or may not have left, so it is never sent again


STRENGTH: Final = {
    word: strength
    for strength, word in enumerate((
        "requested", "revoked", "unaccepted", "unknown", "accepted", "sent", "unanswered", "failed",
        "delivered", "clicked", "replied", "handled", "opted_out",
    ))
}  # fmt: skip
"""Words on a touch, weakest first: only a stronger one changes what is known, so nothing goes back.

``requested``, ``revoked``, ``unaccepted`` and ``unanswered`` are winback's own: the first three
while no sender has spoken (``unaccepted``: long after the touch's expiry), the last for staff who
tried and reached nobody."""

HARD: Final = "hard"
SOFT: Final = "soft"
UNSENT: Final = "unsent"
WRONG_NUMBER: Final = "wrong_number"
OUTCOMES: Final[dict[str, dict[str, str]]] = {
    "failed": {
        HARD: "the channel cannot reach this user: no such number, the account is blocked",
        SOFT: "it may work another time: the phone was off, the box was full",
        UNSENT: "it never left: expired, revoked, over a limit",
    },
    "handled": {
        "reached": "staff spoke with the user",
        "promised": "the user said to come back",
        "refused": "the user does not want what was offered; no opt-out by itself",
        "no_answer": "nobody answered; the journey goes on",
        "busy": "the line was busy; the journey goes on",
        WRONG_NUMBER: "somebody else answered: a failure, and the channel is given up at once",
    },
}
"""Status to the outcomes that mean something to winback; any other is kept for people to read."""


class Why(StrEnum):
    """Reasons that the kit itself gives; a provider's own code stands beside them as it came."""

    REVOKED = "revoked"  # taken back before it left
    EXPIRED = "expired"  # it could not leave in time
    INTERRUPTED = "interrupted"  # the sender ended between the intent and the answer
    TIMED_OUT = "timed_out"  # the provider did not answer in time
    UNREADABLE = "unreadable_answer"  # the provider answered something that is not its protocol
    NO_ADDRESS = "no_address"  # the company's system knows none for this user and channel
    BAD_ADDRESS = "bad_address"  # what it knows is no address of this channel
    BLOCKED = "blocked_by_user"  # the user unsubscribed, or blocked the account
    NO_TEMPLATE = "no_template"  # nothing is mapped to the template key
    BAD_VARIABLES = "bad_variables"  # a variable is missing, too long, or not allowed
    REFUSED = "refused_by_provider"  # content, template, signature or account
    OVER_LIMIT = "over_limit"  # of the provider, for this user or account, until the touch expired
    NO_WINDOW = "no_window"  # no open window or permission (WeChat)
    OUT_OF_HOURS = "out_of_hours"  # the law or the provider forbids the hour until it expired
    UNAVAILABLE = "provider_unavailable"  # it never took the touch until it expired
    UNKNOWN_CHANNEL = "unknown_channel"  # nobody here sends through it
    UNKNOWN_VERSION = "unknown_version"  # a message of a contract that is newer than this sender
    NOT_READABLE = "not_readable"  # not a message of the contract
    BAD_RECEIPT = "bad_receipt"  # what the sender's own code returned is no receipt
