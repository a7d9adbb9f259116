"""A promise about a figure, and what it was when the promise was written."""

from __future__ import annotations

import operator
from typing import Final, NamedTuple

HOLDS: Final = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}


class Promise(NamedTuple):
    """What a figure has to be.

    Attributes:
        what: In words.
        unit: Of value and bound.
        relation: ``<=``, ``>=`` or ``==``; empty for a fact without a bound.
        bound: The other side.
        reference: What it was; None = nothing is remembered.
        tolerance: Worse than the reference by more than this is a regression, kept promise or not.
    """

    what: str
    unit: str
    relation: str = ""
    bound: float = 0.0
    reference: float | None = None
    tolerance: float = 0.0

    @property
    def must(self) -> str:
        """The promise as text."""
        if not self.relation:
            return ""
        remembered = "" if self.reference is None else f", was {self.reference:g}"
        allowed = f" ± {self.tolerance:g}" if remembered and self.tolerance else ""
        return f"{self.relation} {self.bound:g}{remembered}{allowed}"

    def holds(self, value: float) -> bool:
        """Whether a value keeps the promise and is no regression."""
        return not self.complaint(value)

    def complaint(self, value: float) -> str:
        """Say what is wrong with a value; nothing when it is as it has to be."""
        if self.relation and not HOLDS[self.relation](value, self.bound):
            return f"{self.what}: {value:.5g}, must be {self.relation} {self.bound:g}"
        if self.reference is None or not self.relation:
            return ""
        worse = self.reference - value if self.relation == ">=" else value - self.reference
        if worse > self.tolerance:
            was = f"was {self.reference:g}, may be worse by {self.tolerance:g}"
            return f"{self.what}: {value:.5g} is a regression, it {was}"
        return ""
