"""The one reducer: state and input make state and effects."""

from typing import Final, NamedTuple, TypeVar, assert_never

import msgspec
import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_digest

from models.features import Rhythm
from streams.core import journey
from streams.core.effects import Effect, ForgetUser
from streams.core.inputs import (
    Acted,
    ConsentChanged,
    ControlSet,
    Erased,
    FeedbackReceived,
    Input,
    ObservationPaused,
    OptedOut,
    OutageAnnounced,
    Scored,
    Stopped,
    TimerFired,
    TraitsSet,
    WatermarkPassed,
)
from streams.core.lifecycle import Sign, Stage, move
from streams.core.rhythm import log_amount_of, make_fold
from streams.core.rules import Rules
from streams.core.state import NEVER, Column, UserState, decode, encode
from streams.core.told_apart import retold

Number = TypeVar("Number", float, NDArray[np.float64])
"""One user's number, or a column of many users': the rules about them are the same."""

ELEVATED: Final = 1.0
HIGH: Final = 2.0
"""Risk bands; 0 is calm, and from high on a case is opened."""

CHANNELS_MAX: Final = 32
"""Channels a user can say yes or no to: bounds the state."""


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
        case FeedbackReceived():
            return Transition(*journey.heard(state, signal))
        case ConsentChanged():
            return _consenting(state, signal.channel, is_granted=signal.is_granted)
        case OptedOut():
            return _opted_out(state, signal, rules)
        case TraitsSet():
            return _traits_set(state, signal, rules)
        case Erased():
            closed, effects = journey.close(state, signal.user_id, "erased", signal.event_time_ms)
            return Transition(closed, (*effects, ForgetUser(signal.user_id, signal.event_time_ms)))
        case ObservationPaused():
            return _paused(state, signal, rules)
        case Stopped():
            return Transition(
                *journey.close(state, signal.user_id, "stopped", signal.event_time_ms)
            )
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
    effects: tuple[Effect, ...] = ()
    if state.profile.case is not None:
        state, effects = journey.close(state, signal.user_id, "returned", signal.event_time_ms)
    is_settled = state[Rhythm.ACTIVE_DAYS] >= rules.churn.min_active_days
    stage = move(state.profile.stage, Sign.SETTLED if is_settled else Sign.ACTED)
    return Transition(_staged(state, stage, rules, BAND=0.0, RISK=0.0), effects)


def _scored(state: UserState, signal: Scored, rules: Rules) -> Transition:
    reach, at_ms = signal.score.reach, float(signal.event_time_ms)
    band = HIGH if signal.is_backstop else band_of(reach, state[Column.BAND], rules)
    sign = (Sign.RISK_CALM, Sign.RISK_ELEVATED, Sign.RISK_HIGH)[int(band)]
    stage = move(state.profile.stage, sign)
    moved = _staged(state, stage, rules, BAND=band, RISK=reach)
    case_at, closed_at, last = state[Column.CASE_AT], state[Column.CLOSED_AT], state[Rhythm.LAST]
    if band < HIGH or not may_open(case_at, closed_at, last, at_ms, rules):
        return Transition(moved)
    opened, effects = journey.open_case(moved, signal, rules)
    return Transition(_staged(opened, stage, rules), effects)


def _timer_fired(state: UserState, signal: TimerFired, rules: Rules) -> Transition:
    at_ms = signal.event_time_ms
    effects: tuple[Effect, ...] = ()
    if state[Column.CASE_AT] and state[Column.CASE_AT] <= state[Column.AWAY_FROM] <= at_ms:
        state, effects = journey.close(state, signal.user_id, "paused", at_ms)
    elif state[Column.DUE] <= at_ms:
        state, effects = journey.release(state, signal, rules)
    silence_ms = at_ms - state[Rhythm.LAST] - signal.lost_ms
    stage = state.profile.stage
    if silence_ms >= rules.churn.limit_ms:
        stage = move(stage, Sign.SILENT_LIMIT)
    elif silence_ms >= rules.churn.horizon_ms:
        stage = move(stage, Sign.SILENT_HORIZON)
    return Transition(_staged(state, stage, rules), effects)


def _opted_out(state: UserState, signal: OptedOut, rules: Rules) -> Transition:
    if signal.channel:
        return _consenting(state, signal.channel, is_granted=False)
    closed, effects = journey.close(state, signal.user_id, "opted_out", signal.event_time_ms)
    suppressed = msgspec.structs.replace(closed.profile, is_suppressed=True)
    return Transition(_staged(closed.having(suppressed), closed.profile.stage, rules), effects)


def _paused(state: UserState, signal: ObservationPaused, rules: Rules) -> Transition:
    """Note when a user is not observed; whoever is away already is not written to any more."""
    away_from, away_to = signal.from_ms, signal.to_ms
    if away_to <= away_from:
        away_from = away_to = NEVER
    state = state.having(AWAY_FROM=away_from, AWAY_TO=away_to)
    if not away_from <= signal.event_time_ms < away_to:
        return Transition(state)
    closed, effects = journey.close(state, signal.user_id, "paused", signal.event_time_ms)
    return Transition(_staged(closed, closed.profile.stage, rules), effects)


def _consenting(state: UserState, channel: str, *, is_granted: bool) -> Transition:
    """Note a word on a channel; beyond so many channels a new one is noise."""
    consents = state.profile.consents
    if channel not in consents and len(consents) >= CHANNELS_MAX:
        return Transition(state)
    return _profiled(state, consents=consents | {channel: is_granted})


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


def _staged(state: UserState, stage: Stage, rules: Rules, **numbers: float) -> UserState:
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


def may_open(
    case_at: Number, closed_at: Number, last: Number, at_ms: Number, rules: Rules
) -> Number:
    """Return whether a high risk opens a case: one at a time, one a silence, none too soon."""
    is_cool = at_ms - closed_at >= rules.alert.cool_down_ms
    may: Number = (case_at == 0.0) & is_cool & (closed_at <= last)
    return may
