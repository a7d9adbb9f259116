"""What adapters of Tencent must remember: a small SQLite file beside the journal.

All processes of a sender share it. No address stands in it, only keyed hashes. What is lost with
the file costs touches that could have been sent, and never sends one twice.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final

from winback_sender.contract.words import Why
from winback_sender.engine.state import journal_path
from winback_sender.errors import UserError
from winback_sender.receipt import NotSentError
from winback_sender.settings import load_sender_settings

BUSY_TIMEOUT_S: Final = 10.0
HASH_BYTES: Final = 16


class Memory:
    """A SQLite file in WAL mode with one connection, for all threads of a process.

    Args:
        path: The file; it is made when it is not there.
        key: What hashes of addresses are made with.
        schema: Statements that make the tables.
    """

    def __init__(self, path: Path, key: str, schema: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._key = hashlib.blake2b(key.encode()).digest()
        self._lock = Lock()
        self._connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(schema)

    def hashed(self, address: str) -> bytes:
        """Return what stands for an address."""
        digest = hashlib.blake2b(address.encode(), digest_size=HASH_BYTES, key=self._key)
        return digest.digest()

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


def open_memory(environ: Mapping[str, str], name: str, schema: str) -> Memory:
    """Return the file of a name in the directory of the journal.

    Raises:
        UserError: It cannot be used.
    """
    settings, own = load_sender_settings(environ)
    path = journal_path(own, f"{settings.app_id}-{name}")
    try:
        return Memory(path, settings.id_key, schema)
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
