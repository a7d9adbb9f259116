"""Templates from their file: read strictly, looked up, filled as the provider takes them."""

import os
from pathlib import Path
from typing import Any

import pytest

from winback_sender.errors import UserError
from winback_sender.law.changes import changed_law
from winback_sender.receipt import NotSentError
from winback_sender.templating.template_book import FileTemplates, NoTemplates
from winback_sender.templating.templates import ProviderTemplate
from winback_sender.templating.templates_file import read_templates

FILE = """
templates:
  hi:
    any: {text: "您好${item}，有新消息", kind: notice, extra: {en: hello}}
    aliyun: {id: SMS_1, sign: 店, params: {name: item}}
    tencent: {id: "1400", params: [item]}
    wechat_subscribe: {id: t-1, params: {thing1: item}, extra: {miniprogram_appid: wx1}}
  bye:
    wecom: {text: 再见}
"""


def book(tmp_path: Path, text: str = FILE) -> FileTemplates:
    (tmp_path / "t.yaml").write_text(text, encoding="utf-8")
    return FileTemplates(tmp_path / "t.yaml")


def why(made: FileTemplates, template: ProviderTemplate, **params: str) -> str:
    with pytest.raises(NotSentError) as refused:
        made.values(template, params)
    assert not refused.value.retry
    return refused.value.reason


def test_an_entry_takes_from_any_what_it_does_not_say(tmp_path: Path) -> None:
    made = book(tmp_path)
    aliyun = made.lookup("aliyun", "hi")
    assert (aliyun.id, aliyun.sign, aliyun.kind) == ("SMS_1", "店", "notice")
    assert aliyun.text.startswith("您好")
    assert made.lookup("console", "hi").extra == {"en": "hello"}
    assert made.lookup("wechat_subscribe", "hi").extra == {
        "en": "hello",
        "miniprogram_appid": "wx1",
    }
    assert (made.kind("aliyun", "hi"), made.kind("wecom", "bye"), made.kind("x", "y")) == (
        "notice", "", "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "key"),
    [
        ("aliyun", "bye"),
        ("aliyun", "nothing"),
        ("huawei", "hi"),  # the text that all share, but no id
        ("wechat_template", "hi"),
    ],
)
def test_a_template_that_is_not_there_or_lacks_its_id_is_no_template(
    tmp_path: Path, provider: str, key: str
) -> None:
    with pytest.raises(NotSentError) as refused:
        book(tmp_path).lookup(provider, key)
    assert refused.value.reason == "no_template"


@pytest.mark.parametrize(
    ("provider", "values"),
    [
        ("aliyun", {"name": "鞋"}),
        ("tencent", {"1": "鞋"}),
        ("wechat_subscribe", {"thing1": "鞋"}),
        ("console", {"item": "鞋"}),
    ],
)
def test_variables_have_the_providers_names_or_positions(
    tmp_path: Path, provider: str, values: dict[str, str]
) -> None:
    made = book(tmp_path)
    assert made.values(made.lookup(provider, "hi"), {"item": "鞋", "more": "x"}) == values


@pytest.mark.parametrize("params", [{}, {"item": ""}, {"item": "  "}, {"other": "x"}])
def test_a_variable_that_is_missing_or_empty_is_refused(
    tmp_path: Path, params: dict[str, str]
) -> None:
    made = book(tmp_path)
    assert why(made, made.lookup("aliyun", "hi"), **params) == "bad_variables"


def test_what_the_provider_does_not_take_is_refused_before_it_is_asked(tmp_path: Path) -> None:
    made = book(tmp_path)
    subscribe, aliyun = made.lookup("wechat_subscribe", "hi"), made.lookup("aliyun", "hi")
    assert why(made, subscribe, item="很" * 21) == "bad_variables"
    assert why(made, aliyun, item="鞋👟") == "bad_variables"
    assert why(made, aliyun, item="www.a.cn") == "bad_variables"
    assert made.values(aliyun, {"item": "𠮷野家"}) == {"name": "𠮷野家"}, "rare Han is Han"
    assert made.values(made.lookup("console", "hi"), {"item": "鞋👟"}) == {"item": "鞋👟"}


