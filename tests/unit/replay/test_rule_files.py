"""Rules and playbooks as they lie on the disk."""

from pathlib import Path

import pytest

from streams.errors import UserError
from streams.rule_files import load_playbooks, load_rules, watched
from winback_sender.documents.faults import RulesRefused

BOOK = "- {name: NAME, steps: [{channel: sms, template_key: x}]}"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Rules that name two files of playbooks in a folder beside them."""
    books = tmp_path / "方案"
    books.mkdir()
    for name in ("a", "b"):
        (books / f"{name}.yaml").write_text(BOOK.replace("NAME", name), encoding="utf-8")
    path = tmp_path / "rules.yaml"
    path.write_text("playbooks: [方案/a.yaml, 方案/b.yaml]", encoding="utf-8")
    return path


def test_paths_are_relative_to_the_rules(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert [book.name for book in load_rules(str(rules)).playbooks] == ["a", "b"]
    assert watched(str(rules)) == (
        rules, rules.parent / "方案/a.yaml", rules.parent / "方案/b.yaml",
    )  # fmt: skip
    assert watched("") == ()


def test_no_path_means_the_defaults() -> None:
    assert [book.name for book in load_rules("").playbooks] == ["member_care"]


def test_files_that_cannot_be_read_are_watched_all_the_same(rules: Path) -> None:
    """So that a service sees when they are mended."""
    (rules.parent / "方案/b.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(RulesRefused, match=r"rules.yaml:1:\d+: the playbooks '方案/b.yaml' cannot"):
        load_rules(str(rules))
    assert len(watched(str(rules))) == 3
    rules.write_text("a: [", encoding="utf-8")
    assert watched(str(rules)) == (rules,)


def test_playbooks_are_loaded_by_themselves(rules: Path) -> None:
    books = load_playbooks([rules.parent / "方案/a.yaml", rules.parent / "方案/b.yaml"])
    assert books == load_rules(str(rules)).playbooks
    with pytest.raises(UserError, match="cannot be read"):
        load_playbooks([rules.parent])
    with pytest.raises(RulesRefused, match="playbook 'a' is there twice"):
        load_playbooks([rules.parent / "方案/a.yaml"] * 2)
