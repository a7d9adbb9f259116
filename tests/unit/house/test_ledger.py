"""A long proof that is broken off goes on with what is left, and never with another code's work."""

from pathlib import Path

from benchmarks.ledger import Ledger


def ledger(directory: Path, code: str = "a", **parameters: object) -> Ledger:
    return Ledger("worlds", parameters, code=code, directory=directory)


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    first = ledger(tmp_path, rate=5)
    for unit in first.left(range(4)):
        first.done(unit, {"failures": int(unit)})
        if unit == "1":
            break
    second = ledger(tmp_path, rate=5)
    assert list(second.left(range(4))) == ["2", "3"]
    assert second.total("failures") == 1
    assert second.span.startswith("2 units, 20")


def test_another_code_or_other_parameters_begin_anew_and_keep_what_was(tmp_path: Path) -> None:
    ledger(tmp_path, rate=5).done("0", {})
    assert list(ledger(tmp_path, rate=6).left([0])) == ["0"]
    assert (tmp_path / "worlds.before.jsonl").exists()
    ledger(tmp_path, rate=6).done("0", {})
    assert list(ledger(tmp_path, "b", rate=6).left([0])) == ["0"]


def test_a_torn_line_was_not_done(tmp_path: Path) -> None:
    made = ledger(tmp_path)
    made.done("0", {})
    made.done("1", {})
    path = tmp_path / "worlds.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    again = ledger(tmp_path)
    assert list(again.left([0, 1])) == ["1"]
    again.done("1", {})
    assert list(ledger(tmp_path).left([0, 1])) == []
