"""Every word that a page asks for is there, in both languages, with the same places to fill."""

import re
from pathlib import Path
from string import Formatter

from streams.console.words import WORDS

ROOM = Path(__file__).parents[3] / "streams" / "console"
BUILT = {"theme_", "band_", "phase_", "pause_", "by_", "f_", "mode_", "d_", "e_"}
"""Begins of keys that are put together."""


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_are_complete() -> None:
    for key, text in WORDS.items():
        assert text.en.strip(), key
        assert text.zh.strip(), key
        assert places(text.en) == places(text.zh), key


def test_no_page_asks_for_a_word_that_is_not_there() -> None:
    asked = set()
    for path in ROOM.rglob("*.html"):
        asked |= set(re.findall(r"t\('([\w-]+)'[,)]", path.read_text(encoding="utf-8")))
    for path in ROOM.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        asked |= set(re.findall(r'say\([\w.]+, "([\w-]+)"', text))
        asked |= set(re.findall(r'key="([\w-]+)"', text))
    assert asked - WORDS.keys() == set()
    unused = {key for key in WORDS if key not in asked
              and not any(key.startswith(begin) for begin in BUILT)}  # fmt: skip
    text = "\n".join(path.read_text(encoding="utf-8") for path in ROOM.rglob("*.*")
                     if path.suffix in {".py", ".html"} and path.name != "words.py")  # fmt: skip
    assert {key for key in unused if not re.search(rf"['\"]{key}['\"]", text)} == set()
