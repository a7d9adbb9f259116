"""One law book for the whole catalogue."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from models.catalogue import CATALOGUE, CHAMPION
from models.features import FEATURES, PLAIN_WIDTH, features
from models.learner import WEIGHT_MAX, Learner
from models.prequential import auc
from models.scorer import HazardScorer
from models.snapshot import Refusal, Snapshot, SnapshotRefused, load, sign
from tests.unit.models.histories import HORIZON_MS, crowd, examples

KEY = b"a key of this test"
every_model = pytest.mark.parametrize("name", CATALOGUE)


def taught(name: str, size: int = 400) -> Learner:
    learner = CATALOGUE[name](HORIZON_MS)
    rows, labels = examples(size)
    learner.learn(rows, labels, np.ones(size, np.float32))
    return learner


def same(one: Learner, other: Learner) -> bool:
    return one.snapshot() == other.snapshot()


def test_the_champion_is_in_the_catalogue() -> None:
    assert CHAMPION in CATALOGUE


@every_model
def test_a_fresh_model_knows_nothing(name: str) -> None:
    rows, _ = examples(10)

    assert (CATALOGUE[name](HORIZON_MS).predict(rows) == 0.5).all()


@every_model
def test_it_learns(name: str) -> None:
    learner = taught(name, 3_000)
    rows, labels = examples(1_000, seed=1)
    learned = auc(learner.predict(rows), labels)

    assert learned is not None
    assert learned > (0.8 if name == CHAMPION else 0.7)
    assert learner.examples == 3_000


@every_model
def test_batches_change_nothing(name: str) -> None:
    rows, labels = examples(200)
    weight = np.ones(200, np.float32)
    whole, parts = CATALOGUE[name](HORIZON_MS), CATALOGUE[name](HORIZON_MS)
    whole.learn(rows, labels, weight)
    for start in range(0, 200, 7):
        cut = slice(start, start + 7)
        parts.learn(rows[cut], labels[cut], weight[cut])

    assert same(whole, parts)


@every_model
def test_an_example_of_weight_zero_changes_nothing(name: str) -> None:
    learner, twin = taught(name), taught(name)
    rows, labels = examples(50, seed=2)
    learner.learn(rows, labels, np.zeros(50, np.float32))

    assert same(learner, twin)


@every_model
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf, 1e30])
def test_a_broken_example_is_refused_and_counted(name: str, broken: float) -> None:
    learner, twin = taught(name), taught(name)
    rows, labels = examples(1, seed=2)
    place = [feature.name for feature in FEATURES].index("lrec")
    rows[0, place] = broken
    learner.learn(rows, labels, np.ones(1, np.float32))

    assert learner.refused == 1
    assert same(learner, twin)


@every_model
@pytest.mark.parametrize("weight", [np.nan, -1.0, 2 * WEIGHT_MAX])
def test_a_weight_that_cannot_be_is_refused(name: str, weight: float) -> None:
    learner, twin = taught(name), taught(name)
    rows, labels = examples(1, seed=2)
    learner.learn(rows, labels, np.array([weight], np.float32))

    assert learner.refused == 1
    assert same(learner, twin)


@every_model
def test_a_snapshot_predicts_and_goes_on_like_the_original(name: str) -> None:
    learner, twin = taught(name), CATALOGUE[name](HORIZON_MS)
    twin.restore(load(sign(learner.snapshot(), KEY), KEY))
    rows, labels = examples(100, seed=3)

    assert np.array_equal(twin.predict(rows), learner.predict(rows))
    for each in (learner, twin):
        each.learn(rows, labels, np.ones(100, np.float32))
    assert same(learner, twin)


@every_model
def test_the_scorer_says_what_the_learner_says(name: str) -> None:
    learner = taught(name)
    heads, at_ms = crowd(100)
    said = HazardScorer(learner.snapshot()).hazard(heads, at_ms)

    assert said == pytest.approx(learner.predict(features(heads, at_ms, HORIZON_MS)), abs=1e-6)


@every_model
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"features_hash": "other"}, Refusal.OTHER_FEATURES),
        ({"horizon_ms": 1}, Refusal.OTHER_HORIZON),
        ({"rules_hash": "other"}, Refusal.OTHER_RULES),
        ({"name": "other"}, Refusal.OTHER_MODEL),
    ],
)
def test_a_strange_snapshot_is_refused(
    name: str, change: dict[str, object], reason: Refusal
) -> None:
    learner, twin = taught(name), taught(name)
    with pytest.raises(SnapshotRefused) as refusal:
        learner.restore(replace(learner.snapshot(), **change), rules_hash="ours")

    assert refusal.value.reason is reason
    assert same(learner, twin)


def test_known_weights_are_recovered() -> None:
    learner = taught(CHAMPION, 20_000)
    snapshot: Snapshot = learner.snapshot()
    slopes = np.array(snapshot.weights[1:]) / np.sqrt(snapshot.variances)
    true = np.zeros(PLAIN_WIDTH)
    true[[20, 8, 5]] = -0.6, 0.5, 0.3

    assert slopes == pytest.approx(true, abs=0.06)


def test_a_weight_of_three_is_three_examples_worth_of_evidence() -> None:
    rows, labels = examples(300)
    once, heavy = CATALOGUE[CHAMPION](HORIZON_MS), CATALOGUE[CHAMPION](HORIZON_MS)
    heavy.learn(rows, labels, np.full(300, 3.0, np.float32))
    once.learn(rows, labels, np.ones(300, np.float32))
    sizes = [np.abs(learner.snapshot().weights[1:]).sum() for learner in (once, heavy)]

    assert sizes[1] > sizes[0]
