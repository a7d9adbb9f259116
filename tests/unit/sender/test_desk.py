"""What a sender does with touches: stories."""

import pytest

from streams.core.time import DAY_MS, HOUR_MS
from tests.unit.sender.letters import START_MS, letters, revoked, touch
from tests.unit.sender.stand import LiveClock, MakeStand, Stand
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import UNSENT, Status, Why
from winback_sender.engine.desk import IDLE_S
from winback_sender.engine.endings import INTERRUPTED, unsent
from winback_sender.receipt import NotSentError, Receipt

DELIVERED = Receipt(Status.DELIVERED)
REVOKED = unsent(Why.REVOKED)
EXPIRED = unsent(Why.EXPIRED)


def test_a_touch_is_delivered_and_reported(make: MakeStand) -> None:
    stand = make()
    assert stand.said(letters(touch("t1"))) == [("t1", DELIVERED)]
    assert stand.sent == ["t1"]


def test_an_offset_is_done_when_kafka_has_the_feedback(make: MakeStand) -> None:
    stand = make()
    stand.read(letters(touch("t1"), touch("t2", "bob")))
    assert stand.done() == 0
    stand.tell()
    assert stand.done() == 2


def test_a_touch_that_comes_twice_is_delivered_once(make: MakeStand) -> None:
    stand = make()
    twice = letters(touch("t1"), touch("t1"))
    assert [name for name, _ in stand.said(twice)] == ["t1", "t1"]  # Kafka may lack one

    again = make()
    again.read(twice)
    again.tell()
    assert make().said(twice) == []
    assert [*again.sent, *stand.sent] == ["t1"]


def test_a_crash_between_intent_and_receipt_is_unknown_and_never_resent(make: MakeStand) -> None:
    crashed = make(clock=LiveClock())
    crashed.read(letters(touch("t1")))
    assert len(crashed.desk.begin(1, 0.0)) == 1  # and the process dies

    restarted = make()
    assert restarted.said(letters(touch("t1"), touch("t2"))) == [
        ("t1", INTERRUPTED), ("t2", DELIVERED),
    ]  # fmt: skip
    assert restarted.sent == ["t2"]


def test_a_crash_before_the_feedback_repeats_the_feedback_alone(make: MakeStand) -> None:
    crashed = make()
    crashed.read(letters(touch("t1")))
    first = crashed.reports()

    restarted = make()
    restarted.read(letters(touch("t1"), at_ms=START_MS + HOUR_MS))
    assert restarted.reports() == first
    assert restarted.sent == []


def test_a_revocation_behind_a_touch_stops_it(make: MakeStand) -> None:
    stand = make(clock=LiveClock())
    assert stand.said(letters(touch("t1"), touch("t2", "bob"), revoked("t1"))) == [
        ("t1", REVOKED), ("t2", DELIVERED),
    ]  # fmt: skip
    assert stand.sent == ["t2"]


def test_nothing_begins_before_a_partition_was_read_to_its_end(make: MakeStand) -> None:
    stand = make(clock=LiveClock())
    tray = stand.assign(is_open=False)
    assert stand.said(letters(touch("t1"))) == []
    assert stand.said([letters(None, revoked("t1"))[1]]) == []

    tray.is_open = True
    assert stand.said() == [("t1", REVOKED)]


def test_in_a_replayed_log_a_revocation_comes_days_after_its_neighbour(make: MakeStand) -> None:
    stand = make()
    stand.read(letters(touch("t1"), revoked("t1")))
    assert stand.sent == ["t1"]


def test_a_revocation_stops_a_waiting_touch_even_after_a_restart(make: MakeStand) -> None:
    tomorrow = START_MS + DAY_MS
    waiting = touch("t1", not_before_ms=tomorrow)
    crashed = make()
    crashed.read(letters(waiting))
    crashed.journal.revoke(["t1"], START_MS)

    restarted = make()
    assert restarted.said(letters(waiting, at_ms=tomorrow)) == [("t1", REVOKED)]
    assert restarted.sent == []


def test_a_touch_that_is_taken_back_while_it_waits_is_reported_at_once(make: MakeStand) -> None:
    stand = make(clock=LiveClock())
    later = START_MS + HOUR_MS
    waiting = [touch("t1", not_before_ms=later), touch("t2")]
    assert stand.said(letters(*waiting)) == []

    assert stand.said([letters(None, None, revoked("t2"))[2]]) == [("t2", REVOKED)]
    assert stand.said([letters(None, None, None, revoked("t1"))[3]]) == [("t1", REVOKED)]


