"""What a sender does with touches: stories."""

from collections.abc import Callable, Sequence

import pytest

from streams.core.time import DAY_MS, HOUR_MS
from tests.unit.sender.letters import START_MS, letters, revoked, touch
from winback_sender.clock import EventClock
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status
from winback_sender.desk import EXPIRED, INTERRUPTED, REVOKED, Desk
from winback_sender.inbox import Letter
from winback_sender.receipt import NotSentError, Receipt

MakeDesk = Callable[..., tuple[Desk, list[str]]]


class LiveClock(EventClock):
    """A wall clock that stands still."""

    looks_ahead = True

    def now_ms(self, partition: int) -> int:  # noqa: ARG002 (the same for all)
        return START_MS


def said(desk: Desk, letters: Sequence[Letter] = ()) -> list[tuple[str, Receipt]]:
    return [(feedback.touch_id, feedback.receipt) for feedback in desk.handle(letters)]


def test_a_touch_is_delivered_and_reported(make_desk: MakeDesk) -> None:
    desk, sent = make_desk()
    assert said(desk, letters(touch("t1"))) == [("t1", Receipt(Status.DELIVERED))]
    assert sent == ["t1"]
    assert desk.take_finished() == {0: 1}
    assert desk.take_finished() == {}


def test_a_touch_that_comes_twice_is_delivered_once(make_desk: MakeDesk) -> None:
    desk, sent = make_desk()
    twice = letters(touch("t1"), touch("t1"))
    assert [touch_id for touch_id, _ in said(desk, twice)] == ["t1", "t1"]  # Kafka may lack one
    desk.reported(["t1"])
    assert said(desk, letters(touch("t1"))) == []
    assert sent == ["t1"]


def test_a_crash_between_intent_and_receipt_is_unknown_and_never_resent(
    make_desk: MakeDesk,
) -> None:
    def pull_the_plug(_touch: TouchRequested) -> Receipt:
        raise KeyboardInterrupt

    desk, _ = make_desk(pull_the_plug)
    with pytest.raises(KeyboardInterrupt):
        said(desk, letters(touch("t1")))

    restarted, sent = make_desk()
    assert said(restarted, letters(touch("t1"), touch("t2"))) == [
        ("t1", INTERRUPTED),
        ("t2", Receipt(Status.DELIVERED)),
    ]
    assert sent == ["t2"]


def test_a_crash_before_the_feedback_repeats_the_feedback_alone(make_desk: MakeDesk) -> None:
    desk, _ = make_desk()
    first = list(desk.handle(letters(touch("t1"))))

    restarted, sent = make_desk()
    assert list(restarted.handle(letters(touch("t1"), at_ms=START_MS + HOUR_MS))) == first
    assert sent == []


def test_a_revocation_in_the_same_batch_stops_the_touch(make_desk: MakeDesk) -> None:
    desk, sent = make_desk(clock=LiveClock())
    assert said(desk, letters(touch("t1"), touch("t2", "bob"), revoked("t1"))) == [
        ("t1", REVOKED),
        ("t2", Receipt(Status.DELIVERED)),
    ]
    assert sent == ["t2"]


def test_in_a_replayed_log_a_revocation_comes_days_after_its_neighbour(
    make_desk: MakeDesk,
) -> None:
    desk, sent = make_desk()

    said(desk, letters(touch("t1"), revoked("t1")))
    assert sent == ["t1"]


def test_a_revocation_stops_a_waiting_touch_even_after_a_restart(make_desk: MakeDesk) -> None:
    tomorrow = START_MS + DAY_MS
    waiting = touch("t1", not_before_ms=tomorrow)
    desk, _ = make_desk()
    assert said(desk, letters(waiting, revoked("t1"))) == []

    restarted, sent = make_desk()
    assert said(restarted, letters(waiting, at_ms=tomorrow)) == [("t1", REVOKED)]
    assert sent == []


def test_a_revocation_after_delivery_changes_nothing(make_desk: MakeDesk) -> None:
    desk, sent = make_desk()
    said(desk, letters(touch("t1")))
    desk.reported(["t1"])

    assert said(desk, letters(revoked("t1"), touch("t1"))) == []
    assert sent == ["t1"]
    assert desk.counts["revocations_too_late"] == 1


def test_an_expired_touch_is_not_delivered(make_desk: MakeDesk) -> None:
    desk, sent = make_desk()
    assert said(desk, letters(touch("t1", expires_ms=START_MS))) == [("t1", EXPIRED)]
    assert sent == []


def test_a_touch_waits_for_its_hour_and_holds_back_its_user_only(make_desk: MakeDesk) -> None:
    later = START_MS + HOUR_MS
    desk, sent = make_desk()
    said(desk, letters(touch("a1", not_before_ms=later), touch("b1", "bob"), touch("a2")))
    assert sent == ["b1"]
    assert desk.take_finished() == {0: 0}  # a restart must read a1 again

    said(desk, [letters(None, at_ms=later)[0]._replace(offset=3)])
    assert sent == ["b1", "a1", "a2"]
    assert desk.take_finished() == {0: 4}


def test_every_partition_has_its_own_event_time(make_desk: MakeDesk) -> None:
    """At a year a minute, the newest touch of one partition says nothing about another."""
    ahead = letters(touch("t1", "bob"), at_ms=START_MS + 30 * DAY_MS, partition=1)
    desk, sent = make_desk()
    said(desk, [*ahead, *letters(touch("t2"), partition=0)])

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
    assert said(desk, letters(touch("t1"))) == [("t1", receipt)]

    restarted, sent = make_desk()
    assert said(restarted, letters(touch("t1"))) == [("t1", receipt)]
    assert sent == []


def test_stopping_leaves_the_rest_in_order(make_desk: MakeDesk) -> None:
    desk, sent = make_desk(clock=LiveClock())
    batch = letters(touch("a1"), touch("b1", "bob"), touch("a2"))
    list(desk.handle(batch, lambda: len(sent) == 1))
    assert sent == ["a1"]
    assert desk.take_finished() == {0: 1}

    said(desk)
    assert sent == ["a1", "b1", "a2"]
    assert desk.take_finished() == {0: 3}


def test_partitions_that_go_are_forgotten(make_desk: MakeDesk) -> None:
    later = START_MS + HOUR_MS
    desk, sent = make_desk()
    said(desk, letters(touch("t1", not_before_ms=later)))
    desk.clear([0, 1])

    said(desk, letters(None, at_ms=later))
    assert sent == []
    assert desk.take_finished() == {0: 1}


def test_a_message_that_is_not_of_the_contract_is_passed_over(make_desk: MakeDesk) -> None:
    desk, sent = make_desk()
    said(desk, letters(None, touch("t1", not_before_ms=START_MS), None))

    assert sent == ["t1"]
    assert desk.counts["passed_over"] == 2
    assert desk.take_finished() == {0: 3}


@pytest.mark.parametrize(("clock", "expected"), [(LiveClock(), []), (EventClock(), ["t1"])])
def test_only_live_touches_are_forgotten(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch, clock: EventClock, expected: list[str]
) -> None:
    """A replayed log may be read again from its first day, and nothing of it may leave twice."""
    desk, _ = make_desk(clock=clock)
    settled = said(desk, letters(touch("t1"), at_ms=START_MS))
    desk.reported(touch_id for touch_id, _ in settled)
    monkeypatch.setattr("winback_sender.desk.RETENTION_MS", -9_999 * DAY_MS)
    desk.prune()
    journal = desk._journal
    assert [name for name in ("t1",) if journal.entry(name)] == expected
