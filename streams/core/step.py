"""The one reducer: state and input make state and effects."""

from typing import Final, NamedTuple, TypeVar, assert_never

import msgspec
import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_digest

from models.features import Rhythm
from streams.core import feedback, journey
from streams.core.consent import spoke
from streams.core.effects import Effect, ForgetMembers, ForgetUser, Note, RecordRisk
from streams.core.exposure import mature
from streams.core.inputs import (
    Absorbed,
    Acted,
    ConsentChanged,
    ControlSet,
    Erased,
    FeedbackReceived,
    Input,
    Linked,
    ObservationPaused,
    OptedOut,
    OutageAnnounced,
    ReachChanged,
    Scored,
    Stopped,
    Terms,
    TimerFired,
    TraitsSet,
    Troubled,
    TurnCame,
    ValueCorrected,
    WatermarkPassed,
)
from streams.core.lifecycle import Sign, Stage, move
from streams.core.links import linked
from streams.core.merge import absorb
from streams.core.messages import RiskChanged
from streams.core.reach import told as reached
from streams.core.rhythm import log_amount_of, make_fold
from streams.core.rules import Rules
from streams.core.state import (
    CASE_WAITS,
    DIGEST_BYTES,
    NEVER,
    Column,
    UserState,
    decode,
    dozing,
    encode,
)
from streams.core.time import iso
from streams.core.told_apart import retold
from streams.core.touch import Moment, moment_of
from streams.core.unheard import give_up

Number = TypeVar("Number", float, NDArray[np.float64])
"""One user's number, or a column of many users': the rules about them are the same."""

ELEVATED: Final = 1.0
HIGH: Final = 2.0
"""Risk bands; 0 is calm, and from high on a case is opened."""

BANDS: Final = ("calm", "elevated", "high")
"""Their names."""


class Transition(NamedTuple):
    """What one input led to."""

    state: UserState
    effects: tuple[Effect, ...] = ()


def step(  # noqa: C901, PLR0911, PLR0912  # one branch an input, each a line
    state: UserState, signal: Input, rules: Rules
) -> Transition:
    """Fold one input into one user's state.

    An activity is two things: numbers, folded by `streams.core.rhythm`, and what it means for the
    profile, which is `noticed`. The partition runs the first for a whole round and the second only
    for users whom it concerns; here they stand together.
    """
    match signal:
        case Acted():
            fold = make_fold(rules.churn)
            digest = xxh3_64_digest(signal.event_id.encode())
            if digest in state.ring:
                return Transition(state)
            value = fold(
                encode(state),
                float(signal.event_time_ms),
                log_amount_of(signal.amount),
                signal.money_minor,
                signal.slot,
                signal.is_risky,
                digest,
                0.0,
                b"",
            )
            return noticed(decode(value), signal, rules)
        case Scored():
            return _scored(state, signal, rules)
        case TimerFired():
            return _timer_fired(state, signal, rules)
        case TurnCame():
            return _turn_came(state, signal, rules)
        case Troubled():
            return _troubled(state, signal, rules)
        case Stopped():
            closed, effects = journey.close(state, signal.user_id, "stopped", signal.event_time_ms)
            return Transition(staged(closed, closed.profile.stage, rules), effects)
        case FeedbackReceived():
            return Transition(*feedback.heard(state, signal, rules))
        case ConsentChanged():
            is_granted, at_ms = signal.is_granted, signal.event_time_ms
            user_id, channel = signal.user_id, signal.channel
            return Transition(*spoke(state, user_id, channel, at_ms, is_granted=is_granted))
        case ReachChanged():
            return _reach_changed(state, signal)
        case ValueCorrected():
            return _value_corrected(state, signal, rules)
        case OptedOut():
            return _opted_out(state, signal, rules)
        case TraitsSet():
            return _traits_set(state, signal, rules)
        case Erased():
            return _erased(state, signal)
        case Linked():
            return Transition(*linked(state, signal, rules))
        case Absorbed():
            return _absorbed(state, signal, rules)
        case ObservationPaused():
            return _paused(state, signal, rules)
        case WatermarkPassed() | OutageAnnounced() | ControlSet():
            return Transition(state)
        case _:
            assert_never(signal)


