"""A channel without a sender is told of in the log, without flooding it."""

import logging

import pytest

from streams.runtime.unheard_notice import UnheardNotice


def test_a_channel_is_named_at_its_first_touch_and_when_they_are_ten_times_as_many(
    caplog: pytest.LogCaptureFixture,
) -> None:
    notice = UnheardNotice("win-back", 3)
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            notice.see({"unaccepted_sms": 1, "touches": 5})
        notice.see({"unaccepted_call": 7})
    told = [(one.facts["channel"], one.facts["touches"]) for one in caplog.records]  # type: ignore[attr-defined]  # a fact of ours
    assert told == [("sms", 1), ("sms", 10), ("sms", 100), ("call", 7)]
