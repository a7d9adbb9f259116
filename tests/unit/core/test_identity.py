"""Identity: ids that are one person, on one partition or several, in any order."""

from collections import Counter
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.inputs import (
    ConsentChanged,
    Erased,
    FeedbackReceived,
    Input,
    OptedOut,
)
from streams.core.links import MEMBERS_MAX
from streams.core.messages import IdentityMerged, LinkRefused
from streams.core.outbox import DECISIONS, TOUCHES
from streams.core.state import Column
from tests.unit.core.kin import Town, link, restored
from tests.unit.core.stories import act, day
from winback_sender.contract.messages import CaseClosed, OfWinBack, TouchRequested, TouchRevoked


def refused(town: Town) -> list[tuple[str, str, str]]:
    """Return the links that were refused, with the reason."""
    made = []
    for record in town.records(DECISIONS):
        if b'"identity.refused"' in record.value:
            each = msgspec.json.decode(record.value, type=LinkRefused)
            made.append((each.other_id, each.user_id, each.reason))
    return made


def touches(town: Town) -> list[OfWinBack]:
    return [msgspec.json.decode(record.value, type=OfWinBack) for record in town.records(TOUCHES)]


# -- stories


def test_what_an_anonymous_visitor_did_belongs_to_the_user_after_the_log_in() -> None:
    town = Town()
    town.say(act(day(0), "cookie", money_minor=100), act(day(1), "cookie", money_minor=20))
    town.say(act(day(1, 13), "ada", money_minor=3), link(day(1, 14), "ada", "cookie"))

    ada = town.state("ada")
    assert ada is not None
    assert (ada[Column.EVENTS], ada[Column.VALUE_NET]) == (3.0, 123.0)
    assert set(town.states()) == {"ada"}
    made = [r.value for r in town.records(DECISIONS) if b'"identity.merged"' in r.value]
    assert msgspec.json.decode(made[0], type=IdentityMerged).value_net == 120


def test_a_link_may_come_before_anything_else_is_known_of_either() -> None:
    town = Town()
    town.say(link(day(0), "ada", "cookie"), act(day(1), "cookie"), act(day(2), "ada"))

    assert {name: state[Column.EVENTS] for name, state in town.states().items()} == {"ada": 2.0}


def test_what_comes_late_under_an_id_that_was_given_up_is_sent_on() -> None:
    town = Town()
    town.say(act(day(0), "cookie"), link(day(1), "ada", "cookie"))
    late = act(day(0, 15), "cookie", money_minor=7)
    town.say(late, late, OptedOut("cookie", day(2)))

    ada = town.state("ada")
    assert ada is not None
    assert (ada[Column.EVENTS], ada[Column.VALUE_NET]) == (2.0, 7.0)
    assert ada.profile.is_suppressed
    assert town.counts("duplicate") == 1


def test_a_link_is_told_at_every_log_in_and_claimed_once() -> None:
    town = Town()
    town.say(act(day(0), "cookie"))
    town.say(*(link(day(1, hour), "ada", "cookie") for hour in range(12)))

    assert town.counts("identity_claimed") == 1
    assert town.counts("identity_already_linked") == 11


def test_a_link_that_is_told_again_long_after_keeps_the_ids_together() -> None:
    """Stubs are forgotten when nobody uses them; whoever logs in now and then uses them."""
    town = Town()
    town.say(act(day(0), "cookie"))
    town.say(*(link(day(month * 35), "ada", "cookie") for month in range(4)))
    town.say(act(day(110), "cookie"))

    assert set(town.states()) == {"ada"}
    assert town.counts("identity_merged") == 1


def test_a_stub_that_nobody_uses_is_forgotten() -> None:
    town = Town()
    town.say(act(day(0), "cookie"), link(day(1), "ada", "cookie"))
    assert sum(len(partition.relations.stubs) for partition in town.partitions) == 1
    town.say(*(act(day(130), f"u{number}") for number in range(20)))

    assert sum(len(partition.relations.stubs) for partition in town.partitions) == 0


