"""A case: from the alert through the steps of a playbook to the return or the end.

Every function takes a state and gives the next one with the effects; nothing here knows of Kafka.
"""

import msgspec

from models.features import Rhythm
from streams.core.channels import CONTACTS_KEPT_MS
from streams.core.controls import Mode
from streams.core.effects import CloseCase, Effect, RequestTouch, RevokeTouch
from streams.core.exposure import exposure_of
from streams.core.ids import share_of
from streams.core.journey_state import Case, OpenTouch
from streams.core.playbook import (
    INSTANT,
    Playbook,
    PlaybookStep,
    Situation,
    choose,
    following,
    pick_variant,
)
from streams.core.reach import used
from streams.core.record import decision
from streams.core.rules import Rules
from streams.core.rulings import WITHHOLDS, Ruling
from streams.core.state import CASE_WAITS, NEVER, Column, UserState
from streams.core.time import iso
from streams.core.touch import Moment, request_touch
from streams.core.unheard import SILENT, kept, settled
from streams.core.verdict import Contact, Defer, Refuse, Send, Verdict, may_contact
from streams.core.worth import quantised
from winback_sender.contract.messages import CaseClosed, TouchRevoked

Outcome = tuple[UserState, tuple[Effect, ...]]

IN_OUR_HANDS = frozenset({"requested", "unknown", "accepted", "unanswered"})
"""Words of a sender after which a touch may still be stopped: a call that staff have on their list,
or will try again, is one."""


def open_case(state: UserState, moment: Moment, trigger: str, rules: Rules) -> Outcome:
    """Open a case and release its first step; where places are rationed, bid for one first.

    While everything is stopped, or the playbook for the user may be paused, nobody gets a case; who
    is still at risk afterwards does.
    """
    if moment.terms.is_stopped:
        return state, ()
    at_ms, user_id, score = moment.at_ms, moment.user_id, moment.score
    profile = state.profile
    book = book_for(state, moment, trigger, rules)
    if book is None and (trigger in INSTANT or moment.terms.paused):
        return state, ()
    if book is None:
        case = Case("", "", "", 0, trigger, is_held_out=False)
        record = decision(state, moment, case, "refuse", "no_playbook", "", rules)
        return state.having(CLOSED_AT=float(at_ms), BID=0.0), (record,)
    variant, propensity = pick_variant(book, user_id, at_ms, moment.terms.odds.get(book.name, ()))
    if not moment.has_turn and rules.is_rationed(variant.steps[0].channel):
        return state.having(BID=quantised(score.reach)), ()
    case = Case(
        case_id=rules.ids.case_id(user_id, at_ms),
        playbook=book.name,
        variant=variant.name,
        step=0,
        trigger=trigger,
        is_held_out=rules.is_held_out(user_id),
        version=book.version,
        propensity=propensity,
        steps=variant.steps,
        exits=book.exits,
        purpose=book.purpose,
        close_after_ms=book.close_after_ms,
        expires_ms=at_ms + book.expires_ms,
    )
    opened = state.having(
        msgspec.structs.replace(profile, case=case), CASE_AT=float(at_ms), DUE=float(at_ms), BID=0.0
    )
    return release(opened, moment, rules)


def book_for(state: UserState, moment: Moment, trigger: str, rules: Rules) -> Playbook | None:
    """Return the playbook for a user in a situation, of those that are not paused."""
    profile = state.profile
    situation = Situation(
        moment.user_id, moment.tier, profile.source, trigger, profile.stage.label,
        moment.quadrant,
        tuple(cause.code for cause in moment.score.causes),
    )  # fmt: skip
    return choose(_released(rules.playbooks, moment), situation)


def plan_of(state: UserState, moment: Moment, rules: Rules) -> PlaybookStep | None:
    """Return the step that a user who waits for a place has due; None = there is none."""
    case = state.profile.case
    if case is not None:
        return case.steps[case.step] if case.step < len(case.steps) else None
    silence_ms = moment.at_ms - state[Rhythm.LAST] - moment.lost_ms
    trigger = "silence" if silence_ms >= rules.alert.backstop_ms else "risk"
    book = book_for(state, moment, trigger, rules)
    if book is None:  # Its turn says so on the record, unless a pause may be over one day.
        return None if moment.terms.paused else rules.playbooks[0].variants[0].steps[0]
    odds = moment.terms.odds.get(book.name, ())
    return pick_variant(book, moment.user_id, moment.at_ms, odds)[0].steps[0]


def _released(playbooks: tuple[Playbook, ...], moment: Moment) -> tuple[Playbook, ...]:
    paused = moment.terms.paused
    if not paused:
        return playbooks
    return tuple(book for book in playbooks if f"pause/playbook/{book.name}" not in paused)


