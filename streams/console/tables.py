"""The tables of the read model, and how its file is opened.

Every table has one owner among the topics, or columns that have: so it does not matter in which
order the topics are read, and a model made anew from them equals the one that grew with them.
Instants are epoch ms UTC, money is in minor units.
"""

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

VERSION: Final = 1
"""Of the tables and of what is written into them; a file of another one is made anew."""
CACHE_KB: Final = 65_536

USERS: Final[Mapping[str, str]] = {
    # Of the changelog.
    "band": "INTEGER NOT NULL DEFAULT 0", "stage": "TEXT NOT NULL DEFAULT ''",
    "risk": "REAL NOT NULL DEFAULT 0", "loss": "INTEGER NOT NULL DEFAULT 0",
    "value_net": "INTEGER NOT NULL DEFAULT 0", "last_ms": "INTEGER NOT NULL DEFAULT 0",
    "cohort": "TEXT NOT NULL DEFAULT ''", "source": "TEXT NOT NULL DEFAULT ''",
    "case_id": "TEXT NOT NULL DEFAULT ''", "playbook": "TEXT NOT NULL DEFAULT ''",
    "step": "INTEGER NOT NULL DEFAULT 0", "steps": "INTEGER NOT NULL DEFAULT 0",
    "channel": "TEXT NOT NULL DEFAULT ''", "due_ms": "INTEGER NOT NULL DEFAULT 0",
    "is_held_out": "INTEGER NOT NULL DEFAULT 0", "is_suppressed": "INTEGER NOT NULL DEFAULT 0",
    # Of the decisions.
    "tier": "TEXT NOT NULL DEFAULT ''", "quadrant": "TEXT NOT NULL DEFAULT ''",
    "reasons": "TEXT NOT NULL DEFAULT ''", "probability": "REAL",
    "probability_before": "REAL", "scored_ms": "INTEGER NOT NULL DEFAULT 0",
}  # fmt: skip
"""Columns of a user besides id and name."""

OF_STATE: Final = tuple(USERS)[:16]
OF_DECISIONS: Final = tuple(USERS)[16:]

TABLES: Final = f"""
CREATE TABLE offsets (topic TEXT, partition INTEGER, next INTEGER NOT NULL,
  PRIMARY KEY (topic, partition)) WITHOUT ROWID;
CREATE TABLE users (id INTEGER PRIMARY KEY, user_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
  {", ".join(f"{name} {kind}" for name, kind in USERS.items())});
CREATE TABLE states (id INTEGER PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE erased (name TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE decisions (key TEXT PRIMARY KEY, user_id TEXT NOT NULL, at_ms INTEGER NOT NULL,
  case_id TEXT NOT NULL, step INTEGER NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL,
  channel TEXT NOT NULL, probability REAL NOT NULL, loss INTEGER NOT NULL, playbook TEXT NOT NULL,
  variant TEXT NOT NULL, reasons TEXT NOT NULL, model TEXT NOT NULL, mode TEXT NOT NULL,
  touch_id TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX decisions_of_user ON decisions (user_id, at_ms);
CREATE INDEX decisions_by_time ON decisions (at_ms, verdict, reason, channel, playbook);
CREATE TABLE moves (key TEXT PRIMARY KEY, user_id TEXT NOT NULL, at_ms INTEGER NOT NULL,
  band TEXT NOT NULL, before TEXT NOT NULL, probability REAL NOT NULL, model TEXT NOT NULL)
  WITHOUT ROWID;
CREATE INDEX moves_of_user ON moves (user_id, at_ms);
CREATE INDEX moves_by_time ON moves (at_ms, band, before);
CREATE TABLE cases (case_id TEXT PRIMARY KEY, user_id TEXT NOT NULL,
  opened_ms INTEGER NOT NULL DEFAULT 0, trigger TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '', source TEXT NOT NULL DEFAULT '',
  tier TEXT NOT NULL DEFAULT '', stage TEXT NOT NULL DEFAULT '',
  quadrant TEXT NOT NULL DEFAULT '', playbook TEXT NOT NULL DEFAULT '',
  variant TEXT NOT NULL DEFAULT '', channel TEXT NOT NULL DEFAULT '',
  loss INTEGER NOT NULL DEFAULT 0, probability REAL NOT NULL DEFAULT 0,
  closed_ms INTEGER NOT NULL DEFAULT 0, outcome TEXT NOT NULL DEFAULT '',
  touches INTEGER NOT NULL DEFAULT 0, is_held_out INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX cases_of_user ON cases (user_id, opened_ms);
CREATE INDEX cases_by_time ON cases (opened_ms);
CREATE TABLE touches (touch_id TEXT PRIMARY KEY, user_id TEXT NOT NULL DEFAULT '',
  case_id TEXT NOT NULL DEFAULT '', step INTEGER NOT NULL DEFAULT 0,
  steps INTEGER NOT NULL DEFAULT 0, channel TEXT NOT NULL DEFAULT '',
  template TEXT NOT NULL DEFAULT '', params TEXT NOT NULL DEFAULT '{{}}',
  offer TEXT NOT NULL DEFAULT '{{}}', traits TEXT NOT NULL DEFAULT '{{}}',
  reasons TEXT NOT NULL DEFAULT '[]', asked_ms INTEGER NOT NULL DEFAULT 0,
  expires_ms INTEGER NOT NULL DEFAULT 0, zone TEXT NOT NULL DEFAULT '',
  playbook TEXT NOT NULL DEFAULT '', variant TEXT NOT NULL DEFAULT '',
  tier TEXT NOT NULL DEFAULT '', quadrant TEXT NOT NULL DEFAULT '', rank REAL,
  probability REAL NOT NULL DEFAULT 0, value_net INTEGER NOT NULL DEFAULT 0,
  currency TEXT NOT NULL DEFAULT '', source TEXT NOT NULL DEFAULT '',
  active_ms INTEGER NOT NULL DEFAULT 0,
  revoked_ms INTEGER NOT NULL DEFAULT 0, revoked_for TEXT NOT NULL DEFAULT '',
  given_up_ms INTEGER NOT NULL DEFAULT 0,
  strength INTEGER NOT NULL DEFAULT -1, status TEXT NOT NULL DEFAULT '',
  outcome TEXT NOT NULL DEFAULT '', said_ms INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX touches_of_user ON touches (user_id, asked_ms);
CREATE INDEX touches_by_time ON touches (asked_ms, channel);
CREATE INDEX touches_open ON touches (channel, expires_ms) WHERE status = '' AND revoked_ms = 0;
CREATE TABLE feedback (topic_partition INTEGER, offset INTEGER, user_id TEXT NOT NULL,
  touch_id TEXT NOT NULL, status TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
  channel TEXT NOT NULL, provider TEXT NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (topic_partition, offset)) WITHOUT ROWID;
CREATE INDEX feedback_of_user ON feedback (user_id, at_ms);
CREATE TABLE senders (channel TEXT, provider TEXT, words INTEGER NOT NULL, last_ms INTEGER NOT NULL,
  PRIMARY KEY (channel, provider)) WITHOUT ROWID;
CREATE TABLE episodes (case_id TEXT PRIMARY KEY, user_id TEXT NOT NULL,
  exposed_ms INTEGER NOT NULL, matured_ms INTEGER NOT NULL, is_held_out INTEGER NOT NULL,
  value BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX episodes_by_time ON episodes (matured_ms);
CREATE INDEX episodes_of_user ON episodes (user_id);
CREATE TABLE budgets (day TEXT, class TEXT, partition INTEGER, used INTEGER NOT NULL,
  share INTEGER NOT NULL, waiting INTEGER NOT NULL, threshold REAL NOT NULL,
  is_fused INTEGER NOT NULL, at TEXT NOT NULL, PRIMARY KEY (day, class, partition)) WITHOUT ROWID;
CREATE TABLE orders (key TEXT PRIMARY KEY, value TEXT NOT NULL, effective_at TEXT NOT NULL,
  ordered_at TEXT NOT NULL, ordered_by TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE partitions (partition INTEGER PRIMARY KEY, watermark_ms INTEGER NOT NULL,
  users INTEGER NOT NULL, rules_hash TEXT NOT NULL, layout TEXT NOT NULL,
  committed_ms INTEGER NOT NULL, record BLOB NOT NULL);
CREATE TABLE letters (place TEXT PRIMARY KEY, topic TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '',
  aside_ms INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0,
  is_whole INTEGER NOT NULL DEFAULT 1, what TEXT NOT NULL DEFAULT '', closed_at TEXT NOT NULL
  DEFAULT '', closed_by TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE INDEX letters_by_time ON letters (aside_ms);
CREATE TABLE models (key TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, value BLOB NOT NULL)
  WITHOUT ROWID;
CREATE TABLE broken (stream TEXT PRIMARY KEY, records INTEGER NOT NULL) WITHOUT ROWID;
"""

