"""Erasure: what is promised to a person, whatever comes late, twice, or at the same time."""

from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.questions import Forget
from streams.core.erasures import ASKS_FOR_MS, REFUSED_FOR_MS, Erasures
from streams.core.harvest import Harvest
from streams.core.ids import Ids
from streams.core.inputs import (
    ConsentChanged,
    Erased,
    FeedbackReceived,
    Input,
    Linked,
    OptedOut,
    WatermarkPassed,
)
from streams.core.outbox import DECISIONS, EXAMPLES, IDENTITY, TOUCHES
from streams.core.partition import Partition
from streams.core.rulings import Ruling
from streams.core.state import decode
from streams.core.teaching import Forgotten
from streams.core.time import DAY_MS
from streams.lessons import block_of, lesson_of
from tests.unit.core.kin import Town, link
from tests.unit.core.stories import RULES, ToldScorer, act, by_silence, day
from winback_sender.contract.messages import OfWinBack, Output, TouchRevoked, UserErased

AFTER = REFUSED_FOR_MS // DAY_MS + RULES.churn.limit_ms // DAY_MS + 2
"""Days after which an erasure refuses nobody any more."""


def fresh() -> Partition:
    return Partition(0, RULES, ToldScorer(by_silence))


def settle(partition: Partition, user_id: str = "ada", first: float = 0) -> None:
    partition.apply([act(day(first + number), user_id) for number in range(3)])


def spoken(harvest: Harvest) -> list[OfWinBack]:
    records = harvest.outputs.get(TOUCHES, [])
    return [msgspec.json.decode(record.value, type=OfWinBack) for record in records]


def in_bytes(partition: Partition, harvest: Harvest) -> bytes:
    """Return everything that a partition holds or says, apart from deletions."""
    records = [
        record
        for some in (harvest.outputs, harvest.keyed)
        for out in some.values()
        for record in out
    ]
    said = [
        (record.key or b"") + record.value + repr(record.headers).encode() for record in records
    ]
    kept = [key + value for key, value in harvest.changelog if value is not None]
    held = [user_id.encode() + value for user_id, value in partition.values()]
    return b"\0".join([*said, *kept, *held])


# -- stories


def test_a_touch_that_is_out_is_taken_back_and_senders_are_told_to_forget() -> None:
    partition = fresh()
    settle(partition)
    hours, asked = 0, list[OfWinBack]()
    while not asked:
        hours += 1
        partition.apply([WatermarkPassed(day(2, hours))])
        asked = spoken(partition.take())
    partition.apply([Erased("ada", day(2, hours))])

    revoked, closed, erased = spoken(partition.take())
    assert isinstance(revoked, TouchRevoked)
    assert (revoked.touch_id, revoked.reason) == (getattr(asked[0], "touch_id", ""), "erased")
    assert getattr(closed, "outcome", "") == "erased"
    assert isinstance(erased, UserErased)


def test_senders_are_told_also_where_nothing_is_out_and_of_users_whom_nobody_knows() -> None:
    partition = fresh()
    partition.apply([Erased("ada", day(0))])
    harvest = partition.take()

    assert spoken(harvest) == [UserErased("ada", "2017-01-01T12:00:00.000Z")]
    assert partition.users == 0
    partition.apply([act(day(1))])
    assert partition.users == 0, "what comes late brings nobody into being"


def test_after_an_erasure_nothing_but_a_pseudonym_is_held_and_late_words_leave_no_trace() -> None:
    partition = fresh()
    settle(partition, "ada-4711")
    partition.apply([WatermarkPassed(day(15)), Erased("ada-4711", day(16))])
    partition.take()
    late: list[Input] = [
        act(day(15), "ada-4711"),
        FeedbackReceived("ada-4711", day(17), "t", "delivered", "", "sms"),
        FeedbackReceived("ada-4711", day(17), "", "opted_out", "", "sms"),
        ConsentChanged("ada-4711", day(17), "sms", is_granted=True),
        Linked("ada-4711", "e", day(17), "cookie-1"),
        Erased("ada-4711", day(18)),
    ]
    partition.apply(late)
    assert b"ada-4711" not in in_bytes(partition, partition.take())


