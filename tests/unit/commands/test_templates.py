"""``winback templates``: all findings at once, each with place, rule, source and what to do."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from yaml import safe_load

from streams.commands.templates import templates
from streams.errors import Exit
from streams.templates_lint import carries
from winback_sender.adapters.roster import ROSTER
from winback_sender.law.rules import CARRIES
from winback_sender.templating.templates_schema import page, schema

ROOT = Path(__file__).parents[3]
PLAYBOOKS = sorted((ROOT / "deploy/playbooks").glob("*.yaml"))
TEMPLATES = sorted((ROOT / "deploy/templates").glob("*.yaml"))

BOOK = """
playbooks:
- name: care
  steps:
  - {channel: sms, template_key: hi, params: {item: 新款连衣裙已经到店}}
  - {channel: sms, template_key: hi, wait: 2h, params: {item: 鞋}}
  - {channel: sms, template_key: hi, wait: 2h}
  - {channel: sms, template_key: bye, wait: 3d, offer: {kind: coupon}}
"""

FILE = """
templates:
  hi:
    any: {text: "会员您好，${item}有更新", kind: promotion}
    tencent: {id: "1400", sign: 店, params: [item]}
    huawei: {sign: 店}
    aliyun: {id: SMS_1, sign: 店, text: "会员您好，${item}有更新，回T退订"}
