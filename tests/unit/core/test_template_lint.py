"""Templates of a file of playbooks are held against the law, each at its line."""

import pytest

from streams.core.playbooks_compile import Known
from streams.core.playbooks_file import playbooks_source, read_playbooks
from streams.core.sensitive import sensitive_category
from streams.core.template_lint import findings


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
    assert [(one.line, one.column, one.level, one.provider, one.rule) for one in found] == [
        (10, 14, "error", "tencent", "winback.advertising"),
        (10, 14, "error", "tencent", "tencent.forbidden_categories"),
    ]
    assert str(found[1]) == (
        "p.yaml:10:14: error: hi at tencent: the word '优惠券' is forbidden: "
        "category 优惠券类推广; say it in words of care and service [tencent.forbidden_categories, "
        "https://cloud.tencent.com/document/product/382/39023, 2025-06-17]"
    )


def test_an_offer_or_a_purpose_that_says_what_is_not_carried_is_found_where_it_stands() -> None:
    text = """
providers: [tencent]
playbooks:
- name: a
  purpose: recall
  steps:
  - {channel: sms, template_key: hi, offer: {kind: coupon}}
  - {channel: wecom, template_key: hi, wait: 1d, offer: {kind: coupon}}
"""
    found = findings(read_playbooks(playbooks_source(text, "p.yaml"), Known()))
    assert [(one.line, one.column, one.level) for one in found] == [
        (7, 5, "error"),
        (7, 38, "error"),
    ]
    assert [one.what for one in found] == [
        "'recall' says that it is of the category 用户召回, which is not carried",
        "'coupon' says that it is of the category 优惠券类推广, which is not carried",
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
