"""From a value of the changelog to the row of its user, and of its partition."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from models.features import Rhythm
from streams.console.changes import Change
from streams.core.messages import PartitionRecord
from streams.core.partition_record import OURS, PARTITION_KEY
from streams.core.rules import Rules
from streams.core.state import BrokenStateError, Column, UserState, decode

FIRST: Final = Rhythm.FIRST
"""The first activity of a user."""
BLANK: Final = (0, "", 0.0, 0, 0, 0, "", "", "", "", 0, 0, "", 0, 0, 0)
"""The columns of a user of whom there is no state, as `tables.OF_STATE` has them."""


def changes_of(record: Any, rules: Rules, name_of: Callable[[str], str]) -> Iterator[Change]:
    """Yield what a record of the changelog changes.

    Raises:
        ValueError: The state cannot be read.
    """
    key, value = record.key or b"", record.value
    if key == PARTITION_KEY:
        if value is not None:
            yield _partition(record.partition, record.timestamp_ms, value)
        return
    if key.startswith(OURS):
        return
    user_id = key.decode()
    if value is None:
        yield Change("user", user_id, 0, (user_id, name_of(user_id), *BLANK))
        yield Change("state_gone", user_id, 0, (user_id,))
        return
    try:
        state = decode(value)
    except BrokenStateError as error:
        raise ValueError(str(error)) from error
    last_ms = int(state[Rhythm.LAST])
    yield Change("user", user_id, last_ms, (user_id, name_of(user_id), *_row(state, rules)))
    yield Change("state", user_id, last_ms, (value, user_id))


def _row(state: UserState, rules: Rules) -> tuple[Any, ...]:
    """Return the columns of a user, as `tables.OF_STATE` has them."""
    profile, risk = state.profile, state[Column.RISK]
    case, due = profile.case, state[Column.DUE]
    stake = rules.stake_least + max(state[Column.VALUE_DECAYED], 0.0)
    steps = case.steps if case is not None else ()
    # An id that was given up for another one is nobody: whoever it is stands under that one.
    next_step = steps[case.step] if case is not None and case.step < len(steps) else None
    return (
        int(state[Column.BAND]),
        profile.stage.label,
        round(risk, 6),
        round(risk * stake),
        int(state[Column.VALUE_NET]),
        int(state[Rhythm.LAST]),
        _month(state[FIRST]),
        profile.source,
        case.case_id if case is not None else "",
        case.playbook if case is not None else "",
        case.step if case is not None else 0,
        len(steps),
        next_step.channel if next_step is not None else "",
        int(due) if due < float("inf") else 0,
        int(case is not None and case.is_held_out),
        int(profile.is_suppressed),
    )


def _month(at_ms: float) -> str:
    """Return the month of the first activity: the cohort."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m") if at_ms > 0 else ""


def _partition(number: int, committed_ms: int, value: bytes) -> Change:
    record = msgspec.json.decode(value, type=PartitionRecord)
    return Change("partition", "", 0, (
        number, record.watermark_ms, record.users, record.rules_hash, record.layout, committed_ms,
        value,
    ))  # fmt: skip
