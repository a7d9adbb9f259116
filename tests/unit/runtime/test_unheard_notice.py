"""A channel without a sender is told of in the log, without flooding it."""

import logging

import pytest

from streams.core.inputs import FeedbackReceived
from streams.core.time import DAY_MS
from streams.runtime.unheard_notice import UnheardNotice


def word(channel: str) -> FeedbackReceived:
    return FeedbackReceived("ada", 0, "t1", "accepted", "", channel)


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, object]]:
    """Return event, channel and number of touches of every line."""
    facts = [(one.getMessage(), one.facts) for one in caplog.records]  # type: ignore[attr-defined]  # a fact of ours
    return [(event, said["channel"], said.get("touches")) for event, said in facts]


def test_a_channel_is_named_at_its_first_touch_and_when_they_are_ten_times_as_many(
    caplog: pytest.LogCaptureFixture,
) -> None:
    notice = UnheardNotice("win-back", 3)
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            notice.see({"unaccepted_sms": 1, "touches": 5}, 0)
        notice.see({"unaccepted_call": 7}, 0)
    assert [one[1:] for one in told(caplog)] == [("sms", 1), ("sms", 10), ("sms", 100), ("call", 7)]


def test_a_day_without_a_word_on_a_channel_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    notice = UnheardNotice("win-back", 0)
    with caplog.at_level(logging.WARNING):
        notice.see({"requested_sms": 3, "requested_call": 1}, 1_000)
        notice.see({"requested_sms": 2}, DAY_MS)
        assert told(caplog) == [], "not a day yet"
        notice.hear([word("call")])
        notice.see({}, DAY_MS + 1_000)
        notice.see({}, DAY_MS + 2_000)
    assert told(caplog) == [("channel_unheard", "sms", None)]


@pytest.mark.parametrize("channel", ["sms", ""])
def test_a_word_begins_the_day_anew(caplog: pytest.LogCaptureFixture, channel: str) -> None:
    """One that names no channel is one on all of them: who speaks at all is there."""
    notice = UnheardNotice("win-back", 0)
    with caplog.at_level(logging.WARNING):
        notice.see({"requested_sms": 3}, 0)
        notice.hear([word(channel)])
        notice.see({"requested_sms": 1}, DAY_MS)
        notice.see({}, 2 * DAY_MS - 1)
        assert told(caplog) == []
        notice.see({}, 2 * DAY_MS)
    assert told(caplog) == [("channel_unheard", "sms", None)]
