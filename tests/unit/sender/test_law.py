"""The channel law: rules are typed and cited, hours are the user's, changes are told."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback_sender.documents.faults import RulesRefused
from winback_sender.documents.strict import faults_in
from winback_sender.law.at_send import is_marketing
from winback_sender.law.changes import changed_law
from winback_sender.law.hours import earliest_ms, opens_daily, rules_of
from winback_sender.law.kinds import kind_of
from winback_sender.law.page import page
from winback_sender.law.rules import CARRIES, FREE, OURS, Rule, country_of
from winback_sender.law.shipped import SHIPPED
from winback_sender.law_file import law_at

ROOT = Path(__file__).parents[3]
MINUTE_MS = 60_000
DAY_MS = 1_440 * MINUTE_MS
EVERYBODY = (*CARRIES, *FREE)
CHANNELS = ("sms", "call", "wechat", "wecom", "email")
ZONES = ("Asia/Shanghai", "Asia/Urumqi", "America/New_York", "Europe/Paris", "Pacific/Apia",
         "Australia/Lord_Howe", "", "Mars/Base", "../etc/passwd")  # fmt: skip

every_rule = pytest.mark.parametrize("rule", SHIPPED.rules.values(), ids=lambda rule: rule.id)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000)


def first(provider: str, at: str, zone: str = "Asia/Shanghai", channel: str = "sms") -> str:
    """Return the local time from which on marketing may go out."""
    at_ms = earliest_ms(provider, channel, zone, ms(at), SHIPPED)
    return datetime.fromtimestamp(at_ms / 1_000, ZoneInfo(zone or "Asia/Shanghai")).strftime(
        "%d %H:%M"
    )


@every_rule
def test_a_rule_says_what_its_kind_allows_and_where_it_is_written(rule: Rule) -> None:
    kind = kind_of(rule.kind)
    assert kind is not None
    plain = msgspec.to_builtins(rule.value)
    assert list(faults_in(plain, kind.of)) == []
    assert rule.source.url
    datetime.strptime(rule.source.read, "%Y-%m-%d").replace(tzinfo=UTC)
    assert rule.of in SHIPPED.names


@pytest.mark.parametrize("name", CARRIES)
def test_every_provider_with_rules_says_what_its_templates_need(name: str) -> None:
    assert SHIPPED.value(name, "needs")


def test_the_page_of_the_law_is_current() -> None:
    assert (ROOT / "docs/channel-law.md").read_text(encoding="utf-8") == page(), "make docs"


def test_provider_and_country_have_to_allow_the_hour() -> None:
    assert first("huawei", "2026-01-10T20:30+08:00") == "11 08:00", "Huawei would, China does not"
    assert first("aliyun", "2026-01-10T12:00+08:00") == "10 12:00"
    assert first("qiniu", "2026-01-10T07:59+08:00") == "10 08:00"
    assert first("qiniu", "2026-01-10T20:00+08:00") == "11 08:00", "the end is not in it"
    assert first("wecom", "2026-01-10T03:00+08:00", channel="wecom") == "10 03:00", "no rule"


def test_the_clock_is_that_of_the_user() -> None:
    at = "2026-01-10T20:30-05:00"
    assert first("call_list", at, "America/New_York", "call") == "10 20:30"
    assert first("call_list", "2026-01-10T21:00-05:00", "America/New_York", "call") == "11 08:00"
    assert first("call_list", at, "Asia/Shanghai", "call") == "11 09:30"


def test_where_the_law_is_not_known_the_strictest_holds() -> None:
    assert country_of("Europe/Paris") == ""
    assert first("aliyun", "2026-01-10T20:30+01:00", "Europe/Paris") == "11 08:00"
    for zone in ("", "Mars/Base"):
        found = earliest_ms("aliyun", "sms", zone, ms("2026-01-10T20:30+08:00"), SHIPPED)
        assert found == ms("2026-01-11T08:00+08:00")


def test_a_clock_that_is_put_forward_wakes_nobody() -> None:
    """New York, 8 March 2026: 02:00 becomes 03:00; the morning comes an hour earlier."""
    found = earliest_ms(
        "call_list", "call", "America/New_York", ms("2026-03-08T01:30-05:00"), SHIPPED
    )
    assert found == ms("2026-03-08T08:00-04:00")


@given(
    st.sampled_from(EVERYBODY), st.sampled_from(CHANNELS), st.sampled_from(ZONES),
    st.integers(0, 40 * 365 * 1_440),
)  # fmt: skip
def test_what_is_allowed_is_within_every_window_and_never_before(
    provider: str, channel: str, zone: str, minute: int
) -> None:
    at_ms = minute * MINUTE_MS
    found = earliest_ms(provider, channel, zone, at_ms, SHIPPED)
    assert at_ms <= found <= at_ms + 2 * DAY_MS
    assert earliest_ms(provider, channel, zone, found, SHIPPED) == found
    try:
        clock = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        clock = ZoneInfo("Asia/Shanghai")
    local = datetime.fromtimestamp(found / 1_000, clock).strftime("%H:%M")
    for rule in rules_of(provider, channel, zone, SHIPPED):
        start, end = rule.value.split("-")
        assert start <= local < end, rule.id


def test_hours_without_a_common_minute_never_open() -> None:
    assert opens_daily(("08:00-20:00", "19:00-24:00"))
    assert not opens_daily(("08:00-12:00", "12:00-20:00"))


@pytest.mark.parametrize(
    ("purpose", "kind", "is_so"),
    [("member_care", "notice", True), ("member_care", "", True), ("service", "", False),
     ("service", "notice", False), ("service", "promotion", True), ("", "", True)],
)  # fmt: skip
def test_what_is_not_known_to_be_a_service_is_marketing(
    purpose: str,
    kind: str,
    is_so: bool,  # noqa: FBT001  # a column
) -> None:
    assert is_marketing(purpose, kind, SHIPPED) == is_so


CHANGE = "changes:\n- {{rule: {}, {}, reason: ours, by: li, since: 2026-05-01}}\n"


def test_an_operator_changes_a_rule_and_it_says_so() -> None:
    law = changed_law(CHANGE.format("tencent.value_max", "value: 12"), "law.yaml")
    rule = law.rules["tencent.value_max"]
    assert (rule.value, rule.verified) == (12, True)
    assert rule.change is not None
    assert (rule.change.was, rule.change.place) == (6, "law.yaml:2")
    assert (
        "tencent.value_max"
        not in changed_law(CHANGE.format("tencent.value_max", "lifted: true"), "law.yaml").rules
    )
    new = changed_law(CHANGE.format("webhook.hours", 'value: "09:00-18:00"'), "law.yaml")
    assert earliest_ms(
        "webhook", "email", "Asia/Shanghai", ms("2026-01-10T20:00+08:00"), new
    ) == ms("2026-01-11T09:00+08:00")
    assert law_at("") is SHIPPED


@pytest.mark.parametrize(
    ("rule", "what", "complaint"),
    [
        ("tencent.valu_max", "value: 1", "did you mean 'value_max'?"),
        ("tencnt.value_max", "value: 1", "did you mean 'tencent'?"),
        ("tencent.value_max", "value: 0", "Expected `int` >= 1"),
        ("qiniu.hours", 'value: "8-20"', "local time, such as 08:00-20:00"),
        ("aliyun.caps", "value: [{touches: 1, per: 1 day}]", "such as 30s, 24h, 7d"),
        ("tencent.value_max", "lifted: true, value: 3", "give one of them"),
        ("tencent.value_max", "lifted: false", "give one of them"),
        ("email.hours", "lifted: true", "no rule 'email.hours' that could be lifted"),
        ("winback.zone", "value: Asia/Peking", "there is no time zone 'Asia/Peking'"),
        ("qiniu.hours", 'value: "21:00-23:00"', "it leaves no hour of a day"),
    ],
)
def test_a_change_that_cannot_be_is_told_with_its_place(
    rule: str, what: str, complaint: str
) -> None:
    with pytest.raises(RulesRefused) as refusal:
        changed_law(CHANGE.format(rule, what), "law.yaml")
    assert str(refusal.value).startswith("law.yaml:2:")
    assert complaint in str(refusal.value)


def test_the_changes_of_the_docs_can_be_used() -> None:
    text = (ROOT / "docs/channel-law.md").read_text(encoding="utf-8")
    law = changed_law(text.split("```yaml\n")[1].split("```")[0], "docs")
    assert [rule.id for rule in law.rules.values() if rule.change] == ["tencent.value_max"]
    assert "baidu.opt_out" not in law.rules


def test_a_change_needs_a_reason_and_all_faults_are_told_at_once() -> None:
    text = CHANGE.format("tencent.valu_max", "value: 1") + "- {rule: qiniu.hours, lifted: true}\n"
    with pytest.raises(RulesRefused) as refusal:
        changed_law(text, "law.yaml")
    said = str(refusal.value).splitlines()
    assert [line.split(": ")[0] for line in said] == ["law.yaml:2:10", *["law.yaml:3:3"] * 3]
    assert any("missing required field `reason`" in line for line in said)


def test_ours_are_there_whoever_carries() -> None:
    assert SHIPPED.of([OURS])
