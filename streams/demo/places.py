"""How the days stood with the budget: what the partitions say of it, and what truly left."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from streams.core.messages import BudgetStatus
from streams.core.rules import Rules


class Day(NamedTuple):
    """A day that is over on every partition.

    Attributes:
        name: Its date, ISO 8601.
        used: Channel class to places used, by the holdout as well.
        share: Channel class to places there were.
        waiting: Users who wait for a place at its end.
    """

    name: str
    used: dict[str, int]
    share: dict[str, int]
    waiting: int


class Kept(NamedTuple):
    """A channel class and its budget.

    Attributes:
        per_day: Touches a day that are affordable.
        touches: Touches that left, in all.
        most: Touches that left on the busiest day.
        days: Days on which at least one left.
        full_days: Days on which every place was used.
        over: Days on which more left than was affordable.
    """

    per_day: int
    touches: int
    most: int
    days: int
    full_days: int
    over: int


class Places:
    """What the partitions say of their budgets, by day.

    Args:
        partitions: How many there are.

    Attributes:
        fused: Days on which many more users than usual bid for a place.
    """

    def __init__(self, partitions: int) -> None:
        self.fused: set[str] = set()
        self._partitions = partitions
        self._said: defaultdict[str, dict[int, BudgetStatus]] = defaultdict(dict)
        self._newest = ""

    def see(self, status: BudgetStatus) -> None:
        """Take note of a word; a partition's last one of a day counts."""
        said = self._said[status.day]
        said[status.partition] = status
        if status.is_fused:
            self.fused.add(status.day)
        if len(said) == self._partitions:
            self._newest = max(self._newest, status.day)

    def newest(self) -> Day | None:
        """Return the last day that every partition has spoken of."""
        return self._day(self._newest) if self._newest else None

    def full_days(self, kind: str) -> int:
        """Return on how many days every place of a channel class was used."""
        days = [self._day(name) for name in self._said]
        return sum(kind in day.share and day.used[kind] >= day.share[kind] for day in days)

    def _day(self, name: str) -> Day:
        used: Counter[str] = Counter()
        share: Counter[str] = Counter()
        for status in self._said[name].values():
            used.update(status.used)
            share.update(status.share)
        waiting = sum(status.waiting for status in self._said[name].values())
        return Day(name, dict(used), dict(share), waiting)


def kept(touches: Iterable[tuple[int, str]], places: Places, rules: Rules) -> dict[str, Kept]:
    """Return how each budget was kept: channel class to the account.

    Args:
        touches: When each touch was asked for, epoch ms UTC, and on which channel.
        places: What the partitions said.
        rules: With the budget.
    """
    days: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for at_ms, channel in touches:
        kind = rules.contact.channel(channel).kind
        days[kind][rules.budget.day(at_ms).number] += 1
    return {
        kind: Kept(
            per_day=per_day,
            touches=days[kind].total(),
            most=max(days[kind].values(), default=0),
            days=len(days[kind]),
            full_days=places.full_days(kind),
            over=sum(count > per_day for count in days[kind].values()),
        )
        for kind, per_day in rules.budget.per_day.items()
    }
