"""Links: what a user's own state says to "this other id is me", before anybody else is asked."""

from enum import StrEnum
from typing import Final

import msgspec

from streams.core.effects import ClaimId, Note, RefuseLink
from streams.core.inputs import Linked
from streams.core.journey import Outcome
from streams.core.messages import LinkRefused
from streams.core.rules import Rules
from streams.core.state import UserState
from streams.core.time import iso

MEMBERS_MAX: Final = 50
"""Ids of one person: whoever has more is a kiosk, a test or a robot."""

PLACEHOLDERS: Final = frozenset({
    "(null)", "-1", "[object object]", "anonymous", "false", "guest", "n/a", "nan", "nil", "none",
    "null", "true", "undefined", "unknown", "void",
})  # fmt: skip
"""What programs write where there is no id, in small letters; so do zeros and dashes. One link of
such an id would give a stranger all that nobody did."""

ALREADY: Final = "identity_already_linked"
"""Counted: the two ids are one person already."""


class LinkRefusal(StrEnum):
    """Why two ids are not made one person."""

    SHARED_DEVICE = "shared_device"  # the other id belongs to somebody else: the first link wins
    CYCLE = "cycle"  # the other id is the one under which the person is known
    TOO_MANY_IDS = "too_many_ids"
    PLACEHOLDER = "placeholder"  # one of them is what is written where there is no id
    ERASED = "erased"  # the person behind the other id was erased


def refusal(user_id: str, other_id: str, reason: LinkRefusal, key: str, at_ms: int) -> RefuseLink:
    """Return the effect that puts a refusal on record.

    Args:
        user_id: Under which id the person was to be known.
        other_id: The id that was to be given up.
        reason: Why it is not.
        key: The id at which it was found out; of this partition.
        at_ms: When.
    """
    return RefuseLink(LinkRefused(user_id, other_id, reason.value, iso(at_ms)), key, at_ms)


def is_placeholder(user_id: str) -> bool:
    """Return whether an id stands for nobody.

    Source:
        Twilio Segment, "How to block identifier values in Unify": zeroes and dashes, anonymous,
        void; https://support.twilio.com/hc/en-us/articles/43720564918427
    """
    return not user_id.strip("0-") or user_id.strip().lower() in PLACEHOLDERS


def without_member(state: UserState, other_id: str) -> UserState:
    """Return a state that does not know an id as one of the user's any more."""
    if other_id not in state.profile.members:
        return state
    members = {each: at_ms for each, at_ms in state.profile.members.items() if each != other_id}
    return state.having(msgspec.structs.replace(state.profile, members=members))


def linked(state: UserState, signal: Linked, rules: Rules) -> Outcome:
    """Claim the other id, unless that was done lately: a link is told at every log-in.

    It is claimed anew after a horizon, which keeps its stub, or finds what has come since.
    """
    user_id, other_id, at_ms = signal.user_id, signal.other_id, signal.event_time_ms
    members = state.profile.members
    if is_placeholder(other_id) or is_placeholder(user_id):
        reason = LinkRefusal.PLACEHOLDER
        return state, (refusal(user_id, other_id, reason, user_id, at_ms),)
    if other_id == user_id:
        return state, (refusal(user_id, other_id, LinkRefusal.CYCLE, user_id, at_ms),)
    known_ms = members.get(other_id)
    if known_ms is not None and at_ms - known_ms < rules.churn.horizon_ms:
        return state, (Note(ALREADY, at_ms),)
    if known_ms is None and len(members) >= MEMBERS_MAX:
        since_ms = at_ms - rules.churn.limit_ms
        members = {each: used_ms for each, used_ms in members.items() if used_ms > since_ms}
        if len(members) >= MEMBERS_MAX:
            reason = LinkRefusal.TOO_MANY_IDS
            return state, (refusal(user_id, other_id, reason, user_id, at_ms),)
    profile = msgspec.structs.replace(state.profile, members=members | {other_id: at_ms})
    return state.having(profile), (ClaimId(other_id, user_id, signal.event_id, at_ms),)
