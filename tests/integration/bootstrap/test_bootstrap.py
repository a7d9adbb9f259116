"""A new deployment gets a past, and goes on in the live topic: nothing lacks, nothing twice."""

import asyncio
import gzip
import json
import sys
from pathlib import Path

import pytest

from tests.integration.bootstrap.deployment import Deployment

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

DATA = Path(__file__).parents[3] / "data" / "cdnow.csv.gz"
ROWS, ENDS_AT, TOPIC_FROM = 4_000, 3_000, 2_501
"""The history has rows 1 to 3,000, the topic 2,501 to 4,000; ids are file name and row."""
DYING = (sys.executable, str(Path(__file__).with_name("dying.py")))
RULES = "churn: {horizon: 12d, min_active_days: 2}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("past")
    with gzip.open(DATA, "rt", encoding="utf-8") as file:
        lines = [line for line, _ in zip(file, range(ROWS + 1), strict=False)]
    for name, end in (("whole", ROWS), ("history", ENDS_AT)):
        (folder / name).mkdir()
        (folder / name / "log.csv").write_text("".join(lines[: end + 1]))
    (folder / "rules.yaml").write_text(RULES)
    return folder


def deployed(kafka: str, folder: Path, **settings: str) -> Deployment:
    own = {"RULES": str(folder / "rules.yaml"), "PARTITIONS": "2", **settings}
    return Deployment(kafka, folder, **own)


def test_a_killed_bootstrap_then_the_topic_equals_reading_it_all(kafka: str, folder: Path) -> None:
    """With a frozen model the states are those of a worker that read all from the topic."""
    history, whole = (str(folder / name / "log.csv") for name in ("history", "whole"))
    frozen = str(folder / "model.json")
    reference = deployed(kafka, folder)
    reference.said("replay", history, "--learn", "--save-model", frozen, "--quiet")
    reference.env["WINBACK_MODEL_FILE"] = frozen
    reference.said("feed", whole, "--quiet")
    reference.live()

    young = deployed(kafka, folder, MODEL_FILE=frozen)
    young.said("feed", whole, "--from-row", str(TOPIC_FROM), "--quiet")
    killed = young.run("4", "bootstrap", history, program=DYING)
    assert killed.returncode == -9, killed.stderr
    early = young.run("run", "--role", "pipeline")
    assert early.returncode != 0
    assert "has not ended" in early.stderr
    told = json.loads(young.said("bootstrap", history, "--json"))
    assert told["was_resumed"]
    assert (told["events"], told["known"]) == (ENDS_AT, ENDS_AT - TOPIC_FROM + 1)
    assert sum(told["borders"].values()) == told["known"]
    assert young.run("bootstrap", history).returncode == 2  # It has a state by now.
    young.live()
    assert young.said("state", "export") == reference.said("state", "export")
    records = asyncio.run(young.records()), asyncio.run(reference.records())
    assert {each.watermark_ms for each in records[0].values()} == {
        each.watermark_ms for each in records[1].values()
    }


def test_models_are_learned_and_served(kafka: str, folder: Path) -> None:
    """What is learned in the past is what workers follow, and what a learner goes on from."""
    young = deployed(kafka, folder)
    history = str(folder / "history" / "log.csv")
    killed = young.run("3", "bootstrap", history, program=DYING)
    assert killed.returncode == -9, killed.stderr
    told = json.loads(young.said("bootstrap", history, "--anew", "--json"))
    assert (told["events"], told["was_resumed"]) == (ENDS_AT, False)
    assert told["examples_learned"] > 100
    served = json.loads(young.said("models", "list", "--json"))
    assert served["examples"] == told["examples_learned"], served


def test_what_could_lose_or_double_an_event_is_refused(kafka: str, folder: Path) -> None:
    """Other ids than in the history: only an instant says where the topic begins."""
    young = deployed(kafka, folder)
    renamed = folder / "renamed.csv"
    renamed.write_text((folder / "history" / "log.csv").read_text())
    young.said("feed", str(folder / "whole" / "log.csv"), "--quiet")
    refused = young.run("bootstrap", str(renamed))
    assert refused.returncode == 2
    assert "--until" in refused.stderr
    until = renamed.read_text().splitlines()[TOPIC_FROM].split(",")[1]
    told = json.loads(young.said("bootstrap", str(renamed), "--anew", "--until", until, "--json"))
    assert 0 < told["known"] == told["events"] < TOPIC_FROM
    assert not told["behind"]
