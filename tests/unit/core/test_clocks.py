"""Several topics, each with its own progress: the watermark waits for the slowest that speaks."""

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.clock_names import OWN, expected_clocks
from streams.core.decoded import RejectReason
from streams.core.inputs import (
    Acted,
    ConsentChanged,
    FeedbackReceived,
    Input,
    OptedOut,
    ValueCorrected,
    WatermarkPassed,
)
from streams.core.partition import Partition
from streams.core.partition_record import PARTITION_KEY
from streams.core.routed import clock_name
from streams.core.state import Column, decode
from streams.core.time import DAY_MS, HOUR_MS, MINUTE_MS
from tests.unit.core.clock_stories import (
    APP,
    CRM,
    LATE,
    ORDERS,
    Came,
    FellIdle,
    SlowClocks,
    Step,
    Ticked,
    Told,
    of_topics,
    partition_of,
    play,
)
from tests.unit.core.stories import ADA, RULES, act, day

ALL = (OWN, ORDERS, CRM, APP)


def test_the_slowest_topic_holds_the_watermark() -> None:
    partition = partition_of(OWN, CRM)
    partition.apply([act(day(9))])
    assert partition.watermark_ms == 0, "of the other topic nothing is known yet"
    partition.apply([act(day(5), "bo")], CRM)
    assert partition.watermark_ms == day(5) - LATE[CRM]
    partition.apply([act(day(10), "bo")], CRM)
    assert partition.watermark_ms == day(9)


def test_one_topic_alone_is_as_it_was() -> None:
    partition = partition_of(rules=RULES)
    partition.apply([act(day(9)), act(day(8)), WatermarkPassed(day(11))])
    assert partition.watermark_ms == day(11)


def test_a_topic_that_is_idle_holds_nothing_back_until_it_speaks() -> None:
    partition = partition_of(OWN, CRM)
    play(partition, [Came(OWN, (act(day(9)),)), Came(CRM, (act(day(5), "bo"),)), FellIdle(CRM)])
    assert partition.watermark_ms == day(9)
    play(partition, [Came(CRM, (act(day(6)),)), Came(OWN, (act(day(12)),))])
    assert partition.watermark_ms == day(9), "it is waited for again, and nothing goes back"
    assert partition.take().counts["late"] == 1
    play(partition, [Came(CRM, (act(day(20), "bo"),))])
    assert partition.watermark_ms == day(12)


def test_feedback_is_no_clock_and_wakes_none() -> None:
    partition = partition_of(OWN, CRM)
    play(partition, [Came(OWN, (act(day(9)),)), FellIdle(CRM)])
    heard = FeedbackReceived(ADA, day(30), "t", "delivered")
    play(partition, [Came(None, (heard,)), Came(CRM, (heard,)), Came(OWN, (act(day(10)),))])
    assert partition.watermark_ms == day(10)


def test_a_clock_of_the_router_goes_by_its_word_alone() -> None:
    """A router that is away holds the watermark, however late it is by the wall clock."""
    partition = partition_of(OWN, APP)
    play(partition, [Came(OWN, (act(day(9)), WatermarkPassed(day(8), APP)))])
    assert partition.watermark_ms == day(8)
    play(partition, [Ticked(day(40))])
    assert partition.watermark_ms == day(8)
    play(partition, [Came(OWN, (WatermarkPassed(day(8), APP, is_idle=True),)), Ticked(day(40))])
    assert partition.watermark_ms == day(40) - of_topics().lateness_ms


def test_what_the_router_writes_is_as_old_as_the_slowest_of_its_topics() -> None:
    """One topic has come to today, the other begins a year ago: none of it is too old."""
    partition = partition_of(OWN, APP)
    year = [act(day(n)) for n in range(365)]
    refused = partition.apply([act(day(365), "bo"), *year, WatermarkPassed(day(364), APP)])
    assert refused == []
    assert partition.watermark_ms == day(364)
    (late,) = partition.apply([act(day(300))])
    assert late.reason is RejectReason.TOO_OLD


def test_the_wall_clock_leaves_each_topic_its_lateness() -> None:
    partition = partition_of(OWN, ORDERS)
    play(partition, [Came(OWN, (act(day(9)),)), Ticked(day(20))])
    assert partition.watermark_ms == day(20) - LATE[ORDERS]
    play(partition, [FellIdle(ORDERS), Ticked(day(20) + 1)])
    assert partition.watermark_ms == day(20) + 1


