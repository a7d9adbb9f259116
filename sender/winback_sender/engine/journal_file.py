"""The file of the journal: SQLite in WAL mode, its tables, and what is said when it fails."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from winback_sender.errors import Exit, UserError

BUSY_TIMEOUT_S: Final = 10.0
VERSION: Final = 1
"""Of the tables, as ``PRAGMA user_version`` keeps it; 0 = a file of before there were versions."""

_TOUCHES: Final = """
CREATE TABLE IF NOT EXISTS touches (
    touch_id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'intended', 'revoked', 'known')),
    user_id TEXT NOT NULL DEFAULT '',
    channel TEXT NOT NULL DEFAULT '',
    provider TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL,
    strength INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    ref TEXT NOT NULL DEFAULT '',
    mark TEXT,
    begun_ms INTEGER NOT NULL DEFAULT 0,
    at_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL DEFAULT 0,
    is_reported INTEGER NOT NULL DEFAULT 0,
    is_revoked INTEGER NOT NULL DEFAULT 0,
    is_erased INTEGER NOT NULL DEFAULT 0,
    ask_ms INTEGER,
    asked INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""
_OTHERS: Final = (
    "CREATE INDEX IF NOT EXISTS by_ref ON touches (provider, ref) WHERE ref != ''",
    "CREATE INDEX IF NOT EXISTS by_mark ON touches (mark, begun_ms) WHERE mark IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS by_user ON touches (user_id) WHERE user_id != ''",
    "CREATE INDEX IF NOT EXISTS open ON touches (begun_ms) WHERE state = 'intended'",
    "CREATE INDEX IF NOT EXISTS owed ON touches (at_ms) WHERE state = 'known' AND NOT is_reported",
    "CREATE INDEX IF NOT EXISTS to_ask ON touches (ask_ms) WHERE ask_ms IS NOT NULL",
    # What was said of a touch by a name that the provider has not told us yet.
    """CREATE TABLE IF NOT EXISTS early (
        provider TEXT NOT NULL, ref TEXT NOT NULL, status TEXT NOT NULL, outcome TEXT NOT NULL,
        reason TEXT NOT NULL, at_ms INTEGER NOT NULL, heard_ms INTEGER NOT NULL,
        UNIQUE (provider, ref, status))""",
    # What users said that belongs to no touch: an opt-out by phone.
    """CREATE TABLE IF NOT EXISTS strays (
        id INTEGER PRIMARY KEY, user_id TEXT NOT NULL, channel TEXT NOT NULL,
        provider TEXT NOT NULL, status TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
        at_ms INTEGER NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
_TAKE_OVER: Final = """
INSERT INTO touches (touch_id, state, status, outcome, at_ms, is_reported, strength)
SELECT touch_id, state, status, outcome, at_ms, is_reported, CASE state WHEN 'known' THEN 99 ELSE 0
END FROM touches_before
"""


class JournalFile:
    """A journal's file with a connection for each way of using it.

    What goes through ``sure`` is on disk when its transaction ends, whatever happens to the
    machine. What goes through ``soon`` outlives the process, and a power cut a little later.
    ``looks`` only reads, from other threads.

    Args:
        path: The file; it is made when it is not there.

    Attributes:
        id: Made with the file, so that two journals are told apart.

    Raises:
        UserError: The file cannot be used, or a newer version has made it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.watched():
            path.parent.mkdir(parents=True, exist_ok=True)
            self.sure = _connect(path, "FULL")
            with self.transaction(self.sure):
                _bring_up_to_date(self.sure, path)
                for statement in (_TOUCHES, *_OTHERS):
                    self.sure.execute(statement)
                self.sure.execute(
                    "INSERT OR IGNORE INTO facts VALUES ('id', ?)", (secrets.token_hex(8),)
                )
            self.soon = _connect(path, "NORMAL")
            self.looks = _connect(path, "NORMAL")
            found = self.soon.execute("SELECT value FROM facts WHERE name = 'id'").fetchone()
            self.id = str(found[0])

    def close(self) -> None:
        """Close the file."""
        for connection in (self.sure, self.soon, self.looks):
            connection.close()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Turn what SQLite and the disk complain of into words.

        Raises:
            UserError: The journal cannot be used; the sender must not go on without.
        """
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise UserError(
                f"the journal {self.path} cannot be used: {error}",
                "mend the disk or give another directory (WINBACK_SENDER_STATE): without its "
                "journal a sender does not send",
                Exit.FAILED,
            ) from error

    @contextmanager
    def transaction(self, connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        """Hold a write transaction: all of it is kept, or nothing.

        Raises:
            UserError: It could not be written.
        """
        with self.watched():
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


def _connect(path: Path, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    # What is deleted is overwritten: a user who was erased must not be found in free pages.
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    """Take over the touches of a file that was made before users stood in it.

    Raises:
        UserError: The file has tables of a newer version.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise UserError(
            f"the journal {path} is of version {version}, newer than this one: this sender knows "
            f"versions up to {VERSION}",
            "run the version that wrote it, or a later one; a sender that read it half could send "
            "a touch twice",
            Exit.FAILED,
        )
    connection.execute(f"PRAGMA user_version = {VERSION}")
    columns = {row[1] for row in connection.execute("PRAGMA table_info(touches)")}
    if not columns or "strength" in columns:
        return
    connection.execute("ALTER TABLE touches RENAME TO touches_before")
    connection.execute(_TOUCHES)
    connection.execute(_TAKE_OVER)
    connection.execute("DROP TABLE touches_before")
