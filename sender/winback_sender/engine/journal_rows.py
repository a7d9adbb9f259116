"""Rows of the journal's touches: what one statement does to one touch."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from winback_sender.contract.words import STRENGTH, Status
from winback_sender.receipt import Receipt

COLUMNS: Final = (
    "touch_id, state, user_id, channel, provider, status, outcome, reason, ref, begun_ms, at_ms, "
    "is_reported, is_revoked"
)

_BEGIN: Final = """
INSERT INTO touches
    (touch_id, state, user_id, channel, provider, status, begun_ms, at_ms, expires_ms)
SELECT value ->> 0, 'intended', value ->> 1, value ->> 2, value ->> 3, 'unknown', value ->> 4,
    value ->> 4, value ->> 5
FROM json_each(?) WHERE true
ON CONFLICT (touch_id) DO UPDATE SET
    state = 'intended', begun_ms = excluded.begun_ms, at_ms = excluded.at_ms
WHERE state = 'waiting'
RETURNING touch_id
"""
_NAME: Final = """
UPDATE touches SET user_id = :user_id, channel = :channel, provider = :provider,
    expires_ms = :expires_ms
WHERE touch_id = :touch_id AND user_id = '' AND (state = 'revoked' OR NOT is_erased)
"""
_REVOKE: Final = """
INSERT INTO touches (touch_id, state, status, at_ms, is_revoked)
VALUES (?, 'revoked', 'unknown', ?, 1)
ON CONFLICT (touch_id) DO UPDATE SET
    is_revoked = 1, state = CASE state WHEN 'waiting' THEN 'revoked' ELSE state END
RETURNING state
"""
_SETTLE: Final = f"""
UPDATE touches SET
    state = 'known', status = word ->> 1, strength = word ->> 2, outcome = word ->> 3,
    reason = word ->> 4, ref = CASE word ->> 5 WHEN '' THEN ref ELSE word ->> 5 END,
    mark = CASE is_erased WHEN 1 THEN NULL ELSE coalesce(word ->> 6, mark) END,
    at_ms = word ->> 7, ask_ms = word ->> 8, asked = 0, is_reported = 0
FROM (SELECT value AS word FROM json_each(?))
WHERE touch_id = word ->> 0 AND (state != 'known' OR strength < word ->> 2)
RETURNING {COLUMNS}
"""  # noqa: S608 (names of columns)
"""Many words of as many touches in one statement: each costs a change of threads."""
_LEARN_NAMES: Final = """
UPDATE touches SET
    ref = CASE ref WHEN '' THEN :ref ELSE ref END,
    mark = CASE is_erased WHEN 1 THEN NULL ELSE coalesce(mark, :mark) END
WHERE touch_id = :touch_id
"""
_EARLY: Final = "FROM early WHERE provider = ? AND ref = ?"
EARLY_MAX: Final = 100_000
"""Words by names that may be another system's, in the same account of a provider."""


class Intent(NamedTuple):
    """A touch that is about to leave; instants in epoch ms UTC in the sender's time."""

    touch_id: str
    user_id: str
    channel: str
    provider: str
    at_ms: int
    expires_ms: int


class Entry(NamedTuple):
    """What is known of a touch.

    Attributes:
        touch_id: Which.
        state: ``waiting``: begun, and it surely did not leave, so it may be begun again;
            ``intended``: begun, and no more is known; ``revoked``: taken back before it was begun;
            ``known``: there is a receipt.
        user_id: Whose; empty when it is not known yet, or not any more.
        channel: Through which channel.
        provider: Who carries it.
        receipt: The strongest word so far; of an address only the mark is kept.
        begun_ms: When it was begun last.
        at_ms: When the word was said.
        is_reported: Whether Kafka has it.
        is_revoked: Whether it was taken back, in time or not.
    """

    touch_id: str
    state: str
    user_id: str
    channel: str
    provider: str
    receipt: Receipt
    begun_ms: int
    at_ms: int
    is_reported: bool
    is_revoked: bool


class Word(NamedTuple):
    """What is said of a touch, and when it is asked about again, if at all (epoch ms UTC)."""

    touch_id: str
    receipt: Receipt
    at_ms: int
    ask_ms: int | None = None


def entry_of(row: tuple[Any, ...]) -> Entry:
    """Return an entry from its columns."""
    touch_id, state, user_id, channel, provider, status, outcome, reason, ref, *rest = row
    begun_ms, at_ms, is_reported, is_revoked = rest
    receipt = Receipt(Status(status), outcome, reason, ref)
    return Entry(touch_id, state, user_id, channel, provider, receipt, begun_ms, at_ms,
                 bool(is_reported), bool(is_revoked))  # fmt: skip


