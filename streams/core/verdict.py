"""The verdict on one touch: a pure function, the first rule that speaks wins."""

from enum import StrEnum

import msgspec

from streams.core.quiet_hours import QuietHours, quiet_until_ms
from streams.core.time import DAY_MS


class Refusal(StrEnum):
    """Why a touch is not sent, in the order in which the rules speak."""

    SUPPRESSED = "suppressed"  # the user opted out of everything
    NO_CONSENT = "no_consent"  # no consent for this channel is on record
    RISK_EASED = "risk_eased"  # the score fell below the exit threshold since the alert
    FREQUENCY_CAPPED = "frequency_capped"
    STALE = "stale"  # the touch was decided longer ago than a decision may wait
    HOLDOUT = "holdout"


class Cap(msgspec.Struct, frozen=True):
    """At most so many touches within a rolling window."""

    touches: int
    per_ms: int


class ContactPolicy(msgspec.Struct, frozen=True):
    """The part of the rules that decides about contact.

    Attributes:
        is_consent_assumed: What an unknown consent means; False unless the rules say otherwise.
        caps: Frequency caps over all channels.
        quiet: Quiet hours in the user's zone.
        stale_after_ms: How long a decided touch may be put off, say by quiet hours.
        exit_probability: Below this a user is no longer at risk.
    """

    is_consent_assumed: bool
    caps: tuple[Cap, ...]
    quiet: QuietHours
    stale_after_ms: int
    exit_probability: float


class Contact(msgspec.Struct, frozen=True):
    """What is known about a user when a touch is to be released.

    Attributes:
        channel: Where it would go.
        consent: The user's word on this channel; None = unknown.
        is_suppressed: The user opted out of everything.
        is_held_out: The user belongs to the holdout.
        zone: IANA time zone of the user.
        contacts_ms: Earlier touches, withheld ones included.
        probability: P(this silence reaches H) now.
        decided_at_ms: When the touch was decided; later than that if it was put off.
        is_backstop: The silence backstop asked for the touch, whatever the model says.
    """

    channel: str
    consent: bool | None
    is_suppressed: bool
    is_held_out: bool
    zone: str
    contacts_ms: tuple[int, ...]
    probability: float
    decided_at_ms: int
    is_backstop: bool


class Send(msgspec.Struct, frozen=True):
    """The touch may go."""


class Defer(msgspec.Struct, frozen=True):
    """The touch may go later."""

    until_ms: int
    reason: str


class Refuse(msgspec.Struct, frozen=True):
    """The touch must not go."""

    reason: Refusal


Verdict = Send | Defer | Refuse


def may_contact(  # noqa: PLR0911  # one rule a line
    contact: Contact, now_ms: int, policy: ContactPolicy
) -> Verdict:
    """Return the verdict of the first rule that speaks: law, courtesy, clock, experiment."""
    if contact.is_suppressed:
        return Refuse(Refusal.SUPPRESSED)
    consent = policy.is_consent_assumed if contact.consent is None else contact.consent
    if not consent:
        return Refuse(Refusal.NO_CONSENT)
    if contact.probability < policy.exit_probability and not contact.is_backstop:
        return Refuse(Refusal.RISK_EASED)
    if any(_is_full(cap, contact.contacts_ms, now_ms) for cap in policy.caps):
        return Refuse(Refusal.FREQUENCY_CAPPED)
    quiet_until = quiet_until_ms(now_ms, contact.zone, policy.quiet)
    if quiet_until is not None:
        return Defer(quiet_until, "quiet_hours")
    if now_ms - contact.decided_at_ms > policy.stale_after_ms:
        return Refuse(Refusal.STALE)
    if contact.is_held_out:
        return Refuse(
            Refusal.HOLDOUT
        )  # Last: both arms passed the same rules. The exposure is recorded.
    return Send()


def _is_full(cap: Cap, contacts_ms: tuple[int, ...], now_ms: int) -> bool:
    return sum(now_ms - at_ms < cap.per_ms for at_ms in contacts_ms) >= cap.touches


CONTACTS_KEPT_MS = 30 * DAY_MS
"""Touches older than this count for no cap; the rules refuse a longer window."""
