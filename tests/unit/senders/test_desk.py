"""What a sender does with touches: stories."""

from collections.abc import Callable

import pytest

from streams.core.messages import TouchRequested
from streams.core.time import DAY_MS, HOUR_MS
from streams.senders.desk import EXPIRED, INTERRUPTED, REVOKED, Desk
from streams.senders.receipt import NotSentError, Receipt, Status
from tests.unit.senders.letters import START_MS, letters, revoked, touch

MakeDesk = Callable[..., tuple[Desk, list[str]]]


def said(desk: Desk) -> list[tuple[str, Receipt]]:
    return [(feedback.touch_id, feedback.receipt) for feedback in desk.work()]


def test_a_touch_is_delivered_and_reported(make_desk: MakeDesk) -> None:
    desk, sent = make_desk()
    desk.take(letters(touch("t1")))

    assert said(desk) == [("t1", Receipt(Status.DELIVERED))]
    assert sent == ["t1"]
    assert desk.take_finished() == {0: 1}
    assert desk.take_finished() == {}


def test_a_touch_that_comes_twice_is_delivered_once(make_desk: MakeDesk) -> None:
    desk, sent = make_desk()
    desk.take(letters(touch("t1"), touch("t1")))

    assert [touch_id for touch_id, _ in said(desk)] == ["t1", "t1"]  # Kafka may lack the first
    desk.reported(["t1"])
    desk.take(letters(touch("t1")))
    assert said(desk) == []
    assert sent == ["t1"]


def test_a_crash_between_intent_and_receipt_is_unknown_and_never_resent(
    make_desk: MakeDesk,
) -> None:
    def pull_the_plug(_touch: TouchRequested) -> Receipt:
        raise KeyboardInterrupt

    desk, _ = make_desk(pull_the_plug)
    desk.take(letters(touch("t1")))
    with pytest.raises(KeyboardInterrupt):
        said(desk)

    restarted, sent = make_desk()
    restarted.take(letters(touch("t1"), touch("t2")))
    assert said(restarted) == [("t1", INTERRUPTED), ("t2", Receipt(Status.DELIVERED))]
    assert sent == ["t2"]


def test_a_crash_before_the_feedback_repeats_the_feedback_alone(make_desk: MakeDesk) -> None:
    desk, _ = make_desk()
    desk.take(letters(touch("t1")))
    first = list(desk.work())

    restarted, sent = make_desk()
    restarted.take(letters(touch("t1"), at_ms=START_MS + HOUR_MS))
    assert list(restarted.work()) == first
    assert sent == []


def test_a_revocation_in_the_same_batch_stops_the_touch(make_desk: MakeDesk) -> None:
    desk, sent = make_desk()
    desk.take(letters(touch("t1"), touch("t2", "bob"), revoked("t1")))

    assert said(desk) == [("t1", REVOKED), ("t2", Receipt(Status.DELIVERED))]
    assert sent == ["t2"]


def test_a_revocation_stops_a_waiting_touch_even_after_a_restart(make_desk: MakeDesk) -> None:
    tomorrow = START_MS + DAY_MS
    waiting = touch("t1", not_before_ms=tomorrow)
    desk, _ = make_desk()
    desk.take(letters(waiting, revoked("t1")))
    assert said(desk) == []

    restarted, sent = make_desk()
    restarted.take(letters(waiting, at_ms=tomorrow))
    assert said(restarted) == [("t1", REVOKED)]
    assert sent == []


def test_a_revocation_after_delivery_changes_nothing(make_desk: MakeDesk) -> None:
    desk, sent = make_desk()
    desk.take(letters(touch("t1")))
    said(desk)
    desk.reported(["t1"])

    desk.take(letters(revoked("t1"), touch("t1")))
    assert said(desk) == []
    assert sent == ["t1"]
    assert desk.counts["revocations_too_late"] == 1


def test_an_expired_touch_is_not_delivered(make_desk: MakeDesk) -> None:
    desk, sent = make_desk()
    desk.take(letters(touch("t1", expires_ms=START_MS)))

    assert said(desk) == [("t1", EXPIRED)]
    assert sent == []


def test_a_touch_waits_for_its_hour_and_holds_back_its_user_only(make_desk: MakeDesk) -> None:
    later = START_MS + HOUR_MS
    desk, sent = make_desk()
    desk.take(letters(touch("a1", not_before_ms=later), touch("b1", "bob"), touch("a2")))
    said(desk)
    assert sent == ["b1"]
    assert desk.take_finished() == {0: 0}  # a restart must read a1 again

    desk.take([letters(None, at_ms=later)[0]._replace(offset=3)])
    said(desk)
    assert sent == ["b1", "a1", "a2"]
    assert desk.take_finished() == {0: 4}


def test_every_partition_has_its_own_event_time(make_desk: MakeDesk) -> None:
    """At a year a minute, the newest touch of one partition says nothing about another."""
    desk, sent = make_desk()
    desk.take(letters(touch("t1"), at_ms=START_MS + 30 * DAY_MS, partition=1))
    desk.take(letters(touch("t2"), partition=0))
    said(desk)

    assert sent == ["t2"]


@pytest.mark.parametrize(
    ("error", "receipt"),
    [
        (NotSentError("no_template"), Receipt(Status.FAILED, "no_template")),
        (TimeoutError(), Receipt(Status.UNKNOWN, "TimeoutError")),
    ],
)
def test_what_a_deliverer_raises_tells_whether_it_left(
    make_desk: MakeDesk, error: Exception, receipt: Receipt
) -> None:
    def fail(_touch: TouchRequested) -> Receipt:
        raise error

    desk, _ = make_desk(fail)
    desk.take(letters(touch("t1")))
    assert said(desk) == [("t1", receipt)]

    restarted, sent = make_desk()
    restarted.take(letters(touch("t1")))
    assert said(restarted) == [("t1", receipt)]
    assert sent == []


def test_stopping_leaves_the_rest_in_order(make_desk: MakeDesk) -> None:
    desk, sent = make_desk()
    desk.take(letters(touch("a1"), touch("b1", "bob"), touch("a2")))
    list(desk.work(lambda: len(sent) == 1))
    assert sent == ["a1"]
    assert desk.take_finished() == {0: 1}

    list(desk.work())
    assert sent == ["a1", "b1", "a2"]


def test_partitions_that_go_are_forgotten(make_desk: MakeDesk) -> None:
    desk, sent = make_desk()
    desk.take(letters(touch("t1")))
    desk.clear([0, 1])

    assert said(desk) == []
    assert sent == []
    assert desk.take_finished() == {}


def test_a_message_that_is_not_of_the_contract_is_passed_over(make_desk: MakeDesk) -> None:
    desk, sent = make_desk()
    desk.take(letters(None, touch("t1", not_before_ms=START_MS), None))
    said(desk)

    assert sent == ["t1"]
    assert desk.counts["passed_over"] == 2
    assert desk.take_finished() == {0: 3}
