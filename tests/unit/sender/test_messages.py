"""The contract on both sides: what a sender reads and what it writes."""

import msgspec
import pytest

from streams.core.inputs import FeedbackReceived
from streams.core.native import FEEDBACK_STATUSES, decode_feedback
from streams.core.time import iso
from tests.unit.sender.letters import START_MS, touch
from winback_sender.contract.messages import CaseClosed, cloud_event, to_json
from winback_sender.contract.words import Status
from winback_sender.feedback import Feedback, record
from winback_sender.inbox import letter
from winback_sender.receipt import Receipt


def test_a_touch_read_is_the_touch_written() -> None:
    written = touch("t1")
    headers = cloud_event("touch.requested", "t1", "/winback", iso(START_MS), "ada")

    read = letter(2, 7, to_json(written), headers, timestamp_ms=1)

    assert read == (2, 7, START_MS, written)


def test_fields_that_are_new_to_us_do_no_harm() -> None:
    value = msgspec.json.encode(msgspec.json.decode(to_json(touch("t1"))) | {"new": 1})

    assert letter(0, 0, value, [], START_MS).message == touch("t1")


@pytest.mark.parametrize(
    "value",
    [
        None, b"", b"{", b"\xff", b'{"type": "touch.postponed"}', b'{"touch_id": "t1"}',
        b'{"type": "touch.revoked", "more": ' + b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_no_message(value: bytes | None) -> None:
    assert letter(0, 0, value, [("ce_time", b"soon")], START_MS) == (0, 0, START_MS, None)


def test_a_closed_case_is_read() -> None:
    closed = CaseClosed("c", "ada", "returned", 1, is_held_out=False, opened_at="", closed_at="")

    assert letter(0, 0, to_json(closed), [], START_MS).message == closed


def test_feedback_is_what_the_pipeline_understands() -> None:
    key, value, headers = record(
        Feedback("t1", "ada", Receipt(Status.FAILED, "expired"), START_MS), "/winback/sender/x"
    )

    assert decode_feedback(key, value, START_MS) == FeedbackReceived(
        "ada", START_MS, "t1", "failed", "expired"
    )
    assert dict(headers)["ce_id"] == b"t1-failed"
    assert dict(headers)["ce_type"] == b"winback.feedback"


def test_the_words_of_a_sender_are_those_of_the_pipeline() -> None:
    assert set(Status) == FEEDBACK_STATUSES
