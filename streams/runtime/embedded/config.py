"""What the embedded broker is told: one process, loopback only, small, quick to fail over."""

import re
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from streams.errors import UserError

HOST: Final = "127.0.0.1"
HEAP_DEFAULT: Final = "512m"

_PRIVILEGED_PORTS: Final = 1024
_HEAP: Final = re.compile(r"^[1-9][0-9]*[kmgKMG]$")

Jit = Literal["c1", "c2"]
"""``c1`` starts soonest and is small; ``c2`` is what a broker that is measured should have."""

_JVM: Final[dict[Jit, tuple[str, ...]]] = {
    "c1": ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    "c2": ("-XX:+UseG1GC",),
}


class Ports(NamedTuple):
    """Where the broker listens: for clients, and for its own controller."""

    client: int
    controller: int


Properties = Callable[[Ports], Mapping[str, str]]
"""Properties of a broker that is not as all others: more listeners, a cluster of several."""


def server_properties(ports: Ports, more: Properties | None = None) -> str:
    """Return ``server.properties``; paths are relative to the data directory."""
    properties = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{HOST}:{ports.controller}",
        "listeners": f"PLAINTEXT://{HOST}:{ports.client},CONTROLLER://{HOST}:{ports.controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{ports.client}",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": "logs",
        # Topics are made by `winback topics apply`; a typing error must not make one.
        "auto.create.topics.enable": "false",
        # One node: every internal topic with one replica and few partitions.
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        # Development and tests fail over in seconds, so short sessions are allowed here.
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # After kill -9 the next start waits until the controller has given up the old broker.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        # A small machine; the cleaner's buffer would else be 128 MB of the heap.
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "4",
        "log.cleaner.dedupe.buffer.size": str(32 << 20),
        **(more(ports) if more is not None else {}),
    }
    return "".join(f"{name}={value}\n" for name, value in properties.items())


LOG4J2: Final = """\
status=error
appender.console.type=Console
appender.console.name=CONSOLE
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=CONSOLE
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
"""
"""Warnings, and the line that says the broker has started, to the standard output."""


def jvm_arguments(heap: str, jit: Jit) -> list[str]:
    """Return the arguments of the Java virtual machine.

    Raises:
        UserError: ``heap`` is not a size such as 512m.
    """
    if not _HEAP.match(heap):
        raise UserError(f"{heap!r} is not a heap size", "give a number with k, m or g: 512m, 2g")
    return [f"-Xmx{heap}", *_JVM[jit], "-Djava.awt.headless=true"]


def jvm_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the broker.

    Java takes file names in the encoding of the locale; in the locale C a Chinese directory name
    would not be found. Settings of winback and of other Kafkas are not the broker's business.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("WINBACK_", "KAFKA_", "LC_", "CLASSPATH", "LOG4J"))
    }
    return kept | {"LC_ALL": "C.UTF-8"}


def choose_ports(wanted: int, previous: Ports | None) -> Ports:
    """Return the ports of a start: the wanted one, else those of last time, else free ones.

    Raises:
        UserError: The wanted port cannot be had.
    """
    if wanted == 0 and previous is not None and all(map(_is_free, previous)):
        return previous
    client = wanted or _free_port()
    if wanted and not _is_free(wanted):
        reason = "is in use" if wanted >= _PRIVILEGED_PORTS else "cannot be had without rights"
        raise UserError(
            f"port {wanted} on {HOST} {reason}", "choose another with --port, or 0 for a free one"
        )
    controller = _free_port()
    while controller == client:
        controller = _free_port()
    return Ports(client, controller)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Java does
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def data_directory(setting: str, environ: Mapping[str, str]) -> Path:
    """Return where the embedded Kafka keeps its data, from the setting ``data_dir``."""
    if setting:
        return Path(setting).expanduser().absolute()
    home = environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser().absolute() / "winback" / "kafka"
