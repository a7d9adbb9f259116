"""Touches that are on a call list, or wait for the next one: on disk, and on one list only.

A touch is put on the list of the span of time in which it comes; when the span is over, the list is
written as a whole. Both are transactions of one SQLite file, so whenever the process ends, a touch
is on exactly one list or on none yet.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from winback_sender.contract.words import Why
from winback_sender.errors import Exit, UserError

BUSY_S: Final = 10.0
_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS calls (
        touch_id TEXT PRIMARY KEY,
        list TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'listed', 'dropped', 'told')),
        at_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL,
        rank TEXT NOT NULL,
        line TEXT NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS calls_waiting ON calls (list) WHERE state = 'waiting'",
    """CREATE TABLE IF NOT EXISTS lists (
        name TEXT PRIMARY KEY,
        at_ms INTEGER NOT NULL
    ) WITHOUT ROWID""",
)

Spans = Callable[[int], tuple[str, int]]
"""Instant in epoch ms UTC to the name of the list that is collected then, and when it ends."""


class Line(NamedTuple):
    """One line of a list."""

    touch_id: str
    cells: list[str]


IsRevoked = Callable[[str], bool]
"""Takes a touch id; says whether the touch was taken back."""

Write = Callable[[str, Sequence[Line]], Iterable[str]]
"""Writes a list by name, unless it is there or empty; returns the ids of the touches on it."""


class Shelf:
    """The SQLite file; all senders of a channel on a machine share it.

    Args:
        path: Beside the journal, on a local disk; it is made when it is not there.

    Raises:
        UserError: The file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(
                path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = FULL")
            self._file.execute("PRAGMA secure_delete = ON")
            for statement in _SCHEMA:
                self._file.execute(statement)
        except (OSError, sqlite3.Error) as error:
            raise UserError(
                f"the call lists' memory {path} cannot be used: {error}",
                "WINBACK_SENDER_STATE names its directory, on a local disk",
                Exit.FAILED,
            ) from error

    def close(self) -> None:
        """Close the file; what waits is listed by the next start."""
        with self._lock:
            self._file.close()

    def put(
        self,
        touch_id: str,
        cells: list[str],
        rank: tuple[int, float, str],
        expires_ms: int,
        now_ms: int,
        spans: Spans,
    ) -> None:
        """Put a touch on the list of now; one that is on a list stays there."""
        with self._lock, _Transaction(self._file):
            name = self._open_list(now_ms, spans)
            self._file.execute(
                "INSERT OR IGNORE INTO calls VALUES (?, ?, 'waiting', ?, ?, ?, ?)",
                (touch_id, name, now_ms, expires_ms, json.dumps(rank), json.dumps(cells)),
            )

    def state(self, touch_id: str) -> str | None:
        """Return ``waiting``, ``listed``, why it was left off, or None: it never was put here."""
        with self._lock:
            row = self._file.execute(
                "SELECT state, line FROM calls WHERE touch_id = ?", (touch_id,)
            ).fetchone()
        if row is None:
            return None
        state, line = row
        return str(line if state in ("dropped", "told") else state)

    def publish(self, now_ms: int, spans: Spans, write: Write, is_revoked: IsRevoked) -> int:
        """Write every list whose span is over; return how many touches were listed.

        What has expired or was taken back while it waited is left off. A list that a crash had left
        behind complete stays as it is; a touch that is not on it goes onto the next.
        """
        listed = 0
        for name in self._over(now_ms, spans):
            with self._lock, _Transaction(self._file):
                listed += self._publish(name, now_ms, spans, write, is_revoked)
        return listed

    def dropped(self) -> list[tuple[str, str]]:
        """Return touches that were left off, and why."""
        with self._lock:
            return self._file.execute(
                "SELECT touch_id, line FROM calls WHERE state = 'dropped'"
            ).fetchall()

    def told(self, touch_ids: Iterable[str]) -> None:
        """Take note that it is known of touches that they were left off."""
        with self._lock:
            self._file.executemany(
                "UPDATE calls SET state = 'told' WHERE touch_id = ? AND state = 'dropped'",
                [(touch_id,) for touch_id in touch_ids],
            )

    def prune(self, before_ms: int) -> None:
        """Forget what was listed before an instant."""
        with self._lock:
            self._file.execute(
                "DELETE FROM calls WHERE state <> 'waiting' AND at_ms < ?", (before_ms,)
            )
            self._file.execute("DELETE FROM lists WHERE at_ms < ?", (before_ms,))
            self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # It holds what was deleted.

    def _publish(
        self, name: str, now_ms: int, spans: Spans, write: Write, is_revoked: IsRevoked
    ) -> int:
        waiting = self._file.execute(
            "SELECT touch_id, expires_ms, rank, line FROM calls "
            "WHERE list = ? AND state = 'waiting'",
            (name,),
        ).fetchall()
        reasons = {
            touch_id: Why.REVOKED if is_revoked(touch_id) else Why.EXPIRED
            for touch_id, expires_ms, _, _ in waiting
            if expires_ms <= now_ms or is_revoked(touch_id)
        }
        alive = [row for row in waiting if row[0] not in reasons]
        alive.sort(key=lambda row: (json.loads(row[2]), row[0]))
        lines = [Line(touch_id, json.loads(line)) for touch_id, _, _, line in alive]
        written = set(write(name, lines))
        self._file.execute("INSERT OR IGNORE INTO lists VALUES (?, ?)", (name, now_ms))
        left = [line.touch_id for line in lines if line.touch_id not in written]
        if left:
            another = self._open_list(now_ms, spans)
            self._file.executemany(
                "UPDATE calls SET list = ? WHERE touch_id = ?", [(another, one) for one in left]
            )
        # The phone number is on the list now, and no longer needed here.
        self._file.executemany(
            "UPDATE calls SET state = 'dropped', line = ? WHERE touch_id = ?",
            [(str(why), one) for one, why in reasons.items() if one not in written],
        )
        self._file.executemany(
            "UPDATE calls SET state = 'listed', line = '' WHERE touch_id = ?",
            [(touch_id,) for touch_id in written],
        )
        return len(written)

    def _over(self, now_ms: int, spans: Spans) -> list[str]:
        """Return the lists that something waits on, but the one that is collected now."""
        with self._lock:
            current = self._open_list(now_ms, spans)
            rows = self._file.execute(
                "SELECT DISTINCT list FROM calls WHERE state = 'waiting' AND list <> ? "
                "ORDER BY list",
                (current,),
            )
            return [name for (name,) in rows]

    def _open_list(self, now_ms: int, spans: Spans) -> str:
        """Return the first list, from now on, that is not written yet."""
        at_ms = now_ms
        while True:
            name, end_ms = spans(at_ms)
            found = self._file.execute("SELECT 1 FROM lists WHERE name = ?", (name,)).fetchone()
            if found is None:
                return name
            at_ms = end_ms


class _Transaction:
    """A write transaction; an exception rolls it back."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file

    def __enter__(self) -> None:
        self._file.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if error is None:
                self._file.execute("COMMIT")
        finally:
            if self._file.in_transaction:  # The disk may be full: nothing of it has happened.
                self._file.execute("ROLLBACK")
