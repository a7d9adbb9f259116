"""What providers tell later, in the journal: receipts, replies, opt-outs, in whatever order."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from winback_sender.adapter import Heard
from winback_sender.contract.words import Status
from winback_sender.engine import journal_rows as rows
from winback_sender.engine.journal import Journal
from winback_sender.engine.journal_rows import Entry, Word
from winback_sender.engine.soundness import sound_instant
from winback_sender.receipt import Receipt


class Stray(NamedTuple):
    """A word of a user that belongs to no touch; ``id`` is its row."""

    id: int
    user_id: str
    channel: str
    provider: str
    receipt: Receipt
    at_ms: int


class Told(NamedTuple):
    """What came of what was heard.

    Attributes:
        entries: Touches that it is about, as they are known now.
        missed: What names no touch of the journal, and cannot name one later.
    """

    entries: list[Entry]
    missed: list[Heard]


class Hearsay:
    """The words that come by call-back, in the file of a journal; all methods write for sure."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._file = journal.file

    def note(self, provider: str, heard: Sequence[Heard], now_ms: int) -> Told:
        """Write words to the touches that they name, in one transaction.

        A name that the provider has not told us yet is kept: the receipt came before the answer.
        """
        entries, missed = [], []
        with self._file.transaction(self._file.sure) as disk:
            for one in heard:
                at_ms = sound_instant(one.at_ms, now_ms)
                touch_id = one.touch_id or self._find(disk, provider, one)
                word = Word(touch_id or "", one.receipt, at_ms)
                (entry,) = rows.settle(disk, [(word, None)]) if touch_id else (None,)
                if entry is not None:
                    entries.append(entry)
                elif one.ref and not one.touch_id:
                    rows.keep_early(disk, provider, one.ref, word, now_ms)
                else:
                    missed.append(one)
        return Told(entries, missed)

    def note_stray(
        self, provider: str, channel: str, user_id: str, receipt: Receipt, at_ms: int
    ) -> None:
        """Write what a user said that belongs to no touch."""
        with self._file.transaction(self._file.sure) as disk:
            disk.execute(
                "INSERT INTO strays (user_id, channel, provider, status, outcome, reason, at_ms) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (user_id, channel, provider, str(receipt.status), receipt.outcome,
                 receipt.reason, at_ms),
            )  # fmt: skip

    def strays(self, after_id: int, count: int) -> list[Stray]:
        """Return what Kafka does not have yet."""
        with self._file.watched():
            found = self._file.soon.execute(
                "SELECT id, user_id, channel, provider, status, outcome, reason, at_ms "
                "FROM strays WHERE id > ? ORDER BY id LIMIT ?",
                (after_id, count),
            ).fetchall()
        return [
            Stray(key, user_id, channel, provider, Receipt(Status(status), outcome, reason), at_ms)
            for key, user_id, channel, provider, status, outcome, reason, at_ms in found
        ]

    def strays_reported(self, ids: Iterable[int]) -> None:
        """Forget what Kafka has."""
        with self._file.transaction(self._file.soon) as disk:
            disk.executemany("DELETE FROM strays WHERE id = ?", [(key,) for key in ids])

    def _find(self, disk: sqlite3.Connection, provider: str, heard: Heard) -> str | None:
        """Return the touch that a provider calls so, or the latest one that went to an address."""
        if heard.ref:
            row = disk.execute(
                "SELECT touch_id FROM touches WHERE provider = ? AND ref = ?", (provider, heard.ref)
            ).fetchone()
        else:
            row = disk.execute(
                "SELECT touch_id FROM touches WHERE mark IN (SELECT value FROM json_each(?)) "
                "AND provider = ? ORDER BY begun_ms DESC LIMIT 1",
                (msgspec.json.encode(self._journal.marks(heard.address)).decode(), provider),
            ).fetchone()
        return None if row is None else str(row[0])
