"""The learner's engine: it goes on exactly, whatever comes in and however often it dies."""

import random
from concurrent.futures import Future
from pathlib import Path

import msgspec
import numpy as np
import pytest

from models import boosted, newest
from models.bgnbd import BgNbdScorer
from models.boosted import Fit, Trees
from models.catalogue import CHAMPION, MIX
from models.episodes import Episodes
from models.features import features_hash
from models.policy import POLICY, Policy, PolicyLearner
from models.questions import Openings
from models.roster_records import MODEL, SERVING
from models.snapshot import Phase, Serving, Snapshot, load, seal, sign
from models.standing import REPORT, Report
from streams.core.rules_file import parse_rules
from streams.core.teaching import ExampleBlock, OpeningBlock
from streams.errors import UserError
from streams.lessons import block_of, lesson_of
from streams.replay.files import EventLog
from streams.replay.run import Replay
from streams.runtime.fits import BackgroundFits
from streams.runtime.learner import LearnerEngine
from streams.runtime.metrics import Metrics
from tests.unit.replay import synthetic
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

SHORT = parse_rules("churn: {horizon: 8d, min_active_days: 2}\nalert: {examples_min: 100}\n")


def learner(metrics: Metrics | None = None) -> LearnerEngine:
    return LearnerEngine(SETTINGS, RULES, metrics or Metrics())


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What a pipeline of three partitions taught of 40 users in 90 days, by event time."""
    path = tmp_path_factory.mktemp("taught") / "log.csv"
    log = EventLog(synthetic.log(Path(path), synthetic.rows(40, 90)), block_rows=200)
    run = Replay(
        SHORT, BgNbdScorer(SHORT.churn.horizon_ms), partitions=3, now_ms=1_600_000_000_000,
        keeps=["examples"],
    )  # fmt: skip
    run.run(log.blocks())
    return sorted(run.records("examples"), key=newest_ms)


def newest_ms(value: bytes) -> float:
    lesson = lesson_of(block_of(value), SHORT.hash)
    at_ms = lesson.at_ms if isinstance(lesson, Openings) else lesson.matured_at_ms
    return float(at_ms.max())


@pytest.mark.parametrize("seed", range(4))
def test_a_learner_that_is_killed_again_and_again_comes_to_the_same(
    taught: list[bytes], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Grades, evidence, drift, questions, weights and trees: all of it, to the last bit."""
    monkeypatch.setattr(newest, "FIRST_FIT", 200)
    monkeypatch.setattr(newest, "KEPT_MAX", 500)
    monkeypatch.setattr(newest, "PART_ROWS", 70)
    monkeypatch.setattr(boosted, "TREES", 5)
    straight = LearnerEngine(SETTINGS, SHORT, Metrics())
    feed(straight, taught)
    chance = random.Random(seed)
    engine, topic = LearnerEngine(SETTINGS, SHORT, Metrics()), {}
    kills = 0
    while engine.applied.get("churn-examples", 0) < len(taught):
        first = engine.applied.get("churn-examples", 0)
        feed(engine, taught[first : first + chance.randint(1, 6)])
        if chance.random() < 0.6:
            topic = topic_of(engine, topic)
        if chance.random() < 0.3:
            engine = LearnerEngine(SETTINGS, SHORT, Metrics())
            engine.restore(topic)
            kills += 1
    one, two = straight.roster, engine.roster

    assert kills > 2
    assert one.report() == two.report()
    assert one.report().served.outcomes > 50
    assert one.models[MIX].snapshot().numbers["edition"][0] > 2
    for name, model in one.models.items():
        assert model.snapshot() == two.models[name].snapshot(), name


def test_the_records_of_a_learner_fit_and_say_where_it_goes_on(taught: list[bytes]) -> None:
    engine = LearnerEngine(SETTINGS, SHORT, Metrics())
    feed(engine, taught)
    topic = topic_of(engine)
    serving = load(topic[SERVING.encode()], KEYS, Serving)
    report = load(topic[REPORT.encode()], KEYS, Report)

    assert serving.applied == {"churn-examples": {0: len(taught)}}
    assert (report.champion, report.phase) == (CHAMPION, serving.phase)
    assert report == engine.roster.report()
    assert {standing.name for standing in report.models} == set(engine.roster.models)
    assert sum(rows for _, _, rows in report.reliability) == report.served.outcomes
    assert max(map(len, topic.values())) < 1_000_000
    assert not engine.take()


