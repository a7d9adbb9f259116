"""Kinds of users: how each lives when left alone, and what a touch does to it.

The truth that everything else is measured against; no model sees it.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Rng = np.random.Generator


class Span(NamedTuple):
    """A user's time in the world, in units of H.

    Attributes:
        begin: When the user comes first.
        end: End of the world, and a horizon more, so that what follows is known.
        gap: Mean time between two visits.
    """

    begin: float
    end: float
    gap: float


Living = Callable[[Rng, Span], F64]


class Kind(NamedTuple):
    """One kind of user.

    Attributes:
        lives: Draws the visits of a user who is left alone, in units of H.
        pull: Probability that a touch by SMS brings the user back at once, if it is not back yet.
        push: Probability that a touch drives the user away for good.
        in_time: The pull halves with each such span of silence, units of H; infinity = never.
        buys: Probability that a visit is a purchase.
        spends: Median size of a purchase, major units.
        acts: Mean further events of a visit.
        grumbles: Whether a complaint or refund comes with the last visits.
    """

    lives: Living
    pull: float = 0.0
    push: float = 0.0
    in_time: float = float("inf")
    buys: float = 0.3
    spends: float = 60.0
    acts: float = 0.6
    grumbles: bool = False


def visits(rng: Rng, begin: float, end: float, gap: float) -> F64:
    """Return the visits of somebody with a rhythm, gaps of a gamma law of shape 2."""
    if end <= begin:
        return np.empty(0)
    count = int((end - begin) / gap * 1.5) + 10
    at = begin + np.cumsum(rng.gamma(2.0, gap / 2.0, count))
    return np.asarray(at[at < end])


def _stays(rng: Rng, span: Span) -> F64:
    return visits(rng, span.begin, span.end, span.gap)


def _leaves(rng: Rng, span: Span) -> F64:
    until = span.begin + (0.2 + 0.7 * rng.random()) * (span.end - span.begin)
    return visits(rng, span.begin, max(until, span.begin + 8 * span.gap), span.gap)


def _drifts(rng: Rng, span: Span) -> F64:
    """Each gap is longer than the one before, until the user is gone."""
    count = int(12 + 30 * rng.random())
    growth = 1.0 + 0.06 + 0.1 * rng.random()
    gaps = rng.gamma(2.0, span.gap / 2.0, count) * growth ** np.arange(count)
    at = span.begin + np.cumsum(gaps)
    return at[at < span.end]


def _comes_in_seasons(rng: Rng, span: Span) -> F64:
    """A season of one to two horizons, then as long a pause; always comes back."""
    season = 1.0 + rng.random()
    at = visits(rng, span.begin, span.end, span.gap)
    return np.asarray(at[((at - span.begin) // season) % 2 == 0])


def _comes_once(rng: Rng, span: Span) -> F64:
    return span.begin + np.sort(rng.random(1 + int(2 * rng.random()))) * span.gap


def _pauses(rng: Rng, span: Span) -> F64:
    """Pauses of .6 to .95 H now and then, from which the user comes back, if left in peace."""
    at = visits(rng, span.begin, span.end, span.gap)
    pause = span.begin + 8 * span.gap + 0.5 * rng.random()
    while pause < span.end:
        until = pause + 0.6 + 0.35 * rng.random()
        at = at[(at < pause) | (at >= until)]
        pause = until + 1.5 + rng.random()
    return at


KINDS: Final[dict[str, Kind]] = {
    "stable": Kind(_stays),
    "drifting": Kind(_drifts, pull=0.15),
    "seasonal": Kind(_comes_in_seasons, pull=0.05),
    "one_time": Kind(_comes_once),
    "doomed": Kind(_leaves, pull=0.02, grumbles=True),
    "persuadable": Kind(_leaves, pull=0.6, in_time=1.0, buys=0.4, acts=2.0),
    "sleeping_dog": Kind(_pauses, push=0.8, buys=0.6, acts=0.0),
    "lost_cause": Kind(_leaves, buys=0.6, spends=90.0, acts=0.2),
}
"""Name to kind; the names stand in scenarios and in ``truth.jsonl``."""

CHANNELS: Final = {
    "sms": 1.0,
    "email": 0.6,
    "push": 0.7,
    "webhook": 0.7,
    "wechat": 1.15,
    "wecom": 1.3,
    "call": 1.5,
}
"""Channel to the factor on the pull of a kind."""

PULL_MAX: Final = 0.95


def response(kind: str, channel: str, silence: float, effect: float) -> tuple[float, float]:
    """Return the probabilities that a touch brings a user back, and that it drives one away.

    Args:
        kind: Of the user.
        channel: Of the touch.
        silence: Since the last activity, in units of H.
        effect: Factor of the scenario.
    """
    truth = KINDS[kind]
    pull = truth.pull * CHANNELS.get(channel, 1.0) * effect * 0.5 ** (silence / truth.in_time)
    return min(pull, PULL_MAX), truth.push * min(effect, 1.0)