def test_a_stride_of_time_is_the_tick_of_an_earlier_instant() -> None:
    whole, strides = partition_of(OWN, ORDERS), partition_of(OWN, ORDERS)
    read = [Came(OWN, (act(day(0)), act(day(1)))), Came(ORDERS, (act(day(1), "bo"),))]
    for partition in (whole, strides):
        play(partition, [*read, Told(day(40))])
    whole.tick(day(40))
    reached, count = 0, 0
    while reached < day(40):
        reached, before = strides.within(day(40), DAY_MS), strides.watermark_ms
        strides.tick(reached)
        count += 1
        assert strides.watermark_ms - before <= DAY_MS
    assert count > 30
    assert dict(strides.take().changelog) == dict(whole.take().changelog)


def test_a_router_that_is_away_ends_the_strides() -> None:
    partition = partition_of(OWN, APP)
    play(partition, [Came(OWN, (act(day(0)), WatermarkPassed(day(0), APP)))])
    assert partition.within(day(40), HOUR_MS) == day(40)


def test_nobody_waits_for_a_clock_of_a_topic_that_the_router_reads_no_more() -> None:
    """Its words still stand on user-activity; CRM was routed once, and is read as it is now."""
    partition = partition_of(OWN, APP)
    words = [WatermarkPassed(day(1), clock_name(topic, 0)) for topic in ("gone", CRM)]
    partition.apply([*words, WatermarkPassed(day(9), APP)])
    assert partition.watermark_ms == day(9)
    assert {clock.name for clock in partition.clocks.record()} == {OWN, APP}


def test_a_partition_that_a_routed_topic_has_got_is_waited_for() -> None:
    partition = partition_of(OWN, APP)
    partition.apply([WatermarkPassed(day(1), clock_name("app", 1)), WatermarkPassed(day(9), APP)])
    assert partition.watermark_ms == day(1)


# -- producers with wrong clocks


def test_nobody_lives_after_the_present() -> None:
    """What is a little ahead counts, but moves no clock beyond now; far ahead is refused."""
    partition = partition_of()
    play(partition, [Told(day(9))])
    ahead, far = act(day(9) + HOUR_MS), act(day(9) + HOUR_MS + 1, "bo")
    (refused,) = partition.apply([act(day(8)), ahead, far])
    assert (refused.place, refused.reason) == (2, RejectReason.FUTURE)
    assert "2017-01-10T13:00:00.001Z" in refused.detail
    assert partition.watermark_ms == day(9)
    assert partition.value("bo") is None


def test_an_event_moves_no_clock_beyond_its_arrival() -> None:
    """In a backlog, too, where the present is far: else all that came after it would be late."""
    partition = partition_of()
    ahead = act(day(5) + HOUR_MS)
    partition.apply([act(day(4)), ahead, act(day(5))], OWN, [day(4), day(5), day(5)])
    assert partition.watermark_ms == day(5)


def test_an_activity_of_another_age_is_refused_and_all_else_takes_effect() -> None:
    partition = partition_of()
    history = [act(day(n), money_minor=100) for n in range(70)]
    old = day(69) - RULES.churn.limit_ms - 1
    said: list[Input] = [
        act(old, money_minor=7), act(old, "zed"), act(old + 1),
        ConsentChanged(ADA, old, "sms", is_granted=False), ValueCorrected(ADA, "c", old, -50),
        OptedOut("bo", old),
    ]  # fmt: skip
    refused = partition.apply([*history, *said])
    assert [(one.place, one.reason) for one in refused] == [
        (70, RejectReason.TOO_OLD), (71, RejectReason.TOO_OLD)
    ]  # fmt: skip
    assert partition.value("zed") is None
    ada, bo = (partition.value(user) for user in (ADA, "bo"))
    assert ada is not None
    assert bo is not None
    assert decode(ada)[Column.VALUE_NET] == 70 * 100 - 50
    assert decode(ada).profile.consents == {"sms": False}
    assert decode(bo).profile.is_suppressed


def test_a_device_of_2001_spoils_no_tenure() -> None:
    partition, clean = partition_of(), partition_of()
    history = [act(day(n)) for n in range(9)]
    partition.apply([*history[:5], act(day(-5_800)), *history[5:]])
    clean.apply(history)
    assert partition.value(ADA) == clean.value(ADA)


def test_a_log_of_years_ago_is_fed_in_order() -> None:
    """It is measured by its topic and not by the wall clock."""
    partition = partition_of()
    play(partition, [Ticked(day(3_650))])
    for number in range(200):
        assert partition.apply([act(day(number))]) == []
    assert partition.take().counts["accepted"] == 200


# -- laws

