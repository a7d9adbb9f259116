"""The report as a page: it needs nothing else, it says what it cannot say, and it never breaks."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
import synthetic
from click.testing import CliRunner, Result

from streams.cli import winback
from streams.errors import UserError
from streams.pages import extras
from streams.replay.instants import short_iso

pytestmark = pytest.mark.timeout(400)  # A back-test and its page, made once for all.

HEAD = "user_id,ts,event,amount"
VOID = {"meta", "input", "br", "line", "rect", "circle", "polyline", "link"}
SECTIONS = [f"s{number}" for number in range(1, 15)]


class Outline(HTMLParser):
    """Checks that tags are closed in order, and gathers ids, words and what is fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.fetched: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name in {"src", "href", "action", "data", "poster"} and value:
                self.fetched.append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["style"], ["script"]):
            self.words.append(data)


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    found.close()
    assert not found.open
    return found


def run(*arguments: str) -> Result:
    return CliRunner().invoke(winback, ["backtest", *arguments], standalone_mode=False)


def reported(folder: Path, log: str, *more: str, days: str = "12") -> tuple[str, str]:
    """Return page and terminal output of a run."""
    html = folder / "报告.html"
    result = run(log, "--horizon-days", days, "--min-active-days", "3", "--html", str(html), *more)
    assert result.exception is None, result.exception
    return html.read_text(encoding="utf-8"), result.output


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("report")
    log = synthetic.log(folder / "log.csv", synthetic.rows(90, 90))
    return reported(folder, log, "--compare", days="6")


def test_a_page_fetches_nothing(whole: tuple[str, str]) -> None:
    page, _ = whole
    assert not re.search(r"https?://|//[a-z]|@import|url\(|<link|<iframe|<img|fetch\(", page)
    assert outline(page).fetched == []
    assert len(page.encode()) < 1_500_000


def test_every_section_is_there_and_every_picture_is_named(whole: tuple[str, str]) -> None:
    page, _ = whole
    found = outline(page)
    assert [name for name in found.ids if name in SECTIONS] == SECTIONS
    assert len(found.ids) == len(set(found.ids))
    pictures = re.findall(r"<svg[^>]*>", page)
    assert len(pictures) >= 6
    assert all('aria-label="' in picture for picture in pictures)
    assert "nan" not in " ".join(found.words).lower().replace("finance", "").split()
    assert "None" not in " ".join(found.words)


def test_a_page_can_be_read_in_the_dark_on_paper_and_on_a_phone(whole: tuple[str, str]) -> None:
    page, _ = whole
    for needed in ("prefers-color-scheme: dark", "@media print", "width=device-width", "中文"):
        assert needed in page


def test_the_terminal_says_the_same_in_a_screenful(whole: tuple[str, str]) -> None:
    page, said = whole
    words = " ".join(" ".join(outline(page).words).split())
    first = said.split("\n\n", maxsplit=1)[0].replace("\n", " ")
    for sentence in first.split(". ")[:2]:
        assert sentence in words
    for needed in ("alerts", "AUC (95 %)", "calibration error", "hazard_logistic_v1", "monthly"):
        assert needed in said
    assert len(said.splitlines()) < 80
    assert all(len(line) <= 100 for line in said.splitlines())


def test_names_of_the_log_cannot_break_the_page(tmp_path: Path) -> None:
    rows = [(at, user, f"<b>{kind}</b>&", amount) for at, user, kind, amount
            in synthetic.rows(25, 60)]  # fmt: skip
    log = tmp_path / "<i>日志.csv"
    page, _ = reported(tmp_path, synthetic.log(log, rows))
    found = outline(page)
    assert "<b>visit" not in page
    assert "<i>日志" not in page
    assert any("<i>日志.csv" in words for words in found.words)


def of(*rows: tuple[float, str, str]) -> list[str]:
    return [
        f"{user},{short_iso(synthetic.START_MS + int(day * synthetic.DAY_MS))},订单,{amount}"
        for day, user, amount in sorted(rows)
    ]


