"""The work of people: calls and personal messages that are asked for, the most urgent first."""

from typing import Any, Final

import msgspec

from streams.console.views.asked import Book, marks

LIMIT: Final = 200
_OPEN: Final = ("", "accepted", "unknown", "sent")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A touch that a person is to make.

    Attributes:
        touch_id: Which.
        name: What stands for the user.
        user_id: Whom; staff need it to find the number in the company's own system.
        channel: call or wecom.
        template: What to speak about.
        params: Its variables.
        offer: What may be offered.
        traits: Hooks that the rules allow.
        reasons: Codes, the strongest first.
        probability: That this silence reaches the horizon.
        tier: Value tier.
        quadrant: Important by urgent.
        value_net: What the user has brought, minor units.
        active_ms: Last activity when the touch was decided.
        expires_ms: Until when it may be done.
        zone: Of the user.
        playbook: Which.
        step: Which step.
        steps: Of how many.
    """

    touch_id: str
    name: str
    user_id: str
    channel: str
    template: str
    params: dict[str, str]
    offer: dict[str, str]
    traits: dict[str, str]
    reasons: tuple[str, ...]
    probability: float
    tier: str
    quadrant: str
    value_net: int
    active_ms: int
    expires_ms: int
    zone: str
    playbook: str
    step: int
    steps: int


class Calls(msgspec.Struct, frozen=True):
    """The page.

    Attributes:
        open: To be done, in order.
        more: Open ones that are not shown.
        done: Outcome to touches of people that were settled in the last 24 hours.
        used: Places of people used on the newest day.
        share: Places there were; -1 = unlimited, -2 = nothing was said.
        day: That day.
    """

    open: tuple[Call, ...]
    more: int
    done: dict[str, int]
    used: int
    share: int
    day: str


def channels(book: Book) -> list[str]:
    """Return the channels on which people work."""
    return [name for name, one in book.rules.contact.channels.items() if one.kind == "person"]


def calls(book: Book) -> Calls:
    """Return the page."""
    known, at_ms = channels(book), book.now_ms()
    where = (
        f"t.channel IN ({marks(len(known))}) AND t.status IN ({marks(len(_OPEN))}) "
        "AND t.revoked_ms = 0 AND t.asked_ms > 0 AND t.expires_ms > ?"
    )
    values = (*known, *_OPEN, at_ms)
    cursor = book.db.execute(
        "SELECT t.touch_id, u.name, t.user_id, t.channel, t.template, t.params, t.offer, "  # noqa: S608
        "t.traits, "
        "t.reasons, t.probability, t.tier, t.quadrant, t.value_net, t.active_ms, t.expires_ms, "
        "t.zone, t.playbook, t.step, t.steps FROM touches t "
        f"JOIN users u ON u.user_id = t.user_id WHERE {where} "
        "ORDER BY COALESCE(t.rank, 0) DESC, t.probability DESC, t.touch_id LIMIT ?",
        (*values, LIMIT),
    )
    names = [column[0] for column in cursor.description]
    found = tuple(_call(dict(zip(names, row, strict=True))) for row in cursor)
    count = book.number(f"SELECT count(*) FROM touches t WHERE {where}", *values)  # noqa: S608
    done = dict(book.db.execute(
        f"SELECT CASE outcome WHEN '' THEN status ELSE outcome END, count(*) FROM touches "  # noqa: S608
        f"WHERE channel IN ({marks(len(known))}) AND status = 'handled' AND said_ms > ? "
        "GROUP BY 1 ORDER BY 2 DESC", (*known, at_ms - 86_400_000)).fetchall())  # fmt: skip
    day, used, share = _capacity(book)
    return Calls(found, max(0, count - len(found)), done, used, share, day)


def call(book: Book, touch_id: str) -> tuple[str, str, int] | None:
    """Return user, channel and expiry of a touch of people that is still open; None = it is not."""
    known = channels(book)
    row = book.db.execute(
        "SELECT user_id, channel, expires_ms FROM touches WHERE touch_id = ? "  # noqa: S608
        "AND revoked_ms = 0 "
        f"AND channel IN ({marks(len(known))}) AND status IN ({marks(len(_OPEN))})",
        (touch_id, *known, *_OPEN),
    ).fetchone()
    return None if row is None else (row[0], row[1], row[2])


def _call(row: dict[str, Any]) -> Call:
    reasons = tuple(code for code, _ in msgspec.json.decode(row.pop("reasons")))
    for name in ("params", "offer", "traits"):
        row[name] = msgspec.json.decode(row[name])
    return Call(**row, reasons=reasons)


def _capacity(book: Book) -> tuple[str, int, int]:
    row = book.db.execute(
        "SELECT day, sum(used), CASE WHEN min(share) < 0 THEN -1 ELSE sum(share) END FROM budgets "
        "WHERE class = 'person' GROUP BY day ORDER BY day DESC LIMIT 1"
    ).fetchone()
    return ("", 0, -2) if row is None else (row[0], row[1], row[2])
