"""The sender kit: touches a second with a provider that takes 50 ms, and topic to call.

    python -m benchmarks.sender [--touches 8000] [--rate 200] [--seconds 20]

The sender is a process of its own with the settings that it has by default; Kafka, the publisher
and the HTTP provider run beside it. Two providers: a function that sleeps, and one behind HTTP,
called with `httpx` as the adapters do. The calls are noted by the sender, with their instant; after
a run they are checked: each touch once, the touches of a user in order and never two at a time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from aiohttp import web
from kafka import KafkaProducer

from benchmarks import figures
from benchmarks.core_stages import BUILD
from benchmarks.stand import committed, cpu_seconds, free_port, wait_until
from streams.core.time import HOUR_MS, iso
from streams.runtime.embedded.fixture import EmbeddedKafka
from tests.unit.sender.letters import touch
from winback_sender.cluster import Cluster
from winback_sender.contract.messages import TouchRequested, cloud_event, to_json
from winback_sender.doorstep import admin_client
from winback_sender.http.calls import Calls
from winback_sender.kit import Deliver, Receipt, Status, serve

PROVIDER_S: Final = 0.05
PARTITIONS: Final = 4
USERS: Final = 3_000
TOPICS: Final = ("win-back", "win-back-feedback", "winback-dead-letters")


class Call(NamedTuple):
    """One call of the provider; instants in seconds since the epoch."""

    touch_id: str
    user_id: str
    begun_s: float
    ended_s: float


def sleeping(_touch: TouchRequested) -> Receipt:
    """Take as long as a provider does."""
    time.sleep(PROVIDER_S)
    return Receipt(Status.ACCEPTED)


def over_http(port: int) -> Deliver:
    """Return a deliverer for the provider behind a port."""
    calls = Calls("bench", f"http://127.0.0.1:{port}", 5.0, 128)

    def deliver(touch: TouchRequested) -> Receipt:
        body = msgspec.json.encode({"id": touch.touch_id, "template": touch.template_key})
        reply = calls.post("/send", body, headers={"content-type": "application/json"})
        return Receipt(Status.ACCEPTED, ref=reply.json(dict[str, str])["ref"])

    return deliver


def run_sender(port: int, log: Path) -> None:
    """Be the sender; the calls go to a file."""
    inner = over_http(port) if port else sleeping
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def deliver(touch: TouchRequested) -> Receipt:
        begun_s = time.time()
        receipt = inner(touch)
        os.write(out, f"{touch.touch_id} {touch.user_id} {begun_s} {time.time()}\n".encode())
        return receipt

    serve(deliver, channel="sms")


def run_provider(port: int) -> None:
    """Be the HTTP provider: 50 ms a call, as many at once as come."""

    async def send(request: web.Request) -> web.Response:
        said = await request.json()
        await asyncio.sleep(PROVIDER_S)
        return web.json_response({"ref": f"m-{said['id']}"})

    app = web.Application()
    app.router.add_post("/send", send)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


def publish(bootstrap: str, begin: int, count: int, rate: float) -> None:
    """Publish touches, at a rate per second; 0 = at once."""
    producer: Any = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=0 if rate else 5)
    begun_s = time.monotonic()
    for number in range(begin, begin + count):
        if rate:
            time.sleep(max(0.0, begun_s + (number - begin) / rate - time.monotonic()))
        name, user_id, now_ms = f"t-{number:07}", f"user-{number % USERS}", int(time.time() * 1e3)
        message = touch(name, user_id, not_before_ms=now_ms, expires_ms=now_ms + HOUR_MS)
        headers = cloud_event("touch.requested", name, "/bench", iso(now_ms), user_id)
        producer.send("win-back", key=user_id.encode(), value=to_json(message), headers=headers,
                      timestamp_ms=now_ms)  # fmt: skip
    producer.flush()
    producer.close()


@contextmanager
def process(*arguments: object, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run this module as another process; end it in order."""
    command = [sys.executable, "-m", "benchmarks.sender", *map(str, arguments)]
    running = subprocess.Popen(command, cwd=figures.ROOT, env=os.environ | environ)
    try:
        yield running
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(timeout=60)


def calls_in(log: Path) -> list[Call]:
    """Return the calls so far, in the order in which they ended."""
    rows = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
    return [Call(name, user, float(begun_s), float(end_s)) for name, user, begun_s, end_s in rows]


