"""Template rules: each provider objects to what its documentation forbids, and to nothing else."""

import pytest

from streams.core.playbooks_compile import Known
from streams.core.playbooks_file import playbooks_source, read_playbooks
from streams.core.sensitive import sensitive_category
from streams.core.template_lint import findings
from winback_sender.law.template_rules import OPT_OUTS, PROVIDERS, Template, objections, submission

KIND = Template("尊敬的会员，您的会员服务一切如常", "promotion")
SMS = [name for name, provider in PROVIDERS.items() if provider.channel == "sms"]


def said(name: str, template: Template, **values: str) -> list[str]:
    return [f"{level}: {what}" for level, what in objections(template, PROVIDERS[name], values)]


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_kind_notice_is_carried_by_everybody(name: str) -> None:
    assert said(name, Template("您的申请我们已收到，会尽快处理。")) == []


@pytest.mark.parametrize("name", SMS)
def test_a_promotion_of_member_care_is_carried_by_sms_and_ends_with_the_providers_opt_out(
    name: str,
) -> None:
    assert said(name, KIND) == []
    assert submission(KIND, PROVIDERS[name]).endswith(f"，{PROVIDERS[name].opt_out}")


@pytest.mark.parametrize("word", ["召回", "拉新", "优惠券", "积分兑换", "积分领取", "问卷", "调查"])
@pytest.mark.parametrize("name", ["tencent", "huawei", "qiniu"])
def test_words_that_three_providers_forbid(name: str, word: str) -> None:
    assert f"error: the word '{word}' is forbidden" in said(name, Template(f"请看{word}说明"))


@pytest.mark.parametrize("name", PROVIDERS)
def test_no_user_reads_a_word_of_our_trade(name: str) -> None:
    assert said(name, Template("您已流失")) == ["error: the word '流失' is forbidden"]


@pytest.mark.parametrize(
    ("name", "template", "values", "objection"),
    [
        ("aliyun", Template("您好，新品到店", "promotion"), {}, "members only"),
        ("aliyun", Template("${a}"), {}, "variables alone"),
        ("aliyun", Template("限时满减"), {}, "a notice may not advertise: '限时'"),
        ("huawei", Template("会员${a}您好", "promotion"), {}, "may have no variables"),
        ("tencent", Template("见${a}${b}号"), {}, "two variables may not touch"),
        ("tencent", Template("见 https://a.cn/${a} 页"), {}, "a link must be constant"),
        ("tencent", Template("【某店】您好"), {}, "the sign '【' is forbidden"),
        ("tencent", Template("很" * 501), {}, "501 characters, at most 500"),
        ("tencent", Template("见${a}"), {"a": "http://a.cn"}, "may not carry a link"),
        ("wechat_template", KIND, {}, "carries no promotion"),
        ("wechat_subscribe", KIND, {}, "carries no promotion"),
        ("wechat_template", Template("会员红包"), {}, "a notice may not advertise: '红包'"),
    ],
)
def test_what_a_provider_refuses(
    name: str, template: Template, values: dict[str, str], objection: str
) -> None:
    found = said(name, template, **values)
    assert any(line.startswith("error") and objection in line for line in found), found


def test_a_rule_that_could_not_be_confirmed_is_a_warning() -> None:
    (found,) = said("wechat_subscribe", Template("见${a}"), a="{trait:item|" + "很" * 21 + "}")
    assert found == "warning: variable 'a': 21 characters, at most 20 (unverified)"


@pytest.mark.parametrize("opt_out", OPT_OUTS)
def test_an_opt_out_is_added_and_never_written(opt_out: str) -> None:
    template = Template(f"尊敬的会员您好，{opt_out}", "promotion")
    assert any("is added by kind: promotion" in line for line in said("aliyun", template))


def test_the_customer_service_window_and_wecom_carry_a_promotion() -> None:
    assert said("wechat_customer_service", KIND) == said("wecom", KIND) == []


def test_a_file_is_held_against_the_providers_of_its_channels_at_the_line_of_the_text() -> None:
    text = """
providers: [tencent, wechat_template]
playbooks:
- name: a
  steps:
  - {channel: sms, template_key: hi}
  - {channel: sms, template_key: hi, wait: 1d}
  - {channel: call, template_key: script, wait: 1d}
templates:
  hi: {text: 您的优惠券已到账}
  script: {text: 问候，介绍优惠券}
  unused: {text: 召回}
"""
    found = findings(read_playbooks(playbooks_source(text, "p.yaml"), Known()))
    assert [str(finding) for finding in found] == [
        "p.yaml:10:14: error: hi at tencent: a notice may not advertise: '优惠'",
        "p.yaml:10:14: error: hi at tencent: the word '优惠券' is forbidden",
    ]


@pytest.mark.parametrize(
    ("trait", "category"),
    [
        ("phone", "contact address"),
        ("mobilePhone", "contact address"),
        ("home_address", "contact address"),
        ("wx_openid", "contact address"),
        ("ID-card", "identity document"),
        ("身份证号", "identity document"),
        ("is_pregnant", "health"),
        ("过敏史", "health"),
        ("religion", "religion"),
        ("last_gps_location", "whereabouts"),
        ("bank_card_no", "financial account"),
        ("child_name", "minors"),
        ("faceprint", "biometrics"),
        ("last_course", ""),
        ("favourite_item", ""),
        ("birthday", ""),
        ("plan", ""),
        ("city", ""),
        ("acquisition_source", ""),
        ("gender", ""),
    ],
)
def test_what_is_sensitive_is_known_by_its_name(trait: str, category: str) -> None:
    assert sensitive_category(trait) == category
