"""The sender's memory: which touches it has begun and what became of them.

The intent is on disk before a touch leaves, so after a crash in between the touch is *unknown*: it
may have left, and is never sent again. Whose touch it is stands here too, or a receipt that comes a
day later could not be reported; no text and no address does, of an address a keyed mark.

All senders of one consumer group share one file, or a touch could leave twice after a rebalance.
One thread of a process uses it, but for `is_revoked`.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from winback_sender.addresses.sameness import canonical
from winback_sender.engine import journal_rows as rows
from winback_sender.engine.journal_file import JournalFile
from winback_sender.engine.journal_rows import COLUMNS, Entry, Intent, Word, entry_of
from winback_sender.keys import derived

MARK_BYTES: Final = 16


class Journal:
    """The touches in the file of a journal.

    Intents, revocations and what providers tell are on disk when their method returns. A receipt
    outlives the process at once and a power cut a little later: without it the touch is unknown,
    which is safe.

    Args:
        path: The file; it is made when it is not there.
        key: Secret that marks of addresses are made with.
        former: Those before it: of what was marked with them, too, the address is found.

    Raises:
        UserError: The file cannot be used; from every method.
    """

    def __init__(self, path: Path, key: str = "", former: Iterable[str] = ()) -> None:
        self.file = JournalFile(path)
        self.id = self.file.id
        self._keys = [derived(each) for each in (key, *former)]
        self._looking = Lock()

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
        with self._looking:
            self.file.close()

    def begin(self, intents: Sequence[Intent]) -> list[Entry | None]:
        """Write the intents to deliver touches, in one transaction.

        Returns:
            Of each None if it may be delivered now, else what is known of it already.
        """
        with self.file.transaction(self.file.sure) as disk:
            return rows.begin(disk, intents)

    def postpone(self, touch_ids: Iterable[str]) -> list[bool]:
        """Take back intents: these touches surely did not leave, and may be begun again.

        Returns:
            Of each whether it was an intent still: a sender that took over may have spoken.
        """
        with self.file.transaction(self.file.soon) as disk:
            return [rows.postpone(disk, touch_id) for touch_id in touch_ids]

    def revoke(self, touch_ids: Iterable[str], at_ms: int) -> list[bool]:
        """Take note that touches must not be begun; of each, whether that was in time."""
        with self.file.transaction(self.file.sure) as disk:
            return [rows.revoke(disk, touch_id, at_ms) for touch_id in touch_ids]

    def is_revoked(self, touch_id: str) -> bool:
        """Return whether a touch was taken back, by any sender; may be called from any thread."""
        with self._looking, self.file.watched():
            row = self.file.looks.execute(
                "SELECT is_revoked FROM touches WHERE touch_id = ?", (touch_id,)
            ).fetchone()
        return row is not None and bool(row[0])

    def settle(self, words: Iterable[Word]) -> list[Entry | None]:
        """Write what became of touches; a word that is not stronger than the last is passed over.

        Returns:
            Of each what is known now; None: it is not in the journal.
        """
        with self.file.transaction(self.file.soon) as disk:
            return rows.settle(disk, [(word, self.mark(word.receipt.address)) for word in words])

    def reported(self, said: Sequence[tuple[str, str]]) -> None:
        """Take note that Kafka has these words: touch and status, in one transaction."""
        with self.file.transaction(self.file.soon) as disk:
            disk.execute(
                "UPDATE touches SET is_reported = 1, "
                "user_id = CASE is_erased WHEN 1 THEN '' ELSE user_id END "
                "FROM (SELECT value AS said FROM json_each(?)) "
                "WHERE touch_id = said ->> 0 AND status = said ->> 1 AND state = 'known'",
                (msgspec.json.encode(said).decode(),),
            )

    def owed(self, before_ms: int, count: int) -> list[Entry]:
        """Return words that were said before an instant and that Kafka does not have."""
        return self._entries(
            "state = 'known' AND NOT is_reported AND at_ms < ? AND user_id != '' LIMIT ?",
            (before_ms, count),
        )

    def left_open(self, before_ms: int, count: int) -> list[Entry]:
        """Return touches that were begun before an instant, and no more is known."""
        return self._entries("state = 'intended' AND begun_ms < ? LIMIT ?", (before_ms, count))

    def to_ask(self, now_ms: int, next_ms: int, count: int) -> list[tuple[Entry, int]]:
        """Return touches that are to be asked about, each with how often it was.

        None of them is returned again before ``next_ms``, to no sender.
        """
        with self.file.transaction(self.file.soon) as disk:
            found = disk.execute(
                f"SELECT {COLUMNS}, asked FROM touches WHERE ask_ms <= ? LIMIT ?",  # noqa: S608 (names of columns)
                (now_ms, count),
            ).fetchall()
            disk.executemany(
                "UPDATE touches SET ask_ms = ?, asked = asked + 1 WHERE touch_id = ?",
                [(next_ms, row[0]) for row in found],
            )
        return [(entry_of(row[:-1]), int(row[-1])) for row in found]

    def ask_again(self, touch_id: str, ask_ms: int | None) -> None:
        """Say when a touch is asked about next; None = not any more."""
        with self.file.watched():
            self.file.soon.execute(
                "UPDATE touches SET ask_ms = ? WHERE touch_id = ? AND ask_ms IS NOT NULL",
                (ask_ms, touch_id),
            )

    def scrub(self, user_id: str, touch_id: str = "") -> None:
        """Forget whose touches these were, of each as soon as Kafka has the end of it.

        Args:
            user_id: Who is forgotten.
            touch_id: A touch of that user which may not have been read yet; empty = none.
        """
        with self.file.transaction(self.file.sure) as disk:
            disk.execute(
                "UPDATE touches SET is_erased = 1, mark = NULL, "
                "user_id = CASE WHEN state = 'known' AND is_reported THEN '' ELSE user_id END "
                "WHERE (user_id = ? AND user_id != '') OR touch_id = ?",
                (user_id, touch_id),
            )

    def prune(self, before_ms: int, heard_before_ms: int) -> int:
        """Forget touches that Kafka knows the end of and that expired before an instant.

        Args:
            before_ms: That instant, epoch ms UTC.
            heard_before_ms: What was heard earlier by a name that nobody knows is forgotten too.

        Returns:
            How many touches.
        """
        with self.file.transaction(self.file.soon) as disk:
            disk.execute("DELETE FROM early WHERE heard_ms < ?", (heard_before_ms,))
            done = disk.execute(
                "DELETE FROM touches WHERE (is_reported OR state = 'revoked') "
                "AND max(expires_ms, at_ms) < ?",
                (before_ms,),
            )
        with self.file.watched():  # The write-ahead log holds what was deleted and overwritten.
            self.file.soon.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return done.rowcount

    def entry(self, touch_id: str) -> Entry | None:
        """Return what is known of a touch."""
        found = self._entries("touch_id = ?", (touch_id,))
        return found[0] if found else None

    def _entries(self, where: str, values: Sequence[Any]) -> list[Entry]:
        with self.file.watched():
            found = self.file.soon.execute(
                f"SELECT {COLUMNS} FROM touches WHERE {where}",  # noqa: S608 (written above)
                values,
            ).fetchall()
        return [entry_of(row) for row in found]

    def mark(self, address: str) -> str | None:
        """Return what stands for an address in the journal, however it is spelt; None for none."""
        return next(iter(self.marks(address)), None)

    def marks(self, address: str) -> list[str]:
        """Return all that may stand for an address in the journal, the newest first."""
        if not address:
            return []
        spelt = canonical(address).encode(errors="replace")
        digests = (hashlib.blake2b(spelt, digest_size=MARK_BYTES, key=key) for key in self._keys)
        return [digest.hexdigest() for digest in digests]
