"""What is of the console alone: who has taken which call, and what was done by whom.

It is no part of the read model, for no topic has it: a file of its own that outlives every rebuild.
"""

import sqlite3
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

CLAIM_MS: Final = 2 * 3_600_000
"""Who has not done it by then has given it back."""
KEPT_MS: Final = 180 * 86_400_000

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS claims (touch_id TEXT PRIMARY KEY, by TEXT NOT NULL,
  at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audit (at_ms INTEGER NOT NULL, by TEXT NOT NULL, what TEXT NOT NULL,
  subject TEXT NOT NULL, result TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS audit_by_time ON audit (at_ms);
"""


class Claim(NamedTuple):
    """Who has taken a call, and when, epoch ms UTC."""

    by: str
    at_ms: int


class Desk:
    """Claims and the record of what was done.

    Args:
        path: Of the file; it is made, for this user of the system alone.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.executescript(_TABLES)
        self._lock = Lock()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def claim(self, touch_id: str, by: str, now_ms: int) -> bool:
        """Take a call; False = somebody else has it. One statement, so two never both get it."""
        with self._lock:
            self._db.execute(
                "INSERT INTO claims VALUES (?, ?, ?) ON CONFLICT (touch_id) DO UPDATE SET "
                "by = excluded.by, at_ms = excluded.at_ms WHERE claims.at_ms < ? OR claims.by = ?",
                (touch_id, by, now_ms, now_ms - CLAIM_MS, by),
            )
            row = self._db.execute(
                "SELECT by FROM claims WHERE touch_id = ?", (touch_id,)).fetchone()  # fmt: skip
        return bool(row and row[0] == by)

    def release(self, touch_id: str, by: str) -> bool:
        """Give a call back; False = it was not theirs."""
        with self._lock:
            found = self._db.execute(
                "DELETE FROM claims WHERE touch_id = ? AND by = ?", (touch_id, by))  # fmt: skip
            return found.rowcount > 0

    def claims(self, now_ms: int) -> dict[str, Claim]:
        """Return who has what."""
        with self._lock:
            rows = self._db.execute(
                "SELECT touch_id, by, at_ms FROM claims WHERE at_ms >= ?", (now_ms - CLAIM_MS,)
            ).fetchall()
        return {touch_id: Claim(by, at_ms) for touch_id, by, at_ms in rows}

    def note(self, by: str, what: str, subject: str, result: str, now_ms: int) -> None:
        """Put on record what somebody did; ``subject`` names nobody but by a pseudonym."""
        with self._lock:
            self._db.execute("DELETE FROM audit WHERE at_ms < ?", (now_ms - KEPT_MS,))
            self._db.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?)",
                             (now_ms, by, what, subject, result))  # fmt: skip

    def audit(self, limit: int = 50) -> list[tuple[int, str, str, str, str]]:
        """Return what was done, newest first."""
        with self._lock:
            query = "SELECT * FROM audit ORDER BY at_ms DESC, rowid DESC LIMIT ?"
            return self._db.execute(query, (limit,)).fetchall()