def test_a_revocation_between_intent_and_call_stops_the_call(make: MakeStand) -> None:
    stand = make(clock=LiveClock())
    stand.read(letters(touch("t1")))
    (errand,) = stand.desk.begin(1, 0.0)
    stand.read([letters(None, revoked("t1"))[1]])

    stand.desk.ended([stand.couriers.do(errand)], 0.0)
    assert stand.said() == [("t1", REVOKED)]
    assert stand.sent == []


def test_a_process_that_slept_asks_the_journal_before_it_calls(make: MakeStand) -> None:
    """Its partition may have gone to another sender, who has read the revocation."""
    slept = make(clock=LiveClock())
    slept.read(letters(touch("t1")))
    (errand,) = slept.desk.begin(1, now_s=-3_600.0)
    make().journal.revoke(["t1"], START_MS)

    slept.desk.ended([slept.couriers.do(errand)], 0.0)
    assert slept.said() == [("t1", REVOKED)]
    assert slept.sent == []


def test_a_revocation_after_delivery_changes_nothing(make: MakeStand) -> None:
    stand = make()
    stand.read(letters(touch("t1")))
    stand.tell()

    assert stand.said([letters(None, revoked("t1"))[1]]) == []
    assert make().said(letters(touch("t1"))) == []
    assert stand.endings.counts["revocations_too_late"] == 1


def test_an_expired_touch_is_not_delivered(make: MakeStand) -> None:
    stand = make()
    assert stand.said(letters(touch("t1", expires_ms=START_MS))) == [("t1", EXPIRED)]
    assert stand.sent == []


def test_a_touch_that_expires_between_intent_and_call_is_not_sent(make: MakeStand) -> None:
    clock = LiveClock()
    stand = make(clock=clock)
    stand.read(letters(touch("t1", expires_ms=START_MS + 1)))
    (errand,) = stand.desk.begin(1, 0.0)
    clock.at_ms += 1

    stand.desk.ended([stand.couriers.do(errand)], 0.0)
    assert stand.said() == [("t1", EXPIRED)]
    assert stand.sent == []


def test_a_touch_that_expires_behind_one_that_waits_is_reported(make: MakeStand) -> None:
    clock = LiveClock()
    stand = make(clock=clock)
    waits = touch("t1", not_before_ms=START_MS + HOUR_MS)
    assert stand.said(letters(waits, touch("t2", expires_ms=START_MS + 10))) == []

    clock.at_ms += 10
    assert stand.said() == [("t2", EXPIRED)]
    clock.at_ms += HOUR_MS
    assert stand.said() == [("t1", DELIVERED)]


def test_a_touch_waits_for_its_hour_and_holds_back_its_user_only(make: MakeStand) -> None:
    later = START_MS + HOUR_MS
    stand = make()
    stand.read(letters(touch("a1", not_before_ms=later), touch("b1", "bob"), touch("a2")))
    assert stand.sent == ["b1"]
    stand.tell()
    assert stand.done() == 0  # a restart must read a1 again

    stand.read([letters(None, at_ms=later)[0]._replace(offset=3)])
    stand.tell()
    assert stand.sent == ["b1", "a1", "a2"]
    assert stand.done() == 4


def test_a_user_has_one_touch_under_way(make: MakeStand) -> None:
    stand = make(clock=LiveClock())
    stand.read(letters(touch("a1"), touch("a2"), touch("b1", "bob")))

    first = stand.desk.begin(9, 0.0)
    assert [errand.touch.touch_id for errand in first] == ["a1", "b1"]
    assert stand.desk.begin(9, 0.0) == []
    stand.desk.ended([stand.couriers.do(first[0])], 0.0)
    assert [errand.touch.touch_id for errand in stand.desk.begin(9, 0.0)] == ["a2"]


def test_while_all_hands_are_full_it_waits_for_one_of_them(make: MakeStand) -> None:
    stand = make(clock=LiveClock())
    stand.read(letters(touch("a1"), touch("b1", "bob")))
    assert len(stand.desk.begin(1, 0.0)) == 1
    assert stand.desk.wait_s == IDLE_S
    assert stand.desk.begin(0, 0.0) == []
    assert stand.desk.wait_s == IDLE_S


def test_every_partition_has_its_own_event_time(make: MakeStand) -> None:
    """At a year a minute, the newest touch of one partition says nothing about another."""
    ahead = letters(touch("t1", "bob"), at_ms=START_MS + 30 * DAY_MS, partition=1)
    stand = make()
    stand.read([*ahead, *letters(touch("t2"), partition=0)])
    assert stand.sent == ["t2"]


