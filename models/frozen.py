"""The models as they were at the last assembly: they answer what is asked until the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.calibration import IDENTITY, Platt
from models.catalogue import scorer_of
from models.serving import ServingScorer, in_force, serving_scorer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.features import F64
    from models.learner import Learner
    from models.questions import Openings
    from models.scorer import Scorer
    from models.snapshot import Serving, Snapshot


class Frozen:
    """Answers questions, and nobody who answers knows more than at the assembly.

    Args:
        horizon_ms: H, ms.

    Attributes:
        scorers: By name of the model.
        snapshots: The same as records, if they are kept.
        serving: What was in force, as a record; None before the first assembly.
        platt: The calibration of then, in force or not.
    """

    def __init__(self, horizon_ms: int) -> None:
        self.scorers: dict[str, Scorer] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.serving: Serving | None = None
        self.platt = IDENTITY
        self._served: Scorer = in_force(None, horizon_ms)

    def take(self, models: Mapping[str, Learner], served: Scorer, platt: Platt) -> None:
        """Freeze the models of now, and what is in force."""
        found = {name: model.scorer() for name, model in models.items()}
        self.scorers = {name: scorer for name, scorer in found.items() if scorer is not None}
        self._served, self.platt = served, platt

    def keep(self, models: Mapping[str, Learner], serving: Serving) -> None:
        """Keep what was just frozen, and what is in force, as records."""
        self.snapshots = {name: models[name].snapshot() for name in self.scorers}
        self.serving = serving

    def load(self, snapshots: dict[str, Snapshot], serving: Serving, platt: Platt) -> None:
        """Go on with what earlier records hold.

        Raises:
            SnapshotRefused: A model cannot be used.
        """
        self.scorers = {name: scorer_of(snapshot) for name, snapshot in snapshots.items()}
        self.snapshots, self.serving, self.platt = snapshots, serving, platt
        self._served = serving_scorer(serving)

    def answers(self, openings: Openings) -> tuple[tuple[F64, F64, F64], dict[str, F64]]:
        """Return what is said of users.

        Returns:
            P(no activity within the next H) as it is in force, raw, and calibrated as it would be
            (NaN where the prior speaks alone: a calibration is of what was learned), each of shape
            (n,); and by name what each model says.
        """
        heads, at_ms = openings.heads, openings.at_ms
        if isinstance(self._served, ServingScorer):
            raw = self._served.raw_quiet(heads, at_ms)
            said, candidate = self._served.platt(raw), self.platt(raw)
        else:
            raw = said = self._served.quiet(heads, at_ms)
            candidate = np.full(len(raw), np.nan)
        models = {name: scorer.quiet(heads, at_ms) for name, scorer in self.scorers.items()}
        return (said, raw, candidate), models
