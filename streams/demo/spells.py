"""Who was at high risk, when, and what came of it: nobody is passed over in silence."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from streams.core.messages import RiskChanged
from winback_sender.contract.instants import instant_ms

CONTACTED: Final = "contacted"
NO_PLACE: Final = "no_place"
COOLING: Final = "cooling"
WAITING: Final = "waiting"


class Spell(NamedTuple):
    """A time at high risk; instants in epoch ms UTC, no end = it goes on."""

    user_id: str
    begin_ms: int
    end_ms: int | None


class Course(NamedTuple):
    """A case as far as a spell is concerned; instants in epoch ms UTC, no end = it is open.

    Attributes:
        begin_ms: When it was opened.
        end_ms: When it was closed.
        fate: ``contacted``, or the reason why nobody was.
    """

    begin_ms: int
    end_ms: int | None
    fate: str


class Spells:
    """The times at high risk of every user, as changes of risk tell them."""

    def __init__(self) -> None:
        self._begun: dict[str, int] = {}
        self._ended: list[Spell] = []

    def see(self, changed: RiskChanged) -> None:
        """Take note of a change; those of one user come in their order."""
        if changed.band == "high":
            self._begun[changed.user_id] = instant_ms(changed.changed_at)
        elif changed.user_id in self._begun:
            begin_ms = self._begun.pop(changed.user_id)
            self._ended.append(Spell(changed.user_id, begin_ms, instant_ms(changed.changed_at)))

    def __iter__(self) -> Iterator[Spell]:
        """Yield every spell."""
        yield from self._ended
        for user_id, begin_ms in self._begun.items():
            yield Spell(user_id, begin_ms, None)

    def __len__(self) -> int:
        """Return how many there were."""
        return len(self._ended) + len(self._begun)

    @property
    def now(self) -> int:
        """Users at high risk now."""
        return len(self._begun)

    @property
    def newest(self) -> str | None:
        """The user whose risk became high last, of those at high risk now."""
        return max(self._begun, key=lambda user_id: self._begun[user_id], default=None)

    def begins(self) -> dict[str, list[int]]:
        """Return user to the instants at which the risk became high, epoch ms UTC."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for spell in self:
            found[spell.user_id].append(spell.begin_ms)
        return dict(found)


def fates(
    spells: Spells, courses_of: Callable[[str], list[Course]], cool_down_ms: int
) -> Counter[str]:
    """Return what came of the spells: contacted, or why not; together they are all spells.

    Args:
        spells: Those of all users.
        courses_of: User to the cases, in order of time.
        cool_down_ms: No new case so long after the last one was closed.
    """
    return Counter(_fate(spell, courses_of(spell.user_id), cool_down_ms) for spell in spells)


def _fate(spell: Spell, courses: list[Course], cool_down_ms: int) -> str:
    place = bisect_left(courses, spell.begin_ms, key=lambda course: course.begin_ms)
    if place < len(courses) and (spell.end_ms is None or courses[place].begin_ms <= spell.end_ms):
        return courses[place].fate
    before = courses[place - 1] if place else None
    if before is not None and (before.end_ms is None or before.end_ms > spell.begin_ms):
        return before.fate  # A case from before was still open.
    if spell.end_ms is None:
        return WAITING
    calm_ms = 0 if before is None or before.end_ms is None else before.end_ms + cool_down_ms
    return COOLING if spell.end_ms <= calm_ms else NO_PLACE
