"""Template rules: each provider objects to what its documentation forbids, and to nothing else."""

import pytest

from winback_sender.law.rules import CARRIES
from winback_sender.law.shipped import SHIPPED
from winback_sender.law.template_rules import Template, objections, opt_outs, submission

KIND = Template("尊敬的会员，您的会员服务一切如常", "promotion")
SMS = [name for name, channel in CARRIES.items() if channel == "sms"]


def said(name: str, template: Template, **values: str) -> list[str]:
    return [f"{found.level}: {found.what}" for found in objections(template, name, values)]


@pytest.mark.parametrize("name", CARRIES)
def test_a_kind_notice_is_carried_by_everybody(name: str) -> None:
    assert said(name, Template("您的申请我们已收到，会尽快处理。")) == []


@pytest.mark.parametrize("name", SMS)
def test_a_promotion_of_member_care_is_carried_by_sms_and_ends_with_the_providers_opt_out(
    name: str,
) -> None:
    assert said(name, KIND) == []
    assert submission(KIND, name).endswith(f"，{SHIPPED.value(name, 'opt_out')[0]}")


FOUR = {"aliyun", "tencent", "huawei", "qiniu"}


@pytest.mark.parametrize(
    ("word", "category", "providers"),
    [
        ("召回", "用户召回", FOUR),
        ("拉新", "用户拉新", FOUR),
        ("问卷", "问卷调查", FOUR),
        ("调查", "问卷调查", FOUR),
        ("优惠券", "优惠券类推广", FOUR - {"aliyun"}),
        ("积分兑换", "积分兑换", FOUR - {"qiniu"}),
        ("积分领取", "积分兑换", FOUR - {"qiniu"}),
    ],
)
def test_words_of_categories_that_providers_do_not_carry(
    word: str, category: str, providers: set[str]
) -> None:
    refused = f"error: the word '{word}' is forbidden: category {category}"
    found = {name for name in CARRIES if refused in said(name, Template(f"请看{word}说明"))}
    assert found == providers


@pytest.mark.parametrize("name", CARRIES)
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
    (found,) = said("tencent", Template("见${a}"), a="很" * 7)
    assert found == "warning: variable 'a': 7 characters, at most 6 (unverified)"


@pytest.mark.parametrize(
    ("name", "values", "objection"),
    [
        ("huawei", {"a": "很" * 21}, "21 characters, at most 20"),
        ("huawei", {"a": "第1.5章"}, "may not have '.'"),
        ("wechat_subscribe", {"thing1": "很" * 21}, "21 characters, at most 20"),
        ("wechat_subscribe", {"phrase2": "很好很好很好"}, "6 characters, at most 5"),
        ("aliyun", {"a": "鞋👟"}, "no emoji"),
        ("tencent", {"a": "★会员"}, "the sign '★'"),
        ("qiniu", {"a": "www.a.cn"}, "may not carry a link"),
    ],
)
def test_a_value_that_a_provider_does_not_take(
    name: str, values: dict[str, str], objection: str
) -> None:
    (found, *_) = said(name, Template("您好"), **values)
    assert found.startswith("error")
    assert objection in found


def test_rare_han_characters_are_characters() -> None:
    assert said("tencent", Template("见${a}"), a="𠮷䶮") == []


@pytest.mark.parametrize("opt_out", opt_outs())
def test_an_opt_out_is_added_and_never_written(opt_out: str) -> None:
    template = Template(f"尊敬的会员您好，{opt_out}", "promotion")
    assert any("is added by kind: promotion" in line for line in said("aliyun", template))


def test_the_customer_service_window_and_wecom_carry_a_promotion() -> None:
    assert said("wechat_customer_service", KIND) == said("wecom", KIND) == []
