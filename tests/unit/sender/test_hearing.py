"""What comes later: receipts, replies, opt-outs, answers to questions, words of senders gone."""

from collections.abc import Sequence
from threading import Thread
from typing import Any

import pytest

from streams.core.time import DAY_MS, HOUR_MS, SECOND_MS
from tests.unit.sender.letters import START_MS, letters, touch
from tests.unit.sender.stand import LiveClock, MakeStand, Stand
from winback_sender.adapter import Heard, Sent
from winback_sender.addresses.needed import address_for
from winback_sender.clock import EventClock
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status, Why
from winback_sender.engine.ear import Ear, Overheard, StoppedError, StraySaid
from winback_sender.engine.endings import INTERRUPTED
from winback_sender.engine.feedback import record
from winback_sender.engine.journal_rows import Intent, Word
from winback_sender.engine.resolver import QUESTIONS_MAX
from winback_sender.receipt import Receipt

ACCEPTED = Receipt(Status.ACCEPTED, ref="m-1")
DELIVERED = Receipt(Status.DELIVERED)


def accept(_touch: TouchRequested) -> Receipt:
    return ACCEPTED._replace(address="+8613800138000")


def time_out(_touch: TouchRequested) -> Receipt:
    raise TimeoutError


def hear(stand: Stand, *heard: Heard) -> Sequence[Heard]:
    """Let a provider tell something, and the main thread take it."""
    lane, mail = stand.lanes.all[0], []
    ear = Ear(stand.lanes, None, mail.append)
    caller = Thread(target=ear.hear, args=(lane, heard))
    caller.start()
    while not mail:
        pass
    (said,) = mail
    assert isinstance(said, Overheard)
    stand.resolver.take(said)
    caller.join()
    return said.missed.result()


@pytest.mark.parametrize(
    "heard",
    [
        Heard(DELIVERED, touch_id="t1"), Heard(DELIVERED, ref="m-1"),
        Heard(DELIVERED, address="+8613800138000"),
    ],
)  # fmt: skip
def test_a_receipt_names_its_touch_in_three_ways(make: MakeStand, heard: Heard) -> None:
    stand = make(accept, LiveClock())
    stand.read(letters(touch("t1")))
    stand.work()
    stand.tell()

    hear(stand, heard, heard)
    (report, again) = stand.reports()
    assert (report.touch_id, report.receipt.status, report.provider) == (
        "t1", "delivered", "postbox",
    )  # fmt: skip
    assert again == report


@pytest.mark.parametrize("at_ms", [-1, START_MS + 1, 1 << 70, 1e300, float("nan"), None])
def test_an_instant_that_cannot_have_been_is_now(make: MakeStand, at_ms: Any) -> None:
    stand = make(accept, LiveClock())
    stand.read(letters(touch("t1")))
    stand.work()
    stand.tell()

    hear(stand, Heard(DELIVERED, at_ms, touch_id="t1"))
    (report,) = stand.reports()
    assert report.at_ms == START_MS
    assert record(report._replace(at_ms=1 << 62), "/s").value


def test_a_receipt_that_comes_again_after_it_was_told_says_nothing(make: MakeStand) -> None:
    stand = make(accept, LiveClock())
    stand.read(letters(touch("t1")))
    stand.work()
    stand.tell()
    hear(stand, Heard(DELIVERED, touch_id="t1"))
    stand.tell()

    hear(stand, Heard(DELIVERED, touch_id="t1"), Heard(Receipt(Status.SENT), touch_id="t1"))
    assert stand.reports() == []


def test_a_receipt_before_the_answer_is_the_word_that_stays(make: MakeStand) -> None:
    stand = make(accept, LiveClock())
    stand.read(letters(touch("t1")))
    (errand,) = stand.desk.begin(1, 0.0)
    hear(stand, Heard(DELIVERED, touch_id="t1"))
    stand.tell()

    stand.desk.ended([stand.couriers.do(errand)], 0.0)
    assert stand.reports() == []
    assert stand.done() == 1