def test_quality_phase_and_alarms_are_on_the_page(taught: list[bytes]) -> None:
    metrics = Metrics()
    engine = LearnerEngine(SETTINGS, SHORT, metrics)
    feed(engine, taught)
    engine.take()
    report, page = engine.roster.report(), metrics.page().decode()

    assert f'winback_model_quality{{measure="brier",model="served"}} {report.served.brier}' in page
    assert f'winback_model_outcomes{{model="{CHAMPION}"}} ' in page
    assert 'winback_model_quality{measure="ece_floor",model="recency_v1"}' in page
    assert f'winback_model_in_force{{model="{CHAMPION}"}} 1.0' in page
    assert f'winback_model_phase{{phase="{report.phase.value}"}} 1.0' in page
    assert 'winback_model_phase{phase="prior"} 0.0' in page
    assert 'winback_model_alarm{alarm="inputs:silence"} 0.0' in page
    assert 'winback_model_reliability{bin="9",part="seen"}' in page
    assert f"winback_questions_open {float(report.questions)}" in page
    assert 'winback_lessons_total{kind="outcome"}' in page
    assert "用户" not in page


def test_a_change_of_phase_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    feed(learner(), (block(300, seed) for seed in range(8)))
    said = [vars(r)["facts"] for r in caplog.records if r.msg == "model_phase"]

    assert [(facts["before"], facts["phase"]) for facts in said] == [
        ("prior", "blended"), ("blended", "learned"),
    ]  # fmt: skip


def test_days_of_refused_examples_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    feed(learner(), [block(5, 1, rules_hash="other")] * 100)
    said = [vars(r)["facts"]["times"] for r in caplog.records if r.msg == "examples_refused"]
    assert said == [1, 10, 100]


def test_examples_of_other_rules_are_left_and_counted() -> None:
    metrics = Metrics()
    feed(learner(metrics), [block(5, 1, rules_hash="other"), b"\xc1"])
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
    feed(learner(metrics), [broken.replace(b"not UTF-8", b"\xff" * 9), block(5, 2)])
    page = metrics.page().decode()
    assert 'winback_examples_learned_total{outcome="not_decodable"} 1.0' in page
    assert 'winback_examples_learned_total{outcome="learned"} 5.0' in page


def test_rows_that_are_no_numbers_are_refused_and_counted() -> None:
    whole = msgspec.msgpack.decode(block(5, 1), type=ExampleBlock)
    rows = np.frombuffer(whole.rows, "<f4").copy()
    rows[3] = np.nan
    metrics = Metrics()
    broken = msgspec.structs.replace(whole, rows=rows.tobytes())
    feed(learner(metrics), [msgspec.msgpack.encode(broken)])
    page = metrics.page().decode()
    assert 'winback_examples_learned_total{outcome="learned"} 4.0' in page
    assert 'winback_examples_learned_total{outcome="refused"} 1.0' in page


@pytest.mark.parametrize(
    ("key", "record", "why"),
    [
        (CHAMPION, b"not a model", "not_a_snapshot"),
        (CHAMPION, seal(b'{"format":1,"name":"hazard_logistic_v1"}', KEYS), "other_format"),
        (SERVING, sign(learner().roster.serving(), (b"another key of somebody",)), "bad_signature"),
    ],
)
def test_a_model_that_cannot_be_gone_on_from_stops_the_learner(
    key: str, record: bytes, why: str
) -> None:
    """To begin anew in silence would overwrite what was learned."""
    with pytest.raises(UserError, match=f"cannot be gone on from: {why}") as refused:
        learner().restore({key.encode(): record})
    assert "WINBACK_TOPIC_MODELS" in refused.value.hint


def test_models_of_other_rules_stop_the_learner() -> None:
    engine = learner()
    feed(engine, [block(5, 1)])
    with pytest.raises(UserError, match="other_horizon"):
        LearnerEngine(SETTINGS, SHORT, Metrics()).restore(topic_of(engine))


def test_openings_and_outcomes_teach_the_hazard_nothing() -> None:
    engine = learner()
    feed(engine, [block(40, 0), block(40, 1)])
    opening = OpeningBlock(features_hash(), RULES.hash, RULES.churn.horizon_ms, 0, b"", b"", b"")
    feed(engine, [msgspec.msgpack.encode(opening)])
    serving = load(served(engine), KEYS, Serving)

    assert engine.applied == {"churn-examples": 3}
    assert (serving.examples, serving.phase) == (80, Phase.PRIOR)


