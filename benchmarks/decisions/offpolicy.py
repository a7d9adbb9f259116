"""What a new policy would bring, asked of the record of an old one: how far from the truth?

    python -m benchmarks.decisions.offpolicy [--worlds 200] [--json]

A world has 20,000 touches of users with eight features, of which the chance to return depends, not
linearly, and of which both policies make use: the old one prefers the variant that it thinks good,
the new one another. The truth is the mean of the true chances under the new policy.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.decisions.promised import arguments, tell
from models.offpolicy import Estimates, Logged, estimates

F64 = NDArray[np.float64]

TOUCHES: Final = 20_000
FEATURES: Final = 8
LEAST: Final = 0.05
"""Share in equal parts of every policy, as that of `models.bandit`."""


class World(NamedTuple):
    """A record, the odds (n, variants) of a new policy, and what that would truly bring."""

    logged: Logged
    target: F64
    truth: float


def lived(rng: np.random.Generator, touches: int = TOUCHES) -> World:
    """Return a world."""
    variants = int(rng.integers(2, 6))
    rows = rng.normal(size=(touches, FEATURES))
    base = rng.uniform(-2.5, 0.0)
    bends = rng.normal(0.0, 0.3, (FEATURES, variants))
    logits = base + rng.normal(0.0, 0.3, variants) + rows @ bends + 0.3 * rows[:, :1] * rows[:, 1:2]
    chance = 1.0 / (1.0 + np.exp(-logits))
    old, new = (_odds(rows, rng, variants) for _ in range(2))
    chosen = (rng.random((touches, 1)) > np.cumsum(old, axis=1)).sum(axis=1)
    np.minimum(chosen, variants - 1, out=chosen)
    each = np.arange(touches)
    reward = (rng.random(touches) < chance[each, chosen]).astype(np.float64)
    truth = float((new * chance).sum(axis=1).mean())
    return World(Logged(rows, chosen, old[each, chosen], reward), new, truth)


def _odds(rows: F64, rng: np.random.Generator, variants: int) -> F64:
    likes = rng.normal(0.0, 0.8, variants) + rows @ rng.normal(0.0, 0.5, (FEATURES, variants))
    odds = np.exp(likes - likes.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    mixed: F64 = (1.0 - LEAST) * odds + LEAST / variants
    return mixed


NAMES: Final = ("logged", "ips", "snips", "doubly_robust")


def errors(worlds: int, seed: int = 1, touches: int = TOUCHES) -> tuple[F64, F64]:
    """Return relative errors (worlds, 4) of the estimates of `NAMES`, and how often ± 2 SE held."""
    rng = np.random.default_rng(seed)
    off, held = np.empty((worlds, len(NAMES))), np.empty((worlds, len(NAMES)))
    for place in range(worlds):
        world = lived(rng, touches)
        found = estimates(world.logged, world.target)
        off[place], held[place] = _judged(found, world.truth)
    return off, held


def _judged(found: Estimates, truth: float) -> tuple[list[float], list[bool]]:
    said = [getattr(found, name) for name in NAMES]
    away = [abs(each.value - truth) for each in said]
    near = [far <= 1.96 * each.error for far, each in zip(away, said, strict=True)]
    return [far / truth for far in away], near


def measured(worlds: int) -> dict[str, tuple[float, str]]:
    """Return the figures: name to value and note."""
    off, held = errors(worlds)
    note = f"{worlds} worlds of {TOUCHES:,} touches"
    means = dict(zip(NAMES, off.mean(axis=0).tolist(), strict=True))
    return {
        "offpolicy.error": (means["doubly_robust"], note),
        "offpolicy.error_snips": (means["snips"], note),
        "offpolicy.error_ips": (means["ips"], note),
        "offpolicy.error_logged": (means["logged"], note),
        "offpolicy.covered": (float(held.mean(axis=0)[NAMES.index("doubly_robust")]), note),
    }


def main() -> None:
    asked = arguments(__doc__, 200)
    tell(measured(asked.worlds), as_json=asked.json)


if __name__ == "__main__":
    main()
