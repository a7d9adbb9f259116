"""Episodes: what became of users who were treated, and of those who were held out."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


class Episodes(NamedTuple):
    """Matured episodes as columns, each of shape (n,), rows (n, features).

    Attributes:
        exposed_at_ms: When the first touch left, or would have, epoch ms.
        matured_at_ms: When the answer was complete.
        treated: True = treated, False = held out.
        returned: Whether the user was active in between.
        value_change: Net value gained in between, minor units.
        propensity: Probability of what was done: of the arm, times that of the variant if treated.
        playbooks: Names.
        variants: Names.
        channels: Channel of the first touch.
        rows: Features as of the exposure, float32.
        variant_propensity: Probability of the variant alone; 1 for who was held out.
    """

    exposed_at_ms: F64
    matured_at_ms: F64
    treated: NDArray[np.bool_]
    returned: NDArray[np.bool_]
    value_change: F64
    propensity: F64
    playbooks: tuple[str, ...]
    variants: tuple[str, ...]
    channels: tuple[str, ...]
    rows: NDArray[np.float32]
    variant_propensity: F64

    @property
    def treat_propensity(self) -> F64:
        """Probability that the user was to be treated, whatever was done, shape (n,)."""
        arm = self.propensity / self.variant_propensity
        return np.where(self.treated, arm, 1.0 - arm)


def only(episodes: Episodes, places: NDArray[np.intp]) -> Episodes:
    """Return some of the episodes, in the order of their places."""
    columns: list[Any] = [
        tuple(column[place] for place in places.tolist())
        if isinstance(column, tuple)
        else column[places]
        for column in episodes
    ]
    return Episodes(*columns)


def joined(parts: Sequence[Episodes]) -> Episodes:
    """Return the episodes of all parts, at least one, in their order."""
    columns: list[Any] = [
        tuple(chain.from_iterable(column))
        if isinstance(column[0], tuple)
        else np.concatenate(column)
        for column in zip(*parts, strict=True)
    ]
    return Episodes(*columns)
