"""Rules files: defaults, and complaints that say where and what to do."""

import pytest

from streams.core.rules import Meaning
from streams.core.rules_file import RulesRefused, horizon_override, parse_rules
from streams.core.time import DAY_MS


def test_an_empty_file_is_a_whole_set_of_rules() -> None:
    rules = parse_rules("")
    assert rules.churn.horizon_ms == 30 * DAY_MS
    assert not rules.contact.is_consent_assumed, "unknown consent is a no unless the rules say so"
    assert [step.channel for step in rules.playbooks[0].steps] == ["wechat", "sms", "call"]
    assert rules.meanings["refund"] is Meaning.REFUND


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("churn:\n  horizon: soon\n", "r.yaml:2: 'soon' is not a span of time"),
        ("alert:\n  probability: 1.5\n", "r.yaml:2: Expected `float` <= 1.0"),
        ("alert:\n  exit: 0.9\n", "r.yaml:1: exit and elevated must not be above"),
        ("chrun: {}\n", "r.yaml:1: Object contains unknown field `chrun`"),
        ("contact:\n  zone: Mars/Base\n", "r.yaml:2: 'Mars/Base' is no IANA time zone"),
        ("contact:\n  caps:\n    - {touches: 1, per: 90d}\n", "r.yaml:3: a cap's window"),
        ("playbooks:\n- name: a\n  steps: []\n", "r.yaml:3: Expected `array` of length >= 1"),
        ("playbooks:\n- name: a\n  steps:\n  - channel: sms\n", "missing required field"),
        ("events: {purchase: [a], refund: [a]}\n", "has two meanings"),
        ("a: [\n", "r.yaml:2: not YAML"),
        ("- 1\n", "r.yaml:1: Expected `object`, got `array`"),
        ("contact: {quiet_hours: {start: '25:00'}}\n", "is not a time of day"),
        ("contact: {consent_default: perhaps}\n", "denied or granted"),
        ("churn: {activity: some}\n", "a list of event names"),
        ("churn: {horizon: 10m}\n", "at least 1h"),
        ("alert: {backstop: 40d}\n", "between 0 and the horizon"),
        ("holdout: {share: 0.005}\n", "a holdout is 0 or at least 0.01"),
    ],
)
def test_a_complaint_names_file_line_and_fault(text: str, complaint: str) -> None:
    with pytest.raises(RulesRefused) as refused:
        parse_rules(text, "r.yaml")
    assert complaint in str(refused.value)


def test_the_hash_follows_what_state_depends_on_and_nothing_else() -> None:
    base = parse_rules("").hash
    assert parse_rules("holdout: {share: 0.5}").hash == base
    assert parse_rules("churn: {horizon: 60d}").hash != base
    assert parse_rules("kinds: [a, b]").hash != base


def test_another_horizon_brings_its_own_spans() -> None:
    rules = horizon_override(parse_rules(""), 90 * DAY_MS)
    assert rules.alert.backstop_ms == 60 * DAY_MS
    assert rules.carry_over_ms == 90 * DAY_MS