"""


def lint(tmp_path: Path, *more: str, book: str = BOOK, file: str = FILE) -> Result:
    (tmp_path / "p.yaml").write_text(book, encoding="utf-8")
    (tmp_path / "t.yaml").write_text(file, encoding="utf-8")
    arguments = ["lint", "--playbooks", str(tmp_path / "p.yaml")]
    arguments += ["--templates", str(tmp_path / "t.yaml"), *more]
    return CliRunner().invoke(templates, arguments, standalone_mode=False)


def test_everything_is_said_at_once_with_place_rule_source_and_what_to_do(tmp_path: Path) -> None:
    result = lint(tmp_path, "--json")
    assert result.return_value == Exit.FAILED
    found = json.loads(result.output)["findings"]
    said = {
        (Path(one["file"]).name, one["line"], one["provider"], one["rule"] or one["what"])
        for one in found
    }
    assert said >= {
        ("t.yaml", 6, "huawei", "huawei.needs"),
        ("t.yaml", 4, "huawei", "huawei.promotion_variables"),
        ("t.yaml", 7, "aliyun", "aliyun.opt_out"),
        ("p.yaml", 5, "tencent", "tencent.value_max"),
        ("p.yaml", 7, "tencent", "the template needs the param 'item'"),
        ("p.yaml", 7, "tencent", "tencent.caps"),
        ("p.yaml", 8, "tencent", "no template stands for 'bye'"),
        ("p.yaml", 8, "tencent", "tencent.forbidden_categories"),
    }
    by_rule = {one["rule"]: one for one in found}
    assert by_rule["huawei.promotion_variables"]["published"] == "2025-09-04"
    assert by_rule["tencent.value_max"]["level"] == "warning"
    assert all(one["source"].startswith("http") for one in found if one["rule"])


def test_a_line_is_what_a_compiler_would_say(tmp_path: Path) -> None:
    lines = lint(tmp_path, "--provider", "huawei").output.splitlines()
    (line,) = [line for line in lines if "huawei.promotion_variables" in line]
    assert line == (
        f"{tmp_path}/t.yaml:4:17: error: hi at huawei: a promotion may have no variables; "
        "write it without, or make it a notice [huawei.promotion_variables, "
        "https://support.huaweicloud.com/productdesc-msgsms/sms_templates.html, 2025-09-04]"
    )
    assert lines[-1].startswith("4 steps and 1 template checked: ")


def test_an_own_text_ends_with_the_opt_out_of_its_provider(tmp_path: Path) -> None:
    right = FILE.replace("回T退订", "拒收请回复R")
    for text, is_found in ((FILE, True), (right, False), (FILE.replace("，回T退订", ""), True)):
        rules = {
            one["rule"]
            for one in json.loads(lint(tmp_path, "--json", file=text).output)["findings"]
        }
        assert ("aliyun.opt_out" in rules) == is_found


def test_an_operator_who_knows_better_says_why_and_the_finding_is_gone(tmp_path: Path) -> None:
    (tmp_path / "l.yaml").write_text(
        "changes:\n- {rule: tencent.value_max, lifted: true, reason: console, by: li, "
        "since: 2026-05-01}\n",
        encoding="utf-8",
    )
    result = lint(tmp_path, "--law", str(tmp_path / "l.yaml"))
    assert "tencent.value_max" not in result.output
    shown = CliRunner().invoke(
        templates, ["law", "--law", str(tmp_path / "l.yaml"), "--provider", "tencent"]
    )
    assert "tencent.value_max" not in shown.output
    assert "tencent.text_max: 500" in shown.output


def test_a_file_that_cannot_be_used_is_the_worst(tmp_path: Path) -> None:
    result = lint(tmp_path, file=FILE.replace("huawei:", "huawai:"))
    assert result.return_value == Exit.USAGE
    assert "t.yaml:6:5: provider 'huawai' is unknown; did you mean 'huawei'?" in result.output
    assert "tencent.caps" in result.output, "one fault does not hide another"


def test_a_touch_that_may_wait_longer_than_the_topic_keeps_it_is_warned_of(tmp_path: Path) -> None:
    book = BOOK.replace("wait: 3d,", "wait: 3d, expires: 6d,")
    found = json.loads(lint(tmp_path, "--json", book=book).output)["findings"]
    (late,) = [one for one in found if "the topic of touches keeps 7 days" in one["what"]]
    assert (late["line"], late["level"]) == (8, "warning")


def test_every_rule_is_printed_with_its_source() -> None:
    result = CliRunner().invoke(templates, ["law", "--json"], standalone_mode=False)
    rules = json.loads(result.output)
    assert {rule["id"].split(".")[0] for rule in rules} >= {"winback", "CN", *CARRIES}
    assert all(rule["source"]["url"] for rule in rules)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_shipped_templates_and_playbooks_pass_for_every_adapter(path: Path) -> None:
    arguments = ["lint", "--templates", str(path)]
    book = ROOT / "deploy/playbooks" / path.name
    if book in PLAYBOOKS:
        arguments += ["--playbooks", str(book)]
    result = CliRunner().invoke(templates, arguments, standalone_mode=False)
    assert result.return_value == Exit.OK
    assert "0 errors, 0 warnings" in result.output
    for name in ROSTER:
        result = CliRunner().invoke(
            templates, [*arguments, "--provider", name], standalone_mode=False
        )
        assert (name, result.return_value) == (name, Exit.OK)
        assert "0 errors, 0 warnings" in result.output


def test_every_shipped_playbook_has_its_templates() -> None:
    assert {path.name for path in PLAYBOOKS} < {path.name for path in TEMPLATES}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_editors_take_what_the_reader_takes(path: Path) -> None:
    data = safe_load(path.read_text(encoding="utf-8"))
    editor = Draft202012Validator(schema())
    assert editor.is_valid(data)
    assert not editor.is_valid(data | {"template": {}})
    data["templates"][next(iter(data["templates"]))]["any"]["kind"] = "promo"
    assert not editor.is_valid(data)


def test_the_schema_for_editors_is_up_to_date() -> None:
    stored = (ROOT / "deploy/templates/templates.schema.json").read_text(encoding="utf-8")
    assert stored == page(), "make docs"


def test_the_roster_and_the_law_agree_on_channels() -> None:
    for name, channel in CARRIES.items():
        if name in ROSTER:
            assert ROSTER[name].channels == (channel,)
    assert carries("webhook", "anything")
    assert not carries("call_list", "sms")
