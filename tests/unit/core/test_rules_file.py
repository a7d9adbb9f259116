"""Rules files: defaults, and complaints that say where and what to do."""

import pytest

from streams.core.meanings import Meaning
from streams.core.rules_file import horizon_override, parse_rules
from streams.core.time import DAY_MS
from winback_sender.documents.faults import RulesRefused


def test_an_empty_file_is_a_whole_set_of_rules() -> None:
    rules = parse_rules("")
    assert rules.churn.horizon_ms == 30 * DAY_MS
    assert not rules.contact.is_consent_assumed, "unknown consent is a no unless the rules say so"
    channels = [step.channel for step in rules.playbooks[0].variants[0].steps]
    assert channels == ["wechat", "sms", "sms", "call"]
    assert rules.meanings["refund"] is Meaning.REFUND
    assert rules.is_promotion_automatic
    assert not parse_rules("models: {promotion: manual}").is_promotion_automatic


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("churn:\n  horizon: soon\n", "r.yaml:2:12: 'soon' is not a span of time"),
        ("alert:\n  probability: 1.5\n", "r.yaml:2:16: Expected `float` <= 1.0"),
        ("alert:\n  exit: 0.9\n", "r.yaml:1:1: exit and elevated must not be above"),
        ("chrun: {}\n", "r.yaml:1:1: unknown field `chrun`; did you mean 'churn'?"),
        ("contact:\n  zone: Mars/Base\n", "r.yaml:2:9: 'Mars/Base' is no IANA time zone"),
        ("contact:\n  caps:\n    - {touches: 1, per: 90d}\n", "r.yaml:3:25: a cap's window"),
        ("playbooks:\n- name: a\n  steps: []\n", "r.yaml:3:3: no steps: give at least one"),
        ("playbooks:\n- name: a\n  steps:\n  - channel: sms\n", "missing required field"),
        ("events: {purchase: [a], refund: [a]}\n", "has two meanings"),
        ("a: [\n", "r.yaml:2:1: not YAML"),
        ("- 1\n", "r.yaml:1:1: Expected `object`, got `array`"),
        ("contact: {quiet_hours: {start: '25:00'}}\n", "is not a time of day"),
        (
            "contact: {consent_default: perhaps}\n",
            "r.yaml:1:28: 'perhaps' is unknown; there are: denied, granted",
        ),
        ("churn: {activity: some}\n", "a list of event names"),
        ("churn: {horizon: 10m}\n", "at least 1h"),
        ("alert: {backstop: 40d}\n", "between 0 and the horizon"),
        (
            "models:\n  promotion: never\n",
            "r.yaml:2:14: 'never' is unknown; there are: automatic, manual",
        ),
        (
            "coverage:\n  outages:\n  - {from: 2017-05-09, to: 2017-05-01}\n",
            "r.yaml:3:5: an outage ends",
        ),
        ("coverage:\n  outages:\n  - from: 2017-05-09\n", "missing required field `to`"),
        (
            "coverage:\n  outages:\n  - from: soon\n    to: 2017-05-09\n",
            "r.yaml:3:11: soon is no instant",
        ),
        (
            "coverage:\n  outages:\n  - from: 2017-05-01\n    to: 2017-05-09 10:00:00\n",
            "r.yaml:4:9: 2017-05-09 10:00:00 is no instant: write a day as in 2017-05-01, or",
        ),
        ("holdout: {share: 0.005}\n", "a holdout is 0 or at least 0.01"),
        (
            "kinds: [a, b, c, d,\n e, f,\n g]\n",
            "r.yaml:3:2: at most 6 kinds of events can be told apart",
        ),
        ("version: 1\nkinds: []\n", "r.yaml:2:1: name 1 to 6 kinds of events"),
        ("kinds:\n- a\n- ''\n", "r.yaml:3:3: the name of a kind of events is empty"),
        ("kinds:\n- a\n- b\n- a\n", "r.yaml:4:3: 'a' is there twice"),
        ("kinds:\n- a\n- traits_set\n", "r.yaml:3:3: event 'traits_set' is no activity"),
        ("churn: {activity: [a]}\nkinds: [b]\n", "r.yaml:2:9: event 'b' is no activity"),
        ("kinds: complaint\n", "r.yaml:1:8: Expected `array`, got `str`"),
        (
            "traits_told_apart:\n- plan=a\n- pro\n",
            "r.yaml:3:3: 'pro' is no trait: write name=value",
        ),
        ("traits_told_apart: ['=pro']\n", "r.yaml:1:21: '=pro' is no trait"),
        ("traits_told_apart: ['plan= ']\n", "r.yaml:1:21: 'plan= ' is no trait"),
        ("traits_told_apart:\n- plan=pro\n- plan = pro\n", "r.yaml:3:3: 'plan=pro' is there twice"),
        ("traits_told_apart: [a=1, b=1, c=1, d=1, e=1,\n f=1]\n", "r.yaml:2:2: at most 5 traits"),
        ("traits_told_apart:\n- {plan: pro}\n", "r.yaml:2:3: Expected `str`, got `object`"),
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
    assert parse_rules("traits_told_apart: [plan=pro]").hash != base
    assert parse_rules("traits: [plan]").hash == base
    assert parse_rules("models: {promotion: manual}").hash == base


def test_kinds_and_traits_beyond_the_default_widen_the_model() -> None:
    assert len(parse_rules("").columns) == len(parse_rules("kinds: [a]").columns) == 31
    assert len(parse_rules("kinds: [a, b, complaint]").columns) == 40
    rules = parse_rules("traits_told_apart: ['plan=pro=x', city = 京都]")
    assert rules.traits_told_apart == (("plan", "pro=x"), ("city", "京都"))
    assert len(rules.columns) == 40


def test_the_default_kinds_need_not_be_activity() -> None:
    """Whoever names what counts as activity has not spoken of kinds."""
    text = "churn: {activity: [login]}\nevents: {purchase: [bought], refund: [returned]}"
    assert parse_rules(text).churn.kinds == ("purchase", "refund")


def test_another_horizon_brings_its_own_spans() -> None:
    rules = horizon_override(parse_rules(""), 90 * DAY_MS)
    assert rules.alert.backstop_ms == 60 * DAY_MS
    assert rules.carry_over_ms == 90 * DAY_MS


def test_outages_are_days_or_instants_and_no_matter_of_the_hash() -> None:
    """A known outage is not a migration."""
    text = """
coverage:
  outages:
  - {from: 2017-05-01, to: 2017-05-03}
  - {from: 2017-06-01T08:00:00+08:00, to: null}
"""
    rules = parse_rules(text)
    may, june = 1_493_596_800_000, 1_496_275_200_000
    assert rules.outages == ((may, may + 2 * DAY_MS), (june, float("inf")))
    assert rules.hash == parse_rules("").hash
