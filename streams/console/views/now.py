"""Who is at risk now, the largest expected loss first."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from streams.console.columns import DIMENSIONS, Cell
from streams.console.views.asked import Book, marks
from streams.core.time import DAY_MS

PAGE: Final = 50
EXPORT_PART: Final = 5_000
BANDS: Final = {"1": "elevated", "2": "high"}
"""What the band of a user is called."""


class AtRiskUser(msgspec.Struct, frozen=True):
    """One row.

    Attributes:
        name: What stands for the user.
        band: elevated or high.
        tier: Value tier.
        quadrant: Important by urgent.
        probability: That this silence reaches the horizon, as it was said last.
        before: What was said before that; None = nothing was.
        loss: Expected loss, minor units.
        reasons: Codes of the last decision, the strongest first; it may not have had any.
        stage: Of the lifecycle.
        last_ms: Last activity, epoch ms UTC.
        playbook: Of the journey under way; empty = none is.
        step: Steps that are done.
        steps: Of how many.
        channel: Of the next touch.
        due_ms: When that is due; 0 = nothing is.
        is_held_out: The journey only watches.
        source: Of acquisition.
    """

    name: str
    band: str
    tier: str
    quadrant: str
    probability: float
    before: float | None
    loss: int
    reasons: tuple[str, ...]
    stage: str
    last_ms: int
    playbook: str
    step: int
    steps: int
    channel: str
    due_ms: int
    is_held_out: bool
    source: str


class Now(msgspec.Struct, frozen=True):
    """The page.

    Attributes:
        users: At risk, after the filter.
        loss: Expected, minor units.
        quadrants: The same by quadrant.
        begin: Users before the page.
        rows: On it.
        under_way: Journeys that are open, of all users.
        touched: Touches asked for in the last 24 hours of event time.
        returned: Journeys that ended with a return in the last 7 days.
        choices: Dimension to the values that somebody at risk has.
    """

    users: int
    loss: int
    quadrants: dict[str, Cell]
    begin: int
    rows: tuple[AtRiskUser, ...]
    under_way: int
    touched: int
    returned: int
    choices: dict[str, list[str]]


_ROWS: Final = (
    "SELECT id, name, band, tier, quadrant, COALESCE(probability, risk), probability_before, loss, "
    "reasons, stage, last_ms, playbook, step, steps, channel, due_ms, is_held_out, source "
    "FROM users WHERE id IN "
)


def now(book: Book, chosen: Mapping[str, list[str]], begin: int = 0) -> Now:
    """Return a page of those at risk.

    Args:
        book: The read model.
        chosen: Dimension to values, as `AtRisk.find` takes them.
        begin: Users before the page.
    """
    found = book.at_risk.find(chosen, begin, PAGE)
    at_ms = book.now_ms()
    return Now(
        users=found.users,
        loss=found.loss,
        quadrants=found.quadrants,
        begin=begin,
        rows=tuple(_rows(book, found.ids)),
        under_way=book.number("SELECT count(*) FROM cases WHERE opened_ms > 0 AND closed_ms = 0"),
        touched=book.number("SELECT count(*) FROM touches WHERE asked_ms > ? AND asked_ms <= ?",
                            at_ms - DAY_MS, at_ms),
        returned=book.number("SELECT count(*) FROM cases WHERE outcome IN ('returned', 'converted')"
                             " AND closed_ms > ?", at_ms - 7 * DAY_MS),
        choices={name: book.at_risk.words(name) for name in DIMENSIONS},
    )  # fmt: skip


def everybody(book: Book, chosen: Mapping[str, list[str]]) -> Iterator[list[AtRiskUser]]:
    """Yield all whom a filter finds, in parts, in the order of the page."""
    found = book.at_risk.find(chosen, 0, len(book.at_risk) + 1)
    for begin in range(0, len(found.ids), EXPORT_PART):
        yield list(_rows(book, found.ids[begin : begin + EXPORT_PART]))


def ids_of(book: Book, names: list[str]) -> dict[str, str]:
    """Return name to user id."""
    query = f"SELECT name, user_id FROM users WHERE name IN ({marks(len(names))})"  # noqa: S608
    return dict(book.db.execute(query, names).fetchall())


def _rows(book: Book, ids: list[int]) -> Iterator[AtRiskUser]:
    found = {}
    for begin in range(0, len(ids), 500):
        part = ids[begin : begin + 500]
        for row in book.db.execute(f"{_ROWS} ({marks(len(part))})", part):
            found[row[0]] = row
    for number in ids:
        if number in found:
            yield _row(found[number])


def _row(row: tuple[object, ...]) -> AtRiskUser:
    (_, name, band, tier, quadrant, probability, before, loss, reasons, stage, last_ms, playbook,
     step, steps, channel, due_ms, is_held_out, source) = row  # fmt: skip
    return msgspec.convert(
        {
            "name": name, "band": BANDS.get(str(band), "calm"), "tier": tier, "quadrant": quadrant,
            "probability": probability, "before": before, "loss": loss,
            "reasons": tuple(code for code in str(reasons).split(",") if code), "stage": stage,
            "last_ms": last_ms, "playbook": playbook, "step": step, "steps": steps,
            "channel": channel, "due_ms": due_ms, "is_held_out": bool(is_held_out),
            "source": source,
        },
        AtRiskUser,
    )  # fmt: skip
