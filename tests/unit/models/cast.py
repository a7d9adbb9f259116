"""The catalogue at work: models that were taught the same users, and what scores with them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from models.calibration import IDENTITY, Platt
from models.catalogue import CATALOGUE, CHAMPION, GUEST, MIX, Setup
from models.challengers import GuestLearner, MixedLearner
from models.feature_list import columns_in_use
from models.features import FEATURES, Rhythm, features
from models.questions import Examples, Openings, Outcomes
from models.serving import in_force
from models.snapshot import Snapshot
from tests.oracles_rhythm import DAY_MS, fold_event
from tests.unit.models.histories import HORIZON_MS, START_MS, crowd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.learner import Learner
    from models.scorer import Scorer

GUEST_NAME: Final = f"{GUEST}trees"
SCORERS: Final = (
    *CATALOGUE,
    GUEST_NAME,
    "wide_mix",
    "blended",
    "blended_mix",
    "blended_matured",
    "calibrated",
)
PLACES: Final = {feature.name: place for place, feature in enumerate(FEATURES)}


class Lessons(NamedTuple):
    """What models are taught, each of shape (n,), rows (n, 40)."""

    rows: NDArray[np.float32]
    active: NDArray[np.bool_]
    churned: NDArray[np.bool_]
    weight: NDArray[np.float32]


@cache
def lessons(size: int, seed: int = 0) -> Lessons:
    """Return rows of real histories whose outcomes a logistic model of three features made."""
    rows = features(*crowd(size, seed), HORIZON_MS).astype(np.float32)
    lrec, ld1, alive = (rows[:, PLACES[name]] for name in ("lrec", "ld1", "alive"))
    logit = 0.8 - 0.7 * lrec + 0.6 * ld1 - 0.3 * alive
    chance = np.random.default_rng(seed + 1).random((2, size))
    active = chance[0] < 1 / (1 + np.exp(-logit))
    churned = chance[1] < 1 / (1 + np.exp(logit + 1.5))
    return Lessons(rows, active, churned, np.ones(size, np.float32))


def fresh(columns: tuple[str, ...] = ()) -> dict[str, Learner]:
    """Return the catalogue as it is before the first example."""
    models: dict[str, Learner] = {}
    for name, entry in CATALOGUE.items():
        models[name] = entry.make(Setup(HORIZON_MS, columns, models))
    return models


def teach(models: dict[str, Learner], taught: Lessons) -> dict[str, Learner]:
    """Teach all models; the mix is fitted anew if it is due."""
    for model in models.values():
        model.learn(taught.rows, taught.active, taught.weight)
        model.mature(taught.rows, taught.churned, taught.weight)
    mix = models[MIX]
    assert isinstance(mix, MixedLearner)
    mix.refit()
    return models


@cache
def taught(columns: tuple[str, ...] = ()) -> dict[str, Learner]:
    """Return the catalogue after 2,500 examples and outcomes; not to be taught any more."""
    return teach(fresh(columns), lessons(2_500))


def guest(name: str = GUEST_NAME) -> Snapshot:
    """Return what somebody else would enter: the trees of the mix, alone."""
    trees = taught()[MIX].snapshot().trees
    return Snapshot(name=name, version=name, horizon_ms=HORIZON_MS, examples=2_500, trees=trees)


@cache
def scorer(name: str) -> Scorer:
    """Return one of ``SCORERS``."""
    if name == GUEST_NAME:
        found = GuestLearner(guest(), HORIZON_MS).scorer()
    elif name == "wide_mix":
        found = taught(columns_in_use(6, 5))[MIX].scorer()
    elif name in CATALOGUE:
        found = taught()[name].scorer()
    else:
        model = {"blended_mix": MIX, "blended_matured": "matured_logistic_v1"}.get(name, CHAMPION)
        found = in_force(
            taught()[model].scorer(),
            HORIZON_MS,
            prior_weight=0.0 if name == "calibrated" else 0.37,
            platt=Platt(0.4, 0.8) if name == "calibrated" else IDENTITY,
        )
    assert found is not None
    return found


@cache
def weird() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return users that a log should not have, but has: heads and instants."""
    year_ms = 365 * DAY_MS
    once = fold_event(None, START_MS, HORIZON_MS)
    rich, busy, loyal, twice = once, once, once, fold_event(once, START_MS, HORIZON_MS)
    for place in range(300):
        busy = fold_event(busy, START_MS + place * 1_000, HORIZON_MS, amount=-5.0, kind=place % 6)
        rich = fold_event(rich, START_MS + place * DAY_MS, HORIZON_MS, amount=1e12)
    for day in range(8_000):
        loyal = fold_event(loyal, START_MS + day * DAY_MS, HORIZON_MS, amount=1.0)
    back = fold_event(once, START_MS + 40 * year_ms, HORIZON_MS)
    heads = [once, twice, busy, rich, loyal, back]
    silences = (0, 1, HORIZON_MS // 4, HORIZON_MS - 1, HORIZON_MS, 30 * year_ms)
    rows = np.array([head for head in heads for _ in silences])
    return rows, rows[:, 1] + np.tile(np.array(silences, float), len(heads))


def lived(size: int, days: tuple[float, float], sign: float = 1.0, seed: int = 0) -> Examples:
    """Return examples of the users of ``lessons`` that matured between two days.

    Who stays is told by what a user brought, ``la4``; with ``sign`` -1 the other way round.
    """
    rng = np.random.default_rng(seed)
    rows = lessons(2_500).rows[rng.integers(0, 2_500, size)]
    brought = rows[:, PLACES["la4"]]
    said = sign * 2.5 * (brought - brought.mean()) / brought.std()
    matured_ms = np.floor(START_MS + np.sort(rng.uniform(*days, size)) * DAY_MS)
    return Examples(
        matured_ms - HORIZON_MS / 4,
        matured_ms,
        rng.random(size) < 1 / (1 + np.exp(-said)),
        np.ones(size, np.float32),
        rows,
    )


def asked(size: int, days: tuple[float, float], seed: int = 0) -> Openings:
    """Return questions about many users, opened between two days."""
    rng = np.random.default_rng(seed)
    heads, at_ms = crowd(500, 5)
    fresh_enough = np.flatnonzero(at_ms - heads[:, Rhythm.LAST] < HORIZON_MS)
    chosen = rng.choice(fresh_enough, size)
    opened_ms = np.floor(START_MS + np.sort(rng.uniform(*days, size)) * DAY_MS)
    heads = heads[chosen]
    for column in (Rhythm.FIRST, Rhythm.LAST, Rhythm.TRAITS_AT):
        heads[:, column] += opened_ms - at_ms[chosen]
    return Openings(np.arange(1, size + 1, dtype=np.uint64), opened_ms, heads)


def answered(to: Openings, quiet: NDArray[np.float64], seed: int = 0) -> Outcomes:
    """Return the answers in a world where P(no activity within H) is as told."""
    churned = np.random.default_rng(seed + 1).random(len(quiet)) < quiet
    ones = np.ones(len(quiet), np.float32)
    return Outcomes(to.users, to.at_ms, to.at_ms + HORIZON_MS, churned, ones)