def read(disk: sqlite3.Connection, touch_id: str) -> Entry | None:
    """Return what is known of a touch."""
    row = disk.execute(
        f"SELECT {COLUMNS} FROM touches WHERE touch_id = ?",  # noqa: S608 (names of columns)
        (touch_id,),
    ).fetchone()
    return None if row is None else entry_of(row)


def begin(disk: sqlite3.Connection, intents: Sequence[Intent]) -> list[Entry | None]:
    """Write intents, but not of touches that were begun or taken back before."""
    begun = {row[0] for row in disk.execute(_BEGIN, (_json(intents),))}
    found: list[Entry | None] = []
    for intent in intents:
        if intent.touch_id in begun:
            begun.remove(intent.touch_id)  # If it comes twice, once is enough.
            found.append(None)
        else:
            disk.execute(_NAME, intent._asdict())
            entry = read(disk, intent.touch_id)
            assert entry is not None, "neither an intent nor anything else is written"
            found.append(entry)
    return found


def postpone(disk: sqlite3.Connection, touch_id: str) -> bool:
    """Take back an intent; return whether it was still one."""
    done = disk.execute(
        "UPDATE touches SET state = CASE is_revoked WHEN 1 THEN 'revoked' ELSE 'waiting' END "
        "WHERE touch_id = ? AND state = 'intended'",
        (touch_id,),
    )
    return done.rowcount == 1


def revoke(disk: sqlite3.Connection, touch_id: str, at_ms: int) -> bool:
    """Note that a touch must not be begun; return whether it was not begun before."""
    row = disk.execute(_REVOKE, (touch_id, at_ms)).fetchone()
    return bool(row[0] == "revoked")


def settle(
    disk: sqlite3.Connection, words: Sequence[tuple[Word, str | None]]
) -> list[Entry | None]:
    """Write words, each with the mark of an address, if they are stronger than the last."""
    if len({word.touch_id for word, _ in words}) < len(words):
        return [entry for one in words for entry in settle(disk, [one])]
    rows = disk.execute(_SETTLE, (_json([_facts(word, mark) for word, mark in words]),)).fetchall()
    changed = {row[0]: entry_of(row) for row in rows}
    has_early = disk.execute("SELECT 1 FROM early LIMIT 1").fetchone() is not None
    found: list[Entry | None] = []
    for word, mark in words:
        entry = changed.get(word.touch_id)
        if entry is None:
            names = {"ref": word.receipt.ref, "mark": mark, "touch_id": word.touch_id}
            disk.execute(_LEARN_NAMES, names)
            entry = read(disk, word.touch_id)
        if has_early and entry is not None and word.receipt.ref:
            entry = _take_early(disk, entry, word.receipt.ref)
        found.append(entry)
    return found


def keep_early(disk: sqlite3.Connection, provider: str, ref: str, word: Word, now_ms: int) -> None:
    """Keep what was said by a name that is not known yet; beyond a number the oldest go."""
    receipt = word.receipt
    disk.execute(
        "INSERT OR IGNORE INTO early VALUES (?, ?, ?, ?, ?, ?, ?)",
        (provider, ref, str(receipt.status), receipt.outcome, receipt.reason, word.at_ms, now_ms),
    )
    disk.execute(
        "DELETE FROM early WHERE rowid <= (SELECT max(rowid) FROM early) - ?", (EARLY_MAX,)
    )


def _take_early(disk: sqlite3.Connection, entry: Entry, ref: str) -> Entry | None:
    """Apply what was said of a touch before its name was known."""
    name = (entry.provider, ref)
    early = disk.execute(f"SELECT status, outcome, reason, at_ms {_EARLY}", name).fetchall()
    disk.execute(f"DELETE {_EARLY}", name)
    for status, outcome, reason, at_ms in early:
        word = Word(entry.touch_id, Receipt(Status(status), outcome, reason, ref), at_ms)
        disk.execute(_SETTLE, (_json([_facts(word, None)]),)).fetchall()
    return read(disk, entry.touch_id) if early else entry


def _facts(word: Word, mark: str | None) -> tuple[Any, ...]:
    receipt = word.receipt
    return (
        word.touch_id, str(receipt.status), STRENGTH[receipt.status], receipt.outcome,
        receipt.reason, receipt.ref, mark, word.at_ms, word.ask_ms,
    )  # fmt: skip


def _json(rows: Sequence[tuple[Any, ...]]) -> str:
    return msgspec.json.encode(rows).decode()