def test_an_id_that_is_used_again_long_after_is_linked_anew() -> None:
    town = Town()
    town.say(act(day(0), "cookie"), link(day(1), "ada", "cookie"))
    town.say(act(day(70), "cookie"), link(day(71), "ada", "cookie"), act(day(72), "cookie"))

    assert {name: state[Column.EVENTS] for name, state in town.states().items()} == {"ada": 3.0}


def test_a_shared_device_belongs_to_whoever_logged_in_first() -> None:
    town = Town()
    town.say(act(day(0), "tablet"), link(day(1), "ada", "tablet"), link(day(2), "bo", "tablet"))

    assert refused(town) == [("tablet", "bo", "shared_device")]
    assert town.states()["ada"][Column.EVENTS] == 1.0
    town.say(act(day(3), "tablet"), link(day(4), "bo", "tablet"))
    assert town.states()["ada"][Column.EVENTS] == 2.0
    assert len(refused(town)) == 1, "it is not asked again at every log-in"


def test_an_id_cannot_be_given_up_into_one_that_it_has_taken_over() -> None:
    town = Town()
    town.say(act(day(0), "a"), act(day(0), "b"), link(day(1), "b", "a"), link(day(2), "a", "b"))

    assert refused(town) == [("b", "b", "cycle")]
    assert {name: state[Column.EVENTS] for name, state in town.states().items()} == {"b": 2.0}


@pytest.mark.parametrize("nobody", ["null", "Unknown", "00000000-0000-0000-0000-000000000000"])
def test_what_is_written_where_there_is_no_id_is_nobody(nobody: str) -> None:
    town = Town()
    town.say(act(day(0), nobody), act(day(0), "ada"), link(day(1), "ada", nobody))
    town.say(link(day(1), nobody, "ada"))

    assert town.states()["ada"][Column.EVENTS] == 1.0
    assert {reason for _, _, reason in refused(town)} == {"placeholder"}


def test_a_kiosk_is_not_one_person() -> None:
    town = Town()
    town.say(*(link(day(0, number / 10), "kiosk", f"v{number}") for number in range(60)))

    assert town.counts("identity_too_many_ids") == 60 - MEMBERS_MAX
    town.say(link(day(90), "kiosk", "late"))
    assert town.counts("identity_too_many_ids") == 60 - MEMBERS_MAX, (
        "who came long ago does not count"
    )


def test_a_chain_of_accounts_is_one_person() -> None:
    town = Town()
    names = ["a", "b", "c", "d", "e"]
    town.say(*(act(day(0, number), name) for number, name in enumerate(names)))
    town.say(*(link(day(1, n), names[n + 1], names[n]) for n in range(4)))
    town.say(act(day(2), "a"), act(day(2), "c"), link(day(3), "e", "a"))

    assert {name: state[Column.EVENTS] for name, state in town.states().items()} == {"e": 7.0}
    assert refused(town) == []


@pytest.mark.parametrize("seed", range(8))
def test_two_ids_that_claim_each_other_at_once_become_the_smaller_one(seed: int) -> None:
    town = Town()
    town.say(act(day(0), "a", money_minor=1), act(day(0), "z", money_minor=2))
    town.apply(link(day(1), "a", "z"), link(day(1), "z", "a"))
    town.settle(Random(seed))
    town.say(act(day(2), "a"), act(day(2), "z"))

    kept = town.states()
    assert len(kept) == 1
    assert next(iter(kept.values()))[Column.EVENTS] == 4.0
    assert sum(state[Column.VALUE_NET] for state in kept.values()) == 3.0


# -- law and consent


def test_erasure_asked_for_under_any_id_erases_the_person() -> None:
    town = Town()
    town.say(act(day(0), "cookie"), act(day(0), "ada"), link(day(1), "ada", "cookie"))
    town.say(Erased("cookie", day(2)))
    town.say(act(day(3), "cookie"), act(day(3), "ada"))

    assert town.states() == {}
    assert town.counts("skipped_erased") == 2
    assert sum(len(partition.relations.stubs) for partition in town.partitions) == 0


