"""Partitions out of the changelog: all of it, or what was stored and what has changed since."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeVar

import msgspec

from streams.core.course import Course
from streams.core.kinship import Kinship
from streams.core.messages import PartitionRecord
from streams.core.migrations.chain import brought_up
from streams.core.partition_record import (
    BROKEN,
    OURS,
    PARTITION_KEY,
    UNREADABLE_RECORD,
    StateMismatchError,
    taken_over,
)
from streams.core.rules import Rules
from streams.core.state import BrokenStateError
from streams.core.stored import StaleStartError, Stored
from streams.core.versions import LAYOUT

T = TypeVar("T", bytes, bytes | None)

_BEHIND_OURS: Final = bytes([OURS[0] + 1])
"""Keys of ours are smaller than this, those of users are not."""


class Place(NamedTuple):
    """A partition that is to be restored.

    Attributes:
        number: Its number.
        rules: In force.
        course: Its users in time, of whom there are none yet.
        stubs: What is left of ids, of which there are none yet.
    """

    number: int
    rules: Rules
    course: Course
    stubs: Kinship


class Restored(NamedTuple):
    """What a partition was restored to.

    Attributes:
        record: Its own record; None = there is none.
        raw: The same in bytes.
        is_outdated: Something lies in the changelog as an older version wrote it.
    """

    record: PartitionRecord | None
    raw: bytes
    is_outdated: bool


def restored(place: Place, records: Mapping[bytes, bytes]) -> Restored:
    """Fill a partition from the content of its changelog.

    Raises:
        StateMismatchError: It was made with other rules or keys, or by a newer version; or one of
            its records cannot be read.
    """
    return _readable(place.number, lambda: _restored(place, records))


def resumed(place: Place, stored: Stored, changes: Mapping[bytes, bytes | None]) -> Restored:
    """Fill a partition from what was stored, and what has changed in its changelog since.

    Every user that the changelog holds is then there: who was not changed since is stored. Nobody
    is there too many if there are as many as the record says.

    Args:
        place: The partition.
        stored: The changelog as it was.
        changes: Key to value since then; None = it was deleted.

    Raises:
        StaleStartError: Together they are not what is in the changelog.
    """
    try:
        return _readable(place.number, lambda: _resumed(place, stored, changes))
    except StateMismatchError as error:  # The changelog has the last word.
        raise StaleStartError(str(error)) from error


def stored_of(place: Place, record: bytes) -> Stored:
    """Return a partition as it lies in the changelog when all of it is durable."""
    users = place.course.users
    ours = {PARTITION_KEY: record} if record else {}
    ours |= place.course.erasures.records()
    ours |= place.stubs.records()
    return Stored(ours, users.parts())


def _readable(number: int, fill: Callable[[], Restored]) -> Restored:
    try:
        return fill()
    except (BrokenStateError, *UNREADABLE_RECORD) as error:
        raise StateMismatchError(
            f"partition {number}: its changelog has a record that cannot be read: {error}", BROKEN
        ) from error


def _restored(place: Place, records: Mapping[bytes, bytes]) -> Restored:
    records, outdated = brought_up(records)
    ours, rest = _parted(records)
    record = _take_over(place, ours, has_users=bool(rest))
    users = place.course.users
    users.load(rest)
    users.outdated = {key: records[key] for key in outdated if key != PARTITION_KEY}
    _begin(place, record)
    return Restored(record, ours.get(PARTITION_KEY, b""), bool(outdated))


def _resumed(place: Place, stored: Stored, changes: Mapping[bytes, bytes | None]) -> Restored:
    newer, of_users = _parted(changes)
    ours = {key: value for key, value in {**stored.ours, **newer}.items() if value is not None}
    before, now = (_made_by(each.get(PARTITION_KEY, b"{}")) for each in (stored.ours, ours))
    if before != now or now[0] != LAYOUT:
        raise StaleStartError("it was made by another version, or with other rules")
    record = _take_over(place, ours, has_users=True)
    users = place.course.users
    users.resume(stored.parts, of_users)
    assert record is not None
    _demand_all(len(users), record.users)
    _begin(place, record)
    return Restored(record, ours[PARTITION_KEY], is_outdated=False)


def _parted(records: Mapping[bytes, T]) -> tuple[dict[bytes, T], dict[bytes, T]]:
    """Return what is no user's, and what is."""
    ours = {key: records[key] for key in records if key < _BEHIND_OURS}
    rest = dict(records)
    for key in ours:
        del rest[key]
    return ours, rest


class _MadeBy(msgspec.Struct):
    layout: str = ""
    rules_hash: str = ""


def _made_by(record: bytes) -> tuple[str, str]:
    found = msgspec.json.decode(record, type=_MadeBy)
    return found.layout, found.rules_hash


def _demand_all(found: int, said: int) -> None:
    if found != said:
        raise StaleStartError(f"it comes to {found} users, there are {said}")


def _take_over(
    place: Place, ours: Mapping[bytes, bytes], *, has_users: bool
) -> PartitionRecord | None:
    record = taken_over(ours, place.course, place.rules, place.number, has_users=has_users)
    place.course.erasures.load(ours)
    place.stubs.load(ours)
    return record


def _begin(place: Place, record: PartitionRecord | None) -> None:
    place.course.schedule.begin(float(record.fired_ms if record else 0))
