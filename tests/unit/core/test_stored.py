"""What was stored of a partition and what has changed since are the partition."""

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.harvest import Harvest
from streams.core.inputs import Erased, Input, WatermarkPassed
from streams.core.partition import Partition
from streams.core.partition_record import PARTITION_KEY
from streams.core.stored import StaleStartError, Stored
from tests.unit.core.stories import RULES, act, day
from tests.unit.core.test_partition import fresh, histories, seen

Changes = Mapping[bytes, bytes | None]


def whole(stored: Stored) -> Stored:
    """Return it as it comes out of a file: in other parts, without who is nobody."""
    users = [
        (user_id, value)
        for user_ids, values in stored.parts
        for user_id, value in zip(user_ids, values, strict=True)
        if value
    ]
    parts = [
        ([user_id for user_id, _ in users[at : at + 2]], [value for _, value in users[at : at + 2]])
        for at in range(0, len(users), 2)
    ]
    return Stored(dict(stored.ours), parts)


def content(harvests: list[Harvest]) -> dict[bytes, bytes]:
    found = {key: value for harvest in harvests for key, value in harvest.changelog}
    return {key: value for key, value in found.items() if value is not None}


@settings(max_examples=60)
@given(histories, st.lists(st.integers(1, 9), min_size=2, max_size=8), st.data())
def test_a_start_from_what_was_stored_is_a_start_from_the_changelog(
    history: list[Input], sizes: list[int], data: st.DataObject
) -> None:
    """Whenever it was stored; also when some of it is read once more."""
    worker, harvests, stored = fresh(), [], []
    for start in range(0, len(history), sizes[0]):
        worker.apply(history[start : start + sizes[0]])
        worker.applied = {"user-activity": start + sizes[0]}
        harvests.append(worker.take())
        stored.append(whole(worker.stored()))
    if not harvests:
        return
    at = data.draw(st.integers(0, len(stored) - 1))
    since = data.draw(st.integers(0, at + 1))
    changes = {key: value for harvest in harvests[since:] for key, value in harvest.changelog}
    resumed, restored = fresh(), fresh()
    resumed.resume(stored[at], changes)
    restored.restore(content(harvests))

    assert dict(resumed.values()) == dict(restored.values()) == dict(worker.values())
    assert content([_all(stored[at])]) == content(harvests[: at + 1])
    later: list[Input] = [act(day(90), "ada"), WatermarkPassed(day(150)), act(day(151), "bo")]
    for each in (resumed, restored):
        each.apply(later)
    assert seen([resumed.take()]) == seen([restored.take()])
    assert resumed.watermark_ms == restored.watermark_ms


def _all(stored: Stored) -> Harvest:
    users = [
        (user_id.encode(), value)
        for user_ids, values in stored.parts
        for user_id, value in zip(user_ids, values, strict=True)
    ]
    return Harvest([*stored.ours.items(), *users], {}, {}, {})  # type: ignore[arg-type]


def two_users() -> tuple[Partition, Stored]:
    partition = fresh(RULES)
    partition.apply([act(day(0)), act(day(1), "bo")])
    partition.take()
    return partition, whole(partition.stored())


def test_a_user_whose_tombstone_was_compacted_away_does_not_come_back() -> None:
    partition, stored = two_users()
    partition.apply([Erased("ada", day(2))])
    changes = dict(partition.take().changelog)
    assert changes.pop(b"ada") is None
    with pytest.raises(StaleStartError, match="2 users, there are 1"):
        fresh(RULES).resume(stored, changes)


@pytest.mark.parametrize("field", ["layout", "rules_hash"])
def test_what_was_stored_otherwise_is_not_mixed_with_what_came_later(field: str) -> None:
    partition, stored = two_users()
    partition.apply([act(day(3))])
    changes = dict(partition.take().changelog)
    record = msgspec.json.decode(changes[PARTITION_KEY] or b"") | {field: "another"}
    with pytest.raises(StaleStartError):
        fresh(RULES).resume(stored, changes | {PARTITION_KEY: msgspec.json.encode(record)})


def test_what_cannot_be_read_is_left_to_the_changelog() -> None:
    _, stored = two_users()
    broken = Stored(stored.ours, [(["ada", "bo"], [b"short", b"short, too"])])
    with pytest.raises(StaleStartError, match="cannot be read"):
        fresh(RULES).resume(broken, {})


def test_what_was_stored_without_a_record_is_nothing_to_begin_with() -> None:
    _, stored = two_users()
    with pytest.raises(StaleStartError):
        fresh(RULES).resume(Stored({}, stored.parts), {})
