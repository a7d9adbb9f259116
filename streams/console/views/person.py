"""One user: what is known now, why, what comes next, and everything that happened."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from models.serving import serving_scorer
from models.snapshot import SnapshotRefused
from streams.console.views.asked import Book
from streams.console.views.quality import serving_of
from streams.core.coverage import Coverage
from streams.core.messages import PartitionRecord
from streams.core.outages import NEVER
from streams.core.partitioner import partition_of
from streams.core.state import decode
from streams.replay.explain import Explanation, explained

EVENTS_MAX: Final = 300
ORDER: Final = (
    "first",
    "active",
    "moved",
    "opened",
    "decided",
    "asked",
    "heard",
    "revoked",
    "closed",
)
"""What comes first of what happened at the same instant."""


class Happened(msgspec.Struct, frozen=True):
    """Something that happened; which of the fields mean something depends on the kind.

    Attributes:
        at_ms: When, epoch ms UTC.
        kind: first, active, moved, decided, asked, revoked, heard, opened, closed, answered.
        code: What, by the vocabulary of the kind.
        detail: More of it.
        channel: Of a touch.
        probability: That was said then.
        playbook: Of a case.
        step: Of a case.
        reasons: Of a decision.
    """

    at_ms: int
    kind: str
    code: str = ""
    detail: str = ""
    channel: str = ""
    probability: float | None = None
    playbook: str = ""
    step: int = 0
    reasons: tuple[str, ...] = ()


class Reached(msgspec.Struct, frozen=True):
    """How a user can be reached on a channel."""

    channel: str
    consent: bool | None
    is_dead: bool
    tokens: int
    open_until_ms: int


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """The page.

    Attributes:
        name: What stands for the user.
        user_id: The id itself.
        row: The columns of the user's row, by name.
        explanation: Why the user is at risk, or not; None = there is no state.
        reach: Channels on which something is known.
        happened: Newest first.
        last: The newest decision, by column.
        members: How many other ids the person has.
        zone: Time zone of the user; empty = that of the rules.
    """

    name: str
    user_id: str
    row: dict[str, Any]
    explanation: Explanation | None
    reach: tuple[Reached, ...]
    happened: tuple[Happened, ...]
    last: dict[str, Any] | None
    members: int
    zone: str


def person(book: Book, name: str) -> Person | None:
    """Return what is known of a user; None = nobody of that name is known."""
    cursor = book.db.execute("SELECT * FROM users WHERE name = ?", (name,))
    row = cursor.fetchone()
    if row is None:
        return None
    known = dict(zip((column[0] for column in cursor.description), row, strict=True))
    user_id = known["user_id"]
    found = book.db.execute("SELECT value FROM states WHERE id = ?", (known["id"],)).fetchone()
    value = found[0] if found else None
    state = decode(value) if value is not None else None
    last = _last(book, user_id)
    return Person(
        name=name,
        user_id=user_id,
        row=known,
        explanation=_explained(book, user_id, value, last) if value is not None else None,
        reach=_reach(state) if state is not None else (),
        happened=tuple(_happened(book, user_id, known, state)),
        last=last,
        members=len(state.profile.members) if state is not None else 0,
        zone=state.profile.zone if state is not None else "",
    )


def named(book: Book, user_id: str) -> str | None:
    """Return the name of a user id; None = nobody knows it."""
    row = book.db.execute("SELECT name FROM users WHERE user_id = ?", (user_id,)).fetchone()
    return None if row is None else str(row[0])


def ids_of_person(book: Book, name: str) -> list[str]:
    """Return all ids of a person, the one under which it is known first."""
    row = book.db.execute("SELECT id, user_id FROM users WHERE name = ?", (name,)).fetchone()
    if row is None:
        return []
    found = book.db.execute("SELECT value FROM states WHERE id = ?", (row[0],)).fetchone()
    return [row[1], *(decode(found[0]).profile.members if found else ())]


def _last(book: Book, user_id: str) -> dict[str, Any] | None:
    cursor = book.db.execute(
        "SELECT * FROM decisions WHERE user_id = ? ORDER BY at_ms DESC, step DESC LIMIT 1",
        (user_id,),
    )
    row = cursor.fetchone()
    if row is None:
        return None
    return dict(zip((column[0] for column in cursor.description), row, strict=True))


def _explained(
    book: Book, user_id: str, value: bytes, last: dict[str, Any] | None
) -> Explanation | None:
    """Return why, by the model that is in force now; None = there is none that can be used."""
    (count,) = book.db.execute("SELECT count(*) FROM partitions").fetchone()
    number = partition_of(user_id, max(count, 1))
    row = book.db.execute(
        "SELECT record, watermark_ms FROM partitions WHERE partition = ?", (number,)
    ).fetchone()
    coverage, at_ms = Coverage(), book.now_ms()
    if row is not None:
        record, at_ms = msgspec.json.decode(row[0], type=PartitionRecord), row[1]
        coverage.announce({start: NEVER if end is None else end for start, end in record.outages})
    try:
        serving = serving_of(book)
        if serving is None:
            return None
        scorer = serving_scorer(serving)
    except SnapshotRefused:
        return None
    told = None if last is None else msgspec.json.encode({"reason": last["reason"]})
    return explained(user_id, value, at_ms, scorer, book.rules, coverage, told)


def _reach(state: Any) -> tuple[Reached, ...]:
    profile = state.profile
    channels = sorted({*profile.consents, *profile.reach})
    found = []
    for channel in channels:
        known = profile.reach.get(channel)
        found.append(Reached(
            channel, profile.consents.get(channel),
            known.is_dead if known else False, known.tokens if known else 0,
            known.open_until_ms if known else 0,
        ))  # fmt: skip
    return tuple(found)


def _happened(book: Book, user_id: str, known: dict[str, Any], state: Any) -> list[Happened]:
    found = [
        *_moves(book, user_id), *_decisions(book, user_id), *_touches(book, user_id),
        *_words(book, user_id), *_cases(book, user_id),
    ]  # fmt: skip
    if state is not None:
        first_ms = int(state.head[0])
        if first_ms:
            found.append(Happened(first_ms, "first"))
        if known["last_ms"] > first_ms:
            found.append(Happened(known["last_ms"], "active"))
    found.sort(key=lambda one: (one.at_ms, ORDER.index(one.kind)), reverse=True)
    return found[:EVENTS_MAX]


def _moves(book: Book, user_id: str) -> Iterator[Happened]:
    query = ("SELECT at_ms, band, before, probability FROM moves WHERE user_id = ? "
             "ORDER BY at_ms DESC LIMIT ?")  # fmt: skip
    for at_ms, band, before, probability in book.db.execute(query, (user_id, EVENTS_MAX)):
        yield Happened(at_ms, "moved", band, before, probability=probability)


def _decisions(book: Book, user_id: str) -> Iterator[Happened]:
    query = ("SELECT at_ms, verdict, reason, channel, probability, playbook, step, reasons "
             "FROM decisions WHERE user_id = ? ORDER BY at_ms DESC LIMIT ?")  # fmt: skip
    for at_ms, verdict, reason, channel, probability, playbook, step, reasons in book.db.execute(
        query, (user_id, EVENTS_MAX)
    ):
        codes = tuple(code for code in reasons.split(",") if code)
        yield Happened(at_ms, "decided", reason, verdict, channel, probability, playbook, step,
                       codes)  # fmt: skip


def _touches(book: Book, user_id: str) -> Iterator[Happened]:
    query = ("SELECT asked_ms, channel, template, playbook, step, revoked_ms, revoked_for "
             "FROM touches WHERE user_id = ? AND asked_ms > 0 ORDER BY asked_ms DESC LIMIT ?"
             )  # fmt: skip
    for at_ms, channel, template, playbook, step, revoked_ms, why in book.db.execute(
        query, (user_id, EVENTS_MAX)
    ):
        yield Happened(at_ms, "asked", template, channel=channel, playbook=playbook, step=step)
        if revoked_ms:
            yield Happened(revoked_ms, "revoked", why, channel=channel)


def _words(book: Book, user_id: str) -> Iterator[Happened]:
    query = ("SELECT at_ms, status, outcome, channel FROM feedback WHERE user_id = ? "
             "ORDER BY at_ms DESC LIMIT ?")  # fmt: skip
    for at_ms, status, outcome, channel in book.db.execute(query, (user_id, EVENTS_MAX)):
        yield Happened(at_ms, "heard", status, outcome, channel)


def _cases(book: Book, user_id: str) -> Iterator[Happened]:
    query = ("SELECT opened_ms, trigger, playbook, closed_ms, outcome, is_held_out FROM cases "
             "WHERE user_id = ? ORDER BY opened_ms DESC LIMIT ?")  # fmt: skip
    for opened_ms, trigger, playbook, closed_ms, outcome, is_held_out in book.db.execute(
        query, (user_id, EVENTS_MAX)
    ):
        if opened_ms:
            yield Happened(opened_ms, "opened", trigger, playbook=playbook)
        if closed_ms:
            yield Happened(closed_ms, "closed", outcome, "held_out" if is_held_out else "")
