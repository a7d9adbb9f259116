"""The diary: what changed is noted once, and drift is what the watch for drift saw."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from models.calibration import IDENTITY, Platt
from models.drift import Drift, Window
from models.feature_list import FEATURES
from models.questions import Examples
from streams.replay.report.diary import Diary, drifted

WEEK_MS = 7 * 86_400_000


def roster(**others: Any) -> Any:
    """Return what a diary looks at of a roster."""
    given = {
        "drift": Drift.of(WEEK_MS), "errors": SimpleNamespace(alarm=None), "phase": "prior",
        "champion": "hazard_logistic_v1", "prior_weight": 1.0, "may_alert": False,
        "calibrator": SimpleNamespace(in_force=IDENTITY),
    }  # fmt: skip
    return SimpleNamespace(**(given | others))


def week(number: int, shift: float) -> Examples:
    chance = np.random.default_rng(number)
    at = np.sort(number * WEEK_MS + chance.uniform(0, WEEK_MS, 600))
    rows = chance.normal(0.0, 1.0, (600, len(FEATURES)))
    rows[:, [feature.group == "recency" for feature in FEATURES]] += shift
    return Examples(
        at - 1.0, at, chance.random(600) < 0.5, np.ones(600, np.float32), rows.astype(np.float32)
    )


def test_drift_is_told_as_the_watch_saw_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, float]] = []
    shifts = Drift._shifts

    def noted(self: Drift, window: Window, before: list[Window]) -> dict[str, float]:
        seen.append(shifts(self, window, before))
        return seen[-1]

    monkeypatch.setattr(Drift, "_shifts", noted)
    played, diary = roster(), Diary()
    for number in range(23):
        played.drift.see(week(number, shift=2.0 if number > 15 else 0.0))
        diary.look(number * WEEK_MS, played)
    told = drifted(diary)
    assert [shift.psi for shift in told.shifts if shift.psi] == seen
    assert not told.cannot_say
    beyond = [shift.psi["recency"] > told.limit for shift in told.shifts if shift.psi]
    assert beyond == [False] * 4 + [True] * 3
    assert [entry.alarms for entry in told.entries] == [(), ("inputs:recency",)]


def test_what_is_in_force_is_noted_when_it_changes() -> None:
    diary = Diary()
    for at, changed in enumerate(
        (
            {}, {}, {"phase": "blended", "prior_weight": 0.52}, {"prior_weight": 0.49},
            {"phase": "learned", "prior_weight": 0.0}, {"phase": "learned", "prior_weight": 0.0},
            {"calibrator": SimpleNamespace(in_force=Platt(0.1, 1.0))},
            {"errors": SimpleNamespace(alarm=SimpleNamespace(name="error"))},
        )
    ):  # fmt: skip
        diary.look(float(at), roster(**changed))
    told = drifted(diary)
    assert [entry.at_ms for entry in told.entries] == [0.0, 2.0, 3.0, 4.0, 6.0, 7.0]
    assert told.entries[-1].alarms == ("error",)
    assert told.entries[-2].is_calibrated
    assert "windows" in told.cannot_say
