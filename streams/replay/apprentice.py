"""Learning while a log is replayed: matured examples in, a new model at every epoch out."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.catalogue import CATALOGUE, CHAMPION
from models.scorer import HazardScorer, PriorScorer
from models.snapshot import Snapshot
from streams.core.messages import ExampleBlock, LearnerInput, Output
from streams.core.rules import Rules
from streams.core.scoring import Scorer

EPOCHS_PER_PERIOD: Final = 64

Columns = tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.bool_],
    NDArray[np.float32],
    NDArray[np.float32],
]
"""matured_at_ms (n,), opened_at_ms (n,), active (n,), weight (n,), rows (n, features)."""


class Apprentice:
    """A learner that follows event time.

    The examples are learned by the time at which they matured; those of one millisecond in the
    order of their bytes. So the model depends on the events alone, not on how they were cut.

    Args:
        rules: The business rules.
        model: Name in the catalogue.
    """

    def __init__(self, rules: Rules, model: str = CHAMPION) -> None:
        self.rules = rules
        self.learner = CATALOGUE[model](rules.churn.horizon_ms)
        self.prior = PriorScorer(float(rules.churn.horizon_ms))
        self.trained_to_ms = 0
        self._waiting: list[Columns] = []
        self._scorer: Scorer = self.prior
        self._scorer_examples = 0

    @property
    def epoch_ms(self) -> int:
        """The model changes at multiples of this event time: Δ/64."""
        return max(1, self.rules.churn.period_ms // EPOCHS_PER_PERIOD)

    def receive(self, records: list[Output]) -> None:
        """Keep examples until their epoch has come."""
        for record in records:
            block = msgspec.msgpack.decode(record.value, type=LearnerInput)
            if not isinstance(block, ExampleBlock):
                continue
            self._waiting.append(
                (
                    np.frombuffer(block.matured_at_ms, "<f8"),
                    np.frombuffer(block.opened_at_ms, "<f8"),
                    np.frombuffer(block.active, np.uint8) != 0,
                    np.frombuffer(block.weight, "<f4"),
                    np.frombuffer(block.rows, "<f4").reshape(block.count, -1),
                )
            )

    def learn_before(self, at_ms: int) -> None:
        """Learn every example that matured before the last epoch that is not after ``at_ms``."""
        epoch = at_ms // self.epoch_ms * self.epoch_ms
        if not self._waiting:
            return
        columns = tuple(np.concatenate(parts) for parts in zip(*self._waiting, strict=True))
        matured, opened, active, weight, rows = columns
        ripe = np.flatnonzero(matured < epoch)
        if len(ripe):
            order = ripe[_order(matured[ripe], opened[ripe], active[ripe], rows[ripe])]
            self.learner.learn(rows[order], active[order], weight[order])
            self.trained_to_ms = int(matured[order[-1]])
        green = np.flatnonzero(matured >= epoch)
        self._waiting = []
        if len(green):
            self._waiting = [
                (matured[green], opened[green], active[green], weight[green], rows[green])
            ]

    def snapshot(self) -> Snapshot:
        """Return the model as it is now."""
        return self.learner.snapshot(rules_hash=self.rules.hash, trained_to_ms=self.trained_to_ms)

    def scorer(self) -> Scorer:
        """Return the scorer of the model of now; the prior while that has learned too little."""
        examples = self.learner.examples
        if examples >= self.rules.alert.examples_min and examples != self._scorer_examples:
            self._scorer = HazardScorer(self.snapshot())
            self._scorer_examples = examples
        return self._scorer


def _order(
    matured: NDArray[np.float64],
    opened: NDArray[np.float64],
    active: NDArray[np.bool_],
    rows: NDArray[np.float32],
) -> NDArray[np.intp]:
    """Return the order of learning: by time, then by content, so that it is the only one."""
    order = np.lexsort((opened, matured))
    twins = np.flatnonzero(np.diff(matured[order]) == 0)
    if not len(twins):
        return order
    ordered: list[int] = sorted(
        range(len(matured)),
        key=lambda n: (matured[n], opened[n], bool(active[n]), rows[n].tobytes()),
    )
    return np.array(ordered, np.intp)
