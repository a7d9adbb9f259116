"""What an operator reads of the models."""

import msgspec
import pytest

from models.calibration import Platt, Reliability
from models.drift import Alarm
from models.evidence import Interval
from models.prequential import Grades
from models.snapshot import Phase
from models.standing import Promotion, Report, Standing
from streams.commands.model_words import listed, shown
from streams.orders import Handled

DAY_MS = 86_400_000
GRADES = Grades(4_980, 0.3, 0.31, 0.8531, 0.412, 0.0931, 0.31, 0.0081, 0.0064)
CHAMPION = Standing("hazard_logistic_v1", "hazard, logistic", 12_345, GRADES, None)
BETTER = Standing("hazard_mix_v1", "mixed", 12_345, GRADES, Interval(5e-4, 1e-5, 1e-3))
NEW = Standing("guest_mine", "a guest's trees", 0, Grades(), None)
REPORT = Report(
    champion=CHAMPION.name,
    phase=Phase.LEARNED,
    prior_weight=0.0,
    may_alert=True,
    examples=12_345,
    trained_to_ms=500 * DAY_MS,
    platt=Platt(),
    calibration_gain=None,
    served=GRADES,
    reliability=[Reliability(0.1, 0.125, 498)],
    questions=77,
    models=[CHAMPION, BETTER, NEW],
    alarms=[],
    promotions=[],
)


def test_the_list_has_a_line_a_model_and_a_mark_at_the_champion() -> None:
    head, *lines = listed(REPORT).splitlines()

    assert head.split()[:5] == ["model", "examples", "outcomes", "AUC", "AP"]
    assert lines[0].split() == [
        "*", "hazard_logistic_v1", "12,345", "4,980", ".853", ".412", ".0931", ".008", "(.006)",
    ]  # fmt: skip
    assert lines[1].endswith("+5.0 [+0.1, +10.0]")
    assert lines[2].split() == ["guest_mine", "0", "0", "–", "–", "–", "–"]
    assert lines[3].split()[:2] == ["served", "4,980"]
    assert max(map(len, lines[:4])) <= 100


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_is_explained(phase: Phase) -> None:
    assert f"phase {phase.value}: " in listed(msgspec.structs.replace(REPORT, phase=phase))


def test_alarms_promotions_calibration_and_orders_are_told() -> None:
    report = msgspec.structs.replace(
        REPORT,
        may_alert=False,
        platt=Platt(-0.25, 0.9),
        alarms=[Alarm("inputs:silence", 400 * DAY_MS, 0.31, 0.25)],
        promotions=[Promotion("hazard_logistic_v1", "hazard_mix_v1", 3 * DAY_MS, "better")],
    )
    orders = [
        Handled("m", "promote", "x", "2026-01-01T10:00:00.000Z", is_done=False, said="no x"),
        Handled("n", "rollback", "", "2026-01-01T11:00:00.000Z", is_done=True, said="done"),
    ]
    text = listed(report, orders)

    assert "no alerts rest on it; share of the prior 0%; recalibrated by -0.25 and ×0.90" in text
    assert "alarm: inputs:silence since 1971-02-05T00:00:00.000Z: 0.31 > 0.25" in text
    assert "hazard_logistic_v1 instead of hazard_mix_v1: better" in text
    assert "ordered 2026-01-01T10:00:00.000Z: promote x: refused: no x" in text
    assert "ordered 2026-01-01T11:00:00.000Z: rollback: done" in text
    assert "alarms: none" in listed(REPORT)


def test_one_model_is_shown_with_what_is_known_of_it() -> None:
    champion, better, new = (shown(REPORT, standing) for standing in REPORT.models)

    assert "said  10.0%  seen  12.5%  of 498" in champion
    assert "Brier score better than hazard_logistic_v1 by +0.00050 [+0.00001, +0.00100]" in better
    assert "not in force" in better
    assert "AUC                      not known yet" in new
    assert "compared with hazard_logistic_v1: not known yet" in new
