"""What it could be worth, at assumptions that are named: nobody was contacted in a back-test.

What is counted is what the alerted customers who really left would have spent at their own pace
while they stayed away: from the alert to the day they came back by themselves, at most for as long
as a win-back is assumed to last.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.core.time import DAY_MS
from streams.replay.report.past import People

F64 = NDArray[np.float64]

MONTH_MS: Final = 30 * DAY_MS
LASTS: Final = (1, 3, 6, 12)
"""Months that a customer who was won back stays, assumed."""
LASTS_SHOWN: Final = 6
WINS: Final = (0.05, 0.10, 0.20)
"""Share of alerted leavers that a contact wins back, assumed."""
COSTS: Final = (0.1, 1.0, 5.0)
"""Of one contact, major units, assumed: a message, a letter, a call."""


class Outcome(msgspec.Struct, frozen=True):
    """What is left at one set of assumptions, major units."""

    wins: float
    cost: float
    earned: float
    spent: float


class Money(msgspec.Struct, frozen=True):
    """What it could be worth.

    Attributes:
        cannot_say: Why there are no figures; empty if there are.
        currency: Of all amounts, which are in major units.
        contacts: Alerts whose outcome is known: each is one contact.
        leavers: Of them, who left.
        lost: Months that a win-back lasts to what the leavers would have spent in that time.
        outcomes: At the assumptions, for a win-back that lasts six months.
        weeks: Weeks in which the alerts were sent.
    """

    cannot_say: str = ""
    currency: str = ""
    contacts: int = 0
    leavers: int = 0
    lost: dict[str, float] = {}
    outcomes: tuple[Outcome, ...] = ()
    weeks: float = 0.0


def money(
    people: People, away_ms: F64, left: NDArray[np.bool_], *, currency: str, minor_units: int
) -> Money:
    """Return what the alerts could have saved.

    Args:
        people: Who was alerted, shape (n,).
        away_ms: Shape (n,): from the alert to the next activity; infinity = none came.
        left: Shape (n,): whether the alert was right.
        currency: Of the amounts.
        minor_units: Minor units of a major unit.
    """
    if not len(left):
        return Money("no alert whose outcome is known was sent")
    if not np.any(people.value_minor != 0.0):
        return Money("no event of the log is a purchase or a refund with an amount")
    if not left.any():
        return Money("nobody of the alerted left")
    tenure_ms = np.maximum(people.at_ms - people.first_ms, MONTH_MS)
    pace = np.maximum(people.value_minor, 0.0) / tenure_ms / minor_units
    lost = {
        str(months): float((pace * np.minimum(away_ms, months * MONTH_MS))[left].sum())
        for months in LASTS
    }
    contacts = len(left)
    span_ms = float(people.at_ms.max() - people.at_ms.min())
    return Money(
        currency=currency,
        contacts=contacts,
        leavers=int(np.count_nonzero(left)),
        lost=lost,
        outcomes=tuple(
            Outcome(wins, cost, wins * lost[str(LASTS_SHOWN)], cost * contacts)
            for cost in COSTS
            for wins in WINS
        ),
        weeks=max(span_ms / (7 * DAY_MS), 1.0),
    )
