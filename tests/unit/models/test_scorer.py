"""What a worker is told: probabilities and reasons."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from msgspec.structs import replace

from models.catalogue import CATALOGUE, CHAMPION
from models.features import GROUPS, RHYTHM_WIDTH, Rhythm
from models.scorer import BASE, HazardScorer, PriorScorer
from models.snapshot import Refusal, SnapshotRefused
from tests.unit.models.histories import HORIZON_MS, crowd, examples


def hazard_scorer() -> HazardScorer:
    learner = CATALOGUE[CHAMPION](HORIZON_MS)
    rows, labels = examples(2_000)
    learner.learn(rows, labels, np.ones(2_000, np.float32))
    return HazardScorer(learner.snapshot())


SCORERS = (hazard_scorer(), PriorScorer(HORIZON_MS))
every_scorer = pytest.mark.parametrize("scorer", SCORERS, ids=lambda s: s.version)


@every_scorer
def test_all_groups_and_the_base_add_up_to_the_logit(scorer: HazardScorer | PriorScorer) -> None:
    heads, at_ms = crowd(100)
    said = scorer.hazard(heads, at_ms)
    for row, parts in enumerate(scorer.explain(heads, at_ms)):
        leaving = np.log((1 - said[row]) / said[row])
        assert sum(weight for _, weight in parts) == pytest.approx(leaving, abs=1e-8)
        assert {group for group, _ in parts} == {*GROUPS, BASE}


@every_scorer
def test_reasons_are_the_three_that_speak_most_for_leaving(
    scorer: HazardScorer | PriorScorer,
) -> None:
    heads, at_ms = crowd(100)
    whole = scorer.explain(heads, at_ms)
    for reasons, parts in zip(scorer.reasons(heads, at_ms), whole, strict=True):
        assert len(reasons) == 3
        assert reasons == parts[:3]
        assert list(reasons) == sorted(reasons, key=lambda part: -part[1])
        assert reasons[2][1] >= max(weight for _, weight in parts[3:-1])


@every_scorer
def test_every_probability_is_one(scorer: HazardScorer | PriorScorer) -> None:
    heads, at_ms = crowd(100)
    for said in (
        scorer.hazard(heads, at_ms),
        scorer.quiet(heads, at_ms),
        scorer.reach(heads, at_ms),
    ):
        assert ((said >= 0) & (said <= 1)).all()


@every_scorer
def test_nobody_asked_nothing_said(scorer: HazardScorer | PriorScorer) -> None:
    nobody, never = np.empty((0, RHYTHM_WIDTH)), np.empty(0)

    assert scorer.reasons(nobody, never) == []
    assert len(scorer.reach(nobody, never)) == 0


def test_the_prior_fears_a_long_silence_more_than_a_short_one() -> None:
    heads, _ = crowd(100)
    regular = heads[heads[:, Rhythm.GAPS] > 5]
    last = regular[:, Rhythm.LAST]
    prior = PriorScorer(HORIZON_MS)

    fresh, stale = prior.quiet(regular, last + 0), prior.quiet(regular, last + 0.9 * HORIZON_MS)
    assert np.mean(stale > fresh) > 0.9


def test_a_scorer_refuses_other_features_and_other_rules() -> None:
    snapshot = replace(CATALOGUE[CHAMPION](HORIZON_MS).snapshot(), rules_hash="theirs")
    with pytest.raises(SnapshotRefused) as refusal:
        HazardScorer(replace(snapshot, features_hash="other"))
    assert refusal.value.reason is Refusal.OTHER_FEATURES
    with pytest.raises(SnapshotRefused) as refusal:
        HazardScorer(snapshot, rules_hash="ours")
    assert refusal.value.reason is Refusal.OTHER_RULES


def test_who_scores_does_not_load_river() -> None:
    code = "import sys, models.scorer; sys.exit('river' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
