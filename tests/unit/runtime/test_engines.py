"""The engines of the two roles, without Kafka."""

import asyncio
import json

import msgspec
import numpy as np
import pytest
from aiokafka.errors import KafkaConnectionError

from models.bgnbd import BgNbdScorer
from models.catalogue import CHAMPION
from models.features import FEATURES, features_hash
from models.roster_records import MODEL as MODEL_OF
from models.roster_records import SERVING
from models.serving import ServingScorer
from models.snapshot import Phase, Serving, Snapshot, load, sign
from streams.core.messages import ExampleBlock, OpeningBlock
from streams.core.native import make_decode
from streams.core.partition import PARTITION_KEY, Partition
from streams.core.rules_file import parse_rules
from streams.core.scoring import Scorer
from streams.errors import UserError
from streams.runtime import model_feed
from streams.runtime.columns import Columns
from streams.runtime.dead_letters import Notices
from streams.runtime.learner import LearnerEngine
from streams.runtime.metrics import Metrics
from streams.runtime.model_feed import ModelFeed
from streams.runtime.pipeline import MODEL, TICK, PipelineEngine, streams_of
from streams.runtime.producer import Commit
from streams.runtime.ticks import Tick
from streams.runtime.transport import Chunk
from streams.settings import Settings
from tests.unit.core.lessons import lessons_of

RULES = parse_rules("")
SETTINGS = Settings()
DAY_MS = 86_400_000
NOW_MS = 1_700_000_000_000


def chunk(topic: str, first: int, records: list[tuple[bytes | None, bytes | None]]) -> Chunk:
    end = first + len(records)
    keys, values = [key for key, _ in records], [value for _, value in records]
    columns = Columns(first, end, keys, values, list(range(first, end)), [NOW_MS] * len(records))
    return Chunk(topic, 0, columns, 1)


def event(user: str, number: int, at_ms: int = NOW_MS - DAY_MS) -> tuple[bytes, bytes]:
    body = {"event_id": f"{user}-{number}", "user_id": user, "event": "view", "event_time": at_ms}
    return user.encode(), json.dumps(body).encode()


def pipeline(notices: Notices | None = None) -> PipelineEngine:
    core = Partition(0, RULES, BgNbdScorer(RULES.churn.horizon_ms))
    decoders = {"user-activity": make_decode(RULES)}
    notices = notices or Notices(SETTINGS.topic_dead_letters)
    return PipelineEngine(core, decoders, streams_of(SETTINGS), Metrics(), notices)


def drive(engine: PipelineEngine | LearnerEngine, piece: Chunk) -> None:
    """Do what a lane does."""
    engine.apply(piece)
    engine.applied[piece.topic] = piece.columns.next_offset


def test_the_first_dead_letter_of_each_reason_is_said_once_a_worker(
    caplog: pytest.LogCaptureFixture,
) -> None:
    notices = Notices("winback-dead-letters")
    for _ in range(2):
        engine = pipeline(notices)
        bad = [(b"ada", b"no json"), (b"ada", b"nor this"), (b"secret", event("ada", 1)[1])]
        drive(engine, chunk("user-activity", 5, bad))
        assert len(engine.take().outputs["winback-dead-letters"]) == 3
    said = [vars(record)["facts"] for record in caplog.records if record.msg == "dead_letter"]

    assert [(facts["reason"], facts["offset"]) for facts in said] == [
        ("not_decodable", 5), ("key_mismatch", 7),
    ]  # fmt: skip
    assert all("winback-dead-letters" in facts["next"] for facts in said)
    assert "malformed" in said[0]["detail"]
    assert "secret" not in str(said)


def test_a_state_of_other_rules_is_the_operators_to_mend() -> None:
    engine = pipeline()
    drive(engine, chunk("user-activity", 0, [event("ada", 1)]))
    records = {key: value for key, value in engine.take().changelog if value}
    other = parse_rules("churn: {horizon: 9d}")
    core = Partition(0, other, BgNbdScorer(other.churn.horizon_ms))
    heir = PipelineEngine(core, {}, streams_of(SETTINGS), Metrics(), Notices("dead"))
    with pytest.raises(UserError, match="made with rules") as refused:
        heir.restore(records)
    assert "WINBACK_APP_ID" in refused.value.hint
    assert refused.value.exit_code == 1


def journal(commit: Commit) -> list[list[object]]:
    (entry,) = commit.outputs["winback-journal"]
    assert entry.value is not None
    inputs: list[list[object]] = json.loads(entry.value)["inputs"]
    return inputs


def test_a_commit_holds_states_partition_record_and_journal() -> None:
    engine = pipeline()
    drive(engine, chunk("user-activity", 0, [event("ada", 1), event("bob", 1)]))
    commit = engine.take()
    assert {key for key, _ in commit.changelog} == {b"ada", b"bob", PARTITION_KEY}
    assert journal(commit) == [["user-activity", 0, 2]]
    assert not engine.take()


