"""The page: it needs nothing else, names nobody, says what it cannot say, in both languages."""

import re
from html.parser import HTMLParser
from typing import get_args

import msgspec
import pytest
import worlds
from test_facts import COSTS, read, told

from streams.pages.wording import Language
from streams.reporting.calendar import Span
from streams.reporting.figures import Asked, Figures, figures
from streams.reporting.page import Made, page
from streams.reporting.table import shown
from streams.reporting.vocabulary import ruling_said, value_said

LANGUAGES = get_args(Language)
MADE = Made("0.1.0", "winback report --from <here>")
SECTIONS = [f"s{number}" for number in range(1, 14)]
VOID = {"meta", "br", "line", "rect", "circle", "polyline"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


class Outline(HTMLParser):
    """Checks that tags are closed in order, and gathers ids and words."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            assert name not in {"src", "href", "action", "data", "poster"}
            if name == "id" and value:
                self.ids.append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)


def outline(html: str) -> Outline:
    found = Outline()
    found.feed(html)
    found.close()
    assert not found.open
    return found


def words_of(html: str) -> str:
    return " ".join(" ".join(outline(html).words).split())


@pytest.fixture(scope="module")
def found() -> Figures:
    return told(read(worlds.world(days=120, a_day=80)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_needs_nothing_else_and_has_every_section(
    found: Figures, language: Language
) -> None:
    html = page(found, MADE, language)
    assert not re.search(
        r"https?://|//[a-z]|@import|url\(|<link|<iframe|<img|<script|fetch\(", html
    )
    assert [name for name in outline(html).ids if name in SECTIONS] == SECTIONS
    pictures = re.findall(r"<svg[^>]*>", html)
    assert len(pictures) >= 10
    assert all('aria-label="' in picture for picture in pictures)
    assert len(html.encode()) < 1_500_000
    for needed in ("prefers-color-scheme: dark", "@media print", "width=device-width"):
        assert needed in html
    said = words_of(html)
    assert not re.search(r"\b(None|nan|inf)\b", said)
    assert "Waudby-Smith" in said
    assert "Dudík" in said


def test_each_language_is_whole() -> None:
    streams = worlds.world(days=40)
    names = {"会员关怀": "care", "朋友推荐": "friends"}
    for lines in streams.values():
        for number, line in enumerate(lines):
            for theirs, ours in names.items():
                line = line.replace(theirs.encode(), ours.encode())  # noqa: PLW2901
            lines[number] = line
    figure = told(read(streams))
    assert not CHINESE.search(words_of(page(figure, MADE, "en")))
    chinese = words_of(page(figure, MADE, "zh"))
    english = re.findall(r"[a-z]{4,}", chinese.partition("Waudby-Smith")[0])
    known = {"winback", "report", "care", "discount", "call", "friends", "douyin", "regular",
             "email", "wecom", "unknown", "promised", "come", "back"}  # fmt: skip
    assert set(english) <= known


def test_nobody_is_named(found: Figures) -> None:
    for language in LANGUAGES:
        assert not re.search(r"\bu\d+_\d+\b|\bc-u\d|\bt-c-u\d", page(found, MADE, language))
    assert "u3_1" not in msgspec.json.encode(found).decode()


def test_names_cannot_break_the_page() -> None:
    streams = worlds.world(days=20)
    bad = "<b>关怀</b>&"
    for lines in streams.values():
        for number, line in enumerate(lines):
            lines[number] = line.replace("会员关怀".encode(), bad.encode())
    html = page(told(read(streams)), MADE, "zh")
    assert "<b>关怀" not in html
    assert bad in "".join(outline(html).words)


def empty() -> Figures:
    return figures(read({}), Asked(Span(739_000, 739_006), is_week=True, costs=COSTS))


def one_arm() -> Figures:
    return told(read(worlds.world(days=30, holdout=0.0)))


def all_held_out() -> Figures:
    return told(read(worlds.world(days=30, holdout=1.0)))


def one_day() -> Figures:
    return told(read(worlds.world(days=1, a_day=3)))


def only_feedback() -> Figures:
    return told(read({"feedback": worlds.world(days=3)["feedback"]}))


def only_touches() -> Figures:
    return told(read({"touches": worlds.world(days=30)["touches"]}))


@pytest.mark.parametrize(
    "make", [empty, one_arm, all_held_out, one_day, only_feedback, only_touches]
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_cannot_be_said_is_said(make: "type[Figures]", language: Language) -> None:
    figure = make()
    html = page(figure, MADE, language)
    found = outline(html)
    assert [name for name in found.ids if name in SECTIONS] == SECTIONS
    for said in (words_of(html), shown(figure, language)):
        assert ("cannot be said" if language == "en" else "判断") in said
        assert not re.search(r"\b(None|nan)\b", said)


@pytest.mark.parametrize("mode", ["observe", "holdout-only"])
def test_a_service_that_sent_nothing_says_so(mode: str) -> None:
    lines = [line.replace(b'"mode":"live"', f'"mode":"{mode}"'.encode())
             for line in worlds.world(days=10)["decisions"]]  # fmt: skip
    said = words_of(page(told(read({"decisions": lines})), MADE, "en"))
    assert f"mode: {mode}" in said
    assert "Nobody was contacted" in said


def test_a_week_shows_both_weeks() -> None:
    html = page(told(read(worlds.world(days=60)), is_week=True), MADE, "en")
    said = words_of(html)
    for needed in (
        "this week",
        "week before",
        "users contacted",
        "as known at the end of this week",
    ):
        assert needed in said


def test_the_terminal_says_the_same_in_a_screenful(found: Figures) -> None:
    for language in LANGUAGES:
        said = shown(found, language)
        for sentence in said.splitlines()[1:4]:
            assert sentence in words_of(page(found, MADE, language))
        assert len(said.splitlines()) < 40


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_that_is_new_to_us_is_shown_as_it_is(language: Language) -> None:
    assert ruling_said("of_tomorrow", language) == "of tomorrow"
    assert value_said("channel", "信鸽", language) == "信鸽"