def test_a_receipt_makes_the_unknown_known(make: MakeStand) -> None:
    stand = make(time_out, LiveClock())
    assert stand.said(letters(touch("t1"))) == [("t1", Receipt(Status.UNKNOWN, "", Why.TIMED_OUT))]
    stand.tell()
    hear(stand, Heard(DELIVERED, touch_id="t1"))
    assert [report.receipt.status for report in stand.reports()] == ["delivered"]


def test_words_about_nothing_are_counted_and_kept_from_nobody(make: MakeStand) -> None:
    stand = make(accept, LiveClock())
    stranger = Heard(DELIVERED, touch_id="somebody else's")
    assert hear(stand, stranger) == [stranger]
    assert b'winback_sender_heard_unmatched_total{provider="postbox"} 1.0' in stand.meter.page()


class Book:
    """Knows one number."""

    def resolve(self, user_id: str, channel: str) -> str | None:
        return "138 0013 8000" if (user_id, channel) == ("ada", "sms") else None

    def find(self, channel: str, address: str) -> str | None:
        return "ada" if (channel, address) == ("sms", "+8613800138000") else None

    def close(self) -> None:
        pass


@pytest.mark.parametrize("answer", [Receipt(Status.ACCEPTED, ref="m-1"), TimeoutError()])
def test_a_reply_finds_the_touch_though_nobody_said_where_it_went(
    make: MakeStand, answer: Receipt | TimeoutError
) -> None:
    def deliver(found: TouchRequested) -> Receipt:
        address_for(found, Book())
        if isinstance(answer, TimeoutError):
            raise answer
        return answer

    stand = make(deliver, LiveClock())
    stand.said(letters(touch("t1"), touch("t2", "bob")))
    hear(stand, Heard(Receipt(Status.OPTED_OUT), address="+86 13800138000"))
    (report,) = stand.reports()
    assert (report.touch_id, report.receipt.status) == ("t1", "opted_out")


def test_a_no_that_belongs_to_no_touch_is_told_with_its_channel(make: MakeStand) -> None:
    stand, mail = make(clock=LiveClock()), []
    ear = Ear(stand.lanes, Book(), mail.append)
    no = Heard(Receipt(Status.OPTED_OUT), START_MS, address="+8613800138000")
    caller = Thread(target=ear.hear, args=(stand.lanes.all[0], [no]))
    caller.start()
    for _ in range(2):
        while not mail:
            pass
        said = mail.pop()
        assert isinstance(said, Overheard | StraySaid)
        stand.resolver.take(said)
    caller.join()

    (report,) = stand.reports()
    assert (report.touch_id, report.user_id, report.channel) == ("", "ada", "sms")
    restarted = make(clock=LiveClock())
    restarted.resolver.turn(9.0)
    assert [one.report for one in restarted.endings.outbox] == [report]
    restarted.tell()
    third = make(clock=LiveClock())
    third.resolver.turn(9.0)
    assert third.reports() == []


def test_the_unknown_is_asked_about_until_the_provider_can_say(make: MakeStand) -> None:
    answers: list[Receipt | None] = [None, DELIVERED]
    asked: list[Sent] = []

    def ask(sent: Sent) -> Receipt | None:
        asked.append(sent)
        return answers.pop(0)

    clock = LiveClock()
    stand = make(time_out, clock, ask=ask)
    stand.read(letters(touch("t1")))
    stand.work()
    stand.tell()
    for seconds in (5, 30):
        clock.at_ms += seconds * SECOND_MS - 1
        stand.now_s += seconds
        stand.resolver.turn(stand.now_s)
        assert stand.questions() == []
        clock.at_ms += 1
        stand.now_s += seconds
        stand.resolver.turn(stand.now_s)
        for question in stand.questions():
            stand.resolver.take(stand.ear.answer(question))
    assert [report.receipt.status for report in stand.reports()] == ["delivered"]
    assert [(sent.touch_id, sent.user_id, sent.channel) for sent in asked] == [
        ("t1", "ada", "sms")
    ] * 2