def test_the_journal_keeps_the_order_of_inputs_ticks_and_models() -> None:
    engine = pipeline()
    drive(engine, chunk("user-activity", 0, [event("ada", 1)]))
    drive(engine, chunk("user-activity", 1, [event("ada", 2)]))
    assert engine.tick(Tick(NOW_MS), 2 * DAY_MS)
    assert engine.tick(Tick(NOW_MS + 1000), 2 * DAY_MS)
    engine.use(BgNbdScorer(RULES.churn.horizon_ms))
    drive(engine, chunk("user-activity", 2, [event("ada", 3)]))
    tick_ms = NOW_MS + 1000 - RULES.lateness_ms
    assert journal(engine.take()) == [
        ["user-activity", 0, 2], [TICK, tick_ms, tick_ms], [f"{MODEL}bgnbd_v1", 0, 0],
        ["user-activity", 2, 3],
    ]  # fmt: skip


def test_the_length_of_the_strides_changes_nothing() -> None:
    """A long silence at once, or by the hour: the same states and the same records."""
    found = []
    for span_ms in (1000 * DAY_MS, DAY_MS // 24):
        engine = pipeline()
        people = [event(f"user-{n}", day, NOW_MS - (20 - day) * DAY_MS + n)
                  for day in range(10) for n in range(30)]  # fmt: skip
        drive(engine, chunk("user-activity", 0, people))
        strides = 1
        while not engine.tick(Tick(NOW_MS + 90 * DAY_MS), span_ms):
            strides += 1
        commit = engine.take()
        outputs = {topic: sorted(map(repr, rows)) for topic, rows in commit.outputs.items()
                   if topic not in {"winback-journal", "churn-examples"}}  # fmt: skip
        learned = sorted(
            (kind, row)
            for record in commit.outputs["churn-examples"]
            for kind, rows in [lessons_of(record)]
            for row in rows
        )
        found.append((sorted(map(repr, commit.changelog)), outputs, learned))
    assert strides > 90 * 24
    assert found[0] == found[1]
    assert found[0][1]["win-back-decisions"]


def test_a_record_that_is_no_event_becomes_a_dead_letter_and_the_rest_goes_on() -> None:
    engine = pipeline()
    drive(engine, chunk("user-activity", 40, [event("ada", 1), (b"x", b"{oops"), event("ada", 2)]))
    commit = engine.take()
    (letter,) = commit.outputs["winback-dead-letters"]
    headers = dict(letter.headers)
    assert (letter.key, letter.value) == (b"x", b"{oops")
    assert headers["__connect.errors.topic"] == b"user-activity"
    assert headers["__connect.errors.offset"] == b"41"
    assert headers["__connect.errors.exception.class.name"] == b"not_decodable"
    assert b"ada" in dict(commit.changelog)


def test_a_restored_engine_goes_on_where_the_commit_was() -> None:
    engine = pipeline()
    drive(engine, chunk("user-activity", 0, [event("ada", 1), event("bob", 1)]))
    stored = {key: value for key, value in engine.take().changelog if value is not None}
    again = pipeline()
    again.restore(stored)
    assert again.applied == {"user-activity": 2}
    assert again.core.users == 2


def block(count: int, seed: int, **changes: object) -> bytes:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, len(FEATURES))).astype("<f4")
    made = ExampleBlock(
        features_hash=features_hash(), rules_hash=RULES.hash, horizon_ms=RULES.churn.horizon_ms,
        count=count, opened_at_ms=np.zeros(count).tobytes(),
        matured_at_ms=np.full(count, float(NOW_MS + seed)).tobytes(),
        active=(rows[:, 0] > 0).astype("u1").tobytes(),
        weight=np.ones(count, "<f4").tobytes(), rows=rows.tobytes(),
    )  # fmt: skip
    return msgspec.msgpack.encode(msgspec.structs.replace(made, **changes))


def served(engine: LearnerEngine) -> bytes:
    """Return the record that workers follow."""
    value = dict(engine.take().changelog)[SERVING.encode()]
    assert value is not None
    return value


def learn(engine: LearnerEngine, seeds: range) -> None:
    for seed in seeds:
        drive(engine, chunk("churn-examples", seed, [(None, block(40, seed))]))


def test_a_learner_that_was_killed_goes_on_exactly() -> None:
    """Snapshots at any instant and a restart give the same model as one long run."""
    straight = LearnerEngine(SETTINGS, RULES, Metrics())
    learn(straight, range(12))
    first = LearnerEngine(SETTINGS, RULES, Metrics())
    learn(first, range(5))
    stored = {key: value for key, value in first.take().changelog if value is not None}
    second = LearnerEngine(SETTINGS, RULES, Metrics())
    second.restore(stored)
    assert second.applied == {"churn-examples": 5}
    learn(second, range(5, 12))
    key = SETTINGS.model_key.encode()
    one, two = (dict(e.take().changelog) for e in (straight, second))
    name = f"{MODEL_OF}{CHAMPION}".encode()
    assert one[name] == two[name]
    assert load(one[name] or b"", key, Snapshot).examples == 480
    assert straight.roster.report() == second.roster.report()


