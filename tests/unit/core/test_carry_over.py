"""Users carried over to other rules: promises stay, what was learned is told anew."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.features import Rhythm
from streams.core.carry_over import CannotCarryError, carried_over
from streams.core.definition import definition_of, differing
from streams.core.history import History
from streams.core.inputs import Acted, ConsentChanged, Erased, OptedOut, TraitsSet
from streams.core.lifecycle import Stage
from streams.core.messages import PartitionRecord
from streams.core.partition import Partition
from streams.core.partition_record import PARTITION_KEY, StateMismatchError
from streams.core.rules import Rules
from streams.core.state import LIVE_WIDTH, Column, UserState, decode
from streams.rule_files import load_rules
from tests.golden.deployment import SETTINGS
from tests.golden.stored import read
from tests.unit.core.stories import ToldScorer, act, by_silence, day, rules_of

OLD = rules_of(churn="{horizon: 30d, min_active_days: 2}")
NEW = rules_of(
    churn="{horizon: 12d, min_active_days: 2, activity: [purchase, view]}",
    kinds="[view]", traits_told_apart='["plan=pro"]', traits="[plan]",
)  # fmt: skip
DECIDED = (Column.CASE_AT, Column.CLOSED_AT, Column.TREATED_AT, Column.EXPOSED_AT, Column.DUE,
           Column.MATURES, Column.UNHEARD, Column.AWAY_FROM, Column.AWAY_TO, Column.BAND,
           Column.RISK, Column.VALUE_NET)  # fmt: skip
UNTOLD = {Rhythm.TRAITS_AT, Column.FROZEN_AT}
"""Of the numbers of activity: what belongs to a pending example, which is not carried over."""


def a_partition(rules: Rules) -> Partition:
    return Partition(0, rules, ToldScorer(by_silence, rules.churn.horizon_ms))


def changelog(partition: Partition) -> dict[bytes, bytes]:
    return {key: value for key, value in partition.take().changelog if value is not None}


def restored(records: dict[bytes, bytes], rules: Rules) -> Partition:
    partition = a_partition(rules)
    partition.restore(records)
    return partition


def state(partition: Partition, user_id: str) -> UserState:
    value = partition.value(user_id)
    assert value is not None
    return decode(value)


def lived() -> Partition:
    """Return a partition with users who come, have gone, said no, have an open case, are erased."""
    partition = a_partition(OLD)
    inputs = [act(day(n), "ada", money_minor=100) for n in range(12)]
    inputs += [act(day(n, 13), "bo") for n in range(25)]
    inputs += [OptedOut("cy", day(3)), ConsentChanged("cy", day(3), "sms", is_granted=False)]
    inputs += [act(day(n, 14), "cy") for n in range(3)]
    inputs += [act(day(n, 15), "eve") for n in range(3)]
    partition.apply(sorted(inputs, key=lambda each: each.event_time_ms))
    partition.apply([Erased("eve", day(25))])
    partition.advance(day(26))
    return partition


def test_what_is_promised_is_carried_over_and_the_rest_begins_anew() -> None:
    was = lived()
    records = changelog(was)
    done = carried_over(records, NEW)
    heir = restored({**records, **dict(done.changelog)}, NEW)

    ada, before = state(heir, "ada"), state(was, "ada")
    assert before.profile.case is not None
    assert before.profile.exposure is not None
    exposure = msgspec.structs.replace(before.profile.exposure, features=b"")
    assert ada.profile == msgspec.structs.replace(
        before.profile, exposure=exposure, stage=Stage.LAPSED
    )
    assert all(ada[column] == before[column] for column in DECIDED)
    assert [ada[column] for column in (Rhythm.FIRST, Rhythm.LAST, Rhythm.ACTIVE_DAYS)] == [
        day(0), day(11), 12,
    ]  # fmt: skip
    assert ada[Rhythm.GAPS] == 0.0
    assert ada[Column.PHASE] == NEW.phase_ms("ada")
    assert state(heir, "cy").profile.is_suppressed
    assert state(heir, "cy").profile.consents == {"sms": False}
    assert heir.value("eve") is None
    heir.apply([act(day(26, 1), "eve", event_id="late")])
    assert heir.value("eve") is None, "whoever is erased stays so"
    assert (heir.applied, heir.watermark_ms) == (was.applied, was.watermark_ms)
    assert done.counts == {
        "users": 3, "anew": 3, "cases": 1, "erased": 1, "stubs": 0,
        "exposures": 1, "lapsed": 2, "back": 0,
    }  # fmt: skip


def test_an_open_case_goes_on_under_its_id_and_on_its_day() -> None:
    was = lived()
    records = changelog(was)
    new = {**records, **dict(carried_over(records, NEW).changelog)}
    case = state(was, "ada").profile.case
    stayed, went = restored(records, OLD), restored(new, NEW)
    said = []
    for partition in (stayed, went):
        partition.apply([act(day(27), "ada", event_id="back")])
        said.append([msgspec.json.decode(each.value) for each in partition.take().outputs["touches"]
                     if b"case.closed" in each.value])  # fmt: skip

    assert case is not None
    assert said[0] == said[1]
    assert [each["case_id"] for each in said[1]] == [case.case_id]


def test_a_shorter_horizon_lapses_who_is_silent_and_a_longer_one_takes_that_back() -> None:
    records = changelog(lived())
    short = {**records, **dict(carried_over(records, NEW).changelog)}
    assert state(restored(short, NEW), "cy").profile.stage is Stage.LAPSED
    back = {**short, **dict(carried_over(short, OLD).changelog)}
    assert state(restored(back, OLD), "cy").profile.stage in {Stage.ACTIVE, Stage.AT_RISK}


def test_it_is_done_once() -> None:
    records = changelog(lived())
    done = carried_over(records, NEW)
    assert done.changelog
    again = carried_over({**records, **dict(done.changelog)}, NEW)
    assert again.changelog == []


def test_traits_that_were_kept_are_told_apart_from_now_on() -> None:
    keeping = msgspec.structs.replace(OLD, traits=("plan",))
    partition = a_partition(keeping)
    partition.apply([act(day(0)), TraitsSet("ada", day(0, 13), traits={"plan": "pro"})])
    records = changelog(partition)
    heir = restored({**records, **dict(carried_over(records, NEW).changelog)}, NEW)

    assert state(heir, "ada")[Rhythm.TRAITS] == 1.0


def test_money_in_other_units_is_counted_anew() -> None:
    cents, yuan = rules_of(), rules_of(money="{minor_units: 1}")
    partition = a_partition(cents)
    partition.apply([act(day(0), money_minor=12_300)])
    records = changelog(partition)
    done = dict(carried_over(records, yuan).changelog)

    assert decode(done[b"ada"])[Column.VALUE_NET] == 123.0
    assert decode(done[b"ada"])[Column.VALUE_DECAYED] == 123.0


acts = st.lists(
    st.builds(
        lambda user, hour, slot, money: Acted(
            user, f"{user}{hour}", day(0, hour), 1.0, money, slot, slot == 1
        ),
        st.sampled_from(["ada", "bo"]), st.integers(0, 24 * 60), st.integers(-1, 1),
        st.integers(0, 9),
    ),
    max_size=40,
)  # fmt: skip


@settings(max_examples=25)
@given(acts)
def test_with_the_whole_history_it_is_as_if_the_new_rules_had_always_been(
    inputs: list[Acted],
) -> None:
    inputs = sorted(inputs, key=lambda each: each.event_time_ms)
    old, new, history = a_partition(OLD), a_partition(NEW), History(NEW)
    for each in inputs:
        old.apply([each])
        new.apply([each])
        history.add(each)
    records = changelog(old)
    heir = restored({**records, **dict(carried_over(records, NEW, history).changelog)}, NEW)

    for user_id, value in new.values():
        wanted, found = decode(value), state(heir, user_id)
        for place in set(range(LIVE_WIDTH)) - UNTOLD:
            assert found.head[place] == wanted.head[place], place
        # Who was gone for a while under the new rules has no older ids in its ring.
        assert found.ring.endswith(wanted.ring.lstrip(b"\0"))


def test_a_history_goes_no_further_than_what_was_applied_and_knows_who_is_who() -> None:
    history = History(
        NEW, lambda user: "ada" if user == "cookie" else user, lambda _user: day(2)
    )  # fmt: skip
    for number, user in enumerate(("cookie", "ada", "cookie", "ada")):
        history.add(act(day(number), user, event_id=str(number)))
    history.add(act(day(1), "ada", event_id="1"))

    assert history.seen == {"ada"}
    assert decode(history.values["ada"])[Column.EVENTS] == 3.0


def test_it_is_said_how_many_lose_what_a_history_that_begins_too_late_does_not_tell() -> None:
    was = Partition(0, OLD, ToldScorer(by_silence))
    was.apply([act(day(number), "ada") for number in range(30)] + [act(day(29), "bo")])
    history = History(NEW)
    for number in (28, 29):
        history.add(act(day(number), "ada"))
    history.add(act(day(29), "bo"))

    done = carried_over(changelog(was), NEW, history)
    assert done.counts["rebuilt"] == 2
    assert done.counts["shortened"] == 1, "all that bo did is in the history"


def test_who_did_nothing_that_counts_now_is_as_new_unless_something_is_owed() -> None:
    was = lived()
    records = changelog(was)
    history = History(NEW)
    history.seen |= {"ada", "bo"}
    done = dict(carried_over(records, NEW, history).changelog)

    assert decode(done[b"bo"])[Column.EVENTS] == 0.0
    assert decode(done[b"ada"])[Rhythm.LAST] == day(11), "its case has to end some day"


def test_an_old_state_is_carried_over_as_well_if_somebody_knows_its_rules() -> None:
    golden = read("0.1.0")
    old = load_rules(str(golden.rules))
    new = msgspec.structs.replace(old, grid_salt="other")
    records = {
        each.key: each.value
        for each in golden.written
        if (each.topic, each.partition) == (SETTINGS.topic_users_changelog, 0) and each.key
    }
    with pytest.raises(CannotCarryError, match="money"):
        carried_over(records, new)
    done = carried_over(records, new, made_with=definition_of(old))
    heir = restored({**records, **dict(done.changelog)}, new)

    assert heir.users == sum(not key.startswith(b"\0") for key in records)
    record = msgspec.json.decode(dict(done.changelog)[PARTITION_KEY], type=PartitionRecord)
    assert record.definition == definition_of(new)


def test_what_differs_is_said_in_the_words_of_the_rules_file() -> None:
    assert differing(definition_of(OLD), definition_of(NEW)) == (
        "churn.horizon '30d', now '12d'; kinds 'purchase, refund', now 'view'; "
        "traits_told_apart '', now 'plan=pro'; events"
    )
    with pytest.raises(StateMismatchError, match=r"churn\.horizon") as refused:
        restored(changelog(lived()), NEW)
    assert "winback state migrate" in refused.value.hint
