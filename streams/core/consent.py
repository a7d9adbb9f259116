"""Consent: a user's word on a channel. The latest word counts, and a no takes back what is out."""

import msgspec

from streams.core.effects import Note
from streams.core.journey import Outcome, revoke
from streams.core.reach import CHANNELS_MAX, arrived
from streams.core.state import UserState

LATE = "consent_late"
"""Counted: a later word on the channel had come before."""


def spoke(  # who says what, of which channel, when
    state: UserState, user_id: str, channel: str, at_ms: int, *, is_granted: bool
) -> Outcome:
    """Note a word on a channel.

    Words may come out of order: the latest by event time counts, and of two of the same instant
    the no. Beyond so many channels a new yes is noise, and a new no is one to all contact.
    """
    profile = state.profile
    known_ms = profile.consents_ms.get(channel)
    if known_ms is not None and (at_ms, not is_granted) < (known_ms, not profile.consents[channel]):
        return state, (Note(LATE, at_ms),)
    if known_ms is None and len(profile.consents) >= CHANNELS_MAX:
        suppressed = profile.is_suppressed or not is_granted
        return state.having(msgspec.structs.replace(profile, is_suppressed=suppressed)), ()
    noted = state.having(
        msgspec.structs.replace(
            profile,
            consents=profile.consents | {channel: is_granted},
            consents_ms=profile.consents_ms | {channel: at_ms},
            reach=arrived(profile.reach, channel) if is_granted else profile.reach,
        )
    )
    if is_granted:
        return noted, ()
    return revoke(noted, user_id, channel, "no_consent", at_ms)
