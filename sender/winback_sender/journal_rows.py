"""Rows of the journal's touches: what one statement does to one touch."""

import sqlite3
from typing import Any, Final, NamedTuple

from winback_sender.contract.words import STRENGTH, Status
from winback_sender.receipt import Receipt

COLUMNS: Final = (
    "touch_id, state, user_id, channel, provider, status, outcome, reason, ref, begun_ms, at_ms, "
    "is_reported, is_revoked"
)

_BEGIN: Final = """
INSERT INTO touches
    (touch_id, state, user_id, channel, provider, status, begun_ms, at_ms, expires_ms)
VALUES (:touch_id, 'intended', :user_id, :channel, :provider, 'unknown', :at_ms, :at_ms,
        :expires_ms)
ON CONFLICT (touch_id) DO UPDATE SET
    state = 'intended', begun_ms = excluded.begun_ms, at_ms = excluded.at_ms
WHERE state = 'waiting'
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
_SETTLE: Final = """
UPDATE touches SET
    state = 'known', status = :status, strength = :strength, outcome = :outcome, reason = :reason,
    ref = CASE :ref WHEN '' THEN ref ELSE :ref END,
    mark = CASE is_erased WHEN 1 THEN NULL ELSE coalesce(:mark, mark) END,
    at_ms = :at_ms, ask_ms = :ask_ms, asked = 0, is_reported = 0
WHERE touch_id = :touch_id AND (state != 'known' OR strength < :strength)
"""
_LEARN_NAMES: Final = """
UPDATE touches SET
    ref = CASE ref WHEN '' THEN :ref ELSE ref END,
    mark = CASE is_erased WHEN 1 THEN NULL ELSE coalesce(mark, :mark) END
WHERE touch_id = :touch_id
"""
_EARLY: Final = "FROM early WHERE provider = ? AND ref = ?"


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


def begin(disk: sqlite3.Connection, intent: Intent) -> Entry | None:
    """Write an intent, unless the touch was begun or taken back before."""
    facts = intent._asdict()
    if disk.execute(_BEGIN, facts).rowcount == 1:
        return None
    disk.execute(_NAME, facts)
    return read(disk, intent.touch_id)


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


def settle(disk: sqlite3.Connection, word: Word, mark: bytes | None) -> Entry | None:
    """Write a word, if it is stronger than the last, and what was said early under a new name."""
    facts = _facts(word, mark)
    if disk.execute(_SETTLE, facts).rowcount == 0:
        disk.execute(_LEARN_NAMES, facts)
    found = read(disk, word.touch_id)
    if found is None or not word.receipt.ref:
        return found
    name = (found.provider, word.receipt.ref)
    early = disk.execute(f"SELECT status, outcome, reason, at_ms {_EARLY}", name).fetchall()
    for status, outcome, reason, at_ms in early:
        said = Receipt(Status(status), outcome, reason, word.receipt.ref)
        disk.execute(_SETTLE, _facts(Word(word.touch_id, said, at_ms), None))
    if not early:
        return found
    disk.execute(f"DELETE {_EARLY}", name)
    return read(disk, word.touch_id)


def _facts(word: Word, mark: bytes | None) -> dict[str, Any]:
    receipt = word.receipt
    return {
        "touch_id": word.touch_id, "status": str(receipt.status), "outcome": receipt.outcome,
        "strength": STRENGTH[receipt.status], "reason": receipt.reason, "ref": receipt.ref,
        "mark": mark, "at_ms": word.at_ms, "ask_ms": word.ask_ms,
    }  # fmt: skip