def test_what_is_on_its_way_to_an_erased_user_is_forgotten() -> None:
    town = Town()
    town.say(act(day(0), "cookie"), act(day(0), "ada"))
    town.apply(link(day(1), "ada", "cookie"), Erased("ada", day(1, 13)))
    town.settle()
    town.say(act(day(2), "cookie"))

    assert town.states() == {}


def test_an_erased_id_is_not_given_to_anybody() -> None:
    town = Town()
    town.say(act(day(0), "cookie"), Erased("cookie", day(1)), link(day(2), "ada", "cookie"))

    assert town.counts("identity_erased") == 1
    ada = town.state("ada")
    assert ada is not None
    assert ada.profile.members == {}, "who asked for the id has forgotten it"
    assert refused(town) == [], "and it is not written down anywhere"


def test_a_no_under_either_id_is_a_no() -> None:
    town = Town()
    town.say(
        ConsentChanged("cookie", day(0), "sms", is_granted=False),
        ConsentChanged("ada", day(1), "sms", is_granted=True),
        ConsentChanged("cookie", day(0), "wechat", is_granted=True),
        link(day(2), "ada", "cookie"),
    )

    ada = town.state("ada")
    assert ada is not None
    assert ada.profile.consents == {"sms": False, "wechat": True}


# -- journeys


def silent(town: Town, *user_ids: str) -> int:
    """Let users come and stay away, until a touch was requested for each; return when that was."""
    town.say(*(act(day(number), each) for number in range(3) for each in user_ids))
    for hours in range(72, 480):
        town.advance(day(0, hours))
        if {each.user_id for each in touches(town)} == {*user_ids}:
            return day(0, hours)
    raise AssertionError("nobody was written to")


def test_an_open_case_goes_on_under_the_new_id() -> None:
    """Its touches were requested for the other id, and there they are taken back."""
    town = Town()
    at_ms = silent(town, "cookie")
    town.say(link(at_ms, "ada", "cookie"))
    ada = town.state("ada")
    assert ada is not None
    assert ada.profile.case is not None
    first = ada.profile.case.touches[0]

    town.say(FeedbackReceived("cookie", at_ms + 1, first.touch_id, "accepted"))
    town.say(act(at_ms + 2, "ada"))

    made = touches(town)
    assert [(type(each), each.user_id, each.case_id) for each in made] == [
        (kind, "cookie", ada.profile.case.case_id)
        for kind in (TouchRequested, TouchRevoked, CaseClosed)
    ]
    assert made[1].touch_id == made[0].touch_id == first.touch_id
    assert made[2].outcome == "returned"


def test_a_case_that_goes_on_asks_for_its_next_touches_under_the_new_id() -> None:
    town = Town()
    at_ms = silent(town, "cookie")
    town.say(link(at_ms, "ada", "cookie"))
    town.advance(day(40))

    asked = [each for each in touches(town) if isinstance(each, TouchRequested)]
    assert [each.user_id for each in asked] == ["cookie", *["ada"] * (len(asked) - 1)]
    assert len({each.touch_id for each in asked}) == len(asked) > 1
    assert {each.case_id for each in asked} == {asked[0].case_id}


def test_of_two_open_cases_the_first_goes_on() -> None:
    town = Town()
    at_ms = silent(town, "cookie", "ada")
    opened = {name: state[Column.CASE_AT] for name, state in town.states().items()}
    town.say(link(at_ms, "ada", "cookie"))

    closed = [each for each in touches(town) if isinstance(each, CaseClosed)]
    assert [each.outcome for each in closed] == ["merged"]
    ada = town.state("ada")
    assert ada is not None
    assert ada.profile.case is not None
    assert ada.profile.case.case_id != closed[0].case_id
    assert ada[Column.CASE_AT] == min(opened.values())


def test_who_came_back_under_another_id_has_returned() -> None:
    town = Town()
    at_ms = silent(town, "ada")
    town.say(act(at_ms + 1, "cookie"), link(at_ms + 2, "ada", "cookie"))

    assert [each.outcome for each in touches(town) if isinstance(each, CaseClosed)] == ["returned"]


# -- laws

