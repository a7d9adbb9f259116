"""The fuse: when many more users bid for contact than usual, it is no churn but an event.

An outage, a holiday or a broken tracker makes everybody silent at once. The budget holds in any
case; the fuse says that it is what holds, so that people look at the source before they pay for
winning back users who never left.
"""

from typing import Final

import msgspec

RATIO: Final = 3.0
"""Times the usual number of new bids of a day that blow it."""
DAYS_LEAST: Final = 3
"""Days that must have passed before anything is usual."""
BIDS_LEAST: Final = 8
"""Fewer new bids a day blow nothing: where two or three are usual, chance alone brings no more."""
WEIGHT: Final = 0.2
"""Weight of the newest day in what is usual."""


class Fuse(msgspec.Struct):
    """What is usual, and how today compares.

    Attributes:
        usual: New bids a day, exponentially weighted.
        days: Days behind it.
        entered: New bids of today.
        is_blown: Many more than usual.
    """

    usual: float = 0.0
    days: int = 0
    entered: int = 0
    is_blown: bool = False

    def look(self) -> bool:
        """Compare today with what is usual; return whether the fuse changed."""
        before = self.is_blown
        limit = max(RATIO * self.usual, BIDS_LEAST)
        self.is_blown = self.days >= DAYS_LEAST and self.entered > limit
        return self.is_blown != before

    def close_day(self) -> None:
        """End a day. What is usual learns little from a day that blew the fuse."""
        counted = min(self.entered, RATIO * self.usual) if self.is_blown else self.entered
        weight = max(WEIGHT, 1.0 / (self.days + 1))
        self.usual += weight * (counted - self.usual)
        self.days += 1
        self.entered = 0
