"""``--shuffle``: the negative control. Who did what is dealt out by chance; nothing may be found.

The users of a log are dealt out anew, event by event, before anything sees them. So the whole path
(reading, states, features, learning, grading) runs as ever, on a log in which no user has a past
that means anything. What is found there is found by mistake.

Only users of the same time are compared: how much goes on at all changes with the seasons, and
that remains.
"""

import math
from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.calibration import ece_floor
from streams.replay.blocks import Block
from streams.replay.report.belief import belief
from streams.replay.report.estimates import says_something
from streams.replay.report.past import Past
from streams.replay.report.ranking import ROWS_WITHIN, auc_within, too_few

SEED: Final = 1
Z_CHANCE: Final = 2.576
"""The interval that chance leaves once in a hundred runs."""


class Control(msgspec.Struct, frozen=True):
    """What was found where nothing is.

    Attributes:
        cannot_say: Why there is no verdict; empty if there is.
        auc: Mean AUC among those asked about at the same time.
        low: What chance gives, 99 %.
        high: The upper end.
        is_sound: Whether it lies within.
        asked: Questions.
        ece: Calibration error.
        ece_floor: What a perfect model would show.
    """

    cannot_say: str = ""
    auc: float | None = None
    low: float | None = None
    high: float | None = None
    is_sound: bool | None = None
    asked: int = 0
    ece: float | None = None
    ece_floor: float | None = None


def dealt(blocks: Iterator[Block], users: list[str]) -> Iterator[Block]:
    """Yield blocks whose events were dealt out to users by chance; seeded."""
    chance = np.random.default_rng(SEED)
    for block in blocks:
        whose = chance.integers(len(users), size=len(block.rows)).tolist()
        yield block._replace(user_ids=[users[number] for number in whose])


def users_of(blocks: Iterator[Block]) -> list[str]:
    """Return every user of a log once, in the order of their first events."""
    found: dict[str, None] = {}
    for block in blocks:
        found.update(dict.fromkeys(block.user_ids))
    return list(found)


def verdict(past: Past, horizon_ms: float) -> Control:
    """Return whether a run over a dealt log found nothing, as it must."""
    numbers = past.spans(horizon_ms / 4)
    found = auc_within(past.said, past.left, numbers)
    if not says_something(past.left):
        why = too_few(past.asked, int(np.count_nonzero(past.left)))
        advice = "dealt out by chance all come equally often, so another horizon may tell more"
        return Control(f"{why}; {advice}", asked=past.asked)
    if found is None:
        why = f"at no time {ROWS_WITHIN} customers were looked at who did not all do the same"
        return Control(why, asked=past.asked)
    reach = Z_CHANCE * chance_error(past.left, numbers)
    is_believed = belief(past)
    return Control(
        auc=found,
        low=0.5 - reach,
        high=0.5 + reach,
        is_sound=abs(found - 0.5) <= reach,
        asked=past.asked,
        ece=is_believed.ece,
        ece_floor=ece_floor(past.said),
    )


def chance_error(left: NDArray[np.bool_], numbers: NDArray[np.intp]) -> float:
    """Return the standard error of the mean AUC within periods if nothing is to be found.

    Source:
        Mann & Whitney (1947): the variance of U without ties, here upon n1 n0, weighted by rows.
    """
    total, rows = 0.0, 0
    for number in np.unique(numbers).tolist():
        pick = left[numbers == number]
        gone, count = int(np.count_nonzero(pick)), len(pick)
        if count >= ROWS_WITHIN and 0 < gone < count:
            total += count * count * (count + 1) / (12 * gone * (count - gone))
            rows += count
    return math.sqrt(total) / rows
