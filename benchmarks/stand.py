"""A test stand: settings, workers as processes, and the command line as users have it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaConsumer, TopicPartition

WINBACK: Final = Path(sys.executable).with_name("winback")
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
POLL_S: Final = 0.05
_SAMPLE: Final = re.compile(r"^(winback_\w+)(?:\{[^}]*\})? ([^ ]+)$", re.MULTILINE)


class NotInTimeError(Exception):
    """Something did not happen within its time."""


def wait_until(
    what: str, is_so: Callable[[], Any], timeout_s: float, poll_s: float = POLL_S
) -> Any:
    """Return the first true answer.

    Raises:
        NotInTimeError: There was none in time.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if answer := is_so():
            return answer
        time.sleep(poll_s)
    raise NotInTimeError(f"{what}: not within {timeout_s:g} s")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process, all threads, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Worker:
    """One ``winback run`` as a process.

    Attributes:
        name: For logs.
        log: Its standard error.
    """

    def __init__(
        self, name: str, command: Sequence[str | Path], environ: Mapping[str, str], log: Path
    ) -> None:
        self.name, self.log = name, log
        self.port = free_port()
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                command,
                env={**environ, "WINBACK_WEB_PORT": str(self.port)},
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if the process still is there."""
        if self.is_running:
            self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = 30.0) -> int:
        """End the process and return its exit code."""
        self.send(signal.SIGCONT)
        self.send(number)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def page(self, path: str) -> str | None:
        """Return a page of the worker, or None when it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError):
            return None

    def metrics(self) -> dict[str, float]:
        """Return metrics, summed over their labels; empty when the worker does not answer."""
        sums: defaultdict[str, float] = defaultdict(float)
        for name, value in _SAMPLE.findall(self.page("/metrics") or ""):
            sums[name] += float(value)
        return dict(sums)

    def is_ready(self) -> bool:
        """Whether it owns partitions and has restored them.

        Raises:
            NotInTimeError: It has ended.
        """
        if not self.is_running:
            tail = self.log.read_text(errors="replace")[-2_000:]
            raise NotInTimeError(f"{self.name} ended with {self.process.returncode}:\n{tail}")
        return self.page("/health") is not None

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        wait_until(f"{self.name} ready", self.is_ready, timeout_s)


class Stand:
    """Settings, command line and workers of one deployment.

    Args:
        bootstrap: Its Kafka.
        directory: For logs and results.
        settings: ``WINBACK_*`` without the prefix.

    Attributes:
        command: Another program than ``winback run``, for workers that are not ours.
    """

    def __init__(self, bootstrap: str, directory: Path, **settings: object) -> None:
        self.directory = directory
        self.bootstrap = bootstrap
        self.workers: list[Worker] = []
        self.command: Sequence[str | Path] = ()
        plain = {
            name: value for name, value in os.environ.items() if not name.startswith("WINBACK_")
        }
        given = {f"WINBACK_{name.upper()}": str(value) for name, value in settings.items()}
        self.environ = {**plain, **given, "WINBACK_KAFKA_BOOTSTRAP": bootstrap}
        directory.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self.workers:
            if worker.is_running:
                worker.end(signal.SIGKILL)

    def run(self, *arguments: str | Path, timeout_s: float = 900.0) -> str:
        """Run one command to its end and return what it printed.

        Raises:
            subprocess.CalledProcessError: It failed; its messages went to our standard error.
        """
        done = subprocess.run(
            [WINBACK, *arguments], env=self.environ, stdin=subprocess.DEVNULL, timeout=timeout_s,
            stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start a command that runs beside us, its messages in a log."""
        with (self.directory / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [WINBACK, *arguments], env=self.environ, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
            )  # fmt: skip

    def worker(self, *arguments: str, role: str = "pipeline", bootstrap: str = "") -> Worker:
        """Start a worker, with an address of Kafka of its own if one is given."""
        name = f"{role}-{len(self.workers) + 1}"
        log = self.directory / f"{name}.log"
        environ = {**self.environ, "WINBACK_KAFKA_BOOTSTRAP": bootstrap or self.bootstrap}
        command = self.command or (WINBACK, "run", "--role", role)
        worker = Worker(name, [*command, *arguments], environ, log)
        self.workers.append(worker)
        return worker

    def running(self) -> list[Worker]:
        """Return the workers that have not ended."""
        return [worker for worker in self.workers if worker.is_running]


def committed(bootstrap: str, topic: str, timeout_s: float = 60.0) -> list[Any]:
    """Return the committed records of a topic, partition by partition in order.

    Raises:
        NotInTimeError: The end was not reached.
    """
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False,
        group_id=None, auto_offset_reset="earliest",
    )  # fmt: skip
    try:
        parts = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        ends = consumer.end_offsets(parts)
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        found: defaultdict[Any, list[Any]] = defaultdict(list)
        deadline = time.monotonic() + timeout_s
        while any(consumer.position(part) < ends[part] for part in parts):
            for part, records in consumer.poll(500).items():
                found[part] += records
            if time.monotonic() > deadline:
                raise NotInTimeError(f"the end of {topic}: not within {timeout_s:g} s")
    finally:
        consumer.close()
    return [record for part in parts for record in found[part]]