@pytest.mark.parametrize(
    ("error", "receipt"),
    [
        (NotSentError("no_template"), unsent("no_template")),
        (NotSentError("bad_address", "hard"), Receipt(Status.FAILED, "hard", "bad_address")),
        (TimeoutError("to 13800138000"), Receipt(Status.UNKNOWN, "", Why.TIMED_OUT)),
        (KeyError("13800138000"), Receipt(Status.UNKNOWN, "", "KeyError")),
        (SystemExit(), Receipt(Status.UNKNOWN, "", "SystemExit")),
    ],
)
def test_what_a_deliverer_raises_tells_whether_it_left(
    make: MakeStand, error: BaseException, receipt: Receipt
) -> None:
    def fail(_touch: TouchRequested) -> Receipt:
        raise error

    assert make(fail).said(letters(touch("t1"))) == [("t1", receipt)]

    restarted = make()
    assert restarted.said(letters(touch("t1"))) == [("t1", receipt)]
    assert restarted.sent == []


def test_a_deliverer_that_returns_nothing_may_have_sent(make: MakeStand) -> None:
    stand = make(lambda _touch: None)
    ((_, receipt),) = stand.said(letters(touch("t1")))
    assert receipt.status == Status.UNKNOWN


def refuse_until(stand_of: list[Stand], attempts: int) -> object:
    def deliver(_touch: TouchRequested) -> Receipt:
        if len(stand_of[0].sent) < attempts:
            raise NotSentError(Why.OVER_LIMIT, retry=True, after_s=60.0)
        return DELIVERED

    return deliver


def test_what_surely_was_not_sent_is_tried_again(make: MakeStand) -> None:
    clock, stands = LiveClock(), []
    stand = make(refuse_until(stands, 3), clock)
    stands.append(stand)
    assert stand.said(letters(touch("t1"), touch("t2"))) == []
    assert stand.sent == ["t1"]

    for _ in range(2):
        clock.at_ms += 59_999
        assert stand.said() == []
        clock.at_ms += 1
        said = stand.said()
    assert said == [("t1", DELIVERED), ("t2", DELIVERED)]
    assert stand.sent == ["t1", "t1", "t1", "t2"]


def test_a_touch_that_never_left_may_be_begun_by_the_next_sender(make: MakeStand) -> None:
    clock, stands = LiveClock(), []
    stands.append(make(refuse_until(stands, 9), clock))
    assert stands[0].said(letters(touch("t1"))) == []

    assert make().said(letters(touch("t1"))) == [("t1", DELIVERED)]


def test_what_cannot_leave_before_it_expires_fails_with_the_last_reason(make: MakeStand) -> None:
    stands: list[Stand] = []
    stands.append(make(refuse_until(stands, 9), LiveClock()))
    soon = touch("t1", expires_ms=START_MS + 59_000)
    assert stands[0].said(letters(soon)) == [("t1", unsent(Why.OVER_LIMIT))]


def test_stopping_takes_back_what_was_not_called(make: MakeStand) -> None:
    stand = make(clock=LiveClock())
    stand.read(letters(touch("t1")))
    (errand,) = stand.desk.begin(1, 0.0)
    stand.couriers.stop()
    stand.desk.ended([stand.couriers.do(errand)], 0.0)

    assert (stand.said(), stand.sent, stand.done()) == ([], [], 0)
    assert make().said(letters(touch("t1"))) == [("t1", DELIVERED)]


def test_the_law_makes_a_touch_wait_for_its_hour(make: MakeStand) -> None:
    clock, morning = LiveClock(), START_MS + 8 * HOUR_MS
    stand = make(clock=clock, law=lambda _provider, _touch, now_ms: max(now_ms, morning))
    assert stand.said(letters(touch("t1"))) == []
    clock.at_ms = morning
    assert stand.said() == [("t1", DELIVERED)]


def test_what_the_law_forbids_until_it_expires_is_told_at_once(make: MakeStand) -> None:
    stand = make(law=lambda _provider, _touch, now_ms: now_ms + 9 * DAY_MS)
    assert stand.said(letters(touch("t1"))) == [("t1", unsent(Why.OUT_OF_HOURS))]


def test_a_law_that_fails_over_one_touch_stops_no_other(make: MakeStand) -> None:
    def law(_provider: str, found: TouchRequested, now_ms: int) -> int:
        return now_ms if found.user_id == "bob" else 1 // 0

    stand = make(law=law)
    assert stand.said(letters(touch("t1"), touch("t2", "bob"))) == [
        ("t1", Receipt(Status.FAILED, UNSENT, Why.NOT_READABLE)), ("t2", DELIVERED),
    ]  # fmt: skip
