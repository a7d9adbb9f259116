"""The newest examples, which trees are fitted to, and whether it is time to fit anew.

They outlive a restart as records, each written once: without them a booster could not be fitted
again before as many examples have come as it was fitted to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from models.snapshot import FORMAT, Refusal, SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from models.boosted import Fit

KEY: Final = "newest/"
"""Records of the newest examples begin like that."""
PART_ROWS: Final = 3_000
"""Examples in a record: 660 KB as it travels, below the 1 MB that a broker takes."""
KEPT_MAX: Final = 60_000
"""Newest examples that trees are fitted to: 1.5 s of CPU."""
FIRST_FIT: Final = 2_000
"""Fewer examples only teach noise."""
REFIT_SHARE: Final = 0.25
"""Fit anew when a quarter of what was fitted to has been replaced …"""
REFIT_GROWTH: Final = 0.5
"""… or, while there is little, when it has grown by half."""


class Part(msgspec.Struct):
    """Examples in the order in which they matured, as columns of little-endian numbers.

    Attributes:
        first: How many came before them.
        rows: n × width × float32.
        active: n × uint8.
        weight: n × float32.
    """

    first: int
    rows: bytes
    active: bytes
    weight: bytes
    format: int = FORMAT


class _Part:
    """The same in memory."""

    def __init__(
        self,
        first: int,
        rows: NDArray[np.float32],
        active: NDArray[np.bool_],
        weight: NDArray[np.float32],
    ) -> None:
        self.first, self.rows, self.active, self.weight = first, rows, active, weight

    def __len__(self) -> int:
        return len(self.rows)

    def cut(self, begin: int, end: int) -> _Part:
        """Return the examples from ``begin`` up to ``end``."""
        cut = slice(begin, end)
        return _Part(self.first + begin, self.rows[cut], self.active[cut], self.weight[cut])

    def record(self) -> Part:
        """Return the record of it."""
        return Part(
            self.first,
            self.rows.astype("<f4").tobytes(),
            self.active.astype("u1").tobytes(),
            self.weight.astype("<f4").tobytes(),
        )


class NewestExamples:
    """The newest examples.

    Args:
        width: Features that the trees may use: 31, or all 40.

    Attributes:
        seen: How many ever came.
        fitted_to: How many the trees in force were fitted to.
        fitted_at: How many had come then.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.seen = self.fitted_to = self.fitted_at = 0
        self._parts: list[_Part] = []
        self._kept = 0
        self._written_to = 0
        self._gone: list[int] = []

    def add(
        self, rows: NDArray[np.float32], active: NDArray[np.bool_], weight: NDArray[np.float32]
    ) -> None:
        """Add examples in the order in which they matured."""
        if not len(rows):
            return
        self._parts.append(_Part(self.seen, rows[:, : self.width], active, weight))
        self.seen += len(rows)
        self._kept += len(rows)
        while self._kept - len(self._parts[0]) >= KEPT_MAX:
            old = self._parts.pop(0)
            self._kept -= len(old)
            if old.first < self._written_to:
                self._gone.append(old.first)

    @property
    def is_due(self) -> bool:
        """Whether enough is new, and there is not much less than the trees in force have seen."""
        new = self.seen - self.fitted_at
        enough = min(max(FIRST_FIT, REFIT_GROWTH * self.fitted_at), REFIT_SHARE * KEPT_MAX)
        return new >= enough and 2 * self._kept >= self.fitted_to

    def take(self) -> Fit | None:
        """Return the fit that is due; None if only one kind of outcome is there."""
        from models.boosted import fit  # noqa: PLC0415 (LightGBM takes a second)

        self.fitted_at = self.seen
        whole = _joined(self._parts)
        newest = whole.cut(max(len(whole) - KEPT_MAX, 0), len(whole))
        rows, active, weight = newest.rows, newest.active, newest.weight
        if not 0 < np.count_nonzero(active) < len(active):
            return None
        self.fitted_to = len(rows)
        return lambda: fit(rows, active, weight)

    def changed(self) -> dict[str, Part | None]:
        """Return the records that changed since the last call, by key; None = gone."""
        out: dict[str, Part | None] = {f"{KEY}{first}": None for first in self._gone}
        self._gone = []
        old = [part for part in self._parts if part.first < self._written_to]
        fresh = self._parts[len(old) :]
        if fresh:
            whole = _joined(fresh)
            starts = range(0, len(whole), PART_ROWS)
            fresh = [whole.cut(start, start + PART_ROWS) for start in starts]
            out |= {f"{KEY}{part.first}": part.record() for part in fresh}
        self._parts, self._written_to = [*old, *fresh], self.seen
        return out

    def load(self, records: Iterable[Part]) -> None:
        """Go on with what earlier records hold.

        Raises:
            SnapshotRefused: They are of another width.
        """
        for record in sorted(records, key=lambda record: record.first):
            active = np.frombuffer(record.active, "u1") != 0
            if len(record.rows) != 4 * self.width * len(active):
                raise SnapshotRefused(Refusal.BROKEN_NUMBERS, "the newest examples")
            rows = np.frombuffer(record.rows, "<f4").reshape(len(active), self.width)
            part = _Part(record.first, rows, active, np.frombuffer(record.weight, "<f4"))
            self._parts.append(part)
            self._kept += len(part)
            self.seen = self._written_to = part.first + len(part)


def _joined(parts: list[_Part]) -> _Part:
    """Return parts that follow each other as one."""
    return _Part(
        parts[0].first,
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.active for part in parts]),
        np.concatenate([part.weight for part in parts]),
    )
