"""A hostile producer: it writes what it likes, and honest users notice nothing of it.

    python -m tests.chaos.hostile [--strangers 1000000] [--seconds 60] [--seed 1]

Strangers who never come back flood the topic, one key is hot, and between them stands whatever a
record can hold that it should not. Touches, decisions and states of the honest users equal those
of the pure core that has never seen a hostile record; what the service keeps stays within bounds.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from kafka import KafkaProducer

from benchmarks import figures
from models.bgnbd import BgNbdScorer
from streams.core.partition import Partition
from streams.core.partitioner import partition_of_key
from streams.core.rules import fed
from streams.core.state import decode
from streams.intake.wire.schemas import Schemas
from streams.replay.events import watermark
from streams.replay.rulebook import rules_at
from streams.runtime.columns import Chunk, Columns
from streams.runtime.dead_letters import Notices
from streams.runtime.embedded.fixture import EmbeddedKafka
from streams.runtime.engine_topics import streams_of
from streams.runtime.in_force import Board, InForce, decoders_of
from streams.runtime.live_state import read_states
from streams.runtime.metrics import Metrics
from streams.runtime.pipeline import PipelineEngine
from streams.settings import Settings, load_settings
from tests.integration.control.deployment import PARTITIONS, SORRY, START_MS, Deployment
from winback_sender.cluster import Cluster

HOUR_MS: Final = 3_600_000
HONEST: Final = 40
STORY: Final = ("view", "view", "view", "complaint")
"""What each honest user does, thirty hours apart."""
EVIL_EVERY: Final = 12
"""One of so many hostile records is nothing that can be understood."""


class Record(NamedTuple):
    """A record as a producer writes it; its partition is that of its key."""

    key: bytes
    value: bytes
    at_ms: int

    @property
    def partition(self) -> int:
        """Of the topic of activity."""
        return partition_of_key(self.key, PARTITIONS)


def event(user: str, name: str, at_ms: int, event_id: str = "", **more: Any) -> Record:
    """Return an event that is well-formed, whoever it is about."""
    body = {"event_id": event_id or f"{user}-{at_ms}", "user_id": user, "event": name,
            "event_time": at_ms, **more}  # fmt: skip
    return Record(user.encode(), json.dumps(body, ensure_ascii=False).encode(), at_ms)


def honest() -> list[list[Record]]:
    """Return what honest users do, by the step of the story."""
    return [
        [
            event(f"honest-{user}", name, START_MS + (1 + step) * 30 * HOUR_MS + user)
            for user in range(HONEST)
        ]
        for step, name in enumerate(STORY)
    ]


def evil(at_ms: int) -> Iterator[Record]:
    """Yield, for ever, records that should not be; none of them says that a time is later."""
    place = 0
    while True:
        user = f"evil-{place % 7}"
        key = user.encode()
        bare = b'{"event_id":"%d","user_id":"%b","event":"view","event_time":%d,"amount":%b}'
        yield from (
            event(user, "view", 32_472_144_000_000)._replace(at_ms=at_ms),  # the year 2999
            event(user, "view", 86_400_000)._replace(at_ms=at_ms),  # 1970
            event(user, "view", -1)._replace(at_ms=at_ms),
            Record(key, bare % (place, key, at_ms, b"NaN"), at_ms),
            Record(key, bare % (place, key, at_ms, b"Infinity"), at_ms),
            Record(key, bare % (place, key, at_ms, b"1e999"), at_ms),
            Record(key, bare % (place, key, at_ms, b"-5"), at_ms),
            event("nul\0l", "view", at_ms),
            event("\0partition", "view", at_ms),
            event(f"\u202e{user}\u200b", "\u202eview\u200b", at_ms),
            Record(key, b"\0" * 100, at_ms),
            Record(b"k" * 65_536, b"{}", at_ms),
            Record(key, b"[" * 50_000 + b"]" * 50_000, at_ms),
            Record(key, b'{"event_id":' * 10_000, at_ms),
            Record(key, b"x" * (1_000_000 if place == 0 else 10_000), at_ms),
            Record(b"somebody-else", event(user, "view", at_ms).value, at_ms),
            event(user, "view", at_ms, "the same"),
            event(user, "view", at_ms, "the same"),
        )
        place += 1


def hostile(strangers: int, at_ms: int, name: str = "stranger") -> Iterator[Record]:
    """Yield so many new users, a hot key as often, and evil between them."""
    bad = evil(at_ms)
    for number in range(strangers):
        yield event(f"{name}-{number}", "view", at_ms)
        if number % 4 == 0:
            yield event("hot", "view", at_ms, f"{name}-{number}")
        if number % EVIL_EVERY == 0:
            yield next(bad)


class Expected(NamedTuple):
    """What honest users come to where there are no others."""

    touches: set[str]
    decisions: set[tuple[str, ...]]
    states: dict[str, bytes]


def expected(settings: Settings, records: Iterable[Record]) -> Expected:
    """Return what the pure core makes of records, as the engine of the service runs it."""
    rules = fed(rules_at(settings.rules, settings.id_keys))  # As a service without a wall clock.
    scorer = BgNbdScorer(float(rules.churn.horizon_ms))
    board = Board(
        InForce(rules, "v", decoders_of(settings, rules, Schemas()), scorer), lambda: None
    )
    rows = list(records)
    found = Expected(set(), set(), {})
    for number in range(PARTITIONS):
        core = Partition(number, rules, scorer, of=PARTITIONS, app_id=settings.app_id)
        engine = PipelineEngine(
            core, lambda: board.now, streams_of(settings), Metrics(), Notices("")
        )
        mine = [row for row in rows if row.partition == number]
        for offset, row in enumerate([*mine, last_word(rows)]):
            columns = Columns(offset, offset + 1, [row.key], [row.value], [offset], [row.at_ms])
            engine.apply(Chunk(settings.topic_activity, number, columns, 1))
        outputs = engine.take().outputs
        found.touches.update(touches_of(map(_json, outputs.get(settings.topic_touches, ()))))
        found.decisions.update(decisions_of(map(_json, outputs.get(settings.topic_decisions, ()))))
        found.states.update(core.values())
    return found


def last_word(rows: Iterable[Record]) -> Record:
    """Return the watermark that ends a story."""
    at_ms = max(row.at_ms for row in rows) + HOUR_MS
    key, value = watermark("test", at_ms)
    return Record(key, value, at_ms)


def _json(output: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output.value)
    return found


def touches_of(messages: Iterable[dict[str, Any]]) -> set[str]:
    """Return the names of the touches of honest users: user, instant and step are in them."""
    return {
        each["touch_id"]
        for each in messages
        if each.get("type") == "touch.requested" and each["user_id"].startswith("honest")
    }


def decisions_of(messages: Iterable[dict[str, Any]]) -> set[tuple[str, ...]]:
    """Return what was decided of honest users. Tiers and ranks are among all, so not these."""
    names = ("user_id", "verdict", "reason", "decided_at", "touch_id", "probability")
    return {
        tuple(str(each[name]) for name in names)
        for each in messages
        if each.get("type") == "decision" and each["user_id"].startswith("honest")
    }


def differing(came: bytes, wanted: bytes) -> list[object]:
    """Return what is not the same in two states: places of numbers, and what is no number."""
    one, other = decode(came), decode(wanted)
    pairs = zip(one.head, other.head, strict=True)
    found: list[object] = [(at, *pair) for at, pair in enumerate(pairs) if pair[0] != pair[1]]
    if one.profile != other.profile:
        found += [one.profile, other.profile]
    return found


class Outcome(NamedTuple):
    """What was seen beside that all is equal."""

    users: float
    skipped: float
    rejected: float
    seconds: float
    touches_s: float


def attack(
    deployment: Deployment, strangers: int, *, users_max: int, seconds: float = 0.0
) -> Outcome:
    """Run the story of honest users among hostile ones; raise when one of them notices.

    Args:
        deployment: Its topics are made; nothing runs.
        strangers: New users that are made up.
        users_max: Most users of a partition.
        seconds: In which they come; 0 = as quickly as they can be written.
    """
    deployment.env |= {"WINBACK_USERS_MAX": str(users_max), "WINBACK_SESSION_TIMEOUT_S": "20"}
    settings = load_settings(
        {name: text for name, text in deployment.env.items() if name.startswith("WINBACK_")}
    )
    wanted = expected(settings, [row for step in honest() for row in step])
    assert len(wanted.touches) == HONEST
    (worker,) = deployment.start()
    began_s = time.monotonic()
    told_s = write(deployment.bootstrap, settings.topic_activity, strangers, seconds)
    until_s = time.monotonic() + 30.0 + strangers / 1_000

    def wait(is_so: Callable[[], object]) -> None:
        while not is_so():
            assert time.monotonic() < until_s, worker.words.read_text()[-5_000:]
            assert worker.process.poll() is None, worker.words.read_text()[-5_000:]
            time.sleep(0.2)

    wait(lambda: touches_of(deployment.touches()) == wanted.touches)
    touches_s = time.monotonic() - told_s
    wait(lambda: lag(worker.page("metrics")) == 0)
    wait(lambda: decisions_of(deployment.records("DECISIONS")) == wanted.decisions)
    with contextlib.suppress(AssertionError):  # What was applied last may not be committed yet.
        wait(lambda: not wrong(deployment.bootstrap, settings, wanted))
    assert not (still := wrong(deployment.bootstrap, settings, wanted)), still
    page = worker.page("metrics")
    users = summed(page, "winback_users{")
    assert users <= users_max * PARTITIONS
    return Outcome(
        users, summed(page, 'reason="skipped_full"'), summed(page, "winback_records_rejected"),
        time.monotonic() - began_s, touches_s,
    )  # fmt: skip


def write(bootstrap: str, topic: str, strangers: int, seconds: float) -> float:
    """Write the story of honest users among hostile ones; return when they complained, in s."""
    producer = KafkaProducer(
        bootstrap_servers=bootstrap, max_request_size=2_000_000, linger_ms=20, batch_size=100_000
    )

    def send(rows: Iterable[Record], partition: int | None = None) -> None:
        for row in rows:
            place = row.partition if partition is None else partition
            producer.send(topic, row.value, row.key, partition=place, timestamp_ms=row.at_ms)

    *before, complaints = honest()
    for step, rows in enumerate(before):
        send(rows)
        send(hostile(strangers // 20, rows[-1].at_ms, f"early-{step}"))
    began_s, told_s = time.monotonic(), 0.0
    pace = strangers * 4 / 3 / seconds if seconds else np.inf
    for count, row in enumerate(hostile(strangers, complaints[0].at_ms), 1):
        send([row])
        if count == strangers // 2:  # In the middle of it honest users complain.
            send(complaints)
            producer.flush()
            told_s = time.monotonic()
        if count % 1_000 == 0:
            time.sleep(max(0.0, count / pace - (time.monotonic() - began_s)))
    for partition in range(PARTITIONS):
        send([last_word(complaints)], partition)
    producer.flush()
    producer.close()
    return told_s


def wrong(bootstrap: str, settings: Settings, wanted: Expected) -> dict[str, list[object]]:
    """Return which honest users' states are others than they would be without hostile ones."""
    found = read_states(Cluster.plain(bootstrap), settings.topic_users_changelog)
    states = dict(asyncio.run(found))
    return {
        user: differing(states[user], state)
        for user, state in wanted.states.items() if states[user] != state
    }  # fmt: skip


def lag(page: str) -> float:
    """Return how many records are unread; many, where nobody knows."""
    return summed(page, "winback_lag_records{") if "winback_lag_records{" in page else np.inf


def summed(page: str, begin: str) -> float:
    """Return the sum of the samples of a page of metrics that hold a text."""
    lines = (
        line for line in page.splitlines()
        if begin in line and "_created" not in line and not line.startswith("#")
    )  # fmt: skip
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def main() -> None:
    """Attack a deployment of one worker, and record what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--strangers", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--users-max", type=int, default=100_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, EmbeddedKafka() as kafka:
        deployment = Deployment(kafka.bootstrap, Path(directory), SORRY)
        try:
            found = attack(
                deployment, args.strangers, users_max=args.users_max, seconds=args.seconds
            )
        finally:
            deployment.kill()
    print(found)  # noqa: T201 (a proof says what it has seen)
    how = f"python -m tests.chaos.hostile --strangers {args.strangers} --seconds {args.seconds:g}"
    figures.show([
        figures.record("hostile_users_kept", found.users, how=how),
        figures.record("hostile_touches_s", found.touches_s, how=how),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
