"""Workers follow what the learner puts in force, and nothing else."""

import asyncio
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from models.policy import POLICY, Policy
from models.roster_records import SERVING
from models.serving import ServingScorer
from models.snapshot import Serving, load, sign
from streams.core.scoring import Scorer
from streams.runtime import model_feed, newest
from streams.runtime.learner import LearnerEngine
from streams.runtime.metrics import Metrics
from streams.runtime.model_feed import ModelFeed
from streams.runtime.newest import TAIL, read_newest
from tests.unit.runtime.teaching import (
    KEYS,
    RULES,
    SETTINGS,
    block,
    episodes,
    feed,
    served,
    topic_of,
)
from winback_sender.cluster import Cluster


def learned(examples: int) -> bytes:
    engine = LearnerEngine(SETTINGS, RULES, Metrics())
    feed(engine, [block(examples, 1)])
    return served(engine)


def follower(
    used: list[Scorer], metrics: Metrics | None = None, policies: list[Policy] | None = None
) -> ModelFeed:
    told = [] if policies is None else policies
    nowhere = Cluster.plain("nowhere:1")
    return ModelFeed(nowhere, SETTINGS, RULES, metrics or Metrics(), used.append, told.append)


def served_as(*values: bytes | None) -> list[tuple[bytes, bytes | None]]:
    return [(SERVING.encode(), value) for value in values]


def test_the_feed_takes_the_newest_valid_model_and_keeps_it() -> None:
    good = learned(520)
    used: list[Scorer] = []
    metrics = Metrics()
    followed = follower(used, metrics)
    assert followed.scorer.version == "bgnbd_v1"
    stolen = sign(load(good, KEYS, Serving), (b"another key of somebody",))
    followed._take(served_as(good, stolen, b"rubbish", None))
    assert isinstance(followed.scorer, ServingScorer)
    assert used == [followed.scorer]
    followed._take(served_as(stolen))
    followed._take(served_as(good))
    assert used == [followed.scorer], "the same model again changes nothing"
    page = metrics.page().decode()
    assert 'winback_model_snapshots_refused_total{reason="bad_signature"} 2.0' in page
    assert 'winback_model_phase{phase="blended"} 1.0' in page


def test_the_feed_takes_the_newest_valid_policy_beside_the_model() -> None:
    engine = LearnerEngine(SETTINGS, RULES, Metrics())
    feed(engine, [episodes(30, 1)])
    records = topic_of(engine)
    good, told = records[POLICY.encode()], list[Policy]()
    followed = follower(used := [], policies=told)
    stolen = sign(load(good, KEYS, Policy), (b"another key of somebody",))
    foreign = sign(msgspec.structs.replace(load(good, KEYS, Policy), rules_hash="x"), KEYS)
    followed._take([
        *records.items(), (POLICY.encode(), stolen), (POLICY.encode(), foreign),
    ])  # fmt: skip
    assert [policy.episodes for policy in told] == [30]
    assert len(used) == 1
    followed._take([(POLICY.encode(), good)])
    assert len(told) == 1, "the same policy again changes nothing"


def test_a_model_that_has_learned_too_little_is_not_used() -> None:
    used: list[Scorer] = []
    followed = follower(used)
    followed._take(served_as(learned(40)))
    assert {scorer.version for scorer in used} == {"bgnbd_v1"}
    assert not followed.scorer.may_alert


def test_that_a_model_may_not_alert_any_more_reaches_the_lanes() -> None:
    """Its weights are the same, and so is its version."""
    serving = load(learned(2_100), KEYS, Serving)
    used: list[Scorer] = []
    followed = follower(used)
    for may_alert in (True, False):
        changed = {**{f: getattr(serving, f) for f in serving.__struct_fields__}}
        followed._take(served_as(sign(Serving(**changed | {"may_alert": may_alert}), KEYS)))
    assert [scorer.may_alert for scorer in used] == [True, False]
    assert len({scorer.version for scorer in used}) == 1


def test_an_error_of_the_feed_that_is_no_weather_is_not_swallowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise the model would stay as it is, and nobody would know."""
    followed = follower([])
    tries: list[Exception] = [ZeroDivisionError(), KafkaConnectionError(), OSError()]

    async def fail() -> None:
        raise tries.pop()

    monkeypatch.setattr(followed, "_read", fail)
    monkeypatch.setattr(model_feed, "BACK_OFF_S", 0.0)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(followed.follow())
    assert tries == []


class Log:
    """A compacted partition as a consumer sees it: (offset, key, value), 100 a fetch."""

    def __init__(self, begin: int, end: int, records: list[tuple[int, bytes, bytes]]) -> None:
        self.begin, self.end, self.records = begin, end, records
        self.at = 0
        self.read = 0

    async def end_offsets(self, found: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {found[0]: self.end}

    async def beginning_offsets(self, found: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {found[0]: self.begin}

    def assign(self, _found: list[TopicPartition]) -> None:
        pass

    def seek(self, _found: TopicPartition, offset: int) -> None:
        self.at = offset

    async def position(self, _found: TopicPartition) -> int:
        return self.at

    async def getmany(self, found: TopicPartition, timeout_ms: int) -> dict[TopicPartition, Any]:
        del timeout_ms

        class Record:
            def __init__(self, record: tuple[int, bytes, bytes]) -> None:
                self.offset, self.key, self.value = record

        records = [Record(r) for r in self.records if r[0] >= self.at][:100]
        self.read += len(records)
        self.at = records[-1].offset + 1 if len(records) == 100 else self.end
        return {found: records}


def test_what_stands_near_the_end_is_found_without_reading_all() -> None:
    many = [(n, b"openings/%d" % n, b"") for n in range(7_000)]
    log = Log(0, 7_002, [*many, (7_000, b"serving", b"new")])
    found = asyncio.run(read_newest(log, TopicPartition("models", 0), {b"serving"}))
    assert found == [(b"serving", b"new")]
    assert log.read <= TAIL


def test_what_stands_at_the_begin_is_found_too() -> None:
    many = [(n, b"openings/%d" % n, b"") for n in range(10, 7_000)]
    log = Log(3, 7_000, [(3, b"serving", b"old"), *many])
    found = asyncio.run(newest.read_newest(log, TopicPartition("models", 0), {b"serving"}))
    assert found == [(b"serving", b"old")]
    nothing = asyncio.run(read_newest(Log(0, 0, []), TopicPartition("models", 0), {b"serving"}))
    assert nothing == []
