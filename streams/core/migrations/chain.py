"""The chain of steps from every version of the state that was ever released to the present one."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from streams.core.erasures import ERASED_PREFIX
from streams.core.kinship import STUB_PREFIX
from streams.core.migrations.from_1 import FROM_1
from streams.core.migrations.step import Step
from streams.core.partition_record import PARTITION_KEY, StateMismatchError
from streams.core.versions import STATE, WINBACK, state_version

STEPS: Final[dict[int, Step]] = {1: FROM_1}
"""Version to the step that leads to the next one."""


class BroughtUp(NamedTuple):
    """The content of a changelog in the present layout.

    Attributes:
        records: All of them.
        changed: Keys of those that lie there otherwise; what is to be written anew.
    """

    records: Mapping[bytes, bytes]
    changed: frozenset[bytes]


def brought_up(records: Mapping[bytes, bytes]) -> BroughtUp:
    """Return the content of a partition's changelog in the present layout.

    Raises:
        StateMismatchError: A version wrote it that is newer than this one, or never was.
    """
    raw = records.get(PARTITION_KEY)
    if raw is None:
        return BroughtUp(records, frozenset())
    layout = msgspec.json.decode(raw, type=_Layout).layout
    steps = _steps(layout)
    if not steps:
        return BroughtUp(records, frozenset())
    found = dict(records)
    for step in steps:
        for key, value in found.items():
            found[key] = _taken(step, key, value)
    return BroughtUp(found, frozenset(key for key in found if found[key] != records[key]))


def state_brought_up(state: bytes, layout: str) -> bytes:
    """Return a state that another partition has handed over, in the present layout.

    Raises:
        StateMismatchError: As `brought_up`.
    """
    for step in _steps(layout):
        state = step.user(state)
    return state


def _steps(layout: str) -> list[Step]:
    version = state_version(layout)
    if version == STATE:
        return []
    if version > STATE:
        raise StateMismatchError(
            f"the state is of version {layout}, newer than this one: winback {WINBACK} knows "
            f"versions up to {STATE}",
            "Run the version that wrote it, or a later one: what it wrote is not read half. To go "
            "back nevertheless: docs/upgrade.md#rollback",
        )
    if version not in STEPS:
        raise StateMismatchError(
            f"the state has the layout {layout!r}, which no released version has written",
            "Use the version that wrote it, or begin anew under another WINBACK_APP_ID.",
        )
    return [STEPS[number] for number in range(version, STATE)]


def _taken(step: Step, key: bytes, value: bytes) -> bytes:
    """Return what becomes of one value."""
    if key == PARTITION_KEY:
        return msgspec.json.encode(step.record(msgspec.json.decode(value, type=dict[str, Any])))
    if key.startswith(ERASED_PREFIX):
        return step.erasure(value)
    if key.startswith(STUB_PREFIX):
        return step.stub(value)
    return step.user(value)


class _Layout(msgspec.Struct):
    layout: str
