"""One law book for every model of the catalogue: how it learns, travels and refuses."""

from __future__ import annotations

import json
import pickle
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from msgspec.structs import replace

from models.boosted import BadTreesError, Trees
from models.catalogue import CATALOGUE, CHAMPION, FLOOR, MIX, PRIOR, Setup, scorer_of
from models.challengers import GuestLearner, MixedLearner
from models.feature_list import columns_in_use
from models.learner import WEIGHT_MAX, LinearLearner
from models.prequential import auc
from models.snapshot import Refusal, Snapshot, SnapshotRefused, load, sign
from tests.unit.models.cast import PLACES, Lessons, fresh, guest, lessons, taught, teach
from tests.unit.models.histories import HORIZON_MS, crowd, examples

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.learner import Learner

KEYS = (b"a key of this test",)
LINEAR = tuple(name for name, model in fresh().items() if isinstance(model, LinearLearner))
every_model = pytest.mark.parametrize("name", CATALOGUE)
every_linear = pytest.mark.parametrize("name", LINEAR)


def told(size: int, seed: int = 9) -> Lessons:
    """Return lessons that nobody has seen yet."""
    return lessons(size, seed)


def quiet(model: Learner) -> NDArray[np.float64] | None:
    found = model.scorer()
    return None if found is None else found.quiet(*crowd(100))


def part(of: Lessons, rows: slice) -> Lessons:
    return Lessons(*(column[rows] for column in of))


def refusal_of(call: object, *args: object) -> Refusal:
    assert callable(call)
    with pytest.raises(SnapshotRefused) as refusal:
        call(*args)
    return refusal.value.reason


def test_the_parts_of_the_catalogue_have_their_names() -> None:
    assert {CHAMPION, MIX, PRIOR, FLOOR} < set(CATALOGUE)
    assert all(name == model.name for name, model in fresh().items())
    assert all(entry.what for entry in CATALOGUE.values())


@every_model
def test_a_fresh_model_has_nothing_to_say_but_the_prior(name: str) -> None:
    assert (fresh()[name].scorer() is None) is (name != PRIOR)


@every_model
def test_it_ranks_users_that_it_has_not_seen(name: str) -> None:
    scorer = taught()[name].scorer()
    assert scorer is not None
    unseen = lessons(1_000, 7)
    found = auc(1.0 - scorer.hazard(*crowd(1_000, 7)), ~unseen.active)

    assert found is not None
    assert found > 0.72


@cache
def taught_in_parts() -> dict[str, Learner]:
    models = fresh()
    for start in range(0, 2_500, 123):
        some = part(lessons(2_500), slice(start, start + 123))
        for model in models.values():
            model.learn(some.rows, some.active, some.weight)
            model.mature(some.rows, some.churned, some.weight)
    mix = models[MIX]
    assert isinstance(mix, MixedLearner)
    assert mix.refit()
    return models


@every_model
def test_how_lessons_are_cut_changes_nothing(name: str) -> None:
    assert taught_in_parts()[name].snapshot() == taught()[name].snapshot()


@every_model
def test_a_lesson_of_weight_zero_changes_nothing(name: str) -> None:
    models = teach(fresh(), lessons(300))
    before = models[name].snapshot()
    teach(models, told(50)._replace(weight=np.zeros(50, np.float32)))

    assert models[name].snapshot() == before


@every_model
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf, 1e12, 1e30])
def test_a_broken_row_is_left_out(name: str, broken: float) -> None:
    models = teach(fresh(), lessons(300))
    before = models[name].snapshot()
    one = told(1)
    rows = one.rows.copy()
    rows[0, PLACES["lrec"]] = broken
    teach(models, one._replace(rows=rows))

    assert models[name].snapshot() == before
    if isinstance(model := models[name], LinearLearner):
        assert model.refused == 1


@every_model
@pytest.mark.parametrize("weight", [np.nan, -1.0, 2 * WEIGHT_MAX])
def test_a_weight_that_cannot_be_is_refused(name: str, weight: float) -> None:
    models = teach(fresh(), lessons(300))
    before = models[name].snapshot()
    teach(models, told(1)._replace(weight=np.array([weight], np.float32)))

    assert models[name].snapshot() == before
    if isinstance(model := models[name], LinearLearner):
        assert model.refused == 1


def test_the_trees_are_fitted_to_sound_rows_only() -> None:
    clean, dirty = teach(fresh(), lessons(2_500)), fresh()
    broken = told(40).rows.copy()
    broken[:, 3] = np.nan
    teach(dirty, told(40)._replace(rows=broken))
    teach(dirty, lessons(2_500))

    assert dirty[MIX].snapshot().trees == clean[MIX].snapshot().trees != ""


@cache
def taught_one_kind(*, answer: bool) -> dict[str, Learner]:
    only = np.full(2_500, answer)
    return teach(fresh(), lessons(2_500)._replace(active=only, churned=only))


@every_model
@pytest.mark.parametrize("answer", [False, True])
def test_one_kind_of_outcome_alone_is_learned_without_harm(name: str, *, answer: bool) -> None:
    said = quiet(taught_one_kind(answer=answer)[name])
    if name == MIX:
        assert said is None  # There is nothing that trees could tell apart.
        return

    assert said is not None
    assert ((said > 0.0) & (said < 1.0)).all()


