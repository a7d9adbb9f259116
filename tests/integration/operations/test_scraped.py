"""A real Prometheus scrapes a real deployment, and whatever the dashboards ask it for is there.

One deployment for all: worker, learner and sender; three months of sixty users are fed to it while
it is scraped.
"""

import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from kafka import KafkaProducer

from streams.runtime.metrics import METRICS
from tests.prometheus_tools import ROOT, Prometheus, free_port
from tests.unit.replay import synthetic
from winback_sender.engine.metrics import METRICS as OF_SENDERS

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

WINBACK = (sys.executable, "-c", "from streams.cli import main; main()")
TOPICS = (
    "ACTIVITY", "TOUCHES", "FEEDBACK", "DECISIONS", "EXAMPLES", "MODELS", "DEAD_LETTERS", "JOURNAL",
    "CONTROL", "IDENTITY",
)  # fmt: skip
RULES = """
mode: live
churn: {horizon: 8d, min_active_days: 2}
alert: {examples_min: 100}
contact: {consent_default: granted, zone: UTC}
holdout: {share: 0.3, salt: test}
"""
PATIENCE_S = 120.0
OPEN_METRICS = "application/openmetrics-text;version=1.0.0"
BOARDS = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))


class Scraped(NamedTuple):
    """A deployment at work, and who scrapes it.

    Attributes:
        prometheus: It has seen everything.
        ports: By role.
    """

    prometheus: Prometheus
    ports: dict[str, int]

    def page(self, role: str, path: str, accept: str = "*/*") -> tuple[int, str]:
        """Return a page of a process, and its status."""
        asked = Request(f"http://127.0.0.1:{self.ports[role]}{path}", None, {"Accept": accept})
        try:
            with urlopen(asked, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()


def wait(what: str, is_so: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            if is_so():
                return
        except OSError:
            pass
        assert time.monotonic() < end, what
        time.sleep(0.25)


@pytest.fixture(scope="module")
def scraped(embedded_kafka: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    folder, name = tmp_path_factory.mktemp("scraped"), f"scraped-{uuid4().hex[:8]}"
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    ports = {role: free_port() for role in ("worker", "learner", "sender")}
    clean = {key: text for key, text in os.environ.items() if not key.startswith("WINBACK_")}
    topics = {f"WINBACK_TOPIC_{topic}": f"{name}-{topic.lower()}" for topic in TOPICS}
    env = {
        **clean, **topics, "WINBACK_KAFKA_BOOTSTRAP": embedded_kafka.bootstrap,
        "WINBACK_APP_ID": name, "WINBACK_RULES": str(folder / "rules.yaml"),
        "WINBACK_CLOCK": "event", "WINBACK_MODEL_KEY": "m" * 20, "WINBACK_ID_KEY": "i" * 20,
        "WINBACK_SENDER_STATE": str(folder),
    }  # fmt: skip
    roles = {
        "worker": ("run", "--role", "pipeline"), "learner": ("run", "--role", "learner"),
        "sender": ("sender", "--channel", "console"),
    }  # fmt: skip
    command(env, "topics", "apply")
    rules = ROOT / "deploy/prometheus/winback.rules.yml"
    targets = {port: role for role, port in ports.items()}
    with ExitStack() as stack:
        for role, words in roles.items():
            port = str(ports[role])
            own = env | {"WINBACK_WEB_PORT": port, "WINBACK_SENDER_WEB_PORT": port}
            stack.enter_context(process(own, folder / f"{role}.log", *words))
        found = Scraped(stack.enter_context(Prometheus(folder, targets, rules)), ports)
        for role in ("worker", "learner", "sender"):
            wait(f"{role} ready", lambda role=role: found.page(role, "/health/ready")[0] == 200)
        wait("scraped", lambda: found.prometheus.values("sum(up)") == [3.0])
        log = synthetic.log(folder / "log.csv", synthetic.rows(60, 90))
        command(env, "feed", "--quiet", log)
        producer = KafkaProducer(bootstrap_servers=embedded_kafka.bootstrap)
        producer.send(topics["WINBACK_TOPIC_ACTIVITY"], b"{oops", key=b"bob")
        producer.close()
        is_read = "sum(winback_lag_records) == 0 and sum(winback_pending_records) == 0"
        for sign in (
            "sum(winback_records_rejected_total) > 0", is_read,
            "sum(winback_experiment_episodes_total) > 0", "sum(winback_model_quality) > 0",
            "sum(winback_sender_touches_total) > 0", "sum(winback_feedback_total) > 0", is_read,
        ):  # fmt: skip
            wait(sign, lambda sign=sign: found.prometheus.values(sign))
        time.sleep(3)  # Rates need two scrapes more, and rules one.
        yield found


def command(env: dict[str, str], *words: str) -> None:
    done = subprocess.run(
        [*WINBACK, *words], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


class process:  # noqa: N801 (it is used as a function)
    """A process for as long as it is needed, its words in a file."""

    def __init__(self, env: dict[str, str], log: Path, *words: str) -> None:
        with log.open("wb") as out:
            self._process = subprocess.Popen([*WINBACK, *words], env=env, stdout=out, stderr=out)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def queries(board: Path) -> list[tuple[str, str]]:
    """Return title and query of every panel, as Grafana would ask it for the last five minutes."""
    panels = json.loads(board.read_text("utf-8"))["panels"]
    return [
        (panel["title"], target["expr"].replace("$__rate_interval", "1m"))
        for panel in panels for target in panel.get("targets", ())
    ]  # fmt: skip


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_every_panel_has_data(scraped: Scraped, board: Path) -> None:
    found = {(title, expr): scraped.prometheus.values(expr) for title, expr in queries(board)}
    empty = [asked for asked, values in found.items() if not any(map(math.isfinite, values))]
    assert found
    assert not empty


def test_what_the_catalogue_has_is_on_the_page_and_nothing_else(scraped: Scraped) -> None:
    for role, catalogue in (("worker", METRICS), ("learner", METRICS), ("sender", OF_SENDERS)):
        page = scraped.page(role, "/metrics")[1]
        shown = set(re.findall(r"^# TYPE (winback_\w+) ", page, re.MULTILINE))
        assert shown == set(map(str, catalogue)), role


def test_a_touch_can_be_followed_from_its_exemplar(scraped: Scraped) -> None:
    """From the picture to the touch: that is what exemplars are for."""
    seen = scraped.prometheus.ask(
        "query_exemplars", query="winback_touch_seconds_bucket",
        start=str(time.time() - 600), end=str(time.time()),
    )  # fmt: skip
    ids = {one["labels"]["touch_id"] for series in seen for one in series["exemplars"]}
    assert ids
    assert all(re.fullmatch(r"[A-Za-z0-9]{32}", touch_id) for touch_id in ids)


def test_no_rule_is_broken_and_nothing_needs_anybody(scraped: Scraped) -> None:
    groups = scraped.prometheus.ask("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 30
    assert not [rule["lastError"] for rule in rules if rule.get("lastError")]
    firing = {rule["name"] for rule in rules if rule.get("state") == "firing"}
    assert firing <= {"WinbackTouchesSlow", "WinbackInputRejected"}, "three months in a minute"


def test_a_scrape_is_small(scraped: Scraped) -> None:
    for role in scraped.ports:
        page = scraped.page(role, "/metrics", OPEN_METRICS)[1]
        series = [line for line in page.splitlines() if not line.startswith("#")]
        assert len(series) < 1_000, role


def test_it_explains_itself(scraped: Scraped) -> None:
    status, said = scraped.page("worker", "/health/explain")
    assert status == 200
    assert said.startswith("Alive, ready. It owns partitions 0, 1, 2, 3; everything is read.")
