"""What adapters of Tencent must remember: a small SQLite file beside the journal.

All processes of a sender share it. No address stands in it, only keyed hashes. What is lost with
the file costs touches that could have been sent, and never sends one twice.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from threading import RLock
from typing import Any, Final

from winback_sender.contract.words import Why
from winback_sender.engine.state import journal_path
from winback_sender.errors import UserError
from winback_sender.keys import derived
from winback_sender.receipt import NotSentError
from winback_sender.settings import load_sender_settings

BUSY_TIMEOUT_S: Final = 10.0
HASH_BYTES: Final = 16


class Memory:
    """A SQLite file in WAL mode with one connection, for all threads of a process.

    Args:
        path: The file; it is made when it is not there.
        key: Secret that hashes of addresses are made with.
        schema: Statements that make the tables.
        former: The secrets before it. What was hashed with them takes its new name when the address
            is seen again.
    """

    def __init__(self, path: Path, key: str, schema: str, former: Iterable[str] = ()) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._keys = [derived(each) for each in (key, *former)]
        self._lock = RLock()
        self._connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(schema)
        self._columns = [
            (table, column)
            for (table,) in self.ask("SELECT name FROM sqlite_master WHERE type = 'table'")
            for _, column, kind, *_ in self.ask(f"PRAGMA table_info({table})")
            if kind == "BLOB"
        ]

    def hashed(self, address: str) -> bytes:
        """Return what stands for an address, in the whole file from now on."""
        name, *before = (_digest(address, key) for key in self._keys)
        if before:
            with self._lock:
                for (table, column), old in product(self._columns, before):
                    self._rename(table, column, old, name)
        return name

    def is_hash_of(self, found: bytes, text: str) -> bool:
        """Return whether a hash is that of a text, whichever key it was made with."""
        return any(found == _digest(text, key) for key in self._keys)

    def _rename(self, table: str, column: str, old: bytes, new: bytes) -> None:
        """Give rows another name; where there is one of that name already, it is the newer."""
        run, theirs = self._connection.execute, f"{table} WHERE {column} = ?"
        if run(f"SELECT 1 FROM {theirs}", (old,)).fetchone():  # noqa: S608 (names of the schema)
            run(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {column} = ?", (new, old))  # noqa: S608
            run(f"DELETE FROM {theirs}", (old,))  # noqa: S608

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Hold a transaction that no other process disturbs."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def ask(self, question: str, *values: Any) -> list[Any]:
        """Return the rows of a question."""
        with self._lock:
            return self._connection.execute(question, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _digest(text: str, key: bytes) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=HASH_BYTES, key=key).digest()


def open_memory(environ: Mapping[str, str], name: str, schema: str) -> Memory:
    """Return the file of a name in the directory of the journal.

    Raises:
        UserError: It cannot be used.
    """
    settings, own = load_sender_settings(environ)
    path = journal_path(own, f"{settings.app_id}-{name}")
    try:
        return Memory(path, settings.id_key, schema, settings.id_keys.secrets_before)
    except (OSError, sqlite3.Error) as error:
        raise UserError(
            f"{path} cannot be used: {error}", "set WINBACK_SENDER_STATE to a directory of its own"
        ) from error


@contextmanager
def before_the_call() -> Iterator[None]:
    """Hold what is looked up before a call: if the file is away, surely nothing was sent."""
    try:
        yield
    except sqlite3.Error as error:
        raise NotSentError(Why.UNAVAILABLE, retry=True) from error