def noticed(state: UserState, signal: Acted, rules: Rules) -> Transition:
    """Return what an activity, already folded into the numbers, means for the profile.

    A calm and active user is not concerned; ``WAKES_AT`` says from which active day on one is.
    """
    is_late = signal.event_time_ms < state[Rhythm.LAST]
    if is_late or state[Rhythm.ACTIVE_DAYS] < state[Column.WAKES_AT]:
        return Transition(state)
    case, at_ms = state.profile.case, signal.event_time_ms
    effects: tuple[Effect, ...] = ()
    if case is not None:
        outcome = journey.ended_by(case, signal.trigger, signal.money_minor)
        if outcome:
            state, effects = journey.close(state, signal.user_id, outcome, at_ms)
    is_settled = state[Rhythm.ACTIVE_DAYS] >= rules.churn.min_active_days
    stage = move(state.profile.stage, Sign.SETTLED if is_settled else Sign.ACTED)
    before, bid = state[Column.BAND], state[Column.BID]
    bid = bid if bid == CASE_WAITS else 0.0
    calmed = staged(state, stage, rules, BAND=0.0, RISK=0.0, BID=bid)
    if before == 0.0:
        return Transition(calmed, effects)
    changed = _risk_changed(calmed, signal.user_id, before, at_ms, "", "")
    return Transition(calmed, (*effects, changed))


def _risk_changed(
    state: UserState, user_id: str, before: float, at_ms: int, tier: str, version: str
) -> RecordRisk:
    changed = RiskChanged(
        user_id=user_id,
        band=BANDS[int(state[Column.BAND])],
        band_before=BANDS[int(before)],
        probability=round(state[Column.RISK], 6),
        lifecycle_stage=state.profile.stage.label,
        value_tier=tier,
        value_net=int(state[Column.VALUE_NET]),
        acquisition_source=state.profile.source,
        model_version=version,
        changed_at=iso(at_ms),
    )
    return RecordRisk(changed, at_ms)


def _moment(signal: Scored | TimerFired | TurnCame | Troubled, rules: Rules) -> Moment:
    assert signal.score is not None, "a touch is released only on the word of a fresh score"
    lost_ms = 0 if isinstance(signal, Troubled) else signal.lost_ms
    terms = signal.terms or Terms(rules.mode)
    return moment_of(signal.user_id, signal.event_time_ms, signal.score, terms, rules, lost_ms)


def _scored(state: UserState, signal: Scored, rules: Rules) -> Transition:
    reach, at_ms = signal.score.reach, float(signal.event_time_ms)
    before = state[Column.BAND]
    band = HIGH if signal.is_backstop else band_of(reach, before, rules)
    sign = (Sign.RISK_CALM, Sign.RISK_ELEVATED, Sign.RISK_HIGH)[int(band)]
    stage = move(state.profile.stage, sign)
    bid = state[Column.BID] if band == HIGH or state[Column.BID] == CASE_WAITS else 0.0
    moved = staged(state, stage, rules, BAND=band, RISK=reach, BID=bid)
    moment = _moment(signal, rules)
    effects: tuple[Effect, ...] = ()
    if band != before:
        version = moment.score.model_version
        effects = (_risk_changed(moved, signal.user_id, before, int(at_ms), moment.tier, version),)
    case_at, closed_at, last = state[Column.CASE_AT], state[Column.CLOSED_AT], state[Rhythm.LAST]
    if band < HIGH or not may_open(case_at, closed_at, last, bid, at_ms, rules):
        return Transition(moved, effects)
    trigger = "silence" if signal.is_backstop else "risk"
    opened, more = journey.open_case(moved, moment, trigger, rules)
    return Transition(staged(opened, stage, rules), (*more, *effects))


def _turn_came(state: UserState, signal: TurnCame, rules: Rules) -> Transition:
    moment = _moment(signal, rules)._replace(has_turn=True, has_place=signal.has_place)
    if state.profile.case is not None:
        state, effects = journey.release(state, moment, rules)
        return Transition(staged(state, state.profile.stage, rules), effects)
    silence_ms = signal.event_time_ms - state[Rhythm.LAST] - signal.lost_ms
    is_silent = silence_ms >= rules.alert.backstop_ms
    if signal.score.reach < rules.alert.exit_probability and not is_silent:
        calm = state.having(BID=0.0)
        fresh = Scored(
            signal.user_id, signal.event_time_ms, signal.score,
            lost_ms=signal.lost_ms, terms=signal.terms,
        )  # fmt: skip
        return _scored(calm, fresh, rules)
    trigger = "silence" if is_silent else "risk"
    state, effects = journey.open_case(state, moment, trigger, rules)
    return Transition(staged(state, state.profile.stage, rules), effects)


