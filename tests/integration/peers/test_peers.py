"""Peers do the same work as the replay of the same log, or their speed would say nothing."""

import pickle
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.compare.entrants import PEERS, PEERS_PYTHON, WINBACK
from benchmarks.compare.ground import PARTITIONS, Ground
from benchmarks.compare.race import run
from benchmarks.core_stages import BUILD, RULES
from benchmarks.model import frozen_model
from benchmarks.stand import Stand, committed
from benchmarks.workload import Shape, cached_csv
from models.questions import Examples
from streams.core.outbox import DECISIONS, EXAMPLES, TOUCHES
from streams.lessons import block_of, lesson_of
from streams.replay.files import EventLog
from streams.replay.rulebook import rules_at
from streams.replay.run import Replay, model_at
from streams.runtime.embedded.fixture import EmbeddedKafka
from streams.settings import DEVELOPMENT_KEY

FAR_MS = 4_000_000_000_000
SHAPE = Shape(120, 70, 5, life_days=40.0)
SNAPSHOTS = "select ser_change from snaps where step_id = 'winback.core' order by snap_epoch"
LOG = f"log-{SHAPE.users}-{SHAPE.days}"


class Came(NamedTuple):
    """What a run came to, wherever chunks were cut."""

    touches: Counter[bytes]
    decisions: Counter[bytes]
    examples: Counter[bytes]
    states: dict[str, bytes]


@pytest.fixture(scope="module")
def log() -> Path:
    return cached_csv(SHAPE, BUILD)


@pytest.fixture(scope="module")
def ground(embedded_kafka: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory,
           log: Path) -> Ground:  # fmt: skip
    ground = Ground(tmp_path_factory.mktemp("peers"), kafka=embedded_kafka)
    ground.feed(LOG, log)
    return ground


@pytest.fixture(scope="module")
def replayed(log: Path) -> Came:
    rules = rules_at(str(RULES))
    model = model_at(str(frozen_model(RULES, BUILD)), (DEVELOPMENT_KEY.encode(),), rules)
    kept = (TOUCHES, DECISIONS, EXAMPLES)
    replay = Replay(rules, model, partitions=PARTITIONS, now_ms=FAR_MS, keeps=kept)
    replay.run(EventLog(str(log)).blocks())
    touches, decisions, examples = (list(replay.records(stream)) for stream in kept)
    return Came(
        Counter(touches), Counter(decisions), Counter(rows_of(examples)),
        dict(replay.fleet.values()),
    )  # fmt: skip


def rows_of(values: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what is to be learned, row by row: blocks are cut as chunks happened to be."""
    rules_hash = rules_at(str(RULES)).hash
    for value in values:
        lesson = lesson_of(block_of(value), rules_hash)
        if isinstance(lesson, Examples):
            columns = zip(lesson.rows, lesson.active, lesson.weight, strict=True)
            yield from (b"".join(part.tobytes() for part in row) for row in columns)


def came_to(stand: Stand, states: dict[str, bytes]) -> Came:
    def values(topic: str) -> list[bytes]:
        return [record.value for record in committed(stand.bootstrap, topic)]

    name = stand.environ["WINBACK_APP_ID"]
    touches, decisions, examples = (
        values(f"{name}-{topic}") for topic in ("touches", "decisions", "examples")
    )
    return Came(Counter(touches), Counter(decisions), Counter(rows_of(examples)), states)


def states_of(stand: Stand) -> dict[str, bytes]:
    """Return the states that a peer has made durable, where it keeps them."""
    name = stand.environ["WINBACK_APP_ID"]
    if name.startswith("bytewax"):
        with sqlite3.connect(stand.directory / "recovery" / "part-0.sqlite3") as store:
            rows = store.execute(SNAPSHOTS).fetchall()
        contents = [pickle.loads(row[0])[1] for row in rows]
        found = {key: value for content in contents for key, value in content.items()}
    elif name.startswith("quix"):
        topic = f"changelog__{name}--{LOG}--default"
        records = committed(stand.bootstrap, topic)
        found = {record.key.partition(b"|")[2].strip(b'"'): record.value for record in records}
    else:
        records = committed(stand.bootstrap, f"{name}-users-changelog")
        found = {record.key: record.value for record in records}
    return {
        key.decode(): value
        for key, value in found.items()
        if key.startswith(b"user-") and value is not None
    }


def test_the_replay_has_what_peers_are_judged_by(replayed: Came) -> None:
    assert replayed.touches.total() >= 5
    assert replayed.decisions.total() >= 20
    assert replayed.examples.total() >= 100


@pytest.mark.parametrize("name", ["winback", *PEERS])
def test_it_comes_to_what_the_replay_says(ground: Ground, replayed: Came, name: str) -> None:
    assert PEERS_PYTHON.exists(), "the peers are not installed: make peers"
    entrant = PEERS.get(name, WINBACK)

    def judge(stand: Stand) -> None:
        found = came_to(stand, states_of(stand))
        assert found.touches == replayed.touches
        assert found.decisions == replayed.decisions
        assert found.examples == replayed.examples
        assert found.states == replayed.states

    done = run(ground, entrant, LOG, judge=judge)

    assert done.is_whole
