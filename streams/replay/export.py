"""The users' state as JSON lines: the same from a replay and from the live changelog."""

from collections.abc import Iterable, Iterator

import msgspec
from xxhash import xxh3_64_hexdigest

from models.features import Rhythm
from streams.core.lifecycle import Stage
from streams.core.state import Column, UserState, decode
from streams.replay.instants import short_iso


class ExportedTouch(msgspec.Struct, frozen=True):
    """One touch of the open case."""

    touch_id: str
    channel: str
    at: str
    status: str


class ExportedCase(msgspec.Struct, frozen=True):
    """The open case of a user."""

    case_id: str
    opened_at: str
    trigger: str
    playbook: str
    step: int
    is_held_out: bool
    next_at: str | None
    touches: list[ExportedTouch]


class ExportedUser(msgspec.Struct, frozen=True):
    """One line of ``winback state export``.

    ``value_net_minor`` is the exact sum of purchases less refunds; ``digest`` stands for every byte
    of the state, so equal lines are equal states.
    """

    user_id: str
    events_applied: int
    first_event_at: str | None
    last_event_at: str | None
    active_days: int
    value_net_minor: int
    lifecycle_stage: str
    case: ExportedCase | None
    digest: str


_ENCODER = msgspec.json.Encoder()


def exported(states: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """Yield one JSON line a user, sorted by user id.

    Args:
        states: User id and changelog value, in any order.
    """
    for user_id, value in sorted(states):
        yield _ENCODER.encode(described(user_id, value))


def described(user_id: str, value: bytes) -> ExportedUser:
    """Return what a changelog value says of its user."""
    state = decode(value)
    has_acted = state[Column.EVENTS] > 0
    return ExportedUser(
        user_id=user_id,
        events_applied=int(state[Column.EVENTS]),
        first_event_at=short_iso(int(state[Rhythm.FIRST])) if has_acted else None,
        last_event_at=short_iso(int(state[Rhythm.LAST])) if has_acted else None,
        active_days=int(state[Rhythm.ACTIVE_DAYS]),
        value_net_minor=int(state[Column.VALUE_NET]),
        lifecycle_stage=Stage(state.profile.stage).label,
        case=_case(state),
        digest=xxh3_64_hexdigest(value),
    )


def _case(state: UserState) -> ExportedCase | None:
    case, due = state.profile.case, state[Column.DUE]
    if case is None:
        return None
    return ExportedCase(
        case_id=case.case_id,
        opened_at=short_iso(int(state[Column.CASE_AT])),
        trigger=case.trigger,
        playbook=case.playbook,
        step=case.step,
        is_held_out=case.is_held_out,
        next_at=short_iso(int(due)) if due < float("inf") else None,
        touches=[
            ExportedTouch(touch.touch_id, touch.channel, short_iso(touch.at_ms), touch.status)
            for touch in case.touches
        ],
    )
