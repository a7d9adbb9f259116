"""What recall does and earns: the funnel, the effect against the holdout, budget and hours."""

from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from streams.console.views.asked import Book
from streams.core.messages import Episode
from streams.core.time import DAY_MS, HOUR_MS
from streams.reporting.advice import Advice, advised
from streams.reporting.earned import Columns, earned, earned_by_variant
from streams.reporting.facts import Answered

SPLITS: Final = ("playbook", "variant", "channel", "value_tier", "acquisition_source")
"""What the effect is split by."""
DAYS_SHOWN: Final = 28
NO_ANSWER: Final = ("failed", "unknown", "unaccepted", "")
_EPISODE: Final = msgspec.json.Decoder(Episode)


class Stage(msgspec.Struct, frozen=True):
    """A stage of the funnel: opened, contacted, arrived, answered, returned."""

    name: str
    cases: int


class Journey(msgspec.Struct, frozen=True):
    """Journeys under way in a playbook, at a step."""

    playbook: str
    step: int
    steps: int
    users: int
    held_out: int


class Split(msgspec.Struct, frozen=True):
    """The effect by the values of a dimension, and what to do about each."""

    by: str
    rows: tuple[Advice, ...]


Effects = tuple[Advice, tuple[Split, ...]]
"""The effect of all contacts, and by dimension."""


class Day(msgspec.Struct, frozen=True):
    """Places of a day and channel class; ``share`` -1 = unlimited."""

    day: str
    kind: str
    used: int
    share: int
    waiting: int
    is_fused: bool


class Hour(msgspec.Struct, frozen=True):
    """Touches that were asked for in an hour of the day, by channel, mean per day."""

    hour: int
    touches: dict[str, float]


class Recall(msgspec.Struct, frozen=True):
    """The page.

    Attributes:
        journeys: Under way.
        funnel: Of the cases that were opened in the period.
        held_out: Cases of it that were watched only.
        whole: The effect of all contacts that is known, and what to do.
        splits: The same by dimension.
        days: Budget of the last days.
        hours: Touches by hour of the day, in the zone of the rules.
        refusals: Reason to decisions not to contact, in the period.
        zone: Of the hours.
    """

    journeys: tuple[Journey, ...]
    funnel: tuple[Stage, ...]
    held_out: int
    whole: Advice
    splits: tuple[Split, ...]
    days: tuple[Day, ...]
    hours: tuple[Hour, ...]
    refusals: dict[str, int]
    zone: str


def recall(book: Book, days: int, known: Effects | None = None) -> Recall:
    """Return the page, of a period of so many days.

    Args:
        book: The read model.
        days: Of the period; the effect is of all that is known.
        known: What `effects` has answered, if it was asked.
    """
    since_ms = book.since_ms(days)
    funnel, held_out = _funnel(book, since_ms)
    whole, splits = effects(book) if known is None else known
    return Recall(
        journeys=_journeys(book),
        funnel=funnel,
        held_out=held_out,
        whole=whole,
        splits=splits,
        days=_days(book),
        hours=_hours(book, since_ms),
        refusals=dict(book.db.execute(
            "SELECT reason, count(*) FROM decisions WHERE at_ms > ? AND verdict != 'send' "
            "GROUP BY reason ORDER BY 2 DESC", (since_ms,)).fetchall()),
        zone=book.rules.zone,
    )  # fmt: skip


def _journeys(book: Book) -> tuple[Journey, ...]:
    rows = book.db.execute(
        "SELECT playbook, step, max(steps), count(*), sum(is_held_out) FROM users "
        "WHERE case_id != '' GROUP BY playbook, step ORDER BY playbook, step")  # fmt: skip
    return tuple(Journey(*row) for row in rows)


def _funnel(book: Book, since_ms: int) -> tuple[tuple[Stage, ...], int]:
    def cases(where: str) -> int:
        query = f"SELECT count(DISTINCT c.case_id) FROM cases c {where}"  # noqa: S608
        return book.number(query, since_ms)

    opened = "WHERE c.opened_ms > ?"
    touched = f"JOIN touches t ON t.case_id = c.case_id {opened}"
    arrived = "('delivered', 'clicked', 'replied', 'handled', 'opted_out')"
    answered = "('clicked', 'replied', 'handled')"
    nobody = "t.outcome NOT IN ('no_answer', 'busy', 'wrong_number')"
    back = "c.outcome IN ('returned', 'converted')"
    found = (
        Stage("opened", cases(opened)),
        Stage("contacted", cases(touched)),
        Stage("arrived", cases(f"{touched} AND t.status IN {arrived} AND {nobody}")),
        Stage("answered", cases(f"{touched} AND t.status IN {answered} AND {nobody}")),
        Stage("returned", cases(f"{touched} AND {back}")),
    )
    watched = "c.case_id IN (SELECT case_id FROM decisions WHERE reason = 'holdout')"
    return found, cases(f"{opened} AND {watched}")


