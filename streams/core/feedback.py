"""Feedback: what senders and staff say of touches, and what follows from it.

Words come late, twice and out of order. Each has a strength; only a stronger one changes anything,
so what is known of a touch never goes back. "Unknown" is a word like others: it stays until the
sender says more, and by itself it makes a touch neither sent nor unsent.

A touch that failed gives no place in a cap back: the caps protect the user, the word of the failure
may be wrong, and providers count what they accepted as well.
"""

from enum import StrEnum
from typing import Final

import msgspec

from streams.core.consent import spoke
from streams.core.effects import Effect, Note
from streams.core.inputs import FeedbackReceived
from streams.core.journey import Outcome, close
from streams.core.journey_state import OpenTouch
from streams.core.reach import arrived, failed
from streams.core.rules import Rules
from streams.core.state import UserState
from streams.core.unheard import settled, touches_of, with_word
from winback_sender.contract.words import HARD, STRENGTH, WRONG_NUMBER


class Heard(StrEnum):
    """What is counted of feedback that changes nothing, or that cannot be right."""

    NO_TOUCH = "feedback_no_touch"  # nothing is awaited of the touch: its case ended, or never was
    REPEATED = "feedback_repeated"  # the same word again
    LATE = "feedback_late"  # more is known already
    CONTRADICTED = "feedback_contradicted"  # failed and arrived: the arrival is believed


ARRIVED: Final = STRENGTH["delivered"]
"""From here on the touch reached the user."""

UNANSWERED: Final = frozenset({"no_answer", "busy"})


def heard(state: UserState, signal: FeedbackReceived, rules: Rules) -> Outcome:
    """Take note of what a sender says of a touch."""
    touches = touches_of(state.profile)
    touch = next((touch for touch in touches if touch.touch_id == signal.touch_id), None)
    if signal.status == "opted_out":
        channel = signal.channel if touch is None else touch.channel
        return _opted_out(state, signal, channel, rules)
    if touch is None:
        return state, (Note(Heard.NO_TOUCH, signal.event_time_ms),)
    word = _word(signal)
    known, new = STRENGTH[touch.status], STRENGTH[word]
    if new <= known:
        count = Heard.REPEATED if new == known else Heard.LATE
        if word == "failed" and known >= ARRIVED:
            count = Heard.CONTRADICTED
        return state, (Note(count, signal.event_time_ms),)
    effects: tuple[Effect, ...] = ()
    if touch.status == "failed":
        effects = (Note(Heard.CONTRADICTED, signal.event_time_ms),)
    noted, case = _noted(state, touch, word, signal, rules), state.profile.case
    if case is not None and not touch.case_id and word in case.exits:
        noted, closing = close(noted, signal.user_id, word, signal.event_time_ms)
        effects = (*effects, *closing)
    return noted, effects


def _word(signal: FeedbackReceived) -> str:
    """Return what a sender's status and outcome come to."""
    if signal.status == "handled" and signal.outcome in UNANSWERED:
        return "unanswered"
    if signal.status == "handled" and signal.outcome == WRONG_NUMBER:
        return "failed"
    return signal.status


def _noted(  # what is said of which touch
    state: UserState,
    touch: OpenTouch,
    word: str,
    signal: FeedbackReceived,
    rules: Rules,
) -> UserState:
    """Return the state with the word on the touch, and what it says of the channel and the user.

    A touch that failed did not reach the user: for learning it was never sent.
    """
    reach = state.profile.reach
    if STRENGTH[word] >= ARRIVED:
        reach = arrived(reach, touch.channel)
    elif word == "failed" and signal.outcome in {HARD, WRONG_NUMBER}:
        most = rules.contact.channel(touch.channel).failures_max
        is_final = signal.outcome == WRONG_NUMBER
        reach = failed(reach, touch.channel, most, is_final=is_final)
    profile = with_word(msgspec.structs.replace(state.profile, reach=reach), touch, word)
    return settled(state, profile, rules)


def _opted_out(state: UserState, signal: FeedbackReceived, channel: str, rules: Rules) -> Outcome:
    """Take a user's no, whenever it comes: to the channel, and to all contact if the rules say so.

    A no to a channel that nobody names is one to all of them.
    """
    at_ms = signal.event_time_ms
    state, effects = close(state, signal.user_id, "opted_out", at_ms)
    for touch in state.profile.left:
        if touch.touch_id == signal.touch_id:
            state = settled(state, with_word(state.profile, touch, signal.status), rules)
    if channel:
        since_ms = max(at_ms, state.profile.consents_ms.get(channel, 0))
        state, _ = spoke(state, signal.user_id, channel, since_ms, is_granted=False)
    if rules.contact.is_opt_out_of_all or not channel:
        state = state.having(msgspec.structs.replace(state.profile, is_suppressed=True))
    return state, effects
