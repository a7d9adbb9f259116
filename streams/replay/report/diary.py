"""What was in force when: phase, champion, calibration, alarms; and the windows of drift."""

from typing import Final

import msgspec

from models.calibration import IDENTITY
from models.drift import PSI_ALARM, REFERENCE, Window
from models.roster import Roster

STEPS: Final = 10
"""The share of the prior is noted in tenths."""


class Entry(msgspec.Struct, frozen=True):
    """What was in force from an instant on.

    Attributes:
        at_ms: Since when, epoch ms UTC.
        phase: How far what was learned was trusted.
        champion: The model.
        prior_weight: Share of the prior, in tenths.
        is_calibrated: Whether the calibration was in force.
        alarms: Names of the alarms that stood.
        may_alert: Whether alerts could rest on it.
    """

    at_ms: float
    phase: str
    champion: str
    prior_weight: float
    is_calibrated: bool
    alarms: tuple[str, ...]
    may_alert: bool


class Shift(msgspec.Struct, frozen=True):
    """One window of drift.

    Attributes:
        until_ms: When it ended.
        examples: Examples in it.
        active: Share of them that was active in the next H/4.
        psi: Feature group to its population stability index, against the four windows before;
            empty while there are fewer.
    """

    until_ms: float
    examples: float
    active: float
    psi: dict[str, float]


class Diary:
    """Notes at every cut of a run."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._shifts: list[Shift] = []
        self._newest: Window | None = None

    def look(self, at_ms: float, roster: Roster) -> None:
        """Note what is in force now, if it is not what was."""
        drift = roster.drift
        alarms = [*drift.alarms, *([roster.errors.alarm.name] if roster.errors.alarm else [])]
        entry = Entry(
            at_ms=at_ms,
            phase=str(roster.phase),
            champion=roster.champion,
            prior_weight=round(roster.prior_weight * STEPS) / STEPS,
            is_calibrated=roster.calibrator.in_force != IDENTITY,
            alarms=tuple(sorted(alarms)),
            may_alert=roster.may_alert,
        )
        before = self.entries[-1] if self.entries else None
        if before is None or msgspec.structs.replace(entry, at_ms=before.at_ms) != before:
            self.entries.append(entry)
        if drift.past and drift.past[-1] is not self._newest:
            self._newest = drift.past[-1]
            self._shifts.append(
                Shift(
                    until_ms=float(drift.until_ms - drift.span_ms),
                    examples=round(self._newest.examples),
                    active=self._newest.active / self._newest.examples,
                    psi=dict(drift.shifts),
                )
            )

    def shifts(self) -> tuple[Shift, ...]:
        """Return the windows of drift, oldest first."""
        return tuple(self._shifts)


class Drifted(msgspec.Struct, frozen=True):
    """How the world changed.

    Attributes:
        cannot_say: Why there are no figures; empty if there are.
        entries: What was in force, from when on.
        shifts: Windows, oldest first.
        limit: PSI from which on inputs have shifted.
    """

    cannot_say: str = ""
    entries: tuple[Entry, ...] = ()
    shifts: tuple[Shift, ...] = ()
    limit: float = PSI_ALARM


def drifted(diary: Diary) -> Drifted:
    """Return what the diary holds."""
    shifts = diary.shifts()
    why = ""
    if not any(shift.psi for shift in shifts):
        why = (
            f"drift compares a window of whole weeks with the {REFERENCE} before it; the log has "
            f"{len(shifts)} windows with enough examples"
        )
    return Drifted(why, tuple(diary.entries), shifts)
