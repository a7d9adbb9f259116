"""The report says which touches no sender took, and why others failed."""

import msgspec
import pytest
import worlds
from test_facts import read, told

from streams.core.messages import TouchUnaccepted
from streams.pages.wording import Language
from streams.reporting.limits import limits
from winback_sender.contract.messages import Feedback, TouchRequested, to_json


def touches(streams: worlds.Streams) -> list[TouchRequested]:
    decoder = msgspec.json.Decoder(TouchRequested)
    return [decoder.decode(line) for line in streams["touches"] if b'"touch.requested"' in line]


def given_up(touch: TouchRequested) -> bytes:
    return to_json(
        TouchUnaccepted(
            touch_id=touch.touch_id,
            case_id=touch.case_id,
            user_id=touch.user_id,
            channel=touch.channel,
            was="requested",
            is_void=True,
            requested_at=touch.not_before,
            expires_at=touch.expires_at,
            given_up_at=touch.expires_at,
        )
    )


def word(touch: TouchRequested, status: str, reason: str) -> bytes:
    said = Feedback(touch.touch_id, touch.user_id, status, 1_500_000_000_000, reason=reason)
    return to_json(said)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_no_sender_took_is_counted_and_said(language: Language) -> None:
    streams = worlds.world(days=4)
    streams["feedback"] = []
    sent = touches(streams)
    streams["decisions"] += [given_up(touch) for touch in sent]
    late = sent[0]
    streams["feedback"].append(word(late, "accepted", ""))
    found = told(read(streams))
    words = {row.channel: row.words for row in found.done.answers}
    assert sum(by.get("unaccepted", 0) for by in words.values()) == len(sent) - 1
    assert words[late.channel]["accepted"] == 1, "a word that came later is believed"
    assert not any("silent" in by for by in words.values())
    asks = {"en": "taken by no sender", "zh": "没有任何发送方受理"}[language]
    assert any(asks in line for line in limits(found, language))


def test_why_touches_failed_is_counted_by_channel() -> None:
    streams = worlds.world(days=4)
    streams["feedback"] = []
    first, second, third, *_ = touches(streams)
    streams["feedback"] += [
        word(first, "failed", "no_address"),
        word(first, "failed", "no_address"),
        word(second, "unknown", "timed_out"),
        word(third, "delivered", "whatever"),
    ]
    reasons = told(read(streams)).done.reasons
    counted = {(channel, why): n for channel, by in reasons.items() for why, n in by.items()}
    assert counted == {(first.channel, "no_address"): 1, (second.channel, "timed_out"): 1}
