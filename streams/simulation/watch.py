"""Looking at scores on the way, and at what became of those who were scored."""

from typing import Final, NamedTuple

import numpy as np

from models.features import F64, Rhythm
from streams.replay.fleet import Fleet
from streams.simulation.loop import Student
from streams.simulation.run import Run

LOOKS_PER_HORIZON: Final = 4


class Look(NamedTuple):
    """Scores of one instant beside the truth, each of shape (users,).

    Attributes:
        at_ms: When.
        said: P(no activity within the next H), as the model in force says.
        leaves: Whether the user, left alone from now on, does nothing within the next H.
    """

    at_ms: int
    said: F64
    leaves: F64


class Watcher(Student):
    """Asks the model in force about everybody, four times a horizon.

    Args:
        horizon_ms: H.

    Attributes:
        looks: What it saw, in order.
    """

    def __init__(self, horizon_ms: int) -> None:
        self.looks: list[Look] = []
        self._horizon_ms = horizon_ms
        self._next_ms = 0

    def learn(self, fleet: Fleet, run: Run, at_ms: int) -> None:
        """Look around, if it is time."""
        if at_ms < self._next_ms or at_ms > run.world.end_ms:
            return
        self._next_ms = at_ms + self._horizon_ms // LOOKS_PER_HORIZON
        users = [user_id for user_id, life in run.source.lives.items() if not life.person.is_bot]
        heads, known = fleet.heads(users, np.full(len(users), float(at_ms)))
        silence_ms = at_ms - heads[:, Rhythm.LAST]
        days_min = run.rules.churn.min_active_days
        seen = np.flatnonzero(
            (heads[:, Rhythm.ACTIVE_DAYS] >= days_min)
            & (silence_ms >= 0.0)
            & (silence_ms < 2.0 * self._horizon_ms)
        )
        if not len(seen):
            return
        scorer = fleet.partitions[0].scorer
        said = scorer.quiet(heads[seen], np.full(len(seen), float(at_ms)))
        lives = run.source.lives
        leaves = [
            not lives[users[known[place]]].prospect(at_ms, "", self._horizon_ms).returns
            for place in seen.tolist()
        ]
        self.looks.append(Look(at_ms, said, np.array(leaves, float)))


def auc(said: F64, leaves: F64) -> float | None:
    """Return the area under the curve; None when there is only one kind of outcome."""
    ones = int(leaves.sum())
    zeros = len(leaves) - ones
    if not ones or not zeros:
        return None
    order = np.argsort(said, kind="stable")
    values, places = np.unique(said[order], return_inverse=True)
    ends = np.cumsum(np.bincount(places, minlength=len(values)))
    starts = ends - np.bincount(places, minlength=len(values))
    ranks = np.empty(len(said))
    ranks[order] = ((starts + ends + 1) / 2.0)[places]
    return float((ranks[leaves > 0].sum() - ones * (ones + 1) / 2.0) / (ones * zeros))
