"""The score board: what all models said of the same outcomes, and who is better by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from models.calibration import Reliability, reliability
from models.evidence import Evidence
from models.prequential import WINDOW, Grades, grades

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from models.features import F64
    from models.questions import Matured

SERVED: Final = "served"
"""Name of what was in force, among the models."""
ROWS_MIN: Final = 1_000
"""Outcomes that a verdict rests on, at least."""
WARM_UP: Final = 2
"""Horizons from the champion's first answer until answers count: a good start proves nothing."""


class Board:
    """Said and seen of the newest outcomes, and the evidence against the champion.

    Users who are contacted are left out, and those who are held out weigh for them. Without the
    weights only those would be graded who came back before anybody wrote to them.

    Attributes:
        evidence: By challenger.
        floor: The champion's advantage over the floor.
        since_ms: Questions opened from then on are evidence; None = nothing was answered yet.

    Args:
        horizon_ms: H, ms.
    """

    def __init__(self, horizon_ms: int) -> None:
        self.since_ms: float | None = None
        self._horizon_ms = horizon_ms
        self.happened: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.weight: F64 = np.zeros(0)
        self.said: dict[str, F64] = {}
        self.evidence: dict[str, Evidence] = {}
        self.floor = Evidence()

    def see(self, matured: Matured, champion: str, floor: str) -> None:
        """Add a batch of outcomes."""
        before, weight = len(self.happened), matured.weight.astype(np.float64)
        self.weight = np.concatenate((self.weight, weight))[-WINDOW:]
        self.happened = np.concatenate((self.happened, matured.churned))[-WINDOW:]
        batch = {SERVED: matured.said, **matured.models}
        for name in dict.fromkeys((*self.said, *batch)):
            new = batch.get(name, np.full(len(matured.churned), np.nan))
            old = self.said.get(name, np.full(before, np.nan))
            self.said[name] = np.concatenate((old, new))[-WINDOW:]
        said = matured.models.get(champion)
        if said is None or np.isnan(said).all():
            return
        if self.since_ms is None:
            first_ms = float(matured.opened_at_ms[~np.isnan(said)].min())
            self.since_ms = first_ms + WARM_UP * self._horizon_ms
        counts = matured.opened_at_ms >= self.since_ms
        loss = (said - matured.churned) ** 2
        for name, other in matured.models.items():
            if name == champion:
                continue
            both = ~np.isnan(said) & ~np.isnan(other)
            gain = loss - (other - matured.churned) ** 2
            may = both & counts
            evidence = self.evidence.setdefault(name, Evidence())
            evidence.add(gain[may].tolist(), weight[may].tolist())
            if name == floor:
                self.floor.add((-gain[both]).tolist(), weight[both].tolist())

    def close(self) -> None:
        """Close the batch of outcomes: what was seen since the last call is one observation."""
        for evidence in (*self.evidence.values(), self.floor):
            evidence.close()

    def grades(self, name: str) -> Grades:
        """Return the grades of a model on the newest outcomes of which it spoke."""
        said = self.said.get(name)
        if said is None:
            return Grades()
        spoke = ~np.isnan(said)
        happened, weight = self.happened[-len(said) :], self.weight[-len(said) :]
        return grades(said[spoke], happened[spoke], weight[spoke])

    def reliability(self) -> list[Reliability]:
        """Return what was said by what was in force, and what was seen, in bins of equal mass."""
        said = self.said.get(SERVED, np.zeros(0))
        count = len(said)
        weight, happened = self.weight[-count:], self.happened[-count:]
        return reliability(said, happened, weight=weight) if count else []

    def better(self, but: Collection[str] = ()) -> str | None:
        """Return the challenger that is better for certain and by most, or None.

        Args:
            but: Names that are no candidates: what stands in for a model that errs is not one.
        """
        found: list[tuple[float, str]] = []
        for name, evidence in self.evidence.items():
            interval = evidence.interval()
            if interval is None or evidence.rows < ROWS_MIN or name in but:
                continue
            if interval.low > 0.0:
                found.append((interval.mean, name))
        return max(found)[1] if found else None

    @property
    def is_below_floor(self) -> bool:
        """Whether the champion is worse than silence alone for certain."""
        interval = self.floor.interval() if self.floor.rows >= ROWS_MIN else None
        return interval is not None and interval.high < 0.0

    def begin_anew(self, at_ms: int) -> None:
        """Forget the evidence: it was about another champion than that from now on."""
        self.evidence, self.floor, self.since_ms = {}, Evidence(), float(at_ms)
