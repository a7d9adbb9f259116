"""Two states become one: what is known under an id that was given up goes to the person's own.

The result is as close as can be to what would be known if everything had come under one id. Where
it cannot be known, the cautious side is taken: a no of either wins, no example is mislabelled, of
two cases one goes on, of two exposures one counts.
"""

from typing import Final, NamedTuple

import msgspec
from xxhash import xxh3_64_digest

from models.feature_list import TRAIT_BITS, TRAITS_MAX
from models.features import Rhythm
from streams.core.effects import Effect, Note, RecordMerge
from streams.core.inputs import Absorbed
from streams.core.journey import Outcome, close, ended_by, revoke
from streams.core.journey_state import Exposure, OpenTouch
from streams.core.lifecycle import Sign, Stage, move
from streams.core.merge_profile import consents_of, exposure_of, left_of, reach_of
from streams.core.merge_rhythm import merged_rhythm
from streams.core.messages import IdentityMerged
from streams.core.rules import Rules
from streams.core.state import (
    CASE_WAITS,
    DIGEST_BYTES,
    EMPTY_RING,
    LIVE_WIDTH,
    NEVER,
    RING_IDS,
    Column,
    UserState,
    decode,
)
from streams.core.time import iso
from streams.core.unheard import settled

MEMBERS_KEPT: Final = 100
"""Ids that are remembered of one person: two with many may turn out to be one."""

EXAMPLE_DROPPED: Final = "example_dropped"
EXPOSURE_DROPPED: Final = "exposure_dropped"
"""Counted: of two that were pending one cannot be told apart any more."""

BLANK_DIGEST: Final = bytes(DIGEST_BYTES)
CALM_STAGES: Final = frozenset({Stage.NEW, Stage.ACTIVE})


class Parts(NamedTuple):
    """The two sides, their cases settled between them.

    Attributes:
        one: Of the id under which the person is known.
        other: Of the id that was given up.
        effects: What that led to.
    """

    one: UserState
    other: UserState
    effects: tuple[Effect, ...]


def absorb(state: UserState, signal: Absorbed, rules: Rules) -> Outcome:
    """Return one state of two, once: the same message again changes nothing.

    The stage and when the profile is concerned next are the reducer's to say.
    """
    digest = xxh3_64_digest(f"{signal.other_id}\0{signal.event_id}".encode())
    if digest in state.ring:
        return state, (Note("duplicate", signal.event_time_ms),)
    at_ms, user_id = signal.event_time_ms, signal.user_id
    given_up = signed(decode(signal.state), signal.other_id)
    consents, consents_ms, is_silenced = consents_of(state.profile, given_up.profile)
    suppressed = state.profile.is_suppressed or given_up.profile.is_suppressed or is_silenced
    one, other, effects = _cases(state, given_up, signal, is_suppressed=suppressed)
    exposure, was_dropped = exposure_of(one, other)
    mine, theirs = one.profile, other.profile
    left, dropped_ms = left_of(mine.left, theirs.left)
    members = theirs.members | mine.members | {signal.other_id: at_ms}
    newest = sorted(members.items(), key=lambda member: member[::-1])[-MEMBERS_KEPT:]
    by_first = sorted((one, other), key=lambda each: each[Rhythm.FIRST] or NEVER)
    profile = msgspec.structs.replace(
        mine,
        stage=_stage(one, other, rules),
        consents=consents,
        consents_ms=consents_ms,
        is_suppressed=suppressed,
        zone=mine.zone or theirs.zone,
        source=by_first[0].profile.source or by_first[1].profile.source,
        contacts=tuple(sorted((*mine.contacts, *theirs.contacts))),
        traits=theirs.traits | mine.traits,
        case=mine.case or theirs.case,
        reach=reach_of(mine.reach, theirs.reach),
        exposure=exposure,
        left=left,
        treated_ms=max(mine.treated_ms, theirs.treated_ms, dropped_ms),
        members={each: used_ms for each, used_ms in newest if each != user_id},
        is_unasked=mine.is_unasked or theirs.is_unasked,
    )
    made = UserState(_head(one, other, exposure, signal, rules), one.ring, one.frozen, profile)
    if signal.frozen_at:
        made = msgspec.structs.replace(made, frozen=signal.frozen)
    ring = _ring(one.ring, other.ring, digest)
    made = settled(msgspec.structs.replace(made, ring=ring), profile, rules)
    for channel, is_granted in consents.items():
        if not is_granted:
            made, more = revoke(made, user_id, channel, "no_consent", at_ms)
            effects = (*effects, *more)
    notes = _notes(given_up, signal, was_dropped=was_dropped)
    if signal.other_id == user_id:  # It went round a ring and came home.
        return made, (*effects, *notes)
    case_id = "" if theirs.case is None else theirs.case.case_id
    value_net = int(given_up[Column.VALUE_NET])
    merged = IdentityMerged(user_id, signal.other_id, value_net, case_id, iso(at_ms))
    return made, (*effects, *notes, RecordMerge(merged, at_ms))


def signed(state: UserState, user_id: str) -> UserState:
    """Return a state whose case and touches say for which id they were opened and requested."""
    profile = state.profile
    case = profile.case
    if case is not None:
        touches = tuple(_signed(touch, user_id) for touch in case.touches)
        opened_as = case.opened_as or user_id
        case = msgspec.structs.replace(case, touches=touches, opened_as=opened_as)
    left = tuple(_signed(touch, user_id) for touch in profile.left)
    return state.having(msgspec.structs.replace(profile, case=case, left=left))


