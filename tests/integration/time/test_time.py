"""Five topics on a real Kafka: one six hours late, one idle, one hostile, and a backlog of days."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from streams.core.partitioner import partition_of
from streams.core.time import DAY_MS, HOUR_MS, MINUTE_MS
from streams.runtime.ticks import now_ms
from tests.integration.control.deployment import PARTITIONS, Deployment, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

RULES = """
mode: live
kinds: [view, purchase]
churn: {horizon: 9d, min_active_days: 2}
lateness: 1s
holdout: {share: 0.0}
contact:
  consent_default: denied
  quiet_hours: {start: "00:00", end: "00:00"}
  caps: []
channels:
  sms: {class: message, hours: always}
playbooks:
  - name: care
    steps: [{channel: sms, template_key: care_a, expires: 30d}]
"""
TOPICS = {
    "pay": "lateness: 1s", "orders": "lateness: 6h", "crm": "lateness: 1h, idle_after: 2s",
    "web": "lateness: 1s",
}  # fmt: skip
SILENT, BACK, BOUGHT = "silent", "back", "bought"
"""Who has been silent for longer than the backstop; who came back; whose purchase says so late."""


class Company(Deployment):
    """A deployment with four topics of a company beside ours."""

    def __init__(self, bootstrap: str, directory: Path) -> None:
        super().__init__(bootstrap, directory, RULES)
        app_id = self.env["WINBACK_APP_ID"]
        self.names = {topic: f"{app_id}-{topic}" for topic in TOPICS}
        self.names["own"] = self.env["WINBACK_TOPIC_ACTIVITY"]
        self.env["WINBACK_CLOCK"] = "wall"
        lines = [
            f"  {self.names[topic]}: {{format: winback, keyed_by: user, {how}}}\n"
            for topic, how in TOPICS.items()
        ]
        self.rules.write_text(f"{RULES}inputs:\n{''.join(lines)}")
        client = KafkaAdminClient(bootstrap_servers=bootstrap)
        client.create_topics({
            self.names[topic]: {"num_partitions": PARTITIONS, "replication_factor": 1}
            for topic in TOPICS
        })  # fmt: skip
        client.close()
        self.producer = KafkaProducer(bootstrap_servers=bootstrap)
        self.sent = 0

    def tell(
        self, topic: str, user: str, at_ms: int, event: str = "view", arrived_ms: int = 0,
        partition: int | None = None, **properties: Any,
    ) -> None:  # fmt: skip
        """Write one event, as if it had arrived then."""
        self.sent += 1
        body = {
            "event_id": f"{user}-{self.sent}", "user_id": user, "event": event,
            "event_time": at_ms, "properties": properties,
        }  # fmt: skip
        self.write(topic, user, json.dumps(body).encode(), arrived_ms or at_ms, partition)

    def write(
        self, topic: str, user: str, value: bytes, at_ms: int, partition: int | None = None
    ) -> None:
        """Write one record."""
        where = partition_of(user, PARTITIONS) if partition is None else partition
        self.producer.send(
            self.names[topic], value, key=user.encode(), timestamp_ms=at_ms, partition=where
        )

    def doctor(self) -> tuple[int, dict[str, Any]]:
        """Return what the doctor says, and its exit code."""
        code, said, complaints = self.winback("doctor", "--json")
        assert said, complaints
        return code, json.loads(said)


@pytest.fixture
def company(kafka: str, tmp_path: Path) -> Iterator[Company]:
    made = Company(kafka, tmp_path)
    yield made
    made.producer.close()
    made.kill()


def people(kind: str) -> list[str]:
    return [f"{kind}-{number}" for number in range(12)]


def live(company: Company, now: int) -> None:
    """Write three weeks of life; what the orders say has arrived six hours after that."""
    consented = now - 20 * DAY_MS
    for user in [*people(SILENT), *people(BACK), *people(BOUGHT)]:
        company.tell("crm", user, consented, "consent_changed", channel="sms", granted=True)
    for day in range(19, 8, -1):
        for number, user in enumerate([*people(SILENT), *people(BACK), *people(BOUGHT)]):
            at_ms = now - day * DAY_MS + number * MINUTE_MS
            topic = ("own", "pay", "orders", "web")[(day + number) % 4]
            late_ms = 6 * HOUR_MS if topic == "orders" else 0
            company.tell(topic, user, at_ms, arrived_ms=at_ms + late_ms)
    for number, user in enumerate(people(SILENT)):  # From here on they are gone: due a day ago.
        company.tell("own", user, now - 7 * DAY_MS + number * MINUTE_MS)
    for user in people(BACK):
        company.tell("own", user, now - 2 * HOUR_MS)
    for user in people(BOUGHT):
        company.tell("orders", user, now - 7 * HOUR_MS, "purchase", arrived_ms=now - HOUR_MS)
    keep_up(company, now)


def keep_up(company: Company, now: int) -> None:
    """Let somebody do something on every partition of the topics that are alive."""
    for topic, late_ms in (("own", 0), ("pay", 0), ("web", 0), ("orders", 6 * HOUR_MS)):
        for number in range(40):
            company.tell(topic, f"busy-{number}", now - late_ms, arrived_ms=now)


def attack(company: Company, now: int) -> None:
    """Write what a broken producer writes: garbage, the future, the past, and all of it twice."""
    for user in [*people(SILENT), *people(BACK)]:
        for _ in range(2):
            company.write("web", user, b"{not json", now - DAY_MS)
            company.sent = 1_000_000 + hash(user) % 1000
            company.tell("web", user, now + 9 * DAY_MS, arrived_ms=now - DAY_MS)
            company.tell("web", user, 978_307_200_000, arrived_ms=now - DAY_MS)


def test_nobody_is_written_to_too_late_and_the_doctor_says_who_holds_the_timers(
    company: Company,
) -> None:
    now = now_ms()
    live(company, now)
    attack(company, now)
    company.producer.flush()
    (worker,) = company.start()
    wait_for(lambda: len(company.touches()) >= len(people(SILENT)), worker.words)

    touched = sorted(touch["user_id"] for touch in company.touches())
    assert touched == sorted(people(SILENT)), "all who are gone, once, and nobody who came back"
    decided = company.records("DECISIONS")
    assert any(made.get("reason") == "catching_up" for made in decided)
    assert not company.touches("touch.revoked")

    def idle(part: dict[str, Any]) -> set[str]:
        return {clock["clock"] for clock in part["clocks"] if clock["is_idle"]}

    def is_calm() -> bool:  # Read to the end, and what is silent has been so for two seconds.
        return all(
            part["held_by"].endswith("orders") and idle(part)
            for part in company.doctor()[1]["partitions"]
        )

    wait_for(is_calm, worker.words)
    code, said = company.doctor()
    assert (code, said["healthy"], said["workers"]) == (0, True, {"pipeline": 1})
    for part in said["partitions"]:
        assert 6 * 3600 <= part["behind_s"] <= 6 * 3600 + 60
        assert "orders is 6 h" in part["why"]
        assert f"holds the timers of partition {part['partition']}" in part["why"]
        assert idle(part) == {company.names["crm"]}
    reasons = {name.split()[0] for name in said["dead_letters"]}
    assert reasons == {"not_decodable", "future", "too_old"}
    assert 'winback_clock_idle{clock="' in worker.page("metrics")

    company.tell("web", "elsewhere", now_ms(), partition=(partition_of("elsewhere", 4) + 1) % 4)
    company.producer.flush()
    worker.stop()
    code, said = company.doctor()
    wrong = {(each["where"], each["next"]) for each in said["findings"] if each["level"] == "wrong"}
    assert code == 1
    assert ("role pipeline", "winback run --role pipeline") in wrong
    assert any("keyed_by: anything" in cure for _, cure in wrong)