def _troubled(state: UserState, signal: Troubled, rules: Rules) -> Transition:
    if state.profile.case is not None:
        return Transition(state)
    moment = _moment(signal, rules)._replace(has_turn=True, has_place=signal.has_place)
    state, effects = journey.open_case(state, moment, signal.trigger, rules)
    return Transition(staged(state, state.profile.stage, rules), effects)


def _timer_fired(state: UserState, signal: TimerFired, rules: Rules) -> Transition:
    at_ms = signal.event_time_ms
    effects: tuple[Effect, ...] = ()
    if state[Column.UNHEARD] <= at_ms:
        state, effects = give_up(state, signal.user_id, at_ms, rules)
    if state[Column.MATURES] <= at_ms:
        state, more = mature(state, signal.user_id, rules)
        effects = (*effects, *more)
    if state[Column.CASE_AT] and state[Column.CASE_AT] <= state[Column.AWAY_FROM] <= at_ms:
        state, more = journey.close(state, signal.user_id, "paused", at_ms)
        effects = (*effects, *more)
    elif state[Column.DUE] <= at_ms:
        state, more = journey.release(state, _moment(signal, rules), rules)
        effects = (*effects, *more)
    silence_ms = at_ms - state[Rhythm.LAST] - signal.lost_ms
    stage = state.profile.stage
    if silence_ms >= rules.churn.limit_ms:
        stage, state = move(stage, Sign.SILENT_LIMIT), dozing(state)
    elif silence_ms >= rules.churn.horizon_ms:
        stage = move(stage, Sign.SILENT_HORIZON)
        if 0.0 < state[Column.BID] < CASE_WAITS:  # The silence has reached H: it is too late.
            state = state.having(BID=0.0)
    return Transition(staged(state, stage, rules), effects)


def _erased(state: UserState, signal: Erased) -> Transition:
    """Forget a user, and what is left of the other ids of the person."""
    user_id, at_ms = signal.user_id, signal.event_time_ms
    closed, effects = journey.close(state, user_id, "erased", at_ms)
    members = tuple(state.profile.members)
    if members:
        effects = (*effects, ForgetMembers(members, (user_id, *members), at_ms))
    return Transition(closed, (*effects, ForgetUser(user_id, at_ms)))


def _absorbed(state: UserState, signal: Absorbed, rules: Rules) -> Transition:
    """Take over what was known under another id of the user."""
    before = state[Column.BAND]
    state, effects = absorb(state, signal, rules)
    stage = state.profile.stage
    # Named, so that the number of days from which an activity concerns the profile is set anew.
    state = staged(state, stage, rules, BAND=state[Column.BAND])
    if state[Column.BAND] == before:
        return Transition(state, effects)
    changed = _risk_changed(state, signal.user_id, before, signal.event_time_ms, "", "")
    return Transition(state, (*effects, changed))


def _opted_out(state: UserState, signal: OptedOut, rules: Rules) -> Transition:
    if signal.channel:
        at_ms, user_id = signal.event_time_ms, signal.user_id
        return Transition(*spoke(state, user_id, signal.channel, at_ms, is_granted=False))
    closed, effects = journey.close(state, signal.user_id, "opted_out", signal.event_time_ms)
    suppressed = msgspec.structs.replace(closed.profile, is_suppressed=True)
    return Transition(staged(closed.having(suppressed), closed.profile.stage, rules), effects)


def _paused(state: UserState, signal: ObservationPaused, rules: Rules) -> Transition:
    """Note when a user is not observed; whoever is away already is not written to any more."""
    away_from, away_to = signal.from_ms, signal.to_ms
    if away_to <= away_from:
        away_from = away_to = NEVER
    state = state.having(AWAY_FROM=away_from, AWAY_TO=away_to)
    if not away_from <= signal.event_time_ms < away_to:
        return Transition(state)
    closed, effects = journey.close(state, signal.user_id, "paused", signal.event_time_ms)
    return Transition(staged(closed, closed.profile.stage, rules), effects)


