"""Limits, the breaker and pauses: stories, then laws."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sender.letters import START_MS, letters, touch
from tests.unit.sender.stand import LiveClock, MakeStand
from winback_sender.adapter import Adapter, Limits
from winback_sender.adapters.function import FunctionAdapter
from winback_sender.addresses.away import AWAY
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import HARD, Status, Why
from winback_sender.engine.breaker import FAILURES_MAX, OPEN_MAX_S, Breaker
from winback_sender.engine.endings import unsent
from winback_sender.engine.errand import Done
from winback_sender.engine.lane import Lanes
from winback_sender.engine.limits import Bucket, Gate
from winback_sender.engine.retries import jittered_s, next_ask_ms
from winback_sender.errors import UserError
from winback_sender.receipt import NotSentError, Receipt


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket, given_at = Bucket(per_s=10.0, burst=3), []
    now_s = 100.0
    while now_s < 102.0:
        if not bucket.wait_s(now_s):
            bucket.take()
            given_at.append(now_s)
        now_s += bucket.wait_s(now_s) or 0.001
    assert len(given_at) == pytest.approx(3 + 20, abs=1)


@given(
    st.floats(0.1, 1_000), st.integers(1, 50), st.lists(st.floats(0, 2), min_size=1, max_size=200)
)
def test_no_window_of_time_sees_more_than_burst_and_rate(
    per_s: float, burst: int, gaps_s: list[float]
) -> None:
    bucket, now_s, taken = Bucket(per_s, burst), 0.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        if not bucket.wait_s(now_s):
            bucket.take()
            taken.append(now_s)
    for first, begin_s in enumerate(taken):
        for last, end_s in enumerate(taken[first:], first):
            assert last - first + 1 <= burst + per_s * (end_s - begin_s) + 1e-6


def test_a_template_has_a_limit_of_its_own() -> None:
    gate = Gate(Limits(per_template_s=1.0))
    gate.take("greeting")
    assert gate.template_wait_s("greeting", 0.0) == pytest.approx(1.0)
    assert gate.template_wait_s("benefit", 0.0) == 0.0
    assert gate.account_wait_s(0.0) == 0.0


def test_a_touch_that_waits_for_its_template_holds_back_nobody_else(make: MakeStand) -> None:
    clock = LiveClock()
    stand = make(clock=clock, limits=Limits(per_template_s=1.0))
    stand.said(letters(touch("t1"), touch("t2", "bob"), touch("t3", "eve")))
    assert stand.sent == ["t1"]
    clock.at_ms += 1_000
    stand.now_s += 1.0
    stand.work()
    assert len(stand.sent) == 2


def test_the_limit_of_the_account_says_when_to_look_again(make: MakeStand) -> None:
    stand = make(clock=LiveClock(), limits=Limits(per_s=20.0, burst=2))
    stand.said(letters(*(touch(f"t{number}", f"user-{number}") for number in range(5))))
    assert len(stand.sent) == 2
    assert stand.desk.wait_s == pytest.approx(0.05)
    stand.now_s += 0.05
    stand.work()
    assert len(stand.sent) == 3


def test_a_touch_expires_while_it_waits_for_a_limit(make: MakeStand) -> None:
    clock = LiveClock()
    stand = make(clock=clock, limits=Limits(per_s=0.001))
    soon = touch("t2", "bob", expires_ms=START_MS + 10)
    stand.said(letters(touch("t1"), soon))
    clock.at_ms += 10
    assert [(name, receipt.reason) for name, receipt in stand.said()] == [("t2", Why.OVER_LIMIT)]


def test_while_a_provider_is_away_one_touch_at_a_time_looks_for_it(make: MakeStand) -> None:
    def away(_touch: TouchRequested) -> Receipt:
        raise NotSentError(Why.UNAVAILABLE, retry=True)

    clock = LiveClock()
    stand = make(away, clock)
    stand.said(letters(*(touch(f"t{number}", f"user-{number}") for number in range(50))))
    assert len(stand.sent) == FAILURES_MAX
    assert 0 < stand.desk.wait_s <= 1.0

    clock.at_ms += 60_000
    stand.now_s += 60.0
    stand.work(room=9)
    assert len(stand.sent) == FAILURES_MAX + 1

    stand._inner = None
    clock.at_ms += 60_000
    stand.now_s += 60.0
    stand.work(room=9)
    assert len(stand.sent) == FAILURES_MAX + 1 + 50


def test_a_touch_that_expires_while_a_provider_is_away_says_so(make: MakeStand) -> None:
    def away(_touch: TouchRequested) -> Receipt:
        raise NotSentError(Why.UNAVAILABLE, retry=True)

    clock = LiveClock()
    stand = make(away, clock)
    soon = START_MS + 60_000
    batch = [touch(f"t{number}", f"user-{number}", expires_ms=soon) for number in range(20)]
    assert stand.said(letters(*batch)) == []
    clock.at_ms = soon
    assert {receipt.reason for _, receipt in stand.said()} == {Why.UNAVAILABLE}
    assert stand.endings.counts[Why.UNAVAILABLE] == 20


def test_what_a_provider_refuses_is_no_sign_that_it_is_away(make: MakeStand) -> None:
    def refuse(_touch: TouchRequested) -> Receipt:
        raise NotSentError(Why.REFUSED)

    stand = make(refuse, LiveClock())
    stand.said(letters(*(touch(f"t{number}", f"user-{number}") for number in range(50))))
    assert len(stand.sent) == 50


@given(st.integers(0, 60), st.integers(0, 1_000))
def test_a_breaker_opens_for_longer_and_longer_but_not_for_ever(rounds: int, seed: int) -> None:
    breaker, now_s = Breaker(Random(seed).random), 0.0
    for _ in range(FAILURES_MAX):
        assert breaker.wait_s(now_s) == 0.0
        breaker.begin()
        breaker.fail(now_s)
    for number in range(rounds):
        wait_s = breaker.wait_s(now_s)
        bound_s = min(OPEN_MAX_S, 2**number)
        assert bound_s / 2 <= wait_s <= bound_s
        now_s += wait_s
        assert breaker.wait_s(now_s) == 0.0
        breaker.begin()
        assert breaker.wait_s(now_s) > 0.0  # one at a time
        breaker.fail(now_s)
    breaker.succeed()
    assert not breaker.is_open


def test_a_probe_that_was_never_called_is_no_answer() -> None:
    breaker = Breaker(Random(1).random)
    for _ in range(FAILURES_MAX):
        breaker.fail(0.0)
    breaker.begin()
    breaker.withdraw()
    assert breaker.is_open
    assert breaker.wait_s(10.0) == 0.0


@pytest.mark.parametrize(
    ("receipt", "is_away"),
    [
        (unsent(Why.REVOKED), True), (unsent(Why.EXPIRED), True), (unsent(Why.NO_TEMPLATE), True),
        (Receipt(Status.FAILED, HARD, Why.NO_ADDRESS), True), (unsent(AWAY), True),
        (Receipt(Status.UNKNOWN), True), (unsent(Why.REFUSED), False),
        (Receipt(Status.ACCEPTED), False),
    ],
)  # fmt: skip
def test_only_what_the_provider_said_shows_that_it_is_there(
    make: MakeStand, receipt: Receipt, *, is_away: bool
) -> None:
    stand = make(clock=LiveClock())
    stand.read(letters(touch("t1")))
    (errand,) = stand.desk.begin(1, 0.0)
    for _ in range(FAILURES_MAX):
        errand.lane.breaker.fail(0.0)
    Done(errand, receipt).tell_breaker(1.0)
    assert errand.lane.breaker.is_open == is_away


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_pause_lies_between_nothing_and_its_bound(attempt: int, drawn: float) -> None:
    pause_s = jittered_s(attempt, 0.5, 60.0, lambda: drawn)
    assert 0.0 <= pause_s <= min(60.0, 0.5 * 2.0 ** min(attempt, 60))


def test_questions_come_further_apart_and_end() -> None:
    schedule_s, begun_ms, now_ms, asked = (5.0, 30.0, 120.0), 0, 0, 0
    asked_at_s = []
    while (at_ms := next_ask_ms(schedule_s, asked, now_ms, begun_ms, 400.0)) is not None:
        asked_at_s.append(at_ms / 1_000)
        now_ms, asked = at_ms, asked + 1
    assert asked_at_s == [5.0, 35.0, 155.0, 275.0, 395.0]


def test_only_a_provider_that_can_say_is_asked() -> None:
    def deliver(_touch: TouchRequested) -> Receipt:
        return Receipt(Status.ACCEPTED)

    adapters: dict[str, Adapter] = {
        "sms": FunctionAdapter(deliver, name="mute"),
        "call": FunctionAdapter(deliver, lambda _sent: None, name="knows"),
    }
    lanes = Lanes(adapters, Random(1), ask_for_s=600.0)
    unknown, asks = Receipt(Status.UNKNOWN), []
    for name in ("mute", "knows"):
        lane = lanes.named(name)
        assert lane is not None
        asks.append(lane.ask_ms(unknown, 0, 0, 0))
        assert lane.ask_ms(Receipt(Status.DELIVERED), 0, 0, 0) is None
    assert asks == [None, 5_000]


def test_two_providers_of_one_name_are_refused() -> None:
    def deliver(_touch: TouchRequested) -> Receipt:
        return Receipt(Status.ACCEPTED)

    with pytest.raises(UserError, match="same name"):
        Lanes({"sms": FunctionAdapter(deliver), "call": FunctionAdapter(deliver)}, Random(1))
    one = FunctionAdapter(deliver)
    assert len(Lanes({"sms": one, "call": one}, Random(1)).all) == 1