class Fits:
    """Fits that run when the story wants it."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Fit, Future[Trees]]] = []

    def __call__(self, fit: Fit) -> Future[Trees]:
        future: Future[Trees] = Future()
        self.waiting.append((fit, future))
        return future


def spread(numbers: range) -> list[bytes]:
    """Return blocks of 1,000 examples, a fortnight apart."""
    fortnight_ms = 14 * 86_400_000
    return [
        block(1_000, number, matured_at_ms=np.full(1_000, number * fortnight_ms + 1.0).tobytes())
        for number in numbers
    ]


def test_trees_that_are_fitted_meanwhile_play_from_the_next_assembly_on() -> None:
    fits = Fits()
    engine = LearnerEngine(SETTINGS, RULES, Metrics(), fits)
    feed(engine, spread(range(1, 5)))
    ((fit, future),) = fits.waiting
    assert engine.roster.models[MIX].scorer() is None
    future.set_result(fit())
    feed(engine, spread(range(5, 7)))

    assert engine.roster.models[MIX].scorer() is not None
    snapshot = load(topic_of(engine)[f"{MODEL}{MIX}".encode()], KEYS, Snapshot)
    assert snapshot.trees.startswith("tree")


def test_a_fit_that_fails_is_said_and_the_learner_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics = Metrics()
    fits = BackgroundFits(metrics)

    def broken() -> Trees:
        raise MemoryError("no room for the trees")

    engine = LearnerEngine(SETTINGS, RULES, Metrics(), lambda _fit: fits(broken))
    feed(engine, spread(range(1, 9)))
    fits._executor.shutdown()
    feed(engine, spread(range(9, 10)))

    assert engine.roster.examples == 9_000
    assert engine.roster.models[MIX].scorer() is None
    assert any("no room" in str(vars(r).get("facts")) for r in caplog.records)
    assert 'winback_model_fits_total{outcome="failed"}' in metrics.page().decode()


def test_what_was_learned_of_contacts_goes_out_once_and_is_gone_on_from() -> None:
    """Variant b brings people back, a does not; a restart in the middle changes nothing."""
    engine, straight = LearnerEngine(SETTINGS, RULES, Metrics()), PolicyLearner(RULES.hash)
    records: dict[bytes, bytes] = {}
    for number in range(6):
        value = episodes(40, number)
        lesson = lesson_of(block_of(value), RULES.hash)
        assert isinstance(lesson, Episodes)
        straight.learn(lesson)
        feed(engine, [value])
        topic_of(engine, records)
        if number == 2:
            engine = LearnerEngine(SETTINGS, RULES, Metrics())
            engine.restore(records)
    found = load(records[POLICY.encode()], KEYS, Policy)
    assert found == straight.policy()
    odds = found.odds("winback", ("a", "b"))
    assert odds[1] > 0.8
    feed(engine, [block(30, 1)])
    assert POLICY.encode() not in dict(engine.take().changelog), "nothing new was learned of it"


def test_keys_take_turns_without_a_moment_in_which_a_model_is_refused() -> None:
    """First all accept the next key, then the learner signs with it, then the old one goes."""
    old, new = "o" * 16, "n" * 16
    before = msgspec.structs.replace(SETTINGS, model_key=old)
    both = msgspec.structs.replace(SETTINGS, model_key=old, model_keys_accepted=new)
    turned = msgspec.structs.replace(SETTINGS, model_key=new, model_keys_accepted=old)
    after = msgspec.structs.replace(SETTINGS, model_key=new)
    topic: dict[bytes, bytes] = {}
    blocks = [block(300, seed) for seed in range(4)]
    readers_of = {"before": (before, both), "both": (both, turned), "turned": (both, turned, after)}
    for name, signer, values in (
        ("before", before, blocks[:2]), ("both", both, blocks[2:3]), ("turned", turned, blocks[3:]),
    ):  # fmt: skip
        engine = LearnerEngine(signer, RULES, Metrics())
        engine.restore(topic)
        feed(engine, values)
        topic_of(engine, topic)
        for reader in readers_of[name]:
            assert load(topic[SERVING.encode()], reader.model_keys, Serving).examples
    heir = LearnerEngine(after, RULES, Metrics())
    heir.restore(topic)  # Nothing on the topic needs the old key any more.
    assert heir.roster.examples == 1_200
    with pytest.raises(UserError, match="another key"):
        LearnerEngine(before, RULES, Metrics()).restore(topic)