def _reach_changed(state: UserState, signal: ReachChanged) -> Transition:
    """Note what the company says of a channel, once: permissions are counted."""
    digest = xxh3_64_digest(signal.event_id.encode())
    if digest in state.ring:
        return Transition(state, (Note("duplicate", signal.event_time_ms),))
    reach = reached(state.profile.reach, signal)
    ring = state.ring[DIGEST_BYTES:] + digest
    return _profiled(msgspec.structs.replace(state, ring=ring), reach=reach)


def _value_corrected(state: UserState, signal: ValueCorrected, rules: Rules) -> Transition:
    """Change what a user is worth, once; the decayed value as of the last activity."""
    digest = xxh3_64_digest(signal.event_id.encode())
    if digest in state.ring:
        return Transition(state, (Note("duplicate", signal.event_time_ms),))
    age_ms = max(0.0, state[Rhythm.LAST] - signal.event_time_ms)
    decay = float(np.exp2(-age_ms / (4.0 * rules.churn.horizon_ms)))
    ring = state.ring[DIGEST_BYTES:] + digest
    changed = msgspec.structs.replace(state, ring=ring).having(
        VALUE_NET=state[Column.VALUE_NET] + signal.money_minor,
        VALUE_DECAYED=state[Column.VALUE_DECAYED] + signal.money_minor * decay,
    )
    return Transition(changed)


def _traits_set(state: UserState, signal: TraitsSet, rules: Rules) -> Transition:
    """Keep the traits that the rules keep, and note which of those told apart a user has."""
    profile = state.profile
    kept = {name: text for name, text in signal.traits.items() if name in rules.traits}
    state = _profiled(
        state,
        zone=signal.zone or profile.zone,
        source=signal.source or profile.source,
        traits=profile.traits | kept,
    ).state
    reached_ms = signal.reached_ms or signal.event_time_ms
    phase, period = int(state[Column.PHASE]), rules.churn.period_ms
    grid_ms = (reached_ms - phase) // period * period + phase
    from_ms = max(signal.event_time_ms, reached_ms)
    told = retold(state.head, signal.told, rules.traits_told_apart, from_ms, grid_ms)
    if told is None:
        return Transition(state)
    return Transition(state.having(TRAITS=told[0], TRAITS_AT=told[1]))


def _profiled(state: UserState, **changes: object) -> Transition:
    profile = msgspec.structs.replace(state.profile, **changes)
    return Transition(state.having(profile))


def staged(state: UserState, stage: Stage, rules: Rules, **numbers: float) -> UserState:
    """Return a state in a stage, with the active days from which an activity concerns it."""
    is_calm = state.profile.case is None and numbers.get("BAND", state[Column.BAND]) == 0.0
    wakes_at = 0.0
    if is_calm and stage is Stage.NEW:
        wakes_at = rules.alert_days
    elif is_calm and stage is Stage.ACTIVE:
        wakes_at = NEVER
    if stage is state.profile.stage and wakes_at == state[Column.WAKES_AT] and not numbers:
        return state
    profile = state.profile
    if stage is not profile.stage:
        profile = msgspec.structs.replace(profile, stage=stage)
    return state.having(profile, WAKES_AT=wakes_at, **numbers)


def band_of(reach: Number, band: Number, rules: Rules) -> Number:
    """Return the risk band of a probability, with hysteresis between the entry and the exit."""
    alert = rules.alert
    is_high = (reach >= alert.probability) | ((band == HIGH) & (reach >= alert.exit_probability))
    is_elevated = (reach >= alert.elevated_probability) & (is_high == 0)
    band_now: Number = HIGH * is_high + ELEVATED * is_elevated
    return band_now


def may_open(  # columns of the state
    case_at: Number, closed_at: Number, last: Number, bid: Number, at_ms: Number, rules: Rules
) -> Number:
    """Return whether a high risk opens a case: one at a time, one a silence, none too soon.

    Who bids for a place already need not ask again.
    """
    is_cool = at_ms - closed_at >= rules.alert.cool_down_ms
    may: Number = (case_at == 0.0) & (bid == 0.0) & is_cool & (closed_at <= last)
    return may
