"""A whole deployment on a secured Kafka: each role is a user, who may just do his work."""

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from click.testing import CliRunner
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from streams.cli import winback
from tests.security.broker import SecuredKafka, super_user
from winback_sender.cluster import Cluster
from winback_sender.errors import UserError
from winback_sender.kafka_security import cluster_of
from winback_sender.settings import load_sender_settings

WINBACK: Final = (sys.executable, "-c", "from streams.cli import main; main()")
KIT_SENDER: Final = (
    sys.executable, str(Path(__file__).parents[1] / "integration/sender/kit_sender.py"),
)  # fmt: skip
BY_CERTIFICATE: Final = frozenset({"learner", "feeder"})
"""These come by a certificate, the others by user and password."""
ROLES: Final = (
    "pipeline", "learner", "router", "sender", "operator", "letters", "feeder", "eraser", "reader",
    "migrator", "init",
)  # fmt: skip
PATIENCE_S: Final = 60.0
ORDERS: Final = "app.orders"
RULES: Final = f"""
mode: live
kinds: [view, complaint]
churn: {{horizon: 8d, min_active_days: 2}}
holdout: {{share: 0.0}}
contact:
  consent_default: granted
  quiet_hours: {{start: "00:00", end: "00:00"}}
  caps: []
channels:
  sms: {{class: message, hours: always}}
playbooks:
  - name: sorry
    match: {{triggers: [complaint]}}
    steps:
      - {{channel: sms, template_key: care_apology, expires: 3650d}}
inputs:
  {ORDERS}:
    format: json
    keyed_by: anything
    idle_after: 3s
    event: $.type
    id: $.order
    user: $.customer
    time: {{path: $.at, unit: ms}}
    map:
      - {{event: order_paid, as: purchase, name: order_paid, amount: $.total}}
      - {{event: logged_in, as: link, anonymous: $.device}}
"""
START_MS: Final = 1_700_000_000_000
HOUR_MS: Final = 3_600_000

_DECISION: Final = re.compile(
    r"Principal = User:(?P<who>\S+) is (?P<verdict>Allowed|Denied) operation = (?P<operation>\w+) "
    r"from host = \S+ on resource = (?P<kind>\w+):(?P<pattern>\w+):(?P<name>\S+) "
    r"for request = (?P<request>\w+)"
)


class Decision(NamedTuple):
    """What the broker's authorizer has decided once."""

    who: str
    is_allowed: bool
    operation: str
    kind: str
    name: str
    request: str


