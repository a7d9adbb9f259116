"""Who is compared: how each is started, and how far it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from kafka import KafkaConsumer, TopicPartition

from benchmarks.figures import ROOT
from benchmarks.stand import Stand, Worker

PEERS_PYTHON: Final = ROOT / "build" / "peers" / "bin" / "python"
"""Has Quix Streams, Bytewax and confluent-kafka; made by ``make peers``."""


class Follow(Protocol):
    """Who knows how far an entrant is."""

    def durable(self) -> int | None:
        """Return how many records are durable; None = it does not say."""

    def close(self) -> None:
        """Disconnect."""


class Entrant(NamedTuple):
    """One who is compared.

    Attributes:
        name: Short, in file names.
        title: In tables.
        command: How it is started; empty = ``winback run``.
        follow: Makes who knows how far it is.
    """

    name: str
    title: str
    command: tuple[str | Path, ...]
    follow: Callable[[Stand], Follow]


class ByMetrics:
    """winback tells it: applied, less what is not durable."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand

    def durable(self) -> int | None:
        done = 0
        for worker in self._stand.running():
            said = worker.metrics()
            if not said.get("winback_commits_total"):
                return None
            applied = said.get("winback_records_applied_total", 0.0)
            done += int(applied - said.get("winback_pending_records", 0.0))
        return done

    def close(self) -> None:
        """Nothing is open."""


class ByGroup:
    """What the group has committed."""

    def __init__(self, stand: Stand) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=stand.bootstrap, group_id=stand.environ["WINBACK_APP_ID"],
            enable_auto_commit=False,
        )  # fmt: skip
        topic = stand.environ["WINBACK_TOPIC_ACTIVITY"]
        numbers = sorted(self._consumer.partitions_for_topic(topic))
        self._parts = [TopicPartition(topic, number) for number in numbers]

    def durable(self) -> int | None:
        return sum(self._consumer.committed(part) or 0 for part in self._parts)

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()


class ByFile:
    """A file that it writes in its directory."""

    def __init__(self, stand: Stand) -> None:
        self._path = stand.directory / "progress"

    def durable(self) -> int | None:
        try:
            return int(self._path.read_text() or 0)
        except FileNotFoundError:
            return None

    def close(self) -> None:
        """Nothing is open."""


def floor(kind: str, volumes: Path) -> Entrant:
    """Return a bare loop that reads, decodes and writes as much as somebody wrote.

    Args:
        kind: Its client.
        volumes: File of what is to be written per record, by topic.
    """
    python = PEERS_PYTHON if kind == "confluent" else Path(sys.executable)
    command = (python, "-m", "benchmarks.peers.floor", kind, volumes)
    return Entrant(f"floor-{kind}", f"floor: {FLOORS[kind]}", command, ByGroup)


FLOORS: Final = {
    "columns": "columns",
    "aiokafka": "aiokafka, getmany",
    "confluent": "confluent-kafka",
}


def peer(name: str, title: str, *command: str | Path, follow: type[Follow]) -> Entrant:
    """Return a peer: its program, and how it is followed."""
    python, module, *options = command
    return Entrant(name, title, (python, "-m", f"benchmarks.peers.{module}", *options), follow)


def _peers() -> Iterator[Entrant]:
    here = Path(sys.executable)
    quix, faust = (PEERS_PYTHON, "quix_streams"), (here, "faust_stock")
    yield peer("bytewax", "Bytewax", PEERS_PYTHON, "bytewax_flow", follow=ByFile)
    yield peer("quix", "Quix Streams, batched by hand", *quix, follow=ByGroup)
    yield peer(
        "quix-prompt", "the same, exactly once every 0.1 s", *quix, "--prompt", follow=ByGroup
    )
    yield peer("faust", "stock Faust, take()", *faust, follow=ByGroup)
    yield peer("quix-singly", "Quix Streams, by event", *quix, "--singly", follow=ByGroup)
    yield peer("faust-singly", "stock Faust, by event", *faust, "--singly", follow=ByGroup)


PEERS: Final[Mapping[str, Entrant]] = {entrant.name: entrant for entrant in _peers()}
WINBACK: Final = Entrant("winback", "winback", (), ByMetrics)


def start(entrant: Entrant, stand: Stand) -> Worker:
    """Start a process of an entrant."""
    stand.command = entrant.command
    return stand.worker(*((str(stand.directory),) if entrant.command else ()))
