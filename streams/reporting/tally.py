"""What one day saw, as counts; the days of a period add up."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

Cell = tuple[str, str]
"""Name of a dimension and a value of it; everything together is ``ALL``."""

ALL: Final = ("", "")

DIMENSIONS: Final = (
    "quadrant", "value_tier", "channel", "playbook", "variant", "reason", "acquisition_source",
    "cohort", "lifecycle_stage", "trigger",
)  # fmt: skip
"""What figures are split by, in the order of the page."""

COUNTERS: Final = (
    "verdicts", "opened", "stake", "touches", "contacted", "arrived", "answers", "outcomes",
    "reasons", "revoked", "closed", "moved", "reasons_by_source", "modes", "facts",
)  # fmt: skip


class Tally:
    """Counts of a day, or of the days of a period.

    Attributes:
        verdicts: (verdict, reason) to decisions.
        opened: Cell to cases opened; of all of them under ``ALL``.
        stake: Cell to the expected loss of those cases, minor units.
        touches: Cell and channel to touches requested.
        contacted: Cell to cases in which a first touch was requested.
        arrived: Channel to touches that reached their user.
        answers: (channel, what the sender said) to touches.
        outcomes: Outcome code of a person to touches.
        reasons: (channel, why it failed or is unknown) to touches.
        revoked: Reason to touches taken back.
        closed: (outcome, arm) to cases closed.
        moved: Band and ``+`` or ``-`` to users who came into it, or left it.
        reasons_by_source: (source, reason) to cases opened.
        modes: Mode to decisions.
        facts: What else is counted, by name.
    """

    __slots__ = COUNTERS

    def __init__(self) -> None:
        self.verdicts: Counter[tuple[str, str]] = Counter()
        self.opened: Counter[Cell] = Counter()
        self.stake: Counter[Cell] = Counter()
        self.touches: Counter[tuple[str, str, str]] = Counter()
        self.contacted: Counter[Cell] = Counter()
        self.arrived: Counter[str] = Counter()
        self.answers: Counter[Cell] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[Cell] = Counter()
        self.revoked: Counter[str] = Counter()
        self.closed: Counter[Cell] = Counter()
        self.moved: Counter[Cell] = Counter()
        self.reasons_by_source: Counter[Cell] = Counter()
        self.modes: Counter[str] = Counter()
        self.facts: Counter[str] = Counter()

    def count_touch(self, cell: Cell, channel: str, *, is_first: bool) -> None:
        """Count a touch; ``is_first`` says that it is the first of its case."""
        self.touches[*cell, channel] += 1
        self.contacted[cell] += is_first

    def touched(self, cell: Cell) -> int:
        """Return the touches requested of a cell, whatever their channel."""
        return sum(number for key, number in self.touches.items() if key[:2] == cell)

    def add(self, other: "Tally") -> None:
        """Count another day in."""
        for name in COUNTERS:
            getattr(self, name).update(getattr(other, name))


def added(days: Iterable[Tally]) -> Tally:
    """Return the sum of days."""
    whole = Tally()
    for day in days:
        whole.add(day)
    return whole