@every_model
def test_a_snapshot_scores_like_the_original(name: str) -> None:
    snapshot = load(sign(taught()[name].snapshot(), KEYS), KEYS, Snapshot)

    assert snapshot == taught()[name].snapshot()
    assert np.array_equal(scorer_of(snapshot).quiet(*crowd(100)), quiet(taught()[name]))


@cache
def restored() -> dict[str, Learner]:
    """Return the catalogue as it came back from signed snapshots."""
    models = fresh()
    for name, model in taught().items():
        models[name].restore(load(sign(model.snapshot(), KEYS), KEYS, Snapshot))
    return models


@cache
def gone_on(*, is_restored: bool) -> dict[str, Learner]:
    """Return the catalogue after more lessons: from snapshots, or without a break."""
    models = fresh()
    if is_restored:
        for name, model in restored().items():
            models[name].restore(model.snapshot())
    else:
        teach(models, lessons(2_500))
    return teach(models, told(400))


@every_model
def test_a_restored_model_goes_on_like_the_original(name: str) -> None:
    again, on = gone_on(is_restored=True)[name], gone_on(is_restored=False)[name]

    assert np.array_equal(quiet(restored()[name]), quiet(taught()[name]))
    assert again.snapshot() == on.snapshot()
    assert again.snapshot() != taught()[name].snapshot() or name == PRIOR


@every_model
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "other"}, Refusal.OTHER_MODEL),
        ({"features_hash": "other"}, Refusal.OTHER_FEATURES),
        ({"horizon_ms": 1}, Refusal.OTHER_HORIZON),
    ],
)
def test_a_foreign_snapshot_is_refused_and_changes_nothing(
    name: str, change: dict[str, object], reason: Refusal
) -> None:
    models = teach(fresh(), lessons(300))
    before = models[name].snapshot()

    assert refusal_of(models[name].restore, replace(before, **change)) is reason
    assert models[name].snapshot() == before


@every_linear
def test_a_snapshot_of_other_columns_or_lengths_is_refused(name: str) -> None:
    model = taught()[name]
    snapshot = model.snapshot()
    short = replace(snapshot, numbers=snapshot.numbers | {"means": (0.0,) * 7})
    other = replace(snapshot, columns=(*snapshot.columns[::-1], "kd2"))

    assert refusal_of(model.restore, short) is Refusal.BROKEN_NUMBERS
    assert refusal_of(scorer_of, short) is Refusal.BROKEN_NUMBERS
    assert refusal_of(model.restore, other) is Refusal.OTHER_MODEL


def test_a_model_of_a_newer_catalogue_is_refused_not_stumbled_over() -> None:
    newer = replace(taught()[CHAMPION].snapshot(), name="hazard_oracle_v9")

    assert refusal_of(scorer_of, newer) is Refusal.OTHER_MODEL


def test_a_model_is_json_and_never_a_pickle(tmp_path: Path) -> None:
    witness = tmp_path / "it ran"
    attack = pickle.dumps(_Attack(str(witness)))
    said = sign(taught()[MIX].snapshot(), KEYS)

    assert json.loads(said)["snapshot"]["trees"].startswith("tree\n")
    assert refusal_of(load, attack, KEYS, Snapshot) is Refusal.NOT_A_SNAPSHOT
    for text in (attack.decode("latin-1"), "", "tree\n", "[]"):
        with pytest.raises(BadTreesError):
            Trees(text)
    assert not witness.exists()


class _Attack:
    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return open, (self._path, "w")


def test_trees_over_other_features_are_no_guest() -> None:
    text = guest().trees.replace("max_feature_idx=30", "max_feature_idx=29")
    bad = replace(guest(), trees=text)

    assert refusal_of(GuestLearner, bad, HORIZON_MS) is Refusal.NOT_DECODABLE
    assert refusal_of(GuestLearner, guest(), 1) is Refusal.OTHER_HORIZON


def test_a_guest_says_how_much_it_has_seen_and_learns_nothing() -> None:
    model = GuestLearner(guest(), HORIZON_MS)
    before = quiet(model)
    model.learn(told(50).rows, told(50).active, told(50).weight)

    assert model.examples == 2_500
    assert np.array_equal(quiet(model), before)
    assert np.array_equal(scorer_of(guest()).quiet(*crowd(100)), before)


def test_versions_tell_states_apart() -> None:
    for name in (*LINEAR, MIX):
        version = taught()[name].snapshot().version
        assert taught_in_parts()[name].snapshot().version == version
        assert gone_on(is_restored=True)[name].snapshot().version != version


def test_known_weights_are_recovered() -> None:
    learner = CATALOGUE[CHAMPION].make(Setup(HORIZON_MS, columns_in_use(0, 0)))
    rows, labels = examples(20_000)
    learner.learn(rows, labels, np.ones(20_000, np.float32))
    numbers = learner.snapshot().numbers
    slopes = np.array(numbers["weights"][1:]) / np.sqrt(numbers["variances"])
    true = np.zeros(31)
    true[[20, 8, 5]] = -0.6, 0.5, 0.3

    assert slopes == pytest.approx(true, abs=0.06)


def test_a_weight_of_three_is_more_evidence_than_one() -> None:
    rows, labels = examples(300)
    sizes = []
    for weight in (1.0, 3.0):
        learner = CATALOGUE[CHAMPION].make(Setup(HORIZON_MS))
        learner.learn(rows, labels, np.full(300, weight, np.float32))
        sizes.append(np.abs(learner.snapshot().numbers["weights"][1:]).sum())

    assert sizes[1] > sizes[0]