def demand_order(calls: list[Call]) -> None:
    """Check that nothing was sent twice, and the touches of a user one after the other."""
    assert len({call.touch_id for call in calls}) == len(calls), "sent twice"
    of_user: defaultdict[str, list[Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.begun_s):
        of_user[call.user_id].append(call)
    for line in of_user.values():
        names = [call.touch_id for call in line]
        assert names == sorted(names), "out of order"
        for first, second in pairwise(line):
            assert first.ended_s <= second.begun_s, "two touches of a user at a time"


class Bench:
    """A Kafka with a sender on it.

    Args:
        stack: Ends it all.
        folder: Of the journal and the calls.
        port: Of the HTTP provider; 0 = the sleeping one.
    """

    def __init__(self, stack: ExitStack, folder: Path, port: int) -> None:
        self.log = folder / "calls.txt"
        self.bootstrap = stack.enter_context(EmbeddedKafka(jit="c2")).bootstrap
        with admin_client(Cluster.plain(self.bootstrap)) as client:
            client.create_topics({
                name: {"num_partitions": PARTITIONS, "replication_factor": 1} for name in TOPICS
            })  # fmt: skip
        self._port = port
        self._environ = {
            "WINBACK_KAFKA_BOOTSTRAP": self.bootstrap, "WINBACK_SENDER_STATE": str(folder),
            "WINBACK_SENDER_WEB_PORT": "0", "WINBACK_LOG_LEVEL": "info",
        }  # fmt: skip
        self._stack = stack

    def start(self) -> subprocess.Popen[bytes]:
        """Start the sender."""
        running = process("--be-sender", self.log, "--port", self._port, **self._environ)
        return self._stack.enter_context(running)

    def wait(self, count: int, timeout_s: float = 300.0) -> list[Call]:
        """Return the calls once there are so many."""
        wait_until("calls", lambda: len(calls_in(self.log)) >= count, timeout_s, poll_s=0.5)
        return calls_in(self.log)


def throughput(touches: int, port: int) -> dict[str, float]:
    """Publish a backlog and send it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=BUILD)))
        bench = Bench(stack, folder, port)
        publish(bench.bootstrap, 0, touches, 0)
        sender = bench.start()
        calls = bench.wait(touches)
        cpu_s = cpu_seconds(sender.pid)
    demand_order(calls)
    began_s, ended_s = min(call.begun_s for call in calls), max(call.ended_s for call in calls)
    return {"per_s": len(calls) / (ended_s - began_s), "cpu_us": cpu_s / len(calls) * 1e6}


def latency(rate: float, seconds: float) -> dict[str, float]:
    """Publish at a steady rate, and see how long each touch takes to the call of the provider."""
    warm, count = 50, round(rate * seconds)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=BUILD)))
        bench = Bench(stack, folder, 0)
        bench.start()
        publish(bench.bootstrap, 0, warm, 0)
        bench.wait(warm)
        publishing = Thread(target=publish, args=(bench.bootstrap, warm, count, rate))
        publishing.start()
        publishing.join()
        calls = bench.wait(warm + count)
        stamps = asked_at(bench.bootstrap)
    demand_order(calls)
    waits_ms = [(call.begun_s - stamps[call.touch_id]) * 1e3 for call in calls[warm:]]
    return {f"p{p}_ms": float(np.percentile(waits_ms, p)) for p in (50, 99, 100)}


def asked_at(bootstrap: str) -> dict[str, float]:
    """Return when each touch was handed to Kafka, seconds since the epoch."""
    return {
        msgspec.json.decode(record.value)["touch_id"]: record.timestamp / 1e3
        for record in committed(bootstrap, "win-back")
    }


def measure(touches: int, rate: float, seconds: float) -> dict[str, dict[str, float]]:
    """Run all."""
    BUILD.mkdir(parents=True, exist_ok=True)
    port = free_port()
    found = {"function": throughput(touches, 0)}
    with process("--be-provider", "--port", port):
        found["http"] = throughput(touches, port)
    found["topic_to_call"] = latency(rate, seconds)
    return found


def main() -> None:
    """Measure, print JSON, record the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--touches", type=int, default=8_000)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--be-sender", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--be-provider", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.be_sender:
        run_sender(args.port, args.be_sender)
        return
    if args.be_provider:
        run_provider(args.port)
        return
    found = measure(args.touches, args.rate, args.seconds)
    note = f"{args.touches:,} touches of {USERS:,} users, one process, 50 ms a call, order checked"
    figures.record("sender_touches_per_s", found["function"]["per_s"], note=f"{note}: a function")
    figures.record("sender_http_touches_per_s", found["http"]["per_s"], note=f"{note}: httpx")
    figures.record("sender_cpu_us_per_touch", found["function"]["cpu_us"], note=note)
    figures.record(
        "sender_topic_to_call_p99_ms", found["topic_to_call"]["p99_ms"],
        note=f"{args.rate:g} touches/s for {args.seconds:g} s, from the record's timestamp",
    )  # fmt: skip
    print(json.dumps({
        "command": figures.command(), "machine": figures.machine(), "versions": figures.versions(),
        **found,
    }, indent=2))  # fmt: skip


if __name__ == "__main__":
    main()
