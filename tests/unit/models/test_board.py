"""The board grades all by the newest outcomes, also who came later or said nothing."""

from __future__ import annotations

from typing import Final

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import board
from models.board import ROWS_MIN, SERVED, WARM_UP, Board
from models.features import WIDTH
from models.prequential import grades
from models.questions import Matured

HORIZON_MS: Final = 1_000
SPAN_MS: Final = HORIZON_MS // 16
NAMES: Final = ("champion", "rival", "floor")
Said = dict[str, list[float]]


def matured(said: Said, churned: list[bool], at_ms: float = 0.0) -> Matured:
    size = len(churned)
    served = np.array(said.get(SERVED, [0.5] * size))
    return Matured(
        users=np.arange(size, dtype=np.uint64),
        opened_at_ms=np.full(size, at_ms),
        churned=np.array(churned, bool),
        weight=np.ones(size, np.float32),
        rows=np.zeros((size, WIDTH), np.float32),
        said=served,
        raw=served,
        candidate=served,
        models={name: np.array(p) for name, p in said.items() if name != SERVED},
        heads=None,
    )


shares = st.sampled_from((0.1, 0.4, 0.9))


@st.composite
def batches(draw: st.DrawFn) -> tuple[Said, list[bool]]:
    churned = draw(st.lists(st.booleans(), min_size=1, max_size=6))
    spoke = draw(st.sets(st.sampled_from(NAMES)))
    names = (SERVED, *sorted(spoke))
    same = st.lists(shares, min_size=len(churned), max_size=len(churned))
    return {name: draw(same) for name in names}, churned


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(batches(), max_size=10))
def test_grades_are_of_the_newest_outcomes_of_which_a_model_spoke(
    monkeypatch: pytest.MonkeyPatch, told: list[tuple[Said, list[bool]]]
) -> None:
    monkeypatch.setattr(board, "WINDOW", 7)
    found = Board(HORIZON_MS)
    seen: list[tuple[dict[str, float], bool]] = []
    for said, churned in told:
        found.see(matured(said, churned), "champion", "floor")
        seen += [
            ({name: p[row] for name, p in said.items()}, happened)
            for row, happened in enumerate(churned)
        ]
    for name in (SERVED, *NAMES):
        mine = [(said[name], happened) for said, happened in seen[-7:] if name in said]
        p, happened = np.array([one for one, _ in mine]), np.array([y for _, y in mine], bool)
        assert found.grades(name) == grades(p, happened)


def play(champion: float, rival: float, floor: float, spans: int, begin_ms: float = 0.0) -> Board:
    """Return a board after spans of outcomes, thirty each, of which half happened."""
    found = Board(HORIZON_MS)
    for span in range(spans):
        happened = (np.random.default_rng(span).random(40) < 0.5).tolist()
        said = {
            name: [abs(wrong - y) for y in happened]
            for name, wrong in (("champion", champion), ("rival", rival), ("floor", floor))
        }
        found.see(matured(said, happened, begin_ms + span * SPAN_MS), "champion", "floor")
        found.close()
    return found


def test_who_errs_less_for_long_enough_is_better() -> None:
    late = play(champion=0.4, rival=0.3, floor=0.45, spans=16 * WARM_UP + 40)
    early = play(champion=0.4, rival=0.3, floor=0.45, spans=16 * WARM_UP + 20)

    assert late.better() == "rival"
    assert late.better(but={"rival"}) is None
    assert early.better() is None
    assert not late.is_below_floor
    assert play(champion=0.3, rival=0.4, floor=0.45, spans=90).better() is None


def test_the_one_that_is_better_by_most_is_taken() -> None:
    assert play(champion=0.4, rival=0.3, floor=0.2, spans=16 * WARM_UP + 40).better() == "floor"


def test_a_champion_may_be_below_the_floor() -> None:
    found = play(champion=0.4, rival=0.4, floor=0.3, spans=50)

    assert found.is_below_floor
    assert found.better() is None
    assert not play(champion=0.4, rival=0.4, floor=0.3, spans=ROWS_MIN // 40 - 1).is_below_floor


def test_with_another_champion_the_evidence_begins_anew() -> None:
    found = play(champion=0.4, rival=0.3, floor=0.3, spans=90)
    graded = found.grades("rival")
    found.begin_anew(90 * SPAN_MS)

    assert found.better() is None
    assert not found.is_below_floor
    assert found.grades("rival") == graded


def test_before_anybody_spoke_there_is_nothing_to_grade() -> None:
    found = Board(HORIZON_MS)
    found.see(matured({}, [True, False]), "champion", "floor")
    found.close()

    assert found.grades("champion").outcomes == 0
    assert found.grades(SERVED).outcomes == 2
    assert found.better() is None
    assert found.evidence == {}
