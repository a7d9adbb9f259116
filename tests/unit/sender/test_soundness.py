"""What developers hand over wrongly harms one touch, and neither the journal nor the sender."""

from collections.abc import Callable, Sequence
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sender.letters import START_MS, letters, touch
from tests.unit.sender.stand import LiveClock, MakeStand
from winback_sender.adapter import Heard
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import UNSENT, Status, Why
from winback_sender.engine.feedback import Report, record
from winback_sender.engine.soundness import (
    AFTER_S_MAX,
    NAME_MAX,
    REASON_MAX,
    sound_instant,
    sound_receipt,
    sound_refusal,
    sound_words,
)
from winback_sender.receipt import NotSentError, Receipt

BAD = Receipt(Status.UNKNOWN, "", Why.BAD_RECEIPT)


class MuteError(Exception):
    """Cannot even say why."""

    @property
    def reason(self) -> str:
        raise RuntimeError


def answering(said: Any) -> Callable[[TouchRequested], Any]:
    def deliver(_touch: TouchRequested) -> Any:
        if isinstance(said, Exception):
            raise said
        return said

    return deliver


def accepted(**fields: Any) -> Receipt:
    return Receipt(Status.ACCEPTED, **fields)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (accepted(ref=None), accepted()),
        (accepted(ref=17), accepted(ref="17")),
        (accepted(ref="x" * 2_000_000), accepted(ref="x" * NAME_MAX)),
        (accepted(reason="a\ud800b\0"), accepted(reason="a?b")),
        (accepted(ref=["17"]), BAD),
        (accepted(ref=1 << 20_000), BAD),
        (Receipt("done"), BAD),
        (Receipt([]), BAD),
        (None, BAD),
        ("accepted", BAD),
        ({"status": "accepted"}, BAD),
        (accepted(ref=b"17"), BAD),
        (accepted(address=13800138000), accepted()),
        (MuteError(), Receipt(Status.UNKNOWN, "", "MuteError")),
        (NotSentError(None), Receipt(Status.FAILED, UNSENT)),
        (NotSentError(42), Receipt(Status.FAILED, UNSENT, "42")),
        (NotSentError({"code": 4}), Receipt(Status.FAILED, UNSENT, Why.BAD_RECEIPT)),
        (NotSentError("n" * 9_999), Receipt(Status.FAILED, UNSENT, "n" * REASON_MAX)),
    ],
)
def test_a_wrong_receipt_is_kept_as_what_is_known(
    make: MakeStand, said: Any, kept: Receipt
) -> None:
    stand = make(answering(said), LiveClock())
    (report,) = stand.said(letters(touch("t1")))
    assert report == ("t1", kept)
    assert len(record(Report("t1", "ada", "sms", "p", report[1], START_MS), "/s").value) < 2_000


@pytest.mark.parametrize("after_s", [nan, inf, -1, None, "60"])
def test_a_wrong_pause_ends_nothing(make: MakeStand, after_s: Any) -> None:
    error = NotSentError("busy", retry=True, after_s=after_s)
    stand = make(answering(error), LiveClock())
    assert stand.said(letters(touch("t1"))) in (
        [],
        [("t1", Receipt(Status.FAILED, UNSENT, "busy"))],
    )
    assert 0.0 <= sound_refusal(error, "t1").after_s <= AFTER_S_MAX


def test_a_wrong_answer_is_no_answer(make: MakeStand) -> None:
    clock = LiveClock()
    stand = make(answering(TimeoutError()), clock, ask=answering("delivered"))
    stand.said(letters(touch("t1")))
    clock.at_ms += 5_000
    stand.resolver.turn(10.0)
    for question in stand.questions():
        stand.resolver.take(stand.ear.answer(question))
    entry = stand.journal.entry("t1")
    assert entry is not None
    assert entry.receipt.reason == Why.TIMED_OUT


def test_of_many_words_only_the_wrong_ones_are_lost() -> None:
    good = Heard(Receipt(Status.DELIVERED), touch_id="t1")
    wrong: Sequence[Any] = [None, Heard(None), Heard(Receipt("seen"), touch_id="t2")]
    assert sound_words([*wrong, good, good._replace(at_ms="soon")], "p") == [good, good]


@pytest.mark.parametrize(
    ("at_ms", "kept"),
    [(0, 100), (-5, 100), (7, 7), (100, 100), (101, 100), (1 << 62, 100)],
)
def test_nothing_was_heard_before_it_happened(at_ms: int, kept: int) -> None:
    assert sound_instant(at_ms, 100) == kept


anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(),
    st.lists(st.none()), st.just("\ud800"), st.sampled_from(Status),
)  # fmt: skip


@given(st.tuples(*[anything] * 5))
def test_whatever_is_said_can_be_told(fields: tuple[Any, ...]) -> None:
    for said in (Receipt(*fields), *sound_words([Heard(Receipt(*fields), *fields[1:])], "p")):
        receipt = sound_receipt(said.receipt if isinstance(said, Heard) else said, "t1")
        assert record(Report("t1", "ada", "sms", "p", receipt, START_MS), "/s").value


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("could not send to +86 138-0013-8000", "could not send to …"),
        ("１３８００１３８０００ is no number", "… is no number"),
        ("no mailbox: ada@example.org", "no mailbox: …"),
        ("isv.BUSINESS_LIMIT_CONTROL", "isv.BUSINESS_LIMIT_CONTROL"),
        ("45015", "45015"),
    ],
)
def test_a_reason_carries_no_address_into_logs_and_kafka(reason: str, kept: str) -> None:
    assert sound_refusal(NotSentError(reason), "t1").reason == kept
    assert sound_receipt(Receipt(Status.FAILED, "unsent", reason), "t1").reason == kept
