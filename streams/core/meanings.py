"""What an event of a source means to us, and what follows from that."""

from enum import StrEnum


class Meaning(StrEnum):
    """What an event of the source means to us."""

    ACTIVITY = "activity"
    PURCHASE = "purchase"
    REFUND = "refund"
    COMPLAINT = "complaint"
    CANCELLATION = "cancellation"
    CONSENT = "consent"
    OPT_OUT = "opt_out"
    ERASURE = "erasure"
    TRAITS = "traits"
    REACH = "reach"
    COVERAGE = "coverage"
    CORRECTION = "correction"
    LINK = "link"
    FEEDBACK = "feedback"
    IGNORED = "ignored"


ACTS = frozenset(
    {Meaning.ACTIVITY, Meaning.PURCHASE, Meaning.REFUND, Meaning.COMPLAINT, Meaning.CANCELLATION}
)
"""Meanings of what a user does: an activity, which ends a silence."""

RISKY = frozenset({Meaning.REFUND, Meaning.COMPLAINT, Meaning.CANCELLATION})
"""Meanings after which a user is scored at once, however short ago the last score was."""

MONEY = {
    Meaning.PURCHASE: 1, Meaning.REFUND: -1, Meaning.CANCELLATION: -1, Meaning.CORRECTION: 1,
}  # fmt: skip
"""Meanings whose amount is money, and the sign with which it enters the net value."""
