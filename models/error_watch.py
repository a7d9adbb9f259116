"""Does the champion still know more than silence alone? If not, the prior has to speak.

Compared are log losses of the same examples, said before they were learned, over the newest few
thousand. Whatever makes everybody hard to predict (a holiday, a sale) hits both, so it is no alarm.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from models.catalogue import FLOOR
from models.drift import Alarm
from models.prequential import log_losses

if TYPE_CHECKING:
    from models.features import F64
    from models.questions import Examples
    from models.scorer import Scorer

WINDOW: Final = 3_000
ROWS_MIN: Final = 500
SIGMA: Final = 4.0
"""Standard errors that the champion must be worse by: examples are not independent."""


class ErrorWatch:
    """Advantage of the floor over the champion, example by example, times its weight.

    Attributes:
        alarm: Stands while the champion errs more than the floor.
    """

    def __init__(self) -> None:
        self.alarm: Alarm | None = None
        self.worse: F64 = np.zeros(0)

    def see(self, frozen: dict[str, Scorer], examples: Examples, champion: str) -> None:
        """Compare what the frozen models say of examples that they have not learned."""
        from models.scorer import PathScorer  # noqa: PLC0415

        model, floor = frozen.get(champion), frozen.get(FLOOR)
        if not isinstance(model, PathScorer) or not isinstance(floor, PathScorer):
            return
        columns = np.asarray(examples.rows, np.float64).T
        losses = [
            log_losses(
                1.0 / (1.0 + np.exp(-scorer.logit(columns[: scorer.width]))), examples.active
            )
            for scorer in (model, floor)
        ]
        worse = (losses[0] - losses[1]) * examples.weight
        self.worse = np.concatenate((self.worse, worse))[-WINDOW:]

    def judge(self, at_ms: int) -> None:
        """Raise the alarm, or take it back as soon as the champion is no worse."""
        if len(self.worse) < ROWS_MIN:
            return
        mean = float(self.worse.mean())
        limit = SIGMA * float(self.worse.std()) / math.sqrt(len(self.worse))
        if self.alarm is None and mean > limit:
            self.alarm = Alarm("error", at_ms, mean, limit)
        elif self.alarm is not None and mean <= 0.0:
            self.alarm = None
