"""What operators order takes effect at an instant, once, and the same however it arrives."""

from hypothesis import given
from hypothesis import strategies as st

from streams.core.controls import CHANNEL, MODE, OFF, ON, PLAYBOOK, STOP, Controls, Mode, values_of
from streams.core.inputs import Directive

OBSERVE = Directive(MODE, "observe", 1_000, 7)


def test_a_mode_is_in_force_from_its_instant_on() -> None:
    controls = Controls()
    assert [order.at_ms for order in controls.take([OBSERVE], 400)] == [1_000]
    assert controls.mode_at(999, "live") is Mode.LIVE
    assert controls.mode_at(1_000, "live") is Mode.OBSERVE
    assert controls.mode_at(1_000, Mode.HOLDOUT_ONLY) is Mode.OBSERVE


def test_a_partition_that_is_further_takes_it_at_once() -> None:
    controls = Controls()
    (taken,) = controls.take([OBSERVE], 5_000)
    assert taken.at_ms == 5_000
    assert controls.mode_at(4_000, "live") is Mode.OBSERVE, "nor does a late event bring it back"


def test_the_kill_switch_waits_for_nothing_and_resume_does() -> None:
    controls = Controls()
    (taken,) = controls.take([Directive(STOP, ON, 9_000, 7)], 5_000)
    assert taken.at_ms == 5_000
    assert controls.is_stopped(4_999)
    controls.take([Directive(STOP, OFF, 9_000, 8)], 6_000)
    assert controls.is_stopped(8_999)
    assert not controls.is_stopped(9_000)


def test_the_same_word_again_is_nothing_new() -> None:
    controls = Controls()
    assert controls.take([OBSERVE], 400)
    assert controls.take([OBSERVE], 2_000) == ()
    assert controls.mode_at(999, "live") is Mode.LIVE


def test_what_is_not_said_any_more_is_lifted() -> None:
    controls = Controls()
    pause = Directive(CHANNEL + "sms", ON, 0, 7)
    controls.take([OBSERVE, pause], 2_000)
    assert controls.is_paused(2_000, playbook="vip", channel="sms")
    assert not controls.is_paused(2_000, playbook="sms", channel="wechat")
    (lifted,) = controls.take([OBSERVE], 3_000)
    assert (lifted.key, lifted.value) == (pause.key, OFF)
    assert not controls.is_paused(3_000, channel="sms")
    assert controls.take([OBSERVE], 4_000) == ()


def test_an_order_that_overtakes_a_pending_one_replaces_it() -> None:
    controls = Controls()
    controls.take([OBSERVE], 0)
    controls.take([Directive(MODE, "holdout-only", 2_000, 8)], 500)
    assert controls.mode_at(1_999, "live") is Mode.LIVE
    assert controls.mode_at(2_000, "live") is Mode.HOLDOUT_ONLY


def test_only_what_there_is_can_be_ordered() -> None:
    assert values_of(MODE) == ("observe", "holdout-only", "live", OFF)
    assert values_of(STOP) == values_of(PLAYBOOK + "vip") == (ON, OFF)
    assert values_of(PLAYBOOK) == values_of("halt") == ()


orders = st.builds(
    Directive,
    key=st.sampled_from([STOP, PLAYBOOK + "vip", CHANNEL + "sms"]),
    value=st.sampled_from([ON, OFF]),
    at_ms=st.integers(0, 50),
    ordered_ms=st.integers(1, 9),
)


@given(st.lists(st.tuples(st.lists(orders, max_size=3), st.integers(0, 20)), max_size=6))
def test_a_restart_between_two_orders_changes_nothing(
    story: list[tuple[list[Directive], int]],
) -> None:
    lived, restarted, at_ms = Controls(), Controls(), 0
    for said, later_ms in story:
        at_ms += later_ms
        assert lived.take(said, at_ms) == restarted.take(said, at_ms)
        restarted = Controls(restarted.record())
    for instant in range(at_ms, at_ms + 60):
        assert lived.is_stopped(instant) == restarted.is_stopped(instant)
        assert lived.is_paused(instant, playbook="vip") == restarted.is_paused(
            instant, playbook="vip"
        )
