"""What a run of the conformance kit has seen: the truth that senders are judged by. Pure data.

All instants are epoch milliseconds UTC of one clock, that of the machine which runs the kit.
"""

from enum import StrEnum
from typing import NamedTuple


class End(StrEnum):
    """How a process of the sender ended."""

    RUNNING = "running"
    KILLED = "killed"  # by us, with -9
    STOPPED = "stopped"  # by us, with SIGTERM, and it obeyed
    HUNG = "hung"  # it did not obey SIGTERM, and was killed
    DIED = "died"  # by itself


class Asked(NamedTuple):
    """A touch that was published, and what is right for it.

    Attributes:
        touch_id, user_id: Of the touch.
        story: What is special about it, in words.
        published_ms: When it was on the topic for sure; the first time, if it stands there twice.
        not_before_ms, expires_ms: Its window.
        address: The one to which it may go; None = none can be used.
        revoked_ms: When its revocation was on the topic for sure; None = it was not revoked.
        is_committed: False for a touch of a transaction that was aborted.
        is_due: It must be sent: it is in order, and there is time enough.
        needs_word: Feedback must tell what became of it.
        may_be_hard: The sender may say that the user cannot be reached: the address is odd.
    """

    touch_id: str
    user_id: str
    story: str
    published_ms: int
    not_before_ms: int
    expires_ms: int
    address: str | None
    revoked_ms: int | None = None
    is_committed: bool = True
    is_due: bool = True
    needs_word: bool = True
    may_be_hard: bool = False


class Called(NamedTuple):
    """A request to send that reached the provider and was in order.

    Attributes:
        touch_id: Which touch.
        at_ms: When it arrived.
        fate: What the provider did, for people.
        address: To whom, in the one form that `Asked.address` has as well.
        was_sent: Whether the message went out to the user.
        is_clear: Whether the sender was told so, or told that it was not sent.
        arrives: Whether the user gets what went out.
    """

    touch_id: str
    at_ms: int
    fate: str
    address: str
    was_sent: bool = True
    is_clear: bool = True
    arrives: bool = True


class Said(NamedTuple):
    """One record of feedback.

    Attributes:
        at_ms: What the record says; None = not readable.
        seen_ms: When Kafka got it.
        flaw: Why it is not a message of the contract, or stands in the wrong place; empty = it
            is in order.
    """

    touch_id: str
    user_id: str
    status: str
    outcome: str
    reason: str
    at_ms: int | None
    seen_ms: int
    flaw: str = ""


class Receipt(NamedTuple):
    """A delivery receipt that a call-back of the sender has taken."""

    touch_id: str
    at_ms: int
    arrived: bool


class Life(NamedTuple):
    """One process of the sender; ``end_ms`` is None while it runs."""

    name: str
    start_ms: int
    end_ms: int | None
    end: End
    code: int | None = None


class Away(NamedTuple):
    """A time in which the provider could not be reached; what was on its way then was lost."""

    from_ms: int
    to_ms: int


class Unreadable(NamedTuple):
    """A record that belongs into the dead letters, and whether it was found there."""

    what: str
    published_ms: int
    is_found: bool


class Evidence(NamedTuple):
    """All that was seen in one run; touches stand in the order of publication."""

    touches: tuple[Asked, ...]
    calls: tuple[Called, ...]
    said: tuple[Said, ...]
    receipts: tuple[Receipt, ...]
    lives: tuple[Life, ...]
    unreadable: tuple[Unreadable, ...]
    ended_ms: int
    away: tuple[Away, ...] = ()
