"""Writing into the read model: rows and offsets in one transaction."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from streams.console.changes import STATEMENTS, Change, Forget
from streams.console.tables import CONTENT, OF_DECISIONS, open_model

Position = tuple[str, int]
"""Topic and partition."""

_BLANK_SCORE: Final = (
    "tier = '', quadrant = '', reasons = '', probability = NULL, "
    "probability_before = NULL, scored_ms = 0"
)
_FORGET: Final = (
    "DELETE FROM decisions WHERE user_id = :user AND at_ms <= :at",
    "DELETE FROM moves WHERE user_id = :user AND at_ms <= :at",
    "DELETE FROM cases WHERE user_id = :user AND max(opened_ms, closed_ms) <= :at",
    "DELETE FROM touches WHERE user_id = :user AND asked_ms <= :at",
    "DELETE FROM feedback WHERE user_id = :user AND at_ms <= :at",
    "DELETE FROM episodes WHERE user_id = :user AND matured_ms <= :at",
    "DELETE FROM states WHERE id = (SELECT id FROM users WHERE user_id = :user AND last_ms <= :at)",
    f"UPDATE users SET {_BLANK_SCORE} WHERE user_id = :user AND scored_ms <= :at",  # noqa: S608
    "DELETE FROM users WHERE user_id = :user AND last_ms <= :at AND scored_ms <= :at",
)
assert set(OF_DECISIONS) == {part.split(" = ")[0] for part in _BLANK_SCORE.split(", ")}
_REMEMBER: Final = (
    "INSERT INTO erased VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET "
    "at_ms = max(at_ms, excluded.at_ms)"
)
_OFFSET: Final = (
    "INSERT INTO offsets VALUES (?, ?, ?) ON CONFLICT (topic, partition) "
    "DO UPDATE SET next = excluded.next"
)

_AGES: Final = {
    "decisions": "at_ms", "moves": "at_ms", "cases": "max(opened_ms, closed_ms)",
    "touches": "max(asked_ms, said_ms, revoked_ms, given_up_ms)", "feedback": "at_ms",
    "episodes": "matured_ms", "letters": "aside_ms",
}  # fmt: skip
"""Table to the age of its rows."""


class Store:
    """The one writer of a read model.

    Args:
        path: Of the file.
        made_with: What the content depends on besides the topics.
        name_of: User id to the name that stands for it.
    """

    def __init__(self, path: Path, made_with: str, name_of: Callable[[str], str]) -> None:
        self.path = path
        self._db = open_model(path, made_with)
        self._name_of = name_of
        self._erased: dict[str, int] = dict(self._db.execute("SELECT name, at_ms FROM erased"))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def offsets(self) -> dict[Position, int]:
        """Return the next offset to be read of each partition that was read."""
        rows = self._db.execute("SELECT topic, partition, next FROM offsets")
        return {(topic, partition): offset for topic, partition, offset in rows}

    def apply(
        self, changes: Iterable[Change | Forget], offsets: Mapping[Position, int]
    ) -> frozenset[str]:
        """Write rows and offsets together; return the ids of users whose own row may have changed.

        Raises:
            sqlite3.Error: Nothing was written.
        """
        grouped: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
        newest: dict[tuple[str, str], tuple[Any, ...]] = {}
        forgotten: list[Forget] = []
        touched: set[str] = set()
        for change in changes:
            if isinstance(change, Forget):
                self._remember(change)
                forgotten.append(change)
                touched.add(change.user_id)
            elif not self._is_void(change):
                if change.kind in {"user", "state", "state_gone"}:
                    newest[_slot(change.kind), change.user_id] = (change.kind, *change.row)
                else:
                    grouped[change.kind].append(change.row)
                if change.kind in {"user", "score"}:
                    touched.add(change.user_id)
        for kind, *row in newest.values():
            grouped[kind].append(tuple(row))
        self._write(grouped, forgotten, offsets)
        return frozenset(touched)

    def _write(
        self,
        grouped: Mapping[str, list[tuple[Any, ...]]],
        forgotten: Iterable[Forget],
        offsets: Mapping[Position, int],
    ) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for kind, statement in STATEMENTS.items():
                if kind in grouped:
                    self._db.executemany(statement, grouped[kind])
            for one in forgotten:
                for statement in _FORGET:
                    self._db.execute(statement, {"user": one.user_id, "at": one.at_ms})
                self._db.execute(_REMEMBER, (self._name_of(one.user_id), one.at_ms))
            self._db.executemany(_OFFSET, [(*place, next_) for place, next_ in offsets.items()])
            self._db.execute("COMMIT")
        except sqlite3.Error:
            self._db.execute("ROLLBACK")
            raise

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file: what was erased is overwritten there as well."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def prune(self, before_ms: int) -> None:
        """Delete what is older than decisions are kept; topics have let go of it by then."""
        self._db.execute("BEGIN IMMEDIATE")
        for table, column in _AGES.items():
            self._db.execute(f"DELETE FROM {table} WHERE {column} < ?", (before_ms,))  # noqa: S608
        self._db.execute("COMMIT")

    def _remember(self, one: Forget) -> None:
        name = self._name_of(one.user_id)
        self._erased[name] = max(one.at_ms, self._erased.get(name, 0))

    def _is_void(self, change: Change) -> bool:
        """Return whether a change is about somebody who was erased after it was said."""
        if not self._erased or not change.user_id:
            return False
        return change.at_ms <= self._erased.get(self._name_of(change.user_id), -1)


def _slot(kind: str) -> str:
    """Return where the newest of a user's changes counts alone."""
    return "user" if kind == "user" else "state"


def content(db: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that follows from the topics, without the numbers that rows were given here."""
    found = {}
    for table in CONTENT:
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        named = ", ".join(name for name in columns if name != "id")
        query = f"SELECT {named} FROM {table}"  # noqa: S608 (our own names)
        if table == "states":
            query = "SELECT user_id, value FROM states JOIN users USING (id)"
        found[table] = sorted(db.execute(query), key=repr)
    return found