def _signed(touch: OpenTouch, user_id: str) -> OpenTouch:
    return touch if touch.user_id else msgspec.structs.replace(touch, user_id=user_id)


def _cases(
    state: UserState, given_up: UserState, signal: Absorbed, *, is_suppressed: bool
) -> Parts:
    """Close the cases that cannot go on, so that at most one is left.

    A case ends as it would have, had the activities of the other id been known to it. Of two that
    could both go on, the one that was opened first does.
    """
    at_ms = signal.event_time_ms
    ends = [
        _ending(state, given_up, is_suppressed=is_suppressed),
        _ending(given_up, state, is_suppressed=is_suppressed),
    ]
    if not any(ends) and state.profile.case is not None and given_up.profile.case is not None:
        ends[given_up[Column.CASE_AT] >= state[Column.CASE_AT]] = "merged"
    sides, effects = [state, given_up], list[Effect]()
    for place, user_id in enumerate((signal.user_id, signal.other_id)):
        if ends[place] and sides[place].profile.case is not None:
            sides[place], closing = close(sides[place], user_id, ends[place], at_ms)
            effects += closing
    return Parts(sides[0], sides[1], tuple(effects))


def _ending(state: UserState, other: UserState, *, is_suppressed: bool) -> str:
    """Return with which outcome an open case ends for what is known of the other id; or nothing."""
    case = state.profile.case
    if case is None:
        return ""
    if is_suppressed:
        return "opted_out"
    has_acted = other[Column.EVENTS] > 0.0 and other[Rhythm.LAST] > state[Column.CASE_AT]
    return ended_by(case, "", 0) if has_acted else ""


def _head(
    one: UserState, other: UserState, exposure: Exposure | None, signal: Absorbed, rules: Rules
) -> tuple[float, ...]:
    """Return the numbers of both; those of decisions go with the silence, or with the case."""
    head = [*merged_rhythm(one.head, other.head, rules.churn), *one.head[LIVE_WIDTH:]]
    latest = _latest(one, other)
    head[Column.BAND], head[Column.RISK] = latest[Column.BAND], latest[Column.RISK]
    for owner in (one, other):
        if owner.profile.case is not None:
            for column in (Column.CASE_AT, Column.DUE, Column.BID):
                head[column] = owner[column]
            break
    else:
        head[Column.BID] = latest[Column.BID] if latest[Column.BID] < CASE_WAITS else 0.0
    for column in (Column.CLOSED_AT, Column.TREATED_AT, Column.EXPOSED_AT):
        head[column] = max(one[column], other[column])
    if one[Column.AWAY_FROM] == NEVER:
        head[Column.AWAY_FROM], head[Column.AWAY_TO] = (
            other[Column.AWAY_FROM],
            other[Column.AWAY_TO],
        )
    head[Column.MATURES] = NEVER if exposure is None else float(exposure.matures_ms)
    if signal.frozen_at:
        head[Column.FROZEN_AT] = signal.frozen_at
    mine, theirs = (int(each[Rhythm.TRAITS]) & TRAIT_BITS for each in (one, other))
    if theirs & ~mine:
        head[Rhythm.TRAITS] = float(mine << TRAITS_MAX | mine | theirs)
        head[Rhythm.TRAITS_AT] = float(signal.event_time_ms)
    return tuple(head)


def _latest(one: UserState, other: UserState) -> UserState:
    """Return the side with the last activity: the silence that follows is measured from there."""
    if not other[Column.EVENTS]:
        return one
    is_other = not one[Column.EVENTS] or other[Rhythm.LAST] > one[Rhythm.LAST]
    return other if is_other else one


def _stage(one: UserState, other: UserState, rules: Rules) -> Stage:
    """Return the stage: that of the latest activity, which for the other side was a return."""
    latest = _latest(one, other)
    before = one if latest is other else other
    stage = latest.profile.stage
    if not before[Column.EVENTS] or stage not in CALM_STAGES:
        return stage
    days = one[Rhythm.ACTIVE_DAYS] + other[Rhythm.ACTIVE_DAYS]
    sign = Sign.SETTLED if days >= rules.churn.min_active_days else Sign.ACTED
    return move(before.profile.stage, sign)


def _ring(mine: bytes, theirs: bytes, digest: bytes) -> bytes:
    """Return the latest ids of both in turn, and last that of the merge."""
    rings = [
        [ring[at : at + DIGEST_BYTES] for at in range(0, len(EMPTY_RING), DIGEST_BYTES)][::-1]
        for ring in (mine, theirs)
    ]
    turns = [each for pair in zip(*rings, strict=True) for each in pair]
    kept = [digest, *(each for each in dict.fromkeys(turns) if each != BLANK_DIGEST)][:RING_IDS]
    return EMPTY_RING[len(kept) * DIGEST_BYTES :] + b"".join(reversed(kept))


def _notes(given_up: UserState, signal: Absorbed, *, was_dropped: bool) -> tuple[Note, ...]:
    """Return what is counted of what could not be kept."""
    names = [EXPOSURE_DROPPED] * was_dropped
    is_lost = signal.is_example_lost or given_up[Column.FROZEN_AT] > 0.0
    names += [EXAMPLE_DROPPED] * is_lost
    return tuple(Note(name, signal.event_time_ms) for name in names)