hours = st.integers(0, 24 * 20)
instants = hours.map(lambda hour: day(0, hour))
acts = st.builds(act, instants, st.sampled_from(["ada", "bo"]))
rare = st.one_of(
    st.builds(lambda at_ms: ConsentChanged(ADA, at_ms, "sms", is_granted=True), instants),
    st.builds(lambda at_ms: FeedbackReceived(ADA, at_ms, "t", "failed"), instants),
    st.builds(WatermarkPassed, instants),
)
words = st.builds(
    lambda at_ms, is_idle: WatermarkPassed(at_ms, APP, is_idle=is_idle), instants, st.booleans()
)
steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        lambda inputs: Came(OWN, tuple(inputs)),
        st.lists(st.one_of(acts, rare, words), max_size=6),
    ),
    st.builds(
        lambda clock, inputs: Came(clock, tuple(inputs)),
        st.sampled_from([ORDERS, CRM, None]),
        st.lists(st.one_of(acts, rare), max_size=6),
    ),
    st.builds(FellIdle, st.sampled_from([OWN, ORDERS, CRM])),
    st.builds(Ticked, instants),
    st.builds(Told, instants),
)
histories = st.lists(steps, max_size=12)


def one_by_one(history: list[Step]) -> list[Step]:
    """Return the same steps with a chunk for every record."""
    return [
        piece
        for step in history
        for piece in (
            [Came(step.clock, (signal,)) for signal in step.inputs]
            if isinstance(step, Came)
            else [step]
        )
    ]


def seen(partition: Partition) -> tuple[object, ...]:
    harvest = partition.take()
    changelog = {key: value for key, value in harvest.changelog if key != PARTITION_KEY}
    return (
        changelog, harvest.outputs, harvest.counts, partition.watermark_ms,
        partition.clocks.record(), partition.clocks.present_ms,
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(histories)
def test_the_watermark_is_that_of_the_slow_twin(history: list[Step]) -> None:
    partition, twin = partition_of(*ALL), SlowClocks(of_topics(), ALL)
    for step in one_by_one(history):
        play(partition, [step])
        twin.play(step)
        assert partition.watermark_ms == twin.watermark


@settings(max_examples=60, deadline=None)
@given(histories)
def test_how_records_are_cut_into_chunks_changes_nothing(history: list[Step]) -> None:
    whole, cut = partition_of(*ALL), partition_of(*ALL)
    play(whole, history)
    play(cut, one_by_one(history))
    assert seen(whole) == seen(cut)


@settings(max_examples=40, deadline=None)
@given(histories, st.integers(0, 12))
def test_a_restart_changes_nothing(history: list[Step], place: int) -> None:
    steady, first = partition_of(*ALL), partition_of(*ALL)
    play(steady, history[:place])
    play(first, history[:place])
    first.applied["user-activity"] = 1  # Something was read, so there is a record.
    steady.take()
    second = partition_of(*ALL)
    second.restore({key: value for key, value in first.take().changelog if value is not None})
    for partition in (steady, second):
        play(partition, history[place:])
    assert seen(steady) == seen(second)


def test_a_topic_that_is_read_no_more_is_forgotten() -> None:
    before = partition_of(OWN, CRM)
    play(before, [Came(CRM, (act(day(5)),)), Came(OWN, (act(day(9)),))])
    before.applied["user-activity"] = 1
    after = Partition(0, RULES, before.scorer)
    after.restore({key: value for key, value in before.take().changelog if value is not None})
    after.apply([act(day(10))])
    assert after.watermark_ms == day(10)


def test_the_rules_say_which_clocks_are_waited_for() -> None:
    found = expected_clocks(of_topics().sources, {"app": 2})
    assert found == (OWN, ORDERS, CRM, "router/app/0", "router/app/1")


def test_our_own_topic_is_waited_for_once_somebody_writes_to_it() -> None:
    clocks = partition_of(OWN, ORDERS, APP).clocks
    assert clocks.patience_ms(OWN) is None, "it is no clock beside the router's"
    assert clocks.patience_ms(ORDERS) == 5 * MINUTE_MS
    assert clocks.patience_ms(APP) is None
    assert partition_of(OWN, ORDERS).clocks.patience_ms(OWN) == 0
    partition = partition_of(OWN, ORDERS)
    partition.apply([Acted(ADA, "1", day(1))])
    assert partition.clocks.patience_ms(OWN) == 5 * MINUTE_MS
    assert partition_of().clocks.patience_ms(OWN) is None, "alone it is never idle"


def test_the_first_stride_does_not_begin_in_1970() -> None:
    """One topic has spoken and the other has not: nothing is reached, and nobody is kept waiting.

    Records wait while time passes; 47 years in strides of three hours took minutes.
    """
    partition = partition_of(OWN, ORDERS)
    play(partition, [Came(OWN, (act(day(1)), act(day(2))))])
    assert partition.watermark_ms == 0
    strides, at_ms = 0, 0
    while at_ms < day(5):
        at_ms = partition.within(day(5), 3 * HOUR_MS)
        partition.tick(at_ms)
        strides += 1
    assert partition.watermark_ms == day(5) - 6 * HOUR_MS
    assert strides < 5 * 24 // 3
