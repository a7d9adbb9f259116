"""The interval of the effect: does it hold when looked at every day, and is it narrow enough?

    python -m benchmarks.decisions.effect [--worlds 1000] [--json]

A world is a deployment of 60 to 180 days with 50 to 300 episodes a day, 10 % held out. A user's
chance to return lies around .02 to .6, contact adds 0 to .1 to it (nothing at all in an A/A world),
and what a return brings has a heavy tail. Everybody looks every evening.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.decisions.promised import arguments, tell
from models.effect import EffectMeter, Interval, Metric

F64 = NDArray[np.float64]

METRICS: Final[tuple[Metric, ...]] = ("return_rate", "net_value")
WALD_Z: Final = 1.959964
LARGE: Final = 0.05
VALUE_LOG: Final = 7.0
"""Median of what a return brings: 11 in major units."""


class World(NamedTuple):
    """One deployment.

    Attributes:
        days: How long it is looked at.
        daily: Episodes a day.
        base: Mean chance to return without contact.
        effect: What contact adds to it.
        tail: Standard deviation of the logarithm of what a return brings.
        again: Episodes per user, on average; one user is always in one arm.
        season: The chance moves up and down by this share of the base over 30 days.
        basket: What a return brings is multiplied by this where there was contact.
        holdouts: Share held out in the first half, and in the second.
    """

    days: int
    daily: int
    base: float
    effect: float
    tail: float
    again: int = 1
    season: float = 0.0
    basket: float = 1.0
    holdouts: tuple[float, float] = (0.1, 0.1)


HARD: Final[dict[str, dict[str, object]]] = {
    "rare returns": {"base": 0.02},
    "rare returns, contact helps": {"base": 0.02, "effect": 0.05},
    "few a day": {"daily": 50, "days": 60, "base": 0.1, "tail": 1.5},
    "few a day, contact helps": {"daily": 50, "base": 0.05, "effect": 0.1, "tail": 1.5},
    "users come again": {"again": 6, "base": 0.3},
    "seasons": {"season": 0.8, "base": 0.3},
    "a coupon shrinks the basket": {"basket": 0.7, "base": 0.2, "effect": 0.1},
    "the holdout grows": {"holdouts": (0.05, 0.3), "season": 0.5, "effect": 0.05},
}
"""Kinds of worlds in which an interval easily goes wrong; what is not said is drawn."""


class Lived(NamedTuple):
    """All episodes of a world in order, each column of shape (n,), and the true effects."""

    treated: NDArray[np.bool_]
    returned: NDArray[np.bool_]
    value: F64
    propensity: F64
    risk: F64
    users: list[str] | None
    truth: dict[Metric, float]


class Seen(NamedTuple):
    """What the looks at a world said of one metric.

    Attributes:
        is_covered: The truth lay in the interval at every look.
        decided_on: Day of the first look that was decided; 0 = never.
        width: Of the last interval, against that of a single look; nan = there was none.
    """

    is_covered: bool
    decided_on: int
    width: float


def drawn(rng: np.random.Generator, *, is_aa: bool = False) -> World:
    """Return a world like those that the promise speaks of."""
    return World(
        days=int(rng.integers(60, 181)),
        daily=int(rng.integers(50, 301)),
        base=float(rng.uniform(0.02, 0.6)),
        effect=0.0 if is_aa else float(rng.uniform(0.0, 0.1)),
        tail=float(rng.uniform(0.8, 1.5)),
    )


def lived(world: World, rng: np.random.Generator) -> Lived:
    """Return what happens in a world; users differ, around the base."""
    count = world.days * world.daily
    day = np.arange(count) // world.daily
    held_out = np.where(day < world.days // 2, *world.holdouts)
    if world.again > 1:
        users = rng.integers(0, count // world.again, count)
        luck, kind = (rng.random(count // world.again)[users] for _ in range(2))
    else:
        users = None
        luck, kind = rng.random(count), rng.random(count)
    treated = luck >= held_out
    base = world.base * (1.0 + world.season * np.sin(day * (2.0 * np.pi / 30.0)))
    room = 0.9 * np.minimum(base, 1.0 - base - world.effect)
    chance = base + room * (2.0 * kind - 1.0)
    returned = rng.random(count) < chance + world.effect * treated
    worth = np.exp(rng.normal(VALUE_LOG, world.tail, count)) * np.where(treated, world.basket, 1.0)
    mean = math.exp(VALUE_LOG + world.tail**2 / 2.0)
    earned = (chance + world.effect) * world.basket - chance
    return Lived(
        treated=treated, returned=returned, value=returned * worth, propensity=1.0 - held_out,
        risk=1.0 - chance, users=None if users is None else list(map(str, users.tolist())),
        truth={"return_rate": world.effect, "net_value": mean * float(earned.mean())},
    )  # fmt: skip


def watched(world: World, of: Lived) -> dict[Metric, Seen]:
    """Look at a world every evening."""
    meter = EffectMeter()
    looks: dict[Metric, list[Interval]] = {metric: [] for metric in METRICS}
    for first in range(0, len(of.treated), world.daily):
        day = slice(first, first + world.daily)
        users = None if of.users is None else of.users[day]
        meter.add(
            of.treated[day], of.returned[day], of.value[day], of.propensity[day], of.risk[day],
            users,
        )  # fmt: skip
        for metric in METRICS:
            looks[metric].append(meter.interval(metric))
    outcomes = {"return_rate": of.returned, "net_value": of.value}
    return {
        metric: _seen(looks[metric], of.truth[metric], _wald(outcomes[metric], of.treated))
        for metric in METRICS
    }


def _seen(looks: Sequence[Interval], truth: float, wald: float) -> Seen:
    ends = [(look.low, look.high) for look in looks]
    known = [(low, high) for low, high in ends if low is not None and high is not None]
    days = [day for day, look in enumerate(looks, 1) if look.is_decided]
    low, high = known[-1] if known else (math.nan, math.nan)
    return Seen(
        all(low <= truth <= high for low, high in known), min(days, default=0), (high - low) / wald
    )


def _wald(outcome: NDArray[np.generic], treated: NDArray[np.bool_]) -> float:
    """Return the width of the usual interval of a single look."""
    arms = [outcome[treated].astype(np.float64), outcome[~treated].astype(np.float64)]
    return 2.0 * WALD_Z * math.sqrt(sum(float(arm.var()) / len(arm) for arm in arms))


def is_fooled_by_wald(world: World, of: Lived) -> bool:
    """Return whether the usual interval, looked at every evening, ever excludes zero."""
    means, errors = [], []
    for arm in (of.treated, ~of.treated):
        count = np.cumsum(arm)[world.daily - 1 :: world.daily].astype(np.float64)
        rate = np.cumsum(arm & of.returned)[world.daily - 1 :: world.daily] / np.maximum(count, 1.0)
        means.append(rate)
        errors.append(np.where(count >= 30, rate * (1.0 - rate) / np.maximum(count, 1.0), np.inf))
    return bool((np.abs(means[0] - means[1]) > WALD_Z * np.sqrt(errors[0] + errors[1])).any())


def hard(kind: str, worlds: int, seed: int = 3) -> dict[Metric, float]:
    """Return the share of worlds of a hard kind in which the interval held, by metric."""
    rng = np.random.default_rng(seed)
    seen = []
    for _ in range(worlds):
        world = drawn(rng, is_aa=True)._replace(**HARD[kind])
        seen.append(watched(world, lived(world, rng)))
    return {metric: _share([each[metric].is_covered for each in seen]) for metric in METRICS}


def measured(worlds: int, seed: int = 1) -> dict[str, tuple[float, str]]:
    """Return the figures: name to value and note."""
    rng = np.random.default_rng(seed)
    told, large, fooled = [], [], []
    for _ in range(worlds):
        world = drawn(rng)
        told.append(watched(world, lived(world, rng)))
        if world.effect >= LARGE:
            large.append(told[-1]["return_rate"])
    alarms = []
    for _ in range(worlds):
        world = drawn(rng, is_aa=True)
        of = lived(world, rng)
        alarms.append(watched(world, of))
        fooled.append(is_fooled_by_wald(world, of))
    kinds = {
        (share, f"{kind}, {metric}")
        for kind in HARD
        for metric, share in hard(kind, max(worlds // 4, 4)).items()
    }
    note = f"{worlds} worlds, looked at daily for 60 to 180 days"
    figures: dict[str, tuple[float, str]] = {}
    for metric, tail in zip(METRICS, ("", "_value"), strict=True):
        covered = [each[metric].is_covered for each in told]
        alarm = [each[metric].decided_on > 0 for each in alarms]
        figures[f"effect.covered{tail}"] = (_share(covered), note)
        figures[f"effect.false_alarm{tail}"] = (_share(alarm), note)
        width = float(np.nanmean([each[metric].width for each in told]))
        figures[f"effect.width{tail}"] = (width, note)
    figures["effect.false_alarm_wald"] = (_share(fooled), note)
    figures["effect.covered_least"] = min(kinds)
    figures["effect.decided"] = (_share([each.decided_on > 0 for each in large]), note)
    days = float(np.median([each.decided_on or math.inf for each in large]))
    figures["effect.days"] = (days, f"{len(large)} worlds, 10 % held out, 50 to 300 episodes a day")
    return figures


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found)


def main() -> None:
    asked = arguments(__doc__, 1_000)
    tell(measured(asked.worlds), as_json=asked.json)


if __name__ == "__main__":
    main()
