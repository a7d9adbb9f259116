"""What a worker is told, and what it must not load to know it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from models.calibration import IDENTITY, Platt
from models.catalogue import CHAMPION
from models.features import GROUPS, Rhythm
from models.reasons import BASE
from models.serving import in_force, serving_scorer
from models.snapshot import Phase, Refusal, Serving, SnapshotRefused, check
from tests.unit.models.cast import scorer, taught
from tests.unit.models.histories import HORIZON_MS, crowd


def serving(**change: object) -> Serving:
    model = taught()[CHAMPION].snapshot()
    facts: dict[str, object] = {
        "version": model.version,
        "champion": CHAMPION,
        "phase": Phase.LEARNED,
        "horizon_ms": HORIZON_MS,
        "examples": model.examples,
        "model": model,
        "rules_hash": "ours",
    }
    return Serving(**facts | change)  # type: ignore[arg-type]  # any change is a story


def test_a_linear_explanation_names_every_group() -> None:
    for row in scorer(CHAMPION).explain(*crowd(20)):
        assert {code for code, _ in row} == {*GROUPS, BASE}


def test_a_blend_lies_between_its_parts() -> None:
    asked = crowd(100)
    model, prior, both = (scorer(name).reach(*asked) for name in (CHAMPION, "bgnbd_v1", "blended"))
    low, high = np.minimum(model, prior), np.maximum(model, prior)

    assert ((both >= low - 1e-12) & (both <= high + 1e-12)).all()
    assert np.array_equal(both == 1.0, model == 1.0)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_at_its_ends_a_blend_is_one_of_its_parts(weight: float) -> None:
    asked = crowd(50)
    both = in_force(scorer(CHAMPION), HORIZON_MS, prior_weight=weight)
    alone = scorer("bgnbd_v1" if weight else CHAMPION)

    assert np.array_equal(both.quiet(*asked), alone.quiet(*asked))
    assert both.version == alone.version


def test_a_version_tells_how_much_of_the_prior_is_in_it() -> None:
    assert scorer("blended").version == f"{scorer(CHAMPION).version}+bgnbd_v1*0.3700"
    tiny = in_force(scorer(CHAMPION), HORIZON_MS, prior_weight=1e-5)
    assert tiny.version.endswith("+bgnbd_v1*0.0000")


def test_only_the_question_over_the_horizon_is_calibrated() -> None:
    asked, platt = crowd(50), Platt(0.4, 0.8)
    raw, calibrated = scorer(CHAMPION), scorer("calibrated")

    assert np.array_equal(calibrated.quiet(*asked), platt(raw.quiet(*asked)))
    assert np.array_equal(calibrated.reach(*asked), raw.reach(*asked))
    assert np.array_equal(calibrated.hazard(*asked), raw.hazard(*asked))


@pytest.mark.parametrize("phase", [Phase.PRIOR, Phase.FALLEN_BACK])
def test_a_worker_uses_the_prior_when_the_model_is_not_trusted(phase: Phase) -> None:
    found = serving_scorer(serving(phase=phase, may_alert=False))

    assert found.version == "bgnbd_v1"
    assert not found.may_alert


def test_a_worker_scores_as_the_learner_says() -> None:
    asked = crowd(50)
    told = serving(phase=Phase.BLENDED, prior_weight=0.37, platt=Platt(0.4, 0.8))
    found = serving_scorer(told)

    assert np.array_equal(found.reach(*asked), scorer("blended").reach(*asked))
    assert np.array_equal(found.quiet(*asked), Platt(0.4, 0.8)(scorer("blended").quiet(*asked)))
    assert found.may_alert
    assert not serving_scorer(serving(may_alert=False)).may_alert


def test_without_a_model_there_is_the_prior() -> None:
    assert serving_scorer(serving(model=None, platt=IDENTITY)).version == "bgnbd_v1"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"features_hash": "other"}, Refusal.OTHER_FEATURES),
        ({"horizon_ms": 1}, Refusal.OTHER_HORIZON),
        ({"rules_hash": "theirs"}, Refusal.OTHER_RULES),
    ],
)
def test_what_was_learned_under_other_terms_is_refused(
    change: dict[str, object], reason: Refusal
) -> None:
    with pytest.raises(SnapshotRefused) as refusal:
        check(serving(**change), horizon_ms=HORIZON_MS, rules_hash="ours")
    assert refusal.value.reason is reason
    check(serving(rules_hash=""), horizon_ms=HORIZON_MS, rules_hash="ours")


def test_a_longer_silence_is_feared_more() -> None:
    heads, _ = crowd(200)
    regular = heads[heads[:, Rhythm.GAPS] > 5]
    last = regular[:, Rhythm.LAST]
    for name in (CHAMPION, "bgnbd_v1", "blended"):
        said = [scorer(name).quiet(regular, last + days * 86_400_000.0) for days in (0, 27)]
        assert np.mean(said[1] > said[0]) > 0.9


@pytest.mark.parametrize("module", ["models.scorer", "models.serving", "models.bgnbd"])
def test_who_scores_loads_neither_river_nor_lightgbm(module: str) -> None:
    code = f"import sys, {module}; sys.exit(bool({{'river', 'lightgbm'}} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
