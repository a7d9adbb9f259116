"""Touches on which no sender has said a word: awaited, given up, and believed late.

A touch is unheard from its request until the first word of a sender, also when it is revoked, also
when its case is closed meanwhile. Some time after its expiry it is given up: its word is
``unaccepted``, weaker than any of a sender's; the user counts as not treated by it, and an exposure
that rests on it is void. A word that comes later is believed, and all that is taken back.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from streams.core.channels import CONTACTS_KEPT_MS
from streams.core.effects import Effect, RecordUnaccepted
from streams.core.journey_state import Case, OpenTouch, Profile
from streams.core.messages import TouchUnaccepted
from streams.core.rules import Rules
from streams.core.state import NEVER, Column, UserState
from streams.core.time import iso

SILENT: Final = frozenset({"requested", "revoked"})
"""Words of our own: no sender has spoken yet."""

UNACCEPTED: Final = "unaccepted"

NOT_SENT: Final = frozenset({"failed", UNACCEPTED})
"""Words of a touch that, as far as is known, never reached anybody."""

LEFT_MAX: Final = 8
"""So many touches of closed cases are kept; an older one counts as sent."""


def touches_of(profile: Profile) -> tuple[OpenTouch, ...]:
    """Return all touches on which a word may still come: of closed cases, then of the open one."""
    return (*profile.left, *(() if profile.case is None else profile.case.touches))


def kept(profile: Profile, case: Case, touches: Iterable[OpenTouch], at_ms: int) -> Profile:
    """Return the profile of a case that is closed now: what is unheard of its touches is kept.

    Args:
        profile: Before.
        case: The case.
        touches: Its touches, as they stand when it ends.
        at_ms: When it ends.
    """
    since_ms, treated_ms = at_ms - CONTACTS_KEPT_MS, profile.treated_ms
    left = [one for one in profile.left if one.status in SILENT or one.at_ms > since_ms]
    for touch in touches:
        if touch.status in SILENT or touch.status == UNACCEPTED:
            left.append(msgspec.structs.replace(touch, case_id=case.case_id))
        elif touch.status not in NOT_SENT:
            treated_ms = max(treated_ms, touch.at_ms)
    dropped = [touch.at_ms for touch in left[:-LEFT_MAX] if touch.status in SILENT]
    left, treated_ms = left[-LEFT_MAX:], max([treated_ms, *dropped])
    return msgspec.structs.replace(profile, case=None, left=tuple(left), treated_ms=treated_ms)


def settled(state: UserState, profile: Profile, rules: Rules) -> UserState:
    """Return a state whose numbers say what the touches of its profile have come to.

    When the user was last treated, when the next unheard touch is given up, and whether the pending
    exposure, if it was void, counts again.
    """
    touches = touches_of(profile)
    made = [touch.at_ms for touch in touches if touch.status not in NOT_SENT]
    treated_ms = max([profile.treated_ms, *made])
    patience_ms = rules.contact.unheard_ms
    waits = [touch.expires_ms for touch in touches if touch.status in SILENT]
    exposure = profile.exposure
    if exposure is not None and exposure.is_void and treated_ms >= exposure.at_ms:
        exposure = msgspec.structs.replace(exposure, is_void=False)
        profile = msgspec.structs.replace(profile, exposure=exposure)
    unheard = NEVER if patience_ms is None or not waits else float(min(waits) + patience_ms)
    return state.having(profile, TREATED_AT=float(treated_ms), UNHEARD=unheard)


def with_word(profile: Profile, touch: OpenTouch, word: str) -> Profile:
    """Return a profile with a sender's word on a touch of the open case, or of a closed one."""
    said = msgspec.structs.replace(touch, status=word)
    case = profile.case
    if case is not None and any(one is touch for one in case.touches):
        touches = tuple(said if one is touch else one for one in case.touches)
        return msgspec.structs.replace(profile, case=msgspec.structs.replace(case, touches=touches))
    treated_ms = profile.treated_ms if word in NOT_SENT else max(profile.treated_ms, touch.at_ms)
    left = tuple(one for one in profile.left if one is not touch)
    return msgspec.structs.replace(profile, left=left, treated_ms=treated_ms)


def give_up(
    state: UserState, user_id: str, at_ms: int, rules: Rules
) -> tuple[UserState, tuple[Effect, ...]]:
    """Give up the touches on which nobody has spoken for too long."""
    patience_ms = rules.contact.unheard_ms
    profile, case = state.profile, state.profile.case
    gone = [
        touch
        for touch in touches_of(profile)
        if patience_ms is not None
        and touch.status in SILENT
        and touch.expires_ms + patience_ms <= at_ms
    ]
    left = tuple(_given_up(touch, gone) for touch in profile.left)
    if case is not None:
        touches = tuple(_given_up(touch, gone) for touch in case.touches)
        case = msgspec.structs.replace(case, touches=touches)
    profile = msgspec.structs.replace(profile, case=case, left=left)
    cases = [touch.case_id or ("" if case is None else case.case_id) for touch in gone]
    after, is_void = _voided(settled(state, profile, rules), cases)
    return after, tuple(
        RecordUnaccepted(
            TouchUnaccepted(
                touch_id=touch.touch_id,
                case_id=case_id,
                user_id=user_id,
                channel=touch.channel,
                was=touch.status,
                is_void=is_void,
                requested_at=iso(touch.at_ms),
                expires_at=iso(touch.expires_ms),
                given_up_at=iso(at_ms),
            ),
            at_ms,
        )
        for touch, case_id in zip(gone, cases, strict=True)
    )


def _given_up(touch: OpenTouch, gone: list[OpenTouch]) -> OpenTouch:
    if not any(one is touch for one in gone):
        return touch
    return msgspec.structs.replace(touch, status=UNACCEPTED)


def _voided(state: UserState, cases: list[str]) -> tuple[UserState, bool]:
    """Return a state whose exposure is void if its case has treated nobody, and whether it is.

    Args:
        state: What is left of the touches.
        cases: Of the touches that were given up.
    """
    exposure = state.profile.exposure
    if exposure is None or exposure.case_id not in cases:
        return state, False
    if state[Column.TREATED_AT] >= exposure.at_ms:
        return state, False
    void = msgspec.structs.replace(exposure, is_void=True)
    return state.having(msgspec.structs.replace(state.profile, exposure=void)), True