def test_the_learner_forgets_what_was_asked_about_the_user() -> None:
    partition = fresh()
    settle(partition)
    partition.apply([WatermarkPassed(day(3)), Erased("ada", day(4))])
    blocks = [block_of(record.value) for record in partition.take().outputs[EXAMPLES]]

    assert isinstance(blocks[-1], Forgotten), "behind what was asked before"
    lesson = lesson_of(blocks[-1], "of any rules")
    assert isinstance(lesson, Forget)
    assert lesson.users.astype("<u8").tobytes() == RULES.ids.token("ada", day(0))


def test_a_second_erasure_counts_from_then_on_and_is_not_told_again() -> None:
    partition = fresh()
    partition.apply([Erased("ada", day(0)), act(day(20), "bo"), Erased("ada", day(20))])
    assert len(spoken(partition.take())) == 1
    partition.apply([WatermarkPassed(day(70)), act(day(70))])
    assert partition.users == 1, "61 days after the first one, 50 after the second"


def test_a_wish_that_is_repeated_before_anything_else_came_shortens_nothing() -> None:
    partition = fresh()
    for repeated in range(2):
        partition.apply([Erased("ada", day(0) + repeated)])
    partition.apply([WatermarkPassed(day(1)), act(day(1))])
    assert partition.users == 0


def test_an_erasure_that_is_written_long_after_it_was_asked_for_holds_from_now_on() -> None:
    """Its event time lies far back: what comes late is late against the watermark."""
    partition = fresh()
    settle(partition, "bo", 300)
    partition.apply([act(day(301)), Erased("ada", day(1)), act(day(302))])
    assert [user for user, _ in partition.values()] == ["bo"]


def test_a_wish_from_a_wrong_clock_is_fulfilled_and_moves_no_time() -> None:
    """Its word is refused on no account, and whoever erases is not the users' clock."""
    partition = fresh()
    settle(partition)
    partition.clocks.tell(day(3))
    assert partition.apply([Erased("ada", day(90_000))]) == []
    assert partition.users == 0
    assert partition.watermark_ms == day(2)


def test_the_first_word_that_a_partition_ever_hears_may_be_an_erasure() -> None:
    partition = fresh()
    partition.apply([Erased("ada", day(9)), act(day(10)), act(day(30))])
    assert partition.users == 0


def test_whoever_opted_out_was_erased_and_comes_back_is_not_contacted_without_a_new_yes() -> None:
    """The rules presume consent; the erasure has wiped the opt-out, not its meaning."""
    partition = fresh()
    settle(partition)
    partition.apply([OptedOut("ada", day(3), ""), Erased("ada", day(4))])
    partition.apply([WatermarkPassed(day(AFTER))])
    settle(partition, "ada", AFTER + 1)
    partition.apply([WatermarkPassed(day(AFTER + 20))])

    harvest = partition.take()
    reasons = {
        msgspec.json.decode(record.value).get("reason") for record in harvest.outputs[DECISIONS]
    } - {None}
    assert reasons == {Ruling.NO_CONSENT}
    assert "touches" not in harvest.counts


def test_a_new_yes_counts_and_a_restart_does_not_forget_that_it_was_asked_for() -> None:
    partition = fresh()
    settle(partition)
    partition.apply([Erased("ada", day(4))])
    partition.apply([WatermarkPassed(day(AFTER))])
    again = fresh()
    again.restore({key: value for key, value in partition.take().changelog if value})
    settle(again, "ada", AFTER + 1)
    assert decode(again.value("ada") or b"").profile.is_unasked
    again.apply([ConsentChanged("ada", day(AFTER + 4), "sms", is_granted=True)])
    again.apply([WatermarkPassed(day(AFTER + 20))])
    assert again.take().counts["touches"] > 0


def test_what_is_remembered_of_an_erasure_ends_after_three_years() -> None:
    erasures = Erasures(Ids(b"key"))
    erasures.add("ada", 0)
    (record,) = erasures.take(0)
    assert erasures.asks("ada", ASKS_FOR_MS - 1)
    assert not erasures.asks("ada", ASKS_FOR_MS)
    assert erasures.take(ASKS_FOR_MS) == [(record[0], None)]
    assert len(erasures) == 0


def test_an_erasure_of_an_earlier_version_is_understood() -> None:
    erasures, ids = Erasures(Ids(b"key")), Ids(b"key")
    erasures.load({b"\0erased/" + ids.pseudonym("ada", 0).encode(): b"1000"})
    assert erasures.holds("ada", 999)
    assert not erasures.holds("ada", 1_000)


