"""Catalogues are whole: every stage has a row, every reason a text; the docs follow the tables."""

from pathlib import Path

from models.features import GROUPS
from streams.core import decisions_page
from streams.core.feedback import Heard
from streams.core.lifecycle import TRANSITIONS, Sign, Stage
from streams.core.lifecycle_page import page
from streams.core.reasons import TEXTS
from streams.core.rulings import DEFERS, WITHHOLDS, WORDS, Ruling

DOCS = Path(__file__).parents[3] / "docs"


def test_every_stage_has_a_row_and_can_be_entered() -> None:
    assert set(TRANSITIONS) == set(Stage)
    entered = {stage for row in TRANSITIONS.values() for stage in row.values()}
    assert entered == set(Stage)
    assert {sign for row in TRANSITIONS.values() for sign in row} == set(Sign)


def test_every_reason_has_words_in_both_languages() -> None:
    assert set(GROUPS) <= set(TEXTS)
    assert all(text.en and text.zh for text in TEXTS.values())


def test_the_page_of_the_lifecycle_is_current() -> None:
    assert (DOCS / "lifecycle.md").read_text() == page(), "make docs"


def test_every_ruling_has_words_in_both_languages() -> None:
    assert set(WORDS) == set(Ruling)
    assert all(words.en and words.zh for words in WORDS.values())
    assert not DEFERS & WITHHOLDS


def test_the_page_of_decisions_is_current() -> None:
    assert (DOCS / "decisions.md").read_text() == decisions_page.page(), "make docs"
    assert set(decisions_page.HEARD) == set(Heard)
