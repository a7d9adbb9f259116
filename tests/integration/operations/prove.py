"""Each fault brings its alert, and only it, within two minutes; and the worker names the cause.

    python -m tests.integration.operations.prove [FAULT …]

A deployment of its own, live: two workers, a learner and a sender on a Kafka that may be killed,
under a Prometheus with the shipped rules that scrapes every five seconds. One fault after the
other; before each everything is quiet.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError

from benchmarks import figures
from benchmarks.prove import say
from benchmarks.stand import WINBACK, Stand, Worker
from models.roster_records import SERVING
from streams.runtime.embedded.fixture import EmbeddedKafka
from tests.prometheus_tools import ROOT, Prometheus, free_port

WITHIN_S: Final = 120.0
ONLY_S: Final = 20.0
QUIET_WITHIN_S: Final = 900.0
EVENTS_PER_S: Final = 40
USERS: Final = 200
GARBAGE: Final = 8_000
ACTIVITY: Final = "user-activity"


class Deployment:
    """What can be broken, and mended."""

    def __init__(self, kafka: EmbeddedKafka, folder: Path) -> None:
        self.kafka = kafka
        self.stand = Stand(
            kafka.bootstrap, folder, session_timeout_s=6, sender_state=folder, data_dir=folder
        )
        self.stand.run("topics", "apply")
        self.ports = {"w1": free_port(), "w2": free_port(), "learner": free_port()}
        self.ports["sender"] = free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for name in self.ports:
            self.start(name)

    def start(self, name: str) -> None:
        """Start a process, on its own port."""
        words = {
            "learner": ("run", "--role", "learner"),
            "sender": ("sender", "--channel", "console"),
        }
        port = str(self.ports[name])
        environ = self.stand.environ | {"WINBACK_WEB_PORT": port, "WINBACK_SENDER_WEB_PORT": port}
        with (self.stand.directory / f"{name}.log").open("ab") as out:
            self.processes[name] = subprocess.Popen(
                [WINBACK, *words.get(name, ("run", "--role", "pipeline"))],
                env=environ, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip

    def end(self, name: str) -> None:
        """Kill a process."""
        self.processes[name].kill()
        self.processes[name].wait()

    def page(self, name: str, path: str) -> str:
        """Return a page of a process; empty when it does not answer."""
        reader = Worker.__new__(Worker)
        reader.port = self.ports[name]
        return reader.page(path) or ""

    def publish(self, topic: str, records: list[tuple[bytes, bytes]]) -> None:
        """Publish records with their keys."""
        producer = KafkaProducer(bootstrap_servers=self.kafka.bootstrap)
        for key, value in records:
            producer.send(topic, value, key=key)
        producer.flush(30)
        producer.close()


class Fault(NamedTuple):
    """Something that breaks.

    Attributes:
        alerts: What is to fire.
        breaks: Breaks it.
        mends: Mends it again.
        told: Process whose /health/explain is to name the alert; empty = none can.
    """

    alerts: frozenset[str]
    breaks: Callable[[Deployment], Any]
    mends: Callable[[Deployment], Any]
    told: str = ""


def _garbage(it: Deployment) -> None:
    it.publish(ACTIVITY, [(b"user-%d" % (number % USERS), b"{") for number in range(GARBAGE)])


def _stop_one(it: Deployment) -> None:
    it.processes["w1"].send_signal(signal.SIGSTOP)


def _start_again(it: Deployment, name: str) -> None:
    it.end(name)
    it.start(name)


FAULTS: Final[dict[str, Fault]] = {
    "sender-down": Fault(
        frozenset({"WinbackRoleDown"}), lambda it: it.end("sender"), lambda it: it.start("sender")
    ),
    "worker-stuck": Fault(
        frozenset({"WinbackProcessDown"}), _stop_one, lambda it: _start_again(it, "w1")
    ),
    "poison-input": Fault(
        frozenset({"WinbackInputHeld"}), _garbage,
        lambda it: it.stand.run("control", "resume-input", ACTIVITY), "w1",
    ),
    "broker-gone": Fault(
        frozenset({"WinbackKafkaAway"}), lambda it: it.kafka.kill(), lambda it: it.kafka.start(),
        "w1",
    ),
    "model-forged": Fault(
        frozenset({"WinbackModelRefused"}),
        lambda it: it.publish("churn-models", [(SERVING.encode(), b'{"signature": "mine"}')]),
        lambda _it: None,
    ),
}  # fmt: skip
"""By name, in an order in which none leaves traces for the next."""


def feed(it: Deployment, is_over: threading.Event) -> None:
    """Publish what people do, at a steady rate, whatever happens to Kafka."""
    chance, number = random.Random(1), 0
    while not is_over.is_set():
        try:
            producer = KafkaProducer(bootstrap_servers=it.kafka.bootstrap)
            while not is_over.wait(1 / EVENTS_PER_S):
                number, user = number + 1, f"user-{chance.randrange(USERS)}"
                event = {"event_id": f"e{number}", "user_id": user, "event": "view",
                         "event_time": int(time.time() * 1e3)}  # fmt: skip
                producer.send(ACTIVITY, json.dumps(event).encode(), key=user.encode())
        except KafkaError:
            is_over.wait(1.0)


def firing(prometheus: Prometheus) -> set[str]:
    """Return the names of the alerts that fire."""
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    return {rule["name"] for rule in rules if rule.get("state") == "firing"}


def wait_quiet(prometheus: Prometheus) -> None:
    """Return when all targets answer, all partitions are owned, and nothing fires."""
    end = time.monotonic() + QUIET_WITHIN_S
    is_well = "sum(up) == 4 and sum(winback_ready) == 3 and sum(winback_live) == 3"
    while firing(prometheus) or not prometheus.values(is_well):
        assert time.monotonic() < end, f"it does not become quiet: {firing(prometheus)}"
        time.sleep(2.0)


def tried(name: str, it: Deployment, prometheus: Prometheus) -> tuple[float, str]:
    """Break something, and return after how many seconds it was told, and what was wrong then."""
    fault = FAULTS[name]
    wait_quiet(prometheus)
    began_s = time.monotonic()
    fault.breaks(it)
    seen: set[str] = set()
    while not seen and time.monotonic() - began_s < WITHIN_S:
        time.sleep(1.0)
        seen |= firing(prometheus)
    passed_s = time.monotonic() - began_s
    explained = it.page(fault.told, "/health/explain") if fault.told else ""
    end_s = time.monotonic() + ONLY_S
    while time.monotonic() < end_s:
        seen |= firing(prometheus)
        time.sleep(1.0)
    fault.mends(it)
    wrong = "" if seen == fault.alerts else f"fired: {sorted(seen) or 'nothing'}"
    if fault.told and not any(alert in explained for alert in fault.alerts):
        wrong += f" not explained: {explained!r}"
    return passed_s, wrong


@contextmanager
def running(folder: Path) -> Iterator[tuple[Deployment, Prometheus]]:
    """Give a deployment under a Prometheus, and end all of it."""
    with ExitStack() as stack:
        it = Deployment(stack.enter_context(EmbeddedKafka()), folder)
        stack.callback(lambda: [it.end(name) for name in it.processes])
        roles = {"learner": "learner", "sender": "sender"}
        targets = {port: roles.get(name, "worker") for name, port in it.ports.items()}
        rules = ROOT / "deploy/prometheus/winback.rules.yml"
        prometheus = stack.enter_context(Prometheus(folder, targets, rules, every="5s"))
        is_over = threading.Event()
        feeder = threading.Thread(target=feed, args=(it, is_over), daemon=True)
        feeder.start()
        stack.callback(is_over.set)
        time.sleep(5.0)
        yield it, prometheus


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=", ".join(FAULTS))
    names = parser.parse_args().faults or list(FAULTS)
    latest_s, differing = 0.0, []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as (it, prometheus):
        for name in names:
            passed_s, wrong = tried(name, it, prometheus)
            say(f"{name:14} {passed_s:6.0f} s  {wrong or 'its alert, and only it'}")
            latest_s = max(latest_s, passed_s)
            differing += [name] * bool(wrong)
    note = ", ".join(names)
    figures.show([
        figures.record("alert_latest_s", latest_s, note=note),
        figures.record("alerts_differing", len(differing), note=note),
    ])  # fmt: skip
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