# -- several ids


def test_a_forgotten_id_of_a_person_with_too_many_is_erased_when_it_is_used() -> None:
    """Its stub still leads to the erased person: the first late event ends that."""
    town = Town()
    town.say(act(day(0), "cookie"), link(day(1), "ada", "cookie"))
    ada = town.of("ada")
    row = ada._users.index["ada"]
    state = decode(ada._users.values[row])
    from streams.core.links import without_member  # noqa: PLC0415 (of this story alone)
    from streams.core.state import encode  # noqa: PLC0415

    ada._users.put(row, encode(without_member(state, "cookie")))
    town.say(Erased("ada", day(2)))
    assert len(town.of("cookie").relations.stubs) == 1
    town.say(act(day(3), "cookie"))
    assert sum(len(partition.relations.stubs) for partition in town.partitions) == 0
    assert town.states() == {}


def test_senders_are_told_of_every_id_of_the_person() -> None:
    town = Town()
    town.say(act(day(0), "cookie"), link(day(1), "ada", "cookie"), Erased("cookie", day(2)))
    told = [msgspec.json.decode(record.value, type=OfWinBack) for record in town.records(TOUCHES)]
    assert {each.user_id for each in told if isinstance(each, UserErased)} == {"ada", "cookie"}


# -- laws


@settings(max_examples=60)
@given(
    st.integers(0, 2**32),
    st.integers(2, 25),
)
def test_whenever_the_erasure_comes_nothing_of_the_person_is_left_and_others_are_as_they_were(
    seed: int, size: int
) -> None:
    """Acts, links, feedback and consent by chance, delivered by chance; then somebody is erased."""
    chance, town = Random(seed), Town(partitions=3)
    ids, at = ["ada-47111", "ada-47112", "bo-888888"], 0.0
    for number in range(size):
        at += chance.random() * 3
        user = chance.choice(ids)
        mine = [each for each in ids if each[:2] == user[:2] and each != user]
        signals: list[Input] = [
            act(day(at), user),
            ConsentChanged(user, day(at), "sms", is_granted=chance.random() < 0.5),
            FeedbackReceived(user, day(at), "t", "delivered", "", "sms"),
            *(Linked(user, f"e{number}", day(at), other) for other in mine),
        ]
        town.apply(chance.choice(signals))
        for partition in range(3):
            while town.waiting[partition] and chance.random() < 0.4:
                town.deliver(partition)
    others = [user for user in town.states() if user[:2] == "bo"]
    for each in ids[:2]:  # As `winback erase` does: every id that it knows of.
        town.apply(Erased(each, day(at)))
    town.settle(chance)
    town.harvests.clear()
    for each in ids[:2]:
        town.say(act(day(at), each))

    assert [*town.states()] == others
    assert sum(len(partition.relations.stubs) for partition in town.partitions) == 0
    left = town.records(DECISIONS) + town.records(TOUCHES) + town.records(IDENTITY)
    assert not any(b"ada-4711" in record.value for record in left)


@pytest.mark.parametrize("cut", range(6))
def test_an_erasure_in_the_middle_of_a_chunk_is_the_same_however_it_is_cut(cut: int) -> None:
    history = [act(day(0)), act(day(1)), Erased("ada", day(2)), act(day(1.5)), act(day(3), "bo")]
    whole, parts = fresh(), fresh()
    whole.apply(history)
    parts.apply(history[:cut])
    parts.apply(history[cut:])
    assert dict(whole.values()) == dict(parts.values())
    assert _decided(whole.take()) == _decided(parts.take())


def _decided(harvest: Harvest) -> list[tuple[bytes | None, bytes]]:
    records: list[Output] = [*harvest.outputs.get(TOUCHES, []), *harvest.outputs.get(DECISIONS, [])]
    return [(record.key, record.value) for record in records]


def test_every_decision_has_a_key_of_its_own() -> None:
    partition = fresh()
    for user in ("ada", "bo"):
        settle(partition, user)
    partition.apply([WatermarkPassed(day(60))])
    keys = [record.key for record in partition.take().outputs[DECISIONS]]
    assert len(keys) == len(set(keys)) > 4
    assert np.all([key is not None for key in keys])
