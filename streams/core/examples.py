"""The hazard grid: training examples, opened and completed at every user's own grid instants.

Nothing is stored while a user is silent, for the features can be computed again; the first activity
after a grid instant freezes them as they were then.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.features import FEATURES, Rhythm, features, features_hash
from streams.core.coverage import Coverage
from streams.core.rules import Rules
from streams.core.state import Column, frozen_rows
from streams.core.teaching import ExampleBlock
from streams.core.treatment import Treatment

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
ROW_BYTES: Final = 4 * len(FEATURES)
BLOCK_ROWS: Final = 4_000
"""Examples in a record: 730 KB, well below what a broker takes by default (1 MB)."""


class ExampleCollector:
    """Makes examples of one partition and keeps them until they are taken."""

    def __init__(self, rules: Rules, coverage: Coverage, *, is_shadow: bool) -> None:
        """Make one.

        Args:
            rules: The business rules.
            coverage: What the source missed: nothing is learned from a period it reaches into.
            is_shadow: Nobody was really touched, so every example counts.
        """
        self._is_shadow = is_shadow
        self.adopt(rules)
        self._coverage = coverage
        self._parts: list[tuple[F64, NDArray[np.uint8], F32, F32]] = []

    def adopt(self, rules: Rules) -> None:
        """Go by changed rules from now on."""
        self._rules = rules
        self._treatment = Treatment(rules, is_shadow=self._is_shadow)

    def freeze(self, heads: F64, grid_ms: F64) -> tuple[NDArray[np.bool_], bytes]:
        """Return who has an example at the grid instant, and the features of all, joined.

        Args:
            heads: Shape (users, WIDTH), as they were before the activity.
            grid_ms: Shape (users,): the latest grid instant before the activity.
        """
        heads = self._coverage.moved(heads, grid_ms)
        silence = grid_ms - heads[:, Rhythm.LAST]
        is_observed = (silence < self._rules.churn.limit_ms) & (heads[:, Rhythm.FIRST] <= grid_ms)
        rows = features(heads, grid_ms, float(self._rules.churn.horizon_ms))
        return is_observed, rows.astype("<f4").tobytes()

    def complete(self, heads: F64, values: list[bytes], at_ms: F64) -> None:
        """Complete the examples that were opened one period before ``at_ms``.

        Args:
            heads: Shape (users, WIDTH): users at one of their grid instants.
            values: Their changelog values.
            at_ms: Shape (users,): the grid instant now.
        """
        opened = at_ms - self._rules.churn.period_ms
        is_seen = self._coverage.is_seen(heads, opened, at_ms)
        is_active = heads[:, Column.FROZEN_AT] == opened
        silence = opened - self._coverage.last(heads, opened)
        is_silent = (silence >= 0.0) & (silence < self._rules.churn.limit_ms) & ~is_active
        is_active, is_silent = is_active & is_seen, is_silent & is_seen
        self._add(heads, opened, is_silent, None)
        if is_active.any():
            pending = [value for value, is_its in zip(values, is_active, strict=True) if is_its]
            self._add(heads, opened, is_active, frozen_rows(pending))

    def _add(
        self, heads: F64, opened: F64, pick: NDArray[np.bool_], rows: NDArray[np.float32] | None
    ) -> None:
        is_free, weight = self._treatment.weighed(heads, opened)
        if rows is not None:
            rows = rows[is_free[pick]]
        pick = pick & is_free
        count = int(np.count_nonzero(pick))
        if not count:
            return
        if rows is None:
            horizon = float(self._rules.churn.horizon_ms)
            active = np.zeros(count, np.uint8)
            heads = self._coverage.moved(heads[pick], opened[pick])
            rows = features(heads, opened[pick], horizon).astype("<f4")
        else:
            active = np.ones(count, np.uint8)
        self._parts.append((opened[pick], active, weight[pick], rows))

    def take(self) -> list[ExampleBlock]:
        """Return what was completed since the last call, in blocks that fit into a record."""
        if not self._parts:
            return []
        opened, active, weight, rows = (
            np.concatenate(column) for column in zip(*self._parts, strict=True)
        )
        self._parts = []
        return [
            self._block(opened[cut], active[cut], weight[cut], rows[cut])
            for cut in (slice(at, at + BLOCK_ROWS) for at in range(0, len(opened), BLOCK_ROWS))
        ]

    def _block(
        self, opened: F64, active: NDArray[np.uint8], weight: F32, rows: F32
    ) -> ExampleBlock:
        churn = self._rules.churn
        return ExampleBlock(
            features_hash=features_hash(),
            rules_hash=self._rules.hash,
            horizon_ms=churn.horizon_ms,
            count=len(opened),
            opened_at_ms=opened.astype("<f8").tobytes(),
            matured_at_ms=(opened + churn.period_ms).astype("<f8").tobytes(),
            active=active.tobytes(),
            weight=weight.astype("<f4").tobytes(),
            rows=rows.astype("<f4").tobytes(),
        )
