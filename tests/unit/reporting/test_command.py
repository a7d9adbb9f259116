"""``winback report``: from a folder to a page, figures, or an error that can be mended."""

import json
from pathlib import Path

import pytest
import worlds
from click.testing import CliRunner, Result

from streams.cli import winback
from streams.errors import Unavailable, UserError
from streams.pages import extras


def run(*arguments: str) -> Result:
    return CliRunner().invoke(winback, ["report", *arguments], standalone_mode=False)


def test_a_folder_becomes_a_page(shop: Path, tmp_path: Path) -> None:
    html = tmp_path / "周报.html"
    result = run("--from", str(shop), "--out", str(html), "--lang", "zh")
    assert result.exception is None, result.exception
    assert "停止" in result.output
    assert str(html) in result.output
    assert '<html lang="zh-CN">' in html.read_text(encoding="utf-8")


def test_figures_are_printed_as_json(shop: Path) -> None:
    figures = json.loads(run("--from", str(shop), "--json").output)
    assert figures["first_day"] == "2025-06-01"
    assert figures["currency"] == "CNY"
    assert figures["whole"]["earned"]["treated"] > 1_000
    assert figures["advice"][0]["action"] == "stop"


def test_a_period_is_cut_out(shop: Path) -> None:
    part = json.loads(run("--from", str(shop), "--json", "--since", "2025-07-01",
                          "--until", "2025-07-14").output)  # fmt: skip
    assert (part["first_day"], part["last_day"]) == ("2025-07-01", "2025-07-14")
    assert {day["day"] for day in part["done"]["days"]} <= {f"2025-07-{n:02}" for n in range(1, 15)}
    week = json.loads(run("--from", str(shop), "--json", "--week", "--until", "2025-07-14").output)
    assert (week["first_day"], week["last_day"]) == ("2025-07-08", "2025-07-14")
    assert week["compared"]


def test_costs_are_those_of_the_rules(shop: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("channels: {sms: {cost: 7}}\n", encoding="utf-8")
    dear = json.loads(run("--from", str(shop), "--json", "--rules", str(rules)).output)
    by = next(one for one in dear["divisions"] if one["by"] == "channel")
    assert {one["value"]: one["advice"]["cost"] for one in by["groups"]}["sms"] == 700_000


def test_broken_lines_are_counted_with_their_place(tmp_path: Path) -> None:
    folder = worlds.written(tmp_path / "broken", worlds.world(days=5))
    with (folder / "touches.jsonl").open("ab") as file:
        file.write(b"\n{half a line\n")
    lines = len((folder / "touches.jsonl").read_bytes().splitlines())
    result = run("--from", str(folder))
    assert f"1 messages could not be understood, the first: touches.jsonl:{lines}: " in (
        result.output
    )


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    folder = worlds.written(tmp_path, {"decisions": worlds.world(days=5)["decisions"]})
    assert "There was no touches.jsonl to read" in run("--from", str(folder)).output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "/no/such/place"], "holds none of decisions.jsonl"),
        (["--since", "yesterday"], "'yesterday' is no day"),
        (["--week", "--since", "2025-07-01"], "exclude each other"),
        (["--since", "2025-07-02", "--until", "2025-07-01"], "lies after"),
        (["--out", "/no/such/place.html"], "cannot be written"),
        (["--rules", "/no/such/rules.yaml"], "cannot be read"),
    ],
)
def test_a_mistake_is_said(arguments: list[str], says: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, UserError)
    assert says in result.exception.message


def test_a_page_needs_its_library_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    result = run("--out", "r.html")
    assert isinstance(result.exception, UserError)
    assert "winback[report]" in result.exception.hint


def test_without_kafka_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINBACK_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    result = run("--json")
    assert isinstance(result.exception, Unavailable)
    assert "cannot be reached" in result.exception.message
