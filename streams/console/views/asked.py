"""What every question has in common: where the read model is, what time it is there, a period."""

import sqlite3
from typing import Any, Final, NamedTuple

from streams.console.columns import AtRisk
from streams.core.rules import Rules
from streams.core.time import DAY_MS
from streams.reporting.numbers import Money, money_of

PERIODS: Final = (7, 28, 90)
"""Days that may be looked back on."""


class Book(NamedTuple):
    """What pages are made of.

    Attributes:
        db: The read model, only to be read.
        at_risk: Who is at risk, as columns.
        rules: In force in the deployment, as far as the console was told.
        model_keys: Whose signatures are believed.
    """

    db: sqlite3.Connection
    at_risk: AtRisk
    rules: Rules
    model_keys: tuple[bytes, ...]

    @property
    def money(self) -> Money:
        """The currency of the rules."""
        return money_of(self.rules.currency, self.rules.minor_units)

    def now_ms(self) -> int:
        """Return the newest event time that the service has reached, epoch ms UTC; 0 = none."""
        (found,) = self.db.execute("SELECT max(watermark_ms) FROM partitions").fetchone()
        return int(found or 0) or self._newest_ms()

    def _newest_ms(self) -> int:
        (found,) = self.db.execute("SELECT max(at_ms) FROM decisions").fetchone()
        return int(found or 0)

    def since_ms(self, days: int) -> int:
        """Return the begin of a period that ends now."""
        return max(0, self.now_ms() - days * DAY_MS)

    def number(self, query: str, *values: Any) -> int:
        """Return the one number that a query answers."""
        (found,) = self.db.execute(query, values).fetchone()
        return int(found or 0)


def marks(count: int) -> str:
    """Return so many question marks."""
    return ",".join("?" * count)
