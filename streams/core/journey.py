"""A case: from the alert through the steps of a playbook to the return or the end.

Every function takes a state and gives the next one with the effects; nothing here knows of Kafka.
"""

import msgspec

from models.features import Rhythm
from streams.core.effects import CloseCase, Effect, RecordDecision, RequestTouch, RevokeTouch
from streams.core.inputs import FeedbackReceived, Score, Scored, TimerFired
from streams.core.journey_state import Case, OpenTouch
from streams.core.messages import CaseClosed, Decision, TouchRevoked
from streams.core.playbook import Situation, choose, pick_variant
from streams.core.rules import Rules
from streams.core.state import NEVER, Column, UserState
from streams.core.time import iso
from streams.core.touch import Release, request_touch
from streams.core.verdict import (
    CONTACTS_KEPT_MS,
    Contact,
    Defer,
    Refusal,
    Refuse,
    Send,
    Verdict,
    may_contact,
)

Outcome = tuple[UserState, tuple[Effect, ...]]

IN_OUR_HANDS = frozenset({"requested", "unknown"})
"""Words of a sender after which a touch may still be stopped."""


def open_case(state: UserState, signal: Scored, rules: Rules) -> Outcome:
    """Open a case for a user at high risk and release its first step."""
    at_ms, user_id = signal.event_time_ms, signal.user_id
    trigger = "silence" if signal.is_backstop else "risk"
    tier = rules.tier(state[Column.VALUE_NET])
    asked = Situation(user_id, tier, state.profile.source, trigger, state.profile.stage.label)
    book = choose(rules.playbooks, asked)
    if book is None:
        closed = state.having(CLOSED_AT=float(at_ms))
        case = Case("", "", "", 0, trigger, is_held_out=False)
        record = _decision(user_id, case, "refuse", "no_playbook", "", at_ms, signal.score, rules)
        return closed, (record,)
    variant, propensity = pick_variant(book, user_id, at_ms)
    case = Case(
        case_id=rules.ids.case_id(user_id, at_ms),
        playbook=book.name,
        variant=variant.name,
        step=0,
        trigger=trigger,
        is_held_out=rules.is_held_out(user_id),
        treated_before_ms=state[Column.TREATED_AT],
        version=book.version,
        propensity=propensity,
        steps=variant.steps,
        exits=book.exits,
        purpose=book.purpose,
        close_after_ms=book.close_after_ms,
        expires_ms=at_ms + book.expires_ms,
    )
    opened = state.having(
        msgspec.structs.replace(state.profile, case=case), CASE_AT=float(at_ms), DUE=float(at_ms)
    )
    return release(opened, TimerFired(user_id, at_ms, signal.score, signal.lost_ms), rules)


def release(state: UserState, signal: TimerFired, rules: Rules) -> Outcome:
    """Do what the open case has due: the next step, or its end.

    The touch is decided anew at this moment: still at risk, allowed, not too often, not at night.
    """
    case, score, at_ms, user_id = (
        state.profile.case,
        signal.score,
        signal.event_time_ms,
        signal.user_id,
    )
    assert case is not None, "a case is due, but none is open"
    assert score is not None, "a touch is released only on the word of a fresh score"
    if case.step >= len(case.steps):
        return close(state, user_id, "exhausted", at_ms)
    step = case.steps[case.step]
    profile = state.profile
    contact = Contact(
        channel=step.channel,
        consent=profile.consents.get(step.channel),
        is_suppressed=profile.is_suppressed,
        is_held_out=case.is_held_out,
        zone=profile.zone or rules.zone,
        contacts_ms=tuple(at for at, _ in profile.contacts),
        probability=score.reach,
        decided_at_ms=case.decided_ms or at_ms,
        is_backstop=case.trigger == "silence"
        or at_ms - state[Rhythm.LAST] - signal.lost_ms >= rules.alert.backstop_ms,
    )
    verdict = may_contact(contact, at_ms, rules.contact)
    return _carry_out(verdict, Release(user_id, at_ms, score, case), state, rules)


