"""A sender on a real Kafka: what it reads, what it reports, and what a kill -9 leaves behind."""

import re
import signal
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable
from random import Random
from threading import Event, Lock, Thread
from typing import Self

import pytest

from streams.core.time import HOUR_MS
from tests.integration.sender.deployment import (
    KIT_SENDER,
    WINBACK,
    Deployment,
    now_ms,
    requested,
    taken_back,
)
from tests.unit.sender.letters import START_MS
from winback_sender.adapters.function import FunctionAdapter
from winback_sender.cluster import Cluster
from winback_sender.contract.messages import Output, TouchRequested
from winback_sender.contract.words import Status
from winback_sender.engine import loop
from winback_sender.engine.worker import Sender
from winback_sender.errors import Exit
from winback_sender.receipt import Receipt
from winback_sender.settings import load_sender_settings

pytestmark = pytest.mark.kafka

Deploy = Callable[..., Deployment]
CONSOLE = (*WINBACK, "sender", "--channel", "console")


def until(is_so: Callable[[], bool], timeout_s: float = 30.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end_s, "not in time"
        time.sleep(0.02)


class Here:
    """A sender in a thread of this process."""

    def __init__(
        self, deployment: Deployment, deliver: Callable[[TouchRequested], Receipt]
    ) -> None:
        settings, own = load_sender_settings(deployment.environ)
        adapter = FunctionAdapter(deliver, name="here")
        cluster = Cluster.plain(settings.kafka_bootstrap)
        self.sender = Sender(settings, own, {"sms": adapter}, cluster)
        self._end = Event()
        self._thread = Thread(target=self.sender.run, args=(self._end.is_set,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(timeout=40)
        assert not self._thread.is_alive()

    def page(self, path: str) -> str:
        """Return a page; empty while nothing is served, or while it complains."""
        try:
            url = f"http://127.0.0.1:{self.sender.web_port}{path}"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""


def is_at_work(here: Here) -> bool:
    page = here.page("/metrics")
    return "partitions_owned 4.0" in page and "partitions_behind 0.0" in page


def touches(count: int, **at_ms: int) -> list[Output]:
    return [requested(f"t-{number}", f"user-{number}", **at_ms) for number in range(count)]


def test_a_replayed_log_is_printed_answered_and_reported(deploy: Deploy) -> None:
    deployment = deploy(WINBACK_CLOCK="event", WINBACK_SENDER_CONSOLE_ANSWER_RATE="0.4")
    deployment.publish(
        *touches(40, at_ms=START_MS),
        requested("t-bob", "bob", at_ms=START_MS, not_before_ms=START_MS + HOUR_MS),
        taken_back("t-bob", "bob", START_MS),
        requested("t-bob-2", "bob", at_ms=START_MS + HOUR_MS),
    )
    with deployment.running(CONSOLE) as process:
        said = deployment.said(42)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == Exit.OK

    by_touch = {event.touch_id: event for event in said}
    assert len(by_touch) == len(said) == 42
    bob = by_touch["t-bob"]
    assert (bob.status, bob.outcome, bob.reason) == ("failed", "unsent", "revoked")
    assert {"delivered", "replied"} <= {event.status for event in said}
    printed = (deployment.folder / "log.txt").read_text().splitlines()
    assert len([line for line in printed if "member user-" in line or "member bob" in line]) == 41


def test_kill_9_at_any_instant_sends_nothing_twice_and_loses_nothing(deploy: Deploy) -> None:
    """Two senders, killed in turn with touches under way, until all is told."""
    deployment, chance, count = (
        deploy(PAUSE_S="0.03", WINBACK_SENDER_PARALLEL="16"),
        Random(7),
        1_500,
    )
    deployment.publish(*touches(count))
    for life in range(3):
        calls = len(deployment.calls())
        with deployment.running(), deployment.running():
            until(lambda: len(deployment.calls()) >= calls + 30)  # noqa: B023 (at once)
            time.sleep(chance.random() * 0.1 * (life + 1))
    with deployment.running() as process:
        said = deployment.said(count, timeout_s=60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == Exit.OK

    calls_of = Counter(deployment.calls())
    assert max(calls_of.values()) == 1
    status = defaultdict(set)
    for event in said:
        status[event.touch_id].add(event.status)
    assert len(status) == count
    unknown = {name for name, words in status.items() if words == {"unknown"}}
    assert len(unknown) <= 3 * 2 * 16
    assert set(calls_of) | unknown == set(status)  # what is not sent was begun: it is unknown


def test_a_revocation_that_stands_behind_many_touches_is_seen_first(deploy: Deploy) -> None:
    deployment = deploy(PAUSE_S="0")
    deployment.publish(*touches(1_500))
    deployment.publish(*(taken_back(f"t-{number}", f"user-{number}") for number in range(1_500)))
    with deployment.running():
        said = deployment.said(1_500)
    assert {(event.status, event.reason) for event in said} == {("failed", "revoked")}
    assert deployment.calls() == []


def test_a_full_disk_ends_the_sender_and_the_next_one_goes_on(deploy: Deploy) -> None:
    deployment, count = deploy(PAUSE_S="0", WINBACK_LOG_LEVEL="error"), 1_200
    deployment.publish(*touches(count))
    with deployment.running(FILE_BYTES_MAX="400000") as process:
        assert process.wait(timeout=60) == Exit.FAILED
    said = (deployment.folder / "log.txt").read_text()
    assert "sqlite cannot be used" in said
    assert "Traceback" not in said
    assert 0 < len(deployment.calls()) < count

    with deployment.running():
        assert {event.touch_id for event in deployment.said(count)} == {
            f"t-{number}" for number in range(count)
        }
    assert max(Counter(deployment.calls()).values()) == 1


def test_what_was_not_committed_is_not_sent(deploy: Deploy) -> None:
    deployment = deploy()
    deployment.publish(requested("t-no", "ada"), transactional_id=f"{deployment.folder.name}-x")
    deployment.publish(requested("t-yes", "ada"))
    with deployment.running():
        assert [event.touch_id for event in deployment.said(1)] == ["t-yes"]
    assert deployment.calls() == ["t-yes"]


def test_another_journal_is_refused_until_it_is_adopted(deploy: Deploy) -> None:
    deployment = deploy(PAUSE_S="0")
    deployment.publish(*touches(20))
    with deployment.running():
        deployment.said(20)
        until(lambda: deployment.committed(group(deployment)) == 20)
    journal = deployment.folder / "other"
    command = (*WINBACK, "sender", "--channel", "sms=console", "--state", str(journal))
    with deployment.running(command) as process:
        assert process.wait(timeout=40) == Exit.FAILED
    assert "it does not know what was sent" in (deployment.folder / "log.txt").read_text()

    deployment.publish(requested("t-new", "ada"))
    with deployment.running((*command, "--adopt-journal")):
        assert len(deployment.said(21)) == 21


def group(deployment: Deployment) -> str:
    return f"{deployment.settings.app_id}-sender-sms"


def test_a_stop_finishes_what_is_under_way_and_begins_nothing(deploy: Deploy) -> None:
    deployment = deploy(PAUSE_S="0.5", WINBACK_SENDER_PARALLEL="8")
    deployment.publish(*touches(60))
    with deployment.running() as process:
        until(lambda: len(deployment.calls()) >= 8)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == Exit.OK
    called = deployment.calls()
    assert len(called) < 60
    assert {
        event.touch_id: event.status for event in deployment.said(len(called))
    } == dict.fromkeys(called, "accepted")


def test_what_is_under_way_ends_before_another_sender_takes_over(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "COMMIT_EVERY_S", 1e9)
    monkeypatch.setattr(loop, "AT_FIRST", 40)
    deployment = deploy()
    deployment.publish(*touches(40))
    calls: Counter[str] = Counter()
    lock = Lock()

    def deliver(touch: TouchRequested) -> Receipt:
        with lock:
            calls[touch.touch_id] += 1
        time.sleep(3.0)
        return Receipt(Status.ACCEPTED)

    with Here(deployment, deliver) as first:
        until(lambda: is_at_work(first) and len(calls) == 40)
        assert deployment.committed(group(deployment)) == 0
        with Here(deployment, deliver):
            until(lambda: deployment.committed(group(deployment)) == 40)
    assert {event.status for event in deployment.said(40)} == {"accepted"}
    assert set(calls.values()) == {1}
    assert len(calls) == 40


def test_fifty_milliseconds_a_touch_and_hundreds_of_touches_a_second(deploy: Deploy) -> None:
    """The figure of the benchmark is 1,000; this machine runs other tests beside."""
    deployment, count = deploy(), 900
    seen: list[tuple[float, TouchRequested]] = []
    busy: set[str] = set()
    lock = Lock()

    def deliver(touch: TouchRequested) -> Receipt:
        with lock:
            assert touch.user_id not in busy
            busy.add(touch.user_id)
            seen.append((time.monotonic(), touch))
        time.sleep(0.05)
        with lock:
            busy.remove(touch.user_id)
        return Receipt(Status.ACCEPTED)

    deployment.publish(
        *(requested(f"{number:04}", f"user-{number % 400}") for number in range(count))
    )
    with Here(deployment, deliver):
        until(lambda: len(seen) == count)
    assert count / (seen[-1][0] - seen[0][0]) > 300
    orders: defaultdict[str, list[str]] = defaultdict(list)
    for _, touch in seen:
        orders[touch.user_id].append(touch.touch_id)
    assert all(order == sorted(order) for order in orders.values())
    assert {event.status for event in deployment.said(count)} == {"accepted"}


def test_a_touch_is_on_its_way_soon_after_it_is_on_the_topic(deploy: Deploy) -> None:
    """The figure of the benchmark is 0.2 s at p99; this machine runs other tests beside."""
    deployment = deploy()
    with Here(deployment, lambda _touch: Receipt(Status.ACCEPTED)) as here:
        until(lambda: is_at_work(here))
        for number in range(10):
            deployment.publish(*(requested(f"{number}-{one}", f"user-{one}") for one in range(5)))
        assert len(deployment.said(50)) == 50
        page = here.page("/metrics")
    within = re.search(r'pickup_seconds_bucket\{le="0.5"\} ([0-9.]+)', page)
    assert within is not None
    assert float(within[1]) >= 45


def test_health_tells_a_sender_that_joins_from_one_that_works(deploy: Deploy) -> None:
    deployment = deploy()
    with Here(deployment, lambda _touch: Receipt(Status.ACCEPTED)) as here:
        until(lambda: '"ok"' in here.page("/health/live"))
        until(lambda: '"ok"' in here.page("/health/ready"))


def test_a_touch_that_expired_while_the_sender_was_away_is_told(deploy: Deploy) -> None:
    deployment = deploy()
    deployment.publish(requested("t-old", "ada", at_ms=now_ms() - 2 * HOUR_MS))
    with deployment.running(KIT_SENDER):
        (event,) = deployment.said(1)
    assert (event.status, event.outcome, event.reason) == ("failed", "unsent", "expired")
    assert deployment.calls() == []


def test_a_record_of_a_newer_contract_is_a_dead_letter_with_feedback(deploy: Deploy) -> None:
    deployment = deploy()
    key, value, headers = requested("t-new", "ada")
    newer = [(name, text) for name, text in headers if name != "ce_dataschema"]
    newer.append(("ce_dataschema", b"urn:winback:touch.requested:2"))
    deployment.publish(Output(key, value, newer), Output(key, b"{", []), requested("t-ok", "bob"))
    with deployment.running():
        said = {event.touch_id: event.reason for event in deployment.said(2)}
        dead = deployment.records(
            deployment.settings.topic_dead_letters, lambda found: len(found) == 2
        )
    assert said == {"t-new": "unknown_version", "t-ok": ""}
    assert sorted(dead, key=str) == sorted([value, b"{"], key=str)
