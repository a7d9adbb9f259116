"""Playbooks and the rules: inline or in files of their own, with the names that the rules give."""

import pytest

from streams.core.playbook import Playbook
from streams.core.playbooks_compile import Known
from streams.core.playbooks_file import known_of, playbooks_of, playbooks_source, rules_with
from streams.core.rules_file import parse_rules, playbook_paths
from winback_sender.documents.faults import RulesRefused

STEP = "{channel: sms, template_key: hi}"


def books_of(text: str) -> tuple[Playbook, ...]:
    return playbooks_of([playbooks_source(text, "p.yaml")], Known())


def test_rules_have_playbooks_inline_or_name_their_files() -> None:
    text = f"- {{name: own, steps: [{STEP}]}}"
    inline = parse_rules(f"playbooks:\n{text}")
    assert inline.playbooks == books_of(text)
    for rules in ("playbooks: own.yaml", "playbooks: [own.yaml]"):
        assert playbook_paths(rules) == ("own.yaml",)
        assert parse_rules(rules, files={"own.yaml": text}).playbooks == inline.playbooks
    assert playbook_paths(f"playbooks:\n{text}") == playbook_paths("") == ()


def test_a_file_that_is_missing_or_wrong_is_named() -> None:
    with pytest.raises(RulesRefused, match=r"r.yaml:2:3: the playbooks 'no.yaml' cannot be read"):
        parse_rules("playbooks:\n- no.yaml", "r.yaml")
    with pytest.raises(RulesRefused, match=r"own.yaml:1:3: missing required field `name`"):
        parse_rules("playbooks: own.yaml", "r.yaml", files={"own.yaml": "- {steps: []}"})


def test_names_are_unique_over_all_files() -> None:
    text = f"- {{name: own, steps: [{STEP}]}}"
    with pytest.raises(RulesRefused, match=r"b.yaml:1:10: playbook 'own' is there twice"):
        parse_rules("playbooks: [a.yaml, b.yaml]", files={"a.yaml": text, "b.yaml": text})


def test_playbooks_may_name_the_tiers_channels_and_traits_of_the_rules() -> None:
    rules = parse_rules(
        "money: {tiers: {gold: 0.1, rest: 1.0}}\nchannels: {kiosk: {class: person}}\n"
        "traits: [item]\nplaybooks:\n- name: a\n  match: {tiers: [gold, none]}\n  steps:\n"
        "  - {channel: kiosk, template_key: x, params: {n: '{trait:item|x}'}}\n"
    )
    assert known_of(rules).tiers == ("gold", "rest", "none")
    with pytest.raises(RulesRefused, match="'top' is unknown; there are: gold, rest, none"):
        playbooks_of(
            [playbooks_source(f"- {{name: a, match: {{tiers: [top]}}, steps: [{STEP}]}}", "p")],
            known_of(rules),
        )


def test_rules_keep_the_traits_that_their_playbooks_use() -> None:
    books = books_of(
        "traits: [item, unused]\nplaybooks:\n- name: a\n  steps:\n"
        "  - {channel: sms, template_key: x, params: {n: '{trait:item|x}'}}\n"
    )
    rules = parse_rules("traits: [plan]")
    changed = rules_with(rules, books)
    assert (changed.playbooks, changed.traits) == (books, ("plan", "item"))
    assert changed.hash == rules.hash, "another playbook is no migration"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("holdout: {share: 1}", "r.yaml:1:18: a holdout of 1 leaves nobody to contact"),
        ("traits: [plan, id_card]", "r.yaml:1:16: trait 'id_card' is sensitive"),
        ("budget: {calls_per_day: 0}", "r.yaml:1:25: Expected `int` >= 1"),
        ("contact: {zone: Mars/Base}", "r.yaml:1:17: 'Mars/Base' is no IANA time zone"),
    ],
)
def test_rules_that_would_contact_nobody_or_too_closely_are_refused(
    text: str, complaint: str
) -> None:
    with pytest.raises(RulesRefused) as refused:
        parse_rules(text, "r.yaml")
    assert complaint in str(refused.value)
