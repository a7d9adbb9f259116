"""The rules files that are shipped parse, and the default one says what the code says."""

from pathlib import Path

import pytest

from streams.core.rules_file import parse_rules

RULES = Path(__file__).parents[3] / "deploy" / "rules"


def read(name: str) -> str:
    return (RULES / name).read_text(encoding="utf-8")


def test_the_default_file_says_what_an_empty_one_means() -> None:
    stated, silent = parse_rules(read("default.yaml")), parse_rules("")

    assert stated == silent
    assert stated.hash == silent.hash


def test_the_demo_grants_consent_aloud_and_holds_a_tenth_out() -> None:
    rules = parse_rules(read("demo.yaml"))

    assert rules.contact.is_consent_assumed
    assert rules.holdout.share == 0.1
    assert rules.horizon_days == 30
    assert "consent_default: granted" in read("demo.yaml").split("version:")[0]


@pytest.mark.parametrize("name", sorted(path.name for path in RULES.glob("*.yaml")))
def test_every_shipped_file_parses(name: str) -> None:
    assert parse_rules(read(name), name).playbooks
