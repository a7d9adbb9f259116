"""``winback inputs check`` and ``convert``: what other people's records come to, and one log."""

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from streams.cli import winback
from streams.errors import UserError
from streams.replay.dump import Dump
from streams.replay.sorted_log import Sorter

RULES = """\
money: {currency: USD}
inputs:
  shop.events:
    format: json
    lateness: 1h
    event: $.what
    user: $.who
    id: $.id
    time: {path: $.at, unit: s}
    drop: [{path: $.is_test, is: true, reason: test}]
    map:
      - event: paid
        as: purchase
        amount: $.total
      - {event: login, as: link, anonymous: $.device}
    others: ignored
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    yield tmp_path
    assert not list(tmp_path.glob(".winback-*")), "nothing half-done stays"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(winback, ["inputs", *arguments], standalone_mode=False)


def paid(number: int, **others: object) -> dict[str, object]:
    said = {"id": f"o{number}", "who": "member-1", "what": "paid", "total": number / 4}
    return said | {"at": 1_700_000_000 + number} | others


def lines(path: str, *records: object) -> str:
    Path(path).write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


def refused(*arguments: str) -> UserError:
    error = run(*arguments).exception
    assert isinstance(error, UserError), error
    return error


def test_a_check_says_what_is_understood_and_by_which_line() -> None:
    lines("dump.jsonl", paid(1), paid(2), paid(3, is_test=True), paid(4, what="viewed"))
    result = run("check", "--file", "dump.jsonl", "--rules", "rules.yaml")
    assert result.return_value == 0, result.output
    assert "shop.events: json, json, keyed by anything (rules.yaml, line 3)" in result.output
    assert "understood: 2 (50%)" in result.output
    assert "paid" in result.output
    assert "purchase, line 12; me…-1, 0.25 USD, 2023-11-14T22:13:21Z" in result.output
    assert "dropped_test" in result.output
    assert "member-1" not in result.output, "ids are shown only when asked for"
    shown = run("check", "--file", "dump.jsonl", "--rules", "rules.yaml", "--show-ids")
    assert "member-1" in shown.output


def test_what_is_refused_is_told_with_its_place_and_fails_the_check() -> None:
    lines("dump.jsonl", paid(1), paid(2, total="many"), paid(3, at="soon"), {"what": "paid"})
    result = run("check", "--file", "dump.jsonl", "--rules", "rules.yaml", "--json")
    assert result.return_value == 1
    (found,) = json.loads(result.output)["inputs"]
    assert (found["accepted"], found["rejected"]) == (1, 3)
    bad = {group["reason"]: group for group in found["groups"] if group["outcome"] == "rejected"}
    assert bad["bad_amount"]["example"]["place"] == "line 2"
    assert "$.total" in bad["bad_amount"]["detail"]
    assert bad["bad_time"]["example"]["place"] == "line 3"


def test_whole_records_tell_their_keys_and_disorder_is_measured() -> None:
    at = [100, 90, 9_000, 100]
    lines(
        "dump.jsonl",
        *({"topic": "shop.events", "partition": 0, "offset": n, "ts": 1_700_000_000_000,
           "key": "member-1" if n else "other", "headers": ["a", "b"],
           "payload": json.dumps(paid(n, at=1_600_000_000 + second))}
          for n, second in enumerate(at)),
    )  # fmt: skip
    result = run("check", "--file", "dump.jsonl", "--rules", "rules.yaml", "--json")
    (found,) = json.loads(result.output)["inputs"]
    assert found["keys"] | {"example": "ot…er"} == found["keys"]
    assert "member-1" not in result.output
    assert (found["keys"]["known"], found["keys"]["equal"]) == (4, 3)
    assert found["disorder"]["quantiles"]["1"] == 8_900_000
    assert found["disorder"]["late"] == 1
    assert found["disorder"]["proposed_ms"] == 6 * 3_600_000
    said = run("check", "--file", "dump.jsonl", "--rules", "rules.yaml").output
    assert "lateness: 6h would hold 99.9 %" in said


def test_files_become_one_log_in_order_of_time() -> None:
    lines("b.jsonl", paid(5), paid(1), {"oops": 1})
    lines("a.jsonl", paid(3), paid(2, what="login", device="anon-9"), paid(1))
    result = run("convert", "b.jsonl", "shop.events=a.jsonl", "--rules", "rules.yaml",
                 "-o", "log.jsonl", "--rejects", "bad.jsonl")  # fmt: skip
    assert result.return_value == 0, result.output
    told = [json.loads(line) for line in Path("log.jsonl").read_text().splitlines()]
    assert [event["event_id"] for event in told] == ["o1", "o2", "o3", "o5"]
    assert told[1] | {"properties": {"anonymous_id": "anon-9"}} == told[1]
    assert told[1]["event"] == "$identify"
    assert "1 event stood there twice, word for word" in result.output
    (bad,) = map(json.loads, Path("bad.jsonl").read_text().splitlines())
    assert (bad["source"], bad["place"], bad["value"]) == ("b.jsonl", "line 3", '{"oops": 1}')
    again = CliRunner().invoke(winback, ["replay", "log.jsonl", "--rules", "rules.yaml", "--json",
                                         "--quiet"], standalone_mode=False)  # fmt: skip
    assert again.exception is None, again.output


def test_what_others_called_their_events_moves_no_cursor() -> None:
    Path("rules.yaml").write_text(RULES.replace("others: ignored", "others: activity"))
    lines("dump.jsonl", paid(1, what="\x9b2Jviewed\u2028"))
    for command in (["check", "--file"], ["convert", "-o", "log.jsonl"]):
        said = run(*command, "dump.jsonl", "--rules", "rules.yaml").output
        assert said.count(r"\x9b2Jviewed\u2028") == 1 + (command[0] == "check")
        assert all(line.isprintable() for line in said.split("\n"))


def test_a_csv_of_somebody_else_is_a_record_a_row() -> None:
    with gzip.open("dump.csv.gz", "wt", newline="") as file:
        rows = csv.DictWriter(file, ["id", "who", "what", "total", "at", "用户备注"])
        rows.writeheader()
        rows.writerows([paid(1), paid(2) | {"用户备注": "引,号"}])
    result = run("convert", "dump.csv.gz", "--rules", "rules.yaml", "-o", "log.jsonl.gz")
    assert result.return_value == 0, result.output
    with gzip.open("log.jsonl.gz", "rt") as log:
        assert [json.loads(line)["amount"] for line in log] == [0.25, 0.5]


def test_a_row_with_more_cells_than_the_header_is_refused_alone() -> None:
    Path("dump.csv").write_text(
        "id,who,what,total,at\no1,ada,paid,1.5,1700000001,\no2,ada,paid,1,234.50,1700000002\n"
    )
    result = run("check", "--file", "dump.csv", "--rules", "rules.yaml", "--json")
    (found,) = json.loads(result.output)["inputs"]
    assert (found["accepted"], found["rejected"]) == (1, 1)
    (bad,) = [group for group in found["groups"] if group["outcome"] == "rejected"]
    assert (bad["reason"], bad["example"]["place"]) == ("not_decodable", "line 3")


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (("check",), "--topic and --file", "check --file FILE"),
        (("check", "--file", "x", "--topic", "t"), "exclude", "--file t=x"),
        (("check", "--file", "没有.jsonl"), "没有.jsonl: no such file", "check the path"),
        (("check", "--file", "."), "is a directory", "name one"),
        (("check", "--file", "empty.jsonl"), "the file is empty", ""),
        (("check", "--file", "array.json"), "one JSON array", "jq -c '.[]'"),
        (("check", "--file", "wide.json"), "span lines", "jq -c ."),
        (("check", "--file", "words.txt"), "neither JSON nor a csv header", "kcat -J"),
        (("check", "--topic", "other"), "says nothing of the topic other", "shop.events"),
        (("convert", "-o", "log.jsonl"), "nothing to convert", "--topic"),
        (("convert", "good.jsonl", "-o", "here/log.jsonl"), "cannot be written", "make room"),
        (("convert", "good.jsonl", "-o", "rules.yaml"), "is there already", "--force"),
        (("convert", "good.jsonl", "-o", "."), "is a directory", "name a file"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_with_what_to_do(
    arguments: tuple[str, ...], said: str, hint: str
) -> None:
    Path("empty.jsonl").write_text("\n")
    Path("array.json").write_text('[{"a": 1}]')
    Path("wide.json").write_text('{\n  "a": 1\n}\n')
    Path("words.txt").write_text("hello\nworld\n")
    lines("good.jsonl", paid(1))
    error = refused(*arguments, "--rules", "rules.yaml")
    assert said in error.message
    assert hint in (error.hint or "")


def test_nothing_of_a_log_that_could_not_be_finished_is_left() -> None:
    lines("good.jsonl", paid(1))
    Path("array.json").write_text('[{"a": 1}]')
    refused("convert", "good.jsonl", "array.json", "--rules", "rules.yaml", "-o", "log.jsonl")
    assert not Path("log.jsonl").exists()


@given(st.lists(st.tuples(st.integers(0, 9), st.binary(max_size=3).map(bytes.hex)), max_size=40),
       st.integers(1, 900))  # fmt: skip
def test_lines_come_back_by_time_and_otherwise_as_they_came(
    tmp_path_factory: pytest.TempPathFactory, taken: list[tuple[int, str]], room: int
) -> None:
    sorter = Sorter(tmp_path_factory.mktemp("runs"), run_bytes_max=room)
    for at_ms, text in taken:
        sorter.add(at_ms, text.encode())
    once = list(dict.fromkeys((at_ms, text.encode()) for at_ms, text in taken))
    assert list(sorter) == sorted(once, key=lambda timed: timed[0])
    assert sorter.repeated == len(taken) - len(once)


def test_headers_are_read_in_every_spelling() -> None:
    spellings = [["ce_id", "1"], {"ce_id": "1"}, [["ce_id", "1"]]]
    lines("dump.jsonl", *({"key": None, "value": {}, "headers": told} for told in spellings))
    assert [record.headers for record in Dump("dump.jsonl")] == [(("ce_id", b"1"),)] * 3
    assert {record.key for record in Dump("dump.jsonl")} == {None}


def test_a_tombstone_is_a_record_without_a_value() -> None:
    lines("dump.jsonl", {"key": "k", "payload": None, "ts": 1}, {"key": "k", "value": "", "ts": 1})
    assert [record.value for record in Dump("dump.jsonl")] == [None, b""]
