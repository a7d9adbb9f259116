"""A Kafka of several brokers, of which one at a time is away: leaders and coordinators move."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from streams.runtime.embedded import config
from streams.runtime.embedded.config import HOST
from streams.runtime.embedded.jars import ensure_jars
from streams.runtime.embedded.java import find_java
from streams.runtime.embedded.launch import failed, launch, new_id, prepare, wait_ready

STOP_PATIENCE_S: Final = 30.0
HEAP: Final = "384m"


class Brokers:
    """``with Brokers(3) as kafka``: ``stop`` and ``kill`` take the next broker, ``start`` it again.

    Args:
        count: How many; every topic has a copy on each, and two must have what is acknowledged.
    """

    def __init__(self, count: int) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="winback-brokers-"))
        self._ports = [config.choose_ports(0, None) for _ in range(count)]
        self._cluster = new_id()
        self._command: list[str] = []
        self._processes: list[subprocess.Popen[bytes] | None] = [None] * count
        self._turn = -1

    @property
    def bootstrap(self) -> str:
        """The addresses for clients."""
        return ",".join(f"{HOST}:{ports.client}" for ports in self._ports)

    @property
    def is_running(self) -> bool:
        """Whether the broker that was broken last is there."""
        process = self._processes[self._turn]
        return process is not None and process.poll() is None

    def __enter__(self) -> Self:
        """Start all of them, and wait until they have found each other."""
        try:
            java, jars = find_java(os.environ), ensure_jars(os.environ, None)
            paths = os.pathsep.join(map(str, jars))
            self._command = [str(java.path), *config.jvm_arguments(HEAP, "c1"), "-cp", paths]
            for number in range(len(self._ports)):
                self._launch(number)
            for number in range(len(self._ports)):
                self._wait(number)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all of them."""
        self._end()

    def kill(self) -> None:
        """Kill the next broker with -9."""
        self._take_next(signal.SIGKILL)

    def stop(self) -> None:
        """Stop the next broker as an operator would."""
        self._take_next(signal.SIGTERM)

    def start(self) -> None:
        """Start the broker that is away."""
        self._launch(self._turn)
        self._wait(self._turn)

    def _take_next(self, number: signal.Signals) -> None:
        self._turn = (self._turn + 1) % len(self._ports)
        process = self._processes[self._turn]
        assert process is not None
        process.send_signal(number)
        try:
            process.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _directory(self, number: int) -> Path:
        return self._home / f"broker-{number + 1}"

    def _launch(self, number: int) -> None:
        directory = self._directory(number)
        directory.mkdir(exist_ok=True)
        prepare(
            directory, self._ports[number], self._command, os.environ,
            lambda _: self._properties(number), self._cluster,
        )  # fmt: skip
        self._processes[number] = launch(directory, self._command, os.environ)

    def _wait(self, number: int) -> None:
        process = self._processes[number]
        assert process is not None
        if not wait_ready(process, self._directory(number)):
            raise failed(self._directory(number))

    def _properties(self, number: int) -> Mapping[str, str]:
        """Return what is otherwise than in a cluster of one."""
        voters = [
            f"{node}@{HOST}:{ports.controller}" for node, ports in enumerate(self._ports, start=1)
        ]
        count = str(len(self._ports))
        return {
            "node.id": str(number + 1),
            "controller.quorum.voters": ",".join(voters),
            "default.replication.factor": count,
            "min.insync.replicas": "2",
            "offsets.topic.replication.factor": count,
            "transaction.state.log.replication.factor": count,
            "transaction.state.log.min.isr": "2",
            "share.coordinator.state.topic.replication.factor": count,
            "share.coordinator.state.topic.min.isr": "2",
        }

    def _end(self) -> None:
        for process in filter(None, self._processes):
            process.kill()
            process.wait()
        shutil.rmtree(self._home, ignore_errors=True)