def test_a_rule_that_could_not_be_confirmed_refuses_nobody_until_an_operator_confirms_it(
    tmp_path: Path,
) -> None:
    made = book(tmp_path)
    tencent = made.lookup("tencent", "hi")
    assert made.values(tencent, {"item": "很" * 7}) == {"1": "很" * 7}
    change = "{rule: tencent.value_max, value: 6, reason: said so, by: li, since: 2026-05-01}"
    law = changed_law(f"changes: [{change}]", "law.yaml")
    strict = FileTemplates(tmp_path / "t.yaml", law)
    assert why(strict, tencent, item="很" * 7) == "bad_variables"


def test_a_saved_file_is_taken_over_and_a_broken_one_is_not(tmp_path: Path) -> None:
    made, path = book(tmp_path), tmp_path / "t.yaml"
    path.write_text(FILE.replace("SMS_1", "SMS_22"), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert made.lookup("aliyun", "hi").id == "SMS_22"
    path.write_text("templates: [", encoding="utf-8")
    assert made.lookup("aliyun", "hi").id == "SMS_22"
    path.unlink()
    assert made.lookup("aliyun", "hi").id == "SMS_22"
    path.write_text(FILE, encoding="utf-8")
    assert made.lookup("aliyun", "hi").id == "SMS_1"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("    aliun: {id: a}", "t.yaml:10:5: provider 'aliun' is unknown; did you mean 'aliyun'?"),
        ("    aliyun: {id: 3}", "t.yaml:10:18: Expected `str`, got `int`; write it in quotes: '3'"),
        ("    aliyun: {name: a}", "t.yaml:10:14: unknown field `name`"),
        ('    aliyun: {text: "${}"}', "t.yaml:10:20: a variable without a name"),
        ('    aliyun: {text: "${a}", params: [b]}', "t.yaml:10:28: the text has no variable 'b'"),
        (
            "    aliyun: {kind: promo}",
            "t.yaml:10:20: 'promo' is unknown; did you mean 'promotion'?",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(line: str, complaint: str) -> None:
    said = [str(one) for one in read_templates(FILE + line + "\n", "t.yaml").complaints]
    assert any(one.startswith(complaint) for one in said), said


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = FILE + "    aliyun: {id: 3}\n    tencent: {params: [b], text: c}\nversion: 2\n"
    places = [(one.line, one.column) for one in read_templates(text, "t.yaml").complaints]
    assert places == [(10, 18), (11, 15), (12, 10)]


def test_a_provider_of_ones_own_is_declared() -> None:
    text = "providers: [ours]\ntemplates: {hi: {ours: {id: a}}}\n"
    assert read_templates(text, "t.yaml").complaints == ()


def test_a_sender_does_not_start_with_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    for text in ("templates: [", FILE + "    aliun: {id: a}\n"):
        with pytest.raises(UserError, match=r"t\.yaml:\d+:\d+"):
            book(tmp_path, text)
    with pytest.raises(UserError, match="cannot be read"):
        FileTemplates(tmp_path / "not-there.yaml")


def test_without_a_file_there_is_no_template() -> None:
    with pytest.raises(NotSentError) as refused:
        NoTemplates().lookup("aliyun", "hi")
    assert refused.value.reason == "no_template"


def test_a_file_that_is_taken_over_in_between_harms_no_look_up(tmp_path: Path) -> None:
    """Couriers look up at once: another one may take the file over while this one reads it."""
    path = tmp_path / "t.yaml"

    class Interrupted(FileTemplates):
        """Another thread takes over a new file just when this one has found its template."""

        was_interrupted = False

        def _usable(self, *args: Any) -> ProviderTemplate | None:
            found = super()._usable(*args)
            if not self.was_interrupted:
                self.was_interrupted = True
                path.write_text(FILE.replace("SMS_1", "SMS_22"), encoding="utf-8")
                self.lookup("console", "hi")
            return found

    path.write_text(FILE, encoding="utf-8")
    os.utime(path, ns=(1, 1))
    made = Interrupted(path)

    assert made.lookup("aliyun", "hi").id in {"SMS_1", "SMS_22"}
    assert made.lookup("aliyun", "hi").id == "SMS_22", "the old template is forgotten"
