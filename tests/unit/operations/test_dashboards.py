"""The dashboards are those of the code, whole, and each panel says how to read it."""

import json
import re
from itertools import combinations
from typing import Any

import pytest
import yaml

from deploy.grafana.source.__main__ import BOARDS, FOLDER, pages
from deploy.grafana.source.panels import Board
from tests.prometheus_tools import ROOT

GRAFANA = ROOT / "deploy/grafana"
RULES = (ROOT / "deploy/prometheus/winback.rules.yml").read_text("utf-8")
ALERTS = set(re.findall(r"alert: (\w+)", RULES))


def panels(board: Board) -> list[dict[str, Any]]:
    made = json.loads((FOLDER / f"{board.uid}.json").read_text("utf-8"))
    return [panel for panel in made["panels"] if panel["type"] != "row"]


def test_the_files_are_written_from_the_code_and_no_other_is_there() -> None:
    found = {path: path.read_text("utf-8") for path in FOLDER.glob("*.json")}
    assert found == pages(), "run `make docs`"


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_no_panel_lies_on_another_and_none_is_wider_than_the_page(board: Board) -> None:
    places = [panel["gridPos"] for panel in panels(board)]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        is_above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert is_beside or is_above, (one, other)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_every_panel_says_how_to_read_it_and_asks_the_chosen_prometheus(board: Board) -> None:
    for panel in panels(board):
        assert panel["description"].endswith("."), panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_every_alert_is_named_where_one_sees_it() -> None:
    text = "".join(pages().values())
    named = set(re.findall(r"Winback[A-Z]\w+", text))
    assert named <= ALERTS
    assert ALERTS - named == {"WinbackNotScraped"}, "where nothing is scraped nothing is seen"


def test_grafana_finds_them_where_it_is_told_to_look() -> None:
    (provider,) = yaml.safe_load(
        (GRAFANA / "provisioning/dashboards/winback.yaml").read_text("utf-8")
    )["providers"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    mounts = dict(mount.split(":")[:2] for mount in compose["services"]["grafana"]["volumes"])
    inside = mounts["./deploy/grafana"]
    assert provider["options"]["path"].startswith(inside)
    assert FOLDER.is_relative_to(GRAFANA)
