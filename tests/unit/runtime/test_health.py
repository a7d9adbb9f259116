"""The pages of health: what a probe is told, what a person is told, and what is alive."""

import asyncio
import json
import socket
import urllib.error
import urllib.request

import pytest
from faust.types import TP

from streams.core.input_fuse import FuseRecord
from streams.errors import Unavailable
from streams.runtime import wait_for_kafka
from streams.runtime.health import STUCK_AFTER_S, Health, HealthServer, Liveness
from streams.runtime.metrics import Metric, Metrics
from streams.runtime.troubles import Seen, Trouble, troubles_of
from streams.settings import Settings
from winback_sender.cluster import Cluster

PLACE, OTHER = TP("user-activity", 2), TP("user-activity", 3)
WELL = Health(
    is_ready=True, is_waiting=False, progress=1, facts={"partitions": [2]},
    summary="It owns partitions 2; everything is read.",
)  # fmt: skip
OPEN_METRICS = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"


def answers(
    health: Health,
    *paths: str,
    token: str = "",
    metrics: Metrics | None = None,
    accept: str = "*/*",
) -> list[tuple[int, str]]:
    """Ask a server for pages, one after the other."""

    def ask(port: int, path: str) -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", None, {"Accept": accept})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    async def story() -> list[tuple[int, str]]:
        server = HealthServer("127.0.0.1", 0, token, metrics or Metrics(), lambda: health)
        port = await server.start()
        try:
            return [await asyncio.to_thread(ask, port, path) for path in paths]
        finally:
            await server.stop()

    return asyncio.run(story())


def test_alive_and_ready_are_two_questions() -> None:
    """Who restores is alive, and gets no traffic; it must not be restarted for it."""
    restoring = WELL._replace(is_ready=False)
    assert answers(restoring, "/health/live", "/health/ready", "/health") == [
        (200, '{"live": true}'),
        (503, '{"ready": false}'),
        (503, json.dumps({"live": True, "ready": False, "partitions": [2]})),
    ]
    assert [status for status, _ in answers(WELL, "/health/live", "/health/ready")] == [200, 200]


def test_strangers_are_told_the_status_and_no_story() -> None:
    told = answers(WELL, "/health/live", "/health/explain", "/metrics", token="t" * 20)
    assert [status for status, _ in told] == [200, 401, 401]


def test_it_explains_itself_in_sentences() -> None:
    trouble = Trouble("WinbackKafkaAway", "The brokers do not answer.", "Look at Kafka.")
    (_, well), (status, ill) = answers(WELL, "/health/explain") + answers(
        WELL._replace(troubles=(trouble,)), "/health/explain"
    )
    assert status == 200
    assert well == (
        "Alive, ready. It owns partitions 2; everything is read.\n"
        "Nothing is wrong that this process knows of.\n"
    )
    assert ill.splitlines()[1] == (
        "WinbackKafkaAway: The brokers do not answer. Look at Kafka. "
        "See docs/runbook.md#winbackkafkaaway"
    )


def test_prometheus_gets_exemplars_and_whoever_asks_for_nothing_gets_plain_text() -> None:
    metrics = Metrics()
    metrics.observe_of(Metric.TOUCH_SECONDS, 0.3, touch_id="abc")
    ((_, open_text),) = answers(WELL, "/metrics", metrics=metrics, accept=OPEN_METRICS)
    ((_, plain),) = answers(WELL, "/metrics", metrics=metrics)
    assert 'winback_touch_seconds_bucket{le="0.3"} 1.0 # {touch_id="abc"} 0.3' in open_text
    assert open_text.endswith("# EOF\n")
    assert "touch_id" not in plain
    assert "process_resident_memory_bytes " in plain
    assert "_created" not in plain + open_text


def test_stillness_counts_only_while_something_waits() -> None:
    liveness = Liveness()
    waiting = WELL._replace(is_waiting=True)
    for now_s in (0.0, STUCK_AFTER_S + 1):
        liveness.is_live(waiting, now_s)
    assert liveness.still_s == STUCK_AFTER_S + 1
    liveness.is_live(WELL, STUCK_AFTER_S + 2)
    assert liveness.still_s == 0.0


FUSE = FuseRecord("user-activity", held_at=7, reason="not_decodable")
FACTS = {"rules": {"refused": "line 3"}, "schema_registry": {"away": "timed out"}}


@pytest.mark.parametrize(
    ("seen", "alerts"),
    [
        (Seen(), []),
        (Seen(lags={PLACE: 9}, lags_s={PLACE: 29.0}), []),
        (Seen(lags={PLACE: 9}, lags_s={PLACE: 61.0}), ["WinbackInputBehind"]),
        (Seen(still_s=31.0, lags_s={PLACE: 99.0}), ["WinbackStuck"]),
        (Seen(is_kafka_away=True, still_s=31.0, lags_s={PLACE: 99.0}), ["WinbackKafkaAway"]),
        (Seen(held={PLACE: FUSE}, lags_s={PLACE: 99.0}), ["WinbackInputHeld"]),
        (
            Seen(held={PLACE: FUSE}, lags_s={OTHER: 99.0}),
            ["WinbackInputHeld", "WinbackInputBehind"],
        ),
        (Seen(facts=FACTS), ["WinbackSchemaRegistryAway", "WinbackRulesRefused"]),
        (Seen(facts={"model": {"phase": "fallen_back"}}), ["WinbackModelFallenBack"]),
        (Seen(facts={"model": {"phase": "learned"}, "rules": {"refused": None}}), []),
        (Seen(fullest=(1, 0.95)), ["WinbackStateFull"]),
    ],
)
def test_a_cause_is_named_and_what_follows_from_it_is_not(seen: Seen, alerts: list[str]) -> None:
    assert [trouble.alert for trouble in troubles_of(seen)] == alerts


def test_who_waits_for_kafka_says_so_and_is_not_restarted_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered: list[tuple[int, str]] = []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def ask(path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def require(_cluster: Cluster) -> None:
        """Kafka is back when the pages have been read."""
        if not answered:
            answered.extend(map(ask, ("/health/live", "/health/ready", "/metrics")))
            raise Unavailable("still away")

    monkeypatch.setattr(wait_for_kafka, "BACK_OFF_S", 0.01)
    monkeypatch.setattr(wait_for_kafka, "require_reachable", require)
    settings = Settings(web_port=port)
    asyncio.run(wait_for_kafka.wait_until_back(settings, Cluster.plain("nowhere:1"), "pipeline"))
    assert [status for status, _ in answered] == [200, 503, 200]
    assert "\nwinback_kafka_away 1.0\n" in answered[2][1]
