"""The effect of a contact on a user: does the gate keep dogs asleep, and does it earn its keep?

    python -m benchmarks.decisions.uplift [--worlds 24] [--json]

A world has 400 users at risk a day for 180 days and a budget of 100 contacts a day, a tenth of them
held out. Users are of four types, which their features tell only in part: sleeping dogs leave when
they are disturbed, lost causes leave anyhow, sure things stay anyhow, persuadables stay if they are
contacted. The answer is known 14 days later, the model learns, and the next day's choice is better.
What counts is the true effect on value of all contacts, from the first day on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.decisions.promised import arguments, tell
from benchmarks.decisions.residuals import Residuals
from models.feature_list import WIDTH
from models.uplift import EXPLORED, Gauge, UpliftLearner, refuses, unknown
from streams.core.worth import persuadability

F64 = NDArray[np.float64]

DAYS: Final = 180
DAILY: Final = 400
BUDGET: Final = 100
WINDOW: Final = 14
HOLDOUT: Final = 0.1
TOLD: Final = 6
"""Features that the types depend on; the others are noise."""


class Kind(NamedTuple):
    """Of each type: its share, chance to return by itself, and the effect of contact on that."""

    share: tuple[float, ...]
    base: tuple[float, ...]
    effect: tuple[float, ...]


KINDS: Final = {
    # Sleeping dogs, lost causes, sure things, persuadables.
    "dogs": Kind((0.50, 0.20, 0.10, 0.20), (0.35, 0.05, 0.85, 0.30), (-0.30, 0.0, 0.0, 0.25)),
    "usual": Kind((0.10, 0.40, 0.25, 0.25), (0.50, 0.05, 0.85, 0.40), (-0.20, 0.01, 0.0, 0.25)),
    "gentle": Kind((0.0, 0.34, 0.33, 0.33), (0.50, 0.20, 0.60, 0.40), (0.0, 0.08, 0.08, 0.08)),
}
"""Kinds of worlds; in the last one contact does everybody the same good."""


class Day(NamedTuple):
    """Who is at risk on a day, each column of shape (n,)."""

    rows: NDArray[np.float32]
    risk: F64
    value: F64
    base: F64
    effect: F64


class World:
    """Users by the day; what a type looks like is drawn once."""

    def __init__(self, kind: Kind, seed: int) -> None:
        self.kind = kind
        self._rng = np.random.default_rng(seed)
        self._looks = self._rng.normal(0.0, 0.7, (TOLD, len(kind.share)))
        self._mix = self._rng.normal(0.0, 1.0, (TOLD, WIDTH - TOLD))
        self._places = self._rng.permutation(WIDTH)

    def day(self) -> Day:
        rng, kind = self._rng, self.kind
        told = rng.normal(size=(DAILY, TOLD))
        odds = np.exp(told @ self._looks) * kind.share
        odds /= odds.sum(axis=1, keepdims=True)
        chosen = (rng.random((DAILY, 1)) > np.cumsum(odds, axis=1)).sum(axis=1)
        np.minimum(chosen, len(kind.share) - 1, out=chosen)
        # Some of the other features go along with what tells, as those of the risk model do.
        others = 0.5 * told @ self._mix + rng.normal(size=(DAILY, WIDTH - TOLD))
        rows = np.column_stack((told, others))
        value = np.exp(rng.normal(0.0, 0.8, DAILY))
        return Day(
            rows[:, self._places].astype(np.float32), 1.0 - odds @ kind.base, value,
            np.array(kind.base)[chosen], np.array(kind.effect)[chosen],
        )  # fmt: skip


class Model(Protocol):
    """What learns the effect."""

    def learn(
        self, row: NDArray[np.float32], returned: float, treated: float, propensity: float
    ) -> None: ...

    def lift(self, rows: NDArray[np.float32]) -> tuple[F64, F64]: ...


class Online(UpliftLearner):
    """The model in force."""

    def lift(self, rows: NDArray[np.float32]) -> tuple[F64, F64]:
        state = self.state()
        return Gauge(state).lift(rows) if state.episodes else unknown(len(rows))


class Ledger(NamedTuple):
    """What all contacts of a world brought, in true effects.

    Attributes:
        returns: Users won less users driven away.
        value: The value of them.
        late: The same value in the last third of the days.
        contacts: How many.
    """

    returns: float
    value: float
    late: float
    contacts: int


def lived(kind: Kind, seed: int, policy: str, model: Model | None = None) -> Ledger:
    """Return what a policy earns: ``risk_first``, ``ungated`` (risk × value) or ``full``."""
    world, luck = World(kind, seed), np.random.default_rng((seed, 1))
    model = model or Online()
    waiting: list[tuple[NDArray[np.float32], F64, NDArray[np.bool_]]] = []
    returns = value = late = 0.0
    contacts = 0
    for number in range(DAYS):
        day = world.day()
        if policy == "full" and number >= WINDOW:
            for row, returned, treated in zip(*waiting[number - WINDOW], strict=True):
                model.learn(row, float(returned), float(treated), 1.0 - HOLDOUT)
        chosen = _chosen(day, policy, model, luck)
        treated = luck.random(len(chosen)) >= HOLDOUT
        chance = day.base[chosen] + treated * day.effect[chosen]
        returned = (luck.random(len(chosen)) < chance).astype(np.float64)
        waiting.append((day.rows[chosen], returned, treated))
        reached = chosen[treated]
        worth = float((day.effect[reached] * day.value[reached]).sum())
        returns += float(day.effect[reached].sum())
        value, contacts = value + worth, contacts + len(reached)
        late += worth * (number >= DAYS * 2 // 3)
    return Ledger(returns, value, late, contacts)


def _chosen(day: Day, policy: str, model: Model, luck: np.random.Generator) -> NDArray[np.intp]:
    """Return who gets the places of a day."""
    if policy == "risk_first":
        return np.argsort(-day.risk, kind="stable")[:BUDGET]
    bids = day.risk * day.value
    if policy == "ungated":
        return np.argsort(-bids, kind="stable")[:BUDGET]
    mean, error = model.lift(day.rows)
    lifts = zip(mean.tolist(), error.tolist(), strict=True)
    bids = bids * np.array([persuadability(lift) for lift in lifts])
    may = ~refuses(mean, error) | (luck.random(len(bids)) < EXPLORED)
    order = np.argsort(-bids, kind="stable")
    return order[may[order]][:BUDGET]


def earned(
    kind: str, worlds: int, policy: str, model: Callable[[], Model] = Online
) -> list[Ledger]:
    """Return what a policy earns in worlds of a kind."""
    return [lived(KINDS[kind], seed, policy, model()) for seed in range(worlds)]


def measured(worlds: int) -> dict[str, tuple[float, str]]:
    """Return the figures: name to value and note."""
    note = f"{worlds} worlds, {DAYS} days, value of the median user = 1"
    few = max(worlds // 4, 2)
    value: dict[tuple[str, str], float] = {}
    for kind in KINDS:
        for policy in ("risk_first", "ungated", "full"):
            ledgers = earned(kind, worlds, policy)
            value[kind, policy] = float(np.mean([each.value for each in ledgers]))
            if (kind, policy) == ("dogs", "full"):
                late = float(np.mean([each.late > 0.0 for each in ledgers]))
    other = {
        kind: np.mean([each.value for each in earned(kind, few, "full", Residuals)])
        - np.mean([each.value for each in earned(kind, few, "full")])
        for kind in ("dogs", "usual")
    }
    return {
        "uplift.harm_gated": (value["dogs", "full"], note),
        "uplift.harm_ungated": (value["dogs", "ungated"], note),
        "uplift.harm_late": (late, f"{worlds} worlds, days {DAYS * 2 // 3} to {DAYS}"),
        "uplift.earned": (value["usual", "full"] / value["usual", "risk_first"], note),
        "uplift.earned_ungated": (value["usual", "full"] / value["usual", "ungated"], note),
        "uplift.gentle": (value["gentle", "full"] / value["gentle", "ungated"], note),
        "uplift.residuals": (max(map(float, other.values())), f"{few} worlds of either kind"),
    }


def main() -> None:
    asked = arguments(__doc__, 24)
    tell(measured(asked.worlds), as_json=asked.json)


if __name__ == "__main__":
    main()
