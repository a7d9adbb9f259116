"""The rules of a scenario: those of the simulation, and what the scenario changes."""

from typing import Any, Final

import yaml

from streams.simulation.scenario import Scenario

BASE: Final = """
mode: live
kinds: [purchase, complaint]
lateness: 10m
holdout: {share: 0.1, salt: simulation}
alert: {probability: 0.5, exit: 0.3, elevated: 0.25, examples_min: 0}
contact:
  consent_default: denied
  caps: [{touches: 1, per: 1d}, {touches: 3, per: 14d}]
  quiet_hours: {start: "21:00", end: "09:00"}
  zone: Asia/Shanghai
channels:
  sms: {hours: {start: "08:00", end: "20:00"}}
  call: {hours: {start: "08:00", end: "20:00"}}
money: {currency: CNY, minor_units: 100}
playbooks:
  - name: care
    close_after: 2d
    steps:
      - {channel: sms, template_key: care_greeting, expires: 1d}
      - {channel: wechat, template_key: care_benefit, wait: 36h, expires: 1d}
      - {channel: call, template_key: care_call, wait: 2d, expires: 1d}
"""


def sections_of(scenario: Scenario) -> dict[str, Any]:
    """Return the rules file of a scenario, as YAML reads it."""
    sections: dict[str, Any] = yaml.safe_load(BASE)
    sections["churn"] = {"horizon": f"{scenario.horizon_days:g}d", "min_active_days": 4}
    return sections | (yaml.safe_load(scenario.rules) or {})


def written(sections: dict[str, Any]) -> str:
    """Return a rules file as text."""
    return yaml.safe_dump(sections, sort_keys=False, allow_unicode=True)
