"""Who is at which risk now, and how the days stood with their budgets."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from streams.core.messages import BudgetStatus, RiskChanged


class Standing:
    """The newest word on every user's risk."""

    def __init__(self) -> None:
        self._users: dict[str, RiskChanged] = {}

    def see(self, changed: RiskChanged) -> None:
        """Take note of a change; the newest counts, in whatever order they come."""
        known = self._users.get(changed.user_id)
        if known is None or changed.changed_at >= known.changed_at:
            self._users[changed.user_id] = changed

    def __len__(self) -> int:
        """Return of how many users anything is known."""
        return len(self._users)

    def bands(self) -> Counter[str]:
        """Return band to users."""
        return Counter(user.band for user in self._users.values())

    def high(self) -> Iterator[RiskChanged]:
        """Yield who is at high risk."""
        return (user for user in self._users.values() if user.band == "high")


class BudgetDay(NamedTuple):
    """A day of a channel class.

    Attributes:
        day: As the budget counts it, ``2017-06-01``.
        channel_class: message or person.
        used: Touches requested.
        budget: The day's budget; -1 = unlimited.
        waiting: Most users who bid for a place.
        threshold: Smallest expected loss that got a place, minor units.
        is_fused: Many more were at risk than usual.
    """

    day: str
    channel_class: str
    used: int
    budget: int
    waiting: int
    threshold: float
    is_fused: bool


class Budgets:
    """What the partitions said of their budgets, by day."""

    def __init__(self) -> None:
        self._said: defaultdict[str, dict[int, BudgetStatus]] = defaultdict(dict)
        self._fused: set[str] = set()
        self._waiting: Counter[tuple[str, int]] = Counter()

    def see(self, said: BudgetStatus) -> None:
        """Take note of a partition's word; its last of a day counts."""
        of_day = self._said[said.day]
        known = of_day.get(said.partition)
        if known is None or said.at >= known.at:
            of_day[said.partition] = said
        if said.is_fused:
            self._fused.add(said.day)
        key = said.day, said.partition
        self._waiting[key] = max(self._waiting[key], said.waiting)

    def days(self) -> list[BudgetDay]:
        """Return every day and class, in order; partitions add up."""
        found = []
        for day in sorted(self._said):
            parts = list(self._said[day].values())
            classes = sorted({name for part in parts for name in (*part.used, *part.share)})
            waiting = sum(self._waiting[day, part.partition] for part in parts)
            for name in classes:
                shares = [part.share.get(name, -1) for part in parts]
                found.append(BudgetDay(
                    day=day,
                    channel_class=name,
                    used=sum(part.used.get(name, 0) for part in parts),
                    budget=-1 if min(shares) < 0 else sum(shares),
                    waiting=waiting,
                    threshold=max(part.threshold for part in parts),
                    is_fused=day in self._fused,
                ))  # fmt: skip
        return found
