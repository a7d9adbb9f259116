"""Each alert comes when it should, alone, and has its place in the runbook."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from faust.types import TP

from streams.core.input_fuse import FuseRecord
from streams.runtime.troubles import BEHIND_S, FULL_SHARE, RUNBOOK, Seen, troubles_of
from tests.prometheus_tools import ROOT, tool
from tests.unit.operations.alert_stories import HEALTHY, STORIES, Firing, Labels, Story

RULES = ROOT / "deploy/prometheus/winback.rules.yml"
FOUND: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS = {(rule["alert"], rule["labels"]["severity"]): rule for rule in FOUND if "alert" in rule}
NAMES = sorted({name for name, _ in ALERTS})
TURNS = 5
"""Parts of the stories, so that all cores may tell them."""
PAGE = (ROOT / RUNBOOK).read_text(encoding="utf-8")


def annotations(name: str, labels: Labels) -> Labels:
    """Return what an alert says, with its labels filled in."""
    said: Labels = ALERTS[name, labels["severity"]]["annotations"]
    return {
        key: re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], text)
        for key, text in said.items()
    }


def expected(name: str, fires: list[Firing]) -> list[dict[str, Labels]]:
    return [
        {"exp_labels": labels, "exp_annotations": annotations(name, labels)}
        for other, labels in fires
        if other == name
    ]


def as_test(story: Story) -> dict[str, Any]:
    """Return a story as promtool takes it: of every alert is said whether it is there."""
    series = {name: values for name, values in {**HEALTHY, **story.seen}.items() if values}
    return {
        "name": story.name,
        "interval": story.interval,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {"eval_time": story.at, "alertname": name, "exp_alerts": expected(name, story.fires)}
            for name in NAMES
        ],
    }


def test_prometheus_takes_the_rules() -> None:
    done = subprocess.run(
        [tool("promtool"), "check", "rules", RULES], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(300)
@pytest.mark.parametrize("turn", range(TURNS))
@pytest.mark.parametrize("interval", sorted({story.interval for story in STORIES}))
def test_the_right_alert_comes_and_only_it(interval: str, turn: int, tmp_path: Path) -> None:
    """In every story of every alert is said whether it is there."""
    tests = [as_test(story) for story in STORIES[turn::TURNS] if story.interval == interval]
    file = tmp_path / "stories.yml"
    file.write_text(
        yaml.safe_dump(
            {"rule_files": [str(RULES)], "evaluation_interval": interval, "tests": tests}
        ),
        encoding="utf-8",
    )
    done = subprocess.run(
        [tool("promtool"), "test", "rules", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_fires_in_one_story_and_is_silent_in_another() -> None:
    fired = {(name, labels["severity"]) for story in STORIES for name, labels in story.fires}
    assert fired == ALERTS.keys()
    assert any(not story.fires for story in STORIES)


def test_every_alert_has_its_place_in_the_runbook_and_nothing_else_has() -> None:
    for (name, _), rule in ALERTS.items():
        assert rule["annotations"]["runbook_url"] == f"{RUNBOOK}#{name.lower()}"
    assert sorted(re.findall(r"^## (Winback\w+)$", PAGE, re.MULTILINE)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_whoever_is_woken_reads_what_it_means_and_what_to_do(name: str) -> None:
    text = PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    heads = re.findall(r"^\*\*(.+?)\.\*\*", text, re.MULTILINE)
    assert heads == ["What it means", "See", "Do", "Do not", "Leave it when"]


def test_every_trouble_that_a_worker_names_is_an_alert() -> None:
    place, other = TP("user-activity", 2), TP("user-activity", 3)
    facts = {
        "rules": {"refused": "line 3"}, "schema_registry": {"away": "timed out"},
        "model": {"phase": "fallen_back"},
    }  # fmt: skip
    seen = (
        Seen(held={place: FuseRecord("t", held_at=7, reason="r")},
             lags_s={other: 99.0}, fullest=(1, 1.0), facts=facts),
        Seen(still_s=40.0), Seen(is_kafka_away=True),
    )  # fmt: skip
    told = {trouble.alert for one in seen for trouble in troubles_of(one)}
    assert told <= set(NAMES)
    assert f"winback_lag_seconds > {BEHIND_S:.0f} " in ALERTS["WinbackInputBehind", "page"]["expr"]
    assert f"> {FULL_SHARE}" in ALERTS["WinbackStateFull", "ticket"]["expr"]
