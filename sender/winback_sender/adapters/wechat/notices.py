"""Messages on their way: whose a result is that names no id of ours.

A result names WeChat's id of a message, which a sender that was killed before the answer never
learned. Then it is that of the openid's call without an answer. If there are several, it waits
until none of them is under way any more, and is that of the last: results come at once, so one
before that has had its own or never left. Other systems of the company send messages too, so such
a call is waited for only as long as a result takes.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from winback_sender.adapter import Heard
from winback_sender.adapters.wechat.memory import Memory, before_the_call
from winback_sender.contract.instants import DAY_MS, MINUTE_MS
from winback_sender.contract.words import Status
from winback_sender.receipt import NotSentError, Receipt

UNCLEAR: Final = "?"
"""Instead of WeChat's id: the call is over, and its answer says nothing. Empty: no answer yet."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS notices (
    touch_id TEXT PRIMARY KEY,
    openid BLOB NOT NULL,
    template_id TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    msgid TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS notices_at ON notices (at_ms);
CREATE INDEX IF NOT EXISTS notices_msgid ON notices (msgid, openid);
CREATE TABLE IF NOT EXISTS results (
    msgid TEXT PRIMARY KEY,
    openid BLOB NOT NULL,
    template_id TEXT NOT NULL,
    status TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) WITHOUT ROWID;
"""

KEPT_MS: Final = DAY_MS
"""The result of a message comes within seconds."""
LIMBO_MS: Final = 2 * MINUTE_MS
"""So long a result may be that of a call whose answer is missing."""


class Notices:
    """Messages of the last day; instants are epoch ms UTC.

    Args:
        memory: The file.
        call_ms: No call is under way for longer.
    """

    def __init__(self, memory: Memory, call_ms: int) -> None:
        self._memory = memory
        self._call_ms = call_ms
        self._told: list[str] = []

    @contextmanager
    def sending(self, openid: str, template_id: str, touch_id: str, at_ms: int) -> Iterator[None]:
        """Hold a call, from an instant on; what surely was not sent is forgotten."""
        with before_the_call(), self._memory.change() as change:
            change.execute("DELETE FROM notices WHERE at_ms < ?", (at_ms - KEPT_MS,))
            change.execute(
                "INSERT OR REPLACE INTO notices VALUES (?, ?, ?, ?, '')",
                (touch_id, self._memory.hashed(openid), template_id, at_ms),
            )
        try:
            yield
        except NotSentError:
            with self._memory.change() as change:
                change.execute("DELETE FROM notices WHERE touch_id = ?", (touch_id,))
            raise

    def answered(self, touch_id: str, msgid: str) -> None:
        """Take note of what WeChat calls a message, or that its answer does not say."""
        with self._memory.change() as change:
            change.execute(
                "UPDATE notices SET msgid = ? WHERE touch_id = ? AND msgid = ''",
                (msgid or UNCLEAR, touch_id),
            )

    def hear(
        self, openid: str, template_id: str, msgid: str, receipt: Receipt, at_ms: int
    ) -> list[Heard]:
        """Return a result as a word on its touch, or nothing while that is not clear.

        Args:
            openid: To whom the message went.
            template_id: What it was; empty: the result does not say.
            msgid: What WeChat calls it.
            receipt: What became of it.
            at_ms: When.
        """
        hashed = self._memory.hashed(openid)
        with self._memory.change() as change:
            touch_id = self._touch_of(change, hashed, template_id, msgid, at_ms)
            if touch_id is None:
                change.execute(
                    "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (msgid, hashed, template_id, receipt.status, receipt.outcome, receipt.reason,
                     at_ms),
                )  # fmt: skip
                return []
        return [Heard(receipt, at_ms, touch_id=touch_id, ref=msgid)]

    def late(self, now_ms: int) -> list[Heard]:
        """Return the results that have become clear; those of the last time are on disk now."""
        heard = []
        with self._memory.change() as change:
            change.executemany(
                "DELETE FROM results WHERE msgid = ?", [(msgid,) for msgid in self._told]
            )
            self._told = []
            for msgid, openid, template_id, status, outcome, reason, at_ms in change.execute(
                "SELECT msgid, openid, template_id, status, outcome, reason, at_ms FROM results"
            ).fetchall():
                touch_id = self._touch_of(change, openid, template_id, msgid, at_ms, now_ms)
                if touch_id is not None:
                    receipt = Receipt(Status(status), outcome, reason)
                    heard.append(Heard(receipt, at_ms, touch_id=touch_id, ref=msgid))
                    self._told.append(msgid)
        return heard

    def _touch_of(
        self,
        change: sqlite3.Connection,
        openid: bytes,
        template_id: str,
        msgid: str,
        at_ms: int,
        now_ms: int | None = None,
    ) -> str | None:
        """Return the touch of a result, empty = none that is known here, None = not clear yet."""
        named = change.execute(
            "SELECT touch_id FROM notices WHERE msgid = ? AND msgid NOT IN ('', '?')", (msgid,)
        ).fetchone()
        if named is not None:
            return str(named[0])
        found = change.execute(
            "SELECT touch_id, at_ms, msgid FROM notices WHERE msgid IN ('', '?') AND openid = ?1 "
            "AND at_ms > ?2 AND (?3 = '' OR template_id = ?3) ORDER BY at_ms DESC",
            (openid, at_ms - LIMBO_MS, template_id),
        ).fetchall()
        fresh_ms = (at_ms if now_ms is None else now_ms) - self._call_ms
        is_under_way = any(not answer and began_ms > fresh_ms for _, began_ms, answer in found)
        if len(found) > 1 and is_under_way:
            return None
        touch_id = str(found[0][0]) if found else ""
        change.execute("UPDATE notices SET msgid = ? WHERE touch_id = ?", (msgid, touch_id))
        return touch_id
