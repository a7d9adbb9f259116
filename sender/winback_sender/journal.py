"""The sender's memory: which touches it has begun and what became of them.

The intent is on disk before a touch leaves, so after a crash in between the touch is *unknown*: it
may have left, and is never sent again. No user id and no text is kept here.

All senders of one consumer group share one file, or a touch could leave twice after a rebalance.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from winback_sender.contract.words import Status
from winback_sender.errors import Exit, UserError
from winback_sender.receipt import Receipt

BUSY_TIMEOUT_S: Final = 10.0

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS touches (
    touch_id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('intended', 'revoked', 'known')),
    status TEXT NOT NULL,
    outcome TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    is_reported INTEGER NOT NULL,
    expires_ms INTEGER
) WITHOUT ROWID
"""


class Entry(NamedTuple):
    """What is known of a touch.

    Attributes:
        state: ``intended``: begun, and no more is known; ``revoked``: taken back before it was
            begun; ``known``: there is a receipt.
        receipt: Of a known touch.
        at_ms: When it was written, in the sender's time.
        is_reported: Whether Kafka has the feedback.
    """

    state: str
    receipt: Receipt
    at_ms: int
    is_reported: bool


class Journal:
    """A SQLite file in WAL mode.

    Intents and revocations are on disk when their method returns, whatever happens to the machine.
    A receipt outlives the process at once and a power cut a little later: without it the touch
    is unknown, which is safe.

    Args:
        path: The file; it is made when it is not there.

    Raises:
        UserError: The file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._sure = _connect(path, "FULL")
            self._sure.execute(_SCHEMA)
            _bring_up_to_date(self._sure)
            self._soon = _connect(path, "NORMAL")
        except (OSError, sqlite3.Error) as error:
            raise UserError(
                f"the journal {path} cannot be used: {error}",
                "give another file with --journal; without its journal a sender does not send",
                Exit.FAILED,
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._sure.close()
        self._soon.close()

    def begin(self, touch_id: str, at_ms: int) -> Entry | None:
        """Write the intent to deliver a touch.

        Returns:
            None if the touch is new and may be delivered now, else what is known of it already.
        """
        if self._insert(touch_id, "intended", at_ms):
            return None
        return self.entry(touch_id)

    def revoke(self, touch_id: str, at_ms: int) -> bool:
        """Take note that a touch must not be begun; return False when it was begun before."""
        return self._insert(touch_id, "revoked", at_ms)

    def settle(self, touch_id: str, receipt: Receipt, at_ms: int, expires_ms: int) -> None:
        """Write what became of a touch, and until when it could have been sent."""
        self._soon.execute(
            "UPDATE touches SET state = 'known', status = ?, outcome = ?, at_ms = ?, "
            "expires_ms = ?, is_reported = 0 WHERE touch_id = ?",
            (str(receipt.status), receipt.outcome, at_ms, expires_ms, touch_id),
        )

    def reported(self, touch_ids: Iterable[str]) -> None:
        """Take note that Kafka has the feedback of touches, in one transaction."""
        rows = [(touch_id,) for touch_id in touch_ids]
        self._soon.execute("BEGIN IMMEDIATE")
        self._soon.executemany("UPDATE touches SET is_reported = 1 WHERE touch_id = ?", rows)
        self._soon.execute("COMMIT")

    def prune(self, before_ms: int) -> int:
        """Forget touches that Kafka knows the end of and that expired before an instant.

        Returns:
            How many.
        """
        done = self._soon.execute(
            "DELETE FROM touches WHERE is_reported = 1 AND expires_ms < ?", (before_ms,)
        )
        return done.rowcount

    def entry(self, touch_id: str) -> Entry | None:
        """Return what is known of a touch."""
        row = self._soon.execute(
            "SELECT state, status, outcome, at_ms, is_reported FROM touches WHERE touch_id = ?",
            (touch_id,),
        ).fetchone()
        if row is None:
            return None
        state, status, outcome, at_ms, is_reported = row
        return Entry(state, Receipt(Status(status), outcome), at_ms, bool(is_reported))

    def _insert(self, touch_id: str, state: str, at_ms: int) -> bool:
        done = self._sure.execute(
            "INSERT OR IGNORE INTO touches VALUES (?, ?, ?, '', ?, 0, NULL)",
            (touch_id, state, str(Status.UNKNOWN), at_ms),
        )
        return done.rowcount == 1


def _connect(path: Path, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    return connection


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Add what the file of an older version lacks; its touches are kept for ever."""
    columns = {row[1] for row in connection.execute("PRAGMA table_info(touches)")}
    if "expires_ms" not in columns:
        connection.execute("ALTER TABLE touches ADD COLUMN expires_ms INTEGER")