def answered_so_far(book: Book) -> tuple[int, int]:
    """Return how many episodes there are, and the newest: while both stay, effects stay."""
    row = book.db.execute("SELECT count(*), COALESCE(max(matured_ms), 0) FROM episodes").fetchone()
    return int(row[0]), int(row[1])


def effects(book: Book) -> Effects:
    """Return what contacts earned, by the report's own arithmetic."""
    rows = [_answered(_EPISODE.decode(value)) for (value,) in book.db.execute(
        "SELECT value FROM episodes ORDER BY matured_ms, case_id")]  # fmt: skip
    columns = Columns.of(rows, book.rules.currency, SPLITS)
    everybody = np.ones(len(rows), np.bool_)
    used = contact_cost(book)
    whole = advised(earned(columns, everybody), 1_000 * used.get(("", ""), 0.0))
    splits = []
    for by in SPLITS:
        values = sorted({str(value) for value in columns.cells[by].tolist()} - {""})
        found = []
        for value in values:
            if by == "variant":
                gain = earned_by_variant(columns, everybody, value, len(values))
            else:
                gain = earned(columns, columns.cells[by] == value, len(values))
            cost = 1_000 * used.get((by, value), used.get(("", ""), 0.0))
            found.append(advised(gain, cost, by, value))
        found.sort(key=lambda one: -(one.earned.treated + one.earned.held_out))
        splits.append(Split(by, tuple(found)))
    return whole, tuple(splits)


def contact_cost(book: Book) -> dict[tuple[str, str], float]:
    """Return by group what a contacted case cost, minor units; of all of them without a name."""
    costs = {name: one.cost_minor for name, one in book.rules.contact.channels.items()}
    spent: defaultdict[tuple[str, str], float] = defaultdict(float)
    cases: defaultdict[tuple[str, str], int] = defaultdict(int)
    for playbook, channel, tier, source, touches, contacted in book.db.execute(
        "SELECT playbook, channel, tier, source, count(*), count(DISTINCT case_id) FROM touches "
        "WHERE asked_ms > 0 GROUP BY 1, 2, 3, 4"
    ):
        for cell in (("", ""), ("playbook", playbook), ("channel", channel),
                     ("value_tier", tier), ("acquisition_source", source)):  # fmt: skip
            spent[cell] += touches * costs.get(channel, 0.0)
            cases[cell] += contacted
    return {cell: spent[cell] / cases[cell] for cell in spent if cases[cell]}


def _answered(said: Episode) -> Answered:
    own = {"playbook": said.playbook, "channel": said.channel,
           "variant": f"{said.playbook} / {said.variant}" if said.variant else ""}  # fmt: skip
    return Answered(
        said.user_id, _day(said.exposed_at), _day(said.matured_at), said.is_held_out,
        said.returned, said.value_change, said.probability, said.propensity,
        said.variant_propensity, said.currency, tuple({**said.dimensions, **own}.items()),
    )  # fmt: skip


def _day(at: str) -> int:
    return date.fromisoformat(at[:10]).toordinal()


def _days(book: Book) -> tuple[Day, ...]:
    rows = book.db.execute(
        "SELECT day, class, sum(used), CASE WHEN min(share) < 0 THEN -1 ELSE sum(share) END, "
        "sum(waiting), max(is_fused) FROM budgets GROUP BY day, class "
        "HAVING count(*) >= (SELECT count(*) FROM partitions) ORDER BY day DESC, class "
        "LIMIT ?", (DAYS_SHOWN * 2,))  # fmt: skip
    return tuple(
        Day(day, kind, used, share, waiting, bool(is_fused))
        for day, kind, used, share, waiting, is_fused in rows
    )[::-1]


def _hours(book: Book, since_ms: int) -> tuple[Hour, ...]:
    """Return touches by hour; the offset of the zone is that of now: an hour off across DST."""
    at_ms = book.now_ms()
    zone = ZoneInfo(book.rules.zone)

    offset = datetime.fromtimestamp(at_ms / 1_000, UTC).astimezone(zone).utcoffset()
    shift_ms = round(offset.total_seconds() * 1_000) if offset is not None else 0
    span = max(1.0, (at_ms - since_ms) / DAY_MS)
    found: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for hour, channel, count in book.db.execute(
        "SELECT ((asked_ms + ?) / ?) % 24, channel, count(*) FROM touches WHERE asked_ms > ? "
        "GROUP BY 1, 2", (shift_ms, HOUR_MS, since_ms),
    ):  # fmt: skip
        found[int(hour)][channel] = count / span
    return tuple(Hour(hour, found[hour]) for hour in range(24)) if found else ()