def release(state: UserState, moment: Moment, rules: Rules) -> Outcome:
    """Do what the open case has due: the next step, or its end.

    The touch is decided anew at this moment: still at risk, allowed, not too often, not at night.
    """
    case, at_ms, user_id = state.profile.case, moment.at_ms, moment.user_id
    assert case is not None, "a case is due, but none is open"
    if case.step >= len(case.steps):
        return close(state, user_id, "exhausted", at_ms)
    if at_ms >= case.expires_ms:
        return close(state, user_id, "expired", at_ms)
    if rules.is_rationed(case.steps[case.step].channel) and not moment.has_turn:
        if state[Column.BID] != CASE_WAITS:
            return _waiting(state, case, at_ms, rules), ()
        moment = moment._replace(has_place=False)  # It has waited as long as it may.
    contact = _contact(state, case, moment, rules)
    return _carry_out(may_contact(contact, at_ms, rules.contact), state, case, moment, rules)


def _waiting(state: UserState, case: Case, at_ms: int, rules: Rules) -> UserState:
    """Return the state of a case whose next step waits for a place."""
    decided_ms = case.decided_ms or at_ms
    profile = msgspec.structs.replace(
        state.profile, case=msgspec.structs.replace(case, decided_ms=decided_ms)
    )
    due_ms = min(case.expires_ms, max(decided_ms + rules.contact.stale_after_ms, at_ms) + 1)
    return state.having(profile, BID=CASE_WAITS, DUE=float(due_ms))


def _contact(state: UserState, case: Case, moment: Moment, rules: Rules) -> Contact:
    profile, terms, at_ms = state.profile, moment.terms, moment.at_ms
    channel = case.steps[case.step].channel
    silence_ms = at_ms - state[Rhythm.LAST] - moment.lost_ms
    is_paused = bool(terms.paused) and not terms.paused.isdisjoint(
        (f"pause/channel/{channel}", f"pause/playbook/{case.playbook}")
    )
    return Contact(
        channel=channel,
        consent=profile.consents.get(channel, False if profile.is_unasked else None),
        is_suppressed=profile.is_suppressed,
        reach=profile.reach.get(channel),
        is_held_out=case.is_held_out,
        zone=profile.zone or rules.zone,
        contacts=profile.contacts,
        probability=moment.score.reach,
        decided_at_ms=case.decided_ms or at_ms,
        is_backstop=case.trigger == "silence" or silence_ms >= rules.alert.backstop_ms,
        uplift=moment.score.lift,
        explores=moment.score.lift is not None
        and share_of("explore", case.case_id) < rules.explore_share,
        put_off_ms=max(terms.put_off_ms, terms.acts_ms + 1 if _ends_on_return(case) else 0),
        lag_ms=terms.lag_ms,
        has_place=moment.has_place,
        mode=terms.mode,
        is_stopped=terms.is_stopped,
        is_paused=is_paused,
        is_instant=case.trigger in INSTANT,
    )


def _carry_out(
    verdict: Verdict, state: UserState, case: Case, moment: Moment, rules: Rules
) -> Outcome:
    at_ms, step = moment.at_ms, case.steps[case.step]
    channel = step.channel
    match verdict:
        case Defer(until_ms, reason):
            # What waits for the present is decided there, so that it does not go stale meanwhile.
            decided_ms = 0 if reason is Ruling.CATCHING_UP else case.decided_ms or at_ms
            put_off = msgspec.structs.replace(case, decided_ms=decided_ms, put_off=reason)
            profile = msgspec.structs.replace(state.profile, case=put_off)
            later = state.having(profile, DUE=float(until_ms), BID=0.0)
            if case.put_off == reason:
                return later, ()
            return later, (decision(state, moment, case, "defer", reason, channel, rules),)
        case Refuse(Ruling.SUPPRESSED | Ruling.RISK_EASED | Ruling.STOPPED as reason):
            record = decision(state, moment, case, "refuse", reason, channel, rules)
            closed, effects = close(state, moment.user_id, reason.value, at_ms)
            return closed, (record, *effects)
        case Refuse(reason):
            word = "withhold" if reason in WITHHOLDS else "refuse"
            record = decision(state, moment, case, word, reason, channel, rules)
            return _done(state, case, moment, rules, reason), (record,)
        case Send():
            touch = request_touch(moment, state, case, rules)
            record = decision(
                state, moment, case, "send", Ruling.SEND, channel, rules, touch_id=touch.touch_id
            )
            leaves_ms = at_ms + moment.terms.lag_ms
            sent = OpenTouch(touch.touch_id, channel, at_ms, leaves_ms + step.expires_ms)
            moved = _done(state, case, moment, rules, Ruling.SEND, sent)
            return moved, (record, RequestTouch(touch, at_ms))


