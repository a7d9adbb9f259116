"""The page for developers of senders shows messages as they are."""

import json
import re
from pathlib import Path

import msgspec

from tests.unit.core.stories import RULES, act, day, scored, tell
from winback_sender.contract.schemas import CONTRACTS
from winback_sender.contract.versions import HEADER
from winback_sender.contract.words import OUTCOMES, Status
from winback_sender.schema_files import examples

PAGE = (Path(__file__).parents[3] / "docs/touches.md").read_text(encoding="utf-8")
KEPT = {kind: examples(kind) for kind in CONTRACTS}


def shape(value: object) -> object:
    """Return names and types, without the values."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value[:1]]
    return type(value)


def test_the_page_shows_the_kept_examples_and_no_others() -> None:
    shown = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    kept = [text for texts in KEPT.values() for text in texts.values()]
    assert sorted(shown) == sorted(kept)


def test_the_example_of_a_touch_is_like_one_that_winback_writes() -> None:
    told = tell(RULES, act(day(0)), act(day(1)), scored(day(12), 0.8))
    real = json.loads(msgspec.json.encode(told.effects[1].touch))
    shown = json.loads(KEPT["touch.requested"]["sms"])
    maps = (("params",), ("offer",), ("user", "traits"))  # What is in them differs.
    for *above, name in maps:
        for message in (real, shown):
            part = message[above[0]] if above else message
            part[name] = {}
    real["priority"]["rank"] = 0.5
    assert shape(shown) == shape(real)


def test_every_word_of_feedback_is_named() -> None:
    for word in (HEADER, *Status, *(word for words in OUTCOMES.values() for word in words)):
        assert re.search(rf"\b{re.escape(word)}\b", PAGE), word
