"""Laws of keys: a new one renames nothing that there is, and a lost one is missed."""

from collections.abc import Iterator
from hashlib import blake2b

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.erasures import erased_at
from streams.core.harvest import Harvest
from streams.core.ids import FormerKey, Ids, key_id
from streams.core.inputs import Erased, Input, WatermarkPassed
from streams.core.partition import Partition
from streams.core.partition_record import PARTITION_KEY, StateMismatchError
from streams.core.rules import Rules
from streams.core.rules_file import parse_rules
from streams.core.time import DAY_MS
from tests.unit.core.stories import RULES, ToldScorer, act, by_silence, day, run
from tests.unit.core.test_partition import DISORDERLY, fresh, histories, hours, seen

OLD, NEW = b"old", b"new"


class Readable(Ids, frozen=True):
    """Ids in which one can read what they stand for, and with which key they were made."""

    def touch_id(self, user_id: str, opened_at_ms: int, step: int) -> str:
        return f"{self.key_at(opened_at_ms).decode()}({user_id} {opened_at_ms} {step})"

    def case_id(self, user_id: str, opened_at_ms: int) -> str:
        return f"{self.key_at(opened_at_ms).decode()}({user_id} {opened_at_ms})"

    def token(self, user_id: str, at_ms: float) -> bytes:
        mark = bytes([self.key_at(at_ms) == NEW])
        return mark + blake2b(user_id.encode(), digest_size=7).digest()

    def tokens(self, user_id: str) -> list[bytes]:
        return [self.token(user_id, at_ms) for at_ms in (float("inf"), 0.0)]


def keyed(ids: Ids, rules: Rules = DISORDERLY) -> Rules:
    return msgspec.structs.replace(rules, ids=ids)


def changed_at(at_ms: int) -> Readable:
    return Readable(NEW, (FormerKey(OLD, at_ms),))


def lessons(harvests: list[Harvest]) -> Iterator[tuple[str, tuple[float, ...]]]:
    for kind, row in seen(harvests):
        if isinstance(row[0], float | int):
            yield kind, row


def renamed(harvests: list[Harvest]) -> list[str]:
    """Return all that left a partition, as if there had only been one key."""
    out: set[str] = set()
    for (kind, row), times in seen(harvests).items():
        told, often = row, 1 if kind == "forgotten" else times  # Under every key.
        if kind in {"opening", "outcome", "forgotten"}:
            told = (int(row[0]) & ~0xFF, *row[1:])
        out.add(repr((kind, told, often)).replace("new(", "old("))
    return sorted(out)


@settings(max_examples=60)
@given(histories, hours, st.integers(0, 60))
def test_a_new_key_changes_the_ids_of_later_cases_and_nothing_else(
    history: list[Input], hour: int, restart_at: int
) -> None:
    """A worker of the old settings is followed by one of the new, wherever it had come to."""
    changed_ms = day(0, hour)
    plain = fresh(keyed(Readable(OLD)))
    expected = run(plain, history)

    before = fresh(keyed(Readable(OLD)))
    harvests = run(before, history[:restart_at])
    if before.watermark_ms >= changed_ms:  # The new settings were there in time.
        before = fresh(keyed(changed_at(changed_ms)))
        harvests = run(before, history[:restart_at])
    changelog = {k: v for harvest in harvests for k, v in harvest.changelog}
    after = fresh(keyed(changed_at(changed_ms)))
    after.restore({key: value for key, value in changelog.items() if value is not None})
    harvests += run(after, history[restart_at:])

    assert renamed(harvests) == renamed(expected)
    states = {user_id: value.replace(b"new(", b"old(") for user_id, value in after.values()}
    assert states == dict(plain.values())
    text = repr(seen(harvests))
    for mark, is_new in (("old(", False), ("new(", True)):
        for part in text.split(mark)[1:]:
            assert (int(part.partition(")")[0].split()[1]) >= changed_ms) == is_new
    for kind, row in lessons(harvests):
        if kind in {"opening", "outcome"}:
            assert bool(int(row[0]) & 0xFF) == (row[1] >= changed_ms), "asked and answered alike"