def _carry_out(verdict: Verdict, asked: Release, state: UserState, rules: Rules) -> Outcome:
    user_id, at_ms, score, case = asked
    step = case.steps[case.step]
    channel = step.channel
    match verdict:
        case Defer(until_ms, reason):
            record = _decision(user_id, case, "defer", reason, channel, at_ms, score, rules)
            waiting = msgspec.structs.replace(case, decided_ms=case.decided_ms or at_ms)
            profile = msgspec.structs.replace(state.profile, case=waiting)
            return state.having(profile, DUE=float(until_ms)), (record,)
        case Refuse(Refusal.SUPPRESSED | Refusal.RISK_EASED as reason):
            record = _decision(user_id, case, "refuse", reason, channel, at_ms, score, rules)
            closed, effects = close(state, user_id, reason.value, at_ms)
            return closed, (record, *effects)
        case Refuse(reason):
            record = _decision(user_id, case, "refuse", reason, channel, at_ms, score, rules)
            moved = _moved_on(state, case, at_ms)
            if reason is Refusal.HOLDOUT:
                moved = _contacted(moved, at_ms, channel).having(EXPOSED_AT=float(at_ms))
            return moved, (record,)
        case Send():
            record = _decision(user_id, case, "send", "send", channel, at_ms, score, rules)
            touch = request_touch(asked, state, rules)
            sent = OpenTouch(touch.touch_id, channel, at_ms, at_ms + step.expires_ms)
            case = msgspec.structs.replace(case, touches=(*case.touches, sent))
            moved = _contacted(_moved_on(state, case, at_ms), at_ms, channel)
            return moved.having(TREATED_AT=float(at_ms)), (record, RequestTouch(touch, at_ms))


def close(state: UserState, user_id: str, outcome: str, at_ms: int) -> Outcome:
    """Close the open case, if there is one, and take back every touch that may not have left."""
    case = state.profile.case
    if case is None:
        return state, ()
    at_ms = max(at_ms, int(state[Column.CASE_AT]))
    revoked = tuple(
        RevokeTouch(TouchRevoked(touch.touch_id, case.case_id, user_id, outcome, iso(at_ms)), at_ms)
        for touch in case.touches
        if touch.status in IN_OUR_HANDS and touch.expires_ms > at_ms
    )
    closed = CaseClosed(
        case_id=case.case_id,
        user_id=user_id,
        outcome=outcome,
        touches=len(case.touches),
        is_held_out=case.is_held_out,
        opened_at=iso(state[Column.CASE_AT]),
        closed_at=iso(at_ms),
    )
    profile = msgspec.structs.replace(state.profile, case=None)
    ended = state.having(profile, CASE_AT=0.0, DUE=NEVER, CLOSED_AT=float(at_ms))
    return ended, (*revoked, CloseCase(closed, at_ms))


def heard(state: UserState, signal: FeedbackReceived) -> Outcome:
    """Take note of what a sender says of a touch."""
    if signal.status == "opted_out":
        closed, effects = close(state, signal.user_id, "opted_out", signal.event_time_ms)
        return closed.having(msgspec.structs.replace(closed.profile, is_suppressed=True)), effects
    case = state.profile.case
    if case is None or all(touch.touch_id != signal.touch_id for touch in case.touches):
        return state, ()
    touches = tuple(
        msgspec.structs.replace(touch, status=signal.status)
        if touch.touch_id == signal.touch_id
        else touch
        for touch in case.touches
    )
    treated = [touch.at_ms for touch in touches if touch.status != "failed"]
    treated_at = float(max(treated, default=0)) or case.treated_before_ms
    case = msgspec.structs.replace(case, touches=touches)
    known = state.having(msgspec.structs.replace(state.profile, case=case), TREATED_AT=treated_at)
    if signal.status in {"replied", "handled"}:
        return close(known, signal.user_id, signal.status, signal.event_time_ms)
    return known, ()


def _moved_on(state: UserState, case: Case, at_ms: int) -> UserState:
    """Return the state with the step done and the next one, or the end, due."""
    done = case.step + 1
    wait_ms = case.steps[done].wait_ms if done < len(case.steps) else case.close_after_ms
    moved = msgspec.structs.replace(case, step=done, decided_ms=0)
    profile = msgspec.structs.replace(state.profile, case=moved)
    return state.having(profile, DUE=float(at_ms + max(1, wait_ms)))


def _contacted(state: UserState, at_ms: int, channel: str) -> UserState:
    kept = tuple(made for made in state.profile.contacts if at_ms - made[0] < CONTACTS_KEPT_MS)
    profile = msgspec.structs.replace(state.profile, contacts=(*kept, (at_ms, channel)))
    return state.having(profile)


def _decision(  # a record of everything that decided
    user_id: str,
    case: Case,
    verdict: str,
    reason: str,
    channel: str,
    at_ms: int,
    score: Score,
    rules: Rules,
) -> RecordDecision:
    decision = Decision(
        user_id=user_id,
        case_id=case.case_id,
        step=case.step + 1,
        verdict=verdict,
        reason=str(reason),
        channel=channel,
        trigger=case.trigger,
        probability=round(score.reach, 6),
        propensity=rules.holdout.share if reason == Refusal.HOLDOUT else 1.0 - rules.holdout.share,
        model_version=score.model_version,
        rules_hash=rules.hash,
        decided_at=iso(at_ms),
    )
    return RecordDecision(decision, at_ms)
