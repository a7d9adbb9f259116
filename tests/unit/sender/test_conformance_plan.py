"""The plan of a run: the seed decides, every story is told, the records say what was planned."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback_sender.conformance.driver import midday_zone
from winback_sender.conformance.letters import Kind, Scene, letters, touch_of
from winback_sender.conformance.plan import Story, Trouble, plan
from winback_sender.contract.instants import HOUR_MS, instant_ms
from winback_sender.contract.messages import CaseClosed, TouchRequested, TouchRevoked

SCENE = Scene(1_800_000_000_000, "sms", "Etc/GMT")
Message = TouchRequested | TouchRevoked | CaseClosed
seeds = st.integers(0, 10_000)


@given(seeds)
def test_a_seed_gives_the_same_run(seed: int) -> None:
    troubles = tuple(Trouble)
    assert plan(seed, troubles=troubles) == plan(seed, troubles=troubles)


@given(seeds, st.integers(40, 200))
def test_every_story_is_told(seed: int, touches: int) -> None:
    told = Counter(touch.story for touch in plan(seed, touches).touches)
    assert set(told) == set(Story)
    assert told.total() == touches


@given(seeds)
def test_ids_are_touches_own_and_can_be_found_in_a_text(seed: int) -> None:
    ids = [touch.touch_id for touch in plan(seed, run=seed).touches]
    assert len(set(ids)) == len(ids)
    assert [touch_of(f"您好{touch_id}，") for touch_id in ids] == ids


@given(seeds)
def test_touches_of_a_user_are_counted_in_the_order_of_publication(seed: int) -> None:
    steps: dict[str, list[int]] = {}
    for letter in letters(plan(seed), SCENE):
        if letter.kind is Kind.TOUCH and letter.value is not None:
            message = msgspec.json.decode(letter.value, type=Message)
            assert isinstance(message, TouchRequested)
            found = steps.setdefault(message.user_id, [])
            if message.step not in found:  # Some stand on the topic twice.
                found.append(message.step)
    assert all(found == sorted(found) for found in steps.values())


@given(seeds)
def test_a_revocation_stands_behind_its_touch(seed: int) -> None:
    seen: set[str] = set()
    for letter in letters(plan(seed), SCENE):
        if letter.kind is Kind.TOUCH:
            seen.add(letter.touch_id)
        assert letter.kind is not Kind.REVOCATION or letter.touch_id in seen


@given(seeds)
def test_only_the_unreadable_is_not_of_the_contract(seed: int) -> None:
    for letter in letters(plan(seed), SCENE):
        if letter.kind in {Kind.TOUCH, Kind.REVOCATION}:
            assert letter.value is not None
            msgspec.json.decode(letter.value, type=Message)
            assert letter.key is not None
        elif letter.kind is Kind.UNREADABLE:
            with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
                msgspec.json.decode(letter.value or b"", type=Message)


def test_only_what_is_planned_so_is_aborted() -> None:
    planned = {touch.touch_id: touch.story for touch in plan(1).touches}
    aborted = {(planned[letter.touch_id], letter.kind) for letter in letters(plan(1), SCENE)
               if not letter.is_committed}  # fmt: skip
    assert aborted == {(Story.ABORTED, Kind.TOUCH), (Story.KEPT, Kind.REVOCATION)}


def test_what_must_be_sent_has_time_enough() -> None:
    found = plan(3)
    for letter in letters(found, SCENE):
        if letter.kind is Kind.TOUCH and letter.value is not None:
            touch = msgspec.json.decode(letter.value, type=TouchRequested)
            story = next(each.story for each in found.touches if each.touch_id == touch.touch_id)
            left_ms = instant_ms(touch.expires_at) - SCENE.at_ms(letter.at_s)
            assert (left_ms < 0) == (story is Story.EXPIRED)


def test_a_delivery_again_comes_late() -> None:
    plans = [plan(seed, troubles=tuple(Trouble)) for seed in range(50)]
    shares = [due.share for found in plans for due in found.troubles
              if due.trouble is Trouble.REDELIVER]  # fmt: skip
    assert min(shares) > 0.5


@pytest.mark.parametrize(
    ("hour", "zone"), [(12, "Etc/GMT"), (3, "Etc/GMT-9"), (23, "Etc/GMT+11"), (0, "Etc/GMT-12")]
)
def test_it_is_midday_where_the_run_plays(hour: int, zone: str) -> None:
    """The sign of these zones is that of POSIX: plus is west."""
    assert midday_zone(20_000 * 24 * HOUR_MS + hour * HOUR_MS) == zone
