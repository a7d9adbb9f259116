"""``winback playbooks`` as somebody uses it who writes playbooks."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli import winback
from streams.errors import UserError

SHIPPED = Path(__file__).parents[3] / "deploy/playbooks"
OWN = """
playbooks:
- name: trouble
  match: {triggers: [refund]}
  purpose: service
  exit: [handled]
  steps: [{channel: sms, template_key: sorry, params: {n: a}}]
- name: care
  variants:
  - {name: x, share: 0.5, steps: [{channel: push, template_key: hello}]}
  - name: y
    share: 0.5
    steps:
    - {channel: wechat, template_key: hello}
    - {channel: push, template_key: hello, instead: true}
    - {channel: push, template_key: hello, wait: 3d}
templates:
  sorry: {text: "抱歉，${n}"}
  hello: {text: 会员您好}
"""
RULES = """
churn: {horizon: 8d, min_active_days: 3}
contact: {consent_default: granted, zone: UTC, caps: [{touches: 9, per: 30d}]}
holdout: {share: 0.2}
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.yaml").write_text(OWN, encoding="utf-8")
    Path("rules.yaml").write_text(RULES, encoding="utf-8")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(winback, ["playbooks", *arguments], standalone_mode=False)


def log() -> str:
    """Forty users come daily for ten days and are silent then; one of them takes money back."""
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    rows = ["user_id,ts,event,amount"]
    for day in range(31):
        at = (start + timedelta(days=day)).isoformat()
        rows += [f"u{n},{at},visit," for n in range(40) if day < 10]
        rows += [f"u0,{at},refund,3"] if day == 9 else []
        rows += [f"last,{at},visit,"]
    Path("log.csv").write_text("\n".join(rows), encoding="utf-8")
    return "log.csv"


def test_sound_playbooks_are_said_to_be_so_provider_by_provider() -> None:
    found = run("check", str(SHIPPED / "game.yaml"), "own.yaml")
    assert found.return_value == 0
    assert "game.yaml: 5 playbooks, 12 templates; aliyun ok, tencent ok" in found.output
    assert "own.yaml: 2 playbooks, 2 templates; aliyun ok" in found.output
    assert "wecom" not in found.output.splitlines()[-1], "it is not used there"


def test_everything_wrong_is_said_and_the_exit_code_says_of_which_kind() -> None:
    Path("bad.yaml").write_text("- {name: a, stepss: []}\n- {name: b}\n", encoding="utf-8")
    broken = run("check", "own.yaml", "bad.yaml")
    assert broken.return_value == 2
    assert "bad.yaml:1:13: unknown field `stepss`; did you mean 'steps'?" in broken.output
    assert "bad.yaml:2:3: neither steps nor variants" in broken.output
    assert "bad.yaml: cannot run, 2 faults" in broken.output

    Path("sold.yaml").write_text(OWN.replace("会员您好", "优惠券到了"), encoding="utf-8")
    sold = run("check", "sold.yaml")
    assert sold.return_value == 1
    assert "hello at wechat_template: a notice may not advertise: '优惠'" in sold.output
    assert "wechat_template 1 error" in sold.output
    assert "aliyun ok" in sold.output, "the text goes out by wechat and push alone"


def test_rules_lend_their_names_to_a_check() -> None:
    Path("kiosk.yaml").write_text(
        "- {name: a, steps: [{channel: kiosk, template_key: x}]}", encoding="utf-8"
    )
    Path("with.yaml").write_text("channels: {kiosk: {class: person}}", encoding="utf-8")
    assert run("check", "kiosk.yaml").return_value == 2
    assert run("check", "kiosk.yaml", "--rules", "with.yaml").return_value == 0


def test_a_check_can_be_read_by_a_machine() -> None:
    facts = json.loads(run("check", "own.yaml", "--json").output)
    assert facts["is_sound"]
    assert facts["playbooks"][0]["playbooks"][1]["variants"] == {"x": 0.5, "y": 0.5}
    Path("bad.yaml").write_text("- {name: a}", encoding="utf-8")
    (complaint,) = json.loads(run("check", "bad.yaml", "--json").output)["complaints"]
    assert (complaint["file"], complaint["line"], complaint["column"]) == ("bad.yaml", 1, 3)


def test_a_journey_is_shown_with_its_times_and_texts() -> None:
    shown = run("show", "own.yaml", "--name", "care").output
    assert "trouble" not in shown
    assert "triggers risk/silence" in shown
    assert "variant y, 50%" in shown
    assert "+3d    3. push    hello" in shown
    assert "only if the step before could not be sent" in shown
    assert "notice: 会员您好" in shown
    assert "+10d   closed as exhausted" in shown


def test_a_journey_is_drawn() -> None:
    drawn = run("show", "own.yaml", "--name", "care", "--mermaid").output
    assert drawn.startswith("flowchart TD\n")
    assert '  v1s0 -- "not sent" --> v1s1' in drawn
    assert '  v1s1 -- "wait 3d" --> v1s2' in drawn


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check", "no.yaml"], "the playbooks no.yaml cannot be read"),
        (["show", "own.yaml", "--name", "cares"], "own.yaml has no playbook 'cares'"),
        (["simulate", "no.yaml", "log.csv"], "the playbooks no.yaml cannot be read"),
        (["simulate", "own.yaml", "no.csv"], "no such file"),
        (["check", "own.yaml", "--rules", "no.yaml"], "the rules no.yaml cannot be read"),
    ],
)
def test_a_mistake_is_told_without_a_stack_trace(arguments: list[str], says: str) -> None:
    error = run(*arguments).exception
    assert isinstance(error, UserError)
    assert says in error.message


def test_own_playbooks_are_tried_on_an_own_log() -> None:
    facts = json.loads(
        run("simulate", "own.yaml", log(), "--rules", "rules.yaml", "--no-learn", "--json").output
    )
    trouble, care = facts["playbooks"]
    assert (trouble["users"], trouble["touches"] + trouble["withheld"]) == (1, 1)
    assert care["users"] == 39, "the one with the refund has an open case"
    assert care["touches"] + care["withheld"] > 39
    assert 0 < care["withheld"] < care["touches"]
    assert sum(step["touches"] for step in care["steps"]) == care["touches"]
    assert sum(care["days"].values()) == care["touches"]
    assert care["days"][care["peak_day"]] == care["peak"] == max(care["days"].values())
    assert {step["channel"] for step in care["steps"]} == {"push"}, "no window to WeChat is open"
    assert set(care["refused"]) == {"no_permission"}


def test_a_try_says_what_it_assumed() -> None:
    tried = run("simulate", str(SHIPPED / "ecommerce.yaml"), log(), "--no-learn", "-q").output
    assert "complaint: nobody" in tried
    assert "Everybody's consent was assumed: give your own rules with --rules." in tried
    assert (
        "assumed"
        not in run(
            "simulate", "own.yaml", log(), "--rules", "rules.yaml", "--no-learn", "-q"
        ).output
    )
