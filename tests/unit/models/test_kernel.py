"""The kernel of the models and its twins in Python: equal to the last bit."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import features as of_features
from models import hazard as of_path
from models import learner as of_learner
from models import scaler as of_scaler
from models import second_order as of_belief
from models.bgnbd import BgNbdScorer
from models.by_turns import by_turns
from models.calibration import IDENTITY
from models.feature_list import FEATURES, PLAIN_WIDTH, WIDTH, Rhythm
from models.kernel.library import ROOM, learning_kernel, path_kernel
from models.kernel.loading import OFF, SWITCH
from models.learner import AdaGradLearner, LinearLearner, SecondOrderLearner
from models.questions import Examples, Matured
from models.scorer import LinearScorer
from models.serving import ServingScorer
from streams.kernel.build import compilers
from streams.replay.blocks import Window
from streams.replay.files import EventLog
from streams.replay.harvest import Harvest
from streams.replay.rulebook import rules_at
from tests.unit.models.histories import HORIZON_MS, crowd, users
from tests.unit.models.test_hazard import QUESTIONS, weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.scorer import Scorer
    from models.snapshot import Snapshot

LOG = Path(__file__).parents[3] / "data" / "complete_journey.csv.gz"
MAKERS: tuple[Callable[[], LinearLearner], ...] = (
    lambda: SecondOrderLearner("belief", HORIZON_MS),
    lambda: SecondOrderLearner("all", HORIZON_MS, tuple(feature.name for feature in FEATURES)),
    lambda: SecondOrderLearner("recency", HORIZON_MS, ("lrec",)),
    lambda: AdaGradLearner("adagrad", HORIZON_MS),
)


def twins(patch: pytest.MonkeyPatch) -> None:
    """Let Python do the work."""
    for module in (of_features, of_path):
        patch.setattr(module, "path_kernel", lambda: None)
    for module in (of_scaler, of_belief, of_learner):
        patch.setattr(module, "learning_kernel", lambda: None)


def test_where_there_is_a_compiler_there_is_a_kernel() -> None:
    """So that no test here compares Python with itself, unless that is asked for."""
    is_off = os.environ.get(SWITCH) == OFF
    for kernel in (path_kernel(), learning_kernel()):
        assert (kernel is None) == (is_off or not [*compilers()])


def test_the_columns_have_the_same_places() -> None:
    text = (ROOM / "path.c").read_text("utf-8")
    found = re.search(r"enum \{\s*(FIRST,[^}]*)\}", text)
    assert found is not None
    assert re.split(r"[\s,]+", found[1].strip()) == list(Rhythm.__members__)


# -- the features and the path


@pytest.mark.parametrize("width", [PLAIN_WIDTH, WIDTH])
def test_features_and_paths_are_those_of_numpy(width: int) -> None:
    """Of one user, of a few, of more than a block; a view of wider rows, as states are."""
    heads, at_ms = crowd(1_500)
    model, wide = weights(3, width=width), np.repeat(heads, 2, axis=1)
    wide[:, : heads.shape[1]] = heads
    for count in (0, 1, 7, len(heads)):
        asked = heads[:count], at_ms[:count], float(HORIZON_MS)
        said = [of_features.features(*asked), *(question(model, *asked) for question in QUESTIONS)]
        view = wide[:count, : heads.shape[1]], *asked[1:]
        assert np.array_equal(of_features.features(*view), said[0])
        with pytest.MonkeyPatch.context() as patch:
            twins(patch)
            told = [of_features.features(*asked)]
            told += [question(model, *asked) for question in QUESTIONS]
        for mine, other in zip(said, told, strict=True):
            assert mine.tobytes() == other.tobytes()


@given(users(), st.sampled_from((PLAIN_WIDTH, WIDTH)), st.sampled_from((0.3, 1e6)))
def test_whoever_the_user_is(user: tuple[list[float], float], width: int, scale: float) -> None:
    model, heads, at_ms = weights(2, scale, width), np.array([user[0]]), np.array([user[1]])
    asked = heads, at_ms, float(HORIZON_MS)
    said = [of_features.features(*asked), *(question(model, *asked) for question in QUESTIONS)]
    with pytest.MonkeyPatch.context() as patch:
        twins(patch)
        told = [of_features.features(*asked), *(question(model, *asked) for question in QUESTIONS)]
    assert [each.tobytes() for each in said] == [each.tobytes() for each in told]


# -- the learners


@pytest.fixture(name="real", scope="module")
def _real() -> Examples:
    """What the first weeks of a real log teach."""
    pieces: list[Examples] = []

    def keep(piece: Examples | Matured) -> None:
        assert isinstance(piece, Examples)
        pieces.append(piece)

    log = Window(limit=12_000).of(EventLog(str(LOG)).blocks())
    Harvest(rules_at(""), keep, now_ms=1_600_000_000_000, asks=False).run(log)
    return Examples(*(np.concatenate(column) for column in zip(*pieces, strict=True)))


def taught(make: Callable[[], LinearLearner], examples: Examples, size: int) -> Snapshot:
    """Return what a learner knows after examples in blocks, the middle one after a restart."""
    learner = make()
    for start in range(0, len(examples.active), size):
        part = Examples._make(column[start : start + size] for column in examples)
        learner.learn(part.rows, part.active, part.weight)
        if start <= len(examples.active) // 2 < start + size:
            before, learner = learner.snapshot(), make()
            learner.restore(before)
    return learner.snapshot()


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make().name)
@pytest.mark.parametrize("size", [3, 5_000])
def test_real_examples_are_learned_as_river_learns_them(
    real: Examples, make: Callable[[], LinearLearner], size: int
) -> None:
    """Heavy ones and broken ones, too; the twin of AdaGrad is River's own ``learn_one``."""
    count = 3_000
    assert len(real.active) > count
    examples = Examples._make(column[:count].copy() for column in real)
    examples.weight[::7] = 20.0
    examples.rows[::50, 20] = np.nan
    examples.rows[1::50] *= 1e3
    said = taught(make, examples, size)
    with pytest.MonkeyPatch.context() as patch:
        twins(patch)
        told = taught(make, examples, size)
    assert said == told
    assert said.examples > count // 2


def test_scorers_are_asked_by_turns_as_one_by_one() -> None:
    """The prior alone, models with the prior beside them, models alone."""
    heads, at_ms = crowd(400, seed=5)
    prior = BgNbdScorer(HORIZON_MS)
    lines = [LinearScorer(weights(seed), f"v{seed}", 9, HORIZON_MS) for seed in range(4)]
    blends = [
        ServingScorer(line, prior, share, IDENTITY, may_alert=True)
        for line, share in zip(lines, (0.7, 0.2, 0.0, 0.0), strict=True)
    ]
    scorers: list[Scorer] = [prior, *blends, lines[0], prior]
    which = np.random.default_rng(1).integers(0, len(scorers), len(heads))
    found = by_turns(scorers)
    if path_kernel() is None:
        assert found is None
        return
    assert found is not None
    said = found.reach(which, heads, at_ms)
    for number, scorer in enumerate(scorers):
        rows = which == number
        assert said[rows].tobytes() == scorer.reach(heads[rows], at_ms[rows]).tobytes()
    assert by_turns([prior]) is None
    plain = LinearScorer(weights(1, width=PLAIN_WIDTH), "v", 9, HORIZON_MS)
    assert by_turns([lines[0], plain]) is None