def _done(
    state: UserState,
    case: Case,
    moment: Moment,
    rules: Rules,
    ruling: Ruling,
    sent: OpenTouch | None = None,
) -> UserState:
    """Return the state with the step done, the next one or the end due, and what that leaves."""
    at_ms, profile, channel = moment.at_ms, state.profile, case.steps[case.step].channel
    mode, is_passed = moment.terms.mode, sent is not None or ruling in WITHHOLDS
    numbers: dict[str, float] = {"BID": 0.0}
    contacts, reach, exposure = profile.contacts, profile.reach, profile.exposure
    if is_passed:
        kept = [made for made in contacts if at_ms - made[0] < CONTACTS_KEPT_MS]
        contacts = (*kept, (at_ms, channel))
    if sent is not None:
        reach = used(reach, channel, at_ms)
    elif ruling is Ruling.HOLDOUT and mode == Mode.LIVE:
        numbers["EXPOSED_AT"] = float(at_ms)
    if is_passed and mode != Mode.OBSERVE and (exposure is None or exposure.is_void):
        exposure = exposure_of(state, case, moment, rules)
        numbers["MATURES"] = float(exposure.matures_ms)
    done = following(case.steps, case.step, was_sent=is_passed)
    wait_ms = case.steps[done].wait_ms if done < len(case.steps) else case.close_after_ms
    numbers["DUE"] = float(at_ms + max(1, wait_ms))
    touches = case.touches if sent is None else (*case.touches, sent)
    case = msgspec.structs.replace(case, step=done, decided_ms=0, put_off="", touches=touches)
    profile = msgspec.structs.replace(
        profile, case=case, contacts=contacts, reach=reach, exposure=exposure
    )
    done_state = state.having(profile, **numbers)
    return done_state if sent is None else settled(done_state, profile, rules)


def close(state: UserState, user_id: str, outcome: str, at_ms: int) -> Outcome:
    """Close the open case, if there is one, and take back every touch that may not have left."""
    case = state.profile.case
    if case is None:
        return (state if not state[Column.BID] else state.having(BID=0.0)), ()
    at_ms = max(at_ms, int(state[Column.CASE_AT]))
    taken = tuple(
        touch for touch in case.touches if touch.status in IN_OUR_HANDS and touch.expires_ms > at_ms
    )
    revoked = _revocations(taken, case, user_id, outcome, at_ms)
    touches = tuple(_revoked(touch) if touch in taken else touch for touch in case.touches)
    closed = CaseClosed(
        case_id=case.case_id,
        user_id=case.opened_as or user_id,
        outcome=outcome,
        touches=len(case.touches),
        is_held_out=case.is_held_out,
        opened_at=iso(state[Column.CASE_AT]),
        closed_at=iso(at_ms),
    )
    profile = kept(state.profile, case, touches, at_ms)
    ended = state.having(profile, CASE_AT=0.0, DUE=NEVER, CLOSED_AT=float(at_ms), BID=0.0)
    return ended, (*revoked, CloseCase(closed, at_ms, bool(case.opened_as)))


def revoke(state: UserState, user_id: str, channel: str, reason: str, at_ms: int) -> Outcome:
    """Take back the touches on a channel that may not have left; the case goes on."""
    case = state.profile.case
    if case is None:
        return state, ()
    taken = tuple(
        touch
        for touch in case.touches
        if touch.channel == channel and touch.status in IN_OUR_HANDS and touch.expires_ms > at_ms
    )
    if not taken:
        return state, ()
    touches = tuple(_revoked(touch) if touch in taken else touch for touch in case.touches)
    profile = msgspec.structs.replace(
        state.profile, case=msgspec.structs.replace(case, touches=touches)
    )
    return state.having(profile), _revocations(taken, case, user_id, reason, at_ms)


def _revoked(touch: OpenTouch) -> OpenTouch:
    """Return a touch that was taken back; what a sender said of it is not forgotten."""
    return msgspec.structs.replace(touch, status="revoked") if touch.status in SILENT else touch


def _revocations(
    touches: tuple[OpenTouch, ...], case: Case, user_id: str, reason: str, at_ms: int
) -> tuple[Effect, ...]:
    at_iso = iso(at_ms)
    return tuple(
        RevokeTouch(
            TouchRevoked(touch.touch_id, case.case_id, touch.user_id or user_id, reason, at_iso),
            at_ms,
            bool(touch.user_id),
        )
        for touch in touches
    )


def _ends_on_return(case: Case) -> bool:
    return "returned" in case.exits and case.trigger not in INSTANT


def ended_by(case: Case, trigger: str, money_minor: int) -> str:
    """Return the outcome with which an activity ends a case; empty = the case goes on.

    A case that answers a trouble goes on through further ones.
    """
    if trigger == "complaint" and "complaint" in case.exits and case.trigger not in INSTANT:
        return "complaint"
    if _ends_on_return(case):
        return "returned"
    return "converted" if money_minor > 0 and "converted" in case.exits else ""
