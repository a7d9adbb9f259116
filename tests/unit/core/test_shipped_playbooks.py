"""The playbooks that are shipped, and what the docs say, run as they stand."""

import json
import re
from pathlib import Path

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator

from streams.core.playbook import INSTANT, Playbook, Situation, choose
from streams.core.playbooks_compile import Known
from streams.core.playbooks_file import Reading, playbooks_source, read_playbooks
from streams.core.playbooks_page import page, schema
from streams.core.playbooks_schema import (
    AbFile,
    MatchFile,
    PlaybookFile,
    PlaybooksFile,
    StepFile,
    TemplateFile,
    VariantFile,
)
from streams.core.rules_file import parse_rules
from streams.core.template_lint import findings
from winback_sender.templating.templates_file import read_templates

ROOT = Path(__file__).parents[3]
SHIPPED = sorted((ROOT / "deploy/playbooks").glob("*.yaml"))
DOCS = [ROOT / "docs" / name for name in ("playbooks.md", "playbooks.zh.md")]
FENCE = re.compile(r"^```yaml (\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)

every_file = pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)


def read(path: Path) -> Reading:
    text = path.read_text(encoding="utf-8")
    return read_playbooks(playbooks_source(text, path.name), Known())


def chosen(books: tuple[Playbook, ...], tier: str, trigger: str) -> Playbook:
    book = choose(books, Situation("ada", tier, "", trigger, "at_risk", "important_urgent"))
    assert book is not None
    return book


def first_channels(book: Playbook) -> set[str]:
    return {variant.steps[0].channel for variant in book.variants}


def test_four_trades_are_there() -> None:
    assert [path.stem for path in SHIPPED] == ["community", "ecommerce", "education", "game"]


@every_file
def test_a_shipped_file_is_sound_and_no_provider_objects(path: Path) -> None:
    reading = read(path)
    assert [str(complaint) for complaint in reading.complaints] == []
    assert [str(finding) for finding in findings(reading)] == []
    used = {use.step.template_key for use in reading.uses}
    assert used == set(reading.head.templates or {}), "every text is used"


@every_file
def test_rules_need_nothing_but_its_name(path: Path) -> None:
    rules = parse_rules("playbooks: p.yaml", files={"p.yaml": path.read_text(encoding="utf-8")})
    assert rules.traits == tuple(read(path).head.traits)


@every_file
def test_the_top_tier_has_a_person_first_then_wecom_then_a_benefit(path: Path) -> None:
    for trigger in ("risk", "silence"):
        (variant,) = chosen(read(path).playbooks, "top", trigger).variants
        assert [step.channel for step in variant.steps] == ["call", "wecom", "wecom"]
        assert [bool(step.offer) for step in variant.steps] == [False, False, True]


@every_file
@pytest.mark.parametrize("tier", ["high", "regular", "low", "none"])
def test_the_rest_has_messages_and_care_after_the_first_contact(path: Path, tier: str) -> None:
    book = chosen(read(path).playbooks, tier, "risk")
    for variant in book.variants:
        assert not {step.channel for step in variant.steps} & {"call", "wecom"}
        assert len(variant.steps) > 1
        assert any("care_again" in step.template_key for step in variant.steps)


@every_file
@pytest.mark.parametrize("trigger", sorted(INSTANT - {"cancellation"}))
def test_trouble_is_answered_with_help_alone(path: Path, trigger: str) -> None:
    """At once, without an offer or an advertisement; the reaction of a person ends it, not luck."""
    reading = read(path)
    templates = reading.head.templates or {}
    for tier in ("top", "low"):
        book = chosen(reading.playbooks, tier, trigger)
        assert book.purpose == "service"
        assert "handled" in book.exits
        assert "returned" not in book.exits, "a complaint is an activity: it would end at once"
        for variant in book.variants:
            assert variant.steps[0].wait_ms == 0
            assert all(not step.offer for step in variant.steps)
            assert {templates[step.template_key].kind for step in variant.steps} == {"notice"}
    top = chosen(reading.playbooks, "top", "complaint")
    assert first_channels(top) == {"call"}


@every_file
def test_the_first_line_names_the_schema(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith(
        "# yaml-language-server: $schema=playbooks.schema.json\n"
    )


def test_the_schema_for_editors_is_up_to_date() -> None:
    stored = (ROOT / "deploy/playbooks/playbooks.schema.json").read_text(encoding="utf-8")
    assert stored == page(), "make docs"


@pytest.mark.parametrize("path", [*SHIPPED, *DOCS], ids=lambda path: path.name)
def test_the_schema_takes_what_the_reader_takes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    own = [block for kind, block in FENCE.findall(text) if kind == "playbooks"]
    editor = Draft202012Validator(schema())
    for said in own or [text]:
        data = json.loads(json.dumps(yaml.safe_load(said), default=str))
        assert editor.is_valid(data)
        assert not editor.is_valid(data | {"playbook": []})
        data["playbooks"][0]["exit"] = ["retuned"]
        assert not editor.is_valid(data)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_the_yaml_of_the_docs_can_be_used(path: Path) -> None:
    blocks = FENCE.findall(path.read_text(encoding="utf-8"))
    assert [kind for kind, _ in blocks] == ["rules", "playbooks", "templates"]
    assert read_templates(blocks[2][1], path.name).complaints == ()
    reading = read_playbooks(playbooks_source(blocks[1][1], path.name), Known())
    assert [str(complaint) for complaint in reading.complaints] == []
    assert [str(finding) for finding in findings(reading)] == []
    own = "- {name: own, steps: [{channel: sms, template_key: x}]}"
    shipped = (ROOT / "deploy/playbooks/ecommerce.yaml").read_text(encoding="utf-8")
    files = {"playbooks/ecommerce.yaml": shipped, "playbooks/own.yaml": own}
    assert parse_rules(blocks[0][1], files=files).playbooks


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
@pytest.mark.parametrize(
    "kind",
    [PlaybooksFile, PlaybookFile, MatchFile, VariantFile, StepFile, TemplateFile, AbFile],
)
def test_every_field_has_its_line_in_the_docs(path: Path, kind: type[msgspec.Struct]) -> None:
    text = path.read_text(encoding="utf-8")
    for field in msgspec.structs.fields(kind):
        assert re.search(rf"[`{{ ]{field.encode_name}[`:}} ,]", text), field.encode_name