IDS = ["a", "b", "c", "d", "e", "f"]
events = st.tuples(st.sampled_from(IDS), st.integers(0, 300), st.integers(0, 99))
links = st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)).filter(lambda ids: ids[0] != ids[1])
histories = st.lists(st.one_of(events, links), min_size=1, max_size=40)


def as_input(number: int, said: tuple[str, int, int] | tuple[str, str]) -> Input:
    if len(said) == 2:
        return link(day(0, number), said[0], said[1], event_id=f"l{number}")
    user_id, _, money = said
    return act(day(0, number), user_id, money_minor=money, event_id=f"e{number}")


@settings(max_examples=150)
@given(histories, st.integers(0, 1_000), st.integers(1, 4))
def test_every_event_counts_once_whatever_is_linked_and_whenever_it_is_told(
    history: list[tuple[str, int, int] | tuple[str, str]], seed: int, partitions: int
) -> None:
    """Links in any direction, told twice, with messages that overtake each other."""
    town, chance = Town(partitions=partitions), Random(seed)
    inputs = [as_input(number, said) for number, said in enumerate(history)]
    for signal in inputs:
        town.apply(signal)
        if len(getattr(signal, "other_id", "")) and chance.random() < 0.3:
            town.apply(signal)
        for number, queue in enumerate(town.waiting):
            if queue and chance.random() < 0.5:
                town.deliver(number)
    town.settle(chance)

    states = town.states()
    acts = [said for said in history if len(said) == 3]
    assert sum(state[Column.EVENTS] for state in states.values()) == len(acts)
    assert sum(state[Column.VALUE_NET] for state in states.values()) == sum(s[2] for s in acts)
    assert town.messages <= 40 * len(history)


@settings(max_examples=100)
@given(st.lists(events, min_size=1, max_size=20), st.permutations(IDS[1:]), st.integers(0, 20))
def test_the_order_in_which_ids_are_merged_does_not_change_what_adds_up(
    history: list[tuple[str, int, int]], order: list[str], when: int
) -> None:
    """Links before, among and after the events: the sums are those of one id."""
    town = Town()
    inputs = [as_input(number, said) for number, said in enumerate(history)]
    told = [link(day(0, when), "a", other) for other in order]
    town.say(*inputs[:when], *told, *inputs[when:])

    states = town.states()
    assert set(states) <= {"a"}
    a = states["a"]
    assert a[Column.EVENTS] == len(history)
    assert a[Column.VALUE_NET] == sum(said[2] for said in history)
    assert a.head[0] == day(0, 0)
    assert a.head[1] == day(0, len(history) - 1)


@settings(max_examples=60)
@given(histories, st.integers(0, 1_000))
def test_a_restart_between_any_two_messages_changes_nothing(
    history: list[tuple[str, int, int] | tuple[str, str]], seed: int
) -> None:
    chance, town, again = Random(seed), Town(), Town()
    changelogs: list[dict[bytes, bytes]] = [{} for _ in town.partitions]
    for each in (town, again):
        told = Random(seed)
        for number, said in enumerate(history):
            before = len(each.harvests)
            each.apply(as_input(number, said))
            each.settle(told)
            if each is again and chance.random() < 0.3:
                _keep(again, changelogs)
                restored(again, changelogs)
            assert len(each.harvests) > before

    assert _summed(town) == _summed(again)
    assert town.messages == again.messages


def _keep(town: Town, changelogs: list[dict[bytes, bytes]]) -> None:
    for content in changelogs:
        content.clear()
    for number, content in enumerate(changelogs):
        partition = town.partitions[number]
        for key, value in partition.values():
            content[key.encode()] = value
        stubs = partition.relations.stubs
        for key in list(stubs._stubs):
            stubs._changed[key] = None
        partition.applied = {"t": partition.applied.get("t", 0) + 1}
        for raw, value in partition.take().changelog:
            if value is not None:
                content[raw] = value


def _summed(town: Town) -> Counter[tuple[str, float, float]]:
    return Counter(
        (name, state[Column.EVENTS], state[Column.VALUE_NET])
        for name, state in town.states().items()
    )