def test_no_more_is_asked_than_can_be_answered(make: MakeStand) -> None:
    clock = LiveClock()
    stand = make(time_out, clock, ask=lambda _sent: None)
    for number in range(100):
        stand.journal.begin([Intent(f"t{number}", "ada", "sms", "postbox", START_MS, START_MS)])
        stand.journal.settle([Word(f"t{number}", INTERRUPTED, START_MS, START_MS)])
    stand.resolver.turn(10.0)
    first = stand.questions()
    assert len(first) == QUESTIONS_MAX

    clock.at_ms += 180 * SECOND_MS  # askers are slow, and patience is over
    stand.resolver.turn(20.0)
    assert stand.questions() == []
    for question in first[:10]:
        stand.resolver.take(stand.ear.answer(question))
    clock.at_ms += 180 * SECOND_MS
    stand.resolver.turn(30.0)
    again = {question.entry.touch_id for question in stand.questions()}
    assert len(again) <= 10
    assert not again & {question.entry.touch_id for question in first[10:]}


def test_a_question_that_fails_is_asked_again(make: MakeStand) -> None:
    def ask(_sent: Sent) -> Receipt | None:
        raise ConnectionError

    clock = LiveClock()
    stand = make(time_out, clock, ask=ask)
    stand.said(letters(touch("t1")))
    clock.at_ms += 5 * SECOND_MS
    stand.resolver.turn(10.0)
    (question,) = stand.questions()
    stand.resolver.take(stand.ear.answer(question))
    clock.at_ms += 30 * SECOND_MS
    stand.resolver.turn(20.0)
    assert len(stand.questions()) == 1


def test_after_a_day_the_unknown_stays_unknown(make: MakeStand) -> None:
    clock = LiveClock()
    stand = make(time_out, clock, ask=lambda _sent: None)
    stand.said(letters(touch("t1")))
    questions = 0
    for _ in range(60):
        clock.at_ms += HOUR_MS
        stand.now_s += 10
        stand.resolver.turn(stand.now_s)
        for question in stand.questions():
            questions += 1
            stand.resolver.take(stand.ear.answer(question))
    assert 20 < questions < 26


def test_words_of_a_sender_that_is_gone_are_told_by_another(make: MakeStand) -> None:
    gone = make(accept, LiveClock())
    gone.read(letters(touch("t1")))
    gone.work()  # and it dies with the feedback in hand

    other = make(clock=LiveClock(START_MS + 31 * SECOND_MS))
    other.resolver.turn(9.0)
    assert [report.touch_id for report in other.reports()] == ["t1"]


def test_an_intent_that_nobody_ends_becomes_unknown(make: MakeStand) -> None:
    gone = make(clock=LiveClock())
    gone.read(letters(touch("t1")))
    gone.desk.begin(1, 0.0)

    other = make(clock=LiveClock(START_MS + 9 * 60 * SECOND_MS))
    other.resolver.turn(9.0)
    assert other.reports() == []
    other = make(clock=LiveClock(START_MS + 11 * 60 * SECOND_MS))
    other.resolver.turn(9.0)
    assert [report.receipt for report in other.reports()] == [INTERRUPTED]


@pytest.mark.parametrize(
    ("clock", "left"), [(LiveClock(START_MS + 33 * DAY_MS), []), (EventClock(), ["t1"])]
)
def test_only_live_touches_are_forgotten(
    make: MakeStand, clock: EventClock, left: list[str]
) -> None:
    """A replayed log may be read again from its first day, and nothing of it may leave twice."""
    stand = make()
    stand.read(letters(touch("t1")))
    stand.tell()
    later = make(clock=clock)
    later.resolver.turn(9.0)
    assert [name for name in ("t1",) if later.journal.entry(name)] == left


def test_who_waits_for_a_disk_that_nobody_writes_any_more_is_let_go(make: MakeStand) -> None:
    stand = make()
    refused: list[str] = []

    def call_back() -> None:
        try:
            stand.ear.hear(stand.lanes.all[0], [Heard(DELIVERED, touch_id="t1")])
        except StoppedError:
            refused.append("in vain")

    waiting = Thread(target=call_back)
    waiting.start()
    while not stand.mail:
        pass
    stand.ear.close()
    waiting.join(5)
    call_back()  # one that comes later is refused at once
    assert (refused, len(stand.mail)) == (["in vain"] * 2, 1)