CONTENT: Final = (
    "users", "states", "erased", "decisions", "moves", "cases", "touches", "feedback", "senders",
    "episodes", "budgets", "orders", "partitions", "letters", "models", "broken",
)  # fmt: skip
"""Tables that follow from the topics."""

OF_USER: Final = ("decisions", "moves", "cases", "touches", "feedback", "episodes")
"""Tables from which an erasure takes all rows of a user; states go with the changelog."""


def open_model(path: Path, made_with: str) -> sqlite3.Connection:
    """Return a connection that writes; a file of another version or with other rules is made anew.

    Args:
        path: Of the file; its directory is made, for this user of the system alone.
        made_with: What the content depends on besides the topics: rules and keys, as a fingerprint.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    marker = f"{VERSION} {made_with}"
    if path.exists() and _marker(path) != marker:
        discard(path)
    if not path.exists():
        path.touch(mode=0o600)
    found = _connected(path)
    # What an erasure deletes is overwritten, in the file and in its write-ahead log.
    found.execute("PRAGMA secure_delete = ON")
    if not found.execute("SELECT 1 FROM sqlite_master WHERE name = 'marker'").fetchone():
        found.executescript(f"BEGIN; CREATE TABLE marker (made_with TEXT); {TABLES} COMMIT;")
        found.execute("INSERT INTO marker VALUES (?)", (marker,))
    return found


def open_reader(path: Path) -> sqlite3.Connection:
    """Return a connection that only reads; it may be handed from thread to thread."""
    found = _connected(path)
    found.execute("PRAGMA query_only = ON")
    return found


def discard(path: Path) -> None:
    """Delete the file and what belongs to it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _connected(path: Path) -> sqlite3.Connection:
    found = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30.0)
    found.execute("PRAGMA journal_mode = WAL")
    # A power cut may cost the newest transactions: rows and offsets together, so nothing is lost.
    found.execute("PRAGMA synchronous = NORMAL")
    found.execute(f"PRAGMA cache_size = -{CACHE_KB}")
    found.execute("PRAGMA temp_store = MEMORY")
    return found


def _marker(path: Path) -> str:
    try:
        found = sqlite3.connect(path)
        try:
            row = found.execute("SELECT made_with FROM marker").fetchone()
        finally:
            found.close()
    except sqlite3.DatabaseError:
        return ""
    return str(row[0]) if row else ""


def mode_of(path: Path) -> int:
    """Return the rights of a file, as ``0o600``."""
    return os.stat(path).st_mode & 0o777  # noqa: PTH116 (a number is asked for)
