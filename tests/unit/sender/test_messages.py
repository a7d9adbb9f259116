"""Feedback as it is written: the pipeline understands it, and a repeat is the same record."""

from streams.core.inputs import FeedbackReceived
from streams.core.interpret import FEEDBACK_STATUSES
from streams.core.native import decode_feedback
from tests.unit.sender.letters import START_MS
from winback_sender.contract.words import UNSENT, Status, Why
from winback_sender.engine.feedback import Report, record
from winback_sender.receipt import Receipt

EXPIRED = Receipt(Status.FAILED, UNSENT, Why.EXPIRED)


def test_feedback_is_what_the_pipeline_understands() -> None:
    report = Report("t1", "ada", "sms", "postbox", EXPIRED, START_MS)
    key, value, headers = record(report, "/winback/sender/x")

    assert decode_feedback(key, value, START_MS) == FeedbackReceived(
        "ada", START_MS, "t1", "failed", "unsent", channel="sms"
    )
    assert value is not None
    assert b'"reason":"expired","provider":"postbox"' in value
    assert dict(headers)["ce_id"] == b"t1-failed"
    assert dict(headers)["ce_type"] == b"winback.feedback"
    assert record(report, "/winback/sender/x") == (key, value, headers)


def test_an_opt_out_that_belongs_to_no_touch_names_user_and_channel() -> None:
    report = Report("", "ada", "sms", "postbox", Receipt(Status.OPTED_OUT), START_MS)
    key, value, _ = record(report, "/winback/sender/x")

    assert decode_feedback(key, value, START_MS) == FeedbackReceived(
        "ada", START_MS, "", "opted_out", "", channel="sms"
    )


def test_the_words_of_a_sender_are_those_of_the_pipeline() -> None:
    assert set(Status) == FEEDBACK_STATUSES
