"""What of the rules may change while users are known, and what takes a migration."""

import pytest

from streams.core.definition import definition_of, differing
from streams.core.rules_file import parse_rules
from winback_sender.documents.faults import RulesRefused

DEFAULT = parse_rules("")
MAY_CHANGE = [
    "mode: live",
    "churn: {min_active_days: 2}",
    "traits: [city]",
    "coverage: {outages: [{from: 2017-05-01, to: 2017-05-03}]}",
    "money: {currency: USD, tiers: {top: 0.2, low: 1.0}, rates: {EUR: 8}, stake_least: 5}",
    "budget: {touches_per_day: 10, calls_per_day: 1, every: 1h, zone: UTC, instant: 0.2}",
    "alert: {probability: 0.6, exit: 0.3, elevated: 0.2, cool_down: 9d, examples_min: 9}",
    "alert: {backstop: 9d}",
    "models: {promotion: manual}",
    "holdout: {share: 0.2, salt: other, window: 9d}",
    "carry_over: 9d",
    "contact: {consent_default: granted, caps: [{touches: 1, per: 2d}], zone: UTC}",
    "contact: {stale_after: 2d, unheard_after: 2d, opt_out: channel, uplift: {explore: 0.1}}",
    "channels: {sms: {cost: 1, hours: always}}",
    "playbooks: [{name: p, steps: [{channel: sms, template_key: t, expires: 1d}]}]",
    "lateness: 2m",
]
TAKE_A_MIGRATION = {
    "churn: {horizon: 21d}": "churn.horizon '30d', now '21d'",
    "churn: {activity: [login]}": "events",
    "kinds: [login]": "kinds 'purchase, refund', now 'login'",
    "traits_told_apart: [plan=pro]": "traits_told_apart '', now 'plan=pro'",
    "events: {purchase: [bought]}": "events",
    "money: {minor_units: 1}": "money.minor_units '100', now '1'",
    "grid_salt: other": "grid_salt 'grid', now 'other'",
}


@pytest.mark.parametrize("text", MAY_CHANGE)
def test_this_may_change_on_the_run(text: str) -> None:
    rules = parse_rules(text)
    assert rules != DEFAULT
    assert rules.hash == DEFAULT.hash
    assert definition_of(rules) == definition_of(DEFAULT)


@pytest.mark.parametrize(("text", "said"), TAKE_A_MIGRATION.items())
def test_this_takes_a_migration_and_is_named(text: str, said: str) -> None:
    rules = parse_rules(text)
    assert rules.hash != DEFAULT.hash
    assert differing(definition_of(DEFAULT), definition_of(rules)) == said


def test_every_section_of_a_rules_file_is_one_or_the_other() -> None:
    from streams.core.rules_schema import RulesFile  # noqa: PLC0415 (only here)

    said = {text.partition(":")[0] for text in (*MAY_CHANGE, *TAKE_A_MIGRATION)}
    assert said | {"version", "inputs"} == set(RulesFile.__struct_fields__)


def test_a_file_of_a_later_version_is_refused_with_its_number() -> None:
    with pytest.raises(RulesRefused, match=r"r\.yaml:1:10: .* 2.*needs a later winback"):
        parse_rules("version: 2\nmode: live", "r.yaml")