def one_event() -> list[str]:
    return of((0.5, "ada", "3"))


def one_user() -> list[str]:
    return of(*((day, "王小明", "") for day in range(120)))


def one_day() -> list[str]:
    return of(*((number / 1_000, f"u{number}", "1e12") for number in range(400)))


def nobody_leaves() -> list[str]:
    return of(*((day + user / 40, f"u{user}", "") for user in range(30) for day in range(60)))


def everybody_leaves() -> list[str]:
    return of(*((user / 3 + day, f"u{user}", "7") for user in range(150) for day in range(5)))


def shorter_than_the_horizon() -> list[str]:
    return of(*((day + user / 40, f"u{user}", "2") for user in range(30) for day in range(6)))


@pytest.mark.parametrize(
    "rows",
    [one_event, one_user, one_day, nobody_leaves, everybody_leaves, shorter_than_the_horizon],
)
def test_what_cannot_be_said_is_said(tmp_path: Path, rows: Callable[[], list[str]]) -> None:
    log = tmp_path / "log.csv"
    log.write_text("\n".join([HEAD, *rows(), ""]), encoding="utf-8")
    for more in ((), ("--shuffle",)):
        page, said = reported(tmp_path, str(log), "--compare", *more)
        found = outline(page)
        assert "annot say, because" in said
        assert "annot say, because" in " ".join(found.words)
        assert [name for name in found.ids if name in SECTIONS] == SECTIONS
        assert "None" not in said


def test_figures_are_in_the_json_too(small_log: str, tmp_path: Path) -> None:
    html = str(tmp_path / "r.html")
    result = run(small_log, "--horizon-days", "12", "--min-active-days", "3", "--json",
                 "--html", html, "--shuffle")  # fmt: skip
    summary = json.loads(result.output)
    assert summary["html"] == html
    figures = summary["figures"]
    assert figures["ranking"]["asked"] > 50
    assert figures["control"]["is_sound"] is not False
    assert figures["comparison"] is None
    assert summary["model"]["champion"]
    assert summary["alerts"]["project"]["alerts"] <= summary["alerts"]["cases_opened"]


def test_points_alone_make_no_report_but_may(small_log: str, tmp_path: Path) -> None:
    points = tmp_path / "points.csv"
    at = short_iso(synthetic.START_MS + 60 * synthetic.DAY_MS)
    points.write_text(f"user_id,at\n用户1,{at}\n用户2,{at}\n", encoding="utf-8")
    asked = (small_log, "--horizon-days", "12", "--points", str(points), "--scores")
    alone = run(*asked, str(tmp_path / "a.csv"), "--json")
    assert "figures" not in json.loads(alone.output)
    html = tmp_path / "r.html"
    both = run(*asked, str(tmp_path / "b.csv"), "--json", "--html", str(html))
    assert json.loads(both.output)["points"]["scored"] > 0
    assert html.stat().st_size > 10_000
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "missing", "says"),
    [
        (["--html", "r.html"], "jinja2", "--html needs jinja2, which is not installed"),
        (["--compare"], "sklearn", "--compare needs sklearn"),
        (["--html", "/no/such/place.html"], "", "cannot be written"),
        (["--shuffle", "--points", "p", "--scores", "s"], "", "exclude each other"),
    ],
)
def test_what_a_report_lacks_is_said_before_the_run(
    small_log: str, monkeypatch: pytest.MonkeyPatch, arguments: list[str], missing: str, says: str
) -> None:
    there = extras.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == missing else there(name))
    result = run(small_log, "--horizon-days", "12", *arguments)
    assert isinstance(result.exception, UserError)
    assert says in result.exception.message
    if missing:
        assert "winback[report]" in result.exception.hint


def test_a_stream_cannot_be_dealt_out() -> None:
    result = run("-", "--horizon-days", "12", "--shuffle")
    assert isinstance(result.exception, UserError)
    assert "reads the log twice" in result.exception.message