@settings(max_examples=60)
@given(st.text(min_size=1, max_size=20), st.lists(st.binary(min_size=1, max_size=64), max_size=4))
def test_keys_reshuffle_nobody(user_id: str, keys: list[bytes]) -> None:
    """Holdout, variants and grids are drawn with salts, which are rules."""
    former = tuple(FormerKey(key, at) for at, key in enumerate(keys))
    ids = Ids(b"newest", former)
    one, other = keyed(Ids(b"another")), keyed(ids)
    assert one.is_held_out(user_id) == other.is_held_out(user_id)
    assert one.phase_ms(user_id) == other.phase_ms(user_id)
    assert one.hash == other.hash
    for at in range(len(keys) + 1):
        alone = Ids(ids.key_at(at))
        assert ids.case_id(user_id, at) == alone.case_id(user_id, at)
        assert ids.touch_id(user_id, at, 1) == alone.touch_id(user_id, at, 1)
        assert ids.token(user_id, at) == alone.token(user_id, at)
        assert ids.pseudonym(user_id, at) in ids.pseudonyms(user_id)
        assert ids.token(user_id, at) in ids.tokens(user_id)


def test_the_salt_of_the_holdout_is_what_shuffles() -> None:
    """And it is a rule: the report says which users are held out, and a new salt begins anew."""
    salted = parse_rules("holdout: {share: 0.3, salt: another}")
    plain = parse_rules("holdout: {share: 0.3}")
    people = [f"user-{number}" for number in range(200)]
    assert [*map(salted.is_held_out, people)] != [*map(plain.is_held_out, people)]


def test_a_new_salt_is_seen_when_the_state_is_taken_over() -> None:
    before, again = partition_with(Ids(OLD)), partition_with(Ids(OLD))
    before.apply([act(day(0))])
    records = kept(before)
    again.restore(records)
    assert not again.is_redrawn
    holdout = msgspec.structs.replace(RULES.holdout, salt="another")
    redrawn = fresh(msgspec.structs.replace(keyed(Ids(OLD), RULES), holdout=holdout))
    redrawn.restore(records)
    assert redrawn.is_redrawn


def kept(partition: Partition) -> dict[bytes, bytes]:
    return {key: value for key, value in partition.take().changelog if value is not None}


def partition_with(ids: Ids) -> Partition:
    return Partition(3, keyed(ids, RULES), ToldScorer(by_silence))


def test_who_was_erased_stays_erased_under_a_new_key() -> None:
    before = partition_with(Ids(OLD))
    before.apply([act(day(0)), Erased("ada", day(1)), act(day(1), "bo")])
    after = partition_with(Ids(NEW, (FormerKey(OLD, day(2)),)))
    after.restore(kept(before))
    after.apply([act(day(3), "cy"), act(day(3))])
    assert after.take().counts["skipped_erased"] == 1
    assert after.users == 2


def test_a_state_without_its_key_is_refused_until_nobody_needs_it() -> None:
    before = partition_with(Ids(OLD))
    before.apply([act(day(0)), act(day(1), "bo")])
    records = kept(before)
    with pytest.raises(StateMismatchError, match=f"partition 3.* id key {key_id(OLD)}"):
        partition_with(Ids(NEW)).restore(records)
    ring = Ids(NEW, (FormerKey(OLD, day(2)),))
    after = partition_with(ring)
    after.restore(records)
    after.apply([WatermarkPassed(day(40)), act(day(40), "cy")])
    records |= kept(after)
    with pytest.raises(StateMismatchError, match=key_id(OLD)):
        partition_with(Ids(NEW)).restore(records)  # Cases of before may be open.
    after.apply([WatermarkPassed(day(62)), act(day(62), "cy")])
    records |= kept(after)
    partition_with(Ids(NEW)).restore(records)
    with pytest.raises(StateMismatchError, match=key_id(NEW)):
        partition_with(Ids(OLD)).restore(records)  # A worker of the old settings is behind.


def test_an_erasure_needs_its_key_for_as_long_as_it_is_remembered() -> None:
    before = partition_with(Ids(OLD))
    before.apply([act(day(0)), Erased("ada", day(1)), act(day(1), "bo")])
    ring = Ids(NEW, (FormerKey(OLD, day(2)),))
    after, records = partition_with(ring), kept(before)
    after.restore(records)
    after.apply([WatermarkPassed(day(400)), act(day(400), "cy")])
    record = msgspec.json.decode(kept(after)[PARTITION_KEY])
    (erasure,) = erased_at(records).values()
    assert dict(record["keys"]) == {
        key_id(OLD): erasure.asks_until_ms,
        key_id(NEW): day(400) + 60 * DAY_MS,
    }
    assert erasure.asks_until_ms > day(1_000)


def test_a_worker_of_before_may_take_over_until_the_instant_of_the_change() -> None:
    """In a rolling restart partitions go back and forth."""
    after = partition_with(Ids(NEW, (FormerKey(OLD, day(9)),)))
    after.apply([act(day(0)), act(day(1), "bo")])
    partition_with(Ids(OLD)).restore(kept(after))
