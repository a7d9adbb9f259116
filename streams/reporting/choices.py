"""What would have been if every contacted user had got one variant: asked of the odds on record."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.effect import ALPHA, critical
from models.offpolicy import Estimate, Logged, estimates
from streams.reporting.earned import F64, PER, VARIANT, Columns, Flags, Gain

EPISODES_MIN: Final = 50
"""Users who got a variant; of fewer nothing is said."""


class Choice(msgspec.Struct, frozen=True):
    """A variant of a playbook, if every contacted user had got it.

    Attributes:
        playbook: Which.
        variant: Which.
        share: Of the contacted users of the playbook, who got it.
        returned: Users who would come back, per 1,000; the interval holds at any look.
        money: Net value they would bring, minor units per 1,000; None = there was none.
        is_best: Whether its interval lies above those of all others.
    """

    playbook: str
    variant: str
    share: float
    returned: Gain
    money: Gain | None
    is_best: bool


def choices(columns: Columns, pick: Flags) -> tuple[Choice, ...]:
    """Return every variant of every playbook of which two or more have enough answers."""
    treated = pick & columns.treated
    books = columns.cells["playbook"]
    found: list[Choice] = []
    for book in sorted(set(books[treated].tolist())):
        found += _of_playbook(columns, np.flatnonzero(treated & (books == book)), str(book))
    return tuple(found)


def _of_playbook(columns: Columns, rows: NDArray[np.intp], book: str) -> list[Choice]:
    names = columns.cells[VARIANT][rows]
    sizes = {str(name): int(np.count_nonzero(names == name)) for name in set(names.tolist())}
    variants = sorted(name for name, size in sizes.items() if size >= EPISODES_MIN)
    if len(variants) < 2:  # noqa: PLR2004 (there is nothing to choose)
        return []
    rows = rows[np.isin(names, variants)]
    places = {name: place for place, name in enumerate(variants)}
    chosen = np.array([places[name] for name in columns.cells[VARIANT][rows].tolist()], np.intp)
    returned, value = columns.returned[rows].astype(np.float64), columns.value[rows]
    has_money = bool(value.any()) and bool(columns.is_ours[rows].all())
    known = columns.risk[rows][:, None]
    gains = []
    for place in range(len(variants)):
        both = []
        for reward in (returned, value):
            logged = Logged(known, chosen, columns.of_variant[rows], reward)
            target: F64 = np.zeros((len(rows), len(variants)))
            target[:, place] = 1.0
            both.append(_gain(estimates(logged, target).doubly_robust, sizes[variants[place]]))
        gains.append(both)
    return [
        Choice(
            playbook=book,
            variant=name.removeprefix(f"{book} / "),
            share=sizes[name] / sum(sizes.values()),
            returned=back,
            money=money if has_money else None,
            is_best=all(back.low > other[0].high for other in gains if other[0] is not back),
        )
        for name, (back, money) in zip(variants, gains, strict=True)
    ]


def _gain(found: Estimate, size: int) -> Gain:
    """Return an estimate per 1,000 with an interval that holds at any look."""
    half = critical(size / 2.0, ALPHA) * found.error
    return Gain(PER * found.value, PER * (found.value - half), PER * (found.value + half))
