"""The choice among variants: how much is lost until the best one is known.

    python -m benchmarks.decisions.bandit [--worlds 200] [--json]

A world is a playbook with variants of fixed return rates and 10,000 touches. Answers come a window
later (after 1,500 further touches), the odds are published every 200 touches. Regret is what always
the best variant would have brought, less what the choices did; equal shares are the measure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.decisions.promised import arguments, tell
from models.bandit import Book, Tally, odds

F64 = NDArray[np.float64]

TOUCHES: Final = 10_000
PUBLISHED: Final = 200
DELAY: Final = 1_500
RATES: Final = (
    (0.10, 0.15),
    (0.05, 0.06, 0.08),
    (0.30, 0.33, 0.36, 0.45),
    (0.02, 0.03),
    (0.20, 0.20, 0.20, 0.25, 0.30),
    (0.55, 0.60),
)
"""Return rates of the variants, by kind of world."""


class Outcome(NamedTuple):
    """Regret of a world, in returns, and that of equal shares."""

    regret: float
    uniform: float


def played(
    rates: F64, rng: np.random.Generator, delay: int = DELAY, published: int = PUBLISHED
) -> Outcome:
    """Return the regret of a world.

    Args:
        rates: Shape (touches, variants): chance to return, touch by touch.
        rng: Chance.
        delay: Touches until an answer is known.
        published: Touches from one publication of the odds to the next.
    """
    touches, count = rates.shape
    names = tuple(f"v{place}" for place in range(count))
    tally, luck, draws = Tally(Book("p")), rng.random(touches), rng.random(touches)
    chosen = np.empty(touches, np.intp)
    known = 0
    for begin in range(0, touches, published):
        for touch in range(known, max(begin - delay, 0)):
            variant = chosen[touch]
            tally.add(names[variant], float(luck[touch] < rates[touch, variant]), 0.0)
        known = max(begin - delay, 0)
        said = odds(tally.book(), names) or (1.0 / count,) * count
        block = slice(begin, begin + published)
        chosen[block] = np.searchsorted(np.cumsum(said)[:-1], draws[block], side="right")
    best = rates.max(axis=1)
    regret = best - rates[np.arange(touches), chosen]
    return Outcome(float(regret.sum()), float((best - rates.mean(axis=1)).sum()))


def steady(rates: tuple[float, ...], touches: int = TOUCHES) -> F64:
    return np.tile(rates, (touches, 1))


def turned(rates: tuple[float, ...], touches: int = TOUCHES) -> F64:
    """Return rates of which the best becomes the worst after half of the touches."""
    found = steady(rates, touches)
    found[touches // 2 :] = found[touches // 2 :, ::-1]
    return found


def seasonal(rates: tuple[float, ...], touches: int = TOUCHES) -> F64:
    """Return rates that go up and down together by half."""
    tide = 1.0 + 0.5 * np.sin(np.arange(touches) * (4.0 * np.pi / touches))
    return np.minimum(steady(rates, touches) * tide[:, None], 1.0)


def ratio(found: list[Outcome]) -> float:
    """Return regret as a share of that of equal shares."""
    return sum(each.regret for each in found) / sum(each.uniform for each in found)


def share(world: Callable[[tuple[float, ...]], F64], worlds: int, delay: int = DELAY) -> float:
    """Return regret as a share of that of equal shares, the mean over kinds of worlds.

    Args:
        world: Makes rates over time of those of a kind.
        worlds: Of each kind.
        delay: Touches until an answer is known.
    """
    return sum(
        ratio(
            [played(world(rates), np.random.default_rng((kind, n)), delay) for n in range(worlds)]
        )
        for kind, rates in enumerate(RATES)
    ) / len(RATES)


def by_river(rates: tuple[float, ...], seed: int, touches: int = TOUCHES) -> Outcome:
    """Return the regret of River's Thompson sampling, told every answer at once."""
    from river import bandit, proba  # noqa: PLC0415 - a second to import

    policy = bandit.ThompsonSampling(proba.Beta(), seed=seed)
    luck, regret, best = np.random.default_rng(seed).random(touches), 0.0, max(rates)
    for touch in range(touches):
        arm = policy.pull(range(len(rates)))
        policy.update(arm, bool(luck[touch] < rates[arm]))
        regret += best - rates[arm]
    return Outcome(regret, touches * (best - sum(rates) / len(rates)))


def measured(worlds: int) -> dict[str, tuple[float, str]]:
    """Return the figures: name to value and note."""
    each = max(worlds // len(RATES), 2)
    note = f"{each} worlds of each of {len(RATES)} kinds, {TOUCHES:,} touches"
    late = f"{note}, answers {DELAY:,} touches later"
    river = [ratio([by_river(rates, seed) for seed in range(3)]) for rates in RATES]
    return {
        "bandit.regret": (share(steady, each, delay=0), note),
        "bandit.regret_late": (share(steady, each), late),
        "bandit.regret_seasonal": (share(seasonal, each), late),
        "bandit.regret_turned": (share(turned, each), late),
        "bandit.regret_river": (sum(river) / len(river), "3 worlds of each kind"),
    }


def main() -> None:
    asked = arguments(__doc__, 200)
    tell(measured(asked.worlds), as_json=asked.json)


if __name__ == "__main__":
    main()
