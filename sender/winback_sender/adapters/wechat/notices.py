"""Messages on their way: whose a result is that names no id of ours.

A result names WeChat's id of a message, which a sender that was killed before the answer never
learned. Then it is that of the openid's last call without an answer: results come at once, and one
before that has had its own or never left. Other systems of the company send messages too, so such a
call is waited for only as long as a result takes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from winback_sender.adapters.wechat.memory import Memory, before_the_call
from winback_sender.contract.instants import DAY_MS, MINUTE_MS
from winback_sender.receipt import NotSentError

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
"""

KEPT_MS: Final = DAY_MS
"""The result of a message comes within seconds."""
LIMBO_MS: Final = 2 * MINUTE_MS
"""So long a result may be that of a call whose answer is missing."""


class Notices:
    """Messages of the last day; instants are epoch ms UTC."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

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

    def named(self, touch_id: str, msgid: str) -> None:
        """Take note of what WeChat calls a message."""
        with self._memory.change() as change:
            change.execute("UPDATE notices SET msgid = ? WHERE touch_id = ?", (msgid, touch_id))

    def touch_of(self, openid: str, msgid: str, at_ms: int, template_id: str = "") -> str:
        """Return the touch that a result of an instant is about, empty = that cannot be said.

        Args:
            openid: To whom the message went.
            msgid: What WeChat calls it.
            at_ms: When the result came.
            template_id: What it was; empty: the result does not say.
        """
        with self._memory.change() as change:
            found = (
                change.execute(
                    "SELECT touch_id FROM notices WHERE msgid = ? AND msgid <> ''", (msgid,)
                ).fetchone()
                or change.execute(
                    "SELECT touch_id FROM notices WHERE msgid = '' AND openid = ?1 AND at_ms > ?2 "
                    "AND (?3 = '' OR template_id = ?3) ORDER BY at_ms DESC LIMIT 1",
                    (self._memory.hashed(openid), at_ms - LIMBO_MS, template_id),
                ).fetchone()
            )
            if found is None:
                return ""
            change.execute("UPDATE notices SET msgid = ? WHERE touch_id = ?", (msgid, *found))
        return str(found[0])