def test_examples_of_other_rules_are_left_and_counted() -> None:
    metrics = Metrics()
    engine = LearnerEngine(SETTINGS, RULES, metrics)
    drive(engine, chunk("churn-examples", 0, [(None, block(5, 1, rules_hash="other"))]))
    drive(engine, chunk("churn-examples", 1, [(None, b"\xc1")]))
    page = metrics.page().decode()
    assert 'winback_examples_learned_total{outcome="other_rules"} 5.0' in page
    assert 'winback_examples_learned_total{outcome="not_decodable"} 1.0' in page


@pytest.mark.parametrize(
    "changes",
    [
        {"count": 4}, {"count": -5}, {"rows": b""}, {"weight": b"123"}, {"active": b"1"},
        {"opened_at_ms": b"1" * 39}, {"matured_at_ms": np.full(5, np.nan).tobytes()},
        {"matured_at_ms": np.full(5, np.inf).tobytes()},
        {"matured_at_ms": np.full(5, 1e300).tobytes()}, {"features_hash": "not UTF-8"},
    ],
)  # fmt: skip
def test_a_broken_block_is_counted_and_the_learner_goes_on(changes: dict[str, object]) -> None:
    whole = msgspec.msgpack.decode(block(5, 1), type=ExampleBlock)
    broken = msgspec.msgpack.encode(msgspec.structs.replace(whole, **changes))
    metrics = Metrics()
    engine = LearnerEngine(SETTINGS, RULES, metrics)
    records = [broken.replace(b"not UTF-8", b"\xff" * 9), block(5, 2)]
    drive(engine, chunk("churn-examples", 0, [(None, record) for record in records]))
    page = metrics.page().decode()
    assert 'winback_examples_learned_total{outcome="not_decodable"} 1.0' in page
    assert 'winback_examples_learned_total{outcome="learned"} 5.0' in page


def test_a_model_that_cannot_be_gone_on_from_stops_the_learner() -> None:
    """To begin anew in silence would overwrite what was learned."""
    engine = LearnerEngine(SETTINGS, RULES, Metrics())
    with pytest.raises(UserError, match="cannot be gone on from"):
        engine.restore({CHAMPION.encode(): b"not a model"})


def test_the_feed_takes_the_newest_valid_model_and_keeps_it() -> None:
    engine = LearnerEngine(SETTINGS, RULES, Metrics())
    learn(engine, range(RULES.alert.examples_min // 40 + 1))
    good = served(engine)
    used: list[object] = []
    metrics = Metrics()
    feed = ModelFeed("nowhere:1", SETTINGS, RULES, metrics, used.append)
    assert feed.scorer.version == "bgnbd_v1"
    stolen = sign(load(good, SETTINGS.model_key.encode(), Serving), b"another key of somebody")
    feed._take([good, stolen, b"rubbish", None])
    assert isinstance(feed.scorer, ServingScorer)
    assert used == [feed.scorer]
    feed._take([stolen])
    assert used == [feed.scorer]
    page = metrics.page().decode()
    assert 'winback_model_snapshots_refused_total{reason="bad_signature"} 2.0' in page


def test_an_error_of_the_feed_that_is_no_weather_is_not_swallowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise the model would stay as it is, and nobody would know."""
    feed = ModelFeed("nowhere:1", SETTINGS, RULES, Metrics(), print)
    tries: list[Exception] = [ZeroDivisionError(), KafkaConnectionError(), OSError()]

    async def fail() -> None:
        raise tries.pop()

    monkeypatch.setattr(feed, "_read", fail)
    monkeypatch.setattr(model_feed, "BACK_OFF_S", 0.0)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(feed.follow())
    assert tries == []


def test_a_model_that_has_learned_too_little_is_not_used() -> None:
    engine = LearnerEngine(SETTINGS, RULES, Metrics())
    learn(engine, range(1))
    used: list[Scorer] = []
    feed = ModelFeed("nowhere:1", SETTINGS, RULES, Metrics(), used.append)
    feed._take([served(engine)])
    assert {scorer.version for scorer in used} == {"bgnbd_v1"}
    assert not feed.scorer.may_alert


def test_openings_and_outcomes_teach_the_model_nothing() -> None:
    engine = LearnerEngine(SETTINGS, RULES, Metrics())
    learn(engine, range(2))
    opening = OpeningBlock(features_hash(), RULES.hash, RULES.churn.horizon_ms, 0, b"", b"", b"")
    drive(engine, chunk("churn-examples", 2, [(None, msgspec.msgpack.encode(opening))]))
    serving = load(served(engine), SETTINGS.model_key.encode(), Serving)

    assert engine.applied == {"churn-examples": 3}
    assert (serving.examples, serving.phase) == (80, Phase.PRIOR)