class Said(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    words: str


class World:
    """Users, rules, commands and workers.

    Attributes:
        passwords: By role.
        words: What commands have said.
        decided: What the broker has decided on the work of the roles.
    """

    def __init__(self, kafka: SecuredKafka, directory: Path) -> None:
        self.kafka, self.directory = kafka, directory
        self.passwords = {role: f"{role}-{secrets.token_hex(12)}" for role in ROLES}
        self.rules = directory / "rules.yaml"
        self.rules.write_text(RULES)
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.words: list[Said] = []
        self.decided: set[Decision] = set()
        kafka.add_users({f"winback-{role}": text for role, text in self.passwords.items()})
        with super_user(kafka.plain) as client:
            client.create_topics({ORDERS: {"num_partitions": 3, "replication_factor": 1}})

    def environ(self, role: str, **more: str) -> dict[str, str]:
        """Return the settings of a role; "" is the super user, who comes in plain text."""
        name = f"winback-{role}"
        if not role:
            come = {"WINBACK_KAFKA_BOOTSTRAP": self.kafka.bootstrap}
        elif role in BY_CERTIFICATE:
            come = self.kafka.certified(name, self.passwords[role])
        else:
            come = self.kafka.settings(name, self.passwords[role])
        return {
            **come, "WINBACK_RULES": str(self.rules), "WINBACK_CLOCK": "event",
            "WINBACK_WEB_PORT": "0", "WINBACK_SENDER_WEB_PORT": "0",
            "WINBACK_SENDER_STATE": str(self.directory), "WINBACK_SESSION_TIMEOUT_S": "3",
            "WINBACK_LOG_LEVEL": "debug", "CALLS": str(self.directory / "calls.txt"), **more,
        }  # fmt: skip

    def cluster(self, role: str) -> Cluster:
        """Return the cluster as a role sees it."""
        return cluster_of(load_sender_settings(self.environ(role))[0])

    def winback(self, role: str, *words: str, **more: str) -> Said:
        """Run a command here; its settings are a role's."""
        gone: Mapping[str, str | None] = {
            name: None for name in os.environ if name.startswith("WINBACK_")
        }
        done = CliRunner().invoke(
            winback, words, env={**gone, **self.environ(role, **more)}, standalone_mode=False
        )
        if isinstance(done.exception, UserError):
            text = f"{done.exception.message}\n  {done.exception.hint}"
            return Said(done.exception.exit_code, done.stdout, text)
        if done.exception is not None:
            raise done.exception
        return Said(int(done.return_value or 0), done.stdout, done.stderr)

    def start(self, role: str, command: tuple[str, ...] = ()) -> None:
        """Start a worker."""
        with self.log(role).open("wb") as log:
            self.workers[role] = subprocess.Popen(
                command or (*WINBACK, "run", "--role", role), stdout=log, stderr=log,
                env={**_clean(os.environ), **self.environ(role)},
            )  # fmt: skip

    def log(self, role: str) -> Path:
        return self.directory / f"{role}.log"

    def told(self) -> str:
        """Return the end of what each worker has said."""
        return "\n".join(self.log(role).read_text()[-2000:] for role in self.workers)

    def wait_for(self, is_so: Callable[[], object]) -> None:
        """Return when something is so, while the workers work."""
        end_s = time.monotonic() + PATIENCE_S
        while not is_so():
            ended = [role for role, worker in self.workers.items() if worker.poll() is not None]
            assert not ended, self.told()
            assert time.monotonic() < end_s, self.told()
            time.sleep(0.2)

    def end(self) -> None:
        """End the workers, in good order if they like."""
        for worker in self.workers.values():
            worker.terminate()
        for role, worker in self.workers.items():
            assert worker.wait(20) == 0, self.log(role).read_text()[-3000:]

    def kill(self) -> None:
        for worker in self.workers.values():
            worker.kill()
            worker.wait()

    def log_decisions(self) -> None:
        """Have the broker write every decision of its authorizer to its log."""
        with super_user(self.kafka.plain) as client:
            logger = ConfigResource(
                ConfigResourceType.BROKER_LOGGER, "1", {"kafka.authorizer.logger": "DEBUG"}
            )
            client.alter_configs([logger], incremental=True)

    def decisions(self) -> Iterator[Decision]:
        """Yield what the authorizer has decided since."""
        text = (self.kafka.directory / "kafka.log").read_text(errors="replace")
        for found in _DECISION.finditer(text):
            yield Decision(
                found["who"], found["verdict"] == "Allowed", found["operation"], found["kind"],
                found["name"], found["request"],
            )  # fmt: skip

    def publish(self, *records: tuple[str, bytes, bytes]) -> None:
        """Write records (topic, key, value) as others do, on partition 0."""
        producer: Any = KafkaProducer(**self.kafka.plain.options())
        for topic, key, value in records:
            producer.send(topic, value, key, partition=0)
        producer.flush()
        producer.close()

    def complaints(self) -> Path:
        """Return a log of users who look at things on three days, and then complain."""
        rows = [
            f"user-{number},{START_MS + day * 30 * HOUR_MS + number},{event},"
            for day, event in enumerate(("view", "view", "view", "complaint"))
            for number in range(12)
        ]
        path = self.directory / "log.csv"
        path.write_text("user_id,ts,event,amount\n" + "\n".join(rows) + "\n")
        return path


@contextmanager
def secured_world(directory: Path) -> Iterator[World]:
    """Give a world; what it has started ends with it."""
    with SecuredKafka(directory) as kafka:
        world = World(kafka, directory)
        try:
            yield world
        finally:
            world.kill()


def order(number: int, kind: str = "order_paid", **more: object) -> bytes:
    """Return a record of the company's own topic."""
    body = {"type": kind, "order": f"o{number}", "customer": f"user-{number}",
            "at": START_MS + number, "total": 12.5, **more}  # fmt: skip
    return json.dumps(body).encode()


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in environ.items() if not name.startswith("WINBACK_")}
