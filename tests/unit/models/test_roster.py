"""Stories of the roster: who comes into force, who has to go, and what is on record."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest
from msgspec.structs import replace

from models import boosted
from models.board import ROWS_MIN
from models.calibration import IDENTITY
from models.catalogue import CHAMPION, FLOOR, MIX, PRIOR
from models.features import PLAIN_WIDTH
from models.roster import Roster
from models.snapshot import Phase, Refusal, Snapshot, SnapshotRefused
from tests.oracles_rhythm import DAY_MS
from tests.unit.models.cast import answered, asked, guest, lessons, lived
from tests.unit.models.histories import HORIZON_MS, START_MS, crowd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.questions import Openings
    from models.scorer import Scorer

HORIZON_DAYS: Final = HORIZON_MS // DAY_MS
RIVAL: Final = "guest_rival"
ASKED_DAYS: Final = (20.0, 20.0 + 5.5 * HORIZON_DAYS)
QUESTIONS: Final = 1_900


def day(number: float) -> int:
    return int(START_MS + number * DAY_MS)


def roster(**arguments: Any) -> Roster:
    return Roster(HORIZON_MS, **{"examples_min": 100} | arguments)


@cache
def rival() -> Snapshot:
    """Return trees that say the contrary of what the catalogue learns."""
    told = lessons(2_500)
    trees = boosted.fit(told.rows[:, :PLAIN_WIDTH], ~told.active, told.weight)
    return replace(guest(RIVAL), trees=trees.text)


def quiet(scorer: Scorer | None, of: Openings) -> NDArray[np.float64]:
    assert scorer is not None
    return scorer.quiet(of.heads, of.at_ms)


def learned(**arguments: Any) -> Roster:
    """Return a roster that has learned for 20 days, with a rival."""
    found = roster(**arguments)
    found.receive(examples=lived(800, (0.0, 19.9)))
    found.advance(day(20.0))
    found.enter(rival())
    found.freeze()
    return found


@cache
def compete(*truth: str, seed: int = 0, is_automatic: bool = True) -> Roster:
    """Return a roster after five horizons of questions; the truth is a mean of what models say."""
    found = learned(is_automatic=is_automatic)
    openings = asked(QUESTIONS, ASKED_DAYS, seed)
    said = [quiet(found.models[name].scorer(), openings) for name in truth]
    found.receive(openings=openings, outcomes=answered(openings, np.mean(said, axis=0), seed))
    found.advance(day(ASKED_DAYS[1] + HORIZON_DAYS + 3))
    return found


# -- who is in force


def test_a_better_challenger_is_promoted_by_evidence_and_it_is_written_down() -> None:
    found = compete(RIVAL)
    promotion = found.promotions[0]

    assert found.champion == RIVAL
    assert (promotion.name, promotion.over) == (RIVAL, CHAMPION)
    assert day(20 + 2 * HORIZON_DAYS) < promotion.at_ms < day(ASKED_DAYS[1] + HORIZON_DAYS)
    assert "Brier score better by 0." in promotion.why
    assert int(promotion.why.split(" on ")[1].split()[0].replace(",", "")) >= ROWS_MIN
    low, high = promotion.why.split("[")[1].split("]")[0].split(", ")
    assert 0.0 < float(low) < float(high)
    assert found.scorer().version == RIVAL
    assert found.report().promotions == found.promotions


def test_only_an_operator_promotes_where_it_is_not_automatic() -> None:
    found = compete(RIVAL, is_automatic=False)
    interval = found.board.evidence[RIVAL].interval()

    assert found.champion == CHAMPION
    assert interval is not None
    assert interval.low > 0.0


@pytest.mark.parametrize("seed", range(3))
def test_an_equal_challenger_is_not_promoted(seed: int) -> None:
    """Where the truth lies in the middle, both are wrong by the same."""
    found = compete(CHAMPION, RIVAL, seed=seed)
    interval = found.board.evidence[RIVAL].interval()

    assert RIVAL not in {promotion.name for promotion in found.promotions}
    if found.champion == CHAMPION:
        assert interval is not None
        assert interval.low < 0.0 < interval.high


def test_a_worse_challenger_is_not_promoted() -> None:
    found = compete(CHAMPION)
    interval = found.board.evidence[RIVAL].interval()

    assert found.champion == CHAMPION
    assert interval is not None
    assert interval.high < 0.0


@pytest.mark.parametrize("name", [FLOOR, PRIOR])
def test_what_stands_in_is_never_promoted_by_itself(name: str) -> None:
    found = compete(name)

    assert name not in {promotion.name for promotion in found.promotions}


def test_a_model_that_is_worse_than_silence_alone_alerts_nobody() -> None:
    found = compete(FLOOR, is_automatic=False)

    assert found.phase is Phase.LEARNED
    assert found.board.is_below_floor
    assert not found.may_alert
    assert not found.scorer().may_alert
    assert not found.serving().may_alert


def test_a_promotion_can_be_taken_back_and_both_are_on_record() -> None:
    found = learned()
    before = found.scorer().version
    found.promote(RIVAL, day(21), "a trial")
    assert found.scorer().version == RIVAL
    found.rollback(day(22))

    assert found.scorer().version == before
    assert [(p.name, p.over, p.at_ms) for p in found.promotions] == [
        (RIVAL, CHAMPION, day(21)),
        (CHAMPION, RIVAL, day(22)),
    ]
    assert found.promotions[0].why == "a trial"


def test_orders_that_cannot_be_are_refused() -> None:
    found = roster()
    with pytest.raises(KeyError):
        found.promote("nobody", day(0), "")
    with pytest.raises(ValueError, match="not learned enough"):
        found.promote(MIX, day(0), "")
    with pytest.raises(ValueError, match="no promotion"):
        found.rollback(day(0))
    found.receive(examples=lived(200, (0.0, 5.0)))
    found.advance(day(6))
    found.promote(CHAMPION, day(6), "it is already")

    assert (found.champion, found.promotions) == (CHAMPION, [])


def test_a_promotion_before_enough_is_learned_waits_behind_the_prior() -> None:
    found = roster(examples_min=500)
    found.receive(examples=lived(200, (0.0, 5.0)))
    found.advance(day(6))
    found.promote("hazard_adagrad_v1", day(6), "a trial")
    assert (found.phase, found.scorer().version) == (Phase.PRIOR, "bgnbd_v1")
    assert (found.serving().model, found.serving().champion) == (None, "hazard_adagrad_v1")
    found.receive(examples=lived(2_000, (6.0, 12.0)))
    found.advance(day(13))

    assert found.scorer().version.startswith("hazard_adagrad_v1.2200.")


def test_the_promoted_answers_what_is_asked_from_then_on() -> None:
    found = learned(keeps_history=True)
    openings = asked(40, (21.0, 23.0))
    found.receive(openings=openings, outcomes=answered(openings, np.full(40, 0.5)))
    found.advance(day(22))
    found.promote(RIVAL, day(22), "a trial")
    found.advance(day(24 + HORIZON_DAYS))
    said = np.concatenate([matured.said for matured in found.history])
    rivals = np.concatenate([matured.models[RIVAL] for matured in found.history])
    late = openings.at_ms >= day(22)

    assert 5 < late.sum() < 35
    assert np.array_equal(said == rivals, late)


def test_a_calibration_is_of_the_champion_that_was_asked() -> None:
    """For a horizon after a promotion outcomes of questions to its predecessor come in."""
    found = learned()
    openings = asked(400, (20.0, 40.0))
    found.receive(openings=openings, outcomes=answered(openings, np.full(400, 0.9)))
    found.advance(day(30))
    found.promote(RIVAL, day(30), "a trial")
    found.advance(day(60))
    assert len(found.calibrator.raw) == 0
    found.advance(day(75))

    assert len(found.calibrator.raw) == np.count_nonzero(openings.at_ms >= day(30)) > 100


def test_what_the_prior_said_calibrates_no_model() -> None:
    found = roster(examples_min=100_000)
    openings = asked(200, (0.0, 10.0))
    found.receive(openings=openings, outcomes=answered(openings, np.full(200, 0.9)))
    found.advance(day(60))

    assert found.report().served.outcomes == 200
    assert len(found.calibrator.raw) == 0
    assert found.calibrator.in_force == IDENTITY


# -- guests


def test_a_guest_plays_and_is_graded_with_the_others() -> None:
    report = compete(CHAMPION).report()
    table = {one.name: one for one in report.models}

    assert table[RIVAL].grades.outcomes == table[CHAMPION].grades.outcomes == QUESTIONS
    assert table[RIVAL].examples == 2_500
    assert table[RIVAL].advantage is not None
    assert table[CHAMPION].advantage is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"trees": "tree\nrubbish"}, Refusal.NOT_DECODABLE),
        ({"trees": ""}, Refusal.NOT_DECODABLE),
        ({"horizon_ms": 1}, Refusal.OTHER_HORIZON),
        ({"features_hash": "other"}, Refusal.OTHER_FEATURES),
    ],
)
def test_a_guest_that_does_not_fit_is_turned_away(
    change: dict[str, object], reason: Refusal
) -> None:
    found = roster()
    with pytest.raises(SnapshotRefused) as refusal:
        found.enter(replace(guest(), **change))

    assert refusal.value.reason is reason
    assert guest().name not in found.models
    found.advance(day(10))


def test_the_name_of_a_guest_is_permanent() -> None:
    found = roster()
    found.enter(guest())
    found.enter(guest())
    with pytest.raises(ValueError, match="permanent"):
        found.enter(replace(rival(), name=guest().name))
    with pytest.raises(ValueError, match="begins with guest_"):
        found.enter(replace(guest(), name=CHAMPION))


# -- a world that turns over


def test_a_model_that_errs_more_than_silence_alone_is_withdrawn_and_comes_back() -> None:
    """Who brought much stayed; from day 30 on those are the ones who leave."""
    found = roster()
    found.receive(examples=lived(4_000, (0.0, 30.0), sign=1.0, seed=1))
    found.receive(examples=lived(5_000, (30.0, 90.0), sign=-1.0, seed=2))
    told: dict[int, Phase] = {}
    for number in range(0, 91, 2):
        found.advance(day(number))
        told[number] = found.phase
        if found.phase is Phase.FALLEN_BACK:
            _stands_in(found)
    fallen = [number for number, phase in told.items() if phase is Phase.FALLEN_BACK]

    assert told[30] is Phase.LEARNED
    assert 30 < fallen[0] < fallen[-1] < 80
    assert fallen == list(range(fallen[0], fallen[-1] + 1, 2))
    assert found.scorer().version.startswith(f"{CHAMPION}.9000.")
    assert found.scorer().may_alert
    assert "error" not in {alarm.name for alarm in found.report().alarms}


def _stands_in(found: Roster) -> None:
    """Assert that the prior speaks alone, alerts nobody, and that people are told why."""
    alarm = next(alarm for alarm in found.report().alarms if alarm.name == "error")
    prior = found.models[PRIOR].scorer()
    assert prior is not None

    assert alarm.since_ms > day(30)
    assert alarm.value > alarm.limit > 0.0
    assert found.serving().phase is Phase.FALLEN_BACK
    assert not found.scorer().may_alert
    assert np.array_equal(found.scorer().reach(*crowd(20)), prior.reach(*crowd(20)))
