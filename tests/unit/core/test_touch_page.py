"""The page for developers of senders shows messages as they are."""

import json
import re
from pathlib import Path

import msgspec

from streams.core.inputs import FeedbackReceived
from streams.core.native import FEEDBACK_STATUSES, decode_feedback
from tests.unit.core.stories import RULES, act, day, scored, tell
from winback_sender.contract.messages import TouchRequested

PAGE = (Path(__file__).parents[3] / "docs/touches.md").read_text()
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def shape(value: object) -> object:
    """Return names and types, without the values."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value[:1]]
    return type(value)


def test_the_example_of_a_touch_has_the_fields_that_a_touch_has() -> None:
    told = tell(RULES, act(day(0)), act(day(1)), scored(day(12), 0.8))
    real = json.loads(msgspec.json.encode(told.effects[1].touch))

    msgspec.convert(EXAMPLES[0], TouchRequested)
    assert shape(EXAMPLES[0]) == shape(real)


def test_the_example_of_feedback_is_understood_and_every_status_named() -> None:
    value = json.dumps(EXAMPLES[1]).encode()
    assert isinstance(decode_feedback(b"900", value, 1_496_279_100_000), FeedbackReceived)
    assert all(status in PAGE for status in FEEDBACK_STATUSES)
