"""The verdict on one touch: a pure function, the first rule that speaks wins."""

from typing import Final

import msgspec

from streams.core.channels import UNHEARD_MS, Cap, Channel
from streams.core.controls import Mode
from streams.core.journey_state import Reach
from streams.core.quiet_hours import QuietHours, closed_until
from streams.core.reach import unreachable
from streams.core.rulings import Ruling

Uplift = tuple[float, float]
"""What contact adds to the probability of a return: the estimate and its standard error."""


class ContactPolicy(msgspec.Struct, frozen=True):
    """The part of the rules that decides about contact.

    Attributes:
        is_consent_assumed: What an unknown consent means; False unless the rules say otherwise.
        caps: Frequency caps over all channels.
        quiet: The first of the quiet hours: the night.
        stale_after_ms: How long a decided touch may be put off, say by quiet hours.
        exit_probability: Below this a user is no longer at risk.
        channels: Channel to what the rules say of it.
        other: What holds for a channel that they do not name.
        is_opt_out_of_all: A user who opts out by way of a touch wants no contact at all, not only
            none on its channel.
        uplift_min: What contact must add to the probability of a return to be worth it.
        uplift_errors: So many standard errors below that an estimate must lie to stop a touch.
        unheard_ms: So long after its expiry a touch without any word of a sender is given up;
            None = never.
    """

    is_consent_assumed: bool
    caps: tuple[Cap, ...]
    quiet: QuietHours
    stale_after_ms: int
    exit_probability: float
    channels: dict[str, Channel] = {}
    other: Channel = Channel()
    is_opt_out_of_all: bool = True
    uplift_min: float = 0.0
    uplift_errors: float = 1.0
    unheard_ms: int | None = UNHEARD_MS

    def channel(self, name: str) -> Channel:
        """Return what holds for a channel."""
        return self.channels.get(name, self.other)


class Contact(msgspec.Struct, frozen=True):
    """What is known about a user when a touch is to be released.

    Attributes:
        channel: Where it would go.
        consent: The user's word on this channel; None = unknown.
        is_suppressed: The user opted out of everything.
        is_held_out: The user belongs to the holdout.
        zone: IANA time zone of the user.
        contacts: Instant and channel of earlier touches, withheld ones included.
        probability: P(this silence reaches H) now.
        decided_at_ms: When the touch was decided; later than that if it was put off.
        is_backstop: The silence backstop asked for the touch, whatever the model says.
        reach: How well the user can be reached on this channel; None = nothing is known.
        uplift: What is known of the effect of contact on such a user; None = nothing is.
        explores: The user is contacted whatever the effect may be, so that it can be learned.
        put_off_ms: Until then it has to wait for what is being read.
        lag_ms: By so much later than now it would leave.
        has_place: The budget and the staff have a place for the touch.
        mode: How far the service goes.
        is_stopped: The kill switch is on.
        is_paused: The playbook or the channel is paused.
        is_instant: It answers what the user did (a complaint, a refund): no matter of risk.
    """

    channel: str
    consent: bool | None
    is_suppressed: bool
    is_held_out: bool
    zone: str
    contacts: tuple[tuple[int, str], ...]
    probability: float
    decided_at_ms: int
    is_backstop: bool
    reach: Reach | None = None
    uplift: Uplift | None = None
    explores: bool = False
    put_off_ms: int = 0
    lag_ms: int = 0
    has_place: bool = True
    mode: str = Mode.LIVE
    is_stopped: bool = False
    is_paused: bool = False
    is_instant: bool = False


class Send(msgspec.Struct, frozen=True):
    """The touch may go."""


class Defer(msgspec.Struct, frozen=True):
    """The touch may go later."""

    until_ms: int
    reason: Ruling


class Refuse(msgspec.Struct, frozen=True):
    """The touch must not go."""

    reason: Ruling


Verdict = Send | Defer | Refuse

SEND: Final = Send()


def may_contact(  # noqa: C901, PLR0911, PLR0912  # one rule after the other
    contact: Contact, now_ms: int, policy: ContactPolicy
) -> Verdict:
    """Return the verdict of the first rule that speaks: law, sense, measure, clock, experiment."""
    if contact.is_stopped:
        return Refuse(Ruling.STOPPED)
    if contact.is_paused:
        return Refuse(Ruling.PAUSED)
    if contact.is_suppressed:
        return Refuse(Ruling.SUPPRESSED)
    if contact.put_off_ms > now_ms:  # What says yes or no may be among what is not read yet.
        return Defer(contact.put_off_ms, Ruling.CATCHING_UP)
    consent = policy.is_consent_assumed if contact.consent is None else contact.consent
    if not consent:
        return Refuse(Ruling.NO_CONSENT)
    channel = policy.channel(contact.channel)
    leaves_ms = now_ms + contact.lag_ms
    barrier = unreachable(contact.reach, channel, leaves_ms)
    if barrier is not None:
        return Refuse(barrier)
    if not contact.is_instant:
        if contact.probability < policy.exit_probability and not contact.is_backstop:
            return Refuse(Ruling.RISK_EASED)
        if contact.uplift is not None and not contact.explores and _is_vain(contact.uplift, policy):
            return Refuse(Ruling.NOT_PERSUADABLE)
    for cap in policy.caps:
        if _is_full(cap, contact.contacts, now_ms, ""):
            return Refuse(Ruling.FREQUENCY_CAPPED)
    for cap in channel.caps:
        if _is_full(cap, contact.contacts, now_ms, contact.channel):
            return Refuse(Ruling.FREQUENCY_CAPPED)
    if not contact.has_place:
        return Refuse(Ruling.CAPACITY)
    closed = closed_until(leaves_ms, contact.zone, channel.closed)
    if closed is not None:
        return Defer(closed[0] - contact.lag_ms, closed[1])
    if now_ms - contact.decided_at_ms > policy.stale_after_ms:
        return Refuse(Ruling.STALE)
    if contact.is_held_out:
        return Refuse(Ruling.HOLDOUT)  # After all rules: both arms passed the same ones.
    if contact.mode != Mode.LIVE:
        return Refuse(Ruling.OBSERVED if contact.mode == Mode.OBSERVE else Ruling.WITHHELD)
    return SEND


def _is_vain(uplift: Uplift, policy: ContactPolicy) -> bool:
    """Return whether contact is worth nothing, or harms, as surely as the rules ask."""
    mean, error = uplift
    return mean + policy.uplift_errors * error <= policy.uplift_min


def _is_full(cap: Cap, contacts: tuple[tuple[int, str], ...], now_ms: int, channel: str) -> bool:
    """Return whether the window (now - per, now] has all its touches; no channel = of all."""
    since_ms, left = now_ms - cap.per_ms, cap.touches
    for at_ms, where in contacts:
        if at_ms > since_ms and (not channel or where == channel):
            left -= 1
    return left <= 0
